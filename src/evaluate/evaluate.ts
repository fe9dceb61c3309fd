import { log2 } from '../common/elementary.ts';
import { ArgumentError, checkArray, checkChoice, checkInteger, checkNumber, checkObject } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { xxHash32 } from '../common/xxhash.ts';
import { checkMarkets, type HeldOut, type Market, type Markets } from '../data/markets.ts';
import type { Kernels } from '../engine/instantiate.ts';
import type { Recommender } from '../recommend/recommender.ts';

export interface EvaluateOptions extends JobOptions {
  /** Which held-out rows to rank, by the name of their file; `valid` unless told. */
  heldOut?: string;
  /**
   * `clean` (the default): a user's training items are never drawn as negatives. `as-published`: they may be.
   * The held-out item itself never is.
   */
  protocol?: 'clean' | 'as-published';
  /** How many items each held-out item is ranked against, drawn without replacement; 999 unless told. */
  negatives?: number | 'all';
  /** Of the negatives, 0 … 2³² − 1; 0 unless told. */
  seed?: number;
  /** Where the metrics are cut; 10 unless told. */
  k?: number;
  /** Adds `perUser` to the results. */
  perUser?: boolean;
}

export interface Metrics {
  /** Mean of 1 / rank where rank ≤ k, else 0. */
  mrr: number;
  /** Mean of 1 / log2(1 + rank) where rank ≤ k, else 0. */
  ndcg: number;
  /** Share of held-out rows with rank ≤ k. */
  hr: number;
}

export interface MarketEvaluation extends Metrics {
  market: string;
  /** Held-out rows ranked, one for each user. */
  users: number;
  /** Held-out items that the model's market does not know; they rank below all that it knows. */
  coldItems: number;
  /** Held-out users without training rows; popularity ranks for them. */
  unknownUsers: number;
  /** Standard deviation of the reciprocal ranks over √users. */
  mrrStandardError: number;
  /** Per held-out row, in the order of the data: rank (mean over a tied block) and reciprocal rank (0 beyond k). */
  perUser?: { user: string; rank: number; reciprocalRank: number }[];
}

export interface Evaluation {
  heldOut: string;
  protocol: 'clean' | 'as-published';
  negatives: number | 'all';
  seed: number;
  k: number;
  /** Markets with held-out rows that the model does not have. */
  unknownMarkets: string[];
  markets: MarketEvaluation[];
  /** Mean over markets, each counting alike. */
  mean: Metrics;
}

