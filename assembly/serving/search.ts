// The k best items of each user of a batch, exactly as `scoreLinear`, `addCosines`, `addBias` and `topK` find them,
// mostly without the exact cosines: 16-bit quantised vectors rule out items that cannot be among the best, and only the
// others are scored exactly.
//
// A row x of V and the unit vector y = u / ‖u‖ are held as p = round(S x) and q = round(S y), and |p · q / S² − x · y|
// ≤ `error`, which includes the rounding of the exact score (`src/recommend/search.ts` derives it). Adding f32 and
// rounding are monotonic, so with c' the cosine term from p · q and e = |weight| · error (both times ‖u‖ where scores are products),
//   low = (linear + (c' − e)) + bias  ≤  score  ≤  high = (linear + (c' + e)) + bias
// hold for the rounded sums too, whatever the linear term is. If `high` is not above the k-th best `low` of the items
// before, k items of lower index score at least as much: the item is not among the best. The others are listed, in
// ascending order. At the end the items of the list whose `high` is not below the k-th best `low` of all get their
// exact score, in the order of `dot`, and are compared as in `topK`.

import { at32, bytesOf } from '../core/arrays';
import { multiplyPairs } from '../dense/fixed';
import { Struct } from '../core/struct';
import { QUANTISED_SCALE, SEARCH_SCRATCH_BYTES } from '../layout';
import { addBias, dot, factorOf } from './score';
import { rise, sink, sortHeap, topK } from './topk';

/**
 * S. ‖x‖, ‖y‖ ≤ 1.002, so that |p_k|, |q_k| ≤ 1.002 S + 0.51 < 2¹⁵, and any partial sum of p · q is at most ‖p‖ ‖q‖ ≤
 * (1.002 S + 0.51 √65,535)² = 1.04e9 < 2³¹ (Cauchy–Schwarz; 0.51 bounds what rounding adds to each number).
 */
const SCALE: f32 = <f32>QUANTISED_SCALE;
/** Rows of V that stay in L1 while all users of the batch are scored: 64 of d = 128 are 16 kB. */
const ROWS_AT_A_TIME: i32 = 64;
/**
 * Below these, squares or factors lose their relative precision in f32: all scores of such a user are computed exactly.
 */
const LEAST_SQUARE: f32 = 1e-30;
const LEAST_FACTOR: f32 = 1e-30;

/** The state of a user's search. The caller writes the first three fields. */
@unmanaged
export class SearchState extends Struct {
  /** n × f32, the linear terms */
  linear: usize;
  /** n × u8, nonzero for an item to leave out */
  excluded: usize;
  /** 1 … n */
  k: i32;
  /** Items listed. */
  listed: i32;
  /** weight / ‖u‖, or the weight where scores are products */
  factor: f32;
  /** weight / S², times ‖u‖ where scores are products; 0 for a zero vector */
  share: f32;
  /** e */
  error: f32;
  /** The k-th best `low`. */
  least: f32;
}

/** The items of a market, and the terms of their scores that do not depend on a user. */
@unmanaged
export class SearchedItems extends Struct {
  /** Items. */
  n: i32;
  /** Length of a row. */
  d: i32;
  /** n × d × f32, V */
  vectors: usize;
  /** n rows of i16, from `shortenRows` */
  shorts: usize;
  /** n × f32; 0 for none */
  bias: usize;
  /** n × f32, all 0 */
  zeros: usize;
  /** Factor of the cosine. */
  weight: f32;
  /** Largest error of a cosine of quantised vectors. */
  error: f32;
  /** Whether products are divided by ‖u‖. */
  cosine: i32;
}

/** The items that a user's query leaves out. */
@unmanaged
export class Choice extends Struct {
  /** i32: first the only items to recommend, then those to leave out */
  items: usize;
  /** The number of only items to recommend; −1 for all. */
  only: i32;
  /** The number of items to leave out. */
  without: i32;
}

