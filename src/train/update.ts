import { ArgumentError, checkInteger, checkObject } from '../common/errors.ts';
import type { JobOptions } from '../common/job.ts';
import { checkMarkets, type Markets } from '../data/markets.ts';
import type { StageReport } from '../engine/stage.ts';
import { checkModel } from '../model/check.ts';
import type { Model } from '../model/model.ts';
import { squaredLength, tableType } from '../model/table.ts';
import { withElsewhere } from '../models/elsewhere.ts';
import { growMarkets } from '../models/grow-markets.ts';
import { moveItemData } from '../models/item-data.ts';
import type { Updating } from '../models/kind.ts';
import { kindNamed } from '../models/registry.ts';
import { SERVED_KINDS } from '../models/served.ts';
import { checkThreads, type ThreadOptions } from '../threads/pool.ts';
import { withStages } from './with-stages.ts';

export interface UpdateOptions extends JobOptions, ThreadOptions {
  onStage?: (report: StageReport) => void;
}

/** What an update has added. */
export interface Additions {
  users: number;
  items: number;
  interactions: number;
}

/** The updated model, and whether it should be trained again. */
export interface Updated {
  /** The given model itself if nothing was new. */
  model: Model;
  added: Additions;
  /** What updates have added since the model was trained. */
  sinceFit: Additions & { updates: number };
  /**
   * max |C (G + λI) − I| on sampled columns after this or the last update, over all EASE terms; null if there is none.
   */
  residual: number | null;
  /** Why the model should be trained again, a line each; empty if it need not. */
  refit: string[];
}

/**
 * A refit is recommended when rounding has brought an inverse this far from that of its data. Entries of B̂ are then
 * off by about as much (2 to 4 times as much was seen). At λ = 25 a residual is below 1e-6 after 1,000 changed rows
 * over 12,015 items and after 20 updates over 1,500; at λ ≤ 0.1 single precision does no better than this even fresh.
 */
export const RESIDUAL_TOLERANCE = 1e-4;
/**
 * A refit of a model with vectors is recommended when updates have added more than this share of the interactions that
 * it was trained on. On the five real markets (users taken out, then added; mean MRR of preset softmax, 46.14 % when
 * trained on all) it was 46.11 % after 11 % were added and 46.10 % after 43 % (bench/results/update/stale.md), but
 * tastes did not change meanwhile.
 */
export const ADDED_SHARE = 0.25;
/** Or when this share of all interactions is with items that have no vector (chosen by judgement, not measured). */
export const NO_VECTOR_SHARE = 0.02;

/**
 * Adds interactions to a model: new users, further interactions of known users, with known or new items. What is
 * counted or solved follows exactly: users, histories, popularity and RP3β to the bit, EASE as a refit would have it
 * but for rounding. What is learned stays: rows of P and V are kept, those of new items are zero (the linear terms
 * alone score these), new users have no vector. The same update gives the same bytes; interactions that it already has
 * change nothing.
 *
 * @param model trained with `updatable: true` (a popularity model need not be), its users not dropped. It stays as it
 * is.
 * @param added only training rows count, not what is held out.
 * @throws ArgumentError for a model that cannot be updated, saying what to do, and for a market that the model does not
 * have.
 * @throws MemoryError if a stage cannot fit in 4 GiB; AbortedError when the signal stops it.
 * @example
 * const updatable = await train(markets, { model: 'ease', updatable: true });
 * const source = 'userId,itemId\nnew,P1000001\n';
 * const news = await readMarkets([{ market: 'de', split: 'train', name: 'news.csv', source }]);
 * const { added } = await update(updatable, news);
 * added; // → { users: 1, items: 0, interactions: 1 }
 */
export async function update(model: Model, added: Markets, options: UpdateOptions = {}): Promise<Updated> {
  checkModel(model, SERVED_KINDS);
  checkMarkets(added);
  checkThreads(checkObject('options', options));
  const updating = checkUpdatable(model);
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
    return { model, added: grown.added, ...assess(model, updating, before) };

  const { onProgress, signal, onStage, ...threads } = options;
  const { residual, ...parts } = await withStages({ onProgress, signal, onStage }, threads, undefined, (stages) =>
    updating.apply(model, grown, stages),
  );
  const facts: Facts = {
    updates: before.updates + 1,
    users: before.users + grown.added.users,
    items: before.items + grown.added.items,
    interactions: before.interactions + grown.added.interactions,
    residual,
  };
  const itemData = moveItemData(model.itemData, grown.oldOf);
  const result: Model = {
    ...model,
    ...parts,
    markets: withElsewhere(grown, parts.markets),
    items: grown.items,
    ...(itemData && { itemData }),
    training: { ...model.training, updates: facts },
  };
  return { model: result, added: grown.added, ...assess(result, updating, facts) };
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

/**
 * How models of this kind are updated. @throws ArgumentError for a model that is not to be updated, saying what to do.
 */
function checkUpdatable(model: Model): Updating<object> {
  const { updating } = kindNamed('model.kind', model.kind);
  if (!updating) throw ArgumentError.because('model', `a ${model.kind} model cannot be updated; train it again`);
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
  updating.check(model);
  return updating;
}

/** The reasons for a refit. Where no vectors are kept, models follow their data, so only rounding can be one. */
function assess(
  model: Model,
  { keepsVectors }: Updating<object>,
  { residual, ...sinceFit }: Facts,
): Omit<Updated, 'model' | 'added'> {
  const refit: string[] = [];
  if (residual !== null && residual > RESIDUAL_TOLERANCE)
    refit.push(`the inverse is off by ${residual.toExponential(1)}, more than ${RESIDUAL_TOLERANCE}`);
  if (keepsVectors && model.markets.some(({ vectors }) => vectors)) {
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
