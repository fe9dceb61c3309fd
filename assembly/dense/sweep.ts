// In-place inverse of a symmetric positive definite matrix by the block sweep operator (Gauss and Jordan, in
// Goodnight's symmetric form, 1979). With D = A_kk⁻¹, sweeping block k is
//   A_ij ← A_ij − A_ik D A_kj,   A_ik ← A_ik D,   A_kk ← −D      (i, j ≠ k),
// and sweeping every block leaves −A⁻¹. The matrix stays symmetric, so the lower triangle is enough. It takes n³ flops,
// as many as Cholesky's three phases, nearly all of them in one update kernel.
//
// Storage: only tiles (i, j) with j ≤ i, each t × t f32 row-major and contiguous, tile (i, j) being number i (i + 1) /
// 2 + j. t is a multiple of 8. The last tiles are padded with the identity. Up to 32 t ⌈t / 128⌉ bytes after a tile
// that is written are read, so memory must not end with the last tile.
//
// Precision: an update of 16 rows by 16 columns is computed in 16-bit fixed point (fixed.ts) if its panels are small
// compared with the diagonal, else in single precision. With shares |A_r,k| / √|A_rr| of rows r and |(A_ik D)_c| /
// √|A_cc| of columns c, the error of fixed point is about 1e-5 of their product, relative to √|A_rr A_cc|. It is used
// when that product is at most FIXED_BELOW, which depends on the values alone. A_ik D is computed alike, except for D's
// diagonal, which has most of its norm and is multiplied in single precision.
//
// Order: in the sweep of k each tile is written by one task, from that tile and what the panels hold: in single
// precision summed over the t columns of k in ascending order, then subtracted once; in fixed point subtracted once per
// length of columns, in ascending order. So tasks of one phase may run in any order, on any thread. Panels of zeros,
// and in fixed point lengths of zeros, are skipped: they subtract nothing. So the padding of the last tiles costs
// little.
//
// One sweep: sweepPivot(k); sweepPanel(k, i) for every i ≠ k; sweepUpdate(k, i, …) for every i ≠ k, and sweepPivot(k +
// 1) any time after the update of tile (k + 1, k + 1). At the end: sweepFinish.

import { at32, bytesOf, f32At, setF32 } from '../core/arrays';
import { tile, tileBytes } from '../core/tiles';
import { choleskyInverse } from './cholesky';
import { lengths, packFixed, subtractFixed } from './fixed';
import { multiplyPacked, packColumns, packRows } from './gemm';

/** Rows, and columns, of a tile that are updated in the same precision; a multiple of 8. */
const STRIP: i32 = 16;
/** The largest product of shares that is computed in fixed point. */
const FIXED_BELOW: f32 = 0.05;

// A slot holds what the updates need of tile (i, k): A_ik as a left operand and A_ik D as a right one, packed; both in
// fixed point; their steps; the sums of squares of their rows, later the largest share of each strip; and whether there
// is anything but zeros. The operand in single precision comes first; these are the offsets of the others:
// @ts-ignore: decorator
@inline
function rightOf(slot: usize, t: i32): usize {
  return slot + tileBytes(t);
}

// @ts-ignore: decorator
@inline
function fixedLeftOf(slot: usize, t: i32): usize {
  return slot + 2 * tileBytes(t);
}

// @ts-ignore: decorator
@inline
function fixedRightOf(slot: usize, t: i32): usize {
  return fixedLeftOf(slot, t) + (tileBytes(t) >> 1);
}

// @ts-ignore: decorator
@inline
function leftStepsOf(slot: usize, t: i32): usize {
  return slot + 3 * tileBytes(t);
}

// @ts-ignore: decorator
@inline
function rightStepsOf(slot: usize, t: i32): usize {
  return leftStepsOf(slot, t) + bytesOf(t * lengths(t));
}

// @ts-ignore: decorator
@inline
function leftSharesOf(slot: usize, t: i32): usize {
  return rightStepsOf(slot, t) + bytesOf(t * lengths(t));
}

// @ts-ignore: decorator
@inline
function rightSharesOf(slot: usize, t: i32): usize {
  return leftSharesOf(slot, t) + bytesOf(t);
}

// @ts-ignore: decorator
@inline
function filledOf(slot: usize, t: i32): usize {
  return rightSharesOf(slot, t) + bytesOf(t);
}

/** Bytes of a slot, a multiple of 16. The host knows it as SLOT_BYTES (src/similarity/sweep.ts). */
export function sweepSlotBytes(t: i32): usize {
  return filledOf(0, t) + 16;
}

// @ts-ignore: decorator
@inline
function slotOf(slots: usize, t: i32, i: i32): usize {
  return slots + <usize>i * sweepSlotBytes(t);
}

