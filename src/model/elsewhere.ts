// Items that a market sells and nobody there has bought: what is known of them is known from other markets, or nowhere.
import type { MarketModel } from './model.ts';

/**
 * The markets where somebody has bought an item that nobody in this one has; undefined for an item that somebody here
 * has.
 */
export function boughtIn(
  { popularity, otherMarkets, boughtElsewhere }: MarketModel,
  position: number,
): string[] | undefined {
  if (!otherMarkets || !boughtElsewhere || popularity[position] > 0) return undefined;
  const { indptr, indices } = boughtElsewhere;
  return Array.from(indices.subarray(indptr[position], indptr[position + 1]), (market) => otherMarkets[market]);
}

/** (n) the order of items for whom nothing is known: users in the market, then, below one user, those elsewhere. */
export function popularityScores({ popularity, boughtElsewhere }: MarketModel): Float32Array {
  const scores = Float32Array.from(popularity);
  if (!boughtElsewhere) return scores;
  const { indptr, values } = boughtElsewhere;
  const totals = Float64Array.from(popularity, (_, item) => {
    let total = 0;
    for (let e = indptr[item]; e < indptr[item + 1]; e++) total += values[e];
    return total;
  });
  const most = totals.reduce((a, b) => Math.max(a, b), 0);
  for (const [item, total] of totals.entries()) if (popularity[item] === 0) scores[item] = total / (most + 1);
  return scores;
}
