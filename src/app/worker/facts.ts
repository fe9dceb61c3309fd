// What the Data view shows of the markets: Table 1, overlap, long tails, lengths of histories.
import type { Markets } from '../../data/markets.ts';
import { type DataFacts, LENGTH_BINS, type MarketFacts } from './api.ts';

/** Linear in the interactions, and markets² × items for the overlap. */
export function factsOf(
  markets: Markets,
): Pick<DataFacts, 'items' | 'purchases' | 'markets' | 'shared' | 'sharedPairs'> {
  const sells = markets.markets.map(({ items }) => {
    const has = new Uint8Array(markets.items.length);
    for (const item of items) has[item] = 1;
    return has;
  });
  const soldBy = new Uint16Array(markets.items.length);
  for (const has of sells) for (let item = 0; item < has.length; item++) soldBy[item] += has[item];
  const shared = markets.markets.map(({ items }) =>
    sells.map((has) => items.reduce((sum, item) => sum + has[item], 0) / Math.max(1, items.length)),
  );
  const each = markets.markets.map(({ name, users, items, interactions }): MarketFacts => {
    const counts = new Uint32Array(items.length);
    for (const item of interactions.indices) counts[item]++;
    const sorted = counts.slice().sort().reverse();
    const purchases = interactions.indices.length;
    const top = sorted.subarray(0, Math.ceil(sorted.length / 10)).reduce((sum, count) => sum + count, 0);
    const lengths = LENGTH_BINS.map(() => 0);
    for (let user = 0; user < users.length; user++) {
      const length = interactions.indptr[user + 1] - interactions.indptr[user];
      lengths[LENGTH_BINS.findIndex((most) => length <= most)]++;
    }
    return {
      name,
      users: users.length,
      items: items.length,
      purchases,
      sharedShare: items.reduce((sum, item) => sum + (soldBy[item] > 1 ? 1 : 0), 0) / Math.max(1, items.length),
      topTenth: top / Math.max(1, purchases),
      rare: counts.reduce((sum, count) => sum + (count <= 2 ? 1 : 0), 0) / Math.max(1, items.length),
      lengths,
    };
  });
  const pairs = pairsOf(markets);
  // the largest market first: colours and shapes are given out in this order
  const order = [...each.keys()].sort((a, b) => each[b].purchases - each[a].purchases);
  return {
    items: markets.items.length,
    purchases: each.reduce((sum, { purchases }) => sum + purchases, 0),
    markets: order.map((m) => each[m]),
    shared: order.map((row) => order.map((column) => shared[row][column])),
    ...(pairs && { sharedPairs: order.map((row) => order.map((column) => shareOf(pairs[row], pairs[column]))) }),
  };
}

/** More pairs than these take too long to sort, and 8 bytes each. */
const MOST_PAIRS = 20_000_000;

/** Of each market, the pairs of items that a customer has, as i · items + j with i < j, ascending; undefined for too many. */
function pairsOf({ items, markets }: Markets): Float64Array[] | undefined {
  const counts = markets.map(({ interactions: { rows, indptr } }) => {
    let pairs = 0;
    for (let user = 0; user < rows; user++) {
      const length = indptr[user + 1] - indptr[user];
      pairs += (length * (length - 1)) / 2;
    }
    return pairs;
  });
  if (counts.reduce((sum, count) => sum + count, 0) > MOST_PAIRS) return undefined;
  return markets.map((market, m) => {
    const { rows, indptr, indices } = market.interactions;
    const found = new Float64Array(counts[m]);
    let next = 0;
    for (let user = 0; user < rows; user++)
      for (let a = indptr[user]; a < indptr[user + 1]; a++)
        for (let b = a + 1; b < indptr[user + 1]; b++)
          found[next++] = market.items[indices[a]] * items.length + market.items[indices[b]];
    found.sort();
    return found.filter((pair, i) => i === 0 || pair !== found[i - 1]);
  });
}

/** Of the pairs of one, the share that the other has too. */
function shareOf(one: Float64Array, other: Float64Array): number {
  let [both, j] = [0, 0];
  for (const pair of one) {
    while (j < other.length && other[j] < pair) j++;
    if (other[j] === pair) both++;
  }
  return both / Math.max(1, one.length);
}
