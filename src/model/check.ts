import {
  ArgumentError,
  checkArray,
  checkChoice,
  checkInteger,
  checkNumber,
  checkObject,
  checkTexts,
} from '../common/errors.ts';
import { checkIncreasing, checkPattern, checkTyped, type SparsePattern, typedArrayName } from '../matrix/sparse.ts';
import type { MarketModel, Model } from './model.ts';
import { findTableFlaw, MAX_FLOAT, type ScaledTable, type Table, tableType, tableValues } from './table.ts';

/** Throws an ArgumentError, naming the place, unless `value` has the fields of a model, each of its type. */
export function checkModelTypes(value: unknown): void {
  checkObject('model', value, 'a model that train or decodeModel gave');
  const { kind, dim, items, markets, inverse } = value as Model;
  checkChoice('model.kind', kind, ['m3rec', 'ease', 'popularity']);
  checkInteger('model.dim', dim, 0, 65_535);
  checkTexts('model.items', items);
  if (inverse !== undefined) checkTyped('model.inverse', inverse, 'Float32Array');
  for (const [m, given] of checkArray('model.markets', markets).entries()) {
    const where = `model.markets[${m}]`;
    const market = checkObject(where, given) as unknown as MarketModel;
    if (typeof market.name !== 'string') throw new ArgumentError(`${where}.name`, market.name, 'a name, as text');
    checkTyped(`${where}.items`, market.items, 'Int32Array');
    checkTyped(`${where}.popularity`, market.popularity, 'Uint32Array');
    for (const name of ['linearWeight', 'linearPower', 'cosineWeight'] as const)
      if (typeof market[name] !== 'number') throw new ArgumentError(`${where}.${name}`, market[name], 'a number');
    for (const name of ['bias', 'inverse'] as const)
      if (market[name] !== undefined) checkTyped(`${where}.${name}`, market[name], 'Float32Array');
    for (const name of ['foldIn', 'vectors', 'userVectors'] as const)
      if (market[name] !== undefined) checkTableType(`${where}.${name}`, market[name]);
    checkPatternTypes(`${where}.linear`, market.linear);
    if (market.linear !== undefined) checkTyped(`${where}.linear.values`, market.linear.values, 'Float32Array');
    if (market.users !== undefined) checkTexts(`${where}.users`, market.users);
    checkPatternTypes(`${where}.seenItems`, market.seenItems);
  }
}

function checkTableType(where: string, table: Table): void {
  const expected = 'a Float32Array, a Uint16Array of halves, or an Int8Array with scales';
  checkObject(where, table, expected);
  if (tableType(table) === 'int8') {
    checkTyped(`${where}.values`, (table as ScaledTable).values, 'Int8Array');
    checkTyped(`${where}.scales`, (table as ScaledTable).scales, 'Float32Array');
  } else if (!['Float32Array', 'Uint16Array'].includes(typedArrayName(table)!))
    throw new ArgumentError(where, table, expected);
}

function checkPatternTypes(where: string, pattern: SparsePattern | undefined): void {
  if (pattern === undefined) return;
  checkObject(where, pattern, 'a sparse matrix');
  checkTyped(`${where}.indptr`, pattern.indptr, 'Int32Array');
  checkTyped(`${where}.indices`, pattern.indices, 'Int32Array');
}

/**
 * As `checkModelTypes`, and every length and index is one that kernels can rest on, every float such that scores are finite. Linear
 * in the model's size. What else makes a model one (unit rows, sorted ids) is for the file's validator to say.
 */
export function checkModel(value: unknown): void {
  checkModelTypes(value);
  const { dim, items, markets } = value as Model;
  for (const [m, market] of markets.entries()) {
    const where = `model.markets[${m}]`;
    const n = market.items.length;
    const users = market.users?.length ?? 0;
    checkIncreasing(`${where}.items`, market.items, 0, n, items.length);
    checkTyped(`${where}.popularity`, market.popularity, 'Uint32Array', n);
    for (const name of ['linearWeight', 'linearPower', 'cosineWeight'] as const)
      checkNumber(`${where}.${name}`, market[name], name === 'linearPower' ? 0 : -MAX_FLOAT, MAX_FLOAT);
    if (market.bias !== undefined) checkFloats(`${where}.bias`, market.bias, n);
    for (const [name, rows] of [
      ['foldIn', n],
      ['vectors', n],
      ['userVectors', users],
    ] as const) {
      const table = market[name];
      if (table === undefined) continue;
      const values = tableValues(table);
      if (values.length !== rows * dim)
        throw new ArgumentError(`${where}.${name}, its number of values`, values.length, String(rows * dim));
      if (tableType(table) === 'int8' && (table as ScaledTable).scales.length !== rows)
        throw new ArgumentError(`${where}.${name}.scales.length`, (table as ScaledTable).scales.length, String(rows));
      const flaw = findTableFlaw(table);
      if (flaw) throw new ArgumentError(`${where}.${name}${flaw.part}[${flaw.index}]`, flaw.found, flaw.expected);
    }
    if (market.linear !== undefined) {
      checkPattern(`${where}.linear`, market.linear, n, n);
      checkFloats(`${where}.linear.values`, market.linear.values, market.linear.indices.length);
    }
    if (market.seenItems !== undefined) checkPattern(`${where}.seenItems`, market.seenItems, users, n);
  }
}

function checkFloats(where: string, values: Float32Array, length: number): void {
  checkTyped(where, values, 'Float32Array', length);
  for (let i = 0; i < length; i++)
    if (!(Math.abs(values[i]) <= MAX_FLOAT))
      throw new ArgumentError(`${where}[${i}]`, values[i], `a number up to ${MAX_FLOAT} in magnitude`);
}
