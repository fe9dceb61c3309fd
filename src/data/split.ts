// Training rows apart from rows to evaluate on.
import { ArgumentError, checkArray, checkChoice, checkInteger, checkNumber, checkObject } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { assemble, type RawMarket } from './assemble.ts';
import { purchases, withAssortment } from './assortment.ts';
import { coreOf } from './core.ts';
import { checkTime } from './filters.ts';
import { checkMarkets, type Market, type Markets } from './markets.ts';
import { assign, type Rule, type SplitFacts, TEST, TRAIN, VALID } from './split-rows.ts';
import { formatTime } from './time.ts';

/** How `splitMarkets` chooses what is held out: see `SplitOptions.method`. */
export type SplitMethod = Rule['method'];
/** Of a Date, in milliseconds. */
const MAX_TIME = 8.64e15;
const METHODS: readonly SplitMethod[] = ['last', 'leave-one-out', 'before', 'ratio'];

/** What `splitMarkets` takes. */
export interface SplitOptions extends JobOptions {
  /**
   * Which interactions are held out: `last`, each user's last one; `leave-one-out`, one of each user's at random;
   * `before`, those that are not before a time; `ratio`, each with a probability.
   */
  method: SplitMethod;
  /** Of `before`: rows from the time on are held out as `valid`, from a second time on as `test`. */
  before?: readonly string[];
  /** Of `ratio`: the share held out as `valid`, and as `test`; each above 0, together below 1. */
  ratio?: readonly number[];
  /**
   * Of `last` and `leave-one-out`: a `test` row of each user too, the last one or another one at random. Default:
   * false.
   */
  test?: boolean;
  /**
   * Leave out, before the split, users and items with fewer interactions in the market, until none is left (k-core).
   * Default: 1.
   */
  minUser?: number;
  minItem?: number;
  /** 0 … 2³² − 1. Default: 0. */
  seed?: number;
  /** Hold out rows, too, whose user or item has no training row in the market. Default: false. */
  keepCold?: boolean;
  /** Take held-out rows that the markets have as if they were training rows. Default: false, they are refused. */
  merge?: boolean;
}

/** How much there is of something; the earliest and the latest time, where times are known. */
export interface SplitCounts {
  interactions: number;
  users: number;
  items: number;
  first?: string;
  last?: string;
}

/** What was done to one market. */
export interface MarketSplit {
  market: string;
  /** What was given, each interaction once. */
  given: SplitCounts;
  /** What the k-core left of it. */
  core: SplitCounts;
  train: SplitCounts;
  valid: SplitCounts;
  test?: SplitCounts;
  /** Users with too few interactions to hold any out (`last`, `leave-one-out`). */
  shortUsers: number;
  /** Users of whom the hash chose between interactions of the same time (`last`). */
  tiedUsers: number;
  /**
   * Interactions drawn to be held out that stay in training: no other has the item, or the user would have none left.
   */
  returned: number;
  /** Interactions of `before` that are in no split, since no training row has their user, or their item. */
  coldUserRows: number;
  coldItemRows: number;
  /** Training rows later than the first held-out row, where times are known: what nobody would have known by then. */
  laterRows?: number;
}

/** What `splitMarkets` did: the options, defaults filled in, and the counts of each market. */
export interface SplitReport {
  method: SplitMethod;
  before?: readonly string[];
  ratio?: readonly number[];
  seed: number;
  minUser: number;
  minItem: number;
  keepCold: boolean;
  merge: boolean;
  markets: MarketSplit[];
}

/**
 * Splits the interactions of each market into training rows and held-out rows, `valid` and, where it is asked for,
 * `test`. Each interaction goes to one of them, so no held-out row is a training row. What is drawn depends on the
 * seed, the market's name and the ids, not on the order of rows or on other markets.
 *
 * A held-out row whose item has no training row in the market stays in training, since nothing could recommend it; so
 * does one row of a user who would have none left. Of `before`, where a later row may not be trained on, such rows are
 * left out. `keepCold` holds out both.
 *
 * For `last` and `before`, read with `times: 'first'`: an item that a user buys again is held out or not by the first
 * time. Time is linear in the interactions but for sorting each user's; memory is 18 bytes each beside the markets and
 * the result (10 without times).
 *
 * @throws ArgumentError for what are no markets or options, markets without times where the method needs them, held-out
 *   rows that
 *   are there already, a market of which no training row is left, and where no row is held out at all.
 * @throws AbortedError
 * @example
 * const source = 'userId,itemId,time\nu1,hat,2024-01-01\nu1,shoe,2024-02-01\nu2,shoe,2024-01-05\n';
 * const read = await readMarkets([{ market: 'de', split: 'train', name: 'de.csv', source }], { times: 'first' });
 * const { markets, report } = await splitMarkets(read, { method: 'last' });
 * markets.markets[0].heldOut.valid.map(({ userId, itemId }) => [userId, itemId]); // → [['u1', 'shoe']]
 * report.markets[0].train.interactions; // → 2
 */
