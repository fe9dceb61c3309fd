import { ln } from '../common/elementary.ts';

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
