// M3Rec after new interactions: its linear scores follow them, what is learned stays. P and V keep their rows; those of
// new items are zero, so that the linear scores alone rank these.
import { ArgumentError, checkNumber } from '../../common/errors.ts';
import type { Model } from '../../model/model.ts';
import { growLearned } from '../grow-learned.ts';
import type { Updating } from '../kind.ts';
import { type LinearWeights, linearScores } from '../linear-scores.ts';
import { checkHasInverses, checkInverses, readLinearSettings, recordedOptions, updateTerms } from '../updatable.ts';
import { linearWeightsOf, type M3RecOptions, type Mix } from './options.ts';

export const updating: Updating<M3RecOptions> = {
  keepsVectors: true,
  checkTraining(markets, options) {
    const weights = linearWeightsOf(options);
    if (!hasLinearScores(weights))
      throw ArgumentError.because(
        'updatable',
        'only a model with linear scores (transfer, ease, or preset softmax) can be updated; this one would score by its vectors alone',
      );
    checkInverses(markets, weights, options);
  },

  check(model) {
    const weights = readWeights(model);
    readLinearSettings(model, weights);
    if (!hasLinearScores(weights))
      throw ArgumentError.because(
        'model',
        'a model that scores by its vectors alone (preset paper) cannot be updated; train it again',
      );
    checkHasInverses(model, weights);
  },

  async apply(model, grown, run) {
    const weights = readWeights(model);
    const settings = readLinearSettings(model, weights);
    const { inverse, residual, markets: updated } = await updateTerms(model, grown, settings, run);
    const markets = grown.markets.map((market, m) => ({
      ...growLearned(model.markets[m], market, model.dim),
      linear: linearScores(market.items, weights, updated[m].terms),
      inverse: updated[m].inverse,
    }));
    return { inverse, markets, residual };
  },
};

const hasLinearScores = ({ merged, market, walk }: LinearWeights) => merged + market + walk > 0;

/** The weights that the model records. @throws ArgumentError for values that training cannot have recorded. */
function readWeights({ training }: Model): LinearWeights {
  const { mix } = recordedOptions(training);
  if (typeof mix !== 'object' || mix === null) return linearWeightsOf({});
  const weight = (name: keyof Mix) =>
    checkNumber(`model, training.options.mix.${name}`, (mix as Partial<Mix>)[name], 0, 1e9);
  return linearWeightsOf({
    mix: { merged: weight('merged'), market: weight('market'), walk: weight('walk'), cosine: weight('cosine') },
  });
}
