// The sparse part of an inverse. The leading columns of A = G + λI, in an order of little fill, are cut into panels of
// columns that share their rows R below the panel. With D the pivot block of panel J, A_JR its rows transposed and
// T = D⁻¹ A_JR, all after the panels before it,
//   eliminating J:  A_RR ← A_RR − A_JRᵀ T
//   inverting:      C_J· = [J = ·] D⁻¹ − T C_R·        (Takahashi, Fagan and Chin, 1973, for whole columns)
// where · may be any column that is not eliminated through J: those after J, and those of panels that J does not descend to.
//
// Columns of C are worked out 16 at a time, in a block x of n rows × 16 f32: one row is one cache line.
//
// Order: an update is summed over the columns of one panel in ascending order, then subtracted, panel after panel; C is
// summed over R in ascending order, in blocks of 256 from 0, and each block's sum is then subtracted.

import { Csr } from '../core/csr';
import { madd } from '../core/madd';
import { Struct } from '../core/struct';
import { LANES, LINE_BYTES } from '../layout';

const LINE: usize = <usize>LINE_BYTES;
/** Rows of R summed before they are subtracted. */
const KC: i32 = 256;

/** Columns that share their rows below. */
@unmanaged
export class FactoredPanel extends Struct {
  /** The first column. */
  first: i32;
  /** w, columns. */
  width: i32;
  /** r, rows below. */
  height: i32;
  /** r × u32, their positions, rising */
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

/** Neighbouring columns of C whose rows are kept. */
@unmanaged
export class KeptBlock extends Struct {
  /** The first column. */
  column: i32;
  width: i32;
  /** The first rows of them, 16 f32 each. */
  rows: usize;
}

// @ts-ignore: decorator
@inline
function panelAt(panels: usize, index: i32): FactoredPanel {
  return changetype<FactoredPanel>(panels + <usize>index * offsetof<FactoredPanel>());
}

// @ts-ignore: decorator
@inline
function word(table: usize, index: i32): usize {
  return <usize>load<u32>(table + ((<usize>index) << 2));
}

/**
 * A_RR ← A_RR − A_JRᵀ T for the columns of R that are leading.
 *
 * panels, panel: their descriptions, and which of them is J. owner (leading u32): the panel of each leading column.
 * blocks, pivots (u32 a panel): the addresses of A_JR (w × r f32) and of the pivot block (w × w f32) of each.
 * inside: rows of R that are leading, the first ones. scratch: UPDATE_SCRATCH_BYTES. Up to 12 bytes are read beyond A_JR and T.
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
  const bytes = (<usize>r) << 2;
  for (let j = 0; j < inside;) {
    // Columns of one panel have their rows in the same places.
    const other = <i32>word(owner, <i32>word(rows, j));
    const target = panelAt(panels, other);
    const first = target.first;
    const width = target.width;
    const height = (<usize>target.height) << 2;
    const targetRows = target.rows;
    const pivot = word(pivots, other);
    let next = j + 1;
    while (next < inside && <i32>word(rows, next) < first + width) next++;
    let place = word(blocks, other);
    let placed = targetRows;
    for (let i = j; i < r; i += 4) {
      const count = min(4, r - i);
      for (let q = j; q < next; q += 4) {
        products(w, block + ((<usize>i) << 2), factor + ((<usize>q) << 2), bytes, scratch);
        const columns = min(4, next - q);
        let at = place;
        let found = placed;
        for (let d = 0; d < count; d++) {
          const row = <i32>word(rows, i + d);
          const sums = scratch + ((<usize>d) << 4);
          if (row < first + width) {
            for (let c = 0; c < columns && q + c <= i + d; c++)
              subtract(
                pivot + ((<usize>((row - first) * width + <i32>word(rows, q + c) - first)) << 2),
                sums + ((<usize>c) << 2),
              );
          } else {
            while (<i32>load<u32>(found) < row) {
              found += 4;
              at += 4;
            }
            for (let c = 0; c < columns; c++)
              subtract(at + <usize>(<i32>word(rows, q + c) - first) * height, sums + ((<usize>c) << 2));
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
 * Writes G + λI of the columns that are not leading into row i of their lower tiles, as in sweep.ts, which are zeros.
 *
 * gram: G, by item. order, positions (u32): the item of each position, and back.
 * size: columns that are not leading.
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
  const tileBytes = (<usize>(t * t)) << 2;
  const first = tiles + ((<usize>i * <usize>(i + 1)) >> 1) * tileBytes;
  const end = min((i + 1) * t, size);
  for (let row = i * t; row < end; row++) {
    const line = first + ((<usize>((row - i * t) * t)) << 2);
    const range = indptr + (word(order, leading + row) << 2);
    const stop = load<i32>(range, 4);
    for (let e = load<i32>(range); e < stop; e++) {
      const column = <i32>word(positions, <i32>word(indices, e)) - leading;
      if (column < 0 || column > row) continue;
      store<f32>(
        line + <usize>(column / t) * tileBytes + ((<usize>(column % t)) << 2),
        load<f32>(values + ((<usize>e) << 2)),
      );
    }
    const diagonal = line + <usize>i * tileBytes + ((<usize>(row - i * t)) << 2);
    store<f32>(diagonal, load<f32>(diagonal) + lambda);
  }
}

/**
 * Tile (i, j) of the columns that are not leading, as in sweep.ts, loses A_JRᵀ T of every panel J, in ascending order.
 * scratch: UPDATE_SCRATCH_BYTES.
 */
export function updateTile(all: Panels, i: i32, j: i32, scratch: usize): void {
  const count = all.count;
  const blocks = all.blocks;
  const starts = all.starts;
  const leading = all.leading;
  const t = all.t;
  const tileRows = all.tileRows;
  const tile = all.tiles + (((((<usize>i * <usize>(i + 1)) >> 1) + <usize>j) * <usize>(t * t)) << 2);
  for (let p = 0; p < count; p++) {
    const ends = starts + ((<usize>p * <usize>(tileRows + 1)) << 2);
    const iFrom = <i32>word(ends, i);
    const iTo = <i32>word(ends, i + 1);
    const jFrom = <i32>word(ends, j);
    const jTo = <i32>word(ends, j + 1);
    if (iFrom == iTo || jFrom == jTo) continue;
    const panel = panelAt(all.panels, p);
    const w = panel.width;
    const bytes = (<usize>panel.height) << 2;
    const rows = panel.rows;
    const factor = panel.factor;
    const block = word(blocks, p);
    // The address of column `leading + j t` in a row that is at position 0.
    const origin = tile - ((<usize>(leading + i * t) * <usize>t + <usize>(leading + j * t)) << 2);
    for (let a = iFrom; a < iTo; a += 4) {
      const height = min(4, iTo - a);
      // of a diagonal tile, no column beyond these rows
      const stop = i == j ? min(jTo, a + 4) : jTo;
      for (let b = jFrom; b < stop; b += 4) {
        products(w, block + ((<usize>a) << 2), factor + ((<usize>b) << 2), bytes, scratch);
        const columns = min(4, jTo - b);
        for (let d = 0; d < height; d++) {
          const line = origin + ((word(rows, a + d) * <usize>t) << 2);
          const sums = scratch + ((<usize>d) << 4);
          for (let c = 0; c < columns; c++) subtract(line + (word(rows, b + c) << 2), sums + ((<usize>c) << 2));
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
  // addresses are added to before they are used, as in gemm.ts
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

/**
 * x becomes 16 columns of C, the first of them `column`, a multiple of 16, after the leading ones.
 *
 * panels, count: all panels. tiles: the lower tiles (t × t) of the `size` columns after the `leading` ones, swept, so that
 * they hold −C. x: n + 16 rows. kept (leading × 16 f32) gets the leading rows, for invertLeading.
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
 * x becomes `width` ≤ 16 columns of C from the leading `column` on, all of panels that do not descend to each other.
 *
 * panels, count: those up to the end of these. blocks: those KeptBlock of
 * the columns after these panels, `from` … blockCount. x: n + 16 rows. kept (keptRows × 16 f32) gets the first rows.
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

// The rows of x from `leading` on, out of the swept tiles.
function gatherSwept(tiles: usize, t: i32, size: i32, column: i32, leading: i32, x: usize): void {
  const bytes = (<usize>(t * t)) << 2;
  const own = column / t;
  const within = (<usize>(column % t)) << 2;
  const count = (size + t - 1) / t;
  for (let i = 0; i < count; i++) {
    const rows = min(t, size - i * t);
    let out = x + <usize>(leading + i * t) * LINE;
    if (i >= own) {
      let line = tiles + (((<usize>i * <usize>(i + 1)) >> 1) + <usize>own) * bytes + within;
      for (let row = 0; row < rows; row++) {
        for (let c: usize = 0; c < LINE; c += 16) v128.store(out + c, f32x4.neg(v128.load(line + c)));
        out += LINE;
        line += (<usize>t) << 2;
      }
    } else {
      const tile = tiles + (((<usize>own * <usize>(own + 1)) >> 1) + <usize>i) * bytes + within * <usize>t;
      for (let row = 0; row < rows; row += 4) {
        for (let c = 0; c < LANES; c += 4)
          transposeFour(tile + ((<usize>(c * t + row)) << 2), (<usize>t) << 2, out + ((<usize>c) << 2), true);
        out += LINE << 2;
      }
    }
  }
}

// The rows of x after the panels, out of the blocks; lanes from `width` on become zero. Up to 3 rows after each block's are
// overwritten, before the next block's are.
function gatherInverted(blocks: usize, from: i32, count: i32, column: i32, width: i32, x: usize): void {
  for (let b = from; b < count; b++) {
    const block = changetype<KeptBlock>(blocks + <usize>b * offsetof<KeptBlock>());
    const columns = block.width;
    const source = block.rows + <usize>column * LINE;
    const out = x + <usize>block.column * LINE;
    for (let row = 0; row < columns; row += 4) {
      const line = out + <usize>row * LINE;
      const lanes = source + ((<usize>row) << 2);
      for (let c = 0; c < LANES; c += 4) {
        if (c + 4 <= width) transposeFour(lanes + <usize>c * LINE, LINE, line + ((<usize>c) << 2), false);
        else {
          for (let q = c; q < c + 4; q++) {
            for (let d = 0; d < 4; d++)
              store<f32>(
                line + <usize>d * LINE + ((<usize>q) << 2),
                q < width ? load<f32>(lanes + <usize>q * LINE + ((<usize>d) << 2)) : 0,
              );
          }
        }
      }
    }
  }
}

/** Four rows of four f32, `stride` bytes apart, become columns in rows LINE bytes apart; negated where asked. */
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

// The rows of x of panels [0, count), from the last to the first, given those after them.
function invertPanels(panels: usize, count: i32, column: i32, width: i32, x: usize): void {
  for (let p = count - 1; p >= 0; p--) {
    const panel = panelAt(panels, p);
    const first = panel.first;
    const w = panel.width;
    const r = panel.height;
    const rows = panel.rows;
    const inverse = panel.inverse;
    const bytes = (<usize>r) << 2;
    const out = x + <usize>first * LINE;
    memory.fill(out, 0, <usize>w * LINE);
    const from = max(column, first);
    const to = min(column + width, first + w);
    for (let c = from; c < to; c++) {
      for (let j = 0; j < w; j++) {
        const at = inverse + ((<usize>(j * w + c - first)) << 2);
        store<f32>(out + <usize>j * LINE + ((<usize>(c - column)) << 2), load<f32>(at));
      }
    }
    for (let start = 0; start < r; start += KC) {
      const k = min(KC, r - start);
      const part = (<usize>start) << 2;
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

/** Two rows of x, from `out` on, lose Σ_p t0[p] x[rows[p]] and Σ_p t1[p] x[rows[p]]. */
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
  const last = rows + ((<usize>k) << 2);
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

/**
 * Which entries B̂ keeps of the columns of x, `width` of them from position `column` on: masks (n u16) gets a bit for each
 * column in each row, counts (16 i32) their number in each column. B̂_ij = C_ij / −C_jj off the diagonal and 0 on it.
 */
export function markColumns(
  n: i32,
  x: usize,
  column: i32,
  width: i32,
  epsilon: f32,
  masks: usize,
  counts: usize,
): void {
  memory.fill(counts, 0, LINE);
  const bound = f32x4.splat(epsilon);
  const own = x + <usize>column * LINE;
  // Lanes beyond width may divide by nothing; their bits are dropped.
  const s0 = scaleOfFour(own, 0);
  const s1 = scaleOfFour(own, 4);
  const s2 = scaleOfFour(own, 8);
  const s3 = scaleOfFour(own, 12);
  const valid = (1 << width) - 1;
  for (let i = 0; i < n; i++) {
    const row = x + <usize>i * LINE;
    let mask =
      i32x4.bitmask(f32x4.ge(f32x4.div(v128.load(row), s0), bound)) |
      (i32x4.bitmask(f32x4.ge(f32x4.div(v128.load(row, 16), s1), bound)) << 4) |
      (i32x4.bitmask(f32x4.ge(f32x4.div(v128.load(row, 32), s2), bound)) << 8) |
      (i32x4.bitmask(f32x4.ge(f32x4.div(v128.load(row, 48), s3), bound)) << 12);
    mask &= valid;
    const self = i - column;
    if (self >= 0 && self < LANES) mask &= ~(1 << self);
    store<u16>(masks + ((<usize>i) << 1), <u16>mask);
    for (; mask != 0; mask &= mask - 1) {
      const count = counts + ((<usize>ctz(mask)) << 2);
      store<i32>(count, load<i32>(count) + 1);
    }
  }
}

// −C_jj of four neighbouring columns.
// @ts-ignore: decorator
@inline
function scaleOfFour(own: usize, lane: usize): v128 {
  const at = own + lane * (LINE + 4);
  return f32x4.neg(
    f32x4(load<f32>(at), load<f32>(at + LINE + 4), load<f32>(at + 2 * (LINE + 4)), load<f32>(at + 3 * (LINE + 4))),
  );
}

/**
 * Writes the entries that markColumns marked, items strictly increasing in each column. positions (n u32): that of each item.
 * cursors (16 i32): where each column starts in indices (i32) and values (f32); each is left at the column's end.
 */
export function fillColumns(
  n: i32,
  positions: usize,
  x: usize,
  column: i32,
  masks: usize,
  cursors: usize,
  indices: usize,
  values: usize,
): void {
  const own = x + <usize>column * LINE;
  for (let i = 0; i < n; i++) {
    const position = word(positions, i);
    for (let mask = <i32>load<u16>(masks + (position << 1)); mask != 0; mask &= mask - 1) {
      const lane = <usize>ctz(mask);
      const cursor = cursors + (lane << 2);
      const at = (<usize>load<i32>(cursor)) << 2;
      store<i32>(cursor, load<i32>(cursor) + 1);
      store<i32>(indices + at, i);
      store<f32>(values + at, load<f32>(x + position * LINE + (lane << 2)) / -load<f32>(own + lane * (LINE + 4)));
    }
  }
}

/** out (n f32) gets −C of one lane of x, by item. positions: as fillColumns. */
export function unpermute(n: i32, positions: usize, x: usize, lane: i32, out: usize): void {
  const from = x + ((<usize>lane) << 2);
  for (let i = 0; i < n; i++) store<f32>(out + ((<usize>i) << 2), -load<f32>(from + word(positions, i) * LINE));
}
