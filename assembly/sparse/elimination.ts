// Elimination order of a sparse symmetric matrix by approximate minimum fill (Rothberg and Eisenstat, 1998), on the
// graph itself: row i of `bits` has a bit for each neighbour of i and for i. Eliminating a node makes its neighbours a
// clique, so its row is or-ed into theirs. n²/8 bytes (18 MB at n = 12,015) replace a quotient graph, and every degree
// is exact. All numbers are integers; of equal nodes the lower index comes first.

import { at32, i32At, setI32 } from '../core/arrays';

/**
 * Eliminates nodes, as long as that takes fewer operations than leaving them to a dense inverse.
 * @param n nodes
 * @param words u64 words of a row, a multiple of 2
 * @param bits n × words × u64; the row of an eliminated node keeps its state, without the node itself: the rows of its
 *   column in the factor
 * @param degrees i32, neighbours of each node, −1 once it is eliminated; −1 from n up to the next multiple of 4
 * @param fills i32, as many, the fill of each node; the first call writes it
 * @param done nodes eliminated so far
 * @param count most nodes to eliminate
 * @param order n × i32, gets the nodes from `done` on
 * @returns the nodes eliminated in all; if fewer than done + count, the rest is to be inverted as dense
 */
export function eliminate(
  n: i32,
  words: i32,
  bits: usize,
  degrees: usize,
  fills: usize,
  done: i32,
  count: i32,
  order: usize,
): i32 {
  if (done == 0) {
    for (let i = 0; i < ((n + 3) & ~3); i++) {
      const degree = i32At(degrees, i);
      setI32(fills, i, degree < 0 ? GONE : fillOf(degree, 0));
    }
  }
  const stop = done + count;
  while (done < stop) {
    const node = leastFill(n, fills);
    if (node < 0) return done;
    const left = n - done;
    const degree = i32At(degrees, node);
    if (!isWorthwhile(degree + 1, left)) return done;
    const at = at32(fills, node);
    const known = load<i32>(at) == 0 && degree < MOST;
    store<i32>(at, GONE);
    setI32(order, done, node);
    setI32(degrees, node, -1);
    connect(words, bits, degrees, fills, node, degree, known);
    done++;
  }
  return done;
}

/** The fill of a node that is eliminated, or is padding. */
const GONE: i32 = i32.MAX_VALUE;
/** The largest number whose square fits in 32 bits. */
const MOST: i32 = 46_340;

/**
 * Twice the edges that could be missing among `degree` neighbours, `clique` of which are known to be one clique. More
 * than MOST count as MOST.
 */
// @ts-ignore: decorator
@inline
function fillOf(degree: i32, clique: i32): i32 {
  const d = min(degree, MOST);
  const q = min(clique, MOST);
  return d * (d - 1) - q * (q - 1);
}

/** The node with the least fill; −1 if none is left. */
function leastFill(n: i32, fills: usize): i32 {
  const end = at32(fills, (n + 3) & ~3);
  let least = i32x4.splat(GONE);
  for (let at = fills; at < end; at += 16) least = i32x4.min_s(least, v128.load(at));
  const bound = min(
    min(i32x4.extract_lane(least, 0), i32x4.extract_lane(least, 1)),
    min(i32x4.extract_lane(least, 2), i32x4.extract_lane(least, 3)),
  );
  if (bound == GONE) return -1;
  const wanted = i32x4.splat(bound);
  let at = fills;
  let found: i32;
  while ((found = i32x4.bitmask(i32x4.eq(v128.load(at), wanted))) == 0) at += 16;
  return <i32>((at - fills) >> 2) + ctz(found);
}

/**
 * Whether a column of c rows, the first of `left`, is cheaper eliminated (c² to factor and 2 c left to invert, at
 * SLOWER times the price) than as a part of a dense inverse (left³ in all).
 */
function isWorthwhile(c: i32, left: i32): bool {
  const x = <f64>c;
  const n = <f64>left;
  return SLOWER * x * (x + 2.0 * n) < 3.0 * n * n;
}
const SLOWER: f64 = 4.2;

/**
 * Makes the neighbours of `node` a clique, unless `known` says that they are one, and removes the node from their rows.
 */
function connect(words: i32, bits: usize, degrees: usize, fills: usize, node: i32, degree: i32, known: bool): void {
  const bytes = (<usize>words) << 3;
  const row = bits + <usize>node * bytes;
  const own = row + ((<usize>(node >> 6)) << 3);
  const shift = <u64>(node & 63);
  const bit = (<u64>1) << shift;
  store<u64>(own, load<u64>(own) & ~bit);
  let end = row + bytes;
  while (end > row && load<u64>(end - 8) == 0) end -= 8;
  const reach = (end - row + 15) & ~15;
  for (let w = row; w < end; w += 8) {
    for (let rest = load<u64>(w); rest != 0; rest &= rest - 1) {
      const i = <i32>((w - row) << 3) + <i32>ctz(rest);
      const target = bits + <usize>i * bytes;
      const at = target + ((<usize>(node >> 6)) << 3);
      store<u64>(at, load<u64>(at) & ~bit);
      const added = known ? 0 : unite(target, row, reach);
      const held = at32(degrees, i);
      const now = load<i32>(held) - 1 + added;
      store<i32>(held, now);
      setI32(fills, i, fillOf(now, degree - 1));
    }
  }
}

/** target |= row over `bytes` bytes; returns the bits that this set. */
function unite(target: usize, row: usize, bytes: usize): i32 {
  let total = i32x4.splat(0);
  let at: usize = 0;
  while (at < bytes) {
    // a lane holds at most 8 more a step
    const end = min(bytes, at + 31 * 16);
    let lanes = i8x16.splat(0);
    for (; at < end; at += 16) {
      const old = v128.load(target + at);
      const extra = v128.andnot(v128.load(row + at), old);
      v128.store(target + at, v128.or(old, extra));
      lanes = i8x16.add(lanes, i8x16.popcnt(extra));
    }
    total = i32x4.add(total, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(lanes)));
  }
  return (
    i32x4.extract_lane(total, 0) +
    i32x4.extract_lane(total, 1) +
    i32x4.extract_lane(total, 2) +
    i32x4.extract_lane(total, 3)
  );
}
