// Elimination order of a sparse symmetric matrix by approximate minimum fill (Rothberg and Eisenstat, 1998), on the graph
// itself: row i of `bits` has a bit for each neighbour of i and for i. Eliminating a node makes its neighbours a clique, so
// its row is or-ed into theirs. n²/8 bytes (18 MB at n = 12,015) take the place of a quotient graph, and every degree is
// exact. Integers throughout; ties go to the lower index.

/**
 * Eliminates up to `count` nodes, as long as that takes fewer operations than leaving them to a dense inverse.
 *
 * words: u64 words in a row, a multiple of 2. bits: n × words u64; an eliminated node's row stays as it was then, without
 * itself: the rows of its column in the factor. degrees: n i32, neighbours of each node, −1 once it is eliminated, and −1 up to
 * the next multiple of 4.
 * cliques: as many i32, neighbours of each node that are known to be one clique with it, 0 at first. done: nodes eliminated so
 * far. order: n i32, gets the nodes from `done` on. Returns the nodes eliminated in all; fewer than done + count: the rest
 * is to be taken as dense.
 */
export function eliminate(n: i32, words: i32, bits: usize, degrees: usize, cliques: usize, done: i32, count: i32, order: usize): i32 {
  const stop = done + count;
  while (done < stop) {
    const node = leastFill(n, degrees, cliques);
    if (node < 0) return done;
    const left = n - done;
    const degree = load<i32>(degrees + ((<usize>node) << 2));
    if (!isWorthwhile(degree + 1, left)) return done;
    const known = load<i32>(cliques + ((<usize>node) << 2)) == degree;
    store<i32>(order + ((<usize>done) << 2), node);
    store<i32>(degrees + ((<usize>node) << 2), -1);
    connect(words, bits, degrees, cliques, node, degree, known);
    done++;
  }
  return done;
}

/**
 * The node with the least d (d − 1) − q (q − 1): twice the edges that could be missing among d neighbours, q of them a clique.
 * −1 where none is left.
 */
function leastFill(n: i32, degrees: usize, cliques: usize): i32 {
  let least = i32x4.splat(i32.MAX_VALUE);
  for (let i = 0; i < n; i += 4) least = i32x4.min_s(least, fillOfFour(degrees, cliques, i));
  const bound = min(min(i32x4.extract_lane(least, 0), i32x4.extract_lane(least, 1)), min(i32x4.extract_lane(least, 2), i32x4.extract_lane(least, 3)));
  if (bound == i32.MAX_VALUE) return -1;
  const wanted = i32x4.splat(bound);
  let i = 0;
  let found: i32;
  while ((found = i32x4.bitmask(i32x4.eq(fillOfFour(degrees, cliques, i), wanted))) == 0) i += 4;
  return i + ctz(found);
}

/** Of nodes i … i + 3; the greatest number where the degree is below 0. More than MOST neighbours count as MOST. */
// @ts-ignore: decorator
@inline
function fillOfFour(degrees: usize, cliques: usize, i: i32): v128 {
  const most = i32x4.splat(MOST);
  const degree = i32x4.min_s(v128.load(degrees + ((<usize>i) << 2)), most);
  const clique = i32x4.min_s(v128.load(cliques + ((<usize>i) << 2)), most);
  const one = i32x4.splat(1);
  const fill = i32x4.sub(i32x4.mul(degree, i32x4.sub(degree, one)), i32x4.mul(clique, i32x4.sub(clique, one)));
  return v128.bitselect(i32x4.splat(i32.MAX_VALUE), fill, i32x4.lt_s(degree, i32x4.splat(0)));
}

/** The square of more than this does not fit in 32 bits. */
const MOST: i32 = 46_340;

/**
 * Whether a column of c rows, the first of `left`, is cheaper eliminated (c² to factor and 2 c left to invert, at SLOWER
 * times the price) than as a part of a dense inverse (left³ in all).
 */
function isWorthwhile(c: i32, left: i32): bool {
  const x = <f64>c;
  const n = <f64>left;
  return SLOWER * x * (x + 2.0 * n) < 3.0 * n * n;
}
const SLOWER: f64 = 3.3;

/** The neighbours of `node` become a clique, which they are already where `known`, and lose it. */
function connect(words: i32, bits: usize, degrees: usize, cliques: usize, node: i32, degree: i32, known: bool): void {
  const bytes = (<usize>words) << 3;
  const row = bits + (<usize>node) * bytes;
  const own = row + ((<usize>(node >> 6)) << 3);
  const bit = (<u64>1) << (<u64>(node & 63));
  store<u64>(own, load<u64>(own) & ~bit);
  let end = row + bytes;
  while (end > row && load<u64>(end - 8) == 0) end -= 8;
  const reach = (end - row + 15) & ~15;
  for (let w = row; w < end; w += 8) {
    for (let rest = load<u64>(w); rest != 0; rest &= rest - 1) {
      const i = (<i32>((w - row) << 3)) + (<i32>ctz(rest));
      const target = bits + (<usize>i) * bytes;
      const at = target + ((<usize>(node >> 6)) << 3);
      store<u64>(at, load<u64>(at) & ~bit);
      const added = known ? 0 : unite(target, row, reach);
      const held = degrees + ((<usize>i) << 2);
      store<i32>(held, load<i32>(held) - 1 + added);
      store<i32>(cliques + ((<usize>i) << 2), degree - 1);
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
  return i32x4.extract_lane(total, 0) + i32x4.extract_lane(total, 1) + i32x4.extract_lane(total, 2) + i32x4.extract_lane(total, 3);
}
