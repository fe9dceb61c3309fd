// The batches of pairwise factorisation: every interaction once an epoch, shuffled in its market; each batch holds every
// market's share, one market's after the other's.
import { type Address, type Pointer, plus } from '../engine/address.ts';
import { PairLoss } from '../engine/kernel-layout.ts';
import { STREAM } from '../engine/streams.ts';
import { allocateStructs, structAt, writeStruct } from '../engine/struct.ts';
import { ranges } from '../engine/tasks.ts';
import type { Kernels, Task } from '../engine/types.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import type { ScoredBatch } from './pair-tables.ts';

/** Interactions of a task that draws and scores. */
const INTERACTIONS_PER_TASK = 256;

/** A market of the data: its users' rows follow those of the market before. */
export interface PairMarket {
  users: number;
  /** What it sells, ascending: negatives are drawn of these. */
  items: Int32Array;
}

export interface BatchOptions {
  dim: number;
  /** K. */
  negatives: number;
  /** B. */
  batch: number;
  /** Pairs of an interaction and a negative, or cross-entropy of both as samples. */
  loss: 'pairs' | 'cross-entropy';
  seed: number;
}

export class PairBatches {
  /** Steps of an epoch. */
  readonly count: number;
  private readonly kernels: Kernels;
  private readonly interactions: number;
  private readonly markets: {
    first: number;
    count: number;
    order: Address;
    loss: Pointer<PairLoss>;
    fixed: PairLoss;
  }[];
  /** What keys of the epoch's streams are raised by. */
  private epoch = 0;
  private readonly rows: Address;
  private readonly weights: Address;
  /** f64 for each task. */
  private readonly totals: Address;

  /** Released with the caller's mark. @param vectors (users + items) × d × f32 */
  constructor(
    kernels: Kernels,
    X: SparsePattern,
    markets: readonly PairMarket[],
    vectors: Address,
    private readonly options: BatchOptions,
  ) {
    const { memory } = kernels;
    const { dim, negatives, batch, seed } = options;
    this.kernels = kernels;
    this.interactions = X.indices.length;
    this.count = Math.ceil(this.interactions / batch);
    const users = new Int32Array(this.interactions);
    for (let u = 0; u < X.rows; u++) users.fill(u, X.indptr[u], X.indptr[u + 1]);
    const shared = {
      indptr: memory.put(X.indptr),
      items: memory.put(X.indices),
      users: memory.put(users),
      vectors,
      d: dim,
      firstItem: X.rows,
      negatives,
      seed,
      stage: STREAM.pairNegatives,
      epoch: 0,
      share: 0,
      pairs: Number(options.loss === 'pairs'),
    };
    const order = memory.allocate(4 * this.interactions);
    const losses = allocateStructs(memory, PairLoss, markets.length);
    let user = 0;
    this.markets = markets.map(({ users, items }, m) => {
      const first = X.indptr[user];
      user += users;
      return {
        first,
        count: X.indptr[user] - first,
        order: plus(order, 4 * first),
        loss: structAt(PairLoss, losses, m),
        fixed: { ...shared, sold: memory.put(items), n: items.length },
      };
    });
    // shares are rounded down and up, so a batch may have one more of each market
    const most = Math.min(this.interactions, batch + markets.length);
    this.rows = memory.allocate(4 * most * (negatives + 2));
    this.weights = memory.allocate(4 * most * (negatives + 2));
    this.totals = memory.allocate(8 * (Math.ceil(most / INTERACTIONS_PER_TASK) + markets.length));
  }

  /** What the loss of an interaction is a mean over. */
  get counted(): number {
    const { loss, negatives } = this.options;
    return loss === 'pairs' ? negatives : 1 + negatives;
  }

  /** Linear memory, in bytes. */
  static bytes(X: SparsePattern, markets: readonly PairMarket[], { negatives, batch }: BatchOptions): number {
    const entries = X.indices.length;
    const sold = markets.reduce((sum, { items }) => sum + items.length, 0);
    return 12 * entries + 4 * X.rows + 4 * sold + 8 * (Math.min(batch, entries) + markets.length) * (negatives + 2);
  }

  /** Puts the interactions of every market in the order of an epoch. */
  shuffle(epoch: number): void {
    const { exports, memory } = this.kernels;
    for (const [m, { first, count, order }] of this.markets.entries()) {
      for (const [at] of memory.i32(order, count).entries()) memory.i32(order, count)[at] = first + at;
      exports.shuffle(order, count, this.options.seed, STREAM.interactions, epoch * this.markets.length + m);
    }
    this.epoch = (epoch * this.interactions) >>> 0;
  }

  /** The tasks that draw and score a batch. */
  score(b: number): { tasks: Task[]; batch: ScoredBatch } {
    const { memory } = this.kernels;
    const { negatives } = this.options;
    const shares = this.markets.map(({ count }) => [
      Math.floor((b * count) / this.count),
      Math.floor(((b + 1) * count) / this.count),
    ]);
    const size = shares.reduce((sum, [from, to]) => sum + to - from, 0);
    const tasks: Task[] = [];
    let done = 0;
    for (const [m, { order, loss, fixed }] of this.markets.entries()) {
      const [from, to] = shares[m];
      writeStruct(memory, PairLoss, loss, { ...fixed, epoch: this.epoch, share: 1 / (this.counted * size) });
      for (const [begin, end] of ranges(to - from, INTERACTIONS_PER_TASK)) {
        const at = 4 * (done + begin) * (negatives + 2);
        const chosen = plus(order, 4 * (from + begin));
        const total = plus(this.totals, 8 * tasks.length);
        tasks.push([['pairWeights', end - begin, chosen, loss, plus(this.rows, at), plus(this.weights, at), total]]);
      }
      done += to - from;
    }
    memory.f64(this.totals, tasks.length).fill(0);
    return { tasks, batch: { rows: this.rows, weights: this.weights, negatives, size } };
  }

  /** The sum of the losses that these tasks have found. */
  loss(tasks: number): number {
    return this.kernels.memory.f64(this.totals, tasks).reduce((sum, value) => sum + value, 0);
  }
}
