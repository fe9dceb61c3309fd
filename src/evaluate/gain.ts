// What markets give each other: each alone beside all together, with one of them left out, and with fewer users.
import { ArgumentError, checkArray, checkNumber, checkObject, checkTexts } from '../common/errors.ts';
import type { JobOptions } from '../common/job.ts';
import { checkMarkets, type Market, type Markets } from '../data/markets.ts';
import { withFewerUsers } from '../data/scarce.ts';
import { encodeModel } from '../models/file.ts';
import { loadModel } from '../models/load.ts';
import { kindNamed } from '../models/registry.ts';
import type { ThreadOptions } from '../threads/pool.ts';
import { resolveOptions, type TrainOptions } from '../train/options.ts';
import { train } from '../train/train.ts';
import { compare, type Difference } from './compare.ts';
import { type EvaluateOptions, type Evaluation, evaluate, type Metrics } from './evaluate.ts';

/** What `measureGain` takes. */
export interface GainOptions
  extends JobOptions,
    ThreadOptions,
    Pick<EvaluateOptions, 'heldOut' | 'protocol' | 'negatives' | 'seed'> {
  /** Measures what these markets gain. Default: all that have held-out rows. */
  markets?: readonly string[];
  /** How to train. Default: as `train` does. */
  train?: TrainOptions;
  /** Shares of a market's users to train with, each above 0 and below 1. Default: 0.1 and 0.3. */
  shares?: readonly number[];
}

/** A market's model trained alone beside the same trained with the other markets, on the same held-out rows. */
export interface Beside {
  alone: Metrics;
  together: Metrics;
  /** Together minus alone, paired by row, clustered by user. */
  differences: Record<keyof Metrics, Difference>;
}

/** The same with a share of the market's users, the other markets whole; held-out users are folded in by their histories. */
export interface ScarceGain extends Beside {
  share: number;
  /** Of the market, in training. */
  users: number;
}

/** What one market gains from the others. */
export interface MarketGain extends Beside {
  market: string;
  users: number;
  /** Held-out rows ranked. */
  rows: number;
  /** Fewest users first; the last is with all. */
  curve: ScarceGain[];
  /** MRR without one of the other markets minus that with all, by the market left out: below 0 where it helps. */
  without: ({ source: string } & Difference)[];
}

/** What `measureGain` found. */
export interface Gain {
  /** As the trainings recorded them. */
  options: ReturnType<typeof resolveOptions>;
  markets: MarketGain[];
}

/**
 * Measures what markets give each other. Trains once on all of them, for each market once on it alone and once without it, and for each
 * share twice with that share of its users; ranks the held-out rows of each market by all of these. The same data and options give
 * the same figures.
 *
 * @throws ArgumentError for shares out of range, options that are none, data with one market or without held-out rows.
 * @throws AbortedError when the signal stops it.
 * @example
 * const { markets: gains } = await measureGain(markets, { train: { model: 'transfer' }, shares: [0.1] });
 * gains.map(({ market }) => market); // → ['de', 'in', 'jp', 'uk', 'us']
 * gains[0].curve.map(({ share }) => share); // → [0.1, 1]
 */
export async function measureGain(markets: Markets, options: GainOptions = {}): Promise<Gain> {
  const {
    train: given = {},
    shares = [0.1, 0.3],
    markets: names,
    ...rest
  } = checkObject('options', options) as GainOptions;
  checkMarkets(markets);
  const resolved = resolveOptions(given);
  const list = checkShares(shares);
  for (const share of list)
    if (share === 0 || share === 1) throw new ArgumentError('shares', share, 'a share above 0 and below 1');
  if (markets.markets.length < 2)
    throw ArgumentError.because('markets', 'there is one; what markets give each other needs two or more');
  const ranked = rankedMarkets(markets, rest.heldOut, names);

  const run = new Measurement(markets, given, rest);
  const all = await run.evaluate(markets, ranked);
  const results: MarketGain[] = [];
  for (const market of ranked) {
    const whole = only(all, market);
    const curve: ScarceGain[] = [];
    for (const share of [...list, 1]) {
      const few = share === 1 ? markets : withFewerUsers(markets, market.name, share, rest.seed ?? 0);
      const [own] = few.markets.filter(({ name }) => name === market.name);
      const alone = await run.evaluate({ items: few.items, markets: [own] }, [market]);
      const together = share === 1 ? whole : await run.evaluate(few, [market]);
      curve.push({ share, users: own.users.length, ...beside(alone, together) });
    }
    const { share: _, users, ...full } = curve[curve.length - 1];
    results.push({ market: market.name, users, rows: whole.markets[0].rows, ...full, curve, without: [] });
  }
  for (const source of markets.markets) {
    const left = { items: markets.items, markets: markets.markets.filter((market) => market !== source) };
    const others = ranked.filter((market) => market !== source);
    if (others.length === 0) continue;
    const without = await run.evaluate(left, others);
    for (const market of others) {
      const [{ difference, standardError, t }] = compare(only(all, market), only(without, market));
      const found = results.find((result) => result.market === market.name)!;
      found.without.push({ source: source.name, difference, standardError, ...(t !== undefined && { t }) });
    }
  }
  return { options: resolved, markets: results };
}

