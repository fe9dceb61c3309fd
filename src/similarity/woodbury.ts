// EASE after a change of its data, without inverting again: C = (G + λI)⁻¹ follows each changed row of X by Woodbury's
// identity (assembly/dense/woodbury.ts), 256 rows at a time. Peak memory: that of the tiles and 16 bytes per row of a
// block and item.

import { ArgumentError } from '../common/errors.ts';
import { type Address, plus } from '../engine/address.ts';
import { MULTIPLY_SCRATCH_BYTES } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { runTasks } from '../engine/tasks.ts';
import type { Task } from '../engine/types.ts';
import { gram } from '../matrix/gram.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { TILE, tileIndex, tileRanges, tileRows, tileValues } from '../matrix/tiles.ts';
import { type EaseOptions, easeWithInverse, readSimilarity } from './ease.ts';
import { planElimination, shareOfDense } from './elimination.ts';

/**
 * One changed row of X: the columns it had (none: a new row) and those that it has, rising, all of them new positions.
 */
export interface RowChange {
  before: Int32Array;
  after: Int32Array;
}

export interface EaseUpdate {
  /** The tiles of −(G + λI)⁻¹ before the change; they stay as they are. */
  inverse: Float32Array;
  /** (n) the old position of each item, rising, and −1 for a new one. */
  oldOf: Int32Array;
  changes: RowChange[];
  /** X (users × n) after the change, and its transpose. */
  X: SparsePattern;
  transposed: SparsePattern;
}

export interface UpdatedEase {
  /** B̂ as `ease` gives it. */
  similarity: SparseMatrix;
  inverse: Float32Array;
  /** Rows of X added and removed; 0 if it was cheaper to invert again. */
  rows: number;
  /** max |C (G + λI) − I| over all rows of SAMPLES columns. */
  residual: number;
}

/** Changed rows that go through the tiles at once. */
const BLOCK = 256;
/** Items that one kernel call gathers: n f64 additions each. */
const ITEMS_PER_CALL = 512;
/** Columns on which the residual is measured, evenly spaced. */
const SAMPLES = 16;
/**
 * From about this number of rows an item on, inverting again by the dense way is faster. If the elimination takes only
 * a share of the dense way's operations, the same share of that number: at n = 12,015 and a share of 0.24, from 0.38 ·
 * 12,015 · 0.24 = 1,100 rows.
 */
const INVERT_FROM = 0.38;
/** Below this number of rows an item, no elimination is planned. */
const PLAN_FROM = 1 / 32;
/** An inverse whose residual is this large is that of other data, not one that rounding has worn. */
const WORTHLESS = 1;

/**
 * Stage 1 after a change of X: equal to `ease` on the new interactions but for rounding. A changed row counts as the
 * new row added and the old one removed; all additions go first, so that every matrix on the way is positive definite.
 * New items have C_ii = 1/λ and zeros until rows name them. If inverting again takes less time than the rows, that is
 * done.
 *
 * @throws ArgumentError if `inverse` is not that of the data before the change.
 * @throws MemoryError, before the work starts, if it does not fit.
 */
export async function updateEase(
  context: StageContext,
  update: EaseUpdate,
  options: EaseOptions,
): Promise<UpdatedEase> {
  const { kernels, name } = context;
  const { memory } = kernels;
  const n = update.oldOf.length;
  const added = update.changes.map(({ after }) => after).filter((row) => row.length > 0);
  const removed = update.changes.map(({ before }) => before).filter((row) => row.length > 0);
  const rows = added.length + removed.length;
  const mark = memory.mark();
  try {
    if (rows >= PLAN_FROM * n) {
      const matrix = gram(kernels, update.X, update.transposed);
      const plan = await planElimination(context, matrix);
      if (rows >= INVERT_FROM * Math.min(1, shareOfDense(plan)) * n) {
        const { similarity, inverse } = await easeWithInverse(context, matrix, options, true, plan);
        const residual = await measureResidual(context, memory.put(inverse!, name), update, options.lambda);
        return { similarity, inverse: inverse!, rows: 0, residual };
      }
    }
    memory.require(updateBytes(n, Math.min(BLOCK, rows)), `${name} on ${n} items`);
    const tiles = await putTiles(context, update.inverse, update.oldOf, options.lambda);
    const progress = { done: 0, total: rows };
    for (let from = 0; from < added.length; from += BLOCK)
      await applyRows(context, tiles, n, added.slice(from, from + BLOCK), 1, progress);
    for (let from = 0; from < removed.length; from += BLOCK)
      await applyRows(context, tiles, n, removed.slice(from, from + BLOCK), -1, progress);
    const residual = await measureResidual(context, tiles, update, options.lambda);
    if (!(residual < WORTHLESS)) throw notItsInverse(name);
    const similarity = await readSimilarity(context, tiles, n, options.epsilon);
    return { similarity, inverse: memory.f32(tiles, tileValues(n)).slice(), rows, residual };
  } finally {
    memory.release(mark);
  }
}

