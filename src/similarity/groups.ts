// EASE by groups: items in groups of 16 to 64, and for each group one exact solve over the few hundred items that matter to it
// (assembly/sparse/groups.ts). It ranks as the exact inverse does, at a small part of its cost, and its memory hardly grows.
// Peak linear memory, with n items, u users, e interactions and a core of c items: 8e + 16n + 8u of X and Xᵀ, 4c² of the core's
// counts, 8 bytes an entry of a prior, and for each group under way 22n + u/8 + 4S² + 8Sg bytes (twice 4Sg more with a prior).
// The result takes 16 bytes an entry at the end.
import { ArgumentError, checkInteger, checkNumber } from '../common/errors.ts';
import { type Address, plus } from '../engine/address.ts';
import type { Kernels } from '../engine/instantiate.ts';
import type { StageContext } from '../engine/stage.ts';
import { ranges, runTasks, type Task } from '../engine/tasks.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import { invertPermutation } from './elimination.ts';
import { joinColumns, type SimilarColumn } from './similar-columns.ts';
import { notPositive } from './sweep.ts';

/** Words of the kernels' Catalogue and Group (assembly/sparse/groups.ts), 4 bytes each. */
const CATALOGUE_WORDS = 13;
const GROUP_WORDS = 15;
/** Where Group says whether its system failed. */
const FAILED = 6;
/** Groups under way for each thread, so that none waits long for the slowest. */
const GROUPS_PER_THREAD = 4;
/** Rows of the core's table, and users, that a task works through. */
const TABLE_ROWS = 16;
const USERS_PER_TASK = 65_536;

export interface GroupEaseOptions {
  lambda: number;
  /** Entries of B̂ below ε are dropped. */
  epsilon: number;
  /** Of each column, the most entries that are kept: the largest. Default: all. */
  nearest?: number;
  /** Items of a group. */
  group?: number;
  /** Other items in the system of a group, and of a group of the core. */
  most?: number;
  coreMost?: number;
  /** Items of the core. */
  core?: number;
  /** The mean that columns shrink to, s · B̂ of other data over the same items: min ‖X − XB‖² + λ‖B − s B̂‖², diag B = 0. */
  prior?: { similarity: SparseMatrix; strength: number };
}

export interface GroupEase {
  /** B̂ (n × n), columns strictly increasing. */
  similarity: SparseMatrix;
  /**
   * (n) C_jj of each item, from the system of its own group. With it C_ij = −B̂_ij C_jj for the entries that are kept (without a
   * prior), which is what exact leave-one-out scores need: h = C x over a user's items.
   */
  diagonal: Float32Array;
  groups: number;
}

/**
 * EASEᴿ (Steck, 2019), B̂_ij = −C_ij / C_jj with C = (G + λI)⁻¹, column by column from small systems: for the columns of a group of
 * items J, C is taken over J and the items with the largest Σ_{j∈J} G_ij² / ((G_ii + λ)(G_jj + λ)). With `most` ≥ n it is exact.
 * Single precision; the same bytes on any number of threads.
 *
 * @param X users × items; @param transposed Xᵀ.
 * @throws ArgumentError for wrong options, or G + λI not positive definite in single precision.
 * @throws MemoryError where it does not fit; AbortedError when the job is stopped.
 * @example
 * const { similarity } = await groupEase(context, X, transpose(context.kernels, X), { lambda: 25, epsilon: 0.01 });
 */