/**
 * Inverts diagonal tile k, which becomes −D, and packs it without its diagonal.
 * @param tiles lower tiles
 * @param t rows of a tile
 * @param k the block to sweep
 * @param pivot sweepSlotBytes(t), gets the packed tile
 * @param work choleskyWorkspaceBytes(t)
 * @param failed i32, gets 0, or 1 + the row within the tile of a pivot that is not positive
 */
export function sweepPivot(tiles: usize, t: i32, k: i32, pivot: usize, work: usize, failed: usize): void {
  const d = tile(tiles, t, k, k);
  store<i32>(failed, choleskyInverse(t, d, work));
  if (load<i32>(failed) != 0) return;
  const end = d + tileBytes(t);
  for (let p = d; p < end; p += 16) v128.store(p, f32x4.neg(v128.load(p)));
  packColumns(4, d, t, t, t, pivot);
  packColumns(8, d, t, t, t, rightOf(pivot, t));
  for (let c = 0; c < t; c++) {
    store<f32>(packedAt(4, pivot, t, c, c), 0);
    store<f32>(packedAt(8, rightOf(pivot, t), t, c, c), 0);
  }
  fixLeft(t, pivot, d);
  fixRight(t, pivot, d);
}

/** Where packColumns puts element (p, column) of k rows. */
// @ts-ignore: decorator
@inline
function packedAt(width: i32, packed: usize, k: i32, p: i32, column: i32): usize {
  return at32(packed, ((column / width) * k + p) * width + (column % width));
}

/**
 * A_ik ← A_ik D, packed for the updates.
 * @param tiles lower tiles
 * @param t rows of a tile
 * @param k the block that is swept
 * @param i a block other than k
 * @param pivot from sweepPivot
 * @param slots a slot for each block; slot i gets A_ik as the left operand and A_ik D as the right one
 * @param scratch MULTIPLY_SCRATCH_BYTES
 */
export function sweepPanel(tiles: usize, t: i32, k: i32, i: i32, pivot: usize, slots: usize, scratch: usize): void {
  const below = i > k;
  const a = below ? tile(tiles, t, i, k) : tile(tiles, t, k, i);
  const slot = slotOf(slots, t, i);
  const filled = !isZero(a, tileBytes(t));
  store<i32>(filledOf(slot, t), filled);
  if (!filled) return;
  const right = rightOf(slot, t);
  const diagonal = tile(tiles, t, i, i);
  if (below) {
    packRows(4, a, t, t, t, slot);
    fixLeft(t, slot, diagonal);
    scaleColumns(t, a, tile(tiles, t, k, k));
    subtractProduct(t, slot, pivot, a, false, scratch);
    packRows(8, a, t, t, t, right);
  } else {
    // Stored as A_ki = A_ikᵀ, which becomes D A_ki.
    packColumns(4, a, t, t, t, slot);
    fixLeft(t, slot, diagonal);
    packColumns(8, a, t, t, t, right);
    fixRight(t, slot, diagonal);
    scaleRows(t, a, tile(tiles, t, k, k));
    subtractProduct(t, pivot, slot, a, false, scratch);
    packColumns(8, a, t, t, t, right);
  }
  fixRight(t, slot, diagonal);
}

/** Column c of a (t × t) times D_cc, of the tile that holds −D. */
function scaleColumns(t: i32, a: usize, pivot: usize): void {
  const step = (<usize>t + 1) << 2;
  for (let c = 0; c < t; c += 4) {
    const d = f32x4(
      -load<f32>(pivot),
      -load<f32>(pivot + step),
      -load<f32>(pivot + 2 * step),
      -load<f32>(pivot + 3 * step),
    );
    const end = a + tileBytes(t);
    for (let p = a; p < end; p += bytesOf(t)) v128.store(p, f32x4.mul(v128.load(p), d));
    a += 16;
    pivot += 4 * step;
  }
}

/** As scaleColumns, but for rows. */
function scaleRows(t: i32, a: usize, pivot: usize): void {
  const bytes = bytesOf(t);
  for (let r = 0; r < t; r++) {
    const d = f32x4.splat(-load<f32>(pivot));
    for (const end = a + bytes; a < end; a += 16) v128.store(a, f32x4.mul(v128.load(a), d));
    pivot += bytes + 4;
  }
}

/** The left operand of a slot in fixed point, and its shares. diagonal: the tile with its rows' A_rr. */
function fixLeft(t: i32, slot: usize, diagonal: usize): void {
  packFixed(4, t, t, slot, fixedLeftOf(slot, t), leftStepsOf(slot, t), leftSharesOf(slot, t));
  toShares(t, diagonal, leftSharesOf(slot, t));
}

