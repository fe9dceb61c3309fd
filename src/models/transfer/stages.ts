// The stages: vectors of all items, then for each market what the others know of its items, and what it makes of that.
import { singularBytes, singularVectors } from '../../embedding/singular-vectors.ts';
import type { Source, Stage, StageContext } from '../../engine/stage.ts';
import type { SparseMatrix, SparsePattern } from '../../matrix/sparse.ts';
import { groupEase } from '../../similarity/groups.ts';
import { jaccard } from '../../similarity/jaccard.ts';
import type { Interactions } from '../interactions.ts';
import { type ItemVectors, itemVectorsArtefact } from '../item-vectors.ts';
import { describeSources } from '../sources.ts';
import type { TransferOptions } from './options.ts';

/** Larger systems than EASE alone needs: what a prior adds reaches further. */
export const SYSTEMS = { group: 16, most: 448, width: 128 };

/** Vectors of the items of all markets, from all users. */
export function itemVectors(dim: number, seed: number): Stage<SparsePattern, ItemVectors> {
  return {
    name: 'item vectors',
    id: 'item-vectors',
    bytes: (X) => singularBytes(X, { dim }),
    async run(X, context) {
      const vectors = await singularVectors(context, X, { dim, seed });
      return this.resume!(X, { items: X.cols, width: dim, vectors });
    },
    artefact: itemVectorsArtefact,
    resume: (X, value) => ({ value, fact: { items: X.cols, dimensions: dim } }),
  };
}

/** B_others: the EASE of the other markets' users over the items of one. */
export function othersSimilarity(
  { othersLambda: lambda, epsilon }: TransferOptions,
  market: string,
  sources: readonly Source[],
): Stage<Interactions, SparseMatrix> {
  return {
    name: `similarity elsewhere, for ${market}`,
    id: 'others-similarity',
    market,
    bytes: () => 0,
    async run(interactions, context) {
      const { X, transposed } = interactions;
      const { similarity } = await groupEase(context, X, transposed, { ...SYSTEMS, lambda, epsilon });
      return this.resume!(interactions, similarity);
    },
    resume: ({ X }, similarity) => ({
      value: similarity,
      fact: { users: X.rows, entries: similarity.values.length },
      sources,
      note: `of ${X.cols.toLocaleString('en-US')} items, from ${describeSources(sources)}`,
    }),
  };
}

/** What a market's scores are made of. */
export interface MarketSimilarity {
  /** B_m, entries of ε and more. */
  similarity: SparseMatrix;
  /** w (B_ij + J_ij) for each of its entries. */
  maxima: Float32Array;
}

/** B_m, started from `prior` if there is one, and the maxima at its entries. */
export function marketSimilarity(
  options: TransferOptions,
  market: string,
  prior: SparseMatrix | undefined,
): Stage<Interactions, MarketSimilarity> {
  const { lambda, epsilon, borrow: strength } = options;
  return {
    name: `similarity of ${market}`,
    id: 'market-similarity',
    market,
    bytes: () => 0,
    async run(interactions, context) {
      const { X, transposed } = interactions;
      const { similarity } = await groupEase(context, X, transposed, {
        ...SYSTEMS,
        lambda,
        epsilon,
        ...(prior && { prior: { similarity: prior, strength } }),
      });
      return this.resume!(interactions, await withMaxima(context, interactions, similarity, options));
    },
    resume: ({ X }, value) => ({ value, fact: { items: X.cols, entries: value.similarity.values.length } }),
  };
}

/** Adds the maxima at the entries of B_m. */
export async function withMaxima(
  context: StageContext,
  { X, transposed }: Interactions,
  similarity: SparseMatrix,
  { closest, shrinkage }: Pick<TransferOptions, 'closest' | 'shrinkage'>,
): Promise<MarketSimilarity> {
  const part = context.part('shared users');
  const likeness = await jaccard(context.kernels, X, transposed, similarity, shrinkage, (done, total) =>
    part.tick(done, total),
  );
  const { values } = similarity;
  return { similarity, maxima: likeness.map((value, e) => closest * (values[e] + value)) };
}
