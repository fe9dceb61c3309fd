// Markets with a known answer for networks: users like the items of their parity.
import type { Markets } from '../../../src/index.ts';
import { below, draw, stream } from '../../support/reference.ts';

const ITEMS = 32;
const USERS = 64;
const SHARED = 16;

/**
 * Two markets of 64 users and 32 items each, half of the items common. A user has 11 of the 16 items of their parity,
 * and one more is held out.
 */
export function checkers(): Markets {
  const items = Array.from({ length: 2 * ITEMS - SHARED }, (_, i) => `i${String(i).padStart(2, '0')}`);
  const markets = ['one', 'two'].map((name, m) => {
    const first = m * (ITEMS - SHARED);
    const rows: number[][] = [];
    const held = [];
    const users = Array.from({ length: USERS }, (_, u) => `u${String(u).padStart(2, '0')}`);
    for (const [u, userId] of users.entries()) {
      const key = stream(7, m, u);
      const own = Array.from({ length: ITEMS / 2 }, (_, i) => 2 * i + (u % 2));
      for (let i = own.length - 1; i > 0; i--) {
        const j = below(draw(key, i), i + 1);
        [own[i], own[j]] = [own[j], own[i]];
      }
      rows.push(own.slice(0, 11).sort((a, b) => a - b));
      held.push({ user: u, userId, item: own[11], itemId: items[first + own[11]] });
    }
    return {
      name,
      users,
      items: Int32Array.from({ length: ITEMS }, (_, i) => first + i),
      interactions: {
        rows: USERS,
        cols: ITEMS,
        indptr: Int32Array.from({ length: USERS + 1 }, (_, u) => 11 * u),
        indices: Int32Array.from(rows.flat()),
      },
      heldOut: { valid: held },
    };
  });
  return { items, markets };
}

/** The share of users whose held-out item is scored above every item of the other parity. */
export function shareInOrder(
  markets: Markets,
  scores: (market: string, history: Int32Array, user: number) => Float32Array,
): number {
  let right = 0;
  let all = 0;
  for (const { name, interactions, heldOut } of markets.markets)
    for (const { user, item } of heldOut.valid) {
      const { indptr, indices } = interactions;
      const found = scores(name, indices.slice(indptr[user], indptr[user + 1]), user);
      all++;
      if (found.every((score, other) => other % 2 === item % 2 || score < found[item])) right++;
    }
  return right / all;
}
