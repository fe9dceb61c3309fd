// Single-precision matrix products on row-major buffers with leading dimensions (Goto and van de Geijn, 2008): both
// operands are packed into panels, and a 4 × 8 micro-kernel multiplies one panel of each. A panel of the left operand
// holds 4 values for each k. If it meets many right panels, it is first widened (each value four times): the
// micro-kernel then loads a vector instead of spreading a value over one.
//
// Order of accumulation, part of the contract: k is cut into blocks of 256 from 0; within a block the products are
// added in ascending k, one rounding per product and one per sum; after each block C += alpha · sum. It depends on k
// alone, so any way of cutting C into tiles, on any number of threads, gives the same bytes.

import { at32, bytesOf, cellAt, setF32 } from '../core/arrays';
import { madd } from '../core/madd';
import { DEPTH, MULTIPLY_SCRATCH_BYTES } from '../layout';

/** Rows of A in a panel, and columns of B. */
const MR: i32 = 4;
const NR: i32 = 8;
/** From this number of columns of C on, a panel of A is widened. */
const WIDE_FROM: i32 = 64;
/** Blocks of k and n: a wide panel of A (16 kB) stays in L1, B's block (512 kB) in L2. */
const KC: i32 = DEPTH;
const NC: i32 = 512;
/** Bytes of one 4 × 8 tile. */
const TILE_BYTES: usize = 128;

/** Bytes of workspace that each product needs: a panel of A, a block of B and multiplyPacked's scratch. */
export function gemmWorkspaceBytes(): usize {
  return <usize>(MULTIPLY_SCRATCH_BYTES + ((KC * MR + KC * NC) << 2));
}

/**
 * C += alpha · A · B. Leading dimensions are in elements. C must not overlap anything else.
 * @param m rows of A and C
 * @param n columns of B and C
 * @param k columns of A, rows of B
 * @param alpha factor of the product
 * @param a m × k × f32, lda ≥ k
 * @param b k × n × f32, ldb ≥ n
 * @param c m × n × f32, ldc ≥ n
 * @param workspace gemmWorkspaceBytes(), overwritten
 */
export function gemmNN(
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  c: usize,
  ldc: i32,
  workspace: usize,
): void {
  product(false, false, m, n, k, alpha, a, lda, b, ldb, c, ldc, workspace);
}

/** C += alpha · A · Bᵀ. As gemmNN, but B is (n × k, ldb ≥ k). */
export function gemmNT(
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  c: usize,
  ldc: i32,
  workspace: usize,
): void {
  product(false, true, m, n, k, alpha, a, lda, b, ldb, c, ldc, workspace);
}

/** C += alpha · Aᵀ · B. As gemmNN, but A is (k × m, lda ≥ m). */
export function gemmTN(
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  c: usize,
  ldc: i32,
  workspace: usize,
): void {
  product(true, false, m, n, k, alpha, a, lda, b, ldb, c, ldc, workspace);
}

function product(
  transA: bool,
  transB: bool,
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  c: usize,
  ldc: i32,
  workspace: usize,
): void {
  const panel = workspace + MULTIPLY_SCRATCH_BYTES;
  const packedB = panel + ((KC * MR) << 2);
  for (let jc = 0; jc < n; jc += NC) {
    const nc = min(NC, n - jc);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(KC, k - pc);
      if (transB) packRows(NR, cellAt(b, ldb, jc, pc), ldb, nc, kc, packedB);
      else packColumns(NR, cellAt(b, ldb, pc, jc), ldb, nc, kc, packedB);
      for (let i = 0; i < m; i += MR) {
        const rows = min(MR, m - i);
        if (transA) packColumns(MR, cellAt(a, lda, pc, i), lda, rows, kc, panel);
        else packRows(MR, cellAt(a, lda, i, pc), lda, rows, kc, panel);
        multiplyPacked(rows, nc, kc, alpha, panel, packedB, cellAt(c, ldc, i, jc), ldc, workspace);
      }
    }
  }
}

