import { drawAlias } from './alias';
import { madd } from '../core/madd';
import { log, sigmoid4 } from '../core/math';
import { draw, stream } from '../core/random';
import { Struct } from '../core/struct';
import { sumLanes4 } from '../core/vector';

// Skip-gram with negative sampling over walks, in two phases that can each be cut between threads. First every walk by itself: its
// rows of V and V̄ stay in the first-level cache, the pairs inside the walk are small matrix products, and the gradients are left by
// position in the walk. Then every range of items by itself: the gradients of its items from all positions that the items have, and
// from the negatives that they were.

/** An entry of `partition`. */
@unmanaged
export class Entry extends Struct {
  item: i32;
  /** Position in the walks of a round. */
  position: i32;
  /** The negative's error; undefined in entries without values. */
  error: f32;
}

/** What all walks of a training share. */
@unmanaged
export class SkipGram extends Struct {
  /** Items of a walk. */
  length: i32;
  window: i32;
  /** A multiple of 16. */
  d: i32;
  negatives: i32;
  /** Items. */
  n: i32;
  /** The alias table, as buildUnigramTable leaves it. */
  thresholds: usize;
  aliases: usize;
  seed: u32;
  stage: u32;
  /** V and V̄ (n × d f32). */
  v: usize;
  vbar: usize;
}

/**
 * Gradients of the walks [begin, end), by position:
 *
 *   L = −Σ_pairs ( log σ(v_i·v̄_j) + Σ_k log σ(−v_i·v̄_k) )   over all pairs (i, j) at most `window` apart in a walk.
 *
 * Each pair meets `negatives` negatives from the alias table; the pairs of one centre share them, so each
 * of them counts once per pair of that centre. Walk w draws from the stream (seed, stage, w) alone.
 *
 * walks ((end − begin) × length i32, walk `begin` first). Written, for each position of these
 * walks: centres (d f32), the gradient of v_i, its negatives first, then its contexts, in order; contexts (d f32), that of v̄_i as a
 * context of the positions around it, in order; items and errors (`negatives` i32 and f32), where −error · v_i is the gradient of v̄_k.
 * scratch: skipgramScratchBytes; totals: f64[2], to which the loss and the number of pairs are added.
 */
