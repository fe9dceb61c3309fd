// Intra-market similarity in closed form. Peak memory of the dense way: with n rounded up to whole tiles, 2n (n + t)
// bytes for the lower triangle of G + λI, 12nt for one panel, and a few tiles; then, in the panel's place, four
// block-rows of the result. The sparse way takes about as much (sparse-inverse.ts). n = 12,015 takes 0.33 GB, and about
// 45,000 fit in wasm32.

import { ArgumentError, checkNumber } from '../common/errors.ts';
import { type Address, plus } from '../engine/address.ts';
import type { StageContext } from '../engine/stage.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { TILE, tileRows, tileValues } from '../matrix/tiles.ts';
import { type Elimination, invertPermutation, planElimination, shareOfDense } from './elimination.ts';
import { ColumnReader, copyColumns, emptyTiles, joinColumns } from './similar-columns.ts';
import { BATCH, invertSparse } from './sparse-inverse.ts';
import { putTiles, sweep, sweepBytes } from './sweep.ts';

/**
 * The sparse way is taken below this share of the dense way's flops: ordering and the columns' passes cost something
 * too.
 */
const WORTHWHILE = 0.9;

/** Block-rows of B̂ that are read at once. */
const BLOCK_ROWS = 4;

/** Linear memory, in bytes, that the dense way asks for with n items, besides the result's block-rows. */
export function easeBytes(n: number): number {
  return 4 * tileValues(n) + sweepBytes(n) + 4 * TILE * tileRows(n);
}

/**
 * EASEᴿ (Steck, 2019): with C = (G + λI)⁻¹, B̂_ij = −C_ij / C_jj off the diagonal and 0 on it; entries below ε are
 * dropped. Rows are not normalised; columns are strictly increasing. Single precision, in part 16-bit fixed point
 * (assembly/dense/sweep.ts), the pivots in double.
 *
 * @param gram G = XᵀX (n × n), symmetric, its diagonal included.
 * @param options λ > 0; ε, of any sign: −1 keeps about everything, n² entries (8 bytes each, in two copies at the end).
 * @throws ArgumentError for wrong options, a G that is not square, or G + λI not positive definite.
 * @throws MemoryError if easeBytes(n) do not fit.
 * @throws AbortedError when the job is stopped. Progress counts floating-point operations.
 */
export async function ease(context: StageContext, gram: SparseMatrix, options: EaseOptions): Promise<SparseMatrix> {
  return (await easeWithInverse(context, gram, options, false)).similarity;
}

/** B̂, the tiles of −C if they were kept, and the way it was solved, for people to read. */
export interface EaseResult {
  similarity: SparseMatrix;
  inverse?: Float32Array;
  way: string;
}

export interface EaseOptions {
  lambda: number;
  epsilon: number;
}

/**
 * As `ease`. G's pattern decides between the sparse inverse and the dense one.
 * @param keep whether to return the tiles of −C (matrix/tiles.ts), from which `updateEase` continues.
 * @param known G's elimination, if the caller has it.
 */
export async function easeWithInverse(
  context: StageContext,
  gram: SparseMatrix,
  options: EaseOptions,
  keep: boolean,
  known?: Elimination,
): Promise<EaseResult> {
  checkNumber('lambda', options.lambda, 1e-6, 1e9);
  checkNumber('epsilon', options.epsilon, -1e9, 1e9);
  if (gram.rows !== gram.cols)
    throw ArgumentError.because('gram', `it has ${gram.rows} rows and ${gram.cols} columns; a Gram matrix is square`);
  const plan = known ?? (await planElimination(context, gram));
  const share = shareOfDense(plan);
  if (share < WORTHWHILE)
    return {
      ...(await sparseEase(context, gram, options, plan, keep)),
      way: `sparse elimination: ${share.toFixed(2)} of the dense way's operations`,
    };
  return { ...(await denseEase(context, gram, options, keep)), way: 'dense' };
}

