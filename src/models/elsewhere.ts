// What a model keeps of the items that a market sells and nobody there has bought.
import { purchases } from '../data/assortment.ts';
import type { Markets } from '../data/markets.ts';
import type { MarketModel } from '../model/model.ts';
import { MAX_FLOAT } from '../model/table.ts';

/**
 * The models of the markets, each with the other markets that have bought what it only sells. An item that nobody
 * anywhere has bought gets the least bias that there is, so that it comes after all others whatever else a model makes
 * of it.
 */
export function withElsewhere({ items, markets }: Markets, models: readonly MarketModel[]): MarketModel[] {
  const counts = markets.map(purchases);
  const buyers = buyersOf(items.length, markets, counts);
  return markets.map((market, m) => {
    if (counts[m].every((count) => count > 0) && !models[m].bias?.includes(-MAX_FLOAT)) return models[m];
    const others = markets.map((_, other) => other).filter((other) => other !== m);
    const indptr = new Int32Array(market.items.length + 1);
    const indices: number[] = [];
    const values: number[] = [];
    const never: number[] = [];
    for (const [position, item] of market.items.entries()) {
      if (counts[m][position] === 0) {
        // nobody here has bought it, so this market is not among them
        for (let b = buyers.starts[item]; b < buyers.starts[item + 1]; b++) {
          indices.push(buyers.markets[b] < m ? buyers.markets[b] : buyers.markets[b] - 1);
          values.push(buyers.users[b]);
        }
      }
      indptr[position + 1] = indices.length;
      if (counts[m][position] === 0 && indptr[position + 1] === indptr[position]) never.push(position);
    }
    // an update may have brought the first user of an item
    const before = models[m].bias?.map((each) => (each === -MAX_FLOAT ? 0 : each));
    const bias = before ?? new Float32Array(never.length > 0 ? market.items.length : 0);
    for (const position of never) bias[position] = -MAX_FLOAT;
    return {
      ...models[m],
      ...(bias.length > 0 && { bias }),
      otherMarkets: others.map((other) => markets[other].name),
      boughtElsewhere: {
        rows: market.items.length,
        cols: others.length,
        indptr,
        indices: Int32Array.from(indices),
        values: Float32Array.from(values),
      },
    };
  });
}

/** The markets where somebody has bought each item, ascending, with the number of users: those of item i from `starts[i]`. */
function buyersOf(items: number, markets: Markets['markets'], counts: readonly ArrayLike<number>[]) {
  const starts = new Int32Array(items + 1);
  for (const [m, market] of markets.entries())
    for (const [position, item] of market.items.entries()) if (counts[m][position] > 0) starts[item + 1]++;
  for (let item = 0; item < items; item++) starts[item + 1] += starts[item];
  const next = starts.slice();
  const buyers = new Int32Array(starts[items]);
  const users = new Int32Array(starts[items]);
  for (const [m, market] of markets.entries()) {
    for (const [position, item] of market.items.entries()) {
      if (counts[m][position] === 0) continue;
      buyers[next[item]] = m;
      users[next[item]++] = counts[m][position];
    }
  }
  return { starts, markets: buyers, users };
}
