// In-place inverse of a dense symmetric positive definite matrix in tiles; see assembly/dense/sweep.ts. Peak memory
// besides the tiles: 12nt bytes for one panel, a few tiles, and 16 kB a task.
import { ArgumentError } from '../common/errors.ts';
import { type Address, plus } from '../engine/address.ts';
import { MULTIPLY_SCRATCH_BYTES } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { runTasks } from '../engine/tasks.ts';
import type { Call, Task } from '../engine/types.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { TILE, tileCount, tileIndex, tileRanges, tileRows, tileValues } from '../matrix/tiles.ts';

/**
 * Bytes of what a pivot gives the panel, or a tile of the panel the updates: sweepSlotBytes(TILE), in
 * assembly/dense/sweep.ts.
 */
export const SLOT_BYTES = 12 * TILE * TILE + 24 * TILE + 16;

/** Linear memory, in bytes, that `sweep` asks for with n rows. */
export function sweepBytes(n: number): number {
  const tiles = tileRows(n);
  return SLOT_BYTES * (tiles + 1) + MULTIPLY_SCRATCH_BYTES * tileRanges(tiles).length + 8 * TILE * (TILE + 1);
}

/** The identity in the rows of the last tiles beyond n. */
export function padTiles(a: Float32Array, n: number): void {
  for (let i = n; i < tileRows(n) * TILE; i++) a[tileIndex(i, i)] = 1;
}

/** G + λI as lower tiles, the last ones padded with the identity; returns their address. */
export function putTiles({ kernels: { memory }, name }: StageContext, gram: SparseMatrix, lambda: number): Address {
  const n = gram.rows;
  const length = tileValues(n);
  const address = memory.allocateZeroed(4 * length, name);
  const a = memory.f32(address, length);
  for (let i = 0; i < n; i++) {
    for (let p = gram.indptr[i]; p < gram.indptr[i + 1] && gram.indices[p] <= i; p++)
      a[tileIndex(i, gram.indices[p])] = gram.values[p];
    a[tileIndex(i, i)] += lambda;
  }
  padTiles(a, n);
  return address;
}

export function notPositive(item: number): ArgumentError {
  return ArgumentError.because(
    'gram',
    `G + λI is not positive definite (the pivot at item ${item} is not positive); a larger λ may help`,
  );
}

/**
 * The tiles of G + λI become those of −(G + λI)⁻¹. itemOf names the item of a row in errors.
 *
 * @throws ArgumentError for a matrix that is not positive definite.
 */
export async function sweep(
  context: StageContext,
  tiles: Address,
  n: number,
  itemOf: (row: number) => number = (row) => row,
): Promise<void> {
  const { kernels, name } = context;
  const { exports, memory } = kernels;
  const count = tileRows(n);
  const perTile = 2 * TILE ** 3;
  const total = perTile * count * tileCount(n);
  let done = 0;
  const mark = memory.mark();
  const work = memory.allocate(exports.choleskyWorkspaceBytes(TILE), name);
  const slots = memory.allocate(count * SLOT_BYTES, name);
  const pivot = memory.allocate(SLOT_BYTES, name);
  const failed = memory.allocateZeroed(4, name);
  const updates = tileRanges(count);
  const scratch = memory.allocate(MULTIPLY_SCRATCH_BYTES * updates.length, name);
  const pivotOf = (k: number): Call => ['sweepPivot', tiles, TILE, k, pivot, work, failed];
  if (count > 0) await runTasks(kernels, [[pivotOf(0)]]);
  for (let k = 0; k < count; k++) {
    const row = memory.i32(failed, 1)[0] - 1;
    if (row >= 0) throw notPositive(itemOf(k * TILE + row));
    done += perTile;
    await context.tick(done, total);
    await phase(
      (count - 1) * perTile,
      [...Array(count).keys()].flatMap((i): Task[] =>
        i === k ? [] : [[['sweepPanel', tiles, TILE, k, i, pivot, slots, plus(scratch, i * MULTIPLY_SCRATCH_BYTES)]]],
      ),
    );
    await phase((tileCount(n) - count) * perTile, updatesOf(k));
  }
  exports.sweepFinish(tiles, TILE, count);
  memory.release(mark);

  /**
   * The updates of sweep k. The one that the next pivot waits for comes first, then that pivot, so that no thread waits
   * for it.
   */
  function updatesOf(k: number): Task[] {
    const tasks: Task[] = [];
    for (const [p, { i, from, to }] of updates.entries()) {
      if (i === k) continue;
      const update: Call = [
        'sweepUpdate',
        tiles,
        TILE,
        k,
        i,
        from,
        to,
        slots,
        plus(scratch, p * MULTIPLY_SCRATCH_BYTES),
      ];
      if (i === k + 1 && to === i + 1) tasks.unshift([update, pivotOf(i)]);
      else tasks.push([update]);
    }
    return tasks;
  }

  /** Tasks that come to `flops` together. */
  async function phase(flops: number, tasks: Task[]): Promise<void> {
    await runTasks(kernels, tasks, (finished) => context.tick(done + flops * (finished / tasks.length), total));
    done += flops;
  }
}
