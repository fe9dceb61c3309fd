// S, the linear scores: B̂ of all markets, B̂ of the market itself and RP3β, each with a weight.
import type { Stage } from '../engine/stage.ts';
import { combine } from '../matrix/combine.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { tailor } from '../matrix/tailor.ts';
import { type Rp3BetaOptions, rp3beta, rp3betaBytes } from '../similarity/rp3beta.ts';
import type { Interactions } from './interactions.ts';

/** The weights of S = merged · B̂ + market · B̂_m + walk · RP3β. */
export interface LinearWeights {
  merged: number;
  market: number;
  walk: number;
}

/** The terms of S: B̂ and RP3β over all items, B̂_m over the market's own; absent if their weight is 0. */
export interface LinearTerms {
  merged?: SparseMatrix;
  market?: SparseMatrix;
  walk?: SparseMatrix;
}

/** S of a market with these items; undefined if no term has a weight. */
export function linearScores(
  items: Int32Array,
  weights: LinearWeights,
  { merged, market, walk }: LinearTerms,
): SparseMatrix | undefined {
  const terms: { weight: number; matrix: SparseMatrix }[] = [];
  if (merged && weights.merged > 0) terms.push({ weight: weights.merged, matrix: tailor(merged, items) });
  if (market) terms.push({ weight: weights.market, matrix: market });
  if (walk) terms.push({ weight: weights.walk, matrix: tailor(walk, items) });
  return terms.length > 0 ? combine(items.length, terms) : undefined;
}

/** RP3β over the items of all markets. */
export function walkScores(options: Rp3BetaOptions): Stage<Interactions, SparseMatrix> {
  return {
    name: 'walk scores',
    id: 'walk-scores',
    bytes: ({ X }) => rp3betaBytes(X, options),
    async run({ X, transposed }, context) {
      const value = await rp3beta(context, X, transposed, options);
      return { value, fact: { entries: value.values.length } };
    },
  };
}
