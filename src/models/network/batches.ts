// The samples of an epoch: every interaction once, in an order of its own, with negatives drawn anew. A batch has the
// same share of every market, market by market.
import type { Market, Markets } from '../../data/markets.ts';
import { type Address, type Pointer, plus } from '../../engine/address.ts';
import { Sampling } from '../../engine/kernel-layout.ts';
import { STREAM } from '../../engine/streams.ts';
import { putStruct } from '../../engine/struct.ts';
import type { Call, Kernels } from '../../engine/types.ts';

/** Some interactions of a market, the next of its order. */
export interface Share {
  market: number;
  count: number;
  /** The number of the first interaction in the batch, and in the epoch. */
  inBatch: number;
  inEpoch: number;
}

interface SampledMarket {
  /** Interactions that take part: those of users who lack an item. */
  count: number;
  /** Where its interactions start in an epoch. */
  start: number;
  order: Address;
  numbers: Int32Array;
  sampling: Pointer<Sampling>;
}

/** The interactions of all markets in linear memory, which is released with the caller's mark. */
export class Batches {
  /** Steps of an epoch. */
  readonly steps: number;
  /** Interactions of an epoch. */
  readonly interactions: number;
  /** The most interactions of a batch. */
  readonly most: number;
  private readonly markets: SampledMarket[];

  /** @param batch interactions of a batch, all markets together */
  constructor(
    private readonly kernels: Kernels,
    data: Pick<Markets, 'markets'>,
    batch: number,
    negatives: number,
    private readonly seed: number,
  ) {
    let start = 0;
    let firstUser = 0;
    this.markets = data.markets.map((market) => {
      const sampled = this.put(market, start, firstUser, negatives);
      start += sampled.count;
      firstUser += market.users.length;
      return sampled;
    });
    this.interactions = start;
    this.steps = Math.ceil(start / batch);
    this.most = 0;
    for (let step = 0; step < this.steps; step++)
      this.most = Math.max(
        this.most,
        this.shares(0, step).reduce((sum, { count }) => sum + count, 0),
      );
  }

  private put(market: Market, start: number, firstUser: number, negatives: number): SampledMarket {
    const { memory } = this.kernels;
    const { rows, cols, indptr, indices } = market.interactions;
    const owners = new Int32Array(indices.length);
    const numbers: number[] = [];
    for (let user = 0; user < rows; user++) {
      const [from, to] = [indptr[user], indptr[user + 1]];
      owners.fill(user, from, to);
      if (to - from < cols) for (let e = from; e < to; e++) numbers.push(e);
    }
    const sampling = putStruct(memory, Sampling, {
      indptr: memory.put(indptr),
      indices: memory.put(indices),
      owners: memory.put(owners),
      items: memory.put(market.items),
      firstUser,
      n: cols,
      negatives,
      seed: this.seed,
      stage: STREAM.networkNegatives,
    });
    const order = memory.allocate(4 * numbers.length);
    return { count: numbers.length, start, order, numbers: Int32Array.from(numbers), sampling };
  }

  /** Orders the interactions of an epoch. */
  begin(epoch: number): void {
    for (const m of this.markets.keys()) this.order(m, epoch * this.markets.length + m);
  }

  /** What each market gives to a batch, markets without a share left out. */
  shares(epoch: number, step: number): Share[] {
    const shares: Share[] = [];
    let inBatch = 0;
    for (const [market, { count, start }] of this.markets.entries()) {
      const from = Math.floor((step * count) / this.steps);
      const own = Math.floor(((step + 1) * count) / this.steps) - from;
      if (own === 0) continue;
      shares.push({ market, count: own, inBatch, inEpoch: epoch * this.interactions + start + from });
      inBatch += own;
    }
    return shares;
  }

  /** Interactions of a market that take part. */
  countOf(market: number): number {
    return this.markets[market].count;
  }

  /** Orders the interactions of one market. @param number of the order */
  order(market: number, number: number): void {
    const { exports, memory } = this.kernels;
    const { count, order, numbers } = this.markets[market];
    memory.i32(order, count).set(numbers);
    exports.shuffle(order, count, this.seed, STREAM.networkOrder, number >>> 0);
  }

  /** Draws the samples of some interactions of a market, those from one on in its order. @param first their streams */
  drawFrom(market: number, from: number, count: number, first: number, users: Address, items: Address): Call {
    const { order, sampling } = this.markets[market];
    return ['drawSamples', count, plus(order, 4 * from), first >>> 0, sampling, users, items];
  }

  /** Draws the samples of a batch. @param users, items of (interactions · each) i32 */
  draw(epoch: number, shares: readonly Share[], each: number, users: Address, items: Address): Call[] {
    return shares.map(({ market, count, inBatch, inEpoch }) => {
      const from = inEpoch - epoch * this.interactions - this.markets[market].start;
      const at = 4 * each * inBatch;
      return this.drawFrom(market, from, count, inEpoch, plus(users, at), plus(items, at));
    });
  }
}
