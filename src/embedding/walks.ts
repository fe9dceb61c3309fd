import { plus } from '../engine/address.ts';
import { WalkGraph } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { STREAM } from '../engine/streams.ts';
import { putStruct } from '../engine/struct.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { Task } from '../engine/types.ts';
import type { SparsePattern } from '../matrix/sparse.ts';

export interface WalkOptions {
  /** Walks that start at each item. */
  walks: number;
  /** Items of a walk, its start included. */
  walkLength: number;
  seed: number;
}

const WALKS_PER_TASK = 4096;

/** Linear memory, in bytes, that `makeWalks` asks for, if walks start at every item. */
export function walksBytes({ cols: items, indices }: SparsePattern, { walks, walkLength }: WalkOptions): number {
  return 4 * (items + 1) * walks * (walkLength + 1) + 16 * indices.length;
}

/**
 * Stage 2, part one: random walks over the co-occurrence graph A = XᵀX without its diagonal, p(j|i) = A_ij / Σ_j A_ij.
 * `walks` of them start at every item that has a neighbour, in shuffled order.
 *
 * @param interactions X (users × items) over all markets.
 * @param transposed Xᵀ (items × users).
 * @returns (number of walks × walkLength) item positions; empty if no item has a neighbour.
 *
 * Peak memory: X both ways, 4 bytes per interaction for the running sums, and the walks, 4 · walks · walkLength bytes
 * per item.
 */
export async function makeWalks(
  context: StageContext,
  interactions: SparsePattern,
  transposed: SparsePattern,
  options: WalkOptions,
): Promise<Int32Array> {
  const { kernels } = context;
  const { exports, memory } = kernels;
  const mark = memory.mark();
  try {
    const items = interactions.cols;
    const userIndptr = memory.put(interactions.indptr);
    const userItems = memory.put(interactions.indices);
    const itemIndptr = memory.put(transposed.indptr);
    const itemUsers = memory.put(transposed.indices);
    const sums = memory.allocate(4 * transposed.indices.length);
    exports.walkWeights(items, itemIndptr, itemUsers, userIndptr, sums);

    const sumOf = memory.u32(sums, transposed.indices.length);
    const startList: number[] = [];
    for (let item = 0; item < items; item++) {
      const end = transposed.indptr[item + 1];
      if (end > transposed.indptr[item] && sumOf[end - 1] > 0)
        for (let k = 0; k < options.walks; k++) startList.push(item);
    }
    const count = startList.length;
    const starts = memory.put(Int32Array.from(startList));
    exports.shuffle(starts, count, options.seed, STREAM.walkStarts, 0);

    const graph = putStruct(memory, WalkGraph, { itemIndptr, itemUsers, sums, userIndptr, userItems });
    const walks = memory.allocate(4 * count * options.walkLength);
    const tasks = ranges(count, WALKS_PER_TASK).map(
      ([begin, end]): Task => [
        [
          'walk',
          begin,
          end,
          starts,
          options.walkLength,
          graph,
          options.seed,
          STREAM.walks,
          plus(walks, 4 * begin * options.walkLength),
        ],
      ],
    );
    await runTasks(kernels, tasks, (finished) => context.tick(finished, tasks.length));
    return memory.i32(walks, count * options.walkLength).slice();
  } finally {
    memory.release(mark);
  }
}
