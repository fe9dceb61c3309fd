import { ArgumentError, checkInteger, checkNumber, checkObject } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { checkMarkets, type Markets } from '../data/markets.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import { checkModel } from '../model/check.ts';
import type { MarketModel, Model } from '../model/model.ts';
import { squaredLength, type Table, tableType } from '../model/table.ts';
import { rp3beta } from '../similarity/rp3beta.ts';
import { updateEase } from '../similarity/woodbury.ts';
import { checkThreads, type ThreadOptions, withKernels } from '../threads/pool.ts';
import { type GrownMarket, growMarkets } from './grow-markets.ts';
import { linearWeights, type Mix } from './options.ts';
import {
  known,
  linearScores,
  MERGED_STAGE,
  marketStage,
  mergeInteractions,
  popularity,
  type StageReport,
  Stages,
} from './train.ts';

export interface UpdateOptions extends JobOptions, ThreadOptions {
  onStage?: (report: StageReport) => void;
}

export interface Additions {
  users: number;
  items: number;
  interactions: number;
}

export interface Updated {
  /** The given model itself where nothing was new. */
  model: Model;
  added: Additions;
  /** What updates have added since the model was trained. */
  sinceFit: Additions & { updates: number };
  /** max |C (G + λI) − I| on sampled columns after this or the last update, over all EASE terms; null where there is none. */
  residual: number | null;
  /** Why the model should be trained again, a line each; empty where it need not. */
  refit: string[];
}

/**
 * A refit is due where rounding has brought an inverse this far from that of its data; entries of B̂ are then off by about as much
 * (2 to 4 times as much was seen). At λ = 25 a residual is below 1e-6 after 1,000 changed rows over 12,015 items and after 20
 * updates over 1,500; at λ ≤ 0.1 single precision does no better than this even fresh.
 */
export const RESIDUAL_TOLERANCE = 1e-4;
/**
 * A model with vectors is due for a refit where updates have added more than this share of the interactions that it was trained
 * on. On the five real markets (users taken out, then added; mean MRR of preset default, 46.14 % when trained on all) it was 46.11 %
 * after 11 % were added and 46.10 % after 43 % (bench/results/update/stale.md), but tastes did not change meanwhile.
 */
export const ADDED_SHARE = 0.25;
/** Or where this share of all interactions is with items that have no vector; a judgement, not measured. */
export const NO_VECTOR_SHARE = 0.02;

/**
 * Adds interactions to a model: new users, further interactions of known users, with known or new items. What is counted or
 * solved follows exactly: users, histories, popularity and RP3β to the bit, EASE as a refit would have it but for rounding.
 * What is learned stays: rows of P and V are kept, those of new items are zero (the linear terms alone score these), new users
 * have no vector of their own. The same update gives the same bytes; interactions that the model has already change nothing.
 *
 * @param model trained with `updatable: true` (a popularity model need not be), its users not dropped. It stays as it is.
 * @param added only training rows count, not what is held out.
 * @throws ArgumentError for a model that cannot be updated, saying what to do, and for a market that the model does not have.
 * @throws MemoryError where a stage cannot fit in 4 GiB; AbortedError when the signal stops it.
 */
