import { ArgumentError, checkObject } from '../common/errors.ts';
import { Job } from '../common/job.ts';
import { checkMarkets, type Market, type Markets } from '../data/markets.ts';
import type { Recommender } from '../recommend/recommender.ts';
import { type GroupingName, groupingsOf } from './groups.ts';
import { chooseRows, type RankedRows } from './held-out.ts';
import { evaluateLists, type ListEvaluation } from './lists.ts';
import { type Estimate, estimate, METRICS, type Metric, meanOfEstimates } from './metrics.ts';
import { rankRows } from './rank-rows.ts';
import { Ranker } from './ranker.ts';
import { checkOptions, chooseMarkets, type EvaluateOptions } from './settings.ts';
import { bootstrap } from './statistics.ts';

export type { EvaluateOptions } from './settings.ts';

/** Means over held-out rows, each from 0 to 1. */
export interface Metrics {
  /** Mean of 1 / rank where rank ≤ k, else 0. */
  mrr: number;
  /** Mean of 1 / log2(1 + rank) where rank ≤ k, else 0. */
  ndcg: number;
  /** Share of held-out rows with rank ≤ k. */
  hr: number;
}

/** Every metric at one cut-off. */
export type Cutoff = { k: number } & Record<'mrr' | 'ndcg' | 'hr' | 'recall' | 'map', Estimate>;

/** The rank of one held-out row. */
export interface RowResult {
  user: string;
  item: string;
  /** From 1; the mean over a tied block. */
  rank: number;
  /** Items that were ranked, the held-out one among them. */
  candidates: number;
  /** 1 / rank, 0 beyond the first k. */
  reciprocalRank: number;
}

/** The metrics of some of a market's rows. */
export interface GroupEvaluation {
  /** What the rows are grouped by. */
  by: GroupingName;
  group: string;
  rows: number;
  users: number;
  cutoffs: Cutoff[];
}

/** `mrr`, `ndcg` and `hr` are cut at the first k. */
export interface MarketEvaluation extends Metrics {
  market: string;
  /** Held-out rows ranked. */
  rows: number;
  /** Users whose rows these are. */
  users: number;
  /** Held-out rows that are training rows too: left out unless `repeat`. */
  leakedRows: number;
  /** Left out: held-out rows that the model was trained on, though they are no training rows of the data. */
  trainedRows: number;
  /** Left out: held-out rows that the file has more than once, but for the first. */
  repeatedRows: number;
  /** Ranked rows with an item that the model's market does not know; it ranks below all that it knows. */
  coldItems: number;
  /** Ranked rows of users without training rows; popularity ranks for them. */
  unknownUsers: number;
  /** Items that were ranked, the held-out one among them: fewer than asked for in a small market. */
  candidates: { least: number; mean: number; most: number };
  /** Of `mrr`, clustered by user. */
  mrrStandardError: number;
  /** Each metric at each k, with its standard error. */
  cutoffs: Cutoff[];
  /**
   * The same for parts of the rows: shared and own items, head, tail and cold items, histories by their length. Empty
   * parts are left out.
   */
  groups: GroupEvaluation[];
  /** Per ranked row, in the order of the data. */
  perUser?: RowResult[];
  /** What the model recommends, at each k; only if asked for. */
  lists?: ListEvaluation[];
}

/** What `evaluate` found, with the settings that it was found with. */
export interface Evaluation {
  heldOut: string;
  /** The protocol's name. */
  protocol: string;
  negatives: number | 'all';
  seed: number;
  repeat: boolean;
  /** The first of `ks`. */
  k: number;
  ks: number[];
  /** Markets with held-out rows that the model does not have. */
  unknownMarkets: string[];
  /** Markets of which every held-out row was left out. */
  emptyMarkets: { market: string; leakedRows: number; trainedRows: number }[];
  markets: MarketEvaluation[];
  /** Mean over markets, each counting alike. */
  mean: Metrics;
  /** The same for each metric at each k, with its standard error. */
  cutoffs: Cutoff[];
}

/**
 * Leave one out: ranks each held-out item of each market among sampled other items of the market.
 * The market's items are those of its training rows and of all its held-out files. Ties take the mean rank of the tied
 * block, so a constant model has the mean rank of chance. The draw depends on seed, market name, user id and the user's
 * own items alone.
 *
 * Held-out rows that are training rows, of the data or of the model, say nothing about the model: they are left out and
 * counted. Markets that the model does not have are left out and named in the result. Standard errors are clustered by
 * user.
 *
 * @throws ArgumentError for an option out of range, where the model has none of the markets with held-out rows, or
 * where every
 *   held-out row is left out.
 * @throws AbortedError when stopped through `signal`.
 * @example
 * const { markets: results, mean } = await evaluate(recommender, markets, { k: [10, 20] });
 * results.map(({ market }) => market); // → ['de', 'in', 'jp', 'uk', 'us']
 * mean.mrr > 0.2; // → true
 */
