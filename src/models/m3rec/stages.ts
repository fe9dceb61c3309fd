// The stages of M3Rec as values: random walks, skip-gram, market adaptation.

import { type AdaptationOptions, adapt, adaptationBytes, meanLoss } from '../../embedding/adapt.ts';
import type { Adaptation, AdaptationInput } from '../../embedding/market-adaptation.ts';
import { type SkipGramOptions, skipgram, skipgramBytes } from '../../embedding/skipgram.ts';
import { makeWalks, type WalkOptions, walksBytes } from '../../embedding/walks.ts';
import type { Codec, Stage } from '../../engine/stage.ts';
import type { SparseMatrix } from '../../matrix/sparse.ts';
import { codecOf } from '../artefact.ts';
import type { Interactions } from '../interactions.ts';
import { type ItemVectors, VECTORS } from '../item-vectors.ts';

/** Random walks over items. */
export interface Walks {
  /** Items that walks may go over. */
  items: number;
  /** Items of a walk. */
  width: number;
  /** (number of walks × width) positions of items. */
  positions: Int32Array;
}

export const walksArtefact: Codec<Walks> = codecOf({
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
      return this.resume!({ X, transposed }, { items: X.cols, width: options.walkLength, positions });
    },
    artefact: walksArtefact,
    resume: (_, value) => ({ value, fact: { walks: value.positions.length / value.width } }),
  };
}

/** Vectors of items, with the loss that the learning ended with. */
export interface LearnedVectors extends ItemVectors {
  loss: number;
}

export const learnedArtefact: Codec<LearnedVectors> = codecOf({
  name: 'learned vectors',
  fields: [VECTORS, { name: 'facts', type: 'json', sections: { 3: 'facts' }, use: 'other', required: true }],
  sizesOf: ({ items, width }) => ({ items, width }),
  valuesOf: ({ vectors, loss }) => ({ vectors, facts: { loss } }),
  build({ vectors, facts }, sizes, file) {
    const { loss } = facts as { loss?: unknown };
    if (typeof loss !== 'number') file.refuse('facts', JSON.stringify(facts), 'a loss');
    return { ...sizes, vectors: vectors as Float32Array, loss: loss as number };
  },
});

/** V_glob, from the walks and B (n × n), rows normalised. */
export function skipGram(
  options: Omit<SkipGramOptions, 'walkLength'>,
): Stage<{ walks: Walks; B: SparseMatrix }, LearnedVectors> {
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
      return { value: { items: input.B.rows, width: options.dim, vectors, loss }, fact: { loss } };
    },
    artefact: learnedArtefact,
    resume: (_, value) => ({ value, fact: { loss: value.loss } }),
  };
}

/** What markets learned, and their losses in the last epoch. */
export interface Adapted {
  markets: Adaptation[];
  losses: Float64Array[];
}

/** What each market learns on its own items, all of them together. */
export function adaptation(options: AdaptationOptions): Stage<readonly AdaptationInput[], Adapted> {
  return {
    name: 'adaptation',
    id: 'adaptation',
    bytes: (markets) => adaptationBytes(markets, options),
    async run(markets, context) {
      return this.resume!(markets, await adapt(context, markets, options));
    },
    resume: (_, value) => ({ value, fact: { loss: meanLoss(value.losses) } }),
  };
}

/** One market's part of `Adapted`, as a file. */
export interface AdaptedMarket {
  learned: Adaptation;
  losses: Float64Array;
  items: number;
  width: number;
}

export const adaptedArtefact: Codec<AdaptedMarket> = codecOf({
  name: 'adapted market',
  fields: [
    VECTORS,
    { name: 'userVectors', type: 'f32', sections: { 3: 'user vectors' }, use: 'vectors', cols: 'width' },
    { name: 'facts', type: 'json', sections: { 4: 'facts' }, use: 'other', required: true },
  ],
  sizesOf: ({ items, width }) => ({ items, width }),
  valuesOf: ({ learned, losses }) => ({ ...learned, facts: { losses: [...losses] } }),
  build({ vectors, userVectors, facts }, sizes, file) {
    const { losses } = facts as { losses?: unknown };
    if (!Array.isArray(losses) || !losses.every((each) => typeof each === 'number'))
      file.refuse('facts', typeof losses, 'losses, a list of numbers');
    const users = userVectors as Float32Array | undefined;
    return {
      ...sizes,
      learned: { vectors: vectors as Float32Array, ...(users && { userVectors: users }) },
      losses: Float64Array.from(losses as number[]),
    };
  },
});
