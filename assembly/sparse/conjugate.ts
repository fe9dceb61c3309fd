// Columns of C = (G + λI)⁻¹ for catalogues whose G is too large. Items stand by popularity, most popular first. The first `core`
// of them, P, couple with nearly everything; the others, the tail T, couple with few. With A = G + λI and Y = −A_TT⁻¹ A_TP,
//   C_PP = S⁻¹,  S = A_PP + A_PT Y + Yᵀ (A_TP + A_TT Y),  C_TP = Y C_PP,  C_TT = A_TT⁻¹ + Y C_PP Yᵀ:
// what goes through the core is dense products with Y and C_PP, and columns of A_TT⁻¹ and Y are solved for by conjugate gradients
// (Hestenes and Stiefel, 1952) over the tail alone (the last term of S would be 0 if Y were exact; with it, an error E of Y adds
// Eᵀ A_TT E, and S stays positive definite); A_TT q is taken as X_Tᵀ(X_T q), user by user. The tail stands in groups of 64
// items that are bought together (the last may have fewer); M⁻¹, the inverses of A's own blocks of these groups, preconditions.
// Steps end when few rows of the residual are too large. These are relaxed one by one, x_i += r_i / A_ii (Southwell, 1946), which
// takes an item's users and theirs alone, and at the end comes one of Jacobi's steps by blocks, x += M⁻¹ r, which needs nothing
// that is not there.
//
// Columns are worked out 16 at a time. A block is arrays of n × 16 f32, one row a cache line: x the columns so far, r the
// residual, q the direction, w scratch; each column has its own step length. Of r and q only the lines of T are used.
//
// Y lies in slabs of 64 rows of T (the last one filled up with zeros), each of them cut into blocks of 256 columns, and those
// into panels of four rows, as packRows would make them: a slab's block is a left operand of multiplyPacked.
//
// Users are rows of X by ascending position: those in P are indices[starts[u] … middles[u]), those in T
// indices[middles[u] … ends[u]); starts, middles and ends are addresses of i32.
//
// A step's way through the tail's users, w_T ← λ q_T + X_Tᵀ(X_T q_T), gathers twice, since adding to lines all over w would take
// longer than all else: in chunks of 32,768 users it first adds up each user's lines of q, then each item's of those sums, which
// stay in the cache. The second half reads X_T by segments, chunk after chunk: the last of chunk c is before segmentStarts[c + 1]
// (u32); segment k is of the item at position segmentItems[k] (u32), and the numbers in the chunk of those of its users who have
// it, rising, are the next in chunkUsers (u16), up to segmentEnds[k] (u32).
//
// Order: a user's sum goes over the items in ascending position, sums of users in ascending user after λ q (in the first step from
// a column of the tail: by the user's first item in the group, then by user); inner products over ascending rows in f64; products
// with C_PP in one sum over all of P, with Y as in gemm.ts. It does not depend on what other blocks do.
import { multiplyPacked, packColumns } from '../dense/gemm';

const LANES: i32 = 16;
const LINE: usize = 64;
/** A 4 × 8 tile for products whose last rows are not four. */
const EDGE_BYTES: usize = 128;
/** Rows of T in a slab of Y, and columns of a block of it: 64 kB, which stay in a second-level cache for all blocks of columns. */
const SLAB: i32 = 64;
/** Items of a group. */
const GROUP: i32 = 64;
const DEPTH: i32 = 256;
/** Users of a chunk: 2 MB of sums. */
const CHUNK: i32 = 32768;
/** Most times that relaxRows goes through the rows: it takes a few, but rounding could make them endless. */
const SWEEPS: i32 = 100;

// @ts-ignore: decorator
@inline
function line(block: usize, row: i32): usize {
  return block + <usize>row * LINE;
}

/** Bytes of workspace of the kernels here: an operand of `core` or 64 rows, packed, and a tile; or a chunk's sums; or 16 f64 and 16 f32. */
export function conjugateWorkspaceBytes(core: i32, users: i32): usize {
  return <usize>max(max(core, GROUP), min(CHUNK, users)) * LINE + EDGE_BYTES + 256;
}

// Where the block of columns of Y that has column k starts in the slab of T's row t.
// @ts-ignore: decorator
@inline
function slabBlock(y: usize, core: i32, t: i32, k: i32): usize {
  return y + (((<usize>(t / SLAB) * <usize>core + <usize>(k & -DEPTH)) * SLAB) << 2);
}

// Where row t of Y starts within a block of `width` columns: its columns are 16 bytes apart.
// @ts-ignore: decorator
@inline
function slabRow(t: i32, width: i32): usize {
  const row = t % SLAB;
  return <usize>(row >> 2) * ((<usize>width) << 4) + ((<usize>(row & 3)) << 2);
}

