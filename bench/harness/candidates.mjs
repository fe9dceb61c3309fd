// What `evaluate` ranks held-out items against, for those who rank by themselves.
import { evaluate } from '../../dist/index.js';

/**
 * Of each market the rows of valid, with the user's history, the held-out item and what it is ranked against: positions in
 * its market, −1 for an item without training rows.
 * @param recommender any model of these markets: what is drawn does not depend on it
 */
export async function drawCandidates(recommender, markets) {
  const candidates = new Map();
  const protocol = {
    name: 'clean',
    candidates: (row, pool, sample) => {
      const places = sample([[row.target], row.seen, row.relevant]);
      candidates.set(`${row.market}/${row.user}/${pool[row.target]}`, { places, pool });
      return places;
    },
  };
  const found = await evaluate(recommender, markets, { protocol, negatives: 999, seed: 1, perUser: true });
  return found.markets.map(({ market: name, perUser }) => {
    const market = markets.markets.find((each) => each.name === name);
    const position = new Map(Array.from(market.items, (item, at) => [markets.items[item], at]));
    const index = new Map(market.users.map((user, at) => [user, at]));
    const { indptr, indices } = market.interactions;
    const rows = perUser.map(({ user, item }) => {
      const { places, pool } = candidates.get(`${name}/${user}/${item}`);
      const at = index.get(user) ?? -1;
      return {
        user,
        at,
        history: at < 0 ? [] : indices.slice(indptr[at], indptr[at + 1]).sort(),
        target: position.get(item) ?? -1,
        others: Int32Array.from(places, (place) => position.get(pool[place]) ?? -1),
      };
    });
    return { name, rows };
  });
}
