// Whether a difference may be chance: paired tests, their correction for several, effect sizes and intervals.
import { ArgumentError, checkArray, checkChoice, checkInteger, checkNumber, checkObject } from '../common/errors.ts';
import { normalTails, studentQuantile, studentTails } from '../common/probability.ts';
import { SplitMix } from '../data/splitmix.ts';

/** What a paired t-test found. */
export interface TTest {
  /** Pairs. */
  n: number;
  /** Of the differences. */
  mean: number;
  standardError: number;
  /** Absent where all differences are equal. */
  t?: number;
  /** Two-sided; 1 where all differences are 0, 0 where all are equal and not 0. */
  p: number;
  /** Cohen's d of paired values: mean over standard deviation of the differences; absent where that is 0. */
  effect?: number;
  /** Of the mean: Student's, at the level that was asked for. */
  interval: [number, number];
}

/** What Wilcoxon's signed-rank test found. */
export interface Wilcoxon {
  /** Differences that are not 0. */
  n: number;
  /** Sum of the ranks of positive differences; equal absolute differences take their mean rank. */
  positive: number;
  negative: number;
  /** Two-sided; exact up to 50 differences without ties, else from the normal with correction for ties. */
  p: number;
  /** Matched-pairs rank-biserial correlation, −1 … 1: (positive − negative) / (positive + negative); 0 without any. */
  effect: number;
}

/**
 * Student's t-test of paired differences against a mean of 0.
 * @param level of the interval, above 0 and below 1
 * @throws ArgumentError for fewer than two differences or what is no number.
 * @example
 * const { t, p } = tTest([1, 2, 3, 4, 5]);
 * [t.toFixed(4), p.toFixed(4)]; // → ['4.2426', '0.0132']
 */
export function tTest(differences: readonly number[], level = 0.95): TTest {
  const n = checkDifferences(differences, 2);
  checkNumber('level', level, 1e-9, 1 - 1e-9);
  const mean = differences.reduce((sum, x) => sum + x, 0) / n;
  const variance = differences.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / (n - 1);
  const standardError = Math.sqrt(variance / n);
  if (!(standardError > 0)) return { n, mean, standardError: 0, p: mean === 0 ? 1 : 0, interval: [mean, mean] };
  const t = mean / standardError;
  const reach = studentQuantile(1 - level, n - 1) * standardError;
  return {
    n,
    mean,
    standardError,
    t,
    p: studentTails(t, n - 1),
    effect: mean / Math.sqrt(variance),
    interval: [mean - reach, mean + reach],
  };
}

/** Up to as many differences without ties the distribution is counted out. */
const EXACT = 50;

/**
 * Wilcoxon's signed-rank test of paired differences; those that are 0 are left out.
 * @throws ArgumentError for none or what is no number.
 * @example
 * wilcoxon([1, 2, 3, -4, 5]).p; // → 0.4375
 */
export function wilcoxon(differences: readonly number[]): Wilcoxon {
  checkDifferences(differences, 1);
  const kept = differences.filter((x) => x !== 0);
  const n = kept.length;
  if (n === 0) return { n, positive: 0, negative: 0, p: 1, effect: 0 };
  const order = [...kept.keys()].sort((a, b) => Math.abs(kept[a]) - Math.abs(kept[b]));
  let positive = 0;
  let ties = 0;
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && Math.abs(kept[order[to]]) === Math.abs(kept[order[from]])) to++;
    const count = to - from;
    const rank = (from + 1 + to) / 2;
    ties += count * (count - 1) * (count + 1);
    for (let i = from; i < to; i++) if (kept[order[i]] > 0) positive += rank;
    from = to;
  }
  const total = (n * (n + 1)) / 2;
  const negative = total - positive;
  const least = Math.min(positive, negative);
  const exact = ties === 0 && n <= EXACT && n === differences.length;
  const p = exact ? exactTails(n, least) : normalTails((least - total / 2) / Math.sqrt(varianceOf(n, ties)));
  return { n, positive, negative, p: Math.min(1, p), effect: (positive - negative) / total };
}

const varianceOf = (n: number, ties: number) => (n * (n + 1) * (2 * n + 1)) / 24 - ties / 48;