// Where Y has row t of T, from column k on. Columns up to the end of the block are 16 bytes apart.
// @ts-ignore: decorator
@inline
function slabEntry(y: usize, core: i32, t: i32, k: i32): usize {
  return slabBlock(y, core, t, k) + slabRow(t, min(DEPTH, core - (k & -DEPTH))) + ((<usize>(k & (DEPTH - 1))) << 4);
}

/**
 * y += the sum of x over a user's items [from, to), at each of the user's items [outFrom, outTo), for every user.
 * from, to, outFrom, outTo: addresses of (users) i32, positions in indices (i32). x, y: blocks.
 */
function spread(
  users: i32,
  from: usize,
  to: usize,
  outFrom: usize,
  outTo: usize,
  indices: usize,
  x: usize,
  y: usize,
): void {
  const end = (<usize>users) << 2;
  for (let u: usize = 0; u < end; u += 4) {
    let p = indices + ((<usize>load<u32>(from + u)) << 2);
    const stop = indices + ((<usize>load<u32>(to + u)) << 2);
    let out = indices + ((<usize>load<u32>(outFrom + u)) << 2);
    const outStop = indices + ((<usize>load<u32>(outTo + u)) << 2);
    if (p >= stop || out >= outStop) continue;
    let s0 = f32x4.splat(0),
      s1 = f32x4.splat(0),
      s2 = f32x4.splat(0),
      s3 = f32x4.splat(0);
    for (; p < stop; p += 4) {
      const at = x + <usize>load<u32>(p) * LINE;
      s0 = f32x4.add(s0, v128.load(at));
      s1 = f32x4.add(s1, v128.load(at, 16));
      s2 = f32x4.add(s2, v128.load(at, 32));
      s3 = f32x4.add(s3, v128.load(at, 48));
    }
    // A user of none of the columns' neighbours changes nothing.
    if (!v128.any_true(v128.or(v128.or(s0, s1), v128.or(s2, s3)))) continue;
    for (; out < outStop; out += 4) {
      const at = y + <usize>load<u32>(out) * LINE;
      v128.store(at, f32x4.add(v128.load(at), s0));
      v128.store(at, f32x4.add(v128.load(at, 16), s1), 16);
      v128.store(at, f32x4.add(v128.load(at, 32), s2), 32);
      v128.store(at, f32x4.add(v128.load(at, 48), s3), 48);
    }
  }
}

/**
 * The block of the `width` ≤ 16 columns from position `column` on before its first step. For those of P: x_P their unit columns,
 * r = −A_TP's columns, what is to be solved for being Y's; for those of T: r their unit columns, and A_TT⁻¹'s. x, r: n + 16
 * lines each, all of them written; q: n + 16 lines, those of T set to 0. previous (16 f64): set to 0.
 */
export function startColumns(
  n: i32,
  core: i32,
  column: i32,
  width: i32,
  users: i32,
  starts: usize,
  middles: usize,
  ends: usize,
  indices: usize,
  x: usize,
  r: usize,
  q: usize,
  previous: usize,
): void {
  const bytes = <usize>(n + LANES) * LINE;
  memory.fill(x, 0, bytes);
  memory.fill(r, 0, bytes);
  memory.fill(line(q, core), 0, <usize>(n - core) * LINE);
  memory.fill(previous, 0, LANES << 3);
  const unit = column < core ? x : r;
  for (let lane = 0; lane < width; lane++) store<f32>(line(unit, column + lane) + ((<usize>lane) << 2), 1);
  if (column >= core) return;
  spread(users, starts, middles, middles, ends, indices, x, r);
  const stop = line(r, n);
  for (let p = line(r, core); p < stop; p += 16) v128.store(p, f32x4.neg(v128.load(p)));
}

/**
 * Steps of every column of a block, `most` at most, until no more than `left` rows are over the tolerance: rows i of T in which some
 * |r_ij| / (A_ii |x_jj|), about how far an entry of B̂ is off, is larger. report (2 u32): the rows over it, and the steps. first: 1
 * where the first of the steps is the block's first, else 0. buyers (u32): the users of the item at position i, rising, are
 * buyers[itemStarts[i] … itemStarts[i + 1]); itemStarts: n + 1 u32. groups: for each group M⁻¹'s block, g × g for its g items, as
 * ⌈g/4⌉ panels (g × 4) f32, 64 × 64 f32 apart. weights (n f32): 1 / A_ii. previous (16 f64): rᵀ M⁻¹ r of each column before the
 * last step, as startColumns or the last step left it. w: n + 16 lines, work: conjugateWorkspaceBytes(core, users); both are
 * overwritten. The rest as in startColumns and at the head.
 */
