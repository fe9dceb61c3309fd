// A symmetric matrix as the lower triangle of square tiles, as assembly/dense/sweep.ts works on it: tile (I, J), J ≤ I,
// is number I (I + 1) / 2 + J, row-major; a tile on the diagonal is there whole. Rows and columns beyond n are those of
// the identity (of its inverse −1, once swept).
import { DEPTH } from '../engine/kernel-layout.ts';
import { ranges } from '../engine/tasks.ts';

/** Rows of a tile: one update is a product of 256 × 256 blocks, whose operands fill half a second-level cache. */
export const TILE = DEPTH;
/**
 * Tiles that one task updates, about 2 ms in all: enough tasks for an even load, and the left operand stays in cache.
 */
const TILES_PER_TASK = 4;

/** Up to TILES_PER_TASK neighbours of row i in the lower triangle: the tiles of one task. */
export interface TileRange {
  i: number;
  from: number;
  to: number;
}

/** All tiles of the lower triangle, `rows` rows of them, task by task. */
export function tileRanges(rows: number): TileRange[] {
  return Array.from({ length: rows }, (_, i) =>
    ranges(i + 1, TILES_PER_TASK).map(([from, to]) => ({ i, from, to })),
  ).flat();
}

/** Rows of tiles that n rows take. */
export function tileRows(n: number): number {
  return Math.ceil(n / TILE);
}

/** Tiles in the lower triangle of n rows. */
export function tileCount(n: number): number {
  return (tileRows(n) * (tileRows(n) + 1)) / 2;
}

/** Values in the lower triangle of n rows. */
export function tileValues(n: number): number {
  return TILE * TILE * tileCount(n);
}

/** Where element (i, j) is; its tile must not be above the diagonal. */
export function tileIndex(i: number, j: number): number {
  const I = Math.floor(i / TILE);
  return ((I * (I + 1)) / 2 + Math.floor(j / TILE)) * TILE * TILE + (i % TILE) * TILE + (j % TILE);
}

/**
 * The first value that the tiles of −(G + λI)⁻¹ over n items cannot have, by its index: a diagonal that is not below 0,
 * or padding that is not that of −I. Undefined where there is none.
 */
export function findFlaw(tiles: Float32Array, n: number): number | undefined {
  for (let i = 0; i < n; i++) if (!(tiles[tileIndex(i, i)] < 0)) return tileIndex(i, i);
  const end = tileRows(n) * TILE;
  const padded = (i: number, j: number) => tiles[tileIndex(i, j)] === (i === j ? -1 : 0);
  for (let i = n; i < end; i++) {
    for (let j = 0; j < end; j++) if (!padded(i, j)) return tileIndex(i, j);
    // the part of the last tile that is above its diagonal
    for (let j = end - TILE; j < n; j++) if (!padded(j, i)) return tileIndex(j, i);
  }
  return undefined;
}