/** Bytes of a quantised row: d integers, padded with a zero to an even number. */
// @ts-ignore: decorator
@inline
function shortBytes(d: i32): usize {
  return (<usize>((d + 1) & ~1)) << 1;
}

/**
 * Writes round(S x), halves to even, for rows of d numbers. Eight rows are interleaved in pairs of numbers; the last
 * eight are padded with rows of zeros.
 * @param n rows
 * @param d length of a row
 * @param x n × d × f32
 * @param out (n rounded up to 8) × (d rounded up to 2) × i16
 * @returns the largest ‖x‖²; above 1.0021 the numbers may not fit
 */
export function shortenRows(n: i32, d: i32, x: usize, out: usize): f32 {
  const stride = bytesOf(d);
  const bytes = shortBytes(d);
  memory.fill(out, 0, <usize>((n + 7) & ~7) * bytes);
  let largest: f32 = 0;
  for (let j: usize = 0; j < <usize>n; j++) {
    largest = max(largest, dot(x, x, d));
    shorten(d, x, SCALE, out + (j >> 3) * (bytes << 3) + ((j & 7) << 2), 32);
    x += stride;
  }
  return largest;
}

/** round(scale · x), two numbers every `step` bytes; if d is odd, the second of the last two is not written. */
function shorten(d: i32, x: usize, scale: f32, out: usize, step: usize): void {
  const s = f32x4.splat(scale);
  let k = 0;
  for (; k + 8 <= d; k += 8) {
    const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x), s)));
    const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x, 16), s)));
    const pairs = i16x8.narrow_i32x4_s(a, b);
    v128.store32_lane(out, pairs, 0);
    v128.store32_lane(out + step, pairs, 1);
    v128.store32_lane(out + 2 * step, pairs, 2);
    v128.store32_lane(out + 3 * step, pairs, 3);
    x += 32;
    out += 4 * step;
  }
  for (; k < d; k++) {
    store<i16>(
      out + ((<usize>(k & 1)) << 1),
      <i16>nearest<f32>(max<f32>(-32_767, min<f32>(32_767, load<f32>(x) * scale))),
    );
    x += 4;
    if ((k & 1) != 0) out += step;
  }
}

/**
 * The best items of each of m users.
 * @param m users
 * @param catalogue the items
 * @param users m × d × f32, U
 * @param seekers m × SearchState
 * @param lists m × n × (i32, f32): items listed and their `high`
 * @param out m × k' × (i32, f32) in two parts, k' × i32 items, best first, and k' × f32 scores; k' = most
 * @param most the largest k
 * @param counts m × i32, number of items of each user: fewer than k only if fewer are left
 * @param scratch SEARCH_SCRATCH_BYTES, then (m rounded up to 4) rows of i16
 */
