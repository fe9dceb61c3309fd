import type { Job } from '../common/job.ts';
import { type Address, NOWHERE, plus } from '../engine/address.ts';
import type { Kernels } from '../engine/instantiate.ts';
import { STREAM } from '../engine/streams.ts';
import { type Call, ranges, runTasks, type Task } from '../engine/tasks.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { AdamRate, BETA1, BETA2, EPSILON } from './optimiser.ts';

/** One market as stage 3 sees it: n items, |U| users. */
export interface AdaptationInput {
  /** X_m (|U| × n). */
  interactions: SparsePattern;
  /** B_m (n × n), rows normalised; the identity where the intra-market similarity is left out. */
  similarity: SparseMatrix;
  /** V_glob,m (n × d), fixed; absent where the inter-market similarity is left out. */
  global?: Float32Array;
}

export interface AdaptationOptions {
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
  learningRate: number;
  /** Interactions of a mini-batch over all markets, in whole users. */
  batch: number;
  epochs: number;
  negatives: number;
  seed: number;
}

/**
 * U_loc's steps beside those of dense Adam at the same rate. At 1 the shared V_loc has to fit each user's own taste and over 100
 * epochs forgets V_glob: with the margin loss MRR on M2 and M3 was 31 / 38 % at 10, 37 / 42 % at 100, 40 / 43 % at 300.
 */
const USER_PACE = 300;
/** Without V_glob, V_loc starts uniform in ±0.5, as V_init does. */
const INITIAL_LOCAL = 0.5;

/** What a market learned. */
export interface Adaptation {
  /** V_m = V_glob,m + V_loc,m (n × d). */
  vectors: Float32Array;
  /** U_loc,m (|U| × d), where users have offsets. */
  userVectors?: Float32Array;
}

/** Users of a task. */
const USERS_PER_TASK = 8;
/** As many for the softmax, whose matrix products read all of V for them. */
const USERS_PER_SOFTMAX_TASK = 16;
/** Items of a task: their vectors and moments go through a second-level cache. */
const ITEMS_PER_TASK = 1024;
/** Bytes of a pull that the margin loss leaves at an item. */
const PULL_BYTES = 12;

/**
 * Stage 3: all markets together, each on its own items, under
 *
 *   U_m = X̂_m V_m + U_loc,m,  X̂_m = Normalize(X_m B_m),  y_ij = cos(u_i, v_j),
 *   margin:   L = Σ_(i,j) ( (1 − y_ij) + (1/K) Σ_k max(0, y_ik − γ) ) + λ‖V_loc,m‖²,
 *   softmax:  L = −Σ_i (1/|x_i|) Σ_{j∈x_i} log softmax(y_i / τ)_j + λ‖V_loc,m‖²  over the market's items.
 *
 * A mini-batch holds about `batch` interactions over all markets, each market's share of them, in whole users, so that a user's
 * row of X̂ is made once for all of the user's interactions; users are shuffled anew each epoch. Dropout hides elements of u.
 * V_loc takes a dense step of Adam at each batch. U_loc takes a step for the users of the batch, longer by √(batches of an epoch),
 * which is what dense Adam comes to where a row has a gradient once an epoch (its second moment is that much smaller), and by
 * USER_PACE.
 *
 * A step has two phases, each of tasks for all markets. By users: u from the parts that ranges of items left, the loss and its
 * gradients, U_loc; beside it the next batch's X̂. By items: the gradient of V, Adam, and the range's part of the next batch's u.
 * Users and items are cut the same way on any number of threads, and parts are added in order.
 *
 * @returns per market V_m and U_loc, and the mean loss of an interaction in the last epoch.
 *
 * Peak memory: four tables of n × d f32 (softmax: seven) and three of |U| × d (with user offsets) per market, B_m and X_m, and of
 * a batch X̂ three times, a part of U for every ITEMS_PER_TASK items, and margin: 12 (1 + K) bytes an interaction for each of
 * these parts, softmax: its users × n scores.
 */
