// One market in stage 3 (adapt.ts): its state in linear memory, and the tasks of its steps. Users and items are cut the
// same way on any number of threads, and parts are added in order.
import { type Address, NOWHERE, type Pointer, plus } from '../engine/address.ts';
import { Adam, Csr, ItemTables, MarginLoss } from '../engine/kernel-layout.ts';
import { STREAM } from '../engine/streams.ts';
import { putStruct, writeStruct } from '../engine/struct.ts';
import { ranges } from '../engine/tasks.ts';
import type { Call, Kernels, Task } from '../engine/types.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { BatchMemory, cutUsers, ITEMS_PER_TASK, rowLengths } from './adaptation-batch.ts';
import { BETA1, BETA2, EPSILON } from './optimiser.ts';
import { SoftmaxLoss } from './softmax-loss.ts';

/** Users of a task. */
const USERS_PER_TASK = 8;
/** The same for the softmax, whose matrix products read all of V for them. */
const USERS_PER_SOFTMAX_TASK = 16;
/** Without V_glob, V_loc starts uniform in ±0.5, as V_init does. */
const INITIAL_LOCAL = 0.5;

/** One market as stage 3 sees it: n items, |U| users. */
export interface AdaptationInput {
  /** X_m (|U| × n). */
  interactions: SparsePattern;
  /** B_m (n × n), rows normalised; the identity if the intra-market similarity is left out. */
  similarity: SparseMatrix;
  /** V_glob,m (n × d), fixed; absent if the inter-market similarity is left out. */
  global?: Float32Array;
}

/** How the users and items of a batch learn. */
export interface LossOptions {
  /** d, a multiple of 16. */
  dim: number;
  /** `margin`: the paper's. `softmax`: cross-entropy over the market's items on cos / τ. */
  loss: 'margin' | 'softmax';
  /** τ of the softmax. */
  temperature: number;
  /** Whether users have a vector of their own, U_loc. */
  userOffsets: boolean;
  /** γ: negatives closer than this (cosine) are pushed away. */
  gamma: number;
  /** λ of λ‖V_loc‖². */
  l2: number;
  /** Share of the elements of u that an epoch hides. */
  dropout: number;
  negatives: number;
  seed: number;
}

/** What a market has learned. */
export interface Adaptation {
  /** V_m = V_glob,m + V_loc,m (n × d). */
  vectors: Float32Array;
  /** U_loc,m (|U| × d), if users have offsets. */
  userVectors?: Float32Array;
}

/** Linear memory, in bytes, of a market, and of the parts of u and the scores of a batch of `users` users. */
export function marketAdaptationBytes(
  { interactions, similarity }: AdaptationInput,
  options: LossOptions,
  users: number,
): number {
  const { dim, loss, userOffsets } = options;
  const n = similarity.rows;
  const tables = loss === 'softmax' ? 7 : 4;
  const batch = users * (dim * Math.ceil(n / ITEMS_PER_TASK) + (loss === 'softmax' ? n : 0));
  return (
    4 * dim * (tables * n + (userOffsets ? 3 * interactions.rows : 0)) +
    8 * similarity.values.length +
    4 * interactions.indices.length +
    4 * batch
  );
}

/** The state of one market in linear memory, and the tasks of its steps. */
export class MarketAdaptation {
  private readonly items: number;
  private readonly users: number;
  private readonly interactions: SparsePattern;
  private readonly rowLength: Int32Array;
  private readonly itemRanges: [begin: number, end: number][];
  private readonly usersPerTask: number;
  private readonly x: Csr;
  private readonly matrices: { x: Pointer<Csr>; b: Pointer<Csr> };
  private readonly vectors: Address;
  private readonly tables: Pointer<ItemTables>;
  private readonly margin: Pointer<MarginLoss>;
  private readonly own: { vectors: Address; m: Address; v: Address };
  private readonly dense: Address;
  private readonly order: Address;
  private readonly softmax: SoftmaxLoss | undefined;
  // what an epoch sets
  private cuts: Int32Array = new Int32Array(0);
  private batch!: BatchMemory;
  private firstKey = 0;

