// The stages of M3Rec as values: random walks, skip-gram, market adaptation.

import { type AdaptationOptions, adapt, adaptationBytes } from '../../embedding/adapt.ts';
import type { Adaptation, AdaptationInput } from '../../embedding/market-adaptation.ts';
import { type SkipGramInput, type SkipGramOptions, skipgram, skipgramBytes } from '../../embedding/skipgram.ts';
import { makeWalks, type WalkOptions, walksBytes } from '../../embedding/walks.ts';
import type { Stage } from '../../engine/stage.ts';
import type { Interactions } from '../interactions.ts';

/** Walks over the items of all markets: (number of walks × walkLength) item positions. */
export function randomWalks(options: WalkOptions): Stage<Interactions, Int32Array> {
  return {
    name: 'walks',
    id: 'walks',
    bytes: ({ X }) => walksBytes(X, options),
    async run({ X, transposed }, context) {
      const value = await makeWalks(context, X, transposed, options);
      return { value, fact: { walks: value.length / options.walkLength } };
    },
  };
}

/** V_glob (n × d), from the walks and B. */
export function skipGram(options: SkipGramOptions): Stage<SkipGramInput, Float32Array> {
  return {
    name: 'skip-gram',
    id: 'skip-gram',
    bytes: (input, exports) => skipgramBytes(input, options, exports),
    async run(input, context) {
      const { vectors, loss } = await skipgram(context, input, options);
      return { value: vectors, fact: { loss } };
    },
  };
}

/** What each market learns on its own items, all of them together. */
export function adaptation(options: AdaptationOptions): Stage<readonly AdaptationInput[], Adaptation[]> {
  return {
    name: 'adaptation',
    id: 'adaptation',
    bytes: (markets) => adaptationBytes(markets, options),
    async run(markets, context) {
      const { markets: learned, loss } = await adapt(context, markets, options);
      return { value: learned, fact: { loss } };
    },
  };
}
