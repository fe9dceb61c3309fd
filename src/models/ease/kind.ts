import { tailor } from '../../matrix/tailor.ts';
import { growLearned } from '../grow-learned.ts';
import { bothWays, marketBasics, mergeInteractions } from '../interactions.ts';
import { intraSimilarity } from '../intra.ts';
import type { ModelKind } from '../kind.ts';
import { linearScores } from '../linear-scores.ts';
import { type M3RecOptions, resolveM3RecOptions } from '../m3rec/options.ts';
import { tieBreaks } from '../tie-break.ts';
import { checkHasInverses, checkInverses, readLinearSettings, updateTerms } from '../updatable.ts';
import { EASE_OPTIONS } from './options.ts';
import { ease as served } from './served.ts';

/** S = B̂ of all markets. */
const WEIGHTS = { merged: 1, market: 0, walk: 0 };

/**
 * EASEᴿ (Steck, 2019) on all markets together: the filtered similarities are the scores, and popularity orders what they
 * leave equal.
 */
export const ease = {
  ...served,
  title: 'EASE: similarities of items in closed form, over all markets',
  personal: true,
  foldsIn: true,
  explains: true,
  options: EASE_OPTIONS,
  // Files of this kind have recorded M3Rec's options since version 1.
  resolve: resolveM3RecOptions,

  async train(data, options, { run, kernels, updatable }) {
    const interactions = bothWays(await kernels(), mergeInteractions(data));
    const { similarity, inverse } = await run(intraSimilarity(options, updatable), interactions);
    const biases = tieBreaks(data);
    const markets = data.markets.map((market, m) => ({
      ...marketBasics(market),
      linear: tailor(similarity, market.items),
      linearWeight: 1,
      bias: biases[m],
    }));
    return { inverse, markets };
  },

  updating: {
    keepsVectors: false,
    checkTraining: (markets, options) => checkInverses(markets, WEIGHTS, options),
    check: (model) => checkHasInverses(model, WEIGHTS),
    async apply(model, grown, run) {
      const settings = readLinearSettings(model, WEIGHTS);
      const { inverse, residual, markets: updated } = await updateTerms(model, grown, settings, run);
      const biases = tieBreaks(grown);
      const markets = grown.markets.map((market, m) => ({
        ...growLearned(model.markets[m], market, model.dim),
        linear: linearScores(market.items, WEIGHTS, updated[m].terms),
        bias: biases[m],
      }));
      return { inverse, markets, residual };
    },
  },
} as const satisfies ModelKind<M3RecOptions>;