/**
 * C += alpha · A · B on packed operands. a: ⌈m/4⌉ panels (k × 4), b: ⌈n/8⌉ panels (k × 8), c (m × n, ldc). scratch: 128
 * bytes, and 64 k more if n ≥ 64; then k ≤ 256.
 */
export function multiplyPacked(
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  b: usize,
  c: usize,
  ldc: i32,
  scratch: usize,
): void {
  const wide = scratch + TILE_BYTES;
  for (let i = 0; i < m; i += MR) {
    const rows = min(MR, m - i);
    if (n < WIDE_FROM) multiplyPanel(false, rows, n, k, alpha, a, b, cellAt(c, ldc, i, 0), ldc, scratch);
    else {
      widen(a, k, wide);
      multiplyPanel(true, rows, n, k, alpha, wide, b, cellAt(c, ldc, i, 0), ldc, scratch);
    }
    a += (<usize>k) << 4;
  }
}

// @ts-ignore: decorator
@inline
function multiplyPanel(
  wide: bool,
  rows: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  b: usize,
  c: usize,
  ldc: i32,
  edge: usize,
): void {
  const stride = bytesOf(ldc);
  const panelB = (<usize>k) << 5;
  for (let j = 0; j < n; j += NR) {
    const columns = min(NR, n - j);
    const whole = rows == MR && columns == NR;
    // If a tile lies only partly in C, that part is copied out and back: the same arithmetic.
    if (!whole) copyTile(c, stride, edge, NR << 2, rows, columns);
    micro(wide, k, alpha, a, b, whole ? c : edge, whole ? stride : NR << 2);
    if (!whole) copyTile(edge, NR << 2, c, stride, rows, columns);
    b += panelB;
    c += NR << 2;
  }
}

/** Widens a panel of k quadruples to `to`, each value four times: k × 16 f32. */
function widen(from: usize, k: i32, to: usize): void {
  const end = from + ((<usize>k) << 4);
  for (; from < end; from += 16) {
    const x = v128.load(from);
    v128.store(to, v128.shuffle<f32>(x, x, 0, 0, 0, 0));
    v128.store(to, v128.shuffle<f32>(x, x, 1, 1, 1, 1), 16);
    v128.store(to, v128.shuffle<f32>(x, x, 2, 2, 2, 2), 32);
    v128.store(to, v128.shuffle<f32>(x, x, 3, 3, 3, 3), 48);
    to += 64;
  }
}

function copyTile(from: usize, fromStride: usize, to: usize, toStride: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    memory.copy(to, from, bytesOf(columns));
    from += fromStride;
    to += toStride;
  }
}

/**
 * C (4 × 8, rows `stride` bytes apart) += alpha · A · B, with A a panel (k × 4, wide: k × 16) and B a panel (k × 8).
 * c<r><h> holds row r, columns 4h … 4h + 3.
 */
// @ts-ignore: decorator
@inline
export function micro(wide: bool, k: i32, alpha: f32, a: usize, b: usize, c: usize, stride: usize): void {
  let c00 = f32x4.splat(0),
    c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0),
    c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0),
    c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0),
    c31 = f32x4.splat(0);
  // The number of instructions bounds this loop. V8 omits the 64-bit extension of an address that was just added to,
  // and a's address marks the end, so there is no counter.
  const step = wide ? 64 : 16;
  a -= step;
  b -= 32;
  const last = a + <usize>k * step;
  while (a != last) {
    a += step;
    b += 32;
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = wide ? v128.load(a) : v128.load_splat<f32>(a);
    c00 = madd(c00, x, b0);
    c01 = madd(c01, x, b1);
    x = wide ? v128.load(a, 16) : v128.load_splat<f32>(a, 4);
    c10 = madd(c10, x, b0);
    c11 = madd(c11, x, b1);
    x = wide ? v128.load(a, 32) : v128.load_splat<f32>(a, 8);
    c20 = madd(c20, x, b0);
    c21 = madd(c21, x, b1);
    x = wide ? v128.load(a, 48) : v128.load_splat<f32>(a, 12);
    c30 = madd(c30, x, b0);
    c31 = madd(c31, x, b1);
  }
  const s = f32x4.splat(alpha);
  addScaled(c, s, c00, c01);
  addScaled(c + stride, s, c10, c11);
  addScaled(c + 2 * stride, s, c20, c21);
  addScaled(c + 3 * stride, s, c30, c31);
}

