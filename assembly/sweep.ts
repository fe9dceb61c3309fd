// In-place inverse of a symmetric positive definite matrix by the block sweep operator (Gauss and Jordan, in
// Goodnight's symmetric form, 1979). With D = A_kk⁻¹, sweeping block k is
//   A_ij ← A_ij − A_ik D A_kj,   A_ik ← A_ik D,   A_kk ← −D      (i, j ≠ k),
// and sweeping every block leaves −A⁻¹. It stays symmetric, so the lower triangle is enough, and it takes n³ flops in
// all, as many as Cholesky's three phases, nearly all of them in one update kernel.
//
// Storage: only tiles (i, j) with j ≤ i, each t × t f32 row-major and contiguous, tile (i, j) being number
// i (i + 1) / 2 + j. t is a multiple of 8. The last tiles are padded with the identity.
//
// Order: in the sweep of k each tile is written by one task, from that tile and what the panels hold, and is summed over
// the t columns of k in ascending order, then subtracted once. So tasks of one phase may run in any order, on any thread.
// Panels of zeros are skipped; that subtracts nothing.
//
// One sweep: sweepPivot(k); sweepPanel(k, i) for every i ≠ k; sweepUpdate(k, i, …) for every i ≠ k. At the end: sweepFinish.

import { choleskyInverse } from './cholesky';
import { multiplyPacked, packColumns, packRows } from './gemm';

// @ts-ignore: decorator
@inline
function tileBytes(t: i32): usize {
  return ((<usize>t) * (<usize>t)) << 2;
}

// @ts-ignore: decorator
@inline
function tile(tiles: usize, t: i32, i: i32, j: i32): usize {
  return tiles + ((((<usize>i) * (<usize>(i + 1))) >> 1) + (<usize>j)) * tileBytes(t);
}

/** Rows of a diagonal tile that are updated at once, a multiple of 4. */
const STRIP: i32 = 64;

/**
 * Inverts the diagonal tile k: it becomes −D.
 * pivot (2 × t × t f32) gets D packed twice, as a left and as a right operand.
 * work: choleskyWorkspaceBytes(t). Returns 0, or 1 + the row within the tile of a pivot that is not positive.
 */
export function sweepPivot(tiles: usize, t: i32, k: i32, pivot: usize, work: usize): i32 {
  const d = tile(tiles, t, k, k);
  const failed = choleskyInverse(t, d, work);
  if (failed != 0) return failed;
  packColumns(4, d, t, t, t, pivot);
  packColumns(8, d, t, t, t, pivot + tileBytes(t));
  const end = d + tileBytes(t);
  for (let p = d; p < end; p += 16) v128.store(p, f32x4.neg(v128.load(p)));
  return 0;
}

/**
 * A_ik ← A_ik D for one i ≠ k, both forms packed for the updates.
 * lefts and rights (tiles × t × t f32): slot i gets the old A_ik as a left operand and A_ik D as a right one.
 * filled (tiles × i32): slot i gets 0 where A_ik is all zeros (nothing is packed then), else 1.
 * pivot: as sweepPivot left it. scratch: that of multiplyPacked.
 */
export function sweepPanel(tiles: usize, t: i32, k: i32, i: i32, pivot: usize, lefts: usize, rights: usize, filled: usize, scratch: usize): void {
  const below = i > k;
  const a = below ? tile(tiles, t, i, k) : tile(tiles, t, k, i);
  const flag = filled + ((<usize>i) << 2);
  if (isZero(a, tileBytes(t))) {
    store<i32>(flag, 0);
    return;
  }
  store<i32>(flag, 1);
  const left = lefts + (<usize>i) * tileBytes(t);
  const right = rights + (<usize>i) * tileBytes(t);
  if (below) {
    packRows(4, a, t, t, t, left);
    memory.fill(a, 0, tileBytes(t));
    multiplyPacked(t, t, t, 1, left, pivot + tileBytes(t), a, t, scratch);
    packRows(8, a, t, t, t, right);
  } else {
    // Stored as A_ki = A_ikᵀ, which becomes D A_ki.
    packColumns(4, a, t, t, t, left);
    packColumns(8, a, t, t, t, right);
    memory.fill(a, 0, tileBytes(t));
    multiplyPacked(t, t, t, 1, pivot, right, a, t, scratch);
    packColumns(8, a, t, t, t, right);
  }
}

/**
 * A_ij ← A_ij − A_ik D A_kj for one i ≠ k and all j ≠ k in [from, to), to ≤ i + 1.
 * lefts, rights, filled: as sweepPanel left them. scratch: that of multiplyPacked. 2t³ flops per tile, about half of that on the diagonal.
 */
export function sweepUpdate(tiles: usize, t: i32, k: i32, i: i32, from: i32, to: i32, lefts: usize, rights: usize, filled: usize, scratch: usize): void {
  if (load<i32>(filled + ((<usize>i) << 2)) == 0) return;
  const left = lefts + (<usize>i) * tileBytes(t);
  for (let j = from; j < to; j++) {
    if (j == k || load<i32>(filled + ((<usize>j) << 2)) == 0) continue;
    const right = rights + (<usize>j) * tileBytes(t);
    const target = tile(tiles, t, i, j);
    if (j != i) multiplyPacked(t, t, t, -1, left, right, target, t, scratch);
    else {
      // Of a diagonal tile the lower triangle is enough.
      for (let r = 0; r < t; r += STRIP) {
        const rows = min(STRIP, t - r);
        const skipped = ((<usize>r) * (<usize>t)) << 2;
        multiplyPacked(rows, r + rows, t, -1, left + skipped, right, target + skipped, t, scratch);
      }
    }
  }
}

/** Makes the diagonal tiles whole once every block is swept: updates keep up their lower triangles alone. */
export function sweepFinish(tiles: usize, t: i32, count: i32): void {
  for (let k = 0; k < count; k++) {
    const d = tile(tiles, t, k, k);
    for (let r = 1; r < t; r++) {
      for (let c = 0; c < r; c++) store<f32>(d + ((<usize>(c * t + r)) << 2), load<f32>(d + ((<usize>(r * t + c)) << 2)));
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
