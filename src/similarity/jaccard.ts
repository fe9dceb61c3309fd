// Peak linear memory: X both ways, 8 bytes an entry of the pattern, and 4 n bytes for each task under way.
import { checkNumber } from '../common/errors.ts';
import { type Address, plus } from '../engine/address.ts';
import { SharedUsers } from '../engine/kernel-layout.ts';
import { putStruct } from '../engine/struct.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { Kernels, Task } from '../engine/types.ts';
import type { SparsePattern } from '../matrix/sparse.ts';

/** Rows of a task. */
const ROWS = 256;
/** Tasks under way for each thread. */
const TASKS_PER_THREAD = 4;

/**
 * J_ij = A_ij / (n_i + n_j − A_ij + shrinkage) at the entries of a pattern over the items, where A_ij users have both
 * items and n_i have item i: Jaccard's similarity, small where few users speak for it.
 *
 * @param X users × items; @param transposed Xᵀ; @param at n × n, where J is wanted, without its diagonal
 * @param shrinkage ≥ 0
 * @param tick called with the rows done and their number
 * @returns a value for each entry of `at`; 0 ≤ J < 1
 * @throws ArgumentError for a negative shrinkage; MemoryError if it does not fit; what `tick` throws.
 * @example
 * const likeness = await jaccard(kernels, X, transposed, similarity, 10);
 */
export async function jaccard(
  kernels: Kernels,
  X: SparsePattern,
  transposed: SparsePattern,
  at: SparsePattern,
  shrinkage: number,
  tick: (done: number, total: number) => Promise<void> = async () => {},
): Promise<Float32Array> {
  checkNumber('shrinkage', shrinkage, 0, 1e9);
  const { memory, pool } = kernels;
  const n = X.cols;
  const slots = TASKS_PER_THREAD * (pool?.threads ?? 1);
  const job = 'the users that items share';
  const mark = memory.mark();
  try {
    const put = (array: Int32Array) => memory.put(array, job);
    const out = memory.allocate(4 * at.indices.length, job);
    const shared = putStruct(memory, SharedUsers, {
      userStarts: put(X.indptr),
      userItems: put(X.indices),
      itemStarts: put(transposed.indptr),
      itemUsers: put(transposed.indices),
      indptr: put(at.indptr),
      indices: put(at.indices),
      shrinkage,
      out,
    });
    const counts: Address = memory.allocateZeroed(4 * n * slots);
    const tasks = ranges(n, ROWS);
    for (const [begin, end] of ranges(tasks.length, slots)) {
      await runTasks(
        kernels,
        tasks
          .slice(begin, end)
          .map(([from, to], slot): Task => [['jaccardRows', shared, from, to, plus(counts, 4 * n * slot)]]),
      );
      await tick(end, tasks.length);
    }
    return memory.f32(out, at.indices.length).slice();
  } finally {
    memory.release(mark);
  }
}
