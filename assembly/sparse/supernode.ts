// The sparse part of an inverse. The leading columns of A = G + λI, in an order with little fill, are cut into panels
// of columns that share their rows R below the panel. With D the pivot block of panel J, A_JR its rows transposed and T
// = D⁻¹ A_JR, all after the panels before it,
//   eliminating J:  A_RR ← A_RR − A_JRᵀ T              (here)
//   inverting:      C_J· = [J = ·] D⁻¹ − T C_R·        (supernode-inverse.ts; Takahashi, Fagan and Chin, 1973, for whole columns)
// where · may be any column that is not eliminated through J: those after J, and those of panels that J does not
// descend to.
//
// Order: an update is summed over the columns of one panel in ascending order, then subtracted, panel after panel.

import { at32, bytesOf, cellAt, f32At, i32At, setF32, u32At } from '../core/arrays';
import { Csr, rowBegin, rowEnd } from '../core/csr';
import { madd } from '../core/madd';
import { Struct } from '../core/struct';
import { tile, tileBytes } from '../core/tiles';

/** Columns that share their rows below. */
@unmanaged
export class FactoredPanel extends Struct {
  /** The first column. */
  first: i32;
  /** w, columns. */
  width: i32;
  /** r, rows below. */
  height: i32;
  /** r × u32, their positions, ascending */
  rows: usize;
  /** T (w × r f32). */
  factor: usize;
  /** D⁻¹ (w × w f32). */
  inverse: usize;
}

/** All panels, and the tiles of the columns that are in none. */
@unmanaged
export class Panels extends Struct {
  /** count × FactoredPanel */
  panels: usize;
  count: i32;
  /** count × u32, the address of each A_JR (w × r f32) */
  blocks: usize;
  /** count × (tileRows + 1) × u32: where the rows of R begin that are in each row of tiles */
  starts: usize;
  /** Columns in panels. */
  leading: i32;
  /** The lower tiles (t × t), as in sweep.ts, of the columns after them. */
  tiles: usize;
  t: i32;
  tileRows: i32;
}

// @ts-ignore: decorator
@inline
export function panelAt(panels: usize, index: i32): FactoredPanel {
  return changetype<FactoredPanel>(panels + <usize>index * offsetof<FactoredPanel>());
}

/** A u32 of a table, as an address or a number of bytes. */
// @ts-ignore: decorator
@inline
export function word(table: usize, index: i32): usize {
  return <usize>u32At(table, index);
}

/**
 * A_RR ← A_RR − A_JRᵀ T for the columns of R that are leading. Up to 12 bytes are read beyond A_JR and T.
 * @param panels FactoredPanel each
 * @param panel which of them is J
 * @param inside how many rows of R are leading; they come first
 * @param owner leading × u32, the panel of each leading column
 * @param blocks u32 for each panel, the address of A_JR (w × r f32)
 * @param pivots u32 for each panel, the address of the pivot block (w × w f32)
 * @param scratch UPDATE_SCRATCH_BYTES
 */
export function updatePanels(
  panels: usize,
  panel: i32,
  inside: i32,
  owner: usize,
  blocks: usize,
  pivots: usize,
  scratch: usize,
): void {
  const self = panelAt(panels, panel);
  const w = self.width;
  const r = self.height;
  const rows = self.rows;
  const factor = self.factor;
  const block = word(blocks, panel);
  const bytes = bytesOf(r);
  for (let j = 0; j < inside;) {
    // Columns of one panel have their rows in the same places.
    const other = <i32>word(owner, <i32>word(rows, j));
    const target = panelAt(panels, other);
    const first = target.first;
    const width = target.width;
    const height = bytesOf(target.height);
    const targetRows = target.rows;
    const pivot = word(pivots, other);
    let next = j + 1;
    while (next < inside && <i32>word(rows, next) < first + width) next++;
    let place = word(blocks, other);
    let placed = targetRows;
    for (let i = j; i < r; i += 4) {
      const count = min(4, r - i);
      for (let q = j; q < next; q += 4) {
        products(w, at32(block, i), at32(factor, q), bytes, scratch);
        const columns = min(4, next - q);
        let at = place;
        let found = placed;
        for (let d = 0; d < count; d++) {
          const row = <i32>word(rows, i + d);
          const sums = scratch + ((<usize>d) << 4);
          if (row < first + width) {
            for (let c = 0; c < columns && q + c <= i + d; c++)
              subtract(at32(pivot, (row - first) * width + <i32>word(rows, q + c) - first), at32(sums, c));
          } else {
            while (<i32>load<u32>(found) < row) {
              found += 4;
              at += 4;
            }
            for (let c = 0; c < columns; c++)
              subtract(at + <usize>(<i32>word(rows, q + c) - first) * height, at32(sums, c));
          }
        }
        if (q + 4 >= next) {
          place = at;
          placed = found;
        }
      }
    }
    j = next;
  }
}