// @ts-ignore: decorator
@inline
function addScaled(c: usize, scale: v128, low: v128, high: v128): void {
  v128.store(c, madd(v128.load(c), scale, low));
  v128.store(c, madd(v128.load(c, 16), scale, high), 16);
}

/**
 * Packs `count` rows of `source` (count × k, ld) into ⌈count/width⌉ panels (k × width): panel element (p, r) is source
 * element (r, p). width: 4 or 8. The last panel is padded with zeros. out: ⌈count/width⌉ · width · k f32.
 */
export function packRows(width: i32, source: usize, ld: i32, count: i32, k: i32, out: usize): void {
  const step = bytesOf(width);
  const row = bytesOf(ld);
  for (let first = 0; first < count; first += width) {
    for (let r = 0; r < width; r += 4) {
      const from = cellAt(source, ld, first + r, 0);
      const to = at32(out, r);
      if (first + r + 4 <= count) packFourRows(from, row, k, to, step);
      else {
        for (let q = 0; q < 4; q++) {
          const inside = first + r + q < count;
          let target = at32(to, q);
          let x = cellAt(from, ld, q, 0);
          for (let p = 0; p < k; p++) {
            store<f32>(target, inside ? load<f32>(x) : 0);
            target += step;
            x += 4;
          }
        }
      }
    }
    out += <usize>k * step;
  }
}

/**
 * Interleaves four rows (k long, `row` bytes apart) to k quadruples, `step` bytes apart. Blocks of 4 × 4 are transposed:
 *   x0 = a0 a1 a2 a3      unpack x0, x1: a0 b0 a1 b1 | a2 b2 a3 b3      halves:  a0 b0 c0 d0
 *   x1 = b0 b1 b2 b3      unpack x2, x3: c0 d0 c1 d1 | c2 d2 c3 d3               a1 b1 c1 d1 …
 */
function packFourRows(from: usize, row: usize, k: i32, to: usize, step: usize): void {
  let p = 0;
  for (; p + 4 <= k; p += 4) {
    const x0 = v128.load(from);
    const x1 = v128.load(from + row);
    const x2 = v128.load(from + 2 * row);
    const x3 = v128.load(from + 3 * row);
    const ab0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const ab2 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const cd0 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    const cd2 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5));
    v128.store(to + step, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7));
    v128.store(to + 2 * step, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
    v128.store(to + 3 * step, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
    from += 16;
    to += 4 * step;
  }
  for (; p < k; p++) {
    store<f32>(to, load<f32>(from));
    store<f32>(to, load<f32>(from + row), 4);
    store<f32>(to, load<f32>(from + 2 * row), 8);
    store<f32>(to, load<f32>(from + 3 * row), 12);
    from += 4;
    to += step;
  }
}

/**
 * Packs columns into ⌈count/width⌉ panels (k × width): panel element (p, r) is source element (p, r). The last panel is
 * padded with zeros.
 * @param width 4 or 8
 * @param source k × count × f32, rows ld elements apart
 * @param ld leading dimension
 * @param count columns
 * @param k rows
 * @param out ⌈count/width⌉ · width · k f32
 */
export function packColumns(width: i32, source: usize, ld: i32, count: i32, k: i32, out: usize): void {
  const row = bytesOf(ld);
  for (let first = 0; first < count; first += width) {
    let from = cellAt(source, ld, 0, first);
    if (first + width <= count) {
      for (let p = 0; p < k; p++) {
        v128.store(out, v128.load(from));
        if (width == 8) v128.store(out, v128.load(from, 16), 16);
        out += bytesOf(width);
        from += row;
      }
    } else {
      for (let p = 0; p < k; p++) {
        for (let r = 0; r < width; r++) setF32(out, r, first + r < count ? load<f32>(cellAt(from, 0, 0, r)) : 0);
        out += bytesOf(width);
        from += row;
      }
    }
  }
}
