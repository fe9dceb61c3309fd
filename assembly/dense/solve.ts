// Solves A X = R for a small symmetric positive definite A and a few right sides, by the Cholesky factor A = L Lᵀ: the
// inner system of EASE by groups (assembly/sparse/groups.ts), 256 to 1,024 rows.
//
// Storage: panels of 8 rows, one behind the other. A panel holds its 8 values of column 0, then those of column 1, and
// so on, `size` columns of 32 bytes each; size is a multiple of 8. First come A's panels, size / 8 of them; entries
// above the diagonal are not used. Then come those of the right sides, transposed: eight right sides are eight further
// rows of A. L and Lᵀ X = L⁻¹ R, then X, take their place. So a 4 × 8 tile (four columns of a panel) is 128 contiguous
// bytes, and serves the micro-kernel of gemm.ts as an operand and as a result. The other operand is four rows of L,
// widened.
//
// Right sides come in two kinds. Those of the first `late` panels are zero in all rows before `corner`, and so is L⁻¹
// R: the forward solve starts there. Those of the other panels are full.
//
// Precision: f32. Order, of an entry of L or L⁻¹ R: A_ij − Σ_k L_ik L_jk over k < 4 ⌊j / 4⌋ in blocks of 256 from 0,
// each summed in ascending k and subtracted once; then the up to three k that are left, in ascending order; then times
// 1 / L_jj. Of X: the same from the end, k > 4 ⌊i / 4⌋ + 3 in blocks of 256 from 4 ⌊i / 4⌋ + 4, then those left in
// descending order.
import { micro } from './gemm';

/** Columns of a block: four wide rows of them are 16 kB and stay in L1. */
const BLOCK: i32 = 256;
/** Bytes of one column of a panel. */
const COLUMN: usize = 32;

/** Bytes of scratch of `solvePanels`. */
export function solveScratchBytes(): usize {
  return (<usize>BLOCK) << 6;
}

/**
 * The panels of A become those of L, and the right sides their solutions.
 *
 * @param size rows of A, a multiple of 8
 * @param corner first row in which the right sides of the `late` panels may be other than zero
 * @param late panels of right sides that are zero before `corner`
 * @param full panels of right sides that are not
 * @param panels (size / 8 + late + full) panels of 8 × size f32
 * @param scratch solveScratchBytes()
 * @returns 0, or 1 + the row of the first pivot that is not positive (or not a number); the panels are then undefined
 */
export function solvePanels(size: i32, corner: i32, late: i32, full: i32, panels: usize, scratch: usize): i32 {
  const failed = factorPanels(size, corner, late, full, panels, scratch);
  if (failed == 0) solveBack(size, late + full, panels, scratch);
  return failed;
}

