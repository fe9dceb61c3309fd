// Columns of C = (G + λI)⁻¹ from the panels of supernode.ts, 16 at a time, in a block x of n rows × 16 f32: one row is
// one cache line. Rows are computed backwards, from those after the panels to the first panel.
//
// Order: C is summed over R in ascending order, in blocks of 256 from 0, and each block's sum is then subtracted.

import { at32, bytesOf, cellAt, f32At, setF32 } from '../core/arrays';
import { madd } from '../core/madd';
import { Struct } from '../core/struct';
import { tile } from '../core/tiles';
import { LANES, LINE_BYTES } from '../layout';
import { panelAt } from './supernode';

const LINE: usize = <usize>LINE_BYTES;
/** Rows of R summed before they are subtracted. */
const KC: i32 = 256;

/** Neighbouring columns of C whose rows are kept. */
@unmanaged
export class KeptBlock extends Struct {
  /** The first column. */
  column: i32;
  width: i32;
  /** The first rows of them, 16 f32 each. */
  rows: usize;
}

/**
 * Computes 16 columns of C after the leading ones.
 * @param panels FactoredPanel each, all of them
 * @param count how many
 * @param tiles lower tiles (core/tiles.ts) of the columns after the leading ones, swept, so that they hold −C
 * @param t rows of a tile
 * @param size columns after the leading ones
 * @param leading columns in panels
 * @param column the first of the 16, counted after the leading ones; a multiple of 16
 * @param x (n + SPARE_ROWS) × 16 × f32
 * @param kept leading × 16 × f32, gets the leading rows, for invertLeading
 */
export function invertSwept(
  panels: usize,
  count: i32,
  tiles: usize,
  t: i32,
  size: i32,
  leading: i32,
  column: i32,
  x: usize,
  kept: usize,
): void {
  gatherSwept(tiles, t, size, column, leading, x);
  invertPanels(panels, count, leading + column, min(LANES, size - column), x);
  memory.copy(kept, x, <usize>leading * LINE);
}

/**
 * Computes neighbouring leading columns of C, all of panels that do not descend to each other.
 * @param panels FactoredPanel each
 * @param count those up to the end of these columns' panels
 * @param blocks KeptBlock each, of all columns
 * @param from the first block of the columns after these panels
 * @param blockCount number of blocks
 * @param column the first column
 * @param width how many, at most 16
 * @param x (n + SPARE_ROWS) × 16 × f32
 * @param kept keptRows × 16 × f32, gets the first rows
 * @param keptRows how many rows earlier columns need
 */
export function invertLeading(
  panels: usize,
  count: i32,
  blocks: usize,
  from: i32,
  blockCount: i32,
  column: i32,
  width: i32,
  x: usize,
  kept: usize,
  keptRows: i32,
): void {
  gatherInverted(blocks, from, blockCount, column, width, x);
  invertPanels(panels, count, column, width, x);
  memory.copy(kept, x, <usize>keptRows * LINE);
}

// Copies the rows of x from `leading` on from the swept tiles.
function gatherSwept(tiles: usize, t: i32, size: i32, column: i32, leading: i32, x: usize): void {
  const own = column / t;
  const within = bytesOf(column % t);
  const count = (size + t - 1) / t;
  for (let i = 0; i < count; i++) {
    const rows = min(t, size - i * t);
    let out = x + <usize>(leading + i * t) * LINE;
    if (i >= own) {
      let line = tile(tiles, t, i, own) + within;
      for (let row = 0; row < rows; row++) {
        for (let c: usize = 0; c < LINE; c += 16) v128.store(out + c, f32x4.neg(v128.load(line + c)));
        out += LINE;
        line += bytesOf(t);
      }
    } else {
      const source = tile(tiles, t, own, i) + within * <usize>t;
      for (let row = 0; row < rows; row += 4) {
        for (let c = 0; c < LANES; c += 4) transposeFour(cellAt(source, t, c, row), bytesOf(t), at32(out, c), true);
        out += LINE << 2;
      }
    }
  }
}

// Copies the rows of x after the panels from the blocks; lanes from `width` on become zero. Also overwrites up to 3
// rows after each block's, before the next block writes them.
function gatherInverted(blocks: usize, from: i32, count: i32, column: i32, width: i32, x: usize): void {
  for (let b = from; b < count; b++) {
    const block = changetype<KeptBlock>(blocks + <usize>b * offsetof<KeptBlock>());
    const columns = block.width;
    const source = block.rows + <usize>column * LINE;
    const out = x + <usize>block.column * LINE;
    for (let row = 0; row < columns; row += 4) {
      const line = out + <usize>row * LINE;
      const lanes = at32(source, row);
      for (let c = 0; c < LANES; c += 4) {
        if (c + 4 <= width) transposeFour(lanes + <usize>c * LINE, LINE, at32(line, c), false);
        else {
          for (let q = c; q < c + 4; q++) {
            for (let d = 0; d < 4; d++)
              setF32(line + <usize>d * LINE, q, q < width ? f32At(lanes + <usize>q * LINE, d) : 0);
          }
        }
      }
    }
  }
}