export function stepColumns(
  n: i32,
  core: i32,
  column: i32,
  width: i32,
  first: i32,
  most: i32,
  left: u32,
  users: i32,
  middles: usize,
  ends: usize,
  indices: usize,
  itemStarts: usize,
  buyers: usize,
  segmentStarts: usize,
  segmentItems: usize,
  segmentEnds: usize,
  chunkUsers: usize,
  groups: usize,
  weights: usize,
  lambda: f32,
  tolerance: f32,
  x: usize,
  r: usize,
  q: usize,
  w: usize,
  previous: usize,
  work: usize,
  report: usize,
): void {
  let over: u32 = u32.MAX_VALUE;
  let steps = 0;
  for (; steps < most && over > left; steps++) {
    precondition(n, core, groups, r, w, work);
    turnDirection(n, core, lambda, r, w, q, previous, work);
    if (first != 0 && steps == 0 && column >= core)
      spreadGroup(
        column - ((column - core) % GROUP),
        min(GROUP, n - column + ((column - core) % GROUP)),
        middles,
        ends,
        indices,
        itemStarts,
        buyers,
        q,
        w,
      );
    else
      addThroughUsers(users, middles, ends, indices, segmentStarts, segmentItems, segmentEnds, chunkUsers, q, w, work);
    advance(n, core, x, r, q, w, previous, work);
    scales(column, width, x, work);
    over = rowsOver(core, n, weights, tolerance, r, work);
  }
  store<u32>(report, over);
  store<i32>(report, steps, 4);
}

/** w_T += X_Tᵀ(X_T q_T). sums: a line for each user of a chunk. */
function addThroughUsers(
  users: i32,
  middles: usize,
  ends: usize,
  indices: usize,
  segmentStarts: usize,
  segmentItems: usize,
  segmentEnds: usize,
  chunkUsers: usize,
  q: usize,
  w: usize,
  sums: usize,
): void {
  let from = chunkUsers;
  let segment = segmentItems;
  for (let begin = 0; begin < users; begin += CHUNK) {
    const at = (<usize>begin) << 2;
    sumItems(min(CHUNK, users - begin), middles + at, ends + at, indices, q, sums);
    segmentStarts += 4;
    const stop = segmentItems + ((<usize>load<u32>(segmentStarts)) << 2);
    for (; segment < stop; segment += 4) {
      const end = chunkUsers + ((<usize>load<u32>(segmentEnds)) << 1);
      addUsers(from, end, sums, line(w, load<i32>(segment)));
      segmentEnds += 4;
      from = end;
    }
  }
}

/** sums (a line a user): the sum of x over each user's items indices[from[u] … to[u]). */
function sumItems(users: i32, from: usize, to: usize, indices: usize, x: usize, sums: usize): void {
  const end = (<usize>users) << 2;
  for (let u: usize = 0; u < end; u += 4) {
    const stop = indices + ((<usize>load<u32>(to + u)) << 2);
    let s0 = f32x4.splat(0),
      s1 = f32x4.splat(0),
      s2 = f32x4.splat(0),
      s3 = f32x4.splat(0);
    for (let p = indices + ((<usize>load<u32>(from + u)) << 2); p < stop; p += 4) {
      const at = x + <usize>load<u32>(p) * LINE;
      s0 = f32x4.add(s0, v128.load(at));
      s1 = f32x4.add(s1, v128.load(at, 16));
      s2 = f32x4.add(s2, v128.load(at, 32));
      s3 = f32x4.add(s3, v128.load(at, 48));
    }
    v128.store(sums, s0);
    v128.store(sums, s1, 16);
    v128.store(sums, s2, 32);
    v128.store(sums, s3, 48);
    sums += LINE;
  }
}