export async function update(model: Model, added: Markets, options: UpdateOptions = {}): Promise<Updated> {
  checkModel(model);
  checkMarkets(added);
  checkThreads(checkObject('options', options));
  const settings = readSettings(model);
  checkUpdatable(model, settings.weights);
  for (const { name } of added.markets) {
    if (!model.markets.some((market) => market.name === name)) {
      throw new ArgumentError(
        'markets',
        name,
        `the model's markets (${model.markets.map((market) => market.name).join(', ')}): a new market needs a new training`,
      );
    }
  }
  const before = readFacts(model);
  const grown = growMarkets(model, added);
  if (grown.added.users + grown.added.items + grown.added.interactions === 0)
    return { model, added: grown.added, ...assess(model, before) };

  const { lambda, epsilon, weights } = settings;
  const job = new Job(options);
  const residuals: number[] = [];
  const { markets, inverse } = await withKernels(options, async (kernels) => {
    const run = new Stages(kernels, options.onStage);
    const ease = (
      stage: string,
      inverse: Float32Array,
      { oldOf, changes }: Pick<GrownMarket, 'oldOf' | 'changes'>,
      interactions: SparsePattern,
      transposed: SparsePattern,
    ) =>
      run.stage(stage, async () => {
        const value = await updateEase(
          kernels,
          { inverse, oldOf, changes, interactions, transposed },
          { lambda, epsilon },
          job,
          stage,
        );
        residuals.push(value.residual);
        return {
          value,
          fact: { items: oldOf.length, 'changed rows': value.rows, entries: value.similarity.values.length },
        };
      });

    let merged: { similarity: SparseMatrix; inverse: Float32Array } | undefined;
    let walk: SparseMatrix | undefined;
    if (weights.merged > 0 || weights.walk > 0) {
      const interactions = mergeInteractions(grown);
      const transposed = transpose(kernels, interactions);
      if (weights.merged > 0) {
        const changes = grown.markets.flatMap(({ items, changes: rows }) =>
          rows.map(({ before: old, after }) => ({
            before: old.map((item) => items[item]),
            after: after.map((item) => items[item]),
          })),
        );
        merged = await ease(MERGED_STAGE, model.inverse!, { oldOf: grown.oldOf, changes }, interactions, transposed);
      }
      if (weights.walk > 0) {
        walk = await run.stage('walk scores', async () => {
          const value = await rp3beta(kernels, interactions, transposed, settings.rp3beta, job);
          return { value, fact: { entries: value.values.length } };
        });
      }
    }
    const markets: MarketModel[] = [];
    for (const [m, market] of grown.markets.entries()) {
      const old = model.markets[m];
      const own =
        weights.market > 0
          ? await ease(
              marketStage(market.name),
              old.inverse!,
              market,
              market.interactions,
              transpose(kernels, market.interactions),
            )
          : undefined;
      markets.push({
        ...old,
        ...known(market),
        linearWeight: old.linearWeight,
        linearPower: old.linearPower,
        cosineWeight: old.cosineWeight,
        linear: linearScores(market.items, weights, { merged: merged?.similarity, market: own?.similarity, walk }),
        foldIn: old.foldIn && moveRows(old.foldIn, market.oldOf, model.dim),
        vectors: old.vectors && moveRows(old.vectors, market.oldOf, model.dim),
        bias:
          model.kind === 'popularity'
            ? Float32Array.from(popularity(market.interactions))
            : old.bias && moveRows(old.bias, market.oldOf, 1),
        userVectors: old.userVectors && moveRows(old.userVectors, market.oldOfUser, model.dim),
        inverse: own?.inverse,
      });
    }
    return { markets, inverse: merged?.inverse };
  });
  const facts: Facts = {
    updates: before.updates + 1,
    users: before.users + grown.added.users,
    items: before.items + grown.added.items,
    interactions: before.interactions + grown.added.interactions,
    residual: residuals.length > 0 ? Math.max(...residuals) : null,
  };
  const result: Model = {
    ...model,
    items: grown.items,
    inverse,
    markets,
    training: { ...model.training, updates: facts },
  };
  return { model: result, added: grown.added, ...assess(result, facts) };
}

type Facts = Additions & { updates: number; residual: number | null };
const MAX_COUNT = 2 ** 53 - 1;

/** What earlier updates left in the model's training facts. */
function readFacts({ training }: Model): Facts {
  const found = (training.updates ?? {}) as Partial<Facts>;
  const count = (name: 'updates' | keyof Additions) =>
    checkInteger(`model, training.updates.${name}`, found[name] ?? 0, 0, MAX_COUNT);
  return {
    updates: count('updates'),
    users: count('users'),
    items: count('items'),
    interactions: count('interactions'),
    residual: typeof found.residual === 'number' ? found.residual : null,
  };
}

