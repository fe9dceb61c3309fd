// Holds one purchase of each customer back, so that a training can be measured.
import { assemble } from '../../data/assemble.ts';
import type { Markets } from '../../data/markets.ts';
import { SplitMix } from '../../data/splitmix.ts';

/** Customers with fewer purchases keep them all. */
const LEAST = 3;

/** The markets with one row of each customer who has three or more moved to `valid`, drawn by `seed`. */
export function holdOneOut(markets: Markets, seed = 1): Markets {
  const raw = markets.markets.map(({ name, users, items, interactions: { indptr, indices } }, m) => {
    const random = new SplitMix(seed, m);
    const train = { users: [] as number[], items: [] as number[] };
    const valid = { users: [] as number[], items: [] as number[] };
    for (let user = 0; user < users.length; user++) {
      const length = indptr[user + 1] - indptr[user];
      const held = length < LEAST ? -1 : indptr[user] + random.below(length);
      for (let e = indptr[user]; e < indptr[user + 1]; e++) {
        const rows = e === held ? valid : train;
        rows.users.push(user);
        rows.items.push(items[indices[e]]);
      }
    }
    return {
      name,
      users,
      trainUsers: Int32Array.from(train.users),
      trainItems: Int32Array.from(train.items),
      heldOut: { valid: { users: Int32Array.from(valid.users), items: Int32Array.from(valid.items) } },
    };
  });
  return assemble(markets.items, raw);
}
