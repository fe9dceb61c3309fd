// Intra-market similarity in closed form. Peak memory: with n rounded up to whole tiles, 2n (n + t) bytes for the lower
// triangle of G + λI, 8nt for one panel, and a few tiles; then, in the panel's place, four block-rows of the result.
// n = 12,015 takes 0.32 GB, and about 45,000 fit in wasm32.
import { ArgumentError, checkNumber } from './errors.ts';
import type { Job } from './job.ts';
import type { Kernels } from './kernels.ts';
import type { SparseMatrix } from './sparse.ts';
import { ranges, runTasks, type Task } from './tasks.ts';
import { TILE, TILES_PER_TASK, tileCount, tileIndex, tileRows, tileValues } from './tiles.ts';

/** Block-rows of B̂ that are read at once. */
const BLOCK_ROWS = 4;

/** Linear memory, in bytes, that `ease` asks for with n items, beside the result's block-rows. */
export function easeBytes(n: number): number {
  const tiles = Math.ceil(n / TILE);
  return 4 * TILE * TILE * ((tiles * (tiles + 1)) / 2 + 2 * tiles + 2) + 8 * TILE * (TILE + 1) + 4 * tiles + 4 * tiles * TILE;
}

/**
 * EASEᴿ (Steck, 2019): with C = (G + λI)⁻¹, B̂_ij = −C_ij / C_jj off the diagonal and 0 on it; entries below ε are
 * dropped. Rows are not normalised; columns are strictly increasing. Single precision, the pivots in double.
 *
 * @param gram G = XᵀX (n × n), symmetric, its diagonal included.
 * @param options λ > 0; ε, of any sign: −1 keeps about everything, n² entries (8 bytes each, in two copies at the end).
 * @param job hears `stage` with the floating-point operations done and the total.
 * @throws ArgumentError for wrong options, a G that is not square, or G + λI not positive definite.
 * @throws MemoryError where easeBytes(n) do not fit.
 * @throws AbortedError when the job is stopped.
 */
export async function ease(kernels: Kernels, gram: SparseMatrix, options: EaseOptions, job: Job, stage = 'ease'): Promise<SparseMatrix> {
  return (await easeWithInverse(kernels, gram, options, job, stage, false)).similarity;
}

export interface EaseOptions {
  lambda: number;
  epsilon: number;
}

/** As `ease`; where `keep`, with the tiles of −C (see tiles.ts), from which `updateEase` goes on. */
export async function easeWithInverse(kernels: Kernels, gram: SparseMatrix, options: EaseOptions, job: Job, stage: string, keep: boolean): Promise<{ similarity: SparseMatrix; inverse?: Float32Array }> {
  const epsilon = checkNumber('epsilon', options.epsilon, -1e9, 1e9);
  const { memory } = kernels;
  const n = gram.rows;
  const mark = memory.mark();
  try {
    const tiles = await putInverse(kernels, gram, options.lambda, job, stage);
    const similarity = await readSimilarity(kernels, tiles, n, epsilon, job, stage);
    return { similarity, inverse: keep ? memory.f32(tiles, tileValues(n)).slice() : undefined };
  } finally {
    memory.release(mark);
  }
}

/** The address of the tiles of −(G + λI)⁻¹; its errors are those of `ease`. The caller releases the memory, also after an error. */
export async function putInverse(kernels: Kernels, gram: SparseMatrix, lambda: number, job: Job, stage: string): Promise<number> {
  checkNumber('lambda', lambda, 1e-6, 1e9);
  if (gram.rows !== gram.cols) throw new ArgumentError('gram', `${gram.rows} × ${gram.cols}`, 'a square matrix');
  kernels.memory.require(easeBytes(gram.rows), `${stage} on ${gram.rows} items`);
  const tiles = putTiles(kernels, gram, lambda, stage);
  await sweep(kernels, tiles, gram.rows, job, stage);
  return tiles;
}

