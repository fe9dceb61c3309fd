import { ln } from '../common/elementary.ts';
import type { Markets } from '../data/markets.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { countUsers } from './interactions.ts';

/** What a user more or less moves a score: an item of a million users by 0.0014, less than any similarity that is kept by default. */
const PER_USER = 1e-4;
const PER_USER_ELSEWHERE = 1e-5;

/**
 * A bias by which items with equal scores, above all those that nothing in a history speaks for, come by popularity:
 * 10⁻⁴ ln(1 + n_j) + 10⁻⁵ ln(1 + n'_j).
 *
 * @param users (items) n: the market's users of each item
 * @param usersElsewhere (items) n': those of other markets
 */
export function tieBreak(users: Uint32Array, usersElsewhere: Uint32Array): Float32Array {
  return Float32Array.from(
    users,
    (count, item) => PER_USER * ln(1 + count) + PER_USER_ELSEWHERE * ln(1 + usersElsewhere[item]),
  );
}

/** Of each market. */
export function tieBreaks({ items, markets }: Pick<Markets, 'items' | 'markets'>): Float32Array[] {
  const users = markets.map(({ interactions }) => countUsers(interactions));
  const all = new Uint32Array(items.length);
  for (const [m, market] of markets.entries())
    for (const [position, item] of market.items.entries()) all[item] += users[m][position];
  return markets.map((market, m) =>
    tieBreak(
      users[m],
      users[m].map((count, position) => all[market.items[position]] - count),
    ),
  );
}

/** A bias scaled down, if need be, to at most the least similarity above 0: no item passes another that the history speaks for. */
export function belowSimilarities(bias: Float32Array, { values }: SparseMatrix): Float32Array {
  const least = values.reduce((found, value) => (value > 0 && value < found ? value : found), Infinity);
  const most = bias.reduce((found, value) => Math.max(found, value), 0);
  return most > least ? bias.map((value) => value * (least / most)) : bias;
}
