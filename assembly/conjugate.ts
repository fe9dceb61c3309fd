// Columns of C = (G + λI)⁻¹ by conjugate gradients (Hestenes and Stiefel, 1952) for catalogues whose G is too large: G x is
// taken as Xᵀ(X x), user by user. Items stand by popularity, most popular first. The first `core` of them, P, couple with
// nearly everything, and are solved exactly by the dense H = (G + λI)_PP⁻¹; the iteration goes over the tail T alone:
//   Σ = A_TT − A_TP H A_PT,  A = G + λI,  preconditioned by the diagonal of A_TT,
// where every step q_T takes q_P = −H A_PT q_T along, so that the residual on P stays zero.
//
// Columns are worked out 16 at a time. A block is four arrays of n × 16 f32, one row a cache line: x the columns so far, r
// the residual (on T), q the direction, w scratch; each column has its own step length.
//
// Users are rows of X by ascending position: those in P are indices[starts[u] … middles[u]), those in T
// indices[middles[u] … ends[u]); starts, middles and ends are addresses of i32.
//
// Order: a user's sum goes over the items in ascending position, sums of users in ascending user; products with H as in
// gemm.ts, one sum over all of P; inner products over ascending rows in f64. It does not depend on what other blocks do.
import { multiplyPacked, packColumns } from './gemm';

const LANES: i32 = 16;
const LINE: usize = 64;
/** A 4 × 8 tile for products whose last rows are not four. */
const EDGE_BYTES: usize = 128;

// @ts-ignore: decorator
@inline
function line(block: usize, row: i32): usize {
  return block + (<usize>row) * LINE;
}

/** Bytes of workspace of `startColumns` and `stepColumns`: H's operand, packed, and a tile; then two rows of 16 f64. */
export function conjugateWorkspaceBytes(core: i32): usize {
  return (<usize>core) * LINE + EDGE_BYTES + 256;
}

/**
 * y += the sum of x over a user's items [from, to), at each of the user's items [outFrom, outTo), for every user.
 * from, to, outFrom, outTo: addresses of (users) i32, positions in indices (i32). x, y: blocks.
 */
function spread(users: i32, from: usize, to: usize, outFrom: usize, outTo: usize, indices: usize, x: usize, y: usize): void {
  const end = (<usize>users) << 2;
  for (let u: usize = 0; u < end; u += 4) {
    let p = indices + ((<usize>load<u32>(from + u)) << 2);
    const stop = indices + ((<usize>load<u32>(to + u)) << 2);
    let out = indices + ((<usize>load<u32>(outFrom + u)) << 2);
    const outStop = indices + ((<usize>load<u32>(outTo + u)) << 2);
    if (p >= stop || out >= outStop) continue;
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
    for (; p < stop; p += 4) {
      const at = x + (<usize>load<u32>(p)) * LINE;
      s0 = f32x4.add(s0, v128.load(at));
      s1 = f32x4.add(s1, v128.load(at, 16));
      s2 = f32x4.add(s2, v128.load(at, 32));
      s3 = f32x4.add(s3, v128.load(at, 48));
    }
    // A user of none of the columns' neighbours changes nothing.
    if (!v128.any_true(v128.or(v128.or(s0, s1), v128.or(s2, s3)))) continue;
    for (; out < outStop; out += 4) {
      const at = y + (<usize>load<u32>(out)) * LINE;
      v128.store(at, f32x4.add(v128.load(at), s0));
      v128.store(at, f32x4.add(v128.load(at, 16), s1), 16);
      v128.store(at, f32x4.add(v128.load(at, 32), s2), 32);
      v128.store(at, f32x4.add(v128.load(at, 48), s3), 48);
    }
  }
}

/**
 * The block of the `width` ≤ 16 columns from position `column` on before its first step: on P the columns of H for those in
 * P, else zeros, with the residual on T that they leave. x, r, q: n + 16 lines each, all of them written.
 * inverse: H as ⌈core/4⌉ panels (core × 4) f32, as packRows makes them. previous (16 f64): set to 0.
 */