export async function evaluate(
  recommender: Recommender,
  markets: Markets,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  if (typeof checkObject('recommender', recommender).scores !== 'function')
    throw new ArgumentError('recommender', recommender, 'a Recommender');
  checkMarkets(markets);
  const job = new Job(options);
  const settings = checkOptions(options);
  const { heldOut, ks } = settings;
  const { known, unknown } = chooseMarkets(recommender, markets, heldOut, options.markets);
  const { model } = recommender;
  const results: MarketEvaluation[] = [];
  const emptyMarkets: Evaluation['emptyMarkets'] = [];
  for (const market of known) {
    const marketModel = model.markets.find(({ name }) => name === market.name)!;
    const chosen = chooseRows(model, marketModel, market, heldOut, settings.repeat);
    const { rows, leakedRows, trainedRows } = chosen;
    if (rows.length === 0) {
      emptyMarkets.push({ market: market.name, leakedRows, trainedRows });
      continue;
    }
    const ranks =
      options.ranks?.get(market.name) ??
      (await rankRows(
        new Ranker(recommender, model, marketModel, markets, market, settings, chosen),
        chosen,
        [0, rows.length],
        { stage: `evaluate ${market.name}`, id: 'evaluate', market: market.name },
        job,
      ));
    const ranked = rows.map(({ userId: user, itemId: item }, i): RowResult => {
      const [rank, candidates] = ranks.subarray(2 * i, 2 * i + 2);
      return { user, item, rank, candidates, reciprocalRank: rank <= ks[0] ? 1 / rank : 0 };
    });
    const result = summarise(recommender, markets, market, chosen, ranked, settings);
    const lists =
      settings.lists > 0 && (await evaluateLists(recommender, markets, market, ks, settings.lists, options));
    results.push({ ...result, ...(options.perUser && { perUser: ranked }), ...(lists && { lists }) });
  }
  if (results.length === 0) throw noRows(heldOut, emptyMarkets);
  const cutoffs = ks.map((k, i) => ({
    k,
    ...byMetric(({ name }) => meanOfEstimates(results.map((result) => result.cutoffs[i][name as keyof Metrics]))),
  }));
  return {
    heldOut,
    protocol: settings.protocol.name,
    negatives: settings.negatives,
    seed: settings.seed,
    repeat: settings.repeat,
    k: ks[0],
    ks,
    unknownMarkets: unknown,
    emptyMarkets,
    markets: results,
    mean: means(cutoffs[0]),
    cutoffs,
  };
}

function noRows(heldOut: string, empty: Evaluation['emptyMarkets']): ArgumentError {
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const leaked = sum(empty.map(({ leakedRows }) => leakedRows));
  const trained = sum(empty.map(({ trainedRows }) => trainedRows));
  return ArgumentError.because(
    'heldOut',
    `no row of ${JSON.stringify(heldOut)} is left to rank: ${leaked} are training rows, ${trained} the model was trained on; hold rows out, or, for customers who buy again, rank them with repeat`,
  );
}

function summarise(
  recommender: Recommender,
  markets: Markets,
  market: Market,
  { rows, users, userCount, leakedRows, trainedRows, repeatedRows }: RankedRows,
  ranked: readonly RowResult[],
  settings: Cutting,
): MarketEvaluation {
  const cutoffs = cutoffsOf(ranked, users, settings);
  let least = Infinity;
  let most = 0;
  let sum = 0;
  for (const { candidates } of ranked) {
    least = Math.min(least, candidates);
    most = Math.max(most, candidates);
    sum += candidates;
  }
  const groups: GroupEvaluation[] = [];
  for (const { name, groups: names, of } of groupingsOf(markets, market)) {
    const numbers = rows.map(of);
    for (const [number, group] of names.entries()) {
      const among = [...rows.keys()].filter((row) => numbers[row] === number);
      if (among.length === 0) continue;
      const theirs = among.map((row) => users[row]);
      groups.push({
        by: name,
        group,
        rows: among.length,
        users: new Set(theirs).size,
        cutoffs: cutoffsOf(
          among.map((row) => ranked[row]),
          theirs,
          { ...settings, intervals: false },
        ),
      });
    }
  }
  return {
    market: market.name,
    rows: rows.length,
    users: userCount,
    leakedRows,
    trainedRows,
    repeatedRows,
    coldItems: rows.filter(({ itemId }) => !recommender.hasItem(market.name, itemId)).length,
    unknownUsers: rows.filter(({ user }) => user < 0).length,
    candidates: { least, mean: sum / rows.length, most },
    ...means(cutoffs[0]),
    mrrStandardError: cutoffs[0].mrr.standardError,
    cutoffs,
    groups,
  };
}

/** How ranks are summed up. */
interface Cutting {
  ks: readonly number[];
  intervals: boolean;
  seed: number;
}

function cutoffsOf(ranked: readonly RowResult[], users: ArrayLike<number>, { ks, intervals, seed }: Cutting): Cutoff[] {
  return ks.map((k) => ({
    k,
    ...byMetric(({ value, over }) => {
      const values = ranked.map(({ rank }) => value(rank, k));
      const found = estimate(values, users, over);
      return intervals ? { ...found, interval: bootstrap(values, { users, over, seed }) } : found;
    }),
  }));
}

const byMetric = (of: (metric: Metric) => Estimate) =>
  Object.fromEntries(METRICS.map((metric) => [metric.name, of(metric)])) as Omit<Cutoff, 'k'>;

const means = ({ mrr, ndcg, hr }: Omit<Cutoff, 'k'>): Metrics => ({ mrr: mrr.mean, ndcg: ndcg.mean, hr: hr.mean });
