import { canonicalJson } from '../common/canonical-json.ts';
import { ArgumentError } from '../common/errors.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { TILE } from '../matrix/tiles.ts';
import type { Dtype, NewSection } from './container.ts';
import { type Field, type Sizes, sectionKinds, sizeOf, type Values } from './sections.ts';
import { type ScaledTable, type Table, tableType, tableValues } from './table.ts';

/**
 * The sections of the values of a part.
 *
 * @param where names the part in errors, by the property that it is
 * @throws ArgumentError for text or JSON that a file cannot hold.
 */
export function writeFields(
  fields: readonly Field[],
  values: Values,
  part: number,
  sizes: Sizes,
  where: string,
): NewSection[] {
  const present = fields.filter(({ name, scalars }) => scalars !== undefined || values[name] !== undefined);
  return present.flatMap((field) => {
    const { name, type, scalars } = field;
    const kinds = sectionKinds([field]);
    const cols = sizeOf(field.cols ?? 1, sizes);
    const section = (
      i: number,
      data: ArrayBufferView,
      width = 1,
      dtype = Object.keys(kinds[i].dtypes)[0],
    ): NewSection => ({
      kind: kinds[i],
      part,
      dtype: dtype as Dtype,
      cols: width,
      data,
    });
    const value = values[name];
    switch (type) {
      case 'json':
      case 'texts':
        return [section(0, jsonBytes(`${where}.${name}`, value))];
      case 'text':
        return [section(0, joinTexts(`${where}.${name}`, [value as string]).bytes)];
      case 'ids': {
        const { bytes, offsets } = joinTexts(`${where}.${name}`, value as string[]);
        return [section(0, bytes), section(1, offsets)];
      }
      case 'scalars':
        return [section(0, doubles(Object.keys(scalars!).map((each) => values[each] as number)))];
      case 'pattern':
      case 'matrix': {
        const { indptr, indices, values: entries } = value as SparseMatrix;
        return [indptr, indices, ...(type === 'matrix' ? [entries] : [])].map((data, i) => section(i, data));
      }
      case 'table': {
        const table = value as Table;
        const dtype = tableType(table);
        return [
          section(0, tableValues(table), cols, dtype),
          ...(dtype === 'int8' ? [section(1, (table as ScaledTable).scales)] : []),
        ];
      }
      case 'tiles':
        return [section(0, value as Float32Array, TILE * TILE)];
      case 'positions':
        return [section(0, value as Int32Array)];
      default:
        return [section(0, value as Float32Array, cols)];
    }
  });
}

function jsonBytes(argument: string, value: unknown): Uint8Array {
  try {
    return new TextEncoder().encode(canonicalJson(value));
  } catch (error) {
    throw new ArgumentError(argument, value, `JSON values (${(error as Error).message})`);
  }
}

function doubles(values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true);
  return new Uint8Array(view.buffer);
}

function joinTexts(argument: string, texts: readonly string[]): { bytes: Uint8Array; offsets: Uint32Array } {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(texts.join(''));
  const offsets = new Uint32Array(texts.length + 1);
  const scratch = new Uint8Array(3 * texts.reduce((most, text) => Math.max(most, text.length), 0));
  for (const [i, text] of texts.entries()) {
    const { written } = encoder.encodeInto(text, scratch);
    if (
      /[\ud800-\udfff]/.test(text) &&
      new TextDecoder('utf-8', { ignoreBOM: true }).decode(scratch.subarray(0, written)) !== text
    ) {
      throw new ArgumentError(argument, text, 'text without unpaired surrogates');
    }
    offsets[i + 1] = offsets[i] + written;
  }
  return { bytes, offsets };
}
