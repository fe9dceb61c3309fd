// Updates of linear scores: EASE follows changed rows exactly but for rounding, RP3β is made again.
import { ArgumentError, checkNumber, MemoryError } from '../common/errors.ts';
import type { Markets } from '../data/markets.ts';
import { formatBytes } from '../engine/memory.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { tileValues } from '../matrix/tiles.ts';
import type { Model } from '../model/model.ts';
import type { EaseUpdate, RowChange, UpdatedEase } from '../similarity/woodbury.ts';
import type { GrownMarkets } from './grow-markets.ts';
import { bothWays, mergeInteractions } from './interactions.ts';
import { type IntraOptions, updatedSimilarity } from './intra.ts';
import type { Run } from './kind.ts';
import { type LinearTerms, type LinearWeights, walkScores } from './linear-scores.ts';

/** Bytes of inverses that a model file holds: every host can still read files of 2 GiB. */
const MAX_INVERSE_BYTES = 1.9e9;

/** What the linear scores were made with. */
export interface LinearSettings extends Pick<IntraOptions, 'lambdaF' | 'epsilon'> {
  weights: LinearWeights;
  rp3beta: number;
  rp3Threshold: number;
}

/** Throws unless the inverses of these linear scores can be made and stored. */
export function checkInverses({ items, markets }: Markets, weights: LinearWeights, options: IntraOptions): void {
  if (options.easeSolver === 'groups')
    throw new ArgumentError(
      'easeSolver',
      'groups',
      'exact or auto for an updatable model: an update continues from the exact inverse',
    );
  let bytes = weights.merged > 0 ? 4 * tileValues(items.length) : 0;
  if (weights.market > 0) for (const each of markets) bytes += 4 * tileValues(each.items.length);
  if (bytes > MAX_INVERSE_BYTES)
    throw new MemoryError(
      `the inverses of an updatable model take ${formatBytes(bytes)}, and a model file can hold ${formatBytes(MAX_INVERSE_BYTES)}`,
    );
}

/** Throws unless the model has the inverses behind these linear scores. */
export function checkHasInverses(model: Model, { merged, market }: LinearWeights): void {
  if ((merged > 0 && !model.inverse) || (market > 0 && model.markets.some(({ inverse }) => !inverse))) {
    throw ArgumentError.because(
      'model',
      'it lacks the inverses that an update needs; train it with `updatable: true` (m3rec train --updatable)',
    );
  }
}

/** λ, ε and RP3β's parameters as the model records them, each if a weight needs it. */
export function readLinearSettings({ training }: Model, weights: LinearWeights): LinearSettings {
  const found = recordedOptions(training);
  const number = (name: string, min: number, max: number) =>
    checkNumber(`model, training.options.${name}`, found[name], min, max);
  const solved = weights.merged + weights.market > 0;
  return {
    weights,
    lambdaF: solved ? number('lambdaF', 1e-3, 1e9) : 0,
    epsilon: solved ? number('epsilon', -1, 1) : 0,
    rp3beta: weights.walk > 0 ? number('rp3beta', -10, 10) : 0,
    rp3Threshold: weights.walk > 0 ? number('rp3Threshold', 0, 1) : 0,
  };
}

/** The options that a model records. */
export function recordedOptions(training: Model['training']): Record<string, unknown> {
  return (training.options ?? {}) as Record<string, unknown>;
}

/** The terms of the merged data, and those of each market by its number. */
export interface UpdatedTerms {
  inverse?: Float32Array;
  residual: number | null;
  markets: { terms: LinearTerms; inverse?: Float32Array }[];
}

/** The terms of the linear scores after an update. */
export async function updateTerms(
  model: Model,
  grown: GrownMarkets,
  settings: LinearSettings,
  { run, kernels }: Run,
): Promise<UpdatedTerms> {
  const { weights, rp3beta: beta, rp3Threshold: threshold } = settings;
  const residuals: number[] = [];
  const update = async (change: EaseUpdate, market?: string) => {
    const updated = await run(updatedSimilarity(settings, market), change);
    residuals.push(updated.residual);
    return updated;
  };
  let merged: UpdatedEase | undefined;
  let walk: SparseMatrix | undefined;
  if (weights.merged > 0 || weights.walk > 0) {
    const interactions = bothWays(await kernels(), mergeInteractions(grown));
    if (weights.merged > 0) {
      const changes = mergeChanges(grown);
      merged = await update({ inverse: model.inverse!, oldOf: grown.oldOf, changes, ...interactions });
    }
    if (weights.walk > 0) walk = await run(walkScores({ beta, threshold }), interactions);
  }
  const markets: UpdatedTerms['markets'] = [];
  for (const [m, { name, interactions, oldOf, changes }] of grown.markets.entries()) {
    const terms: LinearTerms = { merged: merged?.similarity, walk };
    if (weights.market === 0) {
      markets.push({ terms });
      continue;
    }
    const change = { inverse: model.markets[m].inverse!, oldOf, changes, ...bothWays(await kernels(), interactions) };
    const own = await update(change, name);
    markets.push({ terms: { ...terms, market: own.similarity }, inverse: own.inverse });
  }
  return { inverse: merged?.inverse, residual: residuals.length > 0 ? Math.max(...residuals) : null, markets };
}

/** The changed rows of all markets, over the items of all. */
function mergeChanges({ markets }: GrownMarkets): RowChange[] {
  return markets.flatMap(({ items, changes }) =>
    changes.map(({ before, after }) => ({
      before: before.map((item) => items[item]),
      after: after.map((item) => items[item]),
    })),
  );
}
