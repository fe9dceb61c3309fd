import { ArgumentError, checkObject } from '../common/errors.ts';

/**
 * A sparse matrix in compressed rows, held on the host.
 * `indices[indptr[r] .. indptr[r + 1])` are the columns of row r, strictly increasing.
 */
export interface SparsePattern {
  rows: number;
  cols: number;
  /** (rows + 1), starts at 0, never falls. */
  indptr: Int32Array;
  /** (indptr[rows]) */
  indices: Int32Array;
}

/** As SparsePattern, with a value per entry. */
export interface SparseMatrix extends SparsePattern {
  /** (indptr[rows]) */
  values: Float32Array;
}

/** The n × n identity. */
export function identity(n: number): SparseMatrix {
  return {
    rows: n,
    cols: n,
    indptr: Int32Array.from({ length: n + 1 }, (_, i) => i),
    indices: Int32Array.from({ length: n }, (_, i) => i),
    values: new Float32Array(n).fill(1),
  };
}

/** The n × n matrix without entries. */
export function emptyMatrix(n: number): SparseMatrix {
  return { rows: n, cols: n, indptr: new Int32Array(n + 1), indices: new Int32Array(0), values: new Float32Array(0) };
}

type TypedArrayName = 'Int8Array' | 'Uint16Array' | 'Int32Array' | 'Uint32Array' | 'Float32Array' | 'Float64Array';
const typeName = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;

/** The class of a typed array, from any realm; undefined for any other value. */
export function typedArrayName(value: unknown): string | undefined {
  return typeName.call(value);
}

/**
 * Throws an ArgumentError unless `value` is a typed array of this class, from any realm, of `length` values where that
 * is given.
 */
export function checkTyped(argument: string, value: unknown, name: TypedArrayName, length?: number): void {
  if (typedArrayName(value) !== name) throw new ArgumentError(argument, value, `a ${name}`);
  const found = (value as Int32Array).length;
  if (length !== undefined && found !== length) throw new ArgumentError(`${argument}.length`, found, String(length));
}

/** Throws an ArgumentError unless each of values[from … to) is above the one before it and below `below`. */
export function checkIncreasing(argument: string, values: Int32Array, from: number, to: number, below: number): void {
  for (let i = from, last = -1; i < to; last = values[i++]) {
    if (values[i] <= last || values[i] >= below)
      throw new ArgumentError(`${argument}[${i}]`, values[i], `indices that rise and stay below ${below}`);
  }
}

/** Throws an ArgumentError unless `value` is a SparsePattern of this shape. Linear in its entries. */
export function checkPattern(argument: string, value: unknown, rows: number, cols: number): void {
  checkObject(argument, value, 'a sparse matrix');
  const pattern = value as SparsePattern;
  if (pattern.rows !== rows) throw new ArgumentError(`${argument}.rows`, pattern.rows, String(rows));
  if (pattern.cols !== cols) throw new ArgumentError(`${argument}.cols`, pattern.cols, String(cols));
  const { indptr, indices } = pattern;
  checkTyped(`${argument}.indptr`, indptr, 'Int32Array', rows + 1);
  checkTyped(`${argument}.indices`, indices, 'Int32Array', indptr[rows]);
  if (indptr[0] !== 0) throw new ArgumentError(`${argument}.indptr[0]`, indptr[0], '0');
  for (let row = 0; row < rows; row++) {
    if (indptr[row + 1] < indptr[row])
      throw new ArgumentError(
        `${argument}.indptr[${row + 1}]`,
        indptr[row + 1],
        `at least ${indptr[row]}, the entry before it`,
      );
  }
  for (let row = 0; row < rows; row++)
    checkIncreasing(`${argument}.indices`, indices, indptr[row], indptr[row + 1], cols);
}
