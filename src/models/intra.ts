// Stage 1: the intra-market similarity B̂, by whichever solver fits, and what follows it when interactions are added.
import type { Codec, Stage, StageContext, StageResult } from '../engine/stage.ts';
import { gram, gramBytes } from '../matrix/gram.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { tileValues } from '../matrix/tiles.ts';
import { easeWithInverse } from '../similarity/ease.ts';
import { planBytes } from '../similarity/elimination.ts';
import { groupEase, groupEaseBytes } from '../similarity/groups.ts';
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
  /** Absent: groups, unless the inverse is needed. */
  easeSolver?: 'exact' | 'groups';
  /** Items of a system of EASE by groups. */
  systemItems: number;
}

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
      chooseSolver(options, updatable).exact
        ? Math.max(gramBytes(X), planBytes(X.cols))
        : groupEaseBytes(X, shapeOf(options)),
    run(interactions, context) {
      const { exact, why } = chooseSolver(options, updatable);
      return exact
        ? solveExactly(context, interactions, options, updatable, why)
        : solveByGroups(context, interactions, options, why);
    },
    artefact,
    resume: (_, value) => ({
      value,
      fact: { items: value.similarity.rows, entries: value.similarity.values.length },
    }),
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

async function solveByGroups(
  context: StageContext,
  { X, transposed }: Interactions,
  options: IntraOptions,
  why: string,
): Promise<StageResult<IntraSimilarity>> {
  const shape = shapeOf(options);
  const { similarity, groups } = await groupEase(context, X, transposed, {
    lambda: options.lambdaF,
    epsilon: options.epsilon,
    ...shape,
  });
  return {
    value: { similarity },
    fact: { items: similarity.rows, entries: similarity.values.length },
    note: `${groups.toLocaleString('en-US')} groups of up to ${shape.group} items, each solved with up to ${shape.most} others that matter most to it (${why})`,
  };
}

/** The shape of the systems of EASE by groups. */
export const shapeOf = ({ systemItems }: IntraOptions) => ({ group: systemItems / 8, most: (systemItems / 8) * 7 });

/** Whether B̂ is solved exactly, and why. */
export function chooseSolver({ easeSolver }: IntraOptions, updatable: boolean): { exact: boolean; why: string } {
  if (easeSolver) return { exact: easeSolver === 'exact', why: 'as asked' };
  return updatable
    ? { exact: true, why: 'an updatable model needs the inverse' }
    : { exact: false, why: 'ranks as the exact inverse does, sooner' };
}

/** B̂ and its inverse after a change of X. */
export function updatedSimilarity(
  options: Pick<IntraOptions, 'lambdaF' | 'epsilon'>,
  market?: string,
): Stage<EaseUpdate, UpdatedEase> {
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
