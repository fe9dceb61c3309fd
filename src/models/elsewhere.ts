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
  const users = markets.map((market, m) => {
    const all = new Int32Array(items.length);
    for (const [position, item] of market.items.entries()) all[item] = counts[m][position];
    return all;
  });
  return markets.map((market, m) => {
    if (counts[m].every((count) => count > 0) && !models[m].bias?.includes(-MAX_FLOAT)) return models[m];
    const others = markets.map((_, other) => other).filter((other) => other !== m);
    const indptr = new Int32Array(market.items.length + 1);
    const indices: number[] = [];
    const values: number[] = [];
    const never: number[] = [];
    for (const [position, item] of market.items.entries()) {
      for (const [column, other] of others.entries()) {
        if (counts[m][position] > 0 || users[other][item] === 0) continue;
        indices.push(column);
        values.push(users[other][item]);
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
