// What a training of kind `transfer` has besides its similarities: vectors of all items, and a market's maxima.

import type { SparseMatrix } from '../../matrix/sparse.ts';
import { codecOf } from '../../models/artefact.ts';
import { bothWays } from '../../models/interactions.ts';
import { itemVectorsArtefact } from '../../models/item-vectors.ts';
import { itemVectors, type MarketSimilarity, withMaxima } from '../../models/transfer/stages.ts';
import { joinColumns } from '../../similarity/similar-columns.ts';
import type { JobKind } from '../job-kind.ts';
import { integerOf } from '../params.ts';
import { columnsOf, interactionsOf } from './similarity.ts';

const marketCodec = codecOf<MarketSimilarity>({
  name: 'similarity with maxima',
  fields: [
    {
      name: 'similarity',
      type: 'matrix',
      sections: { 2: 'indptr', 3: 'indices', 4: 'values' },
      use: 'similarities',
      rows: 'items',
      cols: 'items',
      required: true,
      definesEntries: 'entries',
    },
    { name: 'maxima', type: 'f32', sections: { 5: 'maxima' }, use: 'similarities', rows: 'entries', required: true },
  ],
  sizesOf: ({ similarity }) => ({ items: similarity.rows, width: 1 }),
  build: ({ similarity, maxima }) => ({ similarity: similarity as SparseMatrix, maxima: maxima as Float32Array }),
});

export const decodeMarket = (bytes: Uint8Array): MarketSimilarity => marketCodec.decode(bytes);
export const decodeVectors = itemVectorsArtefact.decode;

/** Inputs: a market's interactions, then the columns of all its groups. Outputs: B_m and its maxima. */
export const marketJob: JobKind = {
  name: 'market',
  version: 1,
  async run(params, inputs, context) {
    const [own, ...columns] = inputs;
    const X = await interactionsOf({ ...params, scope: 'own', count: 1 }, [own]);
    const { kernels } = await context.warm('market', () => undefined);
    const similarity = joinColumns(kernels, await columnsOf(columns, X.cols));
    const { closest, shrinkage } = params as { closest: number; shrinkage: number };
    const stage = context.stage(kernels, 'maxima', 'maxima');
    return [marketCodec.encode(await withMaxima(stage, bothWays(kernels, X), similarity, { closest, shrinkage }))];
  },
};

/** Inputs: the interactions of all markets. Outputs: vectors of all items. */
export const vectorsJob: JobKind = {
  name: 'vectors',
  version: 1,
  async run(params, inputs, context) {
    const X = await interactionsOf({ ...params, scope: 'merged', count: inputs.length }, inputs);
    const { kernels } = await context.warm('vectors', () => undefined);
    const stage = itemVectors(integerOf(params, 'dim', 1, 1024), integerOf(params, 'seed', 0, 0xffffffff));
    const { value } = await stage.run(X, context.stage(kernels, stage.name, stage.id));
    return [itemVectorsArtefact.encode(value)];
  },
};