/** L and L⁻¹ R, four columns after four columns. Arguments as of `solvePanels`. */
function factorPanels(size: i32, corner: i32, late: i32, full: i32, panels: usize, scratch: usize): i32 {
  const length = <usize>size * COLUMN;
  const rows = panels + <usize>(size >> 3) * length;
  const rest = rows + <usize>late * length;
  const end = rest + <usize>full * length;
  const start = corner & ~3;
  for (let j = 0; j < size; j += 4) {
    const own = panels + <usize>(j >> 3) * length;
    const half = (<usize>(j & 4)) << 2;
    const to = <usize>j * COLUMN;
    for (let k = 0; k < j; k += BLOCK) {
      const count = min(BLOCK, j - k);
      const from = <usize>k * COLUMN;
      widenRows(own + from + half, count, scratch);
      for (let p = own; p < rows; p += length) micro(true, count, -1, scratch, p + from, p + to, COLUMN);
      const skipped = max(0, start - k);
      if (skipped < count) {
        const a = scratch + ((<usize>skipped) << 6);
        const b = from + <usize>skipped * COLUMN;
        for (let p = rows; p < rest; p += length) micro(true, count - skipped, -1, a, p + b, p + to, COLUMN);
      }
      for (let p = rest; p < end; p += length) micro(true, count, -1, scratch, p + from, p + to, COLUMN);
    }
    const block = own + to + half;
    // Four rows of A next to the diagonal: a_rc is column c's row r, and becomes l_rc.
    let d: f32 = load<f32>(block);
    if (!(d > 0)) return j + 1;
    const r0: f32 = 1 / sqrt<f32>(d);
    const l10: f32 = load<f32>(block, 4) * r0;
    const l20: f32 = load<f32>(block, 8) * r0;
    const l30: f32 = load<f32>(block, 12) * r0;
    d = load<f32>(block, 36) - l10 * l10;
    if (!(d > 0)) return j + 2;
    const r1: f32 = 1 / sqrt<f32>(d);
    const l21: f32 = (load<f32>(block, 40) - l20 * l10) * r1;
    const l31: f32 = (load<f32>(block, 44) - l30 * l10) * r1;
    d = load<f32>(block, 72) - l20 * l20 - l21 * l21;
    if (!(d > 0)) return j + 3;
    const r2: f32 = 1 / sqrt<f32>(d);
    const l32: f32 = (load<f32>(block, 76) - l30 * l20 - l31 * l21) * r2;
    d = load<f32>(block, 108) - l30 * l30 - l31 * l31 - l32 * l32;
    if (!(d > 0)) return j + 4;
    const r3: f32 = 1 / sqrt<f32>(d);
    for (let p = own + to; p < end; p += length) {
      if (p >= rows && p < rest && j < start) {
        p = rest + to - length;
        continue;
      }
      finishTile(p, r0, r1, r2, r3, l10, l20, l30, l21, l31, l32);
      finishTile(p + 16, r0, r1, r2, r3, l10, l20, l30, l21, l31, l32);
    }
  }
  return 0;
}

/** Four columns of four rows of a panel are multiplied by the inverse of Lᵀ's 4 × 4 block. */
// @ts-ignore: decorator
@inline
function finishTile(
  p: usize,
  r0: f32,
  r1: f32,
  r2: f32,
  r3: f32,
  l10: f32,
  l20: f32,
  l30: f32,
  l21: f32,
  l31: f32,
  l32: f32,
): void {
  const x0 = f32x4.mul(v128.load(p), f32x4.splat(r0));
  v128.store(p, x0);
  let v = f32x4.sub(v128.load(p, 32), f32x4.mul(x0, f32x4.splat(l10)));
  const x1 = f32x4.mul(v, f32x4.splat(r1));
  v128.store(p, x1, 32);
  v = f32x4.sub(v128.load(p, 64), f32x4.mul(x0, f32x4.splat(l20)));
  v = f32x4.sub(v, f32x4.mul(x1, f32x4.splat(l21)));
  const x2 = f32x4.mul(v, f32x4.splat(r2));
  v128.store(p, x2, 64);
  v = f32x4.sub(v128.load(p, 96), f32x4.mul(x0, f32x4.splat(l30)));
  v = f32x4.sub(v, f32x4.mul(x1, f32x4.splat(l31)));
  v = f32x4.sub(v, f32x4.mul(x2, f32x4.splat(l32)));
  v128.store(p, f32x4.mul(v, f32x4.splat(r3)), 96);
}

