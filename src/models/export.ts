import { ArgumentError, checkChoice, checkInteger, checkObject, checkTexts } from '../common/errors.ts';
import { pruneRows } from '../matrix/prune.ts';
import { checkModel } from '../model/check.ts';
import type { MarketModel, Model } from '../model/model.ts';
import { findLostRow, narrowTable, TABLE_TYPES, type TableType } from '../model/table.ts';
import { moveItemData } from './item-data.ts';
import { SERVED_KINDS } from './served.ts';

/** What of a model to keep; everything by default. */
export interface ExportOptions {
  /** The markets to keep, by name. Default: all. Items that none of them has are left out. */
  markets?: readonly string[];
  /**
   * Whether to keep the users: ids, seenItems and vectors. Default: true. Without, `items` still folds anyone in.
   */
  users?: boolean;
  /** Type of the vectors (see `Table`). Default: unchanged. */
  vectors?: TableType;
  /** Number of similarities of each item to keep: the largest, of equal ones those to the lower items. Default: all. */
  neighbours?: number;
}

/**
 * A smaller model that answers the same questions: made for serving, so that what only `update` needs is left out in
 * any case. `training.exported` of the result says what was asked for. The model stays as it is; arrays that need no
 * change are shared with it.
 *
 * Similarities are pruned by history item, the rows of S: Σ_{i∈x} S_ij then adds at most |x| · neighbours entries. On
 * the five real markets that loses less than pruning by recommended item, the columns
 * (bench/results/export/amd-epyc-2-avx512.md).
 *
 * @throws ArgumentError for what is no model, for an unknown market, `neighbours` below 1, options that mean nothing to
 * this model (`neighbours` without similarities, `vectors` without vectors), vectors that were narrowed before and are to be of
 * another type, and rows of vectors so small that the type would make them zero.
 * @example
 * const edge = exportModel(model, { markets: ['de'], users: false, neighbours: 50 });
 * encodeModel(edge).length < bytes.length / 2; // → true
 */
export function exportModel(model: Model, options: ExportOptions = {}): Model {
  checkModel(model, SERVED_KINDS);
  if (model.parameters)
    throw ArgumentError.because(
      'model',
      `a ${model.kind} model has learned one network for all of its markets, items and users, of which nothing can be left out; use its file as it is`,
    );
  const { markets: names, users, vectors, neighbours } = checkOptions(model, options);
  const kept = model.markets.filter(({ name }) => names === undefined || names.includes(name));
  const needed = new Uint8Array(model.items.length);
  for (const { items } of kept) for (const item of items) needed[item] = 1;
  const places = new Int32Array(model.items.length);
  const items: string[] = [];
  for (const [item, id] of model.items.entries()) if (needed[item] === 1) places[item] = items.push(id) - 1;

  const markets = kept.map((market): MarketModel => {
    const { inverse, users: ids, seenItems, userVectors, ...rest } = market;
    const result: MarketModel = { ...rest, items: market.items.map((item) => places[item]) };
    if (users !== false) Object.assign(result, ids && { users: ids, seenItems }, userVectors && { userVectors });
    if (result.linear && neighbours !== undefined) {
      const { matrix, entries } = pruneRows(result.linear, neighbours);
      result.linear = matrix;
      if (market.maxima) result.maxima = Float32Array.from(entries, (entry) => market.maxima![entry]);
    }
    if (vectors !== undefined) {
      for (const name of ['foldIn', 'vectors', 'userVectors'] as const) {
        const table = result[name];
        if (table === undefined) continue;
        const argument = `${name} of market ${market.name}`;
        const narrow = narrowTable(argument, table, model.dim, vectors, name === 'vectors');
        // A zero row counts as no vector at all, so a row that is not zero must not become it.
        const lost = findLostRow(table, narrow, model.dim);
        if (lost >= 0)
          throw new ArgumentError('vectors', vectors, `f32, since row ${lost} of ${argument} is too small for it`);
        result[name] = narrow;
      }
    }
    return result;
  });
  const asked = {
    ...(names && { markets: kept.map(({ name }) => name) }),
    ...(users === false && { users }),
    ...(vectors && { vectors }),
    ...(neighbours !== undefined && { neighbours }),
  };
  const training = checkObject('model.training', model.training) as Record<string, unknown>;
  const before = training.exported;
  const exported = { ...(typeof before === 'object' ? before : undefined), ...asked };
  const itemData = moveItemData(
    model.itemData,
    Array.from(model.items.keys()).filter((item) => needed[item] === 1),
  );
  return {
    kind: model.kind,
    dim: model.dim,
    items,
    ...(itemData && { itemData }),
    markets,
    training: { ...training, exported },
  };
}

function checkOptions(model: Model, options: ExportOptions): ExportOptions {
  const { markets, users, vectors, neighbours } = checkObject('options', options) as ExportOptions;
  if (markets !== undefined) {
    checkTexts('markets', markets, 'an array of names');
    const known = model.markets.map(({ name }) => name);
    const unknown = markets.find((name) => !known.includes(name));
    if (unknown !== undefined || markets.length === 0)
      throw new ArgumentError('markets', unknown ?? markets, `markets of the model: ${known.join(', ')}`);
  }
  if (users !== undefined && typeof users !== 'boolean') throw new ArgumentError('users', users, 'true or false');
  if (vectors !== undefined) {
    checkChoice('vectors', vectors, TABLE_TYPES);
    if (!model.markets.some((market) => market.vectors))
      throw ArgumentError.because('vectors', 'this model has no vectors; leave the option out');
  }
  if (neighbours !== undefined) {
    checkInteger('neighbours', neighbours, 1, 0x7fffffff);
    if (!model.markets.some(({ linear }) => linear))
      throw ArgumentError.because('neighbours', 'this model has no similarities; leave the option out');
  }
  return { markets, users, vectors, neighbours };
}
