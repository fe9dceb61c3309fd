import { drawAlias } from './alias';
import { log, sigmoid4 } from './math';
import { draw, stream } from './random';
import { sumLanes } from './vector';

/**
 * Gradients of the skip-gram loss with negative sampling over the walks [begin, end):
 *
 *   L = −Σ_pairs ( log σ(v_i·v̄_j) + Σ_k log σ(−v_i·v̄_k) )   over all pairs (i, j) at most `window` apart in a walk.
 *
 * Each pair meets `negatives` negatives from the alias table; the pairs of one centre share them, so each
 * of them counts once per pair of that centre. Walk w draws from the stream (seed, stage, w) alone.
 *
 * walks ((end − begin) × length i32, walk `begin` first); v, vbar, dv, dvbar (n × d f32, d a multiple of 16), gradients are added
 * to dv and dvbar in the order of walks, centres and targets; scratch (2 · window + negatives + 4) × 8 bytes;
 * totals: f64[2], to which the loss and the number of pairs are added.
 */
export function skipgram(begin: i32, end: i32, walks: usize, length: i32, window: i32, d: i32, negatives: i32, n: i32, thresholds: usize, aliases: usize, seed: u32, stage: u32, v: usize, vbar: usize, dv: usize, dvbar: usize, scratch: usize, totals: usize): void {
  const stride = (<usize>d) << 2;
  const slots = <usize>(2 * window + negatives + 4);
  const offsets = scratch;
  const errors = scratch + (slots << 2);
  const toBar = vbar;
  const toGradient = dvbar;
  const one = f32x4.splat(1.0);
  let loss = load<f64>(totals);
  let pairs = load<f64>(totals, 8);
  for (let w = begin; w < end; w++) {
    const key = stream(seed, stage, w);
    for (let t = 0; t < length; t++) {
      // the targets: contexts first, then the shared negatives, padded to a multiple of four with the last one
      const from = max<i32>(0, t - window);
      const to = min<i32>(length - 1, t + window);
      const contexts = to - from;
      if (contexts == 0) continue;
      let slot = offsets;
      for (let s = from; s <= to; s++) {
        if (s == t) continue;
        store<usize>(slot, <usize>load<i32>(walks + ((<usize>s) << 2)) * stride);
        slot += 4;
      }
      for (let k = 0; k < negatives; k++) {
        store<usize>(slot, <usize>drawAlias(draw(key, t * negatives + k), n, thresholds, aliases) * stride);
        slot += 4;
      }
      const targets = contexts + negatives;
      const padded = (targets + 3) & ~3;
      for (let k = targets; k < padded; k++) {
        store<usize>(slot, load<usize>(slot - 4));
        slot += 4;
      }
      const centre = <usize>load<i32>(walks + ((<usize>t) << 2)) * stride;
      const own = v + centre;

      // scores of four targets at a time, two accumulators each; then the error of each: weight · (label − σ)
      let positive: f64 = 1;
      let negative: f64 = 1;
      for (let k = 0; k < padded; k += 4) {
        const at = offsets + ((<usize>k) << 2);
        const r0 = toBar + load<usize>(at);
        const r1 = toBar + load<usize>(at, 4);
        const r2 = toBar + load<usize>(at, 8);
        const r3 = toBar + load<usize>(at, 12);
        let a0 = f32x4.splat(0);
        let a1 = f32x4.splat(0);
        let a2 = f32x4.splat(0);
        let a3 = f32x4.splat(0);
        let b0 = f32x4.splat(0);
        let b1 = f32x4.splat(0);
        let b2 = f32x4.splat(0);
        let b3 = f32x4.splat(0);
        for (let c: usize = 0; c < stride; c += 32) {
          const x = v128.load(own + c);
          const y = v128.load(own + c, 16);
          a0 = f32x4.add(a0, f32x4.mul(x, v128.load(r0 + c)));
          b0 = f32x4.add(b0, f32x4.mul(y, v128.load(r0 + c, 16)));
          a1 = f32x4.add(a1, f32x4.mul(x, v128.load(r1 + c)));
          b1 = f32x4.add(b1, f32x4.mul(y, v128.load(r1 + c, 16)));
          a2 = f32x4.add(a2, f32x4.mul(x, v128.load(r2 + c)));
          b2 = f32x4.add(b2, f32x4.mul(y, v128.load(r2 + c, 16)));
          a3 = f32x4.add(a3, f32x4.mul(x, v128.load(r3 + c)));
          b3 = f32x4.add(b3, f32x4.mul(y, v128.load(r3 + c, 16)));
        }
        let scores = f32x4.splat(sumLanes(f32x4.add(a0, b0)));
        scores = f32x4.replace_lane(scores, 1, sumLanes(f32x4.add(a1, b1)));
        scores = f32x4.replace_lane(scores, 2, sumLanes(f32x4.add(a2, b2)));
        scores = f32x4.replace_lane(scores, 3, sumLanes(f32x4.add(a3, b3)));
        const likely = sigmoid4(scores);
        const unlikely = f32x4.sub(one, likely);
        const error = errors + ((<usize>k) << 2);
        v128.store(error, likely);
        for (let lane = k; lane < min<i32>(k + 4, targets); lane++) {
          const p = load<f32>(errors + ((<usize>lane) << 2));
          if (lane < contexts) {
            positive *= <f64>max<f32>(p, 1e-7);
            store<f32>(errors + ((<usize>lane) << 2), <f32>1 - p);
          } else {
            negative *= <f64>max<f32>(<f32>1 - p, 1e-7);
            store<f32>(errors + ((<usize>lane) << 2), -<f32>contexts * p);
          }
        }
      }
      loss -= log(max<f64>(positive, 1e-300)) + <f64>contexts * log(max<f64>(negative, 1e-300));
      pairs += <f64>contexts;

      // dL/dv_i = −Σ error · v̄, dL/dv̄ = −error · v_i, sixteen columns at a time
      const gradient = dv + centre;
      for (let c: usize = 0; c < stride; c += 64) {
        const x0 = v128.load(own + c);
        const x1 = v128.load(own + c, 16);
        const x2 = v128.load(own + c, 32);
        const x3 = v128.load(own + c, 48);
        let g0 = v128.load(gradient + c);
        let g1 = v128.load(gradient + c, 16);
        let g2 = v128.load(gradient + c, 32);
        let g3 = v128.load(gradient + c, 48);
        for (let k = 0; k < targets; k++) {
          const e = v128.load32_splat(errors + ((<usize>k) << 2));
          const offset = load<usize>(offsets + ((<usize>k) << 2)) + c;
          const row = toBar + offset;
          const out = toGradient + offset;
          g0 = f32x4.sub(g0, f32x4.mul(e, v128.load(row)));
          g1 = f32x4.sub(g1, f32x4.mul(e, v128.load(row, 16)));
          g2 = f32x4.sub(g2, f32x4.mul(e, v128.load(row, 32)));
          g3 = f32x4.sub(g3, f32x4.mul(e, v128.load(row, 48)));
          v128.store(out, f32x4.sub(v128.load(out), f32x4.mul(e, x0)));
          v128.store(out, f32x4.sub(v128.load(out, 16), f32x4.mul(e, x1)), 16);
          v128.store(out, f32x4.sub(v128.load(out, 32), f32x4.mul(e, x2)), 32);
          v128.store(out, f32x4.sub(v128.load(out, 48), f32x4.mul(e, x3)), 48);
        }
        v128.store(gradient + c, g0);
        v128.store(gradient + c, g1, 16);
        v128.store(gradient + c, g2, 32);
        v128.store(gradient + c, g3, 48);
      }
    }
    walks += (<usize>length) << 2;
  }
  store<f64>(totals, loss);
  store<f64>(totals, pairs, 8);
}
