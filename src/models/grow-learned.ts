import type { MarketModel } from '../model/model.ts';
import type { Table } from '../model/table.ts';
import type { GrownMarket } from './grow-markets.ts';
import { marketBasics } from './interactions.ts';

/**
 * A market after an update, with what was learned of it: the rows of known items and users at their new positions,
 * zeros for new ones. What is counted or solved is left out, and is the caller's to add.
 */
export function growLearned(old: MarketModel, market: GrownMarket, dim: number): MarketModel {
  const { linearWeight, linearPower, cosineWeight, foldIn, vectors, bias, userVectors } = old;
  return {
    ...marketBasics(market),
    linearWeight,
    linearPower,
    cosineWeight,
    foldIn: foldIn && moveRows(foldIn, market.oldOf, dim),
    vectors: vectors && moveRows(vectors, market.oldOf, dim),
    bias: bias && moveRows(bias, market.oldOf, 1),
    userVectors: userVectors && moveRows(userVectors, market.oldOfUser, dim),
  };
}

/** Rows of a table at their new positions, zero if there was none. Tables are f32: narrowed ones are not updated. */
function moveRows(table: Table, oldOf: Int32Array, dim: number): Float32Array {
  const values = table as Float32Array;
  const moved = new Float32Array(oldOf.length * dim);
  for (const [row, old] of oldOf.entries())
    if (old >= 0) moved.set(values.subarray(old * dim, (old + 1) * dim), row * dim);
  return moved;
}
