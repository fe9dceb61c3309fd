import { ArgumentError, checkArray, checkChoice, checkInteger, checkNumber, checkObject } from '../common/errors.ts';
import type { Evaluation, MarketEvaluation, RowResult } from './evaluate.ts';
import { type Estimate, estimate, METRICS, type Metric, meanOfEstimates } from './metrics.ts';

/** What to compare, and at which rank. */
export interface CompareOptions {
  /** What to compare by: the name of a metric, or a metric of your own. Default: `mrr`. */
  metric?: 'mrr' | 'ndcg' | 'hr' | 'recall' | 'map' | Metric;
  /** Where the metric is cut. Default: the first cut-off of the evaluations. */
  k?: number;
}

/** A mean difference with its error. */
export interface Difference {
  /** Mean of the metric in b minus that in a. */
  difference: number;
  /** Standard error of that mean, paired by row and clustered by user. */
  standardError: number;
  /** difference / standardError; absent where the error is 0. Beyond ±2, chance is an unlikely reason. */
  t?: number;
}

/** How two evaluations differ in one market. */
export interface Comparison extends Difference {
  market: string;
  /** Held-out rows that both ranked, and their users. */
  rows: number;
  users: number;
  /** Held-out rows that only one of the two ranked, left out here. */
  unpaired: number;
}

/**
 * How much better b is than a, market by market, on the held-out rows that both ranked.
 *
 * @throws ArgumentError where one was made without `perUser`, or markets, protocol, negatives, seed, repeat or k
 * differ, or no
 *   row of a market is in both.
 * @example
 * const measure = async (options) =>
 *   evaluate(await loadModel(encodeModel(await train(markets, options))), markets, { perUser: true });
 * const differences = compare(await measure({ model: 'popularity' }), await measure({ model: 'ease' }), { metric: 'ndcg' });
 * differences.every(({ t }) => t > 2); // → true
 */
export function compare(a: Evaluation, b: Evaluation, options: CompareOptions = {}): Comparison[] {
  checkEvaluation('a', a);
  checkEvaluation('b', b);
  const metric = metricOf((checkObject('options', options) as CompareOptions).metric ?? 'mrr');
  const k = checkInteger('k', options.k ?? a.k, 1, 0x7fffffff);
  for (const setting of SETTINGS) {
    if (a[setting] !== b[setting]) throw new ArgumentError(`b.${setting}`, b[setting], `${a[setting]}, as in a`);
  }
  if (a.markets.length !== b.markets.length)
    throw new ArgumentError('b.markets', b.markets, `the ${a.markets.length} markets of a`);
  return a.markets.map((one, m) => {
    const other = b.markets[m];
    if (other.market !== one.market)
      throw new ArgumentError(`b.markets[${m}].market`, other.market, `${one.market}, as in a`);
    return compareMarket(one, other, metric, k);
  });
}

/**
 * The mean difference over markets, each counting alike, with its standard error.
 * @example
 * const { difference, t } = meanDifference([
 *   { difference: 0.02, standardError: 0.01 },
 *   { difference: 0.04, standardError: 0.01 },
 * ]);
 * difference; // → 0.03
 */
export function meanDifference(comparisons: readonly Difference[]): Difference {
  return withT(
    meanOfEstimates(comparisons.map(({ difference, standardError }) => ({ mean: difference, standardError }))),
  );
}

function compareMarket(a: MarketEvaluation, b: MarketEvaluation, metric: Metric, k: number): Comparison {
  if (!a.perUser || !b.perUser)
    throw ArgumentError.because(
      'perUser',
      `market ${a.market} has no results per user in both evaluations; evaluate with perUser: true`,
    );
  const ranks = new Map(b.perUser.map((row) => [keyOf(row), row.rank]));
  const numbers = new Map<string, number>();
  const differences: number[] = [];
  const users: number[] = [];
  for (const row of a.perUser) {
    const rank = ranks.get(keyOf(row));
    if (rank === undefined) continue;
    differences.push(metric.value(rank, k) - metric.value(row.rank, k));
    let user = numbers.get(row.user);
    if (user === undefined) {
      user = numbers.size;
      numbers.set(row.user, user);
    }
    users.push(user);
  }
  if (differences.length === 0)
    throw ArgumentError.because('b', `none of its held-out rows of market ${a.market} is one of a`);
  return {
    market: a.market,
    rows: differences.length,
    users: numbers.size,
    unpaired: a.perUser.length + b.perUser.length - 2 * differences.length,
    ...withT(estimate(differences, users, metric.over)),
  };
}

const keyOf = ({ user, item }: RowResult) => JSON.stringify([user, item]);

const withT = ({ mean, standardError }: Estimate): Difference => ({
  difference: mean,
  standardError,
  ...(standardError > 0 && { t: mean / standardError }),
});

function metricOf(metric: unknown): Metric {
  if (typeof metric === 'object' && metric !== null && typeof (metric as Metric).value === 'function')
    return metric as Metric;
  const names = METRICS.map(({ name }) => name);
  return METRICS[names.indexOf(checkChoice('metric', metric, names))];
}

/** What two evaluations must have in common. */
const SETTINGS = ['heldOut', 'protocol', 'negatives', 'seed', 'repeat', 'k'] as const;

function checkEvaluation(argument: string, evaluation: Evaluation): void {
  checkObject(argument, evaluation);
  for (const setting of SETTINGS)
    if (!['string', 'number', 'boolean'].includes(typeof evaluation[setting]))
      throw new ArgumentError(`${argument}.${setting}`, evaluation[setting], 'text, a number, true or false');
  for (const [m, market] of checkArray(`${argument}.markets`, evaluation.markets).entries()) {
    const where = `${argument}.markets[${m}].perUser`;
    const { market: name, perUser } = checkObject(`${argument}.markets[${m}]`, market);
    if (typeof name !== 'string') throw new ArgumentError(`${argument}.markets[${m}].market`, name, 'a name, as text');
    if (perUser === undefined) continue;
    for (const [i, row] of checkArray(where, perUser).entries())
      checkNumber(`${where}[${i}].rank`, checkObject(`${where}[${i}]`, row).rank, 1, Number.MAX_VALUE);
  }
}
