// The losses of factorisation: the pairwise one of BPR (Rendle et al., 2009) over a batch of interactions (u, i), each with K negatives k:
//   mean over the pairs of softplus(s_uk − s_ui), s_uj = e_u · e_j,
// or the cross-entropy over them as samples, mean of softplus(s_uk) and softplus(−s_ui) over the 1 + K of an interaction,
// and the L2 term (λ / 2B) Σ (‖e⁰_u‖² + ‖e⁰_i‖² + (1/K) Σ_k ‖e⁰_k‖²). Rows of the tables: first all users, then all items.
// Scores take whole rows (rows × d); gradients go to panels of 16 columns, one task each, so that no two tasks write the
// same number. Precision: f32; the loss is summed in f64. Order: interactions as the batch has them, negatives as drawn.
import { at32, bytesOf, f32At, i32At, setF32, setI32, u32At } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { madd } from '../core/madd';
import { exp, log } from '../core/math';
import { below, draw, stream, unit } from '../core/random';
import { Struct } from '../core/struct';
import { dot } from '../core/vector';
import { LINE_BYTES } from '../layout';
import { Dropping } from '../nets/sample';

const LINE: usize = <usize>LINE_BYTES;

/** What the batches of a market share. */
@unmanaged
export class PairLoss extends Struct {
  /** X over all users: (users + 1) × i32, and the items of each, ascending */
  indptr: usize;
  items: usize;
  /** R × i32: the user of each interaction */
  users: usize;
  /** n × i32, ascending: the items that the market sells, of which negatives are drawn */
  sold: usize;
  n: i32;
  /** (all users + all items) × d × f32 */
  vectors: usize;
  /** A multiple of 16. */
  d: i32;
  /** All users: row of item 0. */
  firstItem: i32;
  /** K. */
  negatives: i32;
  seed: u32;
  stage: u32;
  /** Added to an interaction's number, modulo 2³²: the key of its stream. */
  epoch: u32;
  /** 1 / (K B) of pairs, 1 / ((1 + K) B) of samples. */
  share: f32;
  /** 1: pairs; 0: samples, by cross-entropy. */
  pairs: i32;
}

/**
 * Draws negatives and scores: what the gradients are made of.
 *
 * @param count interactions, @param chosen count × u32: which
 * @param rows count × (K + 2) × i32, written: rows of the user, of the item and of its negatives
 * @param weights count × (K + 2) × f32, written: 0, then what the user's row is multiplied by to give the gradient of
 * each item. A user who has all that is sold gets no negatives: weights of 0, the item's own row in their place
 * @param totals f64: the sum of the losses is added
 */
export function pairWeights(count: i32, chosen: usize, x: PairLoss, rows: usize, weights: usize, totals: usize): void {
  const negatives = x.negatives;
  const bytes = bytesOf(x.d);
  const share = x.share;
  const pairs = x.pairs;
  let sum: f64 = 0;
  for (let b = 0; b < count; b++) {
    const interaction = u32At(chosen, b);
    const user = i32At(x.users, interaction);
    const item = i32At(x.items, interaction);
    const first = rowBegin(x.indptr, user);
    const last = rowEnd(x.indptr, user);
    const key = stream(x.seed, x.stage, interaction + x.epoch);
    const u = x.vectors + <usize>user * bytes;
    const own = dot(u, x.vectors + <usize>(x.firstItem + item) * bytes, bytes);
    const free = x.n > last - first;
    let drawn: u32 = 0;
    let pulled: f32 = 0;
    if (free && !pairs) {
      sum += softplus(<f64>-own);
      pulled = <f32>sigmoid(<f64>-own) * share;
    }
    const base = pairs ? own : <f32>0;
    setI32(rows, 0, user);
    setF32(weights, 0, 0);
    setI32(rows, 1, x.firstItem + item);
    for (let k = 0; k < negatives; k++) {
      let other = item;
      let weight: f32 = 0;
      if (free) {
        do other = i32At(x.sold, below(draw(key, drawn++), x.n));
        while (contains(x.items, first, last, other));
        const difference = <f64>(dot(u, x.vectors + <usize>(x.firstItem + other) * bytes, bytes) - base);
        sum += softplus(difference);
        weight = <f32>sigmoid(difference) * share;
      }
      if (pairs) pulled += weight;
      setI32(rows, 2 + k, x.firstItem + other);
      setF32(weights, 2 + k, weight);
    }
    setF32(weights, 1, -pulled);
    rows += bytesOf(negatives + 2);
    weights += bytesOf(negatives + 2);
  }
  store<f64>(totals, load<f64>(totals) + sum);
}

