// Rows added to or taken from the data of a swept Gram matrix. With C = (G + λI)⁻¹, rows W (k × n) and s = 1 or −1,
// Woodbury's identity (1950) is
//   (G + λI + s WᵀW)⁻¹ = C − s · C Wᵀ T⁻¹ W C,   T = I + s · W C Wᵀ (k × k),
// and T is positive definite if the new matrix is. With S = −C in the lower tiles of sweep.ts and Y = W S it is
//   S ← S + s · Yᵀ T⁻¹ Y.
// The host gathers Y a row at a time, inverts T (cholesky.ts), packs Y and U = T⁻¹ Y as operands and updates tile after
// tile.
//
// Order: a row of Y adds the rows of S in the order of its items, in f64; a tile adds s times a sum over k in ascending
// order, rounded once. Each tile is written by one task, so tasks may run in any order, on any thread.

import { bytesOf, cellAt, f32At, f64At, i32At, setF32 } from '../core/arrays';
import { tile } from '../core/tiles';
import { multiplyPacked } from './gemm';

/**
 * out += Σ_c weights_c · row items_c of S.
 * @param tiles S, lower tiles
 * @param t rows of a tile
 * @param blocks block-rows
 * @param count rows to add
 * @param items count × i32, below blocks · t
 * @param weights count × f32
 * @param out blocks · t × f64
 */
export function gatherRows(
  tiles: usize,
  t: i32,
  blocks: i32,
  count: i32,
  items: usize,
  weights: usize,
  out: usize,
): void {
  for (let c = 0; c < count; c++) {
    const item = i32At(items, c);
    const weight = <f64>f32At(weights, c);
    const own = item / t;
    const r = item % t;
    const along = (<usize>r * <usize>t) << 2;
    let to = out;
    for (let j = 0; j <= own; j++) {
      // Row r of tile (own, j).
      addRow(t, weight, tile(tiles, t, own, j) + along, to);
      to += (<usize>t) << 3;
    }
    for (let j = own + 1; j < blocks; j++) {
      // Column r of tile (j, own).
      const from = tile(tiles, t, j, own) + bytesOf(r);
      for (let q = 0; q < t; q++) {
        store<f64>(to, load<f64>(to) + weight * <f64>load<f32>(cellAt(from, t, q, 0)));
        to += 8;
      }
    }
  }
}

/** out (n f64) += weight · x (n f32), n a multiple of 4: lanes 0 and 1, then 2 and 3. */
// @ts-ignore: decorator
@inline
function addRow(n: i32, weight: f64, x: usize, out: usize): void {
  const w = f64x2.splat(weight);
  for (let i = 0; i < n; i += 4) {
    const v = v128.load(x);
    v128.store(out, f64x2.add(v128.load(out), f64x2.mul(w, f64x2.promote_low_f32x4(v))));
    v128.store(
      out,
      f64x2.add(v128.load(out, 16), f64x2.mul(w, f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3)))),
      16,
    );
    x += 16;
    out += 32;
  }
}

/** out (n f32) gets x (n f64), each rounded to nearest. */
export function narrow(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) setF32(out, i, <f32>f64At(x, i));
}

/**
 * S_ij += sign · Y_iᵀ U_j. 2 t² k flops per tile.
 * @param tiles S, lower tiles
 * @param t rows of a tile
 * @param k rows of Y and U, at most 256
 * @param i the block-row
 * @param from first j
 * @param to end of j, at most i + 1
 * @param sign s
 * @param lefts a slot of t × k f32 for each block: columns t·i … t·i + t − 1 of Y, packed 4 wide by packColumns
 * @param rights the same of U, packed 8 wide
 * @param scratch MULTIPLY_SCRATCH_BYTES
 */
export function addProducts(
  tiles: usize,
  t: i32,
  k: i32,
  i: i32,
  from: i32,
  to: i32,
  sign: f32,
  lefts: usize,
  rights: usize,
  scratch: usize,
): void {
  const slot = (<usize>t * <usize>k) << 2;
  const left = lefts + <usize>i * slot;
  for (let j = from; j < to; j++)
    multiplyPacked(t, t, k, sign, left, rights + <usize>j * slot, tile(tiles, t, i, j), t, scratch);
}