export async function adapt(
  kernels: Kernels,
  markets: AdaptationInput[],
  options: AdaptationOptions,
  job: Job,
): Promise<{ markets: Adaptation[]; loss: number }> {
  const { memory } = kernels;
  const mark = memory.mark();
  try {
    const tables = options.loss === 'softmax' ? 7 : 4;
    let bytes = 0;
    for (const { interactions, similarity } of markets)
      bytes +=
        4 * options.dim * (tables * similarity.rows + (options.userOffsets ? 3 * interactions.rows : 0)) +
        8 * similarity.values.length +
        4 * interactions.indices.length;
    memory.require(bytes, 'the market adaptation');

    let users = 0;
    const states = markets.map((input, index) => {
      const state = new AdaptingMarket(kernels, input, options, index, users);
      users += input.interactions.rows;
      return state;
    });
    const interactions = markets.reduce((sum, market) => sum + market.interactions.indices.length, 0);
    const steps = Math.max(1, Math.round(interactions / options.batch));
    const rates = new AdamRate(options.learningRate);
    const userRates = new AdamRate(options.learningRate * Math.sqrt(steps) * USER_PACE);
    let loss = 0;
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      const epochMark = memory.mark();
      const userRate = userRates.next();
      for (const [index, state] of states.entries()) state.begin(epoch * states.length + index, epoch * users, steps);
      await runTasks(
        kernels,
        states.map((state) => state.makeHistories(0)),
      );
      await runTasks(
        kernels,
        states.flatMap((state) => state.spread(0)),
      );
      let sum = 0;
      let counted = 0;
      for (let step = 0; step < steps; step++) {
        const rate = rates.next();
        const more = step + 1 < steps;
        // the longest task first
        await runTasks(kernels, [
          ...(more ? states.map((state) => state.makeHistories(step + 1)) : []),
          ...states.flatMap((state) => state.usersTasks(step, userRate)),
        ]);
        await runTasks(
          kernels,
          states.flatMap((state) => state.itemsTasks(step, rate, more)),
        );
        for (const state of states) {
          const [stateLoss, stateCounted] = state.takeTotals();
          sum += stateLoss;
          counted += stateCounted;
        }
        loss = counted > 0 ? sum / counted : 0;
        await job.tick('adaptation', epoch * steps + step + 1, options.epochs * steps, loss);
      }
      memory.release(epochMark);
    }
    return { markets: states.map((state) => state.learned()), loss };
  } finally {
    memory.release(mark);
  }
}

/** One batch of X̂ by items, (n × count), and its users. */
interface ItemLists {
  indptr: Address;
  rows: Address;
  values: Address;
}

/** The state of one market in linear memory, and the tasks of its steps. */
class AdaptingMarket {
  private readonly items: number;
  private readonly users: number;
  private readonly interactions: SparsePattern;
  private readonly rowLength: Int32Array;
  private readonly itemRanges: [begin: number, end: number][];
  private readonly usersPerTask: number;
  private readonly x: { indptr: Address; items: Address };
  private readonly b: { indptr: Address; indices: Address; values: Address };
  private readonly vectors: Address;
  private readonly fixed: Address;
  private readonly m: Address;
  private readonly v: Address;
  private readonly own: { vectors: Address; m: Address; v: Address };
  private readonly dense: Address;
  private readonly order: Address;
  private readonly softmax: { unit: Address; norms: Address; unitGradient: Address; gradient: Address } | undefined;
  // of an epoch
  private cuts: Int32Array = new Int32Array(0);
  private batch!: BatchMemory;
  private firstKey = 0;

  constructor(
    private readonly kernels: Kernels,
    { interactions, similarity, global }: AdaptationInput,
    private readonly options: AdaptationOptions,
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
    this.x = { indptr: memory.put(interactions.indptr), items: memory.put(interactions.indices) };
    this.b = {
      indptr: memory.put(similarity.indptr),
      indices: memory.put(similarity.indices),
      values: memory.put(similarity.values),
    };
    const size = this.items * dim;
    this.fixed = global ? memory.put(global) : memory.allocateZeroed(4 * size);
    this.vectors = global ? memory.put(global) : memory.allocate(4 * size);
    if (!global) exports.fillUniform(this.vectors, size, INITIAL_LOCAL, options.seed, STREAM.initialLocal, index);
    this.m = memory.allocateZeroed(4 * size);
    this.v = memory.allocateZeroed(4 * size);
    const offsets = userOffsets ? 4 * dim * this.users : 0;
    this.own = {
      vectors: memory.allocateZeroed(offsets),
      m: memory.allocateZeroed(offsets),
      v: memory.allocateZeroed(offsets),
    };
    this.dense = memory.allocateZeroed(4 * this.items);
    this.order = memory.put(Int32Array.from({ length: this.users }, (_, user) => user));
    if (options.loss === 'softmax') {
      this.softmax = {
        unit: memory.allocate(4 * size),
        norms: memory.allocate(4 * this.items),
        unitGradient: memory.allocate(4 * size),
        gradient: memory.allocateZeroed(4 * size),
      };
      exports.unitRows(this.items, dim, this.vectors, this.softmax.unit, this.softmax.norms);
    }
  }