  constructor(
    private readonly kernels: Kernels,
    { interactions, similarity, global }: AdaptationInput,
    private readonly options: LossOptions,
    index: number,
    private readonly firstUser: number,
  ) {
    const { exports, memory } = kernels;
    const { dim, userOffsets } = options;
    this.items = similarity.rows;
    this.users = interactions.rows;
    this.interactions = interactions;
    this.rowLength = rowLengths(interactions, similarity);
    this.itemRanges = ranges(this.items, ITEMS_PER_TASK);
    this.usersPerTask = options.loss === 'softmax' ? USERS_PER_SOFTMAX_TASK : USERS_PER_TASK;
    this.x = { indptr: memory.put(interactions.indptr), indices: memory.put(interactions.indices), values: NOWHERE };
    const b = {
      indptr: memory.put(similarity.indptr),
      indices: memory.put(similarity.indices),
      values: memory.put(similarity.values),
    };
    this.matrices = { x: putStruct(memory, Csr, this.x), b: putStruct(memory, Csr, b) };
    const size = this.items * dim;
    const fixed = global ? memory.put(global) : memory.allocateZeroed(4 * size);
    this.vectors = global ? memory.put(global) : memory.allocate(4 * size);
    if (!global) exports.fillUniform(this.vectors, size, INITIAL_LOCAL, options.seed, STREAM.initialLocal, index);
    const m = memory.allocateZeroed(4 * size);
    const v = memory.allocateZeroed(4 * size);
    const offsets = userOffsets ? 4 * dim * this.users : 0;
    this.own = {
      vectors: memory.allocateZeroed(offsets),
      m: memory.allocateZeroed(offsets),
      v: memory.allocateZeroed(offsets),
    };
    this.dense = memory.allocateZeroed(4 * this.items);
    this.order = memory.put(Int32Array.from({ length: this.users }, (_, user) => user));
    if (options.loss === 'softmax')
      this.softmax = new SoftmaxLoss(kernels, this.items, dim, this.vectors, 1 / options.temperature);
    this.tables = putStruct(memory, ItemTables, {
      d: dim,
      vectors: this.vectors,
      fixed,
      m,
      v,
      gradients: this.softmax?.gradient ?? NOWHERE,
      decay: 2 * options.l2,
    });
    this.margin = putStruct(memory, MarginLoss, {
      xIndptr: this.x.indptr,
      xItems: this.x.indices,
      n: this.items,
      d: dim,
      v: this.vectors,
      negatives: options.negatives,
      gamma: options.gamma,
      seed: options.seed,
      stage: STREAM.marginNegatives,
    });
  }

  /**
   * Starts an epoch: shuffles the users with this counter, divides them among the steps, allocates for the largest
   * batch.
   */
  begin(counter: number, firstKey: number, steps: number): void {
    const { exports, memory } = this.kernels;
    const { seed, dim, negatives } = this.options;
    const { indptr } = this.interactions;
    exports.shuffle(this.order, this.users, seed, STREAM.users, counter);
    const order = memory.i32(this.order, this.users);
    this.cuts = cutUsers(order, indptr, steps);
    this.firstKey = firstKey + this.firstUser;
    let count = 0;
    let entries = 0;
    let interactions = 0;
    for (let step = 0; step < steps; step++) {
      const users = order.subarray(this.cuts[step], this.cuts[step + 1]);
      count = Math.max(count, users.length);
      entries = Math.max(
        entries,
        users.reduce((sum, user) => sum + this.rowLength[user], 0),
      );
      interactions = Math.max(
        interactions,
        users.reduce((sum, user) => sum + indptr[user + 1] - indptr[user], 0),
      );
    }
    this.batch = new BatchMemory(this.kernels, {
      count,
      entries,
      pulls: this.softmax ? 0 : interactions * (1 + negatives),
      items: this.items,
      itemRanges: this.itemRanges.length,
      userTasks: Math.ceil(count / this.usersPerTask),
      dim,
      softmax: this.softmax !== undefined,
    });
  }

  /** X̂ of the step's batch, by users and then by items. */
  makeHistories(step: number): Task {
    const { matrices, batch } = this;
    const { list, count } = this.batchOf(step);
    const { indptr, indices, values } = batch.histories.matrix;
    const to = batch.lists[step % 2].matrix;
    return [
      ['historyRows', count, list, matrices.x, matrices.b, this.dense, batch.histories.at],
      ['transposeMatrix', count, this.items, indptr, indices, values, to.indptr, to.indices, to.values],
    ];
  }

  /** What each range of items adds to u of the step's batch. */
  spread(step: number): Task[] {
    return this.itemRanges.map((_, range) => [this.spreadCall(step, range)]);
  }

  private spreadCall(step: number, range: number): Call {
    const [begin, end] = this.itemRanges[range];
    return [
      'spreadItems',
      begin,
      end,
      this.batch.lists[step % 2].at,
      this.batchOf(step).count,
      this.options.dim,
      this.vectors,
      plus(this.batch.parts, range * this.batch.partBytes),
    ];
  }

