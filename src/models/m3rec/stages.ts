// The stages of M3Rec as values: random walks, skip-gram, market adaptation.

import { type AdaptationOptions, adapt, adaptationBytes } from '../../embedding/adapt.ts';
import type { Adaptation, AdaptationInput } from '../../embedding/market-adaptation.ts';
import { type SkipGramOptions, skipgram, skipgramBytes } from '../../embedding/skipgram.ts';
import { makeWalks, type WalkOptions, walksBytes } from '../../embedding/walks.ts';
import type { Codec, Stage } from '../../engine/stage.ts';
import type { SparseMatrix } from '../../matrix/sparse.ts';
import { codecOf } from '../artefact.ts';
import type { Interactions } from '../interactions.ts';
import { type ItemVectors, itemVectorsArtefact } from '../item-vectors.ts';

/** Random walks over items. */
export interface Walks {
  /** Items that walks may go over. */
  items: number;
  /** Items of a walk. */
  width: number;
  /** (number of walks × width) positions of items. */
  positions: Int32Array;
}

const walksArtefact: Codec<Walks> = codecOf({
  name: 'walks',
  fields: [
    { name: 'positions', type: 'i32', sections: { 2: 'positions' }, use: 'other', cols: 'width', required: true },
  ],
  sizesOf: (walks) => walks,
  build({ positions }, { items, width }, file) {
    // kernels use them as indices
    const wrong = (positions as Int32Array).findIndex((position) => position < 0 || position >= items);
    if (wrong >= 0) file.refuse('positions', (positions as Int32Array)[wrong], `a position below ${items}`, 4 * wrong);
    return { items, width, positions: positions as Int32Array };
  },
});

/** Walks over the items of all markets. */
export function randomWalks(options: WalkOptions): Stage<Interactions, Walks> {
  return {
    name: 'walks',
    id: 'walks',
    bytes: ({ X }) => walksBytes(X, options),
    async run({ X, transposed }, context) {
      const positions = await makeWalks(context, X, transposed, options);
      const { walkLength: width } = options;
      return { value: { items: X.cols, width, positions }, fact: { walks: positions.length / width } };
    },
    artefact: walksArtefact,
  };
}

/** V_glob, from the walks and B (n × n), rows normalised. */
export function skipGram(
  options: Omit<SkipGramOptions, 'walkLength'>,
): Stage<{ walks: Walks; B: SparseMatrix }, ItemVectors> {
  const taken = ({ walks, B }: { walks: Walks; B: SparseMatrix }) =>
    [
      { walks: walks.positions, similarity: B },
      { ...options, walkLength: walks.width },
    ] as const;
  return {
    name: 'skip-gram',
    id: 'skip-gram',
    bytes: (input, exports) => skipgramBytes(...taken(input), exports),
    async run(input, context) {
      const { vectors, loss } = await skipgram(context, ...taken(input));
      return { value: { items: input.B.rows, width: options.dim, vectors }, fact: { loss } };
    },
    artefact: itemVectorsArtefact,
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
