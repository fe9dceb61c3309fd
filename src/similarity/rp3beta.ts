import { type Address, plus } from '../engine/address.ts';
import { ThreeSteps } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { putStruct } from '../engine/struct.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { Kernels, Task } from '../engine/types.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';

/** Rows of a task. */
const ROWS = 64;
/** Tasks under way for each thread. */
const TASKS_PER_THREAD = 4;

export interface Rp3BetaOptions {
  /** Popular items are divided by their degree to this power. */
  beta: number;
  /** Smaller entries are dropped. */
  threshold: number;
}

/** Linear memory, in bytes, that `rp3beta` with β ≥ 0 asks for on one thread besides the entries of W. */
export function rp3betaBytes(X: SparsePattern, { threshold }: Rp3BetaOptions): number {
  return 8 * X.indices.length + 4 * X.rows + 12 * X.cols + slotBytes(X.cols, longestRow(X.cols, threshold, 1));
}

/** Entries of a row, which sums to 1 at most before its columns are scaled. */
const longestRow = (n: number, threshold: number, scale: number) =>
  threshold > 0 ? Math.min(n, Math.ceil(scale / threshold) + 1) : n;

const slotBytes = (n: number, longest: number) => 12 * n + 8 * ROWS * longest + 4 * ROWS + 320;

/** Where a task works, and where it leaves its rows. */
interface Slot {
  dense: Address;
  touched: Address;
  ends: Address;
  columns: Address;
  values: Address;
}

/**
 * RP3β with α = 1: the chance that a walk of three steps over users and items goes from item i to item j,
 * W = D_items⁻¹ Xᵀ D_users⁻¹ X, its columns divided by |x_j|^β, without its diagonal. The same bytes on any number of threads.
 *
 * @param interactions X (users × items), @param transposed Xᵀ.
 * Peak memory: X both ways and for each task under way 12 bytes an item and 8 for each entry of its 64 rows, 1 / threshold a row at most;
 * then W both ways while its columns are put in order.
 */
export async function rp3beta(
  context: StageContext,
  interactions: SparsePattern,
  transposed: SparsePattern,
  options: Rp3BetaOptions,
): Promise<SparseMatrix> {
  const { kernels } = context;
  const { exports, memory, pool } = kernels;
  const mark = memory.mark();
  const n = transposed.rows;
  const slots = pool ? TASKS_PER_THREAD * pool.threads : 1;
  const columnParts: Int32Array[] = [];
  const valueParts: Float32Array[] = [];
  const indptr = new Int32Array(n + 1);
  try {
    const degree = (item: number) => transposed.indptr[item + 1] - transposed.indptr[item];
    const scale = Float64Array.from({ length: n }, (_, item) =>
      degree(item) > 0 ? exports.pow(degree(item), -options.beta) : 0,
    );
    const x = putStruct(memory, ThreeSteps, {
      itemIndptr: memory.put(transposed.indptr),
      itemUsers: memory.put(transposed.indices),
      userIndptr: memory.put(interactions.indptr),
      userItems: memory.put(interactions.indices),
      columnScale: memory.put(scale),
      threshold: options.threshold,
    });
    const largest = scale.reduce((most, value) => Math.max(most, value), 0);
    const longest = longestRow(n, options.threshold, largest);
    const places = Array.from({ length: slots }, () => allocateSlot(kernels, n, longest));
    const parts = ranges(n, ROWS);
    for (const [begin, end] of ranges(parts.length, slots)) {
      const batch = parts.slice(begin, end);
      await runTasks(
        kernels,
        batch.map(([first, last], s): Task => {
          const { dense, touched, ends, columns, values } = places[s];
          return [['rp3betaRows', x, first, last, dense, touched, ends, columns, values]];
        }),
      );
      for (const [s, [first, last]] of batch.entries()) {
        const { ends, columns, values } = places[s];
        const rows = memory.i32(ends, last - first);
        for (const [r, rowEnd] of rows.entries()) indptr[first + r + 1] = indptr[first] + rowEnd;
        const kept = rows[last - first - 1];
        columnParts.push(memory.i32(columns, kept).slice());
        valueParts.push(memory.f32(values, kept).slice());
      }
      await context.tick(batch[batch.length - 1][1], n);
    }
  } finally {
    memory.release(mark);
  }
  const indices = new Int32Array(indptr[n]);
  const values = new Float32Array(indptr[n]);
  let at = 0;
  for (const [part, columns] of columnParts.entries()) {
    indices.set(columns, at);
    values.set(valueParts[part], at);
    at += columns.length;
  }
  // transposing twice puts every row's columns in order
  return transpose(kernels, transpose(kernels, { rows: n, cols: n, indptr, indices, values }));
}

function allocateSlot({ memory }: Kernels, n: number, longest: number): Slot {
  const bytes = 4 * ROWS * longest;
  const columns = memory.allocate(2 * bytes);
  return {
    dense: memory.allocateZeroed(8 * n),
    touched: memory.allocate(4 * n),
    ends: memory.allocate(4 * ROWS),
    columns,
    values: plus(columns, bytes),
  };
}