export function startColumns(n: i32, core: i32, column: i32, width: i32, users: i32, starts: usize, middles: usize, ends: usize, indices: usize, inverse: usize, x: usize, r: usize, q: usize, previous: usize): void {
  const bytes = (<usize>(n + LANES)) * LINE;
  memory.fill(x, 0, bytes);
  memory.fill(r, 0, bytes);
  memory.fill(q, 0, bytes);
  memory.fill(previous, 0, LANES << 3);
  for (let lane = 0; lane < width && column + lane < core; lane++) {
    const j = column + lane;
    // Row j of H is its column j.
    let from = inverse + ((((<usize>(j >> 2)) * (<usize>core)) << 4) + ((<usize>(j & 3)) << 2));
    let to = x + ((<usize>lane) << 2);
    for (let i = 0; i < core; i++) {
      store<f32>(to, load<f32>(from));
      from += 16;
      to += LINE;
    }
  }
  if (column < core) {
    spread(users, starts, middles, middles, ends, indices, x, r);
    const stop = line(r, n);
    for (let p = line(r, core); p < stop; p += 16) v128.store(p, f32x4.neg(v128.load(p)));
  }
  for (let lane = max(0, core - column); lane < width; lane++) store<f32>(line(r, column + lane) + ((<usize>lane) << 2), 1);
}

/**
 * One step of every column of a block. residual (f32) gets the largest |r_ij| / (A_ii |C_jj|) after it, over the block: about
 * how far an entry of B̂ is off. weights (n f32): 1 / A_ii. previous (16 f64): rᵀ D⁻¹ r of each column before the last step, as startColumns or the last
 * step left it. w: n + 16 lines, work: conjugateWorkspaceBytes(core); both are overwritten. The rest as in startColumns.
 */
export function stepColumns(n: i32, core: i32, column: i32, width: i32, users: i32, starts: usize, middles: usize, ends: usize, indices: usize, inverse: usize, weights: usize, lambda: f32, x: usize, r: usize, q: usize, w: usize, previous: usize, work: usize, residual: usize): void {
  const edge = work + (<usize>core) * LINE;
  const sums = edge + EDGE_BYTES;
  turnDirection(n, core, weights, r, q, previous, sums);
  // q_P = −H A_PT q_T
  memory.fill(w, 0, (<usize>n) * LINE);
  spread(users, middles, ends, starts, middles, indices, q, w);
  if (core > 0) {
    packColumns(8, w, LANES, LANES, core, work);
    memory.fill(q, 0, (<usize>core) * LINE);
    multiplyPacked(core, LANES, core, -1, inverse, work, q, LANES, edge);
  }
  spread(users, starts, ends, middles, ends, indices, q, w);
  advance(n, core, column, width, weights, lambda, x, r, q, w, previous, sums, residual);
}

/** ρ = rᵀ D⁻¹ r, β = ρ over the one before, q_T ← D⁻¹ r + β q_T. sums: 16 f64 and 16 f32 of scratch. */
function turnDirection(n: i32, core: i32, weights: usize, r: usize, q: usize, previous: usize, sums: usize): void {
  const factors = sums + (LANES << 3);
  weightedSquares(core, n, weights, r, sums);
  for (let lane: usize = 0; lane < 2 * LINE; lane += 8) {
    const before = load<f64>(previous + lane);
    const now = load<f64>(sums + lane);
    store<f32>(factors + (lane >> 1), before > 0 ? <f32>(now / before) : 0);
    store<f64>(previous + lane, now);
  }
  turn(core, n, weights, r, q, factors);
}

/** w_T ← w_T + λ q_T, α = ρ / q_Tᵀ w_T, x ← x + α q, r_T ← r_T − α w_T. */
function advance(n: i32, core: i32, column: i32, width: i32, weights: usize, lambda: f32, x: usize, r: usize, q: usize, w: usize, previous: usize, sums: usize, residual: usize): void {
  const factors = sums + (LANES << 3);
  addRidge(core, n, lambda, q, w, sums);
  for (let lane: usize = 0; lane < 2 * LINE; lane += 8) {
    const curvature = load<f64>(sums + lane);
    store<f32>(factors + (lane >> 1), curvature > 0 ? <f32>(load<f64>(previous + lane) / curvature) : 0);
  }
  addTimes(0, n, factors, q, x, 1);
  addTimes(core, n, factors, w, r, -1);
  scales(column, width, x, factors);
  store<f32>(residual, largest(core, n, weights, r, factors));
}

