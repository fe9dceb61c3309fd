// B̂ from columns of C, which stand in blocks of 16 (supernode-inverse.ts): B̂_ij = C_ij / −C_jj off the diagonal and 0
// on it.

import { at32, bytesOf, setF32 } from '../core/arrays';
import { LANES, LINE_BYTES } from '../layout';
import { word } from './supernode';

const LINE: usize = <usize>LINE_BYTES;

/**
 * Marks the entries that B̂ keeps of the columns of x: those of at least ε.
 * @param n rows
 * @param x n × 16 × f32, columns of C
 * @param column position of the first of them
 * @param width how many columns, at most 16
 * @param epsilon ε
 * @param masks n × u16, gets a bit for each column in each row
 * @param counts 16 × i32, gets the number of entries of each column
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
  // Lanes beyond width may divide by zero; their bits are dropped.
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
      const count = at32(counts, ctz(mask));
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
 * Writes the entries that markColumns marked, items strictly increasing in each column.
 * @param n items
 * @param positions n × u32, that of each item
 * @param x n × 16 × f32, columns of C
 * @param column position of the first of them
 * @param masks n × u16, from markColumns
 * @param cursors 16 × i32, where each column starts in indices and values; each is left at the column's end
 * @param indices i32, items
 * @param values f32, B̂_ij
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
      const at = bytesOf(load<i32>(cursor));
      store<i32>(cursor, load<i32>(cursor) + 1);
      store<i32>(indices + at, i);
      store<f32>(values + at, load<f32>(x + position * LINE + (lane << 2)) / -load<f32>(own + lane * (LINE + 4)));
    }
  }
}

/**
 * Writes −C of one column of a block, by item.
 * @param n items
 * @param positions n × u32, that of each item
 * @param x n × 16 × f32, columns of C
 * @param lane which of them
 * @param out n × f32
 */
export function unpermute(n: i32, positions: usize, x: usize, lane: i32, out: usize): void {
  const from = at32(x, lane);
  for (let i = 0; i < n; i++) setF32(out, i, -load<f32>(from + word(positions, i) * LINE));
}