/**
 * Linear memory, in bytes, that `updateEase` asks for with n items and blocks of k rows, besides the result's
 * block-rows.
 */
function updateBytes(n: number, k: number): number {
  return (
    4 * tileValues(n) +
    TILE * tileRows(n) * (16 * k + 8) +
    MULTIPLY_SCRATCH_BYTES * tileRanges(tileRows(n)).length +
    12 * k * (k + 1) +
    8 * ITEMS_PER_CALL +
    1e6
  );
}

function notItsInverse(stage: string): ArgumentError {
  return ArgumentError.because(
    'model',
    `the inverse of "${stage}" is not that of its histories; train the model again`,
  );
}

/** The old tiles, moved apart for new items, which get −1/λ on the diagonal. */
async function putTiles(
  context: StageContext,
  inverse: Float32Array,
  oldOf: Int32Array,
  lambda: number,
): Promise<Address> {
  const { kernels, name } = context;
  const { memory } = kernels;
  const progress = context.part('new items');
  const n = oldOf.length;
  if (oldOf.every((old) => old >= 0)) return memory.put(inverse, name);
  const length = tileValues(n);
  const address = memory.allocateZeroed(4 * length, name);
  const runs = contiguousRuns(oldOf);
  for (let first = 0; first < n; first += TILE) {
    const tiles = memory.f32(address, length);
    for (let i = first; i < Math.min(n, first + TILE); i++) {
      const oldI = oldOf[i];
      if (oldI < 0) tiles[tileIndex(i, i)] = -1 / lambda;
      else
        for (const run of runs) {
          // up to the end of the diagonal tile, which is stored whole
          if (run.start >= first + TILE) break;
          const old = oldOf[run.start];
          const to = tileIndex(i, run.start);
          if (Math.floor(old / TILE) <= Math.floor(oldI / TILE)) {
            const from = tileIndex(oldI, old);
            tiles.set(inverse.subarray(from, from + run.length), to);
          } else for (let c = 0; c < run.length; c++) tiles[to + c] = inverse[tileIndex(old + c, oldI)];
        }
    }
    await progress.tick(Math.min(n, first + TILE), n);
  }
  const tiles = memory.f32(address, length);
  for (let i = n; i < tileRows(n) * TILE; i++) tiles[tileIndex(i, i)] = -1;
  return address;
}

/** The ranges of items that follow each other in the old order too, in one tile of either. */
function contiguousRuns(oldOf: Int32Array): { start: number; length: number }[] {
  const runs: { start: number; length: number }[] = [];
  for (const [i, old] of oldOf.entries()) {
    if (old < 0) continue;
    if (i > 0 && oldOf[i - 1] >= 0 && i % TILE !== 0 && old % TILE !== 0) runs[runs.length - 1].length++;
    else runs.push({ start: i, length: 1 });
  }
  return runs;
}

