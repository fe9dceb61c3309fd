// Stage 1: the intra-market similarity B̂, by whichever solver fits, and what follows it when interactions are added.
import type { Codec, Stage, StageContext, StageResult } from '../engine/stage.ts';
import { gram, gramBytes } from '../matrix/gram.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { tileValues } from '../matrix/tiles.ts';
import { conjugateBytes, conjugateEase } from '../similarity/conjugate.ts';
import { easeWithInverse } from '../similarity/ease.ts';
import { planBytes } from '../similarity/elimination.ts';
import { type EaseUpdate, type UpdatedEase, updateEase } from '../similarity/woodbury.ts';
import { codecOf } from './artefact.ts';
import type { Interactions } from './interactions.ts';

/** B̂ (n × n), entries below ε dropped, rows not normalised. */
export interface IntraSimilarity {
  similarity: SparseMatrix;
  /** The tiles of −(G + λI)⁻¹, if the model is to be updatable. */
  inverse?: Float32Array;
}

const artefact: Codec<IntraSimilarity> = codecOf({
  name: 'similarity',
  fields: [
    {
      name: 'similarity',
      type: 'matrix',
      sections: { 2: 'indptr', 3: 'indices', 4: 'values' },
      use: 'similarities',
      rows: 'items',
      cols: 'items',
      required: true,
    },
    { name: 'inverse', type: 'tiles', sections: { 5: 'inverse' }, use: 'for update', rows: 'items' },
  ],
  sizesOf: ({ similarity }) => ({ items: similarity.rows, width: similarity.cols }),
  build: ({ similarity, inverse }) => ({ similarity, inverse }) as IntraSimilarity,
});

export interface IntraOptions {
  /** λ_F. */
  lambdaF: number;
  /** ε. */
  epsilon: number;
  /** Absent: by the number of items. */
  easeSolver?: 'exact' | 'iterative';
}

/** Items up to which B̂ is exact by default: the dense way takes 8 · 10¹² operations for them, and 0.8 GB. */
export const EXACT_ITEMS = 20_000;

/** Which stage it is: of one market, or of all of them merged. */
const named = (market: string | undefined) =>
  market === undefined
    ? { name: 'similarity of all markets', id: 'merged-similarity' }
    : { name: `similarity of ${market}`, id: 'market-similarity', market };

/** @param market absent: X is that of all markets. @param updatable whether the inverse is kept. */
export function intraSimilarity(
  options: IntraOptions,
  updatable: boolean,
  market?: string,
): Stage<Interactions, IntraSimilarity> {
  return {
    ...named(market),
    bytes: ({ X }) =>
      chooseSolver(X.cols, options, updatable).exact
        ? Math.max(gramBytes(X), planBytes(X.cols))
        : conjugateBytes(X.cols, X.rows, X.indices.length),
    run(interactions, context) {
      const { exact, why } = chooseSolver(interactions.X.cols, options, updatable);
      return exact
        ? solveExactly(context, interactions, options, updatable, why)
        : solveIteratively(context, interactions, options, why);
    },
    artefact,
  };
}

async function solveExactly(
  context: StageContext,
  { X, transposed }: Interactions,
  { lambdaF: lambda, epsilon }: IntraOptions,
  updatable: boolean,
  why: string,
): Promise<StageResult<IntraSimilarity>> {
  const matrix = gram(context.kernels, X, transposed);
  const { way, similarity, inverse } = await easeWithInverse(context, matrix, { lambda, epsilon }, updatable);
  return {
    value: { similarity, inverse },
    fact: { items: similarity.rows, entries: similarity.values.length },
    note: `exact, ${way} (${why})`,
  };
}

async function solveIteratively(
  context: StageContext,
  { X, transposed }: Interactions,
  { lambdaF: lambda, epsilon }: IntraOptions,
  why: string,
): Promise<StageResult<IntraSimilarity>> {
  context.note(`by conjugate gradients, ${why}`);
  const { similarity, core, steps, residual } = await conjugateEase(context, X, transposed, { lambda, epsilon });
  const found = `${steps.toFixed(1)} steps a column of the tail, entries off by about ${residual.toExponential(1)}`;
  return {
    value: { similarity },
    fact: { items: similarity.rows, entries: similarity.values.length, core, residual },
    note: `conjugate gradients beside an exact core of ${core.toLocaleString('en-US')} (${why}): ${found}`,
  };
}

/** Whether B̂ of this number of items is solved exactly, and why. */
function chooseSolver(
  items: number,
  { easeSolver }: IntraOptions,
  updatable: boolean,
): { exact: boolean; why: string } {
  const limit = EXACT_ITEMS.toLocaleString('en-US');
  if (easeSolver) return { exact: easeSolver === 'exact', why: 'as asked' };
  if (items <= EXACT_ITEMS) return { exact: true, why: `no more than ${limit} items` };
  if (updatable) return { exact: true, why: 'an updatable model needs the inverse' };
  return {
    exact: false,
    why: `${items.toLocaleString('en-US')} items are over the ${limit} that are solved exactly`,
  };
}

/** B̂ and its inverse after a change of X. */
export function updatedSimilarity(options: IntraOptions, market?: string): Stage<EaseUpdate, UpdatedEase> {
  return {
    ...named(market),
    bytes: ({ oldOf }) => 4 * tileValues(oldOf.length),
    async run(update, context) {
      const value = await updateEase(context, update, { lambda: options.lambdaF, epsilon: options.epsilon });
      const entries = value.similarity.values.length;
      return { value, fact: { items: update.oldOf.length, 'changed rows': value.rows, entries } };
    },
  };
}
