// What an evaluation is asked for, checked.
import { ArgumentError, checkChoice, checkInteger, checkTexts } from '../common/errors.ts';
import type { JobOptions } from '../common/job.ts';
import type { Markets } from '../data/markets.ts';
import type { Recommender } from '../recommend/recommender.ts';
import { PROTOCOLS, type Protocol } from './protocols.ts';

export interface EvaluateOptions extends JobOptions {
  /** Which held-out rows to rank, by the name of their file. Default: `valid`. */
  heldOut?: string;
  /**
   * `clean` (the default): none of the user's own items is a candidate, neither training items nor other held-out items
   * of the file. `as-published`: they may be. Or a protocol of your own. The held-out item itself never is.
   */
  protocol?: 'clean' | 'as-published' | Protocol;
  /** How many items each held-out item is ranked against, drawn without replacement. Default: 999. */
  negatives?: number | 'all';
  /** Of the negatives, 0 … 2³² − 1. Default: 0. */
  seed?: number;
  /** Where the metrics are cut, or several such cut-offs. Default: 10. */
  k?: number | readonly number[];
  /**
   * Customers buy again: held-out rows that are training rows are ranked, not left out, and a user's training items are
   * candidates. Default: false.
   */
  repeat?: boolean;
  /** Evaluates these markets only. Default: all that model and data have. */
  markets?: readonly string[];
  /** Adds `perUser` to the results. */
  perUser?: boolean;
  /** Adds to each estimate its interval by the bootstrap, 95 %, drawn by `seed`; users are drawn. Default: false. */
  intervals?: boolean;
  /**
   * Adds `lists` to the results: coverage, popularity and Gini's coefficient of what at most this many users of each
   * market are recommended. Default: 0, none.
   */
  lists?: number;
  /** Of markets, what `rankRange` gave for all their rows. @internal */
  ranks?: ReadonlyMap<string, Float64Array>;
}

/** The settings, every default filled in. @throws ArgumentError */
export function checkOptions(options: EvaluateOptions) {
  const { protocol = 'clean', negatives = 999, k = 10, repeat = false, intervals = false } = options;
  for (const [name, flag] of Object.entries({ repeat, intervals }))
    if (typeof flag !== 'boolean') throw new ArgumentError(name, flag, 'true or false');
  const ks = (Array.isArray(k) ? k : [k]) as readonly number[];
  if (ks.length === 0) throw new ArgumentError('k', k, 'at least one cut-off');
  return {
    heldOut: options.heldOut ?? 'valid',
    protocol: isProtocol(protocol) ? protocol : namedProtocol(protocol),
    negatives: negatives === 'all' ? ('all' as const) : checkInteger('negatives', negatives, 1, 0x7fffffff),
    seed: checkInteger('seed', options.seed ?? 0, 0, 0xffffffff),
    ks: ks.map((each) => checkInteger('k', each, 1, 0x7fffffff)),
    repeat,
    intervals,
    lists: checkInteger('lists', options.lists ?? 0, 0, 0x7fffffff),
  };
}

const isProtocol = (value: unknown): value is Protocol =>
  typeof value === 'object' && value !== null && typeof (value as Protocol).candidates === 'function';

function namedProtocol(name: unknown): Protocol {
  const names = PROTOCOLS.map((protocol) => protocol.name);
  return PROTOCOLS[names.indexOf(checkChoice('protocol', name, names))];
}

/** The markets to evaluate, and the names of those that the model does not have. @throws ArgumentError */
export function chooseMarkets(
  { markets: known }: Pick<Recommender, 'markets'>,
  { markets }: Markets,
  heldOut: string,
  only: unknown,
) {
  const wanted = only === undefined ? undefined : checkTexts('markets', only, 'an array of names');
  const missing = wanted?.find((name) => !markets.some((market) => market.name === name));
  if (missing !== undefined)
    throw new ArgumentError('markets', missing, `markets of the data: ${markets.map(({ name }) => name).join(', ')}`);
  const chosen = markets.filter(
    (market) =>
      (wanted?.includes(market.name) ?? true) &&
      typeof heldOut === 'string' &&
      Object.hasOwn(market.heldOut, heldOut) &&
      market.heldOut[heldOut].length > 0,
  );
  const names = chosen.map(({ name }) => name);
  if (names.length === 0) {
    const files = [...new Set(markets.flatMap((market) => Object.keys(market.heldOut)))];
    throw new ArgumentError(
      'heldOut',
      heldOut,
      files.length > 0 ? `a file of held-out rows: ${files.join(', ')}` : 'data with held-out rows',
    );
  }
  if (!names.some((name) => known.includes(name)))
    throw ArgumentError.because(
      'markets',
      `none is one of the model: the held-out rows are of ${names.join(', ')}, the model has ${known.join(', ')}`,
    );
  return {
    known: chosen.filter(({ name }) => known.includes(name)),
    unknown: names.filter((name) => !known.includes(name)),
  };
}
