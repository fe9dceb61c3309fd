// What EASE by groups knows of a catalogue (assembly/sparse/co-purchases.ts): X both ways with items by popularity, how often
// each two items of the core were bought by the same user, a prior, and for each item the list of those that matter
// most to its column. Peak linear memory, with n items, u users, e interactions, a core of c items, lists of w and p
// entries of a prior: 8 (e + n + u) + 4c² + 8nw + 8p bytes, and 8n for each task under way; 24p while the prior is
// read.
import { type Address, NOWHERE, type Pointer } from '../engine/address.ts';
import { CoPurchases } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { putStruct } from '../engine/struct.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { Kernels, Task } from '../engine/types.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import { invertPermutation } from './elimination.ts';

/** Rows of the core's table, and users, that a task works through. */
const TABLE_ROWS = 16;
const USERS_PER_TASK = 65_536;
/** Interactions whose items' lists a task makes. */
const INTERACTIONS_PER_TASK = 20_000;

/** The mean that columns shrink to: `strength` times a B̂ over the same items. */
export interface Prior {
  similarity: SparseMatrix;
  strength: number;
}

export interface CoPurchaseOptions {
  lambda: number;
  /** Items of the core, at most n. */
  core: number;
  /** Entries of a list. */
  width: number;
  prior?: Prior;
  /** Lists made at once. */
  slots: number;
}

/** A catalogue in linear memory; it lives until the caller's mark is released. */
export interface Catalogue {
  /** Xᵀ, by item. */
  transposed: SparsePattern;
  /** The kernels' struct. */
  all: Pointer<CoPurchases>;
  /** Item by rank, and rank by item. */
  order: Int32Array;
  ranks: Int32Array;
  /** n × width ranks and gains, as `groupAlike` takes them. */
  nearest: Address;
  gains: Address;
}

/** Linear memory, in bytes, that `putCoPurchases` asks for. */
export function coPurchaseBytes(X: SparsePattern, { core, width, prior, slots }: CoPurchaseOptions): number {
  const entries = prior ? prior.similarity.indices.length : 0;
  const lists = 8 * X.cols * width + slots * (8 * X.cols + 256);
  return 8 * (X.indices.length + X.cols + X.rows) + 4 * core * core + lists + 4 * X.cols + 24 * entries + 2048;
}

/**
 * All but the lists, which `findNearest` makes.
 * @param X users × items; @param transposed Xᵀ
 * @throws MemoryError if it does not fit; AbortedError if the job is stopped.
 */
export async function putCoPurchases(
  context: StageContext,
  { rows: users }: SparsePattern,
  transposed: SparsePattern,
  { lambda, core, width, prior }: CoPurchaseOptions,
): Promise<Catalogue> {
  const { kernels, name } = context;
  const { memory, exports } = kernels;
  const n = transposed.rows;
  const order = byPopularity(transposed);
  const ranks = invertPermutation(order);
  const entries = transposed.indptr[n];
  const itemStarts = memory.allocate(4 * (n + 1), name);
  const itemUsers = memory.allocate(4 * entries, name);
  permuteRows(transposed, order, memory.u32(itemStarts, n + 1), memory.i32(itemUsers, entries));
  const userStarts = memory.allocate(4 * (users + 1), name);
  const userItems = memory.allocate(4 * entries, name);
  exports.transposePattern(n, users, itemStarts, itemUsers, userStarts, userItems);
  const nearest = memory.allocate(4 * n * width, name);
  const gains = memory.allocate(4 * n * width, name);
  const all = putStruct(memory, CoPurchases, {
    n,
    users,
    core,
    userStarts,
    userItems,
    userTails: memory.allocate(4 * users, name),
    itemStarts,
    itemUsers,
    table: memory.allocate(4 * core * core, name),
    lambda,
    ...(prior
      ? putPrior(kernels, prior, lambda, order, ranks, name)
      : { priorStarts: NOWHERE, priorItems: NOWHERE, priorValues: NOWHERE }),
    width,
    nearest,
    gains,
  });
  await runTasks(
    kernels,
    ranges(users, USERS_PER_TASK).map(([first, last]): Task => [['findTails', all, first, last]]),
  );
  const tasks = ranges(core, TABLE_ROWS).map(([first, last]): Task => [['countCore', all, first, last]]);
  const counting = context.part('counts of the core');
  await runTasks(kernels, tasks, (finished) => counting.tick(finished, tasks.length));
  return { transposed, all, order, ranks, nearest, gains };
}