/** log(1 + e^x), without overflow. */
function softplus(x: f64): f64 {
  return max<f64>(0, x) + log(1 + exp(-abs(x)));
}

function sigmoid(x: f64): f64 {
  const e = exp(-abs(x));
  return x > 0 ? 1 / (1 + e) : e / (1 + e);
}

/** Whether `item` is among items[first, last), which ascend. */
// @ts-ignore: decorator
@inline
function contains(items: usize, first: i32, last: i32, item: i32): bool {
  while (first < last) {
    const middle = (first + last) >> 1;
    if (i32At(items, middle) < item) first = middle + 1;
    else if (i32At(items, middle) == item) return true;
    else last = middle;
  }
  return false;
}

/**
 * The gradients by the scored rows, 16 columns of them, without the L2 term.
 *
 * @param count interactions, with `rows` and `weights` of pairWeights
 * @param vectors rows × d × f32 from the panel's first column on, `stride` bytes a row
 * @param gradient rows × 16 × f32, to which is added
 * @param fixed whether the last column of users is a constant: its gradient stays 0
 */
export function pairGradients(
  count: i32,
  negatives: i32,
  rows: usize,
  weights: usize,
  vectors: usize,
  stride: u32,
  gradient: usize,
  fixed: bool,
): void {
  const bytes = bytesOf(negatives + 2);
  const mask = fixed ? i32x4(-1, -1, -1, 0) : i32x4.splat(-1);
  for (let b = 0; b < count; b++) {
    const user = load<i32>(rows);
    const u = vectors + <usize>user * <usize>stride;
    const u0 = v128.load(u);
    const u1 = v128.load(u, 16);
    const u2 = v128.load(u, 32);
    const u3 = v128.load(u, 48);
    let g0 = f32x4.splat(0);
    let g1 = f32x4.splat(0);
    let g2 = f32x4.splat(0);
    let g3 = f32x4.splat(0);
    for (let k = 1; k < negatives + 2; k++) {
      const row = <usize>i32At(rows, k);
      const w = f32x4.splat(f32At(weights, k));
      const v = vectors + row * <usize>stride;
      g0 = madd(g0, w, v128.load(v));
      g1 = madd(g1, w, v128.load(v, 16));
      g2 = madd(g2, w, v128.load(v, 32));
      g3 = madd(g3, w, v128.load(v, 48));
      const to = gradient + row * LINE;
      v128.store(to, madd(v128.load(to), w, u0));
      v128.store(to, madd(v128.load(to, 16), w, u1), 16);
      v128.store(to, madd(v128.load(to, 32), w, u2), 32);
      v128.store(to, madd(v128.load(to, 48), w, u3), 48);
    }
    const to = gradient + <usize>user * LINE;
    v128.store(to, f32x4.add(v128.load(to), g0));
    v128.store(to, f32x4.add(v128.load(to, 16), g1), 16);
    v128.store(to, f32x4.add(v128.load(to, 32), g2), 32);
    v128.store(to, f32x4.add(v128.load(to, 48), v128.and(g3, mask)), 48);
    rows += bytes;
    weights += bytes;
  }
}