/** Transposes four rows of four f32, `stride` bytes apart, to rows LINE bytes apart; negates them if asked. */
// @ts-ignore: decorator
@inline
function transposeFour(from: usize, stride: usize, to: usize, negate: bool): void {
  const x0 = v128.load(from);
  const x1 = v128.load(from + stride);
  const x2 = v128.load(from + 2 * stride);
  const x3 = v128.load(from + 3 * stride);
  const ab0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
  const ab2 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
  const cd2 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  const y0 = v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5);
  const y1 = v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7);
  const y2 = v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5);
  const y3 = v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7);
  v128.store(to, negate ? f32x4.neg(y0) : y0);
  v128.store(to + LINE, negate ? f32x4.neg(y1) : y1);
  v128.store(to + 2 * LINE, negate ? f32x4.neg(y2) : y2);
  v128.store(to + 3 * LINE, negate ? f32x4.neg(y3) : y3);
}

// Computes the rows of x of panels [0, count), from the last to the first, given those after them.
function invertPanels(panels: usize, count: i32, column: i32, width: i32, x: usize): void {
  for (let p = count - 1; p >= 0; p--) {
    const panel = panelAt(panels, p);
    const first = panel.first;
    const w = panel.width;
    const r = panel.height;
    const rows = panel.rows;
    const inverse = panel.inverse;
    const bytes = bytesOf(r);
    const out = x + <usize>first * LINE;
    memory.fill(out, 0, <usize>w * LINE);
    const from = max(column, first);
    const to = min(column + width, first + w);
    for (let c = from; c < to; c++) {
      for (let j = 0; j < w; j++) {
        const at = at32(inverse, j * w + c - first);
        setF32(out + <usize>j * LINE, c - column, load<f32>(at));
      }
    }
    for (let start = 0; start < r; start += KC) {
      const k = min(KC, r - start);
      const part = bytesOf(start);
      let factor = panel.factor + part;
      let line = out;
      let j = 0;
      for (; j + 2 <= w; j += 2) {
        subtractTwo(k, rows + part, factor, factor + bytes, x, line);
        factor += bytes << 1;
        line += LINE << 1;
      }
      if (j < w) subtractOne(k, rows + part, factor, x, line);
    }
  }
}

/** Subtracts Σ_p t0[p] x[rows[p]] and Σ_p t1[p] x[rows[p]] from two rows of x, from `out` on. */
function subtractTwo(k: i32, rows: usize, t0: usize, t1: usize, x: usize, out: usize): void {
  let c00 = f32x4.splat(0),
    c01 = f32x4.splat(0),
    c02 = f32x4.splat(0),
    c03 = f32x4.splat(0);
  let c10 = f32x4.splat(0),
    c11 = f32x4.splat(0),
    c12 = f32x4.splat(0),
    c13 = f32x4.splat(0);
  rows -= 4;
  t0 -= 4;
  t1 -= 4;
  const last = at32(rows, k);
  while (rows != last) {
    rows += 4;
    t0 += 4;
    t1 += 4;
    const from = x + <usize>load<u32>(rows) * LINE;
    const b0 = v128.load(from);
    const b1 = v128.load(from, 16);
    const b2 = v128.load(from, 32);
    const b3 = v128.load(from, 48);
    let s = v128.load_splat<f32>(t0);
    c00 = madd(c00, s, b0);
    c01 = madd(c01, s, b1);
    c02 = madd(c02, s, b2);
    c03 = madd(c03, s, b3);
    s = v128.load_splat<f32>(t1);
    c10 = madd(c10, s, b0);
    c11 = madd(c11, s, b1);
    c12 = madd(c12, s, b2);
    c13 = madd(c13, s, b3);
  }
  subtractLine(out, c00, c01, c02, c03);
  subtractLine(out + LINE, c10, c11, c12, c13);
}

/** As subtractTwo, for one row. */
function subtractOne(k: i32, rows: usize, t: usize, x: usize, out: usize): void {
  let c0 = f32x4.splat(0),
    c1 = f32x4.splat(0),
    c2 = f32x4.splat(0),
    c3 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const from = x + <usize>load<u32>(rows) * LINE;
    const s = v128.load_splat<f32>(t);
    c0 = madd(c0, s, v128.load(from));
    c1 = madd(c1, s, v128.load(from, 16));
    c2 = madd(c2, s, v128.load(from, 32));
    c3 = madd(c3, s, v128.load(from, 48));
    rows += 4;
    t += 4;
  }
  subtractLine(out, c0, c1, c2, c3);
}

// @ts-ignore: decorator
@inline
function subtractLine(out: usize, c0: v128, c1: v128, c2: v128, c3: v128): void {
  v128.store(out, f32x4.sub(v128.load(out), c0));
  v128.store(out, f32x4.sub(v128.load(out, 16), c1), 16);
  v128.store(out, f32x4.sub(v128.load(out, 32), c2), 32);
  v128.store(out, f32x4.sub(v128.load(out, 48), c3), 48);
}