/** to (a line) += the sums of the users (u16) in [from, stop), one after the other. */
// @ts-ignore: decorator
@inline
function addUsers(from: usize, stop: usize, sums: usize, to: usize): void {
  let s0 = v128.load(to),
    s1 = v128.load(to, 16),
    s2 = v128.load(to, 32),
    s3 = v128.load(to, 48);
  for (let p = from; p < stop; p += 2) {
    const at = sums + <usize>load<u16>(p) * LINE;
    s0 = f32x4.add(s0, v128.load(at));
    s1 = f32x4.add(s1, v128.load(at, 16));
    s2 = f32x4.add(s2, v128.load(at, 32));
    s3 = f32x4.add(s3, v128.load(at, 48));
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
}

/** As `addThroughUsers`, for a q that is 0 but in a group's rows [column, column + width): through their users alone, each at its first item of them. */
function spreadGroup(
  column: i32,
  width: i32,
  middles: usize,
  ends: usize,
  indices: usize,
  itemStarts: usize,
  buyers: usize,
  q: usize,
  w: usize,
): void {
  for (let item = column; item < column + width; item++) {
    const stop = buyers + ((<usize>load<u32>(itemStarts + ((<usize>(item + 1)) << 2))) << 2);
    for (let b = buyers + ((<usize>load<u32>(itemStarts + ((<usize>item) << 2))) << 2); b < stop; b += 4) {
      const user = (<usize>load<u32>(b)) << 2;
      const from = indices + ((<usize>load<u32>(middles + user)) << 2);
      const to = indices + ((<usize>load<u32>(ends + user)) << 2);
      let p = from;
      while (load<i32>(p) < column) p += 4;
      if (load<i32>(p) != item) continue;
      let s0 = f32x4.splat(0),
        s1 = f32x4.splat(0),
        s2 = f32x4.splat(0),
        s3 = f32x4.splat(0);
      for (; p < to && load<i32>(p) < column + width; p += 4) {
        const at = line(q, load<i32>(p));
        s0 = f32x4.add(s0, v128.load(at));
        s1 = f32x4.add(s1, v128.load(at, 16));
        s2 = f32x4.add(s2, v128.load(at, 32));
        s3 = f32x4.add(s3, v128.load(at, 48));
      }
      for (p = from; p < to; p += 4) {
        const at = line(w, load<i32>(p));
        v128.store(at, f32x4.add(v128.load(at), s0));
        v128.store(at, f32x4.add(v128.load(at, 16), s1), 16);
        v128.store(at, f32x4.add(v128.load(at, 32), s2), 32);
        v128.store(at, f32x4.add(v128.load(at, 48), s3), 48);
      }
    }
  }
}

/** out_T ← M⁻¹ r_T. work: conjugateWorkspaceBytes(core, users). */
function precondition(n: i32, core: i32, groups: usize, r: usize, out: usize, work: usize): void {
  memory.fill(line(out, core), 0, <usize>(n - core) * LINE);
  addPreconditioned(n, core, groups, r, out, work);
}

function addPreconditioned(n: i32, core: i32, groups: usize, r: usize, out: usize, work: usize): void {
  const edge = work + <usize>max(core, GROUP) * LINE;
  for (let from = core; from < n; from += GROUP) {
    const count = min(GROUP, n - from);
    packColumns(8, line(r, from), LANES, LANES, count, work);
    multiplyPacked(count, LANES, count, 1, groups, work, line(out, from), LANES, edge);
    groups += (GROUP * GROUP) << 2;
  }
}

/**
 * Relaxes the rows of T that `stepColumns` would count, in ascending order, over and over until there are none: x_i += r_i / A_ii, and
 * r_T follows through the item's users. After SWEEPS times through all rows those left are left. work: 16 f32. The rest as there.
 */
export function relaxRows(
  n: i32,
  core: i32,
  column: i32,
  width: i32,
  middles: usize,
  ends: usize,
  indices: usize,
  itemStarts: usize,
  buyers: usize,
  weights: usize,
  lambda: f32,
  tolerance: f32,
  x: usize,
  r: usize,
  work: usize,
): void {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    scales(column, width, x, work);
    let relaxed = false;
    for (let i = core; i < n; i++) {
      if (rowsOver(i, i + 1, weights, tolerance, r, work) == 0) continue;
      relaxed = true;
      relaxRow(i, middles, ends, indices, itemStarts, buyers, load<f32>(weights + ((<usize>i) << 2)), lambda, x, r);
    }
    if (!relaxed) return;
  }
}

/** δ = weight · r_i; x_i += δ, r_T −= A's column i · δ. */
function relaxRow(
  i: i32,
  middles: usize,
  ends: usize,
  indices: usize,
  itemStarts: usize,
  buyers: usize,
  weight: f32,
  lambda: f32,
  x: usize,
  r: usize,
): void {
  const own = line(r, i);
  const w = f32x4.splat(weight);
  const d0 = f32x4.mul(w, v128.load(own));
  const d1 = f32x4.mul(w, v128.load(own, 16));
  const d2 = f32x4.mul(w, v128.load(own, 32));
  const d3 = f32x4.mul(w, v128.load(own, 48));
  const to = line(x, i);
  v128.store(to, f32x4.add(v128.load(to), d0));
  v128.store(to, f32x4.add(v128.load(to, 16), d1), 16);
  v128.store(to, f32x4.add(v128.load(to, 32), d2), 32);
  v128.store(to, f32x4.add(v128.load(to, 48), d3), 48);
  const ridge = f32x4.splat(lambda);
  subtract(own, f32x4.mul(ridge, d0), f32x4.mul(ridge, d1), f32x4.mul(ridge, d2), f32x4.mul(ridge, d3));
  const stop = buyers + ((<usize>load<u32>(itemStarts + ((<usize>(i + 1)) << 2))) << 2);
  for (let b = buyers + ((<usize>load<u32>(itemStarts + ((<usize>i) << 2))) << 2); b < stop; b += 4) {
    const user = (<usize>load<u32>(b)) << 2;
    const last = indices + ((<usize>load<u32>(ends + user)) << 2);
    for (let p = indices + ((<usize>load<u32>(middles + user)) << 2); p < last; p += 4)
      subtract(line(r, load<i32>(p)), d0, d1, d2, d3);
  }
}

