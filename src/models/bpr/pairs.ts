// What BPR and LightGCN share: the stage, and the parts of their models.
import type { Markets } from '../../data/markets.ts';
import type { PairMarket } from '../../embedding/pair-batches.ts';
import { learnPairs, type PairInput, type PairOptions, type PairVectors, pairBytes } from '../../embedding/pairs.ts';
import type { Stage } from '../../engine/stage.ts';
import type { SparsePattern } from '../../matrix/sparse.ts';
import { dotParts, EXTRA } from '../dot-parts.ts';
import { marketBasics } from '../interactions.ts';
import { rowsOf } from '../item-vectors.ts';
import type { TrainedParts } from '../kind.ts';

/** The markets as the rows of X have them. */
export const pairsOf = ({ markets }: Markets): PairMarket[] =>
  markets.map(({ interactions, items }) => ({ users: interactions.rows, items }));

/** Learns vectors of users and items. */
export function pairStage(options: PairOptions): Stage<PairInput, PairVectors> {
  return {
    name: 'pairs',
    id: 'pairs',
    bytes: (input) => pairBytes(input, options),
    async run(input, context) {
      const value = await learnPairs(context, input, options);
      return { value, fact: { users: input.X.rows, items: input.X.cols, loss: value.loss } };
    },
  };
}

/** What was learned over all markets, row by row. */
export interface PairTablesOf {
  dim: number;
  /** Scores are products of these, and the bias. */
  users: Float32Array;
  items: Float32Array;
  bias?: Float32Array;
  /** Whose mean over a history is the vector of an unseen user. */
  foldIn: Float32Array;
  /** The rows of each market's items, where they are not those of the union. */
  places?: readonly Int32Array[];
}

/** Numbers for each item of a market's model. */
export const pairColumns = (_: Markets, { dim }: { dim: number }): number => 2 * (dim + EXTRA);

/** The parts of the models of the markets; a known user's own part makes up what the mean of the history lacks. */
export function pairMarkets(
  { markets }: Markets,
  { dim, users, items, bias, foldIn, places }: PairTablesOf,
): TrainedParts {
  let first = 0;
  return {
    dim: dim + EXTRA,
    markets: markets.map((market, m) => {
      const at = places?.[m] ?? market.items;
      const rows = (table: Float32Array, width = dim) => rowsOf({ vectors: table, width }, at);
      const folded = rows(foldIn);
      const own = users.slice(first * dim, (first + market.interactions.rows) * dim);
      first += market.interactions.rows;
      subtractMeans(own, market.interactions, folded, dim);
      return {
        ...marketBasics(market),
        ...dotParts(dim, rows(items), folded, own),
        ...(bias && { bias: rows(bias, 1) }),
      };
    }),
  };
}

/** Takes the mean of the history's rows from each user's. */
function subtractMeans(own: Float32Array, { rows, indptr, indices }: SparsePattern, table: Float32Array, d: number) {
  const sum = new Float64Array(d);
  for (let user = 0; user < rows; user++) {
    const count = indptr[user + 1] - indptr[user];
    if (count === 0) continue;
    sum.fill(0);
    for (let e = indptr[user]; e < indptr[user + 1]; e++)
      for (let k = 0; k < d; k++) sum[k] += table[indices[e] * d + k];
    for (let k = 0; k < d; k++) own[user * d + k] -= sum[k] / count;
  }
}

/**
 * What makes the vector of an unseen user on the graph: rows divided by √D of their item, zero for an item without users.
 * @param transposed (items × users)
 */
export function perRootOfUsers(table: Float32Array, { rows, indptr }: SparsePattern, d: number): Float32Array {
  const divided = new Float32Array(table.length);
  for (let item = 0; item < rows; item++) {
    const users = indptr[item + 1] - indptr[item];
    if (users > 0) for (let k = item * d; k < (item + 1) * d; k++) divided[k] = table[k] / Math.sqrt(users);
  }
  return divided;
}