/**
 * Leave one out: ranks each held-out item of each market among sampled other items of the market.
 * The market's items are those of its training rows and of all its held-out files. Ties take the mean rank of the tied
 * block, so a constant model has the mean rank of chance. The draw depends on seed, market name and user id alone.
 *
 * Markets that the model does not have are left out and named in the result.
 *
 * @throws ArgumentError for an option out of range, or where the model has none of the markets with held-out rows.
 * @throws AbortedError when stopped through `signal`.
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
  const heldOut = options.heldOut ?? 'valid';
  const protocol = checkChoice('protocol', options.protocol ?? 'clean', ['clean', 'as-published']);
  const negatives =
    options.negatives === 'all' ? 'all' : checkInteger('negatives', options.negatives ?? 999, 1, 0x7fffffff);
  const seed = checkInteger('seed', options.seed ?? 0, 0, 0xffffffff);
  const k = checkInteger('k', options.k ?? 10, 1, 0x7fffffff);
  const chosen = markets.markets.filter(
    (market) =>
      typeof heldOut === 'string' && Object.hasOwn(market.heldOut, heldOut) && market.heldOut[heldOut].length > 0,
  );
  if (chosen.length === 0) {
    const names = [...new Set(markets.markets.flatMap((market) => Object.keys(market.heldOut)))];
    throw new ArgumentError(
      'heldOut',
      heldOut,
      names.length > 0 ? `a file of held-out rows: ${names.join(', ')}` : 'data with held-out rows',
    );
  }
  const known = chosen.filter(({ name }) => recommender.markets.includes(name));
  if (known.length === 0)
    throw ArgumentError.because(
      'markets',
      `none is one of the model: the held-out rows are of ${chosen.map(({ name }) => name).join(', ')}, the model has ${recommender.markets.join(', ')}`,
    );
  const results: MarketEvaluation[] = [];
  for (const market of known) {
    const ranker = new Ranker(recommender, markets, market, protocol, negatives, seed);
    const rows = market.heldOut[heldOut];
    const ranks = new Float64Array(rows.length);
    const step = { stage: `evaluate ${market.name}`, id: 'evaluate', market: market.name };
    for (const [i, row] of rows.entries()) {
      ranks[i] = ranker.rank(row);
      if (i % 16 === 15) await job.tick(step, i + 1, rows.length);
    }
    await job.tick(step, rows.length, rows.length);
    const reciprocals = Array.from(ranks, (rank) => (rank <= k ? 1 / rank : 0));
    const mrr = mean(reciprocals);
    results.push({
      market: market.name,
      users: rows.length,
      coldItems: rows.filter(({ itemId }) => !recommender.hasItem(market.name, itemId)).length,
      unknownUsers: rows.filter(({ user }) => user < 0).length,
      mrr,
      ndcg: mean(Array.from(ranks, (rank) => (rank <= k ? 1 / log2(1 + rank) : 0))),
      hr: mean(Array.from(ranks, (rank) => (rank <= k ? 1 : 0))),
      mrrStandardError: standardError(reciprocals),
      ...(options.perUser && {
        perUser: rows.map(({ userId }, i) => ({ user: userId, rank: ranks[i], reciprocalRank: reciprocals[i] })),
      }),
    });
  }
  const over = (metric: keyof Metrics) => mean(results.map((result) => result[metric]));
  const unknownMarkets = chosen.filter((market) => !known.includes(market)).map(({ name }) => name);
  return {
    heldOut,
    protocol,
    negatives,
    seed,
    k,
    unknownMarkets,
    markets: results,
    mean: { mrr: over('mrr'), ndcg: over('ndcg'), hr: over('hr') },
  };
}

export interface Comparison {
  market: string;
  users: number;
  /** Mean over users of the reciprocal rank in b minus that in a. */
  difference: number;
  /** Standard error of that mean, paired by user. */
  standardError: number;
}

/**
 * How much better b is than a in MRR, market by market, on the same held-out rows.
 *
 * @throws ArgumentError where one was made without `perUser`, or markets, users, protocol, negatives, seed or k differ.
 */
export function compare(a: Evaluation, b: Evaluation): Comparison[] {
  checkEvaluation('a', a);
  checkEvaluation('b', b);
  for (const setting of SETTINGS) {
    if (a[setting] !== b[setting]) throw new ArgumentError(`b.${setting}`, b[setting], `${a[setting]}, as in a`);
  }
  if (a.markets.length !== b.markets.length)
    throw new ArgumentError('b.markets', b.markets, `the ${a.markets.length} markets of a`);
  return a.markets.map((one, m) => {
    const other = b.markets[m];
    if (other.market !== one.market)
      throw new ArgumentError(`b.markets[${m}].market`, other.market, `${one.market}, as in a`);
    if (!one.perUser || !other.perUser)
      throw new ArgumentError('perUser', undefined, `results per user of market ${one.market} in both evaluations`);
    if (one.perUser.length !== other.perUser.length)
      throw new ArgumentError(
        `users of market ${one.market} in b`,
        other.perUser,
        `the ${one.perUser.length} users of a`,
      );
    const differences = one.perUser.map(({ user, reciprocalRank }, i) => {
      const match = other.perUser![i];
      if (match.user !== user)
        throw new ArgumentError(`user ${i} of market ${one.market} in b`, match.user, `${user}, as in a`);
      return match.reciprocalRank - reciprocalRank;
    });
    return {
      market: one.market,
      users: differences.length,
      difference: mean(differences),
      standardError: standardError(differences),
    };
  });
}

/** What two evaluations must have in common. */
const SETTINGS = ['heldOut', 'protocol', 'negatives', 'seed', 'k'] as const;

function checkEvaluation(argument: string, evaluation: Evaluation): void {
  checkObject(argument, evaluation);
  for (const setting of SETTINGS)
    if (!['string', 'number'].includes(typeof evaluation[setting]))
      throw new ArgumentError(`${argument}.${setting}`, evaluation[setting], 'text or a number');
  for (const [m, market] of checkArray(`${argument}.markets`, evaluation.markets).entries()) {
    const where = `${argument}.markets[${m}].perUser`;
    const { market: name, perUser } = checkObject(`${argument}.markets[${m}]`, market);
    if (typeof name !== 'string') throw new ArgumentError(`${argument}.markets[${m}].market`, name, 'a name, as text');
    if (perUser === undefined) continue;
    for (const [i, row] of checkArray(where, perUser).entries())
      checkNumber(`${where}[${i}].reciprocalRank`, checkObject(`${where}[${i}]`, row).reciprocalRank, 0, 1);
  }
}