/** G + λI as lower tiles, the last ones padded with the identity. */
function putTiles({ memory }: Kernels, gram: SparseMatrix, lambda: number, stage: string): number {
  const n = gram.rows;
  const tiles = Math.ceil(n / TILE);
  const length = tileValues(n);
  const address = memory.allocateZeroed(4 * length, stage);
  const a = memory.f32(address, length);
  for (let i = 0; i < n; i++) {
    for (let p = gram.indptr[i]; p < gram.indptr[i + 1] && gram.indices[p] <= i; p++) a[tileIndex(i, gram.indices[p])] = gram.values[p];
    a[tileIndex(i, i)] += lambda;
  }
  for (let i = n; i < tiles * TILE; i++) a[tileIndex(i, i)] = 1;
  return address;
}

/** The tiles become those of −(G + λI)⁻¹. */
async function sweep(kernels: Kernels, tiles: number, n: number, job: Job, stage: string): Promise<void> {
  const { exports, memory } = kernels;
  const count = tileRows(n);
  const bytes = 4 * TILE * TILE;
  const perTile = 2 * TILE ** 3;
  const total = perTile * count * tileCount(n);
  let done = 0;
  const mark = memory.mark();
  const pivot = memory.allocate(2 * bytes, stage);
  const work = memory.allocate(exports.choleskyWorkspaceBytes(TILE), stage);
  const lefts = memory.allocate(count * bytes, stage);
  const rights = memory.allocate(count * bytes, stage);
  const filled = memory.allocate(4 * count, stage);
  for (let k = 0; k < count; k++) {
    const failed = exports.sweepPivot(tiles, TILE, k, pivot, work);
    if (failed !== 0) throw new ArgumentError('gram', `a pivot of G + λI that is not positive, at item ${k * TILE + failed - 1}`, 'G + λI positive definite');
    done += perTile;
    await job.tick(stage, done, total);
    const others = [...Array(count).keys()].filter((i) => i !== k);
    await phase(
      (count - 1) * perTile,
      others.map((i) => [['sweepPanel', tiles, TILE, k, i, pivot, lefts, rights, filled]]),
    );
    await phase(
      (tileCount(n) - count) * perTile,
      others.flatMap((i) => ranges(i + 1, TILES_PER_TASK).map(([from, to]): Task => [['sweepUpdate', tiles, TILE, k, i, from, to, lefts, rights, filled]])),
    );
  }
  memory.release(mark);

  /** Tasks that come to `flops` together. */
  async function phase(flops: number, tasks: Task[]): Promise<void> {
    await runTasks(kernels, tasks, (finished) => job.tick(stage, done + flops * (finished / tasks.length), total));
    done += flops;
  }
}

/** B̂ from the swept tiles, a few block-rows at a time, so that linear memory never holds more of the result than that. */
export async function readSimilarity(kernels: Kernels, tiles: number, n: number, epsilon: number, job: Job, stage: string): Promise<SparseMatrix> {
  const { exports, memory } = kernels;
  const count = tileRows(n);
  const diagonal = memory.allocateZeroed(4 * TILE * count, stage);
  exports.inverseDiagonal(tiles, TILE, n, diagonal);
  const cursors = memory.allocate(4 * TILE * BLOCK_ROWS, stage);
  const indptr = new Int32Array(n + 1);
  const parts: { indices: Int32Array; values: Float32Array }[] = [];
  let entries = 0;
  for (const [begin, end] of ranges(count, BLOCK_ROWS)) {
    const blocks = Array.from({ length: end - begin }, (_, b) => ({ block: begin + b, cursor: cursors + 4 * TILE * b }));
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
    const indices = memory.allocate(4 * length, stage);
    const values = memory.allocate(4 * length, stage);
    await runTasks(
      kernels,
      blocks.map(({ block, cursor }) => [['fillSimilar', tiles, TILE, n, block, diagonal, epsilon, cursor, indices, values]]),
    );
    parts.push({ indices: memory.i32(indices, length).slice(), values: memory.f32(values, length).slice() });
    memory.release(mark);
    entries += length;
    await job.tick(`${stage}: filter`, end, count);
  }
  const result: SparseMatrix = { rows: n, cols: n, indptr, indices: new Int32Array(entries), values: new Float32Array(entries) };
  let at = 0;
  for (const part of parts) {
    result.indices.set(part.indices, at);
    result.values.set(part.values, at);
    at += part.indices.length;
  }
  return result;
}
