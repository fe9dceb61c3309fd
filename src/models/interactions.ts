// What every kind takes from the data: X over all markets, and the basics of a market.
import type { Market, Markets } from '../data/markets.ts';
import type { Kernels } from '../engine/types.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import type { MarketModel } from '../model/model.ts';

/** X (users × items) both ways. */
export interface Interactions {
  X: SparsePattern;
  /** Xᵀ. */
  transposed: SparsePattern;
}

/** @throws MemoryError if X does not fit. */
export function bothWays(kernels: Kernels, X: SparsePattern): Interactions {
  return { X, transposed: transpose(kernels, X) };
}

/** X (|U| × |V|): the markets' users one after the other, over the union of the items. */
export function mergeInteractions({ items, markets }: Markets): SparsePattern {
  const rows = markets.reduce((sum, market) => sum + market.interactions.rows, 0);
  const entries = markets.reduce((sum, market) => sum + market.interactions.indices.length, 0);
  const indptr = new Int32Array(rows + 1);
  const indices = new Int32Array(entries);
  let row = 0;
  let filled = 0;
  for (const market of markets) {
    // positions in `items` rise, so a row's columns stay in order
    for (let e = 0; e < market.interactions.indices.length; e++)
      indices[filled + e] = market.items[market.interactions.indices[e]];
    for (let user = 1; user <= market.interactions.rows; user++)
      indptr[++row] = filled + market.interactions.indptr[user];
    filled += market.interactions.indices.length;
  }
  return { rows, cols: items.length, indptr, indices };
}

/** What a model of any kind holds of a market; it scores nothing yet. */
export function marketBasics(market: Market): MarketModel {
  return {
    name: market.name,
    items: market.items,
    popularity: countUsers(market.interactions),
    users: market.users,
    seenItems: market.interactions,
    linearWeight: 0,
    linearPower: 0,
    cosineWeight: 0,
  };
}

/** Users per item. */
export function countUsers(interactions: SparsePattern): Uint32Array {
  const counts = new Uint32Array(interactions.cols);
  for (const item of interactions.indices) counts[item]++;
  return counts;
}