export async function groupEase(
  context: StageContext,
  X: SparsePattern,
  transposed: SparsePattern,
  options: GroupEaseOptions,
): Promise<GroupEase> {
  const { kernels, name } = context;
  const { memory, pool } = kernels;
  const n = X.cols;
  const { lambda, epsilon, nearest = n, group = 16, most = 448, coreMost = 1024, core: wanted = 1024, prior } = options;
  checkNumber('lambda', lambda, 1e-6, 1e9);
  checkNumber('epsilon', epsilon, -1e9, 1e9);
  checkInteger('nearest', nearest, 0, 2 ** 31 - 1);
  checkInteger('group', group, 1, 1024);
  checkInteger('most', most, 0, 32_768);
  checkInteger('coreMost', coreMost, 0, 32_768);
  checkInteger('core', wanted, 0, 32_768);
  if (prior) {
    checkNumber('prior.strength', prior.strength, 0, 1e9);
    if (prior.similarity.rows !== n || prior.similarity.cols !== n)
      throw new ArgumentError('prior', `${prior.similarity.rows} × ${prior.similarity.cols}`, `${n} × ${n}`);
  }
  const core = Math.min(n, wanted);
  const others = Math.max(core > 0 ? coreMost : 0, n > core ? most : 0);
  const shape: Shape = {
    n,
    users: X.rows,
    entries: X.indices.length,
    core,
    size: roundUp(Math.min(n, others + group)),
    group,
    prior: prior ? prior.similarity.indices.length : 0,
    longest: prior ? longestColumn(prior.similarity) : 0,
  };
  const slotCount = pool ? GROUPS_PER_THREAD * pool.threads : 1;
  memory.require(catalogueBytes(shape) + slotCount * slotBytes(shape), `${name} on ${n} items`);
  const groups: Members[] = [
    ...ranges(core, group).map(([from, to]) => ({ from, to, most: coreMost })),
    ...ranges(n - core, group).map(([from, to]) => ({ from: core + from, to: core + to, most })),
  ];
  const order = byPopularity(transposed);
  const ranks = invertPermutation(order);
  const mark = memory.mark();
  try {
    const catalogue = await putCatalogue(context, shape, transposed, order, ranks, lambda, prior);
    const diagonal = memory.allocate(4 * n, name);
    const members = memory.put(
      Uint32Array.from({ length: n }, (_, i) => i),
      name,
    );
    const slots = Array.from({ length: slotCount }, () => allocateSlot(kernels, shape, name));
    const columns: SimilarColumn[] = new Array(n);
    for (const [begin, end] of ranges(groups.length, slotCount)) {
      const batch = groups.slice(begin, end);
      await runTasks(
        kernels,
        batch.map((each, s): Task => {
          const { group: own, words, indices, values, ends } = slots[s];
          memory.u32(own, GROUP_WORDS).set(words);
          memory.u32(own, 3).set([plus(members, 4 * each.from), each.to - each.from, Math.min(each.most, n)]);
          return [
            ['chooseItems', catalogue, own],
            ['solveGroup', catalogue, own],
            ['keepColumns', catalogue, own, epsilon, nearest, indices, values, ends, diagonal],
          ];
        }),
      );
      for (const [s, each] of batch.entries()) readColumns(kernels, slots[s], each, order, columns);
      await context.tick(end, groups.length);
    }
    const byRank = memory.f32(diagonal, n);
    const byItem = Float32Array.from(ranks, (rank) => byRank[rank]);
    memory.release(mark);
    return { similarity: joinColumns(kernels, columns), diagonal: byItem, groups: groups.length };
  } finally {
    memory.release(mark);
  }
}

/** A group: the items of the ranks from … to − 1, and how many others its system may have. */
interface Members {
  from: number;
  to: number;
  most: number;
}

/** What the arrays' sizes depend on. */
interface Shape {
  n: number;
  users: number;
  entries: number;
  core: number;
  /** Rows of the largest system. */
  size: number;
  group: number;
  /** Entries of the prior, and of its longest column; 0 without. */
  prior: number;
  longest: number;
}

const roundUp = (rows: number) => 8 * Math.ceil(rows / 8);

