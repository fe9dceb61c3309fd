// EASE's item similarity from the swept Gram matrix: with S = −(G + λI)⁻¹ in the lower tiles of sweep.ts, B̂_ij = −C_ij
// / C_jj = S_ij / −S_jj off the diagonal and 0 on it (Steck, 2019). Entries below ε are dropped.

import { at32, bytesOf, cellAt, f32At, setF32, setI32 } from '../core/arrays';
import { tile } from '../core/tiles';

/**
 * Writes the diagonal of C.
 * @param tiles S, lower tiles
 * @param t rows of a tile
 * @param n items
 * @param out n × f32
 */
export function inverseDiagonal(tiles: usize, t: i32, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const r = i % t;
    setF32(out, i, -load<f32>(cellAt(tile(tiles, t, i / t, i / t), t, r, r)));
  }
}

/**
 * Counts the entries that B̂ keeps in each row of a block-row.
 * @param tiles S, lower tiles
 * @param t rows of a tile
 * @param n items
 * @param block the block-row
 * @param diagonal n × f32, from inverseDiagonal
 * @param epsilon ε
 * @param counts t × i32, overwritten
 */
export function countSimilar(
  tiles: usize,
  t: i32,
  n: i32,
  block: i32,
  diagonal: usize,
  epsilon: f32,
  counts: usize,
): void {
  memory.fill(counts, 0, bytesOf(t));
  scan(tiles, t, n, block, diagonal, epsilon, counts, 0, 0);
}

/**
 * Writes the entries that countSimilar counted, columns strictly increasing. Other arguments as there.
 * @param cursors t × i32, where each row starts in indices and values; each is left at the row's end
 * @param indices i32, columns
 * @param values f32, B̂_ij
 */
export function fillSimilar(
  tiles: usize,
  t: i32,
  n: i32,
  block: i32,
  diagonal: usize,
  epsilon: f32,
  cursors: usize,
  indices: usize,
  values: usize,
): void {
  scan(tiles, t, n, block, diagonal, epsilon, cursors, indices, values);
}

/** Visits block-row `block` from left to right, compares four entries at a time, and keeps the few that pass. */
function scan(
  tiles: usize,
  t: i32,
  n: i32,
  block: i32,
  diagonal: usize,
  epsilon: f32,
  cursors: usize,
  indices: usize,
  values: usize,
): void {
  const blocks = (n + t - 1) / t;
  const first = block * t;
  const rows = min(t, n - first);
  const bound = f32x4.splat(epsilon);
  for (let j = 0; j < blocks; j++) {
    const start = j * t;
    const cols = min(t, n - start);
    if (j <= block) {
      // Tile (block, j): its rows are rows of B̂.
      for (let r = 0; r < rows; r++) {
        const line = cellAt(tile(tiles, t, block, j), t, r, 0);
        for (let c = 0; c < cols; c += 4) {
          const at = bytesOf(c);
          const x = f32x4.div(v128.load(line + at), v128.load(at32(diagonal, start) + at));
          const mask = i32x4.bitmask(f32x4.ge(x, bound));
          if (mask == 0) continue;
          for (let q = 0; q < 4; q++) {
            if (((mask >> q) & 1) != 0 && c + q < cols)
              keep(first + r, start + c + q, f32At(line + at, q), diagonal, r, cursors, indices, values);
          }
        }
      }
    } else {
      // Tile (j, block): its rows are columns of B̂, all divided by the same diagonal entry.
      for (let c = 0; c < cols; c++) {
        const line = cellAt(tile(tiles, t, j, block), t, c, 0);
        const scale = f32x4.splat(f32At(diagonal, start + c));
        for (let r = 0; r < rows; r += 4) {
          const at = bytesOf(r);
          const mask = i32x4.bitmask(f32x4.ge(f32x4.div(v128.load(line + at), scale), bound));
          if (mask == 0) continue;
          for (let q = 0; q < 4; q++) {
            if (((mask >> q) & 1) != 0 && r + q < rows)
              keep(first + r + q, start + c, f32At(line + at, q), diagonal, r + q, cursors, indices, values);
          }
        }
      }
    }
  }
}

// With indices = 0, only counts.
// @ts-ignore: decorator
@inline
function keep(
  row: i32,
  col: i32,
  entry: f32,
  diagonal: usize,
  r: i32,
  cursors: usize,
  indices: usize,
  values: usize,
): void {
  if (row == col) return;
  const cursor = at32(cursors, r);
  const at = load<i32>(cursor);
  store<i32>(cursor, at + 1);
  if (indices == 0) return;
  setI32(indices, at, col);
  setF32(values, at, entry / f32At(diagonal, col));
}