export function searchBatch(
  m: i32,
  catalogue: SearchedItems,
  users: usize,
  seekers: usize,
  lists: usize,
  out: usize,
  most: i32,
  counts: usize,
  scratch: usize,
): void {
  const n = catalogue.n;
  const d = catalogue.d;
  const vectors = catalogue.vectors;
  const shorts = catalogue.shorts;
  const bias = catalogue.bias;
  const biases = bias != 0 ? bias : catalogue.zeros;
  const weight = catalogue.weight;
  const error = catalogue.error;
  const cosine = catalogue.cosine != 0;
  const bytes = shortBytes(d);
  const stride = bytesOf(d);
  const listBytes = (<usize>n) << 3;
  const outBytes = (<usize>most) << 3;
  const shortUsers = scratch + SEARCH_SCRATCH_BYTES;
  const pairs = <i32>(bytes >> 2);
  const none = i32x4.splat(0);
  memory.fill(shortUsers, 0, <usize>((m + 3) & ~3) * bytes);
  for (let u: usize = 0; u < <usize>m; u++)
    begin(
      d,
      users + u * stride,
      weight,
      error,
      cosine,
      shortUsers + (u >> 2) * (bytes << 2) + ((u & 3) << 2),
      seekerAt(seekers, u),
    );
  for (let from = 0; from < n; from += ROWS_AT_A_TIME) {
    const count = min(ROWS_AT_A_TIME, n - from);
    const rows = shorts + <usize>from * bytes;
    for (let u = 0; u < m; u += 4) {
      const user = shortUsers + <usize>u * bytes;
      // p · q of four users by eight items; row i of `scratch`, 64 × i32, is user i's
      for (let j = 0; j < count; j += 8)
        multiplyPairs(false, pairs, user, rows + <usize>j * bytes, at32(scratch, j), 256, none, none, none);
      for (let v = u; v < min(u + 4, m); v++) {
        const place = out + <usize>v * outBytes;
        scan(
          from,
          count,
          scratch + ((<usize>(v - u)) << 8),
          biases,
          seekerAt(seekers, <usize>v),
          lists + <usize>v * listBytes,
          place,
          place + (outBytes >> 1),
        );
      }
    }
  }
  for (let u: usize = 0; u < <usize>m; u++) {
    const place = out + u * outBytes;
    store<i32>(
      counts + (u << 2),
      finish(
        d,
        vectors,
        users + u * stride,
        bias,
        seekerAt(seekers, u),
        lists + u * listBytes,
        place,
        place + (outBytes >> 1),
      ),
    );
  }
}

/**
 * Marks the items to leave out for each of m users.
 * @param m users
 * @param n items
 * @param masks m × n × u8, gets 1 for an item to leave out, else 0
 * @param choices m × Choice
 */
export function maskBatch(m: i32, n: i32, masks: usize, choices: usize): void {
  for (let u = 0; u < m; u++) {
    const choice = changetype<Choice>(choices);
    let item = choice.items;
    const only = choice.only;
    memory.fill(masks, only < 0 ? 0 : 1, <usize>n);
    const begin = at32(item, max(0, only));
    const end = at32(begin, choice.without);
    for (; item < begin; item += 4) store<u8>(masks + <usize>load<i32>(item), 0);
    for (; item < end; item += 4) store<u8>(masks + <usize>load<i32>(item), 1);
    masks += <usize>n;
    choices += offsetof<Choice>();
  }
}

/**
 * The best items of each of m users by all their scores.
 * @param m users
 * @param n items
 * @param seekers m × SearchState, of which the first three fields are read. The terms become the scores: the bias is
 * added to them
 * @param bias n × f32; 0 for none
 * @param out, most, counts as of searchBatch
 */
export function scanBatch(m: i32, n: i32, seekers: usize, bias: usize, out: usize, most: i32, counts: usize): void {
  for (let u = 0; u < m; u++) {
    const seeker = seekerAt(seekers, <usize>u);
    const scores = seeker.linear;
    if (bias != 0) addBias(scores, n, bias);
    store<i32>(counts, topK(scores, n, seeker.excluded, seeker.k, out, at32(out, most)));
    out += (<usize>most) << 3;
    counts += 4;
  }
}

// @ts-ignore: decorator
@inline
function seekerAt(seekers: usize, u: usize): SearchState {
  return changetype<SearchState>(seekers + u * offsetof<SearchState>());
}

/** Quantises a user and sets the state: the factor as in `addCosines`, nothing listed. */
function begin(d: i32, user: usize, weight: f32, error: f32, cosine: bool, out: usize, seeker: SearchState): void {
  const square = dot(user, user, d);
  const norm = sqrt<f32>(square);
  const factor = factorOf(weight, norm, cosine);
  const length: f32 = cosine ? weight : weight * norm;
  let share = length / (SCALE * SCALE);
  let e = abs(length) * error;
  if (factor == 0) {
    share = 0;
    e = 0;
  } else if (square >= LEAST_SQUARE && abs(factor) >= LEAST_FACTOR && abs(share) >= LEAST_FACTOR)
    shorten(d, user, SCALE / norm, out, 16);
  else e = f32.MAX_VALUE * f32.MAX_VALUE;
  seeker.listed = 0;
  seeker.factor = factor;
  seeker.share = share;
  seeker.error = e;
  seeker.least = -f32.MAX_VALUE * f32.MAX_VALUE;
}

