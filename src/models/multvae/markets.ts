// Markets as MultVAE keeps them in linear memory.
import type { Markets } from '../../data/markets.ts';
import { type Address, NOWHERE, type Pointer, plus } from '../../engine/address.ts';
import { Csr } from '../../engine/kernel-layout.ts';
import type { LinearMemory } from '../../engine/memory.ts';
import { putStruct } from '../../engine/struct.ts';
import { ranges } from '../../engine/tasks.ts';
import type { Kernels } from '../../engine/types.ts';

/** Users of a part. */
export const PART = 64;

/** A market: its users in the order of an epoch, and its rows of W_4. */
export interface VaeMarket {
  users: number;
  /** Where its users start in an epoch. */
  start: number;
  n: number;
  /** Length of a row of scores. */
  ld: number;
  order: Address;
  x: Pointer<Csr>;
  rows: Address;
  decoder: Address;
  gradient: Address;
}

/** @param width columns of W_4 @param gradients of the rows of W_4, those of the markets one after the other */
export function putMarkets(
  { memory }: Kernels,
  data: Pick<Markets, 'markets'>,
  width: number,
  gradients: Address,
): VaeMarket[] {
  let start = 0;
  let row = 0;
  return data.markets.map(({ items, interactions: { rows: users, indptr, indices } }) => {
    const n = items.length;
    const bytes = 4 * width * n;
    const market: VaeMarket = {
      users: indptr[users] > 0 ? users : 0,
      start,
      n,
      ld: 4 * Math.ceil(n / 4),
      order: memory.allocate(4 * users),
      x: putStruct(memory, Csr, { indptr: memory.put(indptr), indices: memory.put(indices), values: NOWHERE }),
      rows: memory.put(items),
      decoder: memory.allocate(bytes, 'W_4 of a market'),
      gradient: plus(gradients, 4 * width * row),
    };
    start += market.users;
    row += n;
    return market;
  });
}

/** The rows of all markets' W_4, one after the other, that each item has. */
export function rowsOfItems(memory: LinearMemory, data: Pick<Markets, 'markets'>, items: number, stacked: number): Csr {
  const places: number[][] = Array.from({ length: items }, () => []);
  let row = 0;
  for (const { items: own } of data.markets) for (const item of own) places[item].push(row++);
  const indptr = new Int32Array(items + 1);
  for (const [item, own] of places.entries()) indptr[item + 1] = indptr[item] + own.length;
  const samples = Int32Array.from({ length: stacked });
  samples.set(places.flat());
  return { indptr: memory.put(indptr), indices: memory.put(samples), values: NOWHERE };
}

/** Some users of a market in a batch. */
export interface Share {
  market: VaeMarket;
  count: number;
  from: number;
  inBatch: number;
  scores: Address;
}

/** What each market gives to a batch. @param first where the scores of the batch go */
export function sharesOf(markets: readonly VaeMarket[], steps: number, step: number, first: Address): Share[] {
  let inBatch = 0;
  let scores = first;
  return markets.flatMap((market): Share[] => {
    const from = Math.floor((step * market.users) / steps);
    const count = Math.floor(((step + 1) * market.users) / steps) - from;
    if (count === 0) return [];
    const share = { market, count, from, inBatch, scores };
    inBatch += count;
    scores = plus(scores, 4 * count * market.ld);
    return [share];
  });
}

/** Shares cut into parts, by their size alone. */
export function partsOf(shares: readonly Share[]): Share[] {
  return shares.flatMap((share) =>
    ranges(share.count, PART).map(([from, to]) => ({
      ...share,
      count: to - from,
      from: share.from + from,
      inBatch: share.inBatch + from,
      scores: plus(share.scores, 4 * share.market.ld * from),
    })),
  );
}

/** The most users and scores of a batch, and the longest history. */
export function largestBatch(
  { markets }: Pick<Markets, 'markets'>,
  all: readonly VaeMarket[],
  steps: number,
): { most: number; longest: number; scores: number } {
  let most = 0;
  let scores = 0;
  for (let step = 0; step < steps; step++) {
    const shares = sharesOf(all, steps, step, NOWHERE);
    most = Math.max(
      most,
      shares.reduce((sum, { count }) => sum + count, 0),
    );
    scores = Math.max(
      scores,
      shares.reduce((sum, { count, market }) => sum + count * market.ld, 0),
    );
  }
  let longest = 0;
  for (const { interactions } of markets)
    for (let u = 0; u < interactions.rows; u++)
      longest = Math.max(longest, interactions.indptr[u + 1] - interactions.indptr[u]);
  return { most, longest, scores };
}