/** The dense way, whatever the pattern. */
export async function denseEase(
  context: StageContext,
  gram: SparseMatrix,
  { lambda, epsilon }: EaseOptions,
  keep: boolean,
): Promise<{ similarity: SparseMatrix; inverse?: Float32Array }> {
  const { memory } = context.kernels;
  const n = gram.rows;
  const mark = memory.mark();
  try {
    memory.require(easeBytes(n), `${context.name} on ${n} items`);
    const tiles = putTiles(context, gram, lambda);
    await sweep(context, tiles, n);
    const similarity = await readSimilarity(context, tiles, n, epsilon);
    return { similarity, inverse: keep ? memory.f32(tiles, tileValues(n)).slice() : undefined };
  } finally {
    memory.release(mark);
  }
}

async function sparseEase(
  context: StageContext,
  gram: SparseMatrix,
  { lambda, epsilon }: EaseOptions,
  plan: Elimination,
  keep: boolean,
): Promise<{ similarity: SparseMatrix; inverse?: Float32Array }> {
  const { kernels, name } = context;
  const { memory } = kernels;
  const n = gram.rows;
  const inverse = keep ? emptyTiles(n) : undefined;
  const mark = memory.mark();
  try {
    const positions = memory.put(invertPermutation(plan.order), name);
    const reader = new ColumnReader(kernels, plan.order, positions, epsilon, BATCH);
    await invertSparse(context, gram, lambda, plan, {
      calls: (block, b) => [reader.marks(block, b)],
      async visit(blocks) {
        await reader.read(blocks);
        if (inverse) copyColumns(kernels, blocks, plan.order, positions, inverse);
      },
    });
    return { similarity: joinColumns(kernels, reader.columns), inverse };
  } finally {
    memory.release(mark);
  }
}

/**
 * B̂ from the swept tiles, a few block-rows at a time, so that linear memory never holds more of the result than that.
 */
export async function readSimilarity(
  context: StageContext,
  tiles: Address,
  n: number,
  epsilon: number,
): Promise<SparseMatrix> {
  const { kernels, name } = context;
  const { exports, memory } = kernels;
  const progress = context.part('filter');
  const count = tileRows(n);
  const diagonal = memory.allocateZeroed(4 * TILE * count, name);
  exports.inverseDiagonal(tiles, TILE, n, diagonal);
  const cursors = memory.allocate(4 * TILE * BLOCK_ROWS, name);
  const indptr = new Int32Array(n + 1);
  const parts: { indices: Int32Array; values: Float32Array }[] = [];
  let entries = 0;
  for (const [begin, end] of ranges(count, BLOCK_ROWS)) {
    const blocks = Array.from({ length: end - begin }, (_, b) => ({
      block: begin + b,
      cursor: plus(cursors, 4 * TILE * b),
    }));
    await runTasks(
      kernels,
      blocks.map(({ block, cursor }) => [['countSimilar', tiles, TILE, n, block, diagonal, epsilon, cursor]]),
    );
    const rows = Math.min(end * TILE, n) - begin * TILE;
    const starts = memory.i32(cursors, rows);
    let length = 0;
    for (let r = 0; r < rows; r++) {
      const kept = starts[r];
      starts[r] = length;
      length += kept;
      indptr[begin * TILE + r + 1] = entries + length;
    }
    const mark = memory.mark();
    const indices = memory.allocate(4 * length, name);
    const values = memory.allocate(4 * length, name);
    await runTasks(
      kernels,
      blocks.map(({ block, cursor }) => [
        ['fillSimilar', tiles, TILE, n, block, diagonal, epsilon, cursor, indices, values],
      ]),
    );
    parts.push({ indices: memory.i32(indices, length).slice(), values: memory.f32(values, length).slice() });
    memory.release(mark);
    entries += length;
    await progress.tick(end, count);
  }
  const result: SparseMatrix = {
    rows: n,
    cols: n,
    indptr,
    indices: new Int32Array(entries),
    values: new Float32Array(entries),
  };
  let at = 0;
  for (const part of parts) {
    result.indices.set(part.indices, at);
    result.values.set(part.values, at);
    at += part.indices.length;
  }
  return result;
}
