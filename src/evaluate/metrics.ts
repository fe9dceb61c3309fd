import { log2 } from '../common/elementary.ts';

/** What one held-out item is worth at its rank. */
export interface Metric {
  readonly name: string;
  /** The worth at this rank (from 1; half ranks where an even number of items ties) in a list that is cut at k. */
  value(rank: number, k: number): number;
  /** What counts alike in the mean: each held-out row, or each user, with the mean of the user's rows. */
  readonly over: 'rows' | 'users';
}

const reciprocal = (rank: number, k: number) => (rank <= k ? 1 / rank : 0);
const hit = (rank: number, k: number) => (rank <= k ? 1 : 0);

/** Mean reciprocal rank: 1 / rank where rank ≤ k, else 0. */
export const mrr: Metric = { name: 'mrr', over: 'rows', value: reciprocal };

/** Normalised discounted cumulative gain of one relevant item: 1 / log2(1 + rank) where rank ≤ k, else 0. */
export const ndcg: Metric = {
  name: 'ndcg',
  over: 'rows',
  value: (rank, k) => (rank <= k ? 1 / log2(1 + rank) : 0),
};

/** Hit rate: the share of held-out rows with rank ≤ k. */
export const hr: Metric = { name: 'hr', over: 'rows', value: hit };

/** Recall: the share of a user's held-out rows with rank ≤ k, each user counting alike. */
export const recall: Metric = { name: 'recall', over: 'users', value: hit };

/**
 * Mean average precision: the mean reciprocal rank of a user's held-out rows, each user counting alike. Each row is
 * ranked with the user's other held-out items taken out of the list.
 */
export const map: Metric = { name: 'map', over: 'users', value: reciprocal };

/** Every metric that an evaluation reports. */
export const METRICS: readonly Metric[] = [mrr, ndcg, hr, recall, map];

/** A mean and the standard error of it. */
export interface Estimate {
  mean: number;
  standardError: number;
  /** Lower and upper end of the 95 % interval by the bootstrap, where it was asked for. */
  interval?: [number, number];
}

/**
 * The mean of values of held-out rows, and its standard error. Rows of one user are not independent, so the error is
 * clustered by user: with G users, N rows and e_g the sum of user g's deviations from the mean, √(G / (G − 1) · Σ_g
 * e_g²) / N. With one row a user it is the sample deviation over √N. 0 for fewer than two users.
 *
 * @example
 * estimate([1, 0.5, 0], [0, 1, 2]).mean; // → 0.5
 *
 * @param values of each row
 * @param users of each row: the number of its user, from 0
 */
export function estimate(values: readonly number[], users: ArrayLike<number>, over: Metric['over'] = 'rows'): Estimate {
  let most = -1;
  for (let i = 0; i < values.length; i++) most = Math.max(most, users[i]);
  const sums = new Float64Array(most + 1);
  const counts = new Float64Array(most + 1);
  for (let i = 0; i < values.length; i++) {
    sums[users[i]] += values[i];
    counts[users[i]]++;
  }
  const present = [...counts.keys()].filter((user) => counts[user] > 0);
  const byUser = over === 'users';
  const center = byUser ? mean(present.map((user) => sums[user] / counts[user])) : mean(values);
  if (present.length < 2) return { mean: center, standardError: 0 };
  let squares = 0;
  for (const user of present) {
    const deviation = byUser ? sums[user] / counts[user] - center : sums[user] - counts[user] * center;
    squares += deviation * deviation;
  }
  // Written so that with one row a user the bits are those of the plain formula.
  const share = byUser ? 1 : present.length / values.length;
  return { mean: center, standardError: Math.sqrt(squares / (present.length - 1) / present.length) * share };
}

/** The mean of independent estimates, each counting alike. */
export function meanOfEstimates(estimates: readonly Estimate[]): Estimate {
  let squares = 0;
  for (const { standardError } of estimates) squares += standardError * standardError;
  return {
    mean: mean(estimates.map((each) => each.mean)),
    standardError: estimates.length > 0 ? Math.sqrt(squares) / estimates.length : 0,
  };
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length > 0 ? sum / values.length : 0;
}