export function skipgram(
  begin: i32,
  end: i32,
  walks: usize,
  training: SkipGram,
  centres: usize,
  contexts: usize,
  items: usize,
  errors: usize,
  scratch: usize,
  totals: usize,
): void {
  const length = training.length;
  const window = training.window;
  const d = training.d;
  const negatives = training.negatives;
  const n = training.n;
  const thresholds = training.thresholds;
  const aliases = training.aliases;
  const seed = training.seed;
  const stage = training.stage;
  const v = training.v;
  const vbar = training.vbar;
  const stride = (<usize>d) << 2;
  const reach = min<i32>(window, length - 1);
  const middle = reach + 3;
  const width = bandWidth(reach);
  const band = scratch;
  const own = band + ((<usize>(width * blocked(length))) << 2);
  const around = own + <usize>blocked(length) * stride;
  const some = around + <usize>(length + 3) * stride;
  const one = f32x4.splat(1.0);
  const lanes = i32x4(0, 1, 2, 3);
  memory.fill(own, 0, <usize>(blocked(length) + length + 3) * stride);
  let loss = load<f64>(totals);
  let pairs = load<f64>(totals, 8);
  for (let w = begin; w < end; w++) {
    const key = stream(seed, stage, w);
    for (let t = 0; t < length; t++) {
      const row = <usize>load<i32>(walks + ((<usize>t) << 2)) * stride;
      copyRow(own + <usize>t * stride, v + row, stride);
      copyRow(around + <usize>t * stride, vbar + row, stride);
    }

    // the scores of two centres and four targets at a time, by the targets' distance from the centre
    for (let t = 0; t < length; t += 2) {
      const to = min<i32>(length - 1, t + 1 + reach);
      const x0 = own + <usize>t * stride;
      const x1 = x0 + stride;
      for (let s = max<i32>(0, t - reach); s <= to; s += 4) {
        const r0 = around + <usize>s * stride;
        const r1 = r0 + stride;
        const r2 = r1 + stride;
        const r3 = r2 + stride;
        let a0 = f32x4.splat(0);
        let a1 = f32x4.splat(0);
        let a2 = f32x4.splat(0);
        let a3 = f32x4.splat(0);
        let b0 = f32x4.splat(0);
        let b1 = f32x4.splat(0);
        let b2 = f32x4.splat(0);
        let b3 = f32x4.splat(0);
        for (let c: usize = 0; c < stride; c += 16) {
          const x = v128.load(x0 + c);
          const y = v128.load(x1 + c);
          const s0 = v128.load(r0 + c);
          a0 = madd(a0, x, s0);
          b0 = madd(b0, y, s0);
          const s1 = v128.load(r1 + c);
          a1 = madd(a1, x, s1);
          b1 = madd(b1, y, s1);
          const s2 = v128.load(r2 + c);
          a2 = madd(a2, x, s2);
          b2 = madd(b2, y, s2);
          const s3 = v128.load(r3 + c);
          a3 = madd(a3, x, s3);
          b3 = madd(b3, y, s3);
        }
        const cell = band + ((<usize>(t * width + s - t + middle)) << 2);
        v128.store(cell, sumLanes4(a0, a1, a2, a3));
        v128.store(cell + ((<usize>(width - 1)) << 2), sumLanes4(b0, b1, b2, b3));
      }
    }

    for (let t = 0; t < blocked(length); t++) {
      // errors 1 − σ in place of the scores, 0 wherever there is no pair
      const from = t < length ? max<i32>(0, t - reach) - t + middle : 0;
      const to = t < length ? min<i32>(length - 1, t + reach) - t + middle : -4;
      const row = band + ((<usize>(t * width)) << 2);
      let product0 = f64x2.splat(1);
      let product1 = f64x2.splat(1);
      const begins = from & ~3;
      for (let c = 0; c < begins; c += 4) v128.store(row + ((<usize>c) << 2), f32x4.splat(0));
      for (let c = (to + 4) & ~3; c < width; c += 4) v128.store(row + ((<usize>c) << 2), f32x4.splat(0));
      for (let c = begins; c <= to; c += 4) {
        const at = i32x4.add(i32x4.splat(c), lanes);
        const paired = v128.and(
          v128.and(i32x4.ge_s(at, i32x4.splat(from)), i32x4.le_s(at, i32x4.splat(to))),
          i32x4.ne(at, i32x4.splat(middle)),
        );
        const cell = row + ((<usize>c) << 2);
        const likely = v128.bitselect(sigmoid4(v128.load(cell)), one, paired);
        v128.store(cell, f32x4.sub(one, likely));
        const bounded = f32x4.max(likely, f32x4.splat(1e-7));
        product0 = f64x2.mul(product0, f64x2.promote_low_f32x4(bounded));
        product1 = f64x2.mul(product1, f64x2.promote_low_f32x4(v128.shuffle<i32>(bounded, bounded, 2, 3, 2, 3)));
      }
      const count = to - from;
      if (count <= 0) {
        if (t < length) {
          memory.fill(centres + <usize>t * stride, 0, stride);
          memory.fill(items + ((<usize>(t * negatives)) << 2), 0xff, (<usize>negatives) << 2);
        }
        continue;
      }
      const product = f64x2.mul(product0, product1);
      const positive = f64x2.extract_lane(product, 0) * f64x2.extract_lane(product, 1);

      // the negatives, padded to a multiple of four with the last one
      const slot = items + ((<usize>(t * negatives)) << 2);
      for (let k = 0; k < negatives; k++) {
        const item = drawAlias(draw(key, t * negatives + k), n, thresholds, aliases);
        store<i32>(slot + ((<usize>k) << 2), item);
        store<usize>(some + ((<usize>k) << 3), vbar + <usize>item * stride);
      }
      const padded = (negatives + 3) & ~3;
      for (let k = negatives; k < padded; k++)
        store<usize>(some + ((<usize>k) << 3), load<usize>(some + ((<usize>k - 1) << 3)));
      const x = own + <usize>t * stride;
      const weight = f32x4.splat(-(<f32>count));
      let negative: f64 = 1;
      for (let k = 0; k < padded; k += 4) {
        const at = some + ((<usize>k) << 3);
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
        const out = errors + ((<usize>(t * negatives + k)) << 2);
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
      loss -= log(max<f64>(positive, 1e-300)) + <f64>count * log(max<f64>(negative, 1e-300));
      pairs += <f64>count;

      const error = errors + ((<usize>(t * negatives)) << 2);
      const out = centres + <usize>t * stride;
      for (let c: usize = 0; c < stride; c += 64) {
        let g0 = f32x4.splat(0);
        let g1 = f32x4.splat(0);
        let g2 = f32x4.splat(0);
        let g3 = f32x4.splat(0);
        for (let k = 0; k < negatives; k++) {
          const e = v128.load32_splat(error + ((<usize>k) << 2));
          const row = load<usize>(some + ((<usize>k) << 3)) + c;
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

    // four positions and eight columns at a time; past the last position errors are 0
    for (let t = 0; t < length; t += 4) {
      const from = max<i32>(0, t - reach);
      const to = min<i32>(length - 1, t + 3 + reach);
      const rows = min<i32>(4, length - t);
      // as a centre: row i of the block reads error (t + i, s)
      const diagonal = (<usize>(width - 1)) << 2;
      const first = band + ((<usize>(t * width + from - t + middle)) << 2);
      const out = centres + <usize>t * stride;
      for (let c: usize = 0; c < stride; c += 32) {
        let a0 = v128.load(out + c);
        let a1 = v128.load(out + c, 16);
        let b0 = f32x4.splat(0);
        let b1 = f32x4.splat(0);
        let c0 = f32x4.splat(0);
        let c1 = f32x4.splat(0);
        let d0 = f32x4.splat(0);
        let d1 = f32x4.splat(0);
        let at = out + stride + c;
        if (rows > 1) {
          b0 = v128.load(at);
          b1 = v128.load(at, 16);
        }
        at += stride;
        if (rows > 2) {
          c0 = v128.load(at);
          c1 = v128.load(at, 16);
        }
        at += stride;
        if (rows > 3) {
          d0 = v128.load(at);
          d1 = v128.load(at, 16);
        }
        let e0 = first;
        let y = around + <usize>from * stride + c;
        for (let s = from; s <= to; s++) {
          const y0 = v128.load(y);
          const y1 = v128.load(y, 16);
          let e = v128.load32_splat(e0);
          a0 = f32x4.sub(a0, f32x4.mul(e, y0));
          a1 = f32x4.sub(a1, f32x4.mul(e, y1));
          e = v128.load32_splat(e0 + diagonal);
          b0 = f32x4.sub(b0, f32x4.mul(e, y0));
          b1 = f32x4.sub(b1, f32x4.mul(e, y1));
          e = v128.load32_splat(e0 + 2 * diagonal);
          c0 = f32x4.sub(c0, f32x4.mul(e, y0));
          c1 = f32x4.sub(c1, f32x4.mul(e, y1));
          e = v128.load32_splat(e0 + 3 * diagonal);
          d0 = f32x4.sub(d0, f32x4.mul(e, y0));
          d1 = f32x4.sub(d1, f32x4.mul(e, y1));
          y += stride;
          e0 += 4;
        }
        storeRows(out + c, stride, rows, a0, a1, b0, b1, c0, c1, d0, d1);
      }
      // as a context: row i of the block reads error (s, t + i)
      const column = band + ((<usize>(from * width + t - from + middle)) << 2);
      for (let c: usize = 0; c < stride; c += 32) {
        let a0 = f32x4.splat(0);
        let a1 = f32x4.splat(0);
        let b0 = f32x4.splat(0);
        let b1 = f32x4.splat(0);
        let c0 = f32x4.splat(0);
        let c1 = f32x4.splat(0);
        let d0 = f32x4.splat(0);
        let d1 = f32x4.splat(0);
        let e0 = column;
        let y = own + <usize>from * stride + c;
        for (let s = from; s <= to; s++) {
          const y0 = v128.load(y);
          const y1 = v128.load(y, 16);
          let e = v128.load32_splat(e0);
          a0 = f32x4.sub(a0, f32x4.mul(e, y0));
          a1 = f32x4.sub(a1, f32x4.mul(e, y1));
          e = v128.load32_splat(e0, 4);
          b0 = f32x4.sub(b0, f32x4.mul(e, y0));
          b1 = f32x4.sub(b1, f32x4.mul(e, y1));
          e = v128.load32_splat(e0, 8);
          c0 = f32x4.sub(c0, f32x4.mul(e, y0));
          c1 = f32x4.sub(c1, f32x4.mul(e, y1));
          e = v128.load32_splat(e0, 12);
          d0 = f32x4.sub(d0, f32x4.mul(e, y0));
          d1 = f32x4.sub(d1, f32x4.mul(e, y1));
          y += stride;
          e0 += diagonal;
        }
        storeRows(contexts + <usize>t * stride + c, stride, rows, a0, a1, b0, b1, c0, c1, d0, d1);
      }
    }
    walks += (<usize>length) << 2;
    centres += <usize>length * stride;
    contexts += <usize>length * stride;
    items += (<usize>(length * negatives)) << 2;
    errors += (<usize>(length * negatives)) << 2;
  }
  store<f64>(totals, loss);
  store<f64>(totals, pairs, 8);
}

/** Bytes that `skipgram` needs beside its outputs. */
export function skipgramScratchBytes(length: i32, window: i32, d: i32, negatives: i32): usize {
  const rows = blocked(length);
  return (
    ((<usize>(rows * bandWidth(min<i32>(window, length - 1)) + (rows + length + 3) * d)) << 2) +
    ((<usize>(negatives + 3)) << 3)
  );
}

/** Positions, padded to blocks of four. */
// @ts-ignore: decorator
@inline
function blocked(length: i32): i32 {
  return (length + 3) & ~3;
}

/** Cells of a row of errors: distances from −reach − 3 to reach + 3, which the blocks of four touch, padded to vectors. */
// @ts-ignore: decorator
@inline
function bandWidth(reach: i32): i32 {
  return (2 * reach + 7 + 3) & ~3;
}

// @ts-ignore: decorator
@inline
function storeRows(
  out: usize,
  stride: usize,
  rows: i32,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
): void {
  v128.store(out, a0);
  v128.store(out, a1, 16);
  if (rows > 1) {
    v128.store(out + stride, b0);
    v128.store(out + stride, b1, 16);
  }
  if (rows > 2) {
    v128.store(out + 2 * stride, c0);
    v128.store(out + 2 * stride, c1, 16);
  }
  if (rows > 3) {
    v128.store(out + 3 * stride, d0);
    v128.store(out + 3 * stride, d1, 16);
  }
}

/**
 * Entries by ranges of 2^shift items, in order within a range: entry e, of items[e], becomes (items[e], first + ⌊e / per⌋, values[e]).
 * Negative items are left out.
 *
 * items (count i32), values (count f32, or address 0: then the third word is left as it was); indptr (ranges + 1 i32) and out
 * (count × 12 bytes) are written.
 */
export function partition(
  count: i32,
  items: usize,
  values: usize,
  first: i32,
  per: i32,
  shift: i32,
  ranges: i32,
  indptr: usize,
  out: usize,
): void {
  memory.fill(indptr, 0, (<usize>ranges + 1) << 2);
  for (let e = 0; e < count; e++) {
    const item = load<i32>(items + ((<usize>e) << 2));
    if (item < 0) continue;
    const cell = indptr + ((<usize>(item >> shift)) << 2);
    store<i32>(cell, load<i32>(cell, 4) + 1, 4);
  }
  for (let r = 1; r <= ranges; r++) {
    const cell = indptr + ((<usize>r) << 2);
    store<i32>(cell, load<i32>(cell) + load<i32>(cell - 4));
  }
  // each range's start moves to its end while it fills, and is put back after
  let index = first;
  for (let e = 0; e < count; index++) {
    for (const last = min<i32>(count, e + per); e < last; e++) {
      const item = load<i32>(items + ((<usize>e) << 2));
      if (item < 0) continue;
      const cell = indptr + ((<usize>(item >> shift)) << 2);
      const at = load<i32>(cell);
      store<i32>(cell, at + 1);
      const to = changetype<Entry>(out + <usize>at * offsetof<Entry>());
      to.item = item;
      to.position = index;
      if (values != 0) to.error = load<f32>(values + ((<usize>e) << 2));
    }
  }
  memory.copy(indptr + 4, indptr, (<usize>ranges) << 2);
  store<i32>(indptr, 0);
}

/** What a round of walks leaves, block by block, and where its gradients go. */
@unmanaged
export class Round extends Struct {
  /** Ranges of items, as `partition` cut them. */
  ranges: i32;
  /** Blocks of walks, one after the other. */
  blocks: i32;
  /** From a block's positions, and its drawn, to the next one's. */
  blockBytes: u32;
  /** As `skipgram` has them, from the first position of the first block on. */
  walks: usize;
  centres: usize;
  contexts: usize;
  /** `partition`'s indptr, then its out, of the first block's walks. */
  positions: usize;
  /** The same of its negatives. */
  drawn: usize;
  d: i32;
  /** V (n × d f32). */
  v: usize;
  /** The gradients of V and V̄ (n × d f32). */
  dv: usize;
  dvbar: usize;
}

/**
 * The gradients of one range of items, which are added to: of each block of walks first those of the positions that the items
 * have, in order, then those of the negatives that they were.
 */
export function addGradients(range: i32, round: Round): void {
  const walks = round.walks;
  const centres = round.centres;
  const contexts = round.contexts;
  const v = round.v;
  const dv = round.dv;
  const dvbar = round.dvbar;
  let positions = round.positions;
  let drawn = round.drawn;
  const blocks = round.blocks;
  const blockBytes = <usize>round.blockBytes;
  const stride = (<usize>round.d) << 2;
  const header = (<usize>round.ranges + 1) << 2;
  for (let block = 0; block < blocks; block++) {
    const p = positions + header;
    const bounds = positions + ((<usize>range) << 2);
    const pEnd = p + <usize>load<i32>(bounds, 4) * offsetof<Entry>();
    for (let at = p + <usize>load<i32>(bounds) * offsetof<Entry>(); at < pEnd; at += offsetof<Entry>()) {
      const row = <usize>changetype<Entry>(at).item * stride;
      const from = <usize>changetype<Entry>(at).position * stride;
      addRow(dv + row, centres + from, stride);
      addRow(dvbar + row, contexts + from, stride);
    }
    const q = drawn + header;
    const drawnBounds = drawn + ((<usize>range) << 2);
    const qEnd = q + <usize>load<i32>(drawnBounds, 4) * offsetof<Entry>();
    for (let at = q + <usize>load<i32>(drawnBounds) * offsetof<Entry>(); at < qEnd; at += offsetof<Entry>()) {
      const entry = changetype<Entry>(at);
      const out = dvbar + <usize>entry.item * stride;
      const x = v + <usize>load<i32>(walks + ((<usize>entry.position) << 2)) * stride;
      const e = v128.load32_splat(at, offsetof<Entry>('error'));
      for (let c: usize = 0; c < stride; c += 64) {
        v128.store(out + c, f32x4.sub(v128.load(out + c), f32x4.mul(e, v128.load(x + c))));
        v128.store(out + c, f32x4.sub(v128.load(out + c, 16), f32x4.mul(e, v128.load(x + c, 16))), 16);
        v128.store(out + c, f32x4.sub(v128.load(out + c, 32), f32x4.mul(e, v128.load(x + c, 32))), 32);
        v128.store(out + c, f32x4.sub(v128.load(out + c, 48), f32x4.mul(e, v128.load(x + c, 48))), 48);
      }
    }
    positions += blockBytes;
    drawn += blockBytes;
  }
}

// @ts-ignore: decorator
@inline
function copyRow(out: usize, x: usize, bytes: usize): void {
  for (let c: usize = 0; c < bytes; c += 64) {
    v128.store(out + c, v128.load(x + c));
    v128.store(out + c, v128.load(x + c, 16), 16);
    v128.store(out + c, v128.load(x + c, 32), 32);
    v128.store(out + c, v128.load(x + c, 48), 48);
  }
}

// @ts-ignore: decorator
@inline
function addRow(out: usize, x: usize, bytes: usize): void {
  for (let c: usize = 0; c < bytes; c += 64) {
    v128.store(out + c, f32x4.add(v128.load(out + c), v128.load(x + c)));
    v128.store(out + c, f32x4.add(v128.load(out + c, 16), v128.load(x + c, 16)), 16);
    v128.store(out + c, f32x4.add(v128.load(out + c, 32), v128.load(x + c, 32)), 32);
    v128.store(out + c, f32x4.add(v128.load(out + c, 48), v128.load(x + c, 48)), 48);
  }
}