export async function splitMarkets(
  markets: Markets,
  options: SplitOptions,
): Promise<{ markets: Markets; report: SplitReport }> {
  checkMarkets(markets);
  const rule = checkRule(options);
  const { minUser = 1, minItem = 1, merge = false, before, ratio } = options;
  const job = new Job(options);
  checkTimes(markets, rule.method);
  if (!merge) refuseHeldOut(markets);
  const whole = merge ? merged(markets) : markets;
  const raw: RawMarket[] = [];
  const sold: Record<string, readonly string[]> = {};
  const reports: MarketSplit[] = [];
  for (const market of whole.markets) {
    const core = coreOf(market.interactions, minUser, minItem);
    if (!core.includes(1))
      throw ArgumentError.because(
        'minUser, minItem',
        `market ${market.name} has no interaction left at ${minUser} for each user and ${minItem} for each item (--min-user, --min-item); lower them, or leave the market out`,
      );
    const tick = (done: number) =>
      job.tick({ stage: `split ${market.name}`, id: 'split', market: market.name }, done, market.users.length);
    const { splits, facts } = await assign(market, core, whole.items, rule, tick);
    if (!splits.includes(TRAIN))
      throw ArgumentError.because(
        'before',
        `market ${market.name} has no row before ${before?.[0]}; take a later time, or leave the market out`,
      );
    raw.push(rawOf(market, splits, rule.test));
    reports.push(reportOf(market, core, splits, rule.test, facts));
    const offered = offeredIds(whole, market, core);
    if (offered) sold[market.name] = offered;
  }
  if (reports.every(({ valid, test }) => valid.interactions + (test?.interactions ?? 0) === 0))
    throw ArgumentError.because(
      'method',
      `${rule.method} holds out no row of any market: ${rule.method === 'before' ? 'take an earlier time' : 'users have too few interactions, or items have'} (see --keep-cold)`,
    );
  const result = assemble(whole.items, raw, true);
  return {
    markets: Object.keys(sold).length === 0 ? result : withAssortment(result, sold),
    report: {
      method: rule.method,
      ...(before && rule.method === 'before' && { before }),
      ...(ratio && rule.method === 'ratio' && { ratio }),
      seed: rule.seed,
      minUser,
      minItem,
      keepCold: rule.keepCold,
      merge,
      markets: reports,
    },
  };
}

/** @throws ArgumentError that names the wrong option. */
function checkRule(options: SplitOptions): Rule {
  checkObject('options', options);
  const { before, ratio, test = false, minUser = 1, minItem = 1, seed = 0, keepCold = false, merge = false } = options;
  const method = checkChoice('method', options.method, METHODS);
  checkInteger('seed', seed, 0, 0xffffffff);
  checkInteger('minUser', minUser, 1, 1e9);
  checkInteger('minItem', minItem, 1, 1e9);
  for (const [name, value] of Object.entries({ test, keepCold, merge }))
    if (typeof value !== 'boolean') throw new ArgumentError(name, value, 'true or false');
  const rule = {
    method,
    seed,
    keepCold,
    validFrom: 0,
    testFrom: Number.POSITIVE_INFINITY,
    validShare: 0,
    testShare: 0,
  };
  if (method === 'last' || method === 'leave-one-out') return { ...rule, test };
  if (test)
    throw ArgumentError.because(
      'test',
      method === 'before'
        ? 'of before, a second time begins the test rows'
        : 'of ratio, a second share is that of test',
    );
  const list = checkArray(method, method === 'before' ? before : ratio, 'one or two values in an array');
  if (list.length < 1 || list.length > 2) throw new ArgumentError(method, list, 'one or two values');
  if (method === 'ratio') {
    const [valid, testing] = list.map((share) => checkNumber('ratio', share, 0, 1));
    if (valid === 0 || testing === 0 || valid + (testing ?? 0) >= 1)
      throw ArgumentError.because('ratio', `${list.join(', ')}: each share is above 0, and all together below 1`);
    return { ...rule, test: testing !== undefined, validShare: valid, testShare: testing ?? 0 };
  }
  const [validFrom, testFrom] = list.map((time) => checkTime('before', time));
  if (testFrom <= validFrom)
    throw ArgumentError.because('before', `${list.join(', ')}: the second time is after the first`);
  return { ...rule, test: testFrom !== undefined, validFrom, testFrom: testFrom ?? Number.POSITIVE_INFINITY };
}

function checkTimes({ markets }: Markets, method: SplitMethod): void {
  if (method === 'last' || method === 'before')
    for (const { name, times, heldOut } of markets)
      if (times === undefined || Object.values(heldOut).some((rows) => rows.some(({ time }) => time === undefined)))
        throw ArgumentError.because(
          'markets',
          `${method} needs the time of each row, and market ${name} was read without (option times)`,
        );
  for (const [m, { times, heldOut }] of markets.entries()) {
    const wrong = (time: number) => !(Math.abs(time) <= MAX_TIME);
    if (times?.some(wrong) || Object.values(heldOut).some((rows) => rows.some(({ time }) => wrong(time ?? 0))))
      throw ArgumentError.because(`markets.markets[${m}].times`, 'a time is not in milliseconds since 1970');
  }
}