function readSettings({ kind, training }: Model) {
  const found = (training.options ?? {}) as Record<string, unknown>;
  const number = (name: string, value: unknown, min: number, max: number) =>
    checkNumber(`model, training.options.${name}`, value, min, max);
  let mix: Mix | undefined;
  if (kind === 'm3rec' && typeof found.mix === 'object' && found.mix !== null) {
    const weights = found.mix as Partial<Mix>;
    const weight = (name: keyof Mix) => number(`mix.${name}`, weights[name], 0, 1e9);
    mix = { merged: weight('merged'), market: weight('market'), walk: weight('walk'), cosine: weight('cosine') };
  }
  const weights = linearWeights({ model: kind, mix });
  const solved = weights.merged + weights.market > 0;
  return {
    weights,
    lambda: solved ? number('lambdaF', found.lambdaF, 1e-3, 1e9) : 0,
    epsilon: solved ? number('epsilon', found.epsilon, -1, 1) : 0,
    rp3beta:
      weights.walk > 0
        ? {
            beta: number('rp3beta', found.rp3beta, -10, 10),
            threshold: number('rp3Threshold', found.rp3Threshold, 0, 1),
          }
        : { beta: 0, threshold: 0 },
  };
}

/** Throws an ArgumentError unless the model has all that an update rests on. */
function checkUpdatable(model: Model, { merged, market, walk }: ReturnType<typeof linearWeights>): void {
  if (model.kind === 'm3rec' && merged + market + walk === 0)
    throw ArgumentError.because(
      'model',
      'a model that scores by its vectors alone (preset paper) cannot be updated; train it again',
    );
  // Pruned similarities would grow back, and markets that are gone cannot be counted.
  const compact = model.markets.some(({ foldIn, vectors, userVectors }) =>
    [foldIn, vectors, userVectors].some((table) => table && tableType(table) !== 'f32'),
  );
  if (compact || model.training.exported !== undefined)
    throw ArgumentError.because(
      'model',
      'an exported model cannot be updated; update the model it was exported from, then export again',
    );
  const bare = model.markets.find(({ users, seenItems }) => !users || !seenItems);
  if (bare)
    throw ArgumentError.because(
      'model',
      `market ${JSON.stringify(bare.name)} has no users, which an update needs; update the model as training made it`,
    );
  if ((merged > 0 && !model.inverse) || (market > 0 && model.markets.some(({ inverse }) => !inverse))) {
    throw ArgumentError.because(
      'model',
      'it lacks the inverses that an update needs; train it with `updatable: true` (m3rec train --updatable)',
    );
  }
}

/** Rows of a table at their new positions, zero where there was none. */
function moveRows(table: Table, oldOf: Int32Array, dim: number): Float32Array {
  // `checkUpdatable` lets no other type pass.
  const values = table as Float32Array;
  const moved = new Float32Array(oldOf.length * dim);
  for (const [row, old] of oldOf.entries())
    if (old >= 0) moved.set(values.subarray(old * dim, (old + 1) * dim), row * dim);
  return moved;
}

/** Whether a refit is due. EASE and popularity models follow their data, so that only rounding can make them so. */
function assess(model: Model, { residual, ...sinceFit }: Facts): Omit<Updated, 'model' | 'added'> {
  const refit: string[] = [];
  if (residual !== null && residual > RESIDUAL_TOLERANCE)
    refit.push(`the inverse is off by ${residual.toExponential(1)}, more than ${RESIDUAL_TOLERANCE}`);
  if (model.markets.some(({ vectors }) => vectors)) {
    let all = 0;
    let without = 0;
    for (const { popularity: counts, vectors } of model.markets) {
      for (const [item, count] of counts.entries()) {
        all += count;
        if (vectors && squaredLength(vectors, model.dim, item) === 0) without += count;
      }
    }
    const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
    const fitted = all - sinceFit.interactions;
    if (sinceFit.interactions > ADDED_SHARE * fitted)
      refit.push(
        `updates have added ${share(sinceFit.interactions, fitted)} to the interactions that the vectors were trained on, more than ${share(ADDED_SHARE, 1)}`,
      );
    if (without > NO_VECTOR_SHARE * all)
      refit.push(
        `${share(without, all)} of the interactions are with items that have no vector, more than ${share(NO_VECTOR_SHARE, 1)}`,
      );
  }
  return { sinceFit, residual, refit };
}
