// The lower triangle of a symmetric matrix in square tiles: tile (i, j), j ≤ i, is number i (i + 1) / 2 + j, t × t f32,
// row-major.

/** Bytes of a tile. */
// @ts-ignore: decorator
@inline
export function tileBytes(t: i32): usize {
  return (<usize>t * <usize>t) << 2;
}

/** Address of tile (i, j). */
// @ts-ignore: decorator
@inline
export function tile(tiles: usize, t: i32, i: i32, j: i32): usize {
  return tiles + (((<usize>i * <usize>(i + 1)) >> 1) + <usize>j) * tileBytes(t);
}
