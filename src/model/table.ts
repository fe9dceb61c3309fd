import { ArgumentError } from '../common/errors.ts';
import type { Address } from '../engine/address.ts';
import type { Arena } from '../engine/memory.ts';
import type { Kernels } from '../engine/types.ts';

/** rows × d of bytes with a scale a row: value k of row r is scales[r] · values[r · d + k]. */
export interface ScaledTable {
  /** (rows × d), −127 … 127. */
  values: Int8Array;
  /** (rows), not below 0; 0 for a zero row. */
  scales: Float32Array;
}

/** rows × d vectors, row after row: as f32; as f16, each the bits of an IEEE half; or as int8 with a scale a row. */
export type Table = Float32Array | Uint16Array | ScaledTable;

/** How the values of a table are held. */
export type TableType = 'f32' | 'f16' | 'int8';

export const TABLE_TYPES: readonly TableType[] = ['f32', 'f16', 'int8'];

/** Largest magnitude of a model's floats. The bound is derived in docs/internals/format.md, under limits. */
export const MAX_FLOAT = 1e9;

/** From here on an f32 rounds to a half that is infinite. */
const HALF_LIMIT = 65_520;
/**
 * 2¹¹², the distance between the exponent biases of f32 and f16: a half's exponent and fraction, moved to their places
 * in an f32, are its value over this.
 */
const REBIAS = 5.192296858534828e33;
/**
 * |‖V_j‖² − 1| of a unit vector at any d ≤ 65,535 is below 1e-5 in f32 and int8, below 1.1e-3 in f16; beyond this it is no unit vector.
 */
const UNIT_TOLERANCE = 2e-3;
const MAX_BYTE = 127;
const MAX_SCALE = Math.fround(MAX_FLOAT / MAX_BYTE);
/** Added and taken away, it leaves the nearest integer, halves to even, of any double below 2⁵¹. */
const ROUNDER = 6_755_399_441_055_744;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** By tag: a table may come from another realm. */
export function tableType(table: Table): TableType {
  if (!ArrayBuffer.isView(table)) return 'int8';
  return table[Symbol.toStringTag] === 'Float32Array' ? 'f32' : 'f16';
}

/** The table's numbers as they are held: f32, bits of halves, or bytes. */
export function tableValues(table: Table): Float32Array | Uint16Array | Int8Array {
  return ArrayBuffer.isView(table) ? table : table.values;
}

/** The half nearest to an f32 below HALF_LIMIT in magnitude, halves between two to the even one. */
export function toHalf(value: number): number {
  float[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = bits[0] & 0x7fffffff;
  // Below 2⁻¹⁴ a half counts units of 2⁻²⁴.
  if (magnitude < 0x38800000) return sign | roundEven(Math.abs(float[0]) * 16_777_216);
  const moved = magnitude - 0x38000000;
  return sign | ((moved + 0xfff + ((moved >>> 13) & 1)) >>> 13);
}

/** The value of a finite half, exactly. */
export function fromHalf(half: number): number {
  bits[0] = (half & 0x7fff) << 13;
  const magnitude = float[0] * REBIAS;
  return half & 0x8000 ? -magnitude : magnitude;
}

function roundEven(x: number): number {
  return x + ROUNDER - ROUNDER;
}

/**
 * The table held as `type`. f16 takes the nearest half. int8 has as scale the row's largest magnitude over 127, and the
 * nearest integers, halves to even; with `unit` the scale is then the one that gives the row unit length again.
 *
 * @param argument names the table in errors
 * A row of f16 that would be no unit vector any more for its rounding gets unit length before; loading gives it that in
 * any case.
 *
 * @throws ArgumentError for a table that was narrowed already, to another type, and for one with values beyond f16.
 */
export function narrowTable(argument: string, table: Table, dim: number, type: TableType, unit: boolean): Table {
  const held = tableType(table);
  if (held === type) return table;
  if (held !== 'f32')
    throw new ArgumentError(
      'vectors',
      type,
      `${held}, as ${argument} is held; what was rounded off is only in the model that was exported`,
    );
  const values = table as Float32Array;
  return type === 'f16' ? narrowToHalves(argument, values, dim, unit) : narrowToBytes(values, dim, unit);
}

function narrowToHalves(argument: string, values: Float32Array, dim: number, unit: boolean): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (!(Math.abs(values[i]) < HALF_LIMIT))
      throw new ArgumentError('vectors', 'f16', `f32 or int8, since ${argument} has a value of ${values[i]}`);
    halves[i] = toHalf(values[i]);
  }
  // A row may use up nearly all of the tolerance, and leave less than its rounding to halves takes.
  for (let r = 0; unit && dim > 0 && r * dim < values.length; r++) {
    if (isUnit(squaredLength(halves, dim, r))) continue;
    const length = Math.sqrt(squaredLength(values, dim, r));
    for (let k = r * dim; k < (r + 1) * dim; k++) halves[k] = toHalf(values[k] / length);
  }
  return halves;
}