function refuseHeldOut({ markets }: Markets): void {
  for (const { name, heldOut } of markets)
    for (const [split, rows] of Object.entries(heldOut))
      if (rows.length > 0)
        throw ArgumentError.because(
          'markets',
          `market ${name} has ${split} rows already, which are held out from training; give the training rows alone, or let all be split again with merge (--merge)`,
        );
}

/** The same markets, held-out rows among the training rows. */
function merged({ items, markets }: Markets): Markets {
  const ids = [...items];
  const numbers = new Map(items.map((id, number) => [id, number]));
  const sold: Record<string, readonly string[]> = {};
  const raw = markets.map((market): RawMarket => {
    const { interactions, times, heldOut } = market;
    const rows = Object.values(heldOut).flat();
    const users = [...market.users];
    const places = new Map(users.map((id, place) => [id, place]));
    const place = (known: Map<string, number>, list: string[], id: string) => {
      let number = known.get(id);
      if (number === undefined) {
        number = list.push(id) - 1;
        known.set(id, number);
      }
      return number;
    };
    const trained = interactions.indices.length;
    const trainUsers = new Int32Array(trained + rows.length);
    const trainItems = new Int32Array(trained + rows.length);
    const trainTimes = times && new Float64Array(trained + rows.length);
    for (let user = 0; user < market.users.length; user++)
      trainUsers.fill(user, interactions.indptr[user], interactions.indptr[user + 1]);
    for (let entry = 0; entry < trained; entry++) trainItems[entry] = market.items[interactions.indices[entry]];
    trainTimes?.set(times!);
    for (const [i, { userId, itemId, time }] of rows.entries()) {
      trainUsers[trained + i] = place(places, users, userId);
      trainItems[trained + i] = place(numbers, ids, itemId);
      if (trainTimes) trainTimes[trained + i] = time!;
    }
    const offered = offeredIds({ items }, market);
    if (offered) sold[market.name] = offered;
    return { name: market.name, users, trainUsers, trainItems, trainTimes, heldOut: {} };
  });
  const result = assemble(ids, raw, true);
  return Object.keys(sold).length === 0 ? result : withAssortment(result, sold);
}

/**
 * What a market with an assortment sells, but what the core left out; undefined for one that sells what was bought
 * there.
 */
function offeredIds({ items }: Pick<Markets, 'items'>, market: Market, core?: Uint8Array): string[] | undefined {
  const bought = purchases(market);
  if (!bought.includes(0)) return undefined;
  const left = new Uint8Array(market.items.length);
  for (const [entry, item] of market.interactions.indices.entries()) if (!core || core[entry] === 1) left[item] = 1;
  return Array.from(market.items, (item) => items[item]).filter((_, place) => bought[place] === 0 || left[place] === 1);
}

function rawOf(market: Market, splits: Uint8Array, test: boolean): RawMarket {
  const { interactions, times } = market;
  const pick = (split: number) => {
    const count = splits.reduce((sum, each) => sum + (each === split ? 1 : 0), 0);
    const rows = {
      users: new Int32Array(count),
      items: new Int32Array(count),
      ...(times && { times: new Float64Array(count) }),
    };
    let at = 0;
    for (let user = 0; user < market.users.length; user++)
      for (let entry = interactions.indptr[user]; entry < interactions.indptr[user + 1]; entry++) {
        if (splits[entry] !== split) continue;
        rows.users[at] = user;
        rows.items[at] = market.items[interactions.indices[entry]];
        if (rows.times) rows.times[at] = times![entry];
        at++;
      }
    return rows;
  };
  const train = pick(TRAIN);
  return {
    name: market.name,
    users: market.users,
    trainUsers: train.users,
    trainItems: train.items,
    trainTimes: train.times,
    heldOut: { valid: pick(VALID), ...(test && { test: pick(TEST) }) },
  };
}

function reportOf(market: Market, core: Uint8Array, splits: Uint8Array, test: boolean, facts: SplitFacts): MarketSplit {
  const { rows, cols, indptr, indices } = market.interactions;
  const { times } = market;
  const count = (has: (entry: number) => boolean): SplitCounts => {
    const users = new Uint8Array(rows);
    const items = new Uint8Array(cols);
    let interactions = 0;
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let user = 0; user < rows; user++)
      for (let entry = indptr[user]; entry < indptr[user + 1]; entry++) {
        if (!has(entry)) continue;
        interactions++;
        users[user] = 1;
        items[indices[entry]] = 1;
        if (!times) continue;
        first = Math.min(first, times[entry]);
        last = Math.max(last, times[entry]);
      }
    const ones = (flags: Uint8Array) => flags.reduce((sum, each) => sum + each, 0);
    return {
      interactions,
      users: ones(users),
      items: ones(items),
      ...(times && interactions > 0 && { first: formatTime(first), last: formatTime(last) }),
    };
  };
  const of = (split: number) => count((entry) => splits[entry] === split);
  return {
    market: market.name,
    given: count(() => true),
    core: count((entry) => core[entry] === 1),
    train: of(TRAIN),
    valid: of(VALID),
    ...(test && { test: of(TEST) }),
    ...facts,
  };
}
