// What a model finds of the purchases that were held back, by market, with errors over customers.
import { log2 } from '../../common/elementary.ts';
import type { JobOptions } from '../../common/job.ts';
import type { Markets } from '../../data/markets.ts';
import { evaluate } from '../../evaluate/evaluate.ts';
import type { Recommender } from '../../recommend/recommender.ts';
import type { Comparison, Measured } from './api.ts';

const K = 10;

/** The rank of each held-out row among all items that the customer does not have, by market and customer. */
export type Ranks = Map<string, { user: string; rank: number }[]>;

/** @throws AbortedError when stopped. */
export async function ranksOf(recommender: Recommender, markets: Markets, job: JobOptions): Promise<Ranks> {
  const ranks: Ranks = new Map();
  const known = new Set(recommender.markets);
  const files = new Set(markets.markets.flatMap(({ heldOut }) => Object.keys(heldOut)));
  const some = { ...markets, markets: markets.markets.filter(({ name }) => known.has(name)) };
  for (const heldOut of files) {
    if (!some.markets.some((market) => (market.heldOut[heldOut] ?? []).length > 0)) continue;
    const result = await evaluate(recommender, some, { ...job, heldOut, negatives: 'all', perUser: true });
    for (const { market, perUser } of result.markets) {
      const rows = ranks.get(market) ?? [];
      for (const { user, rank } of perUser ?? []) rows.push({ user, rank });
      ranks.set(market, rows);
    }
  }
  return ranks;
}

const METRICS = {
  mrr: (rank: number) => (rank <= K ? 1 / rank : 0),
  ndcg: (rank: number) => (rank <= K ? 1 / log2(1 + rank) : 0),
  hr: (rank: number) => (rank <= K ? 1 : 0),
};

/** Means over rows; errors over customers, whose rows are not independent. */
export function measuredOf(ranks: Ranks): Measured[] {
  return Array.from(ranks, ([market, rows]) => {
    const each = (metric: (rank: number) => number) => means(rows, ({ rank }) => metric(rank));
    const [mrr, ndcg, hr] = [each(METRICS.mrr), each(METRICS.ndcg), each(METRICS.hr)];
    return {
      market,
      rows: rows.length,
      mrr: mrr.mean,
      ndcg: ndcg.mean,
      hr: hr.mean,
      errors: { mrr: mrr.error, ndcg: ndcg.error, hr: hr.error },
    };
  });
}

/** B − A in points of HR@10 on the rows that both ranked, customer by customer. */
export function comparisonOf(a: Ranks, b: Ranks): Comparison[] {
  return Array.from(a, ([market, rows]): Comparison => {
    const others = b.get(market) ?? [];
    const paired = rows.flatMap(({ user, rank }, i) =>
      others[i]?.user === user ? [{ user, difference: METRICS.hr(others[i].rank) - METRICS.hr(rank) }] : [],
    );
    const { mean, error } = means(paired, ({ difference }) => difference);
    return { market, rows: paired.length, difference: 100 * mean, error: 100 * error };
  });
}

function means<T extends { user: string }>(rows: readonly T[], value: (row: T) => number) {
  const byUser = new Map<string, { sum: number; count: number }>();
  let total = 0;
  for (const row of rows) {
    const own = byUser.get(row.user) ?? { sum: 0, count: 0 };
    own.sum += value(row);
    own.count++;
    total += value(row);
    byUser.set(row.user, own);
  }
  const mean = rows.length === 0 ? 0 : total / rows.length;
  // a customer's rows are one cluster: the error of a ratio of sums
  let squares = 0;
  for (const { sum, count } of byUser.values()) squares += (sum - count * mean) ** 2;
  const n = byUser.size;
  return { mean, error: n < 2 ? 0 : Math.sqrt((squares * n) / (n - 1)) / rows.length };
}