/** The kept columns of a group that was solved, by item. */
function readColumns(
  { memory }: Kernels,
  slot: Slot,
  { from, to }: Members,
  order: Int32Array,
  columns: SimilarColumn[],
): void {
  const failed = memory.u32(slot.group, GROUP_WORDS)[FAILED];
  if (failed > 0) throw notPositive(order[failed - 1]);
  const ends = memory.u32(slot.ends, to - from);
  const kept = ends[to - from - 1];
  const indices = Int32Array.from(memory.u32(slot.indices, kept), (rank) => order[rank]);
  const values = memory.f32(slot.values, kept).slice();
  let start = 0;
  for (const [m, end] of ends.entries()) {
    columns[order[from + m]] = { indices: indices.subarray(start, end), values: values.subarray(start, end) };
    start = end;
  }
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

function longestColumn({ cols, indices }: SparseMatrix): number {
  const counts = new Int32Array(cols);
  for (const column of indices) counts[column]++;
  return counts.reduce((most, count) => Math.max(most, count), 0);
}

function catalogueBytes({ n, users, entries, core, prior }: Shape): number {
  return 4 * CATALOGUE_WORDS + 8 * entries + 20 * (n + 2) + 8 * (users + 1) + 4 * core * core + 24 * prior + 1024;
}

/** X and Xᵀ by rank, the core's counts and the prior: the address of the kernels' Catalogue. */
async function putCatalogue(
  context: StageContext,
  { n, users, entries, core }: Shape,
  { indptr, indices }: SparsePattern,
  order: Int32Array,
  ranks: Int32Array,
  lambda: number,
  prior: GroupEaseOptions['prior'],
): Promise<Address> {
  const { kernels, name } = context;
  const { memory, exports } = kernels;
  const catalogue = memory.allocate(4 * CATALOGUE_WORDS, name);
  const itemStarts = memory.allocate(4 * (n + 1), name);
  const itemUsers = memory.allocate(4 * entries, name);
  const starts = memory.u32(itemStarts, n + 1);
  const buyers = memory.i32(itemUsers, entries);
  starts[0] = 0;
  for (const [rank, item] of order.entries()) {
    const from = indices.subarray(indptr[item], indptr[item + 1]);
    buyers.set(from, starts[rank]);
    starts[rank + 1] = starts[rank] + from.length;
  }
  const userStarts = memory.allocate(4 * (users + 1), name);
  const userItems = memory.allocate(4 * entries, name);
  exports.transposePattern(n, users, itemStarts, itemUsers, userStarts, userItems);
  const userTails = memory.allocate(4 * users, name);
  const table = memory.allocate(4 * core * core, name);
  const mean = prior && putPrior(context, prior, lambda, order, ranks);
  const words = memory.u32(catalogue, CATALOGUE_WORDS);
  words.set([n, users, core, userStarts, userTails, userItems, itemStarts, itemUsers, table]);
  memory.f32(catalogue, CATALOGUE_WORDS)[9] = lambda;
  words.set(mean ? [mean.starts, mean.items, mean.values] : [0, 0, 0], 10);
  await runTasks(
    kernels,
    ranges(users, USERS_PER_TASK).map(([first, last]): Task => [['findTails', catalogue, first, last]]),
  );
  const progress = context.part('counts of the core');
  const tasks = ranges(core, TABLE_ROWS).map(([first, last]): Task => [['countCore', catalogue, first, last]]);
  await runTasks(kernels, tasks, (finished) => progress.tick(finished, tasks.length));
  return catalogue;
}

/** λ s B̂ by columns and ranks. */
function putPrior(
  { kernels, name }: StageContext,
  { similarity, strength }: NonNullable<GroupEaseOptions['prior']>,
  lambda: number,
  order: Int32Array,
  ranks: Int32Array,
): { starts: Address; items: Address; values: Address } {
  const { memory } = kernels;
  const columns = transpose(kernels, similarity);
  const entries = columns.indptr[order.length];
  const starts = memory.allocate(4 * (order.length + 1), name);
  const items = memory.allocate(4 * entries, name);
  const values = memory.allocate(4 * entries, name);
  const ends = memory.u32(starts, order.length + 1);
  const rows = memory.u32(items, entries);
  const shares = memory.f32(values, entries);
  let at = 0;
  ends[0] = 0;
  for (const [rank, item] of order.entries()) {
    for (let e = columns.indptr[item]; e < columns.indptr[item + 1]; e++) {
      rows[at] = ranks[columns.indices[e]];
      shares[at++] = lambda * strength * columns.values[e];
    }
    ends[rank + 1] = at;
  }
  return { starts, items, values };
}

/** Addresses of what a group under way writes. */
interface Slot {
  group: Address;
  /** What its Group says before the group is known. */
  words: Uint32Array;
  indices: Address;
  values: Address;
  ends: Address;
}

function panelBytes({ size, group, prior }: Shape): number {
  return 32 * size * (size / 8 + (prior > 0 ? 2 : 1) * Math.ceil(group / 8));
}

function slotBytes(shape: Shape): number {
  const { n, users, size, group, longest } = shape;
  return panelBytes(shape) + 18 * n + users / 8 + 8 * size + 8 * group * (size + longest + 1) + 20_000;
}

function allocateSlot({ exports, memory }: Kernels, shape: Shape, name: string): Slot {
  const { n, users, size, group, longest } = shape;
  const words = new Uint32Array(GROUP_WORDS);
  words.set(
    [
      memory.allocate(4 * size, name), // chosen
      0, // failed
      memory.allocateZeroed(4 * n, name), // counts
      memory.allocate(4 * (n + 1), name), // touched
      memory.allocate(4 * (n + 1), name), // reached
      memory.allocateZeroed(4 * n, name), // gains
      memory.allocateZeroed(2 * n, name), // places
      memory.allocate(4 * Math.ceil(users / 32), name), // seen
      memory.allocate(panelBytes(shape), name), // panels
      memory.allocate(Math.max(exports.solveScratchBytes(), 4 * (size + 3)), name), // scratch
    ],
    5,
  );
  return {
    group: memory.allocate(4 * GROUP_WORDS, name),
    words,
    indices: memory.allocate(4 * group * (size + longest), name),
    values: memory.allocate(4 * group * (size + longest), name),
    ends: memory.allocate(4 * group, name),
  };
}