/** A line −= d. */
// @ts-ignore: decorator
@inline
function subtract(at: usize, d0: v128, d1: v128, d2: v128, d3: v128): void {
  v128.store(at, f32x4.sub(v128.load(at), d0));
  v128.store(at, f32x4.sub(v128.load(at, 16), d1), 16);
  v128.store(at, f32x4.sub(v128.load(at, 32), d2), 32);
  v128.store(at, f32x4.sub(v128.load(at, 48), d3), 48);
}

/** Jacobi's step by blocks, x_T += M⁻¹ r_T. Arguments as in stepColumns. */
export function relaxColumns(n: i32, core: i32, groups: usize, r: usize, x: usize, work: usize): void {
  addPreconditioned(n, core, groups, r, x, work);
}

/** A block of columns of P, solved: Y's slabs (y) get them. */
export function storeCore(n: i32, core: i32, column: i32, width: i32, x: usize, y: usize): void {
  for (let i = core; i < n; i++) {
    let to = slabEntry(y, core, i - core, column);
    let from = line(x, i);
    for (let lane = 0; lane < width; lane++) {
      store<f32>(to, load<f32>(from));
      to += 16;
      from += 4;
    }
  }
}

/**
 * schur (core × core f32, row-major) gets the rows of a block of columns of P, those of S, from Y, which all of them are in by now.
 * x, w: n + 16 lines, overwritten. The rest as in startColumns. 32 core flops a row of T.
 */
export function schurColumns(
  n: i32,
  core: i32,
  column: i32,
  width: i32,
  users: i32,
  starts: usize,
  ends: usize,
  indices: usize,
  lambda: f32,
  y: usize,
  x: usize,
  w: usize,
  schur: usize,
): void {
  memory.fill(x, 0, <usize>core * LINE);
  for (let lane = 0; lane < width; lane++) store<f32>(line(x, column + lane) + ((<usize>lane) << 2), 1);
  for (let i = core; i < n; i++) {
    let from = slabEntry(y, core, i - core, column);
    const to = line(x, i);
    memory.fill(to, 0, LINE);
    for (let lane: usize = 0; lane < <usize>width; lane++) {
      store<f32>(to + (lane << 2), load<f32>(from));
      from += 16;
    }
  }
  multiplyByA(n, users, starts, ends, indices, lambda, x, w);
  // Y's rows from n on are 0, and so are the lines of w there.
  memory.fill(line(w, n), 0, <usize>LANES * LINE);
  for (let t = 0; t < n - core; t += 4) {
    for (let k = 0; k < core; k += DEPTH) {
      const columns = min(DEPTH, core - k);
      const from = slabEntry(y, core, t, k);
      for (let half: usize = 0; half < LINE; half += 32)
        addOuter(columns, from, line(w, core + t) + half, line(w, k) + half);
    }
  }
  for (let lane = 0; lane < width; lane++) {
    let to = schur + ((<usize>(column + lane) * <usize>core) << 2);
    let from = w + ((<usize>lane) << 2);
    for (let i = 0; i < core; i++) {
      store<f32>(to, load<f32>(from));
      to += 4;
      from += LINE;
    }
  }
}

/** out += yᵀ w for four rows: y (columns × 4 f32), w and out: eight f32 of four lines, and of `columns` lines. */
function addOuter(columns: i32, y: usize, w: usize, out: usize): void {
  const a0 = v128.load(w),
    b0 = v128.load(w, 16);
  const a1 = v128.load(w, 64),
    b1 = v128.load(w, 80);
  const a2 = v128.load(w, 128),
    b2 = v128.load(w, 144);
  const a3 = v128.load(w, 192),
    b3 = v128.load(w, 208);
  for (const stop = y + ((<usize>columns) << 4); y < stop; y += 16) {
    const y0 = v128.load_splat<f32>(y);
    let a = f32x4.add(v128.load(out), f32x4.mul(y0, a0));
    let b = f32x4.add(v128.load(out, 16), f32x4.mul(y0, b0));
    const y1 = v128.load_splat<f32>(y, 4);
    a = f32x4.add(a, f32x4.mul(y1, a1));
    b = f32x4.add(b, f32x4.mul(y1, b1));
    const y2 = v128.load_splat<f32>(y, 8);
    a = f32x4.add(a, f32x4.mul(y2, a2));
    b = f32x4.add(b, f32x4.mul(y2, b2));
    const y3 = v128.load_splat<f32>(y, 12);
    v128.store(out, f32x4.add(a, f32x4.mul(y3, a3)));
    v128.store(out, f32x4.add(b, f32x4.mul(y3, b3)), 16);
    out += LINE;
  }
}