  /** The loss of the step's batch, its gradients except V's, and the step of U_loc. */
  usersTasks(step: number, rate: number): Task[] {
    const { memory } = this.kernels;
    const { dim, dropout, seed, userOffsets } = this.options;
    const { x, batch, own, softmax } = this;
    const { list, count } = this.batchOf(step);
    const users = memory.i32(list, count);
    const keys = memory.u32(batch.keys, count);
    const starts = memory.i32(batch.starts, count);
    let start = 0;
    for (const [b, user] of users.entries()) {
      keys[b] = this.firstKey + user;
      starts[b] = start;
      start += this.interactions.indptr[user + 1] - this.interactions.indptr[user];
    }
    memory.f64(batch.totals, 2 * batch.userTasks).fill(0);
    writeStruct(memory, Adam, batch.userAdam, { rate, beta1: BETA1, beta2: BETA2, epsilon: EPSILON });
    return ranges(count, this.usersPerTask).map(([begin, end], index) => {
      const rows = end - begin;
      const row = 4 * dim * begin;
      const at = 4 * begin;
      const [u, du, some, key] = [plus(batch.u, row), plus(batch.du, row), plus(list, at), plus(batch.keys, at)];
      const totals = plus(batch.totals, 16 * index);
      const task: Call[] = [
        ['sumParts', rows * dim, this.itemRanges.length, batch.partBytes, plus(batch.parts, row), u],
      ];
      if (userOffsets) task.push(['addRows', rows, some, dim, own.vectors, u]);
      if (dropout > 0) task.push(['dropout', rows, dim, u, dropout, seed, STREAM.dropout, key]);
      if (softmax) task.push(...softmax.userCalls(batch, { begin, end, task: index }, some, x, totals));
      else
        task.push([
          'margin',
          rows,
          some,
          key,
          this.margin,
          u,
          du,
          batch.pulls,
          plus(batch.starts, at),
          plus(batch.pullCounts, at),
          totals,
        ]);
      if (dropout > 0) task.push(['dropout', rows, dim, du, dropout, seed, STREAM.dropout, key]);
      if (userOffsets) task.push(['adamRows', rows, some, dim, own.vectors, du, own.m, own.v, batch.userAdam]);
      return task;
    });
  }

  /** The step of V, and if there is a next batch, the parts of its u. */
  itemsTasks(step: number, rate: number, more: boolean): Task[] {
    const { negatives } = this.options;
    const { batch, softmax } = this;
    const { count } = this.batchOf(step);
    writeStruct(this.kernels.memory, Adam, batch.itemAdam, { rate, beta1: BETA1, beta2: BETA2, epsilon: EPSILON });
    return this.itemRanges.map(([begin, end], range) => {
      const task: Call[] = [];
      const pullIndptr = softmax ? NOWHERE : plus(batch.pullLists, range * batch.pullListBytes);
      const pullEntries = plus(pullIndptr, 4 * (ITEMS_PER_TASK + 1));
      if (softmax) task.push(...softmax.itemCalls(batch, count, { begin, end, task: range }));
      else
        task.push([
          'bucketPulls',
          begin,
          end,
          count,
          batch.pulls,
          batch.starts,
          1 + negatives,
          batch.pullCounts,
          pullIndptr,
          pullEntries,
        ]);
      task.push([
        'adamItems',
        begin,
        end,
        batch.lists[step % 2].at,
        batch.du,
        pullIndptr,
        pullEntries,
        batch.u,
        this.tables,
        batch.itemAdam,
      ]);
      if (softmax) task.push(softmax.stepped(begin, end));
      if (more) task.push(this.spreadCall(step + 1, range));
      return task;
    });
  }

  /** Loss and weight of the step's batch, summed in the order of its users. */
  takeTotals(): [loss: number, counted: number] {
    const totals = this.kernels.memory.f64(this.batch.totals, 2 * this.batch.userTasks);
    let loss = 0;
    let counted = 0;
    for (let i = 0; i < totals.length; i += 2) {
      loss += totals[i];
      counted += totals[i + 1];
    }
    return [loss, counted];
  }

  learned(): Adaptation {
    const { memory } = this.kernels;
    const { dim, userOffsets } = this.options;
    return {
      vectors: memory.f32(this.vectors, this.items * dim).slice(),
      userVectors: userOffsets ? memory.f32(this.own.vectors, this.users * dim).slice() : undefined,
    };
  }

  /** The users of a step's batch. */
  private batchOf(step: number): { list: Address; count: number } {
    return { list: plus(this.order, 4 * this.cuts[step]), count: this.cuts[step + 1] - this.cuts[step] };
  }
}