/** Lᵀ X = Y for the right sides, which hold Y: from the last four rows to the first. */
function solveBack(size: i32, sides: i32, panels: usize, scratch: usize): void {
  const length = <usize>size * COLUMN;
  const rest = panels + <usize>(size >> 3) * length;
  const end = rest + <usize>sides * length;
  for (let i = size - 4; i >= 0; i -= 4) {
    const to = <usize>i * COLUMN;
    for (let k = i + 4; k < size; k += BLOCK) {
      const count = min(BLOCK, size - k);
      widenColumns(panels, length, i, k, count, scratch);
      const from = <usize>k * COLUMN;
      for (let p = rest; p < end; p += length) micro(true, count, -1, scratch, p + from, p + to, COLUMN);
    }
    const block = panels + <usize>(i >> 3) * length + to + ((<usize>(i & 4)) << 2);
    const r0: f32 = 1 / load<f32>(block);
    const r1: f32 = 1 / load<f32>(block, 36);
    const r2: f32 = 1 / load<f32>(block, 72);
    const r3: f32 = 1 / load<f32>(block, 108);
    const l10 = load<f32>(block, 4);
    const l20 = load<f32>(block, 8);
    const l30 = load<f32>(block, 12);
    const l21 = load<f32>(block, 40);
    const l31 = load<f32>(block, 44);
    const l32 = load<f32>(block, 76);
    for (let p = rest + to; p < end; p += length) {
      finishBack(p, r0, r1, r2, r3, l10, l20, l30, l21, l31, l32);
      finishBack(p + 16, r0, r1, r2, r3, l10, l20, l30, l21, l31, l32);
    }
  }
}

// @ts-ignore: decorator
@inline
function finishBack(
  p: usize,
  r0: f32,
  r1: f32,
  r2: f32,
  r3: f32,
  l10: f32,
  l20: f32,
  l30: f32,
  l21: f32,
  l31: f32,
  l32: f32,
): void {
  const x3 = f32x4.mul(v128.load(p, 96), f32x4.splat(r3));
  v128.store(p, x3, 96);
  let v = f32x4.sub(v128.load(p, 64), f32x4.mul(x3, f32x4.splat(l32)));
  const x2 = f32x4.mul(v, f32x4.splat(r2));
  v128.store(p, x2, 64);
  v = f32x4.sub(v128.load(p, 32), f32x4.mul(x3, f32x4.splat(l31)));
  v = f32x4.sub(v, f32x4.mul(x2, f32x4.splat(l21)));
  const x1 = f32x4.mul(v, f32x4.splat(r1));
  v128.store(p, x1, 32);
  v = f32x4.sub(v128.load(p), f32x4.mul(x3, f32x4.splat(l30)));
  v = f32x4.sub(v, f32x4.mul(x2, f32x4.splat(l20)));
  v = f32x4.sub(v, f32x4.mul(x1, f32x4.splat(l10)));
  v128.store(p, f32x4.mul(v, f32x4.splat(r0)));
}

/** Four rows of a panel, `count` columns from `from` on, each value four times: count × 16 f32. */
// @ts-ignore: decorator
@inline
function widenRows(from: usize, count: i32, to: usize): void {
  const end = to + ((<usize>count) << 6);
  for (; to < end; to += 64) {
    spread(v128.load(from), to);
    from += COLUMN;
  }
}

/** Columns i … i + 3 of rows k … k + count − 1, both multiples of 4, each value four times: count × 16 f32. */
// @ts-ignore: decorator
@inline
function widenColumns(panels: usize, length: usize, i: i32, k: i32, count: i32, to: usize): void {
  const column = <usize>i * COLUMN;
  for (let row = k; row < k + count; row += 4) {
    const from = panels + <usize>(row >> 3) * length + column + ((<usize>(row & 4)) << 2);
    const x0 = v128.load(from);
    const x1 = v128.load(from, 32);
    const x2 = v128.load(from, 64);
    const x3 = v128.load(from, 96);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    spread(v128.shuffle<f32>(low01, low23, 0, 1, 4, 5), to);
    spread(v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), to + 64);
    spread(v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), to + 128);
    spread(v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), to + 192);
    to += 256;
  }
}

// @ts-ignore: decorator
@inline
function spread(x: v128, to: usize): void {
  v128.store(to, v128.shuffle<f32>(x, x, 0, 0, 0, 0));
  v128.store(to, v128.shuffle<f32>(x, x, 1, 1, 1, 1), 16);
  v128.store(to, v128.shuffle<f32>(x, x, 2, 2, 2, 2), 32);
  v128.store(to, v128.shuffle<f32>(x, x, 3, 3, 3, 3), 48);
}