/**
 * What the core's share of a block takes: x_P becomes C's rows of P, C_PP Y_jᵀ for columns j of T and C_PP's own for those of P,
 * and packed (core × 16 f32) the same as right operands of the blocks of Y; for columns of P, x_T becomes 0.
 * inverse: C_PP as ⌈core/4⌉ panels (core × 4) f32, as packRows makes them. work: conjugateWorkspaceBytes(core, users).
 */
export function coupleColumns(
  n: i32,
  core: i32,
  column: i32,
  width: i32,
  inverse: usize,
  y: usize,
  x: usize,
  packed: usize,
  work: usize,
): void {
  memory.fill(x, 0, <usize>(column < core ? n + LANES : core) * LINE);
  if (column < core) {
    for (let lane = 0; lane < width; lane++) {
      const j = column + lane;
      // Row j of C_PP is its column j.
      let from = inverse + (((<usize>(j >> 2) * <usize>core) << 4) + ((<usize>(j & 3)) << 2));
      let to = x + ((<usize>lane) << 2);
      for (let i = 0; i < core; i++) {
        store<f32>(to, load<f32>(from));
        from += 16;
        to += LINE;
      }
    }
  } else {
    memory.fill(work, 0, <usize>core * LINE);
    for (let lane = 0; lane < width; lane++) {
      const t = column + lane - core;
      // Panels of 8 lanes, one row of them 32 bytes.
      let to = work + <usize>(lane >> 3) * ((<usize>core) << 5) + ((<usize>(lane & 7)) << 2);
      for (let k = 0; k < core; k += DEPTH) {
        const depth = min(DEPTH, core - k);
        let from = slabEntry(y, core, t, k);
        for (let p = 0; p < depth; p++) {
          store<f32>(to, load<f32>(from));
          from += 16;
          to += 32;
        }
      }
    }
    multiplyPacked(core, LANES, core, 1, inverse, work, x, LANES, work + <usize>max(core, GROUP) * LINE);
  }
  for (let k = 0; k < core; k += DEPTH) packColumns(8, line(x, k), LANES, LANES, min(DEPTH, core - k), line(packed, k));
}

/**
 * x_T += Y x_P in the rows [from, to) of T, `from` a multiple of 64, for `blocks` blocks: block b is at x + b · stride bytes, and
 * what coupleColumns packed of it at packed + b · 64 core bytes. edge: 128 bytes of scratch. 32 core flops a row and block.
 */
export function addCore(
  from: i32,
  to: i32,
  core: i32,
  blocks: i32,
  y: usize,
  packed: usize,
  x: usize,
  stride: u32,
  edge: usize,
): void {
  for (let t = from; t < to; t += SLAB) {
    const rows = min(SLAB, to - t);
    for (let k = 0; k < core; k += DEPTH) {
      const depth = min(DEPTH, core - k);
      const left = slabBlock(y, core, t, k);
      for (let b: usize = 0; b < <usize>blocks; b++) {
        multiplyPacked(
          rows,
          LANES,
          depth,
          1,
          left,
          packed + b * <usize>core * LINE + <usize>k * LINE,
          line(x + b * stride, core + t),
          LANES,
          edge,
        );
      }
    }
  }
}

/** ρ = rᵀ w, w being M⁻¹ r, β = ρ over the one before, q_T ← w + β q_T, w_T ← λ q_T. sums: 16 f64 and 16 f32 of scratch. */
function turnDirection(
  n: i32,
  core: i32,
  lambda: f32,
  r: usize,
  w: usize,
  q: usize,
  previous: usize,
  sums: usize,
): void {
  const factors = sums + (LANES << 3);
  innerProducts(core, n, r, w, sums);
  for (let lane: usize = 0; lane < 2 * LINE; lane += 8) {
    const before = load<f64>(previous + lane);
    const now = load<f64>(sums + lane);
    store<f32>(factors + (lane >> 1), before > 0 ? <f32>(now / before) : 0);
    store<f64>(previous + lane, now);
  }
  turn(core, n, lambda, w, q, factors);
}

/** α = ρ / q_Tᵀ w_T, w being A q, x_T ← x_T + α q_T, r_T ← r_T − α w_T. */
function advance(n: i32, core: i32, x: usize, r: usize, q: usize, w: usize, previous: usize, sums: usize): void {
  const factors = sums + (LANES << 3);
  innerProducts(core, n, q, w, sums);
  for (let lane: usize = 0; lane < 2 * LINE; lane += 8) {
    const curvature = load<f64>(sums + lane);
    store<f32>(factors + (lane >> 1), curvature > 0 ? <f32>(load<f64>(previous + lane) / curvature) : 0);
  }
  addTimes(core, n, factors, q, x, 1);
  addTimes(core, n, factors, w, r, -1);
}

