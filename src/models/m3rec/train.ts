// M3Rec in the paper's three steps: the similarity of items within a market, that between markets, and the markets'
// adaptation.
import type { Market, Markets } from '../../data/markets.ts';
import type { Adaptation, AdaptationInput } from '../../embedding/market-adaptation.ts';
import { propagateTable } from '../../embedding/propagation.ts';
import type { Kernels } from '../../engine/types.ts';
import { normaliseRows } from '../../matrix/normalise.ts';
import { emptyMatrix, identity, type SparseMatrix } from '../../matrix/sparse.ts';
import { tailor } from '../../matrix/tailor.ts';
import type { MarketModel } from '../../model/model.ts';
import { bothWays, type Interactions, marketBasics, mergeInteractions } from '../interactions.ts';
import { intraSimilarity } from '../intra.ts';
import { type ItemVectors, rowsOf } from '../item-vectors.ts';
import type { TrainedParts, TrainRun } from '../kind.ts';
import { linearScores, walkScores } from '../linear-scores.ts';
import { linearWeightsOf, type M3RecOptions, similaritiesOf } from './options.ts';
import { adaptation, randomWalks, skipGram } from './stages.ts';

/** Steps of Adam in the skip-gram stage. Each costs four sparse products with B, so more walks make larger steps. */
export const SKIPGRAM_STEPS = 240;

export async function train(data: Markets, options: M3RecOptions, work: TrainRun): Promise<TrainedParts> {
  const { run, updatable } = work;
  const kernels = await work.kernels();
  const { intra, inter } = similaritiesOf(options);
  const interactions = bothWays(kernels, mergeInteractions(data));

  const merged = intra ? await run(intraSimilarity(options, updatable), interactions) : undefined;
  const vectors = inter ? await interSimilarity(interactions, merged?.similarity, options, work) : undefined;
  const inputs = data.markets.map((market) => adaptationInput(kernels, market, merged?.similarity, vectors));
  const { markets: adapted } = await run(adaptation(options), inputs);

  const linear = await linearParts(data.markets, interactions, merged?.similarity, options, work);
  const markets = data.markets.map((market, m) => ({
    ...marketBasics(market),
    ...vectorsOf(kernels, inputs[m].similarity, adapted[m], options.dim),
    ...linear[m],
    cosineWeight: options.mix?.cosine ?? 1,
  }));
  return { dim: options.dim, inverse: merged?.inverse, markets };
}

/** In what EASE of one item costs: the walks and the skip-gram over them, and an epoch of a user's adaptation, for each of d. */
const EMBEDDING_COST = 0.02;
const ADAPTATION_COST = 0.004;

/** The stages of `train`, in its order. */
export function costs(data: Markets, options: M3RecOptions): number[] {
  const { intra, inter } = similaritiesOf(options);
  const weights = linearWeightsOf(options);
  const items = data.items.length;
  const users = data.markets.reduce((sum, market) => sum + market.users.length, 0);
  return [
    ...(intra ? [items] : []),
    ...(inter ? [0.1 * items, EMBEDDING_COST * options.dim * items] : []),
    ADAPTATION_COST * options.dim * options.epochs * users,
    ...(weights.walk > 0 ? [0.1 * items] : []),
    ...(weights.market > 0 ? data.markets.map((market) => market.items.length) : []),
  ];
}

/** V_glob (n × d): skip-gram over walks that cross the markets, propagated by B. */
async function interSimilarity(
  interactions: Interactions,
  similarity: SparseMatrix | undefined,
  options: M3RecOptions,
  { run, kernels }: TrainRun,
): Promise<ItemVectors> {
  const B = similarity ? normaliseRows(await kernels(), similarity) : emptyMatrix(interactions.X.cols);
  const walks = await run(randomWalks(options), interactions);
  return run(skipGram(skipGramSettings(options)), { walks, B });
}

export const skipGramSettings = (options: M3RecOptions) => ({
  ...options,
  learningRate: options.walkLearningRate,
  steps: SKIPGRAM_STEPS,
});

/** What a market adapts: its part of B, rows normalised, and of V_glob. */
export function adaptationInput(
  kernels: Kernels,
  { items, interactions }: Pick<Market, 'items' | 'interactions'>,
  merged: SparseMatrix | undefined,
  vectors: ItemVectors | undefined,
): AdaptationInput {
  return {
    interactions,
    similarity: merged ? normaliseRows(kernels, tailor(merged, items)) : identity(items.length),
    global: vectors && rowsOf(vectors, items),
  };
}

/** S of each market, and the inverse behind its own EASE. */
async function linearParts(
  markets: readonly Market[],
  all: Interactions,
  merged: SparseMatrix | undefined,
  options: M3RecOptions,
  { run, kernels, updatable }: TrainRun,
): Promise<Pick<MarketModel, 'linear' | 'linearWeight' | 'inverse'>[]> {
  const weights = linearWeightsOf(options);
  const { rp3beta: beta, rp3Threshold: threshold } = options;
  const walk = weights.walk > 0 ? await run(walkScores({ beta, threshold }), all) : undefined;
  const parts = [];
  for (const { name, items, interactions } of markets) {
    const own =
      weights.market > 0
        ? await run(intraSimilarity(options, updatable, name), bothWays(await kernels(), interactions))
        : undefined;
    const linear = linearScores(items, weights, { merged, market: own?.similarity, walk });
    parts.push({ linear, linearWeight: linear ? 1 : 0, inverse: own?.inverse });
  }
  return parts;
}

/** P = B V and the unit rows of V. */
function vectorsOf(kernels: Kernels, similarity: SparseMatrix, { vectors, userVectors }: Adaptation, dim: number) {
  return {
    foldIn: propagateTable(kernels, similarity, vectors, dim),
    vectors: unitRows(kernels, vectors, dim),
    userVectors,
  };
}

/** The rows of a table of d columns, each of length 1; zero rows stay zero. */
export function unitRows({ exports, memory }: Kernels, table: Float32Array, dim: number): Float32Array {
  const mark = memory.mark();
  try {
    const rows = table.length / dim;
    const address = memory.put(table);
    exports.unitRows(rows, dim, address, address, memory.allocate(4 * rows));
    return memory.f32(address, table.length).slice();
  } finally {
    memory.release(mark);
  }
}