  /** Shuffles the users with this counter, shares them out to the steps, and makes room for the largest batch. */
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
    const { x, b, batch } = this;
    const { list, count } = this.batchOf(step);
    const to = batch.lists[step % 2];
    return [
      [
        'historyRows',
        count,
        list,
        x.indptr,
        x.items,
        b.indptr,
        b.indices,
        b.values,
        this.dense,
        batch.indptr,
        batch.indices,
        batch.values,
      ],
      ['transposeMatrix', count, this.items, batch.indptr, batch.indices, batch.values, to.indptr, to.rows, to.values],
    ];
  }

  /** The parts of u that the ranges of items have in the step's batch. */
  spread(step: number): Task[] {
    return this.itemRanges.map((_, range) => [this.spreadCall(step, range)]);
  }

  private spreadCall(step: number, range: number): Call {
    const { indptr, rows, values } = this.batch.lists[step % 2];
    const [begin, end] = this.itemRanges[range];
    return [
      'spreadItems',
      begin,
      end,
      indptr,
      rows,
      values,
      this.batchOf(step).count,
      this.options.dim,
      this.vectors,
      plus(this.batch.parts, range * this.batch.partBytes),
    ];
  }

  /** The loss of the step's batch, its gradients but for V's, and the step of U_loc. */
  usersTasks(step: number, rate: number): Task[] {
    const { memory } = this.kernels;
    const { dim, dropout, seed, userOffsets, negatives, gamma, temperature } = this.options;
    const { x, batch, own, softmax, items } = this;
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
      if (softmax) {
        const { ld } = batch;
        const scores = plus(batch.scores, at * ld);
        const workspace = plus(batch.workspaces, index * batch.workspaceBytes);
        const unit = plus(batch.unitU, row);
        const norms = plus(batch.normsU, at);
        const unitGradient = plus(batch.unitGradientU, row);
        const sharpness = 1 / temperature;
        task.push(
          ['unitRows', rows, dim, u, unit, norms],
          ['clear', rows * ld, scores],
          ['gemmNT', rows, items, dim, sharpness, unit, dim, softmax.unit, dim, scores, ld, workspace],
          ['softmax', rows, some, x.indptr, x.items, items, ld, scores, totals],
          ['clear', rows * dim, unitGradient],
          ['gemmNN', rows, dim, items, sharpness, scores, ld, softmax.unit, dim, unitGradient, dim, workspace],
          ['clear', rows * dim, du],
          ['unitRowsBackward', rows, dim, unit, norms, unitGradient, du],
        );
      } else
        task.push([
          'margin',
          rows,
          some,
          key,
          x.indptr,
          x.items,
          items,
          dim,
          u,
          this.vectors,
          negatives,
          gamma,
          seed,
          STREAM.marginNegatives,
          du,
          batch.pulls,
          plus(batch.starts, at),
          plus(batch.pullCounts, at),
          totals,
        ]);
      if (dropout > 0) task.push(['dropout', rows, dim, du, dropout, seed, STREAM.dropout, key]);
      if (userOffsets)
        task.push(['adamRows', rows, some, dim, own.vectors, du, own.m, own.v, rate, BETA1, BETA2, EPSILON]);
      return task;
    });
  }

  /** The step of V, and where there is a next batch the parts of its u. */
  itemsTasks(step: number, rate: number, more: boolean): Task[] {
    const { dim, l2, negatives, temperature } = this.options;
    const { batch, softmax, vectors, fixed, m, v } = this;
    const { indptr, rows, values } = batch.lists[step % 2];
    const { count } = this.batchOf(step);
    return this.itemRanges.map(([begin, end], range) => {
      const task: Call[] = [];
      const size = (end - begin) * dim;
      const row = 4 * dim * begin;
      const pullIndptr = softmax ? NOWHERE : plus(batch.pullLists, range * batch.pullListBytes);
      const pullEntries = plus(pullIndptr, 4 * (ITEMS_PER_TASK + 1));
      if (softmax) {
        const unitGradient = plus(softmax.unitGradient, row);
        task.push(
          ['clear', size, unitGradient],
          [
            'gemmTN',
            end - begin,
            dim,
            count,
            1 / temperature,
            plus(batch.scores, 4 * begin),
            batch.ld,
            batch.unitU,
            dim,
            unitGradient,
            dim,
            plus(batch.workspaces, range * batch.workspaceBytes),
          ],
          [
            'unitRowsBackward',
            end - begin,
            dim,
            plus(softmax.unit, row),
            plus(softmax.norms, 4 * begin),
            unitGradient,
            plus(softmax.gradient, row),
          ],
        );
      } else
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
        indptr,
        rows,
        values,
        batch.du,
        pullIndptr,
        pullEntries,
        batch.u,
        softmax?.gradient ?? NOWHERE,
        dim,
        vectors,
        fixed,
        m,
        v,
        rate,
        BETA1,
        BETA2,
        EPSILON,
        2 * l2,
      ]);
      if (softmax)
        task.push([
          'unitRows',
          end - begin,
          dim,
          plus(vectors, row),
          plus(softmax.unit, row),
          plus(softmax.norms, 4 * begin),
        ]);
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

interface BatchSizes {
  count: number;
  entries: number;
  pulls: number;
  items: number;
  itemRanges: number;
  userTasks: number;
  dim: number;
  softmax: boolean;
}

/** Room for the batches of an epoch: those of step and step + 1 take turns. */
class BatchMemory {
  /** X̂ by users. */
  readonly indptr: Address;
  readonly indices: Address;
  readonly values: Address;
  /** X̂ by items. */
  readonly lists: ItemLists[];
  readonly keys: Address;
  readonly starts: Address;
  readonly u: Address;
  readonly du: Address;
  readonly parts: Address;
  readonly partBytes: number;
  readonly userTasks: number;
  readonly totals: Address;
  /** Of the margin loss. */
  readonly pulls: Address;
  readonly pullCounts: Address;
  readonly pullLists: Address;
  readonly pullListBytes: number;
  /** Of the softmax. */
  readonly ld: number;
  readonly scores: Address = NOWHERE;
  readonly unitU: Address = NOWHERE;
  readonly normsU: Address = NOWHERE;
  readonly unitGradientU: Address = NOWHERE;
  readonly workspaces: Address = NOWHERE;
  readonly workspaceBytes: number = 0;

  constructor(
    { exports, memory }: Kernels,
    { count, entries, pulls, items, itemRanges, userTasks, dim, softmax }: BatchSizes,
  ) {
    const room = (length: number) => memory.allocate(4 * length, 'the market adaptation');
    this.indptr = room(count + 1);
    this.indices = room(entries);
    this.values = room(entries);
    this.lists = [0, 1].map(() => ({ indptr: room(items + 1), rows: room(entries), values: room(entries) }));
    this.keys = room(count);
    this.starts = room(count);
    this.u = room(count * dim);
    this.du = room(count * dim);
    this.partBytes = 4 * count * dim;
    this.parts = room(itemRanges * count * dim);
    this.userTasks = userTasks;
    this.totals = room(4 * userTasks);
    this.pulls = room((pulls * PULL_BYTES) / 4);
    this.pullCounts = room(count);
    this.pullListBytes = 4 * (ITEMS_PER_TASK + 1) + pulls * PULL_BYTES;
    this.pullLists = memory.allocate(softmax ? 0 : itemRanges * this.pullListBytes, 'the market adaptation');
    this.ld = Math.ceil(items / 4) * 4;
    if (!softmax) return;
    this.scores = room(count * this.ld);
    this.unitU = room(count * dim);
    this.normsU = room(count);
    this.unitGradientU = room(count * dim);
    this.workspaceBytes = exports.gemmWorkspaceBytes();
    this.workspaces = memory.allocate(Math.max(userTasks, itemRanges) * this.workspaceBytes, 'the market adaptation');
  }
}

/** Bounds on the entries of each user's row of X B. */
function rowLengths(x: SparsePattern, b: SparseMatrix): Int32Array {
  return Int32Array.from({ length: x.rows }, (_, user) => {
    let sum = 0;
    for (let e = x.indptr[user]; e < x.indptr[user + 1]; e++)
      sum += b.indptr[x.indices[e] + 1] - b.indptr[x.indices[e]];
    return Math.min(sum, b.cols);
  });
}

/** Cuts a list of users into `steps` ranges of about as many interactions each; a range may be empty. (steps + 1) ends. */
function cutUsers(order: Int32Array, indptr: Int32Array, steps: number): Int32Array {
  const cuts = new Int32Array(steps + 1);
  const total = indptr[indptr.length - 1];
  let passed = 0;
  let step = 1;
  for (let k = 0; k < order.length; k++) {
    passed += indptr[order[k] + 1] - indptr[order[k]];
    while (step <= steps && passed * steps >= step * total) cuts[step++] = k + 1;
  }
  return cuts.fill(order.length, step);
}
