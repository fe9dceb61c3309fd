// The paired difference of two lists of ranks: by user, market by market, with both tests and their correction.
import { ArgumentError, checkArray, checkInteger, checkNumber, checkObject, checkTexts } from '../common/errors.ts';
import { METRICS, type Metric } from '../evaluate/metrics.ts';
import { bootstrap, holm, type TTest, tTest, type Wilcoxon, wilcoxon } from '../evaluate/statistics.ts';

/** Ranks of one market's held-out rows. */
export interface MarketRanks {
  market: string;
  users: readonly string[];
  items: readonly string[];
  ranks: readonly number[];
}

/** The difference of one market, or of all: b minus a. */
export interface PairedDifference {
  market: string;
  /** Users whose rows both ranked, and these rows. */
  users: number;
  rows: number;
  /** Rows that only one of the two ranked, left out. */
  unpaired: number;
  /** Mean over users of the metric, of each. */
  a: number;
  b: number;
  /** Student's paired t-test over users. */
  t: TTest;
  /** Wilcoxon's signed-rank test over users. */
  wilcoxon: Wilcoxon;
  /** Of the mean difference, by the bootstrap over users. */
  interval: [number, number];
  /** The p values with Holm's correction over the markets that are compared at once. */
  adjusted: { t: number; wilcoxon: number };
}

export interface CompareRanksOptions {
  /** The name of a metric. Default: `mrr`. */
  metric?: string;
  /** Default: 10. */
  k?: number;
  /** Of the bootstrap. Default: 0. */
  seed?: number;
  /** Means that the bootstrap draws. Default: 2000. */
  draws?: number;
}

/**
 * How much better b ranks than a, market by market. Rows are paired by user and item; of a user with several the mean
 * counts, since tests need independent pairs.
 *
 * @throws ArgumentError for a metric that is none, and where no row is in both or fewer than two users are.
 * @example
 * const ranks = (list) => [{ market: 'de', users: ['u', 'v', 'w'], items: ['x', 'y', 'z'], ranks: list }];
 * const [{ t }] = compareRanks(ranks([2, 4, 2]), ranks([1, 2, 1]));
 * t.mean.toFixed(4); // → '0.4167'
 */
export function compareRanks(
  a: readonly MarketRanks[],
  b: readonly MarketRanks[],
  options: CompareRanksOptions = {},
): PairedDifference[] {
  const {
    metric: name = 'mrr',
    k = 10,
    seed = 0,
    draws = 2000,
  } = checkObject('options', options) as CompareRanksOptions;
  checkInteger('k', k, 1, 0x7fffffff);
  checkRanks('a', a);
  checkRanks('b', b);
  const metric = METRICS.find((each) => each.name === name);
  if (!metric) throw new ArgumentError('metric', name, METRICS.map((each) => each.name).join(', '));
  const pairs = a.flatMap((one) => {
    const other = b.find(({ market }) => market === one.market);
    return other ? [pairUsers(one, other, metric, k)] : [];
  });
  const enough = pairs.filter(({ first }) => first.length >= 2);
  if (enough.length === 0)
    throw ArgumentError.because('b', 'it has no market with held-out rows of two users that a ranked too');
  const found = enough.map(({ first, second, ...counts }) => {
    const differences = first.map((value, i) => second[i] - value);
    return {
      ...counts,
      users: differences.length,
      a: meanOf(first),
      b: meanOf(second),
      t: tTest(differences),
      wilcoxon: wilcoxon(differences),
      interval: bootstrap(differences, { seed, draws }),
    };
  });
  const [ts, ws] = [holm(found.map((each) => each.t.p)), holm(found.map((each) => each.wilcoxon.p))];
  return found.map((each, i) => ({ ...each, adjusted: { t: ts[i], wilcoxon: ws[i] } }));
}

function checkRanks(side: string, markets: unknown): void {
  for (const [i, market] of checkArray(side, markets).entries()) {
    const where = `${side}[${i}]`;
    const { market: name, users, items, ranks } = checkObject(where, market);
    if (typeof name !== 'string') throw new ArgumentError(`${where}.market`, name, 'a name, as text');
    const count = checkArray(`${where}.ranks`, ranks).length;
    for (const [r, rank] of (ranks as unknown[]).entries()) checkNumber(`${where}.ranks[${r}]`, rank, 1, 1e15);
    for (const [of, ids] of Object.entries({ users, items }))
      if (checkTexts(`${where}.${of}`, ids).length !== count)
        throw new ArgumentError(`${where}.${of}`, ids, `${count} ids, one for each rank`);
  }
}

function pairUsers(a: MarketRanks, b: MarketRanks, metric: Metric, k: number) {
  const keyOf = (user: string, item: string) => JSON.stringify([user, item]);
  const ranks = new Map(b.ranks.map((rank, i) => [keyOf(b.users[i], b.items[i]), rank]));
  const sums = new Map<string, { first: number; second: number; rows: number }>();
  let rows = 0;
  for (const [i, rank] of a.ranks.entries()) {
    const other = ranks.get(keyOf(a.users[i], a.items[i]));
    if (other === undefined) continue;
    rows++;
    const user = sums.get(a.users[i]) ?? { first: 0, second: 0, rows: 0 };
    sums.set(a.users[i], {
      first: user.first + metric.value(rank, k),
      second: user.second + metric.value(other, k),
      rows: user.rows + 1,
    });
  }
  const users = [...sums.values()];
  return {
    market: a.market,
    rows,
    unpaired: a.ranks.length + b.ranks.length - 2 * rows,
    first: users.map((user) => user.first / user.rows),
    second: users.map((user) => user.second / user.rows),
  };
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
