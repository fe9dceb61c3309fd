// What a model recommends, whatever was held out: how much of the catalogue, and how popular it is.
import type { JobOptions } from '../common/job.ts';
import { xxHash32 } from '../common/xxhash.ts';
import type { Market, Markets } from '../data/markets.ts';
import type { RecommendQuery } from '../recommend/query.ts';
import type { Recommender } from '../recommend/recommender.ts';

/** The first k recommendations of some users of a market. */
export interface ListEvaluation {
  k: number;
  /** Users with training rows whose lists these are. */
  users: number;
  /** Share of the items that the market sells that are in one of the lists. */
  coverage: number;
  /** Mean, over all places of the lists, of the share of the market's users that have the item. */
  popularity: number;
  /** Of how often each item of the market is in a list: 0 if all are alike often, towards 1 if few have all places. */
  gini: number;
}

/**
 * The lists of at most `most` of the users with training rows, those with the smallest hash of their id. Users whom the
 * model does not know are answered by their items, or left out if the model cannot.
 */
export async function evaluateLists(
  recommender: Recommender,
  { items }: Markets,
  market: Market,
  ks: readonly number[],
  most: number,
  job: JobOptions,
): Promise<ListEvaluation[]> {
  const { indptr, indices } = market.interactions;
  const longest = ks.reduce((a, b) => Math.max(a, b));
  const queries: RecommendQuery[] = [];
  for (const user of someUsers(market, most)) {
    const id = market.users[user];
    if (recommender.hasUser(market.name, id)) queries.push({ market: market.name, user: id, k: longest });
    else if (recommender.scorer.foldsIn) {
      const history = Array.from(indices.subarray(indptr[user], indptr[user + 1]), (at) => items[market.items[at]]);
      queries.push({ market: market.name, items: history, k: longest });
    }
  }
  if (queries.length === 0) return [];
  const onProgress = job.onProgress;
  const answers = await recommender.recommendAll(queries, {
    signal: job.signal,
    ...(onProgress && {
      onProgress: (step) =>
        onProgress({ ...step, stage: `evaluate lists of ${market.name}`, id: 'evaluate.lists', market: market.name }),
    }),
  });
  const buyers = new Map<string, number>();
  for (const at of indices) {
    const id = items[market.items[at]];
    buyers.set(id, (buyers.get(id) ?? 0) + 1);
  }
  return ks.map((k) => {
    const counts = new Map<string, number>();
    let places = 0;
    let popularity = 0;
    for (const { items: list } of answers)
      for (const { item } of list.slice(0, k)) {
        counts.set(item, (counts.get(item) ?? 0) + 1);
        places++;
        popularity += (buyers.get(item) ?? 0) / market.users.length;
      }
    return {
      k,
      users: queries.length,
      coverage: counts.size / market.items.length,
      popularity: places > 0 ? popularity / places : 0,
      gini: giniOf([...counts.values()], market.items.length),
    };
  });
}

/**
 * Gini's coefficient of n counts, of which those that are not given are 0.
 * @example
 * giniOf([5], 10); // → 0.9
 */
export function giniOf(counts: readonly number[], n: number): number {
  const sorted = [...counts].sort((a, b) => a - b);
  let sum = 0;
  let weighted = 0;
  for (const [i, count] of sorted.entries()) {
    sum += count;
    weighted += (2 * (n - sorted.length + i + 1) - n - 1) * count;
  }
  return sum > 0 ? weighted / (n * sum) : 0;
}

function someUsers({ users, interactions: { indptr } }: Market, most: number): number[] {
  const active = [...users.keys()].filter((user) => indptr[user + 1] > indptr[user]);
  if (active.length <= most) return active;
  const encoder = new TextEncoder();
  const hashes = users.map((id) => xxHash32(encoder.encode(id)));
  return active
    .sort((a, b) => hashes[a] - hashes[b] || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}