/** Ranks held-out items of one market. Its pool is the market's items, sorted by id, so draws do not depend on the model. */
class Ranker {
  private readonly pool: string[];
  private readonly poolIndex: Map<string, number>;
  /** Per item of the pool: its position in the model's market, or −1. */
  private readonly positions: Int32Array;
  /** Per item position of the data's market: its place in the pool. */
  private readonly places: Int32Array;
  private readonly modelPositions: Map<string, number>;
  private readonly userIndex: Map<string, number>;
  private readonly stage: number;
  private readonly kernels: Kernels;

  constructor(
    private readonly recommender: Recommender,
    markets: Markets,
    private readonly market: Market,
    private readonly protocol: 'clean' | 'as-published',
    private readonly negatives: number | 'all',
    private readonly seed: number,
  ) {
    const ids = Array.from(market.items, (item) => markets.items[item]);
    const held = Object.values(market.heldOut).flatMap((rows) => rows.map(({ itemId }) => itemId));
    this.pool = [...new Set([...ids, ...held])].sort();
    this.poolIndex = new Map(this.pool.map((id, place) => [id, place]));
    this.places = Int32Array.from(ids, (id) => this.poolIndex.get(id)!);
    const { model } = recommender;
    const known = model.markets.find(({ name }) => name === market.name)!;
    this.modelPositions = new Map(Array.from(known.items, (item, position) => [model.items[item], position]));
    this.positions = Int32Array.from(this.pool, (id) => this.modelPositions.get(id) ?? -1);
    this.userIndex = new Map(known.users?.map((user, index) => [user, index]));
    this.stage = xxHash32(new TextEncoder().encode(market.name));
    this.kernels = recommender.kernels;
  }

  /** Rank of the held-out item, from 1; half ranks where an even number of items ties. */
  rank(row: HeldOut): number {
    const seen = this.seen(row.user);
    const scores = this.scores(row, seen);
    const target = this.poolIndex.get(row.itemId)!;
    const at = (place: number) => (this.positions[place] < 0 ? -Infinity : scores[this.positions[place]]);
    const own = at(target);
    let above = 0;
    let equal = 0;
    for (const place of this.draw(row, target, seen)) {
      const score = at(place);
      if (score > own) above++;
      else if (score === own) equal++;
    }
    return 1 + above + equal / 2;
  }

  /** The user's training items, by place in the pool. */
  private seen(user: number): Int32Array {
    if (user < 0) return new Int32Array(0);
    const { indptr, indices } = this.market.interactions;
    return indices.slice(indptr[user], indptr[user + 1]).map((position) => this.places[position]);
  }

  private scores(row: HeldOut, seen: Int32Array): Float32Array {
    const history = seen.map((place) => this.positions[place]).filter((position) => position >= 0);
    return this.recommender.scores(
      this.market.name,
      history.sort(),
      row.user < 0 ? -1 : (this.userIndex.get(row.userId) ?? -1),
    );
  }

  private draw(row: HeldOut, target: number, seen: Int32Array): Int32Array {
    const { exports, memory } = this.kernels;
    const mark = memory.mark();
    try {
      const n = this.pool.length;
      const excluded = memory.allocateZeroed(n);
      const out = memory.allocate(4 * n);
      const mask = memory.u8(excluded, n);
      mask[target] = 1;
      if (this.protocol === 'clean') for (const place of seen) mask[place] = 1;
      const index = xxHash32(new TextEncoder().encode(row.userId));
      const count = exports.sampleDistinct(
        out,
        n,
        excluded,
        this.negatives === 'all' ? n : this.negatives,
        this.seed,
        this.stage,
        index,
      );
      return memory.i32(out, count).slice();
    } finally {
      memory.release(mark);
    }
  }
}

function mean(values: number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length > 0 ? sum / values.length : 0;
}

/** Sample standard deviation (n − 1) over √n; 0 for fewer than two values. */
function standardError(values: number[]): number {
  if (values.length < 2) return 0;
  const center = mean(values);
  let squares = 0;
  for (const value of values) squares += (value - center) * (value - center);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