/** As fixLeft, for the right operand. */
function fixRight(t: i32, slot: usize, diagonal: usize): void {
  packFixed(8, t, t, rightOf(slot, t), fixedRightOf(slot, t), rightStepsOf(slot, t), rightSharesOf(slot, t));
  toShares(t, diagonal, rightSharesOf(slot, t));
}

/** Replaces the sums of squares of rows by the largest share of each strip, stored in its first value. */
function toShares(t: i32, diagonal: usize, squares: usize): void {
  for (let r = 0; r < t; r += STRIP) {
    let largest: f32 = 0;
    const end = min(r + STRIP, t);
    for (let row = r; row < end; row++) {
      const square = f32At(squares, row) / abs(f32At(diagonal, row * (t + 1)));
      // NaN counts as the largest
      if (!(square <= largest)) largest = square;
    }
    setF32(squares, r, sqrt(largest));
  }
}

/**
 * A_ij ← A_ij − A_ik D A_kj. 2t³ operations per tile, about half of that on the diagonal.
 * @param tiles lower tiles
 * @param t rows of a tile
 * @param k the block that is swept
 * @param i a block other than k
 * @param from first j
 * @param to end of j, at most i + 1; j = k is skipped
 * @param slots from sweepPanel
 * @param scratch MULTIPLY_SCRATCH_BYTES
 */
export function sweepUpdate(
  tiles: usize,
  t: i32,
  k: i32,
  i: i32,
  from: i32,
  to: i32,
  slots: usize,
  scratch: usize,
): void {
  const left = slotOf(slots, t, i);
  if (!load<i32>(filledOf(left, t))) return;
  for (let j = from; j < to; j++) {
    const right = slotOf(slots, t, j);
    if (j == k || !load<i32>(filledOf(right, t))) continue;
    subtractProduct(t, left, right, tile(tiles, t, i, j), j == i, scratch);
  }
}

/**
 * Subtracts the product of left's left operand and right's right one from target (t × t; if `lower`, only from its
 * lower triangle).
 */
function subtractProduct(t: i32, left: usize, right: usize, target: usize, lower: bool, scratch: usize): void {
  for (let r = 0; r < t; r += STRIP) {
    const end = min(r + STRIP, t);
    const columns = lower ? end : t;
    // Neighbouring strips of columns in the same precision are computed together.
    for (let c = 0; c < columns;) {
      const fixed = isFixed(left, right, t, r, c);
      const begin = c;
      c += STRIP;
      while (c < columns && isFixed(left, right, t, r, c) == fixed) c += STRIP;
      subtractPart(fixed, t, left, right, r, begin, end - r, min(c, columns) - begin, target, scratch);
    }
  }
}

// @ts-ignore: decorator
@inline
function isFixed(left: usize, right: usize, t: i32, row: i32, column: i32): bool {
  return f32At(leftSharesOf(left, t), row) * f32At(rightSharesOf(right, t), column) <= FIXED_BELOW;
}

/** `rows` × `columns` of subtractProduct from (row, column) on. */
function subtractPart(
  fixed: bool,
  t: i32,
  left: usize,
  right: usize,
  row: i32,
  column: i32,
  rows: i32,
  columns: i32,
  target: usize,
  scratch: usize,
): void {
  const c = at32(target, row * t + column);
  const a = <usize>row * <usize>t;
  const b = <usize>column * <usize>t;
  if (fixed) {
    const steps = bytesOf(lengths(t));
    subtractFixed(
      rows,
      columns,
      t,
      fixedLeftOf(left, t) + (a << 1),
      leftStepsOf(left, t) + <usize>row * steps,
      fixedRightOf(right, t) + (b << 1),
      rightStepsOf(right, t) + <usize>column * steps,
      c,
      t,
    );
  } else multiplyPacked(rows, columns, t, -1, left + (a << 2), rightOf(right, t) + (b << 2), c, t, scratch);
}

/**
 * Completes the diagonal tiles once every block is swept: updates maintain only their lower triangles.
 * @param tiles lower tiles
 * @param t rows of a tile
 * @param count blocks
 */
export function sweepFinish(tiles: usize, t: i32, count: i32): void {
  for (let k = 0; k < count; k++) {
    const d = tile(tiles, t, k, k);
    for (let r = 1; r < t; r++) {
      for (let c = 0; c < r; c++) setF32(d, c * t + r, f32At(d, r * t + c));
    }
  }
}

function isZero(p: usize, bytes: usize): bool {
  const end = p + bytes;
  for (; p < end; p += 16) {
    if (v128.any_true(v128.load(p))) return false;
  }
  return true;
}
