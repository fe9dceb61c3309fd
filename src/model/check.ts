// Whether a value that a caller hands in is a model, by the table of fields that its file is read with.

import {
  ArgumentError,
  checkArray,
  checkChoice,
  checkInteger,
  checkNumber,
  checkObject,
  checkTexts,
} from '../common/errors.ts';
import {
  checkIncreasing,
  checkPattern,
  checkTyped,
  type SparseMatrix,
  type SparsePattern,
  typedArrayName,
} from '../matrix/sparse.ts';
import { BASICS, type FileKind, kindOf, MAX_DIM, wholeFields } from './fields.ts';
import type { MarketModel, Model } from './model.ts';
import { type Field, type Sizes, sizeOf, type Values } from './sections.ts';
import { findTableFlaw, MAX_FLOAT, type ScaledTable, type Table, tableType, tableValues } from './table.ts';

/** Throws an ArgumentError, naming the place, unless `value` has the fields of a model, each of its type. */
export function checkModelTypes(value: unknown, kinds: readonly FileKind[]): void {
  checkObject('model', value, 'a model that train or decodeModel gave');
  const { kind, dim, markets } = value as Model;
  checkChoice(
    'model.kind',
    kind,
    kinds.map(({ name }) => name),
  );
  checkInteger('model.dim', dim, 0, MAX_DIM);
  checkFields('model', wholeFields(kindOf(kinds, kind)), value as Values);
  for (const [m, market] of checkArray('model.markets', markets).entries())
    checkFields(`model.markets[${m}]`, marketFields(kinds, kind), checkObject(`model.markets[${m}]`, market));
}

/**
 * As `checkModelTypes`, and every length and index is one that kernels can rest on, every float such that scores are
 * finite. Linear in the model's size. What else makes a model one (unit rows, sorted ids) is for the file's validator
 * to say.
 */
export function checkModel(value: unknown, kinds: readonly FileKind[]): void {
  checkModelTypes(value, kinds);
  const { kind, dim, items, markets } = value as Model;
  checkFields('model', wholeFields(kindOf(kinds, kind)), value as Values, { all: items.length, dim });
  for (const [m, market] of markets.entries()) {
    const sizes = {
      all: items.length,
      dim,
      items: market.items.length,
      users: market.users?.length ?? 0,
      otherMarkets: market.otherMarkets?.length ?? 0,
    };
    checkFields(`model.markets[${m}]`, marketFields(kinds, kind), market as MarketModel & Values, sizes);
  }
  const flaw = kindOf(kinds, kind).flaw?.(value as Model);
  if (flaw !== undefined) throw ArgumentError.because('model', `found ${flaw}, expected a whole model of kind ${kind}`);
}

const marketFields = (kinds: readonly FileKind[], kind: string) => [...BASICS, ...kindOf(kinds, kind).fields];

/** @param sizes checks lengths, indices and numbers too */
function checkFields(where: string, fields: readonly Field[], values: Values, sizes?: Sizes): void {
  for (const field of fields) {
    if (field.scalars) {
      for (const [name, least] of Object.entries(field.scalars)) {
        if (sizes) checkNumber(`${where}.${name}`, values[name], least, MAX_FLOAT);
        else if (typeof values[name] !== 'number')
          throw new ArgumentError(`${where}.${name}`, values[name], 'a number');
      }
    } else if (field.required || values[field.name] !== undefined) {
      checkField(`${where}.${field.name}`, field, values[field.name], sizes);
      if (sizes && field.definesEntries)
        sizes[field.definesEntries] = (values[field.name] as SparseMatrix).indices.length;
    }
  }
}

function checkField(where: string, { type, rows, cols = 1 }: Field, value: unknown, sizes?: Sizes): void {
  const length = sizes && sizeOf(rows, sizes);
  const width = sizes && sizeOf(cols, sizes);
  switch (type) {
    case 'text':
      if (typeof value !== 'string') throw new ArgumentError(where, value, 'a name, as text');
      break;
    case 'json':
      checkObject(where, value);
      break;
    case 'ids':
      checkTexts(where, value);
      break;
    case 'texts':
      for (const [name, list] of Object.entries(checkObject(where, value))) {
        const texts = checkArray(`${where}.${name}`, list);
        const wrong = texts.findIndex((text) => text !== null && typeof text !== 'string');
        if (wrong >= 0) throw new ArgumentError(`${where}.${name}[${wrong}]`, texts[wrong], 'a text or null');
        if (length !== undefined && texts.length !== length)
          throw new ArgumentError(`${where}.${name}.length`, texts.length, String(length));
      }
      break;
    case 'i32':
    case 'positions':
      checkTyped(where, value, 'Int32Array', length);
      if (sizes && type === 'positions')
        checkIncreasing(where, value as Int32Array, 0, (value as Int32Array).length, width!);
      break;
    case 'u32':
      checkTyped(where, value, 'Uint32Array', length);
      break;
    case 'f32':
      checkFloats(where, value, length, sizes !== undefined);
      break;
    case 'tiles':
      checkTyped(where, value, 'Float32Array');
      break;
    case 'pattern':
    case 'matrix':
      if (sizes) checkPattern(where, value, length!, width!);
      else {
        const { indptr, indices } = checkObject(where, value, 'a sparse matrix') as unknown as SparsePattern;
        checkTyped(`${where}.indptr`, indptr, 'Int32Array');
        checkTyped(`${where}.indices`, indices, 'Int32Array');
      }
      if (type === 'matrix') {
        const { values, indices } = value as SparseMatrix;
        checkFloats(`${where}.values`, values, sizes && indices.length, sizes !== undefined);
      }
      break;
    case 'table':
      checkTable(where, value as Table, length, width);
      break;
  }
}

function checkTable(where: string, table: Table, rows?: number, cols?: number): void {
  const expected = 'a Float32Array, a Uint16Array of halves, or an Int8Array with scales';
  checkObject(where, table, expected);
  const scaled = tableType(table) === 'int8' ? (table as ScaledTable) : undefined;
  if (scaled) {
    checkTyped(`${where}.values`, scaled.values, 'Int8Array');
    checkTyped(`${where}.scales`, scaled.scales, 'Float32Array');
  } else if (!['Float32Array', 'Uint16Array'].includes(typedArrayName(table)!))
    throw new ArgumentError(where, table, expected);
  if (rows === undefined || cols === undefined) return;
  const { length } = tableValues(table);
  if (length !== rows * cols) throw new ArgumentError(`${where}, its number of values`, length, String(rows * cols));
  if (scaled && scaled.scales.length !== rows)
    throw new ArgumentError(`${where}.scales.length`, scaled.scales.length, String(rows));
  if (tableType(table) === 'f32') {
    checkFloats(where, table, length, true);
    return;
  }
  const flaw = findTableFlaw(table as Uint16Array | ScaledTable);
  if (flaw) throw new ArgumentError(`${where}${flaw.part}[${flaw.index}]`, flaw.found, flaw.expected);
}

function checkFloats(where: string, values: unknown, length: number | undefined, bounded: boolean): void {
  checkTyped(where, values, 'Float32Array', length);
  if (!bounded) return;
  for (const [i, value] of (values as Float32Array).entries())
    if (!(Math.abs(value) <= MAX_FLOAT))
      throw new ArgumentError(`${where}[${i}]`, value, `a number up to ${MAX_FLOAT} in magnitude`);
}