/**
 * residual (f32): the largest |r_ij| / (A_ii |x_jj|) of r = A x − e_J over all items, x being C's columns, through every user afresh:
 * what rounding left is in it, and what the core did. work: 16 f32 of scratch. Arguments as in the others.
 */
export function columnResidual(
  n: i32,
  column: i32,
  width: i32,
  users: i32,
  starts: usize,
  ends: usize,
  indices: usize,
  weights: usize,
  lambda: f32,
  x: usize,
  w: usize,
  work: usize,
  residual: usize,
): void {
  multiplyByA(n, users, starts, ends, indices, lambda, x, w);
  for (let lane = 0; lane < width; lane++) {
    const own = line(w, column + lane) + ((<usize>lane) << 2);
    store<f32>(own, load<f32>(own) - 1);
  }
  scales(column, width, x, work);
  store<f32>(residual, largest(0, n, weights, w, work));
}

/** w ← A x over all items, through every user. */
function multiplyByA(
  n: i32,
  users: i32,
  starts: usize,
  ends: usize,
  indices: usize,
  lambda: f32,
  x: usize,
  w: usize,
): void {
  memory.fill(w, 0, <usize>n * LINE);
  spread(users, starts, ends, starts, ends, indices, x, w);
  const ridge = f32x4.splat(lambda);
  const bytes = <usize>n * LINE;
  for (let p: usize = 0; p < bytes; p += 16)
    v128.store(w + p, f32x4.add(v128.load(w + p), f32x4.mul(ridge, v128.load(x + p))));
}

/** sums (16 f64): Σ r · y of each column over rows [from, to). */
function innerProducts(from: i32, to: i32, r: usize, y: usize, sums: usize): void {
  let s0 = f64x2.splat(0),
    s1 = f64x2.splat(0),
    s2 = f64x2.splat(0),
    s3 = f64x2.splat(0);
  let s4 = f64x2.splat(0),
    s5 = f64x2.splat(0),
    s6 = f64x2.splat(0),
    s7 = f64x2.splat(0);
  const stop = line(r, to);
  y = line(y, from);
  for (let p = line(r, from); p < stop; p += LINE) {
    let product = f32x4.mul(v128.load(p), v128.load(y));
    s0 = f64x2.add(s0, f64x2.promote_low_f32x4(product));
    s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.shuffle<f64>(product, product, 1, 1)));
    product = f32x4.mul(v128.load(p, 16), v128.load(y, 16));
    s2 = f64x2.add(s2, f64x2.promote_low_f32x4(product));
    s3 = f64x2.add(s3, f64x2.promote_low_f32x4(v128.shuffle<f64>(product, product, 1, 1)));
    product = f32x4.mul(v128.load(p, 32), v128.load(y, 32));
    s4 = f64x2.add(s4, f64x2.promote_low_f32x4(product));
    s5 = f64x2.add(s5, f64x2.promote_low_f32x4(v128.shuffle<f64>(product, product, 1, 1)));
    product = f32x4.mul(v128.load(p, 48), v128.load(y, 48));
    s6 = f64x2.add(s6, f64x2.promote_low_f32x4(product));
    s7 = f64x2.add(s7, f64x2.promote_low_f32x4(v128.shuffle<f64>(product, product, 1, 1)));
    y += LINE;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
  v128.store(sums, s4, 64);
  v128.store(sums, s5, 80);
  v128.store(sums, s6, 96);
  v128.store(sums, s7, 112);
}

/** q ← w + factor · q, then w ← λ q, over rows [from, to). factors: 16 f32. */
function turn(from: i32, to: i32, lambda: f32, w: usize, q: usize, factors: usize): void {
  const ridge = f32x4.splat(lambda);
  const f0 = v128.load(factors);
  const f1 = v128.load(factors, 16);
  const f2 = v128.load(factors, 32);
  const f3 = v128.load(factors, 48);
  const stop = line(q, to);
  w = line(w, from);
  for (let p = line(q, from); p < stop; p += LINE) {
    const q0 = f32x4.add(v128.load(w), f32x4.mul(f0, v128.load(p)));
    const q1 = f32x4.add(v128.load(w, 16), f32x4.mul(f1, v128.load(p, 16)));
    const q2 = f32x4.add(v128.load(w, 32), f32x4.mul(f2, v128.load(p, 32)));
    const q3 = f32x4.add(v128.load(w, 48), f32x4.mul(f3, v128.load(p, 48)));
    v128.store(p, q0);
    v128.store(p, q1, 16);
    v128.store(p, q2, 32);
    v128.store(p, q3, 48);
    v128.store(w, f32x4.mul(ridge, q0));
    v128.store(w, f32x4.mul(ridge, q1), 16);
    v128.store(w, f32x4.mul(ridge, q2), 32);
    v128.store(w, f32x4.mul(ridge, q3), 48);
    w += LINE;
  }
}