/**
 * residual (f32) as in stepColumns, of A x − e_J over all items, through every user afresh: what rounding left is in it, and what
 * H did. work: 16 f32 of scratch. Arguments as in the other two.
 */
export function columnResidual(n: i32, column: i32, width: i32, users: i32, starts: usize, ends: usize, indices: usize, weights: usize, lambda: f32, x: usize, w: usize, work: usize, residual: usize): void {
  memory.fill(w, 0, (<usize>n) * LINE);
  spread(users, starts, ends, starts, ends, indices, x, w);
  const ridge = f32x4.splat(lambda);
  const bytes = (<usize>n) * LINE;
  for (let p: usize = 0; p < bytes; p += 16) v128.store(w + p, f32x4.add(v128.load(w + p), f32x4.mul(ridge, v128.load(x + p))));
  for (let lane = 0; lane < width; lane++) {
    const own = line(w, column + lane) + ((<usize>lane) << 2);
    store<f32>(own, load<f32>(own) - 1);
  }
  scales(column, width, x, work);
  store<f32>(residual, largest(0, n, weights, w, work));
}

/** sums (16 f64): Σ weight · r² of each column over rows [from, to). */
function weightedSquares(from: i32, to: i32, weights: usize, r: usize, sums: usize): void {
  for (let lane: usize = 0; lane < LINE; lane += 16) {
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (let i = from; i < to; i++) {
      const value = v128.load(line(r, i) + lane);
      const product = f32x4.mul(f32x4.mul(value, value), v128.load_splat<f32>(weights + ((<usize>i) << 2)));
      low = f64x2.add(low, f64x2.promote_low_f32x4(product));
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f64>(product, product, 1, 1)));
    }
    v128.store(sums + 2 * lane, low);
    v128.store(sums + 2 * lane, high, 16);
  }
}

/** q ← weight · r + factor · q over rows [from, to). factors: 16 f32. */
function turn(from: i32, to: i32, weights: usize, r: usize, q: usize, factors: usize): void {
  for (let i = from; i < to; i++) {
    const weight = v128.load_splat<f32>(weights + ((<usize>i) << 2));
    for (let lane: usize = 0; lane < LINE; lane += 16) {
      const at = line(q, i) + lane;
      v128.store(at, f32x4.add(f32x4.mul(weight, v128.load(line(r, i) + lane)), f32x4.mul(v128.load(factors + lane), v128.load(at))));
    }
  }
}

/** w ← w + λ q over rows [from, to); sums (16 f64): Σ q w of each column then. */
function addRidge(from: i32, to: i32, lambda: f32, q: usize, w: usize, sums: usize): void {
  const ridge = f32x4.splat(lambda);
  for (let lane: usize = 0; lane < LINE; lane += 16) {
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (let i = from; i < to; i++) {
      const direction = v128.load(line(q, i) + lane);
      const at = line(w, i) + lane;
      const value = f32x4.add(v128.load(at), f32x4.mul(ridge, direction));
      v128.store(at, value);
      const product = f32x4.mul(direction, value);
      low = f64x2.add(low, f64x2.promote_low_f32x4(product));
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f64>(product, product, 1, 1)));
    }
    v128.store(sums + 2 * lane, low);
    v128.store(sums + 2 * lane, high, 16);
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

/** factors (16 f32): 1 / C_jj of each column of the block, 0 beyond them. */
function scales(column: i32, width: i32, x: usize, factors: usize): void {
  memory.fill(factors, 0, LINE);
  for (let lane = 0; lane < width; lane++) {
    const at = (<usize>lane) << 2;
    store<f32>(factors + at, <f32>1 / load<f32>(line(x, column + lane) + at));
  }
}

/** The largest |r| · weight · factor in rows [from, to); not a number where one of them is not. factors: 16 f32. */
function largest(from: i32, to: i32, weights: usize, r: usize, factors: usize): f32 {
  let most = f32x4.splat(0);
  for (let lane: usize = 0; lane < LINE; lane += 16) {
    let highest = f32x4.splat(0);
    for (let i = from; i < to; i++) highest = f32x4.max(highest, f32x4.mul(v128.load_splat<f32>(weights + ((<usize>i) << 2)), f32x4.abs(v128.load(line(r, i) + lane))));
    most = f32x4.max(most, f32x4.abs(f32x4.mul(highest, v128.load(factors + lane))));
  }
  return max(max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)), max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)));
}