/** The tiles follow G + sign · WᵀW, W the rows given (k × n, by their columns). */
async function applyRows(
  context: StageContext,
  tiles: Address,
  n: number,
  rows: Int32Array[],
  sign: 1 | -1,
  progress: { done: number; total: number },
): Promise<void> {
  const { kernels, name } = context;
  const { exports, memory } = kernels;
  const k = rows.length;
  const blocks = tileRows(n);
  const width = blocks * TILE;
  const mark = memory.mark();
  const row = memory.allocate(8 * width, name);
  const y = memory.allocate(4 * k * width, name);
  const u = memory.allocateZeroed(4 * k * width, name);
  const capacitance = memory.allocate(4 * k * k, name);
  const lefts = memory.allocate(4 * k * width, name);
  const rights = memory.allocate(4 * k * width, name);
  const workspace = memory.allocate(exports.gemmWorkspaceBytes(), name);
  const choleskyWorkspace = memory.allocate(exports.choleskyWorkspaceBytes(k), name);
  const tick = (share: number) => context.tick(progress.done + share * k, progress.total);

  for (let p = 0; p < k; p++) {
    gatherRow(context, tiles, blocks, rows[p], undefined, row);
    // W C Wᵀ is −Y Wᵀ, since the tiles hold −C
    const gathered = memory.f64(row, width);
    const T = memory.f32(capacitance, k * k);
    for (let q = 0; q <= p; q++) {
      let sum = 0;
      for (const item of rows[q]) sum += gathered[item];
      T[p * k + q] = (p === q ? 1 : 0) - sign * sum;
    }
    exports.narrow(width, row, plus(y, 4 * p * width));
    await tick(p / (2 * k));
  }
  if (exports.choleskyInverse(k, capacitance, choleskyWorkspace) !== 0) throw notItsInverse(name);
  exports.gemmNN(k, width, k, 1, capacitance, k, y, width, u, width, workspace);
  await tick(0.5);
  for (let i = 0; i < blocks; i++) {
    exports.packColumns(4, plus(y, 4 * TILE * i), width, TILE, k, plus(lefts, 4 * TILE * k * i));
    exports.packColumns(8, plus(u, 4 * TILE * i), width, TILE, k, plus(rights, 4 * TILE * k * i));
  }
  const tasks = tileRanges(blocks);
  const scratch = memory.allocate(MULTIPLY_SCRATCH_BYTES * tasks.length, name);
  const updates = tasks.map(
    ({ i, from, to }, p): Task => [
      ['addProducts', tiles, TILE, k, i, from, to, sign, lefts, rights, plus(scratch, p * MULTIPLY_SCRATCH_BYTES)],
    ],
  );
  await runTasks(kernels, updates, (finished) => tick(0.5 + finished / (2 * updates.length)));
  memory.release(mark);
  progress.done += k;
  await tick(0);
}

/** out (whole tiles, f64) = Σ weights_c · row items_c of the tiles; without weights, 1 each. */
function gatherRow(
  { kernels, name }: StageContext,
  tiles: Address,
  blocks: number,
  items: Int32Array,
  weights: Float32Array | undefined,
  out: Address,
): void {
  const { exports, memory } = kernels;
  memory.f64(out, blocks * TILE).fill(0);
  const mark = memory.mark();
  const some = memory.allocate(4 * ITEMS_PER_CALL, name);
  const theirs = memory.allocate(4 * ITEMS_PER_CALL, name);
  for (let from = 0; from < items.length; from += ITEMS_PER_CALL) {
    const count = Math.min(ITEMS_PER_CALL, items.length - from);
    memory.i32(some, count).set(items.subarray(from, from + count));
    if (weights) memory.f32(theirs, count).set(weights.subarray(from, from + count));
    else memory.f32(theirs, count).fill(1);
    exports.gatherRows(tiles, TILE, blocks, count, some, theirs, out);
  }
  memory.release(mark);
}

/** max |C (G + λI) − I| over SAMPLES columns. */
async function measureResidual(
  context: StageContext,
  tiles: Address,
  { oldOf, X, transposed }: EaseUpdate,
  lambda: number,
): Promise<number> {
  const { kernels, name } = context;
  const { memory } = kernels;
  const progress = context.part('residual');
  const n = oldOf.length;
  const blocks = tileRows(n);
  const samples = Math.min(n, SAMPLES);
  const mark = memory.mark();
  const out = memory.allocate(8 * blocks * TILE, name);
  const counts = new Float64Array(n);
  let worst = 0;
  for (let s = 0; s < samples; s++) {
    const column = Math.floor(((s + 0.5) * n) / samples);
    counts.fill(0);
    counts[column] = lambda;
    for (const user of transposed.indices.subarray(transposed.indptr[column], transposed.indptr[column + 1])) {
      for (const item of X.indices.subarray(X.indptr[user], X.indptr[user + 1])) counts[item]++;
    }
    const items = Int32Array.from(counts.keys()).filter((item) => counts[item] !== 0);
    gatherRow(
      context,
      tiles,
      blocks,
      items,
      Float32Array.from(items, (item) => counts[item]),
      out,
    );
    // Math.max keeps a NaN
    for (const [i, value] of memory.f64(out, n).entries())
      worst = Math.max(worst, Math.abs((i === column ? 1 : 0) + value));
    await progress.tick(s + 1, samples);
  }
  memory.release(mark);
  return worst;
}