/** P that the smaller sum of ranks is at most `least`, both sides, each sign being as likely. */
function exactTails(n: number, least: number): number {
  const total = (n * (n + 1)) / 2;
  // shares of subsets of 1 … n by their sum; halving at each step keeps them exact in doubles for n ≤ 50
  let shares = new Float64Array(total + 1);
  shares[0] = 1;
  for (let rank = 1; rank <= n; rank++) {
    const next = new Float64Array(total + 1);
    for (let sum = 0; sum <= total; sum++) next[sum] = (shares[sum] + (sum >= rank ? shares[sum - rank] : 0)) / 2;
    shares = next;
  }
  let below = 0;
  for (let sum = 0; sum <= least; sum++) below += shares[sum];
  return 2 * below;
}

/**
 * Holm's correction: p values for which it holds for all together that at most a share α of such families has one below
 * α by chance. In the order given.
 * @throws ArgumentError for what is no p.
 * @example
 * holm([0.01, 0.04, 0.03]); // → [0.03, 0.06, 0.06]
 */
export function holm(ps: readonly number[]): number[] {
  for (const [i, p] of checkArray('ps', ps).entries()) checkNumber(`ps[${i}]`, p, 0, 1);
  const order = [...ps.keys()].sort((a, b) => ps[a] - ps[b] || a - b);
  const adjusted = new Array<number>(ps.length);
  let most = 0;
  for (const [place, i] of order.entries()) {
    most = Math.max(most, Math.min(1, (ps.length - place) * ps[i]));
    adjusted[i] = most;
  }
  return adjusted;
}

/** How `bootstrap` draws. */
export interface BootstrapOptions {
  /** How many means are drawn. Default: 2000. */
  draws?: number;
  /** Share of the means in the interval. Default: 0.95. */
  level?: number;
  /** 0 … 2³² − 1. Default: 0. */
  seed?: number;
  /** Of each value the number of its user, from 0, where users have several; users are drawn then, not values. */
  users?: ArrayLike<number>;
  /** What counts alike in the mean, as of a metric. Default: `rows`. */
  over?: 'rows' | 'users';
}

/**
 * An interval of a mean by the bootstrap: means of as many users drawn with replacement; the interval has the middle
 * share `level` of them. The same seed gives the same interval on every host.
 *
 * @throws ArgumentError for no values or numbers out of range.
 * @example
 * const [low, high] = bootstrap([1, 2, 3, 4, 5, 6, 7, 8], { seed: 1 });
 * low < 4.5 && high > 4.5; // → true
 */
export function bootstrap(values: readonly number[], options: BootstrapOptions = {}): [number, number] {
  const {
    draws = 2000,
    level = 0.95,
    seed = 0,
    users,
    over = 'rows',
  } = checkObject('options', options) as BootstrapOptions;
  checkDifferences(values, 1, 'values');
  checkInteger('draws', draws, 20, 1_000_000);
  checkNumber('level', level, 1e-9, 1 - 1e-9);
  checkInteger('seed', seed, 0, 0xffffffff);
  checkChoice('over', over, ['rows', 'users']);
  if (users !== undefined && !(typeof users === 'object' && users?.length === values.length))
    throw new ArgumentError('users', users, `the number of a user for each of ${values.length} values`);
  const { sums, counts } = users ? clustersOf(values, users, over) : { sums: values, counts: undefined };
  const random = new SplitMix(seed);
  const n = sums.length;
  const means = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < n; i++) {
      const drawn = random.below(n);
      sum += sums[drawn];
      count += counts ? counts[drawn] : 1;
    }
    means[draw] = sum / count;
  }
  means.sort();
  return [quantile(means, (1 - level) / 2), quantile(means, (1 + level) / 2)];
}

/** The sum and the number of each user's values; a mean and 1 where users count alike. */
function clustersOf(values: readonly number[], users: ArrayLike<number>, over: 'rows' | 'users') {
  const places = new Map<number, number>();
  const sums: number[] = [];
  const counts: number[] = [];
  for (const [i, value] of values.entries()) {
    let place = places.get(users[i]);
    if (place === undefined) {
      place = sums.length;
      places.set(users[i], place);
      sums.push(0);
      counts.push(0);
    }
    sums[place] += value;
    counts[place]++;
  }
  if (over === 'rows') return { sums, counts };
  return { sums: sums.map((sum, i) => sum / counts[i]), counts: counts.map(() => 1) };
}

/** Linear between the two neighbours, as NumPy's. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** Largest value: squares of values and their sums stay numbers. */
const MOST = 1e100;

function checkDifferences(values: unknown, least: number, name = 'differences'): number {
  const array = checkArray(name, values) as readonly number[];
  if (array.length < least) throw new ArgumentError(name, values, `at least ${least}`);
  for (let i = 0; i < array.length; i++) checkNumber(`${name}[${i}]`, array[i], -MOST, MOST);
  return array.length;
}