/** Which of four items have a `high` above `least`. */
// @ts-ignore: decorator
@inline
function above(dots: usize, linear: usize, bias: usize, share: v128, e: v128, least: v128): v128 {
  const term = f32x4.mul(f32x4.convert_i32x4_s(v128.load(dots)), share);
  return f32x4.gt(f32x4.add(f32x4.add(v128.load(linear), f32x4.add(term, e)), v128.load(bias)), least);
}

/** Lists those of `count` items from `from` on whose `high` is above the k-th best `low`, which rises with each. */
function scan(
  from: i32,
  count: i32,
  dots: usize,
  biases: usize,
  seeker: SearchState,
  list: usize,
  heapIndex: usize,
  heapLow: usize,
): void {
  const linear = at32(seeker.linear, from);
  const bias = at32(biases, from);
  const exclude = seeker.excluded + <usize>from;
  const k = seeker.k;
  const share = seeker.share;
  const e = seeker.error;
  const shares = f32x4.splat(share);
  const es = f32x4.splat(e);
  let least = seeker.least;
  for (let j = 0; j < count; j += 16) {
    let mask = (1 << min(16, count - j)) - 1;
    if (mask == 0xffff) {
      const at = bytesOf(j);
      const worst = f32x4.splat(least);
      const a = above(dots + at, linear + at, bias + at, shares, es, worst);
      const b = above(dots + at + 16, linear + at + 16, bias + at + 16, shares, es, worst);
      const c = above(dots + at + 32, linear + at + 32, bias + at + 32, shares, es, worst);
      const d = above(dots + at + 48, linear + at + 48, bias + at + 48, shares, es, worst);
      mask = i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
    }
    for (; mask != 0; mask &= mask - 1) {
      const i = <usize>(j + ctz(mask));
      const at = i << 2;
      const term = <f32>load<i32>(dots + at) * share;
      const high = load<f32>(linear + at) + (term + e) + load<f32>(bias + at);
      if (!(high > least) || load<u8>(exclude + i) != 0) continue;
      const listed = seeker.listed;
      const entry = list + ((<usize>listed) << 3);
      store<i32>(entry, from + <i32>i);
      store<f32>(entry, high, 4);
      seeker.listed = listed + 1;
      const low = load<f32>(linear + at) + (term - e) + load<f32>(bias + at);
      if (listed < k) rise(heapIndex, heapLow, listed, 0, low);
      else if (low > least) sink(heapIndex, heapLow, k, 0, low);
      if (listed + 1 >= k) least = load<f32>(heapLow);
    }
  }
  seeker.least = least;
}

/** Scores the rest of the list exactly, writes the k best, best first, and returns their number. */
function finish(
  d: i32,
  vectors: usize,
  user: usize,
  bias: usize,
  seeker: SearchState,
  list: usize,
  outIndex: usize,
  outScore: usize,
): i32 {
  const linear = seeker.linear;
  const k = seeker.k;
  const factor = seeker.factor;
  const least = seeker.least;
  const stride = bytesOf(d);
  let kept = 0;
  for (const end = list + ((<usize>seeker.listed) << 3); list < end; list += 8) {
    if (load<f32>(list, 4) < least) continue;
    const j = load<i32>(list);
    const at = bytesOf(j);
    let score = load<f32>(linear + at) + dot(vectors + <usize>j * stride, user, d) * factor;
    if (bias != 0) score += load<f32>(bias + at);
    if (kept < k) rise(outIndex, outScore, kept++, j, score);
    else if (score > load<f32>(outScore)) sink(outIndex, outScore, k, j, score);
  }
  sortHeap(outIndex, outScore, kept);
  return kept;
}