/** out += sign · factor · y over rows [from, to). factors: 16 f32. */
function addTimes(from: i32, to: i32, factors: usize, y: usize, out: usize, sign: f32): void {
  const s = f32x4.splat(sign);
  const f0 = f32x4.mul(s, v128.load(factors));
  const f1 = f32x4.mul(s, v128.load(factors, 16));
  const f2 = f32x4.mul(s, v128.load(factors, 32));
  const f3 = f32x4.mul(s, v128.load(factors, 48));
  for (let i = from; i < to; i++) {
    const at = line(out, i);
    const source = line(y, i);
    v128.store(at, f32x4.add(v128.load(at), f32x4.mul(f0, v128.load(source))));
    v128.store(at, f32x4.add(v128.load(at, 16), f32x4.mul(f1, v128.load(source, 16))), 16);
    v128.store(at, f32x4.add(v128.load(at, 32), f32x4.mul(f2, v128.load(source, 32))), 32);
    v128.store(at, f32x4.add(v128.load(at, 48), f32x4.mul(f3, v128.load(source, 48))), 48);
  }
}

/** factors (16 f32): 1 / x_jj of each column of the block, 0 beyond them. */
function scales(column: i32, width: i32, x: usize, factors: usize): void {
  memory.fill(factors, 0, LINE);
  for (let lane = 0; lane < width; lane++) {
    const at = (<usize>lane) << 2;
    store<f32>(factors + at, <f32>1 / load<f32>(line(x, column + lane) + at));
  }
}

/** Rows of [from, to) in which some |r| · weight · |factor| is over the tolerance. factors: 16 f32. */
// @ts-ignore: decorator
@inline
function rowsOver(from: i32, to: i32, weights: usize, tolerance: f32, r: usize, factors: usize): u32 {
  const f0 = f32x4.abs(v128.load(factors));
  const f1 = f32x4.abs(v128.load(factors, 16));
  const f2 = f32x4.abs(v128.load(factors, 32));
  const f3 = f32x4.abs(v128.load(factors, 48));
  const most = f32x4.splat(tolerance);
  const stop = line(r, to);
  let rows: u32 = 0;
  weights += (<usize>from) << 2;
  for (let p = line(r, from); p < stop; p += LINE) {
    const low = f32x4.max(f32x4.mul(f0, f32x4.abs(v128.load(p))), f32x4.mul(f1, f32x4.abs(v128.load(p, 16))));
    const high = f32x4.max(f32x4.mul(f2, f32x4.abs(v128.load(p, 32))), f32x4.mul(f3, f32x4.abs(v128.load(p, 48))));
    const over = f32x4.gt(f32x4.mul(v128.load_splat<f32>(weights), f32x4.max(low, high)), most);
    rows += u32(v128.any_true(over));
    weights += 4;
  }
  return rows;
}

/** The largest |r| · weight · |factor| in rows [from, to); not a number where one of them is not. factors: 16 f32. */
function largest(from: i32, to: i32, weights: usize, r: usize, factors: usize): f32 {
  let m0 = f32x4.splat(0),
    m1 = f32x4.splat(0),
    m2 = f32x4.splat(0),
    m3 = f32x4.splat(0);
  const stop = line(r, to);
  weights += (<usize>from) << 2;
  for (let p = line(r, from); p < stop; p += LINE) {
    const weight = v128.load_splat<f32>(weights);
    m0 = f32x4.max(m0, f32x4.mul(weight, f32x4.abs(v128.load(p))));
    m1 = f32x4.max(m1, f32x4.mul(weight, f32x4.abs(v128.load(p, 16))));
    m2 = f32x4.max(m2, f32x4.mul(weight, f32x4.abs(v128.load(p, 32))));
    m3 = f32x4.max(m3, f32x4.mul(weight, f32x4.abs(v128.load(p, 48))));
    weights += 4;
  }
  m0 = f32x4.max(f32x4.mul(m0, f32x4.abs(v128.load(factors))), f32x4.mul(m1, f32x4.abs(v128.load(factors, 16))));
  m2 = f32x4.max(f32x4.mul(m2, f32x4.abs(v128.load(factors, 32))), f32x4.mul(m3, f32x4.abs(v128.load(factors, 48))));
  m0 = f32x4.max(m0, m2);
  return max(
    max(f32x4.extract_lane(m0, 0), f32x4.extract_lane(m0, 1)),
    max(f32x4.extract_lane(m0, 2), f32x4.extract_lane(m0, 3)),
  );
}
