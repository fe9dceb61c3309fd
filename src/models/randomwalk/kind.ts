import { walkScores, walkScoresBytes } from '../../similarity/walk-scores.ts';
import { linearKind } from '../linear-kind.ts';
import { RANDOMWALK_OPTIONS } from './options.ts';
import { randomwalk as served } from './served.ts';

/**
 * Random walks over items that the same users have, in closed form: S = Σ_{t=1…τ} c^(t−1) P^t, P = D⁻¹A, A = XᵀX
 * without its diagonal. The other reading of the paper's "Random Walk", by skip-gram, is `item2vec`.
 */
export const randomwalk = linearKind({
  served,
  title: 'Random walk: where a few steps over items of the same users lead',
  options: RANDOMWALK_OPTIONS,
  similarity({ steps, damping, reach: most }) {
    const options = { steps, damping, most };
    return {
      bytes: ({ X }) => walkScoresBytes(X, options),
      async run({ X, transposed }, context) {
        const value = await walkScores(context, X, transposed, options);
        return { value, fact: { items: value.rows, entries: value.values.length } };
      },
    };
  },
});