/** Makes the lists of the ranks [begin, end). */
export async function findNearest(
  context: StageContext,
  { transposed, all, order }: Catalogue,
  [begin, end]: readonly [begin: number, end: number],
  slots: number,
): Promise<void> {
  const { kernels, name } = context;
  const { memory } = kernels;
  const n = order.length;
  const mark = memory.mark();
  const scratch = Array.from({ length: slots }, () => ({
    counts: memory.allocateZeroed(4 * n, name),
    touched: memory.allocate(4 * (n + 1), name),
  }));
  const parts = evenRanges(transposed, order.subarray(begin, end), INTERACTIONS_PER_TASK);
  const progress = context.part('nearest items');
  for (const [from, to] of ranges(parts.length, slots)) {
    const tasks = parts
      .slice(from, to)
      .map(
        ([first, last], s): Task => [
          ['findNearest', all, begin + first, begin + last, scratch[s].counts, scratch[s].touched],
        ],
      );
    await runTasks(kernels, tasks, (finished) => progress.tick(from + finished, parts.length));
  }
  memory.release(mark);
}

/** Ranges of `order` whose items have about that number of interactions together. */
function evenRanges({ indptr }: SparsePattern, order: Int32Array, most: number): [first: number, last: number][] {
  const result: [number, number][] = [];
  let first = 0;
  let sum = 0;
  for (const [rank, item] of order.entries()) {
    sum += indptr[item + 1] - indptr[item];
    if (sum < most && rank < order.length - 1) continue;
    result.push([first, rank + 1]);
    first = rank + 1;
    sum = 0;
  }
  return result;
}

/** The items, those with most users first, else in order. */
function byPopularity({ rows, indptr }: SparsePattern): Int32Array {
  const users = (item: number) => indptr[item + 1] - indptr[item];
  let most = 0;
  for (let item = 0; item < rows; item++) most = Math.max(most, users(item));
  const starts = new Int32Array(most + 2);
  for (let item = 0; item < rows; item++) starts[most - users(item) + 1]++;
  for (let degree = 0; degree <= most; degree++) starts[degree + 1] += starts[degree];
  const order = new Int32Array(rows);
  for (let item = 0; item < rows; item++) order[starts[most - users(item)]++] = item;
  return order;
}

/** Writes the rows in this order: starts (rows + 1) and entries. */
function permuteRows(
  { indptr, indices }: SparsePattern,
  order: Int32Array,
  starts: Uint32Array,
  entries: Int32Array,
): void {
  starts[0] = 0;
  for (const [row, from] of order.entries()) {
    entries.set(indices.subarray(indptr[from], indptr[from + 1]), starts[row]);
    starts[row + 1] = starts[row] + indptr[from + 1] - indptr[from];
  }
}

/** λ s B̂ by columns and ranks. */
function putPrior(
  kernels: Kernels,
  { similarity, strength }: Prior,
  lambda: number,
  order: Int32Array,
  ranks: Int32Array,
  name: string,
): Pick<CoPurchases, 'priorStarts' | 'priorItems' | 'priorValues'> {
  const { memory } = kernels;
  const columns = transpose(kernels, similarity);
  const entries = columns.indptr[order.length];
  const priorStarts = memory.allocate(4 * (order.length + 1), name);
  const priorItems = memory.allocate(4 * entries, name);
  const priorValues = memory.allocate(4 * entries, name);
  const starts = memory.u32(priorStarts, order.length + 1);
  const rows = memory.u32(priorItems, entries);
  const values = memory.f32(priorValues, entries);
  let at = 0;
  starts[0] = 0;
  for (const [rank, item] of order.entries()) {
    for (let e = columns.indptr[item]; e < columns.indptr[item + 1]; e++) {
      rows[at] = ranks[columns.indices[e]];
      values[at++] = lambda * strength * columns.values[e];
    }
    starts[rank + 1] = at;
  }
  return { priorStarts, priorItems, priorValues };
}
