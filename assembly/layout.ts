// The constants that kernels and host share. AssemblyScript compiles this file, and the build copies it to
// src/engine/kernel-layout.ts. So it has no types; integers are i32 in kernels.

/**
 * Columns of a panel: of a table in skip-gram's propagation, of a block of C in the sparse inverse.
 */
export const LANES = 16;
/** Bytes of one row of them, a cache line. */
export const LINE_BYTES = 64;
/**
 * Columns of a block of a matrix product: the longest rows that `multiplyPacked` takes with a wide panel, so the
 * largest tile.
 */
export const DEPTH = 256;
/** Bytes of scratch of `multiplyPacked`: a tile of 4 × 8 f32 and a wide panel, 16 f32 for each of DEPTH columns. */
export const MULTIPLY_SCRATCH_BYTES = 128 + 64 * DEPTH;
/** Bytes of scratch of `updatePanels` and `updateTile`: 4 × 4 f32. */
export const UPDATE_SCRATCH_BYTES = 64;
/** Rows that a block of C has beyond its n. */
export const SPARE_ROWS = 16;
/** S: 16-bit quantised vectors hold round(S x). */
export const QUANTISED_SCALE = 32000;
/** Bytes of scratch of `searchBatch`, without the quantised users: the products of four users and 64 items, i32. */
export const SEARCH_SCRATCH_BYTES = 1024;