/** What `evaluateScarce` takes. */
export interface ScarceOptions extends Omit<GainOptions, 'shares'>, Pick<EvaluateOptions, 'k' | 'repeat'> {
  /** Shares of a market's users to train with: 1 is all of them, 0 a new market that only has its list of items. */
  shares: readonly number[];
}

/** A market's held-out rows, ranked by a model that was trained with a share of its users. */
export interface ScarceEvaluation {
  market: string;
  share: number;
  /** Of the market, in training. */
  users: number;
  /** Of this market alone. */
  evaluation: Evaluation;
}

/**
 * The standard way to show what markets give each other: for each market and share, trains with that share of the market's users and all of
 * the other markets, and ranks the same held-out rows of the market, folding in the users' histories. Works for every kind of model that can
 * fold in. The same data and options give the same figures.
 *
 * @returns market by market, the smallest share first; each evaluation has `perUser`
 * @throws ArgumentError for shares out of range, a kind that cannot fold in, data without held-out rows.
 * @throws AbortedError when the signal stops it.
 * @example
 * const found = await evaluateScarce(markets, { train: { model: 'transfer' }, shares: [0.1, 1] });
 * found.map(({ market, share }) => `${market} ${share}`).slice(0, 2); // → ['de 0.1', 'de 1']
 */
export async function evaluateScarce(markets: Markets, options: ScarceOptions): Promise<ScarceEvaluation[]> {
  const { train: given = {}, shares, ...rest } = checkObject('options', options) as object as ScarceOptions;
  checkMarkets(markets);
  const { model } = resolveOptions(given);
  if (!kindNamed('model', model).foldsIn)
    throw ArgumentError.because('model', `${model} cannot fold in users, which scarce evaluation needs`);
  const list = checkShares(shares);
  const ranked = rankedMarkets(markets, rest.heldOut);
  const run = new Measurement(markets, given, rest);
  const whole = list.includes(1) ? await run.evaluate(markets, ranked) : undefined;
  const results: ScarceEvaluation[] = [];
  for (const market of ranked)
    for (const share of list) {
      const few = share === 1 ? markets : withFewerUsers(markets, market.name, share, rest.seed ?? 0);
      const users = few.markets.find(({ name }) => name === market.name)!.users.length;
      const evaluation = share === 1 ? only(whole!, market) : await run.evaluate(few, [market]);
      results.push({ market: market.name, share, users, evaluation });
    }
  return results;
}

/** Ascending. */
function checkShares(shares: readonly number[]): number[] {
  const list = [...(checkArray('shares', shares) as number[])].sort((a, b) => a - b);
  for (const share of list) checkNumber('shares', share, 0, 1);
  return list;
}

/** The markets that have held-out rows, of those that are named if there are names. */
function rankedMarkets({ markets }: Markets, heldOut = 'valid', names?: readonly string[]): Market[] {
  if (names !== undefined)
    for (const name of checkTexts('markets', names))
      if (!markets.some((market) => market.name === name))
        throw new ArgumentError('markets', name, `one of ${markets.map((market) => market.name).join(', ')}`);
  const named = names === undefined ? markets : markets.filter(({ name }) => names.includes(name));
  const ranked = named.filter((market) => (market.heldOut[heldOut] ?? []).length > 0);
  if (ranked.length === 0) throw ArgumentError.because('markets', `none has held-out rows named ${heldOut}`);
  return ranked;
}

/** Trains and ranks, again and again. */
class Measurement {
  constructor(
    private readonly whole: Markets,
    private readonly given: TrainOptions,
    private readonly options: Omit<ScarceOptions, 'train' | 'shares'>,
  ) {}

  /** The held-out rows of some markets, ranked by a model of this data. */
  async evaluate(data: Markets, ranked: readonly Market[]): Promise<Evaluation> {
    const { kernels, threads, workers, onThreads, onProgress, signal, ...protocol } = this.options;
    const job = { onProgress, signal };
    const model = await train(data, { ...this.given, ...job, kernels, threads, workers, onThreads });
    const recommender = await loadModel(encodeModel(model), { kernels });
    try {
      const names = ranked.map(({ name }) => name);
      return await evaluate(recommender, this.whole, { ...protocol, ...job, markets: names, perUser: true });
    } finally {
      recommender.close();
    }
  }
}

/** One market of an evaluation. */
function only(evaluation: Evaluation, market: Market): Evaluation {
  return { ...evaluation, markets: evaluation.markets.filter((each) => each.market === market.name) };
}

function beside(alone: Evaluation, together: Evaluation): Beside {
  const metricsOf = ({ markets: [{ mrr, ndcg, hr }] }: Evaluation) => ({ mrr, ndcg, hr });
  const difference = (metric: keyof Metrics) => {
    const [{ difference: mean, standardError, t }] = compare(alone, together, { metric });
    return { difference: mean, standardError, ...(t !== undefined && { t }) };
  };
  return {
    alone: metricsOf(alone),
    together: metricsOf(together),
    differences: { mrr: difference('mrr'), ndcg: difference('ndcg'), hr: difference('hr') },
  };
}