/**
 * Writes G + λI of the columns that are not leading into row i of their lower tiles (core/tiles.ts), which are zeros.
 * @param i row of tiles
 * @param gram G (n × n), by item
 * @param order n × u32, the item of each position
 * @param positions n × u32, the position of each item
 * @param leading columns in panels
 * @param lambda λ
 * @param tiles of the columns after the leading ones, t × t f32 each
 * @param t rows of a tile
 * @param size columns that are not leading
 */
export function putTileRow(
  i: i32,
  gram: Csr,
  order: usize,
  positions: usize,
  leading: i32,
  lambda: f32,
  tiles: usize,
  t: i32,
  size: i32,
): void {
  const indptr = gram.indptr;
  const indices = gram.indices;
  const values = gram.values;
  const first = tile(tiles, t, i, 0);
  const end = min((i + 1) * t, size);
  for (let row = i * t; row < end; row++) {
    const line = cellAt(first, t, row - i * t, 0);
    const item = i32At(order, leading + row);
    const stop = rowEnd(indptr, item);
    for (let e = rowBegin(indptr, item); e < stop; e++) {
      const column = i32At(positions, i32At(indices, e)) - leading;
      if (column < 0 || column > row) continue;
      setF32(line + <usize>(column / t) * tileBytes(t), column % t, f32At(values, e));
    }
    const diagonal = line + <usize>i * tileBytes(t) + bytesOf(row - i * t);
    store<f32>(diagonal, load<f32>(diagonal) + lambda);
  }
}

/**
 * Subtracts A_JRᵀ T of every panel J, in ascending order, from tile (i, j) of the columns that are not leading.
 * @param all panels and tiles
 * @param i row of tiles
 * @param j column of tiles, at most i
 * @param scratch UPDATE_SCRATCH_BYTES
 */
export function updateTile(all: Panels, i: i32, j: i32, scratch: usize): void {
  const count = all.count;
  const blocks = all.blocks;
  const starts = all.starts;
  const leading = all.leading;
  const t = all.t;
  const tileRows = all.tileRows;
  const target = tile(all.tiles, t, i, j);
  for (let p = 0; p < count; p++) {
    const ends = starts + ((<usize>p * <usize>(tileRows + 1)) << 2);
    const iFrom = <i32>word(ends, i);
    const iTo = <i32>word(ends, i + 1);
    const jFrom = <i32>word(ends, j);
    const jTo = <i32>word(ends, j + 1);
    if (iFrom == iTo || jFrom == jTo) continue;
    const panel = panelAt(all.panels, p);
    const w = panel.width;
    const bytes = bytesOf(panel.height);
    const rows = panel.rows;
    const factor = panel.factor;
    const block = word(blocks, p);
    // The address of column `leading + j t` in a row that is at position 0.
    const origin = target - ((<usize>(leading + i * t) * <usize>t + <usize>(leading + j * t)) << 2);
    for (let a = iFrom; a < iTo; a += 4) {
      const height = min(4, iTo - a);
      // in a diagonal tile, no column beyond these rows
      const stop = i == j ? min(jTo, a + 4) : jTo;
      for (let b = jFrom; b < stop; b += 4) {
        products(w, at32(block, a), at32(factor, b), bytes, scratch);
        const columns = min(4, jTo - b);
        for (let d = 0; d < height; d++) {
          const line = origin + ((word(rows, a + d) * <usize>t) << 2);
          const sums = scratch + ((<usize>d) << 4);
          for (let c = 0; c < columns; c++) subtract(line + (word(rows, b + c) << 2), at32(sums, c));
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function subtract(at: usize, amount: usize): void {
  store<f32>(at, load<f32>(at) - load<f32>(amount));
}

/** out (4 × 4) = Σ_k a[k][0 … 3]ᵀ b[k][0 … 3] over w rows, `stride` bytes apart. */
function products(w: i32, a: usize, b: usize, stride: usize, out: usize): void {
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let c2 = f32x4.splat(0);
  let c3 = f32x4.splat(0);
  // each address is added to just before its use, as in gemm.ts
  a -= stride;
  b -= stride;
  const last = a + <usize>w * stride;
  while (a != last) {
    a += stride;
    b += stride;
    const y = v128.load(b);
    c0 = madd(c0, v128.load_splat<f32>(a), y);
    c1 = madd(c1, v128.load_splat<f32>(a, 4), y);
    c2 = madd(c2, v128.load_splat<f32>(a, 8), y);
    c3 = madd(c3, v128.load_splat<f32>(a, 12), y);
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
  v128.store(out, c2, 32);
  v128.store(out, c3, 48);
}
