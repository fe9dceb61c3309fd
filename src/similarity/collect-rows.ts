// Rows of a sparse matrix that kernels make range by range: each task leaves its rows in a place of its own, and the host
// puts them together in order.
import { type Address, plus } from '../engine/address.ts';
import type { StageContext } from '../engine/stage.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { Call, Task } from '../engine/types.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';

/** Tasks under way for each thread. */
const TASKS_PER_THREAD = 4;

/** Where a task leaves its rows. */
export interface RowPlace {
  /** rows × i32: where each row ends. */
  ends: Address;
  columns: Address;
  values: Address;
}

export interface RowOptions<Work> {
  /** Rows of the matrix. */
  n: number;
  /** Rows of a task. */
  rows: number;
  /** Entries that the rows of a task have at most. */
  room: number;
  /** What a task works with besides; made once for each task that is under way. */
  work: () => Work;
  /** The call that makes rows [first, last). */
  call: (first: number, last: number, place: RowPlace, work: Work) => Call;
}

/** Linear memory, in bytes, for the rows of one task. */
export const rowPlaceBytes = (rows: number, room: number) => 8 * room + 4 * rows + 192;

/**
 * The rows, n × n, each with its columns in the order in which the kernel left them. Memory is released with the
 * caller's mark.
 */
export async function collectRows<Work>(
  context: StageContext,
  { n, rows, room, work, call }: RowOptions<Work>,
): Promise<SparseMatrix> {
  const { kernels } = context;
  const { memory, pool } = kernels;
  const parts = ranges(n, rows);
  const slots = Math.min(parts.length, pool ? TASKS_PER_THREAD * pool.threads : 1);
  const places = Array.from({ length: slots }, () => {
    const columns = memory.allocate(8 * room);
    return { place: { ends: memory.allocate(4 * rows), columns, values: plus(columns, 4 * room) }, work: work() };
  });
  const indptr = new Int32Array(n + 1);
  const columnParts: Int32Array[] = [];
  const valueParts: Float32Array[] = [];
  for (const [begin, end] of ranges(parts.length, slots)) {
    const batch = parts.slice(begin, end);
    await runTasks(
      kernels,
      batch.map(([first, last], s): Task => [call(first, last, places[s].place, places[s].work)]),
    );
    for (const [s, [first, last]] of batch.entries()) {
      const { ends, columns, values } = places[s].place;
      const rowEnds = memory.i32(ends, last - first);
      for (const [r, rowEnd] of rowEnds.entries()) indptr[first + r + 1] = indptr[first] + rowEnd;
      const kept = rowEnds[last - first - 1];
      columnParts.push(memory.i32(columns, kept).slice());
      valueParts.push(memory.f32(values, kept).slice());
    }
    await context.tick(batch[batch.length - 1][1], n);
  }
  const indices = new Int32Array(indptr[n]);
  const values = new Float32Array(indptr[n]);
  let at = 0;
  for (const [part, columns] of columnParts.entries()) {
    indices.set(columns, at);
    values.set(valueParts[part], at);
    at += columns.length;
  }
  return { rows: n, cols: n, indptr, indices, values };
}