/** The first row that is not zero in `table` but is in `narrowed`, which is made from it; −1 if there is none. */
export function findLostRow(table: Table, narrowed: Table, dim: number): number {
  const rows = dim === 0 ? 0 : tableValues(table).length / dim;
  for (let r = 0; r < rows; r++) if (!isZero(table, dim, r) && isZero(narrowed, dim, r)) return r;
  return -1;
}

function isZero(table: Table, dim: number, r: number): boolean {
  const values = tableValues(table);
  // 0x8000 is the half −0
  const zero = tableType(table) === 'f16' ? 0x8000 : 0;
  for (let k = r * dim; k < (r + 1) * dim; k++) if (values[k] !== 0 && values[k] !== zero) return false;
  return true;
}

/** Whether a row of this squared length is a unit vector, but for the rounding of its type, or zero. */
export function isUnit(square: number): boolean {
  return square === 0 || Math.abs(square - 1) <= UNIT_TOLERANCE;
}

function narrowToBytes(table: Float32Array, dim: number, unit: boolean): ScaledTable {
  const values = new Int8Array(table.length);
  const scales = new Float32Array(dim === 0 ? 0 : table.length / dim);
  for (let r = 0, at = 0; r < scales.length; r++, at += dim) {
    let largest = 0;
    for (let k = at; k < at + dim; k++) largest = Math.max(largest, Math.abs(table[k]));
    const scale = Math.fround(largest / MAX_BYTE);
    if (scale === 0) continue;
    let square = 0;
    for (let k = at; k < at + dim; k++) {
      values[k] = Math.max(-MAX_BYTE, Math.min(MAX_BYTE, roundEven(table[k] / scale)));
      square += values[k] * values[k];
    }
    scales[r] = unit ? 1 / Math.sqrt(square) : scale;
  }
  return { values, scales };
}

/**
 * The first value that no narrow table may have: not finite, or beyond what scores stay finite with. Linear in the
 * table.
 */
export function findTableFlaw(
  table: Uint16Array | ScaledTable,
): { part: '' | '.values' | '.scales'; index: number; found: unknown; expected: string } | undefined {
  const values = tableValues(table);
  if (tableType(table) === 'f16') {
    const index = values.findIndex((half) => (half & 0x7fff) >= 0x7c00);
    return index < 0
      ? undefined
      : { part: '', index, found: `half 0x${values[index].toString(16)}`, expected: 'a finite half' };
  }
  const byte = values.indexOf(-128);
  if (byte >= 0)
    return { part: '.values', index: byte, found: -128, expected: `a value from -${MAX_BYTE} to ${MAX_BYTE}` };
  const { scales } = table as ScaledTable;
  const index = scales.findIndex((scale) => !(scale >= 0 && scale <= MAX_SCALE) || Object.is(scale, -0));
  return index < 0
    ? undefined
    : {
        part: '.scales',
        index,
        found: Object.is(scales[index], -0) ? '-0' : scales[index],
        expected: `a number from 0 to ${MAX_SCALE}`,
      };
}

/** Squared length of row r, as `loadModel` widens it. */
export function squaredLength(table: Table, dim: number, r: number): number {
  const values = tableValues(table);
  const type = tableType(table);
  let square = 0;
  for (let k = r * dim; k < (r + 1) * dim; k++) {
    const value = type === 'f16' ? fromHalf(values[k]) : values[k];
    square += value * value;
  }
  return type === 'int8' ? square * (table as ScaledTable).scales[r] ** 2 : square;
}

/**
 * Copies a table to linear memory as f32. The copy stays; scratch is released.
 * @param unit whether the rows have unit length but for the rounding of their type: then they get it again
 * @param arena where the copy goes
 * @returns its address
 * @throws MemoryError, naming `job`, if it does not fit.
 */
export function putTable(
  { exports, memory }: Kernels,
  table: Table,
  dim: number,
  unit: boolean,
  job: string,
  arena: Arena = memory,
): Address {
  const type = tableType(table);
  const values = tableValues(table);
  if (type === 'f32') return arena.put(values, job);
  const rows = dim === 0 ? 0 : values.length / dim;
  const address = arena.allocate(4 * values.length, job);
  const mark = memory.mark();
  if (type === 'f16') exports.widenHalves(values.length, memory.put(values, job), address);
  else exports.widenBytes(rows, dim, memory.put(values, job), memory.put((table as ScaledTable).scales, job), address);
  if (unit) exports.unitise(rows, dim, address);
  memory.release(mark);
  return address;
}