/**
 * The gradients of the L2 term by 16 columns of the parameters: λ/B e⁰ for users and items, λ/(KB) e⁰ for negatives.
 *
 * @param parameters rows × 16 × f32
 * @param gradient rows × 16 × f32, to which is added
 * @param decay λ / B
 * @param fixed as in pairGradients
 */
export function pairDecay(
  count: i32,
  negatives: i32,
  rows: usize,
  parameters: usize,
  gradient: usize,
  decay: f32,
  fixed: bool,
): void {
  const mask = fixed ? i32x4(-1, -1, -1, 0) : i32x4.splat(-1);
  for (let b = 0; b < count; b++) {
    for (let k = 0; k < negatives + 2; k++) {
      const at = <usize>i32At(rows, k) * LINE;
      const from = parameters + at;
      const to = gradient + at;
      const w = f32x4.splat(k < 2 ? decay : decay / <f32>negatives);
      v128.store(to, madd(v128.load(to), w, v128.load(from)));
      v128.store(to, madd(v128.load(to, 16), w, v128.load(from, 16)), 16);
      v128.store(to, madd(v128.load(to, 32), w, v128.load(from, 32)), 32);
      const last = v128.load(from, 48);
      v128.store(to, madd(v128.load(to, 48), w, k == 0 ? v128.and(last, mask) : last), 48);
    }
    rows = at32(rows, negatives + 2);
  }
}

/**
 * Dropout of edges: each of [begin, end) of a graph is hidden with probability `rate`, else divided by 1 − rate. Edges of
 * the same number share their fate.
 *
 * @param ids i32, the number of each edge
 * @param values f32, what they weigh, @param out what they weigh then
 * @param numbers its stream is (seed, stage, first), and the number of an edge its counter
 */
export function dropEdges(begin: i32, end: i32, ids: usize, values: usize, out: usize, numbers: Dropping): void {
  const key = stream(numbers.seed, numbers.stage, numbers.first);
  const kept = <f32>1 / (<f32>1 - numbers.rate);
  for (let e = begin; e < end; e++)
    setF32(out, e, unit(draw(key, i32At(ids, e))) < numbers.rate ? <f32>0 : f32At(values, e) * kept);
}

/**
 * Y[r] = scale · (base[r] + Σ_e values[e] · X[indices[e]]) for the 16 columns of a panel: a step of Horner's rule for
 * 1/(L+1) Σ Ã^l E. The sum runs over the row's entries in order, then the base is added.
 *
 * @param x rows of 16 f32, @param base rows of 16 f32
 * @param y rows of 16 f32, `stride` bytes apart; must not overlap x; may be base where its stride is 64
 */
export function propagateOnto(
  begin: i32,
  end: i32,
  indptr: usize,
  indices: usize,
  values: usize,
  x: usize,
  base: usize,
  y: usize,
  stride: u32,
  scale: f32,
): void {
  const toValue = values - indices;
  const s = f32x4.splat(scale);
  for (let r = begin; r < end; r++) {
    const last = at32(indices, rowEnd(indptr, r));
    const out = y + <usize>r * stride;
    const own = base + <usize>r * LINE;
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    for (let e = at32(indices, rowBegin(indptr, r)); e < last; e += 4) {
      const w = v128.load32_splat(e + toValue);
      const row = x + <usize>load<i32>(e) * LINE;
      a0 = madd(a0, w, v128.load(row));
      a1 = madd(a1, w, v128.load(row, 16));
      a2 = madd(a2, w, v128.load(row, 32));
      a3 = madd(a3, w, v128.load(row, 48));
    }
    v128.store(out, f32x4.mul(s, f32x4.add(a0, v128.load(own))));
    v128.store(out, f32x4.mul(s, f32x4.add(a1, v128.load(own, 16))), 16);
    v128.store(out, f32x4.mul(s, f32x4.add(a2, v128.load(own, 32))), 32);
    v128.store(out, f32x4.mul(s, f32x4.add(a3, v128.load(own, 48))), 48);
  }
}
