import { emptyMatrix } from '../../matrix/sparse.ts';
import { bothWays, marketBasics, mergeInteractions } from '../interactions.ts';
import { rowsOf } from '../item-vectors.ts';
import type { ModelKind } from '../kind.ts';
import { randomWalks, skipGram } from '../m3rec/stages.ts';
import { SKIPGRAM_STEPS, unitRows } from '../m3rec/train.ts';
import { type ResolvedValues, resolveTable } from '../options.ts';
import { tieBreaks } from '../tie-break.ts';
import { ITEM2VEC_OPTIONS } from './options.ts';
import { item2vec as served } from './served.ts';

/**
 * Vectors of items by skip-gram over random walks (Barkan and Koenigstein, 2016; the walks of M3Rec without its intra-market
 * similarity): the score is the cosine with the mean of the history's vectors. The other reading of the paper's "Random
 * Walk", in closed form, is `randomwalk`.
 */
export const item2vec = {
  ...served,
  title: 'Item2vec: vectors of items learned from random walks',
  personal: true,
  foldsIn: true,
  explains: true,
  options: ITEM2VEC_OPTIONS,
  resolve: (given) => resolveTable(ITEM2VEC_OPTIONS, given),
  columns: (_, { dim }) => 2 * dim,

  async train(data, options, { run, kernels }) {
    const interactions = bothWays(await kernels(), mergeInteractions(data));
    const walks = await run(randomWalks(options), interactions);
    const settings = { ...options, learningRate: options.walkLearningRate, steps: SKIPGRAM_STEPS };
    const learned = await run(skipGram(settings), { walks, B: emptyMatrix(interactions.X.cols) });
    const biases = tieBreaks(data);
    const opened = await kernels();
    const markets = data.markets.map((market, m) => {
      const vectors = rowsOf(learned, market.items);
      return {
        ...marketBasics(market),
        foldIn: vectors,
        vectors: unitRows(opened, vectors, options.dim),
        cosineWeight: 1,
        bias: biases[m],
      };
    });
    return { dim: options.dim, markets };
  },
} as const satisfies ModelKind<ResolvedValues<typeof ITEM2VEC_OPTIONS>>;
