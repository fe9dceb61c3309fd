// The negatives of one centre of skip-gram: drawn, scored, and their part of the centre's gradient.
import { at32, at64, setI32 } from '../core/arrays';
import { madd } from '../core/madd';
import { sigmoid4 } from '../core/math';
import { draw } from '../core/random';
import { sumLanes4 } from '../core/vector';
import { drawAlias } from './alias';

/**
 * Draws the negatives of centre t: writes them to items (negatives i32), and the addresses of their rows of V̄ to rows,
 * 8 bytes apart and padded to a multiple of four with the last one.
 */
// @ts-ignore: decorator
@inline
export function drawNegatives(
  key: u64,
  t: i32,
  negatives: i32,
  n: i32,
  thresholds: usize,
  aliases: usize,
  vbar: usize,
  stride: usize,
  items: usize,
  rows: usize,
): void {
  for (let k = 0; k < negatives; k++) {
    const item = drawAlias(draw(key, t * negatives + k), n, thresholds, aliases);
    setI32(items, k, item);
    store<usize>(at64(rows, k), vbar + <usize>item * stride);
  }
  const padded = (negatives + 3) & ~3;
  for (let k = negatives; k < padded; k++) store<usize>(at64(rows, k), load<usize>(at64(rows, k - 1)));
}

/**
 * errors (negatives f32) gets −count · σ(x · v̄_k), count being the centre's pairs; four negatives at a time.
 * Returns the product of 1 − σ over the negatives, none below 1e-7, in order.
 */
// @ts-ignore: decorator
@inline
export function negativeErrors(x: usize, count: i32, negatives: i32, stride: usize, rows: usize, errors: usize): f64 {
  const one = f32x4.splat(1.0);
  const padded = (negatives + 3) & ~3;
  const weight = f32x4.splat(-(<f32>count));
  let negative: f64 = 1;
  for (let k = 0; k < padded; k += 4) {
    const at = at64(rows, k);
    const r0 = load<usize>(at);
    const r1 = load<usize>(at, 8);
    const r2 = load<usize>(at, 16);
    const r3 = load<usize>(at, 24);
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    let b2 = f32x4.splat(0);
    let b3 = f32x4.splat(0);
    for (let c: usize = 0; c < stride; c += 32) {
      const y0 = v128.load(x + c);
      const y1 = v128.load(x + c, 16);
      a0 = madd(a0, y0, v128.load(r0 + c));
      b0 = madd(b0, y1, v128.load(r0 + c, 16));
      a1 = madd(a1, y0, v128.load(r1 + c));
      b1 = madd(b1, y1, v128.load(r1 + c, 16));
      a2 = madd(a2, y0, v128.load(r2 + c));
      b2 = madd(b2, y1, v128.load(r2 + c, 16));
      a3 = madd(a3, y0, v128.load(r3 + c));
      b3 = madd(b3, y1, v128.load(r3 + c, 16));
    }
    const likely = sigmoid4(sumLanes4(f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3)));
    const error = f32x4.mul(weight, likely);
    const bounded = f32x4.max(f32x4.sub(one, likely), f32x4.splat(1e-7));
    const out = at32(errors, k);
    store<f32>(out, f32x4.extract_lane(error, 0));
    negative *= <f64>f32x4.extract_lane(bounded, 0);
    if (k + 1 < negatives) {
      store<f32>(out, f32x4.extract_lane(error, 1), 4);
      negative *= <f64>f32x4.extract_lane(bounded, 1);
    }
    if (k + 2 < negatives) {
      store<f32>(out, f32x4.extract_lane(error, 2), 8);
      negative *= <f64>f32x4.extract_lane(bounded, 2);
    }
    if (k + 3 < negatives) {
      store<f32>(out, f32x4.extract_lane(error, 3), 12);
      negative *= <f64>f32x4.extract_lane(bounded, 3);
    }
  }
  return negative;
}

/** out (a row) gets the negatives' part of the gradient of v, −Σ_k errors_k · v̄_k in order. */
// @ts-ignore: decorator
@inline
export function negativeGradient(out: usize, negatives: i32, stride: usize, rows: usize, errors: usize): void {
  for (let c: usize = 0; c < stride; c += 64) {
    let g0 = f32x4.splat(0);
    let g1 = f32x4.splat(0);
    let g2 = f32x4.splat(0);
    let g3 = f32x4.splat(0);
    for (let k = 0; k < negatives; k++) {
      const e = v128.load32_splat(at32(errors, k));
      const row = load<usize>(at64(rows, k)) + c;
      g0 = f32x4.sub(g0, f32x4.mul(e, v128.load(row)));
      g1 = f32x4.sub(g1, f32x4.mul(e, v128.load(row, 16)));
      g2 = f32x4.sub(g2, f32x4.mul(e, v128.load(row, 32)));
      g3 = f32x4.sub(g3, f32x4.mul(e, v128.load(row, 48)));
    }
    v128.store(out + c, g0);
    v128.store(out + c, g1, 16);
    v128.store(out + c, g2, 32);
    v128.store(out + c, g3, 48);
  }
}
