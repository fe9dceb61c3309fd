// What may lie in the sections of a file: a table of fields. A field is a value on the host (ids, a sparse matrix, a
// table of vectors) and the sections that hold it. The rest follows from the table: read-fields.ts gives the values,
// every shape and number checked, write-fields.ts the sections, and check.ts says whether a value that a caller hands
// in can be written.

import type { Dtype, SectionKind } from './container.ts';

/** The sections of each type of field, by their dtypes and the format version that brought each of these. */
export const TYPES = {
  /** A JSON object. */
  json: [{ utf8: 1 }],
  text: [{ utf8: 1 }],
  /** A JSON object of lists by name, each of `rows` texts or nulls. */
  texts: [{ utf8: 1 }],
  /** Unique ids in order: their UTF-8, and where each starts. */
  ids: [{ utf8: 1 }, { u32: 1 }],
  /** `rows` numbers. */
  i32: [{ i32: 1 }],
  u32: [{ u32: 1 }],
  f32: [{ f32: 1 }],
  /** Numbers from 0 to below `cols`, strictly increasing. */
  positions: [{ i32: 1 }],
  /** Doubles, each a property of its own. */
  scalars: [{ f64: 1 }],
  /** `rows` × `cols` in compressed rows: indptr, indices. */
  pattern: [{ i32: 1 }, { i32: 1 }],
  /** The same with values. */
  matrix: [{ i32: 1 }, { i32: 1 }, { f32: 1 }],
  /** `rows` × `cols` numbers as f32, f16, or int8 with a scale a row. */
  table: [{ f32: 1, f16: 2, int8: 2 }, { f32: 2 }],
  /** The inverse of a symmetric matrix of `rows` rows (matrix/tiles.ts). */
  tiles: [{ f32: 1 }],
} as const satisfies Record<string, readonly Partial<Record<Dtype, number>>[]>;

/** What a field is for: how `inspect` and `export` sum up the bytes of a file. */
export type Use = 'items' | 'similarities' | 'vectors' | 'network' | 'users' | 'for update' | 'other';

/** A size by its name, looked up among the sizes that are known when the field is read, or a number. */
export type Size = string | number;
export type Sizes = Record<string, number>;

export interface Field {
  /** The property that holds the value; of scalars, the list of them. */
  readonly name: string;
  readonly type: keyof typeof TYPES;
  /**
   * Label of each section by its code; codes rise in the order in which the type lists them, and are never given to
   * anything else.
   */
  readonly sections: Readonly<Record<number, string>>;
  readonly use: Use;
  /** Undefined leaves the number of rows free. */
  readonly rows?: Size;
  /** 1 unless given. */
  readonly cols?: Size;
  /** Without it the value may be absent. */
  readonly required?: true;
  /** Fields that must be there where this one is. */
  readonly needs?: readonly string[];
  /** The first format version that has it; 1 unless given. */
  readonly since?: number;
  /** The size that the length of this value is. */
  readonly defines?: string;
  /** Of a matrix: the size that the number of its entries is. */
  readonly definesEntries?: string;
  /** Of a table: rows have length 1 or 0. */
  readonly unit?: true;
  /** Of scalars: the properties, and the least that each may be. */
  readonly scalars?: Readonly<Record<string, number>>;
}

export type Values = Record<string, unknown>;

/** The kinds of sections that these fields take. */
export function sectionKinds(fields: readonly Field[]): SectionKind[] {
  return fields.flatMap(({ type, sections, since = 1 }) =>
    Object.entries(sections).map(([code, label], i) => ({
      code: Number(code),
      label,
      dtypes: Object.fromEntries(
        Object.entries(TYPES[type][i]).map(([dtype, first]) => [dtype, Math.max(first, since)]),
      ),
    })),
  );
}

/** The size of that name, or the number itself. */
export function sizeOf<T extends Size | undefined>(size: T, sizes: Sizes): T extends undefined ? undefined : number {
  return (typeof size === 'string' ? sizes[size] : size) as ReturnType<typeof sizeOf<T>>;
}
