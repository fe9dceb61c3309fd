// The model file, laid out byte by byte in docs/internals/format.md: a container of the fields of a model. `read` is
// the one validator that every loader calls before it trusts a byte.

import type { SparseMatrix } from '../matrix/sparse.ts';
import { checkModelTypes } from './check.ts';
import {
  byPart,
  type Dtype,
  fail,
  type Header,
  Part,
  readHeader,
  readSections,
  type Section,
  WHOLE,
  writeContainer,
} from './container.ts';
import { BASICS, type FileKind, kindOf, MAX_DIM, MODEL_FORMAT, wholeFields } from './fields.ts';
import type { MarketModel, Model } from './model.ts';
import { readFields } from './read-fields.ts';
import { type Field, type Sizes, sectionKinds, type Use, type Values } from './sections.ts';
import { type Table, type TableType, tableType } from './table.ts';
import { writeFields } from './write-fields.ts';

/** The newest format version that this library reads. A file is written as the oldest one that can hold it. */
export const FORMAT_VERSION = MODEL_FORMAT.versions.length;

/** One row of a file's section table. */
export interface SectionInfo {
  /** What it holds, as docs/internals/format.md names it. */
  kind: string;
  /** Name of the market, or null for a section of the whole model. */
  market: string | null;
  /** What it is for. */
  use: Use;
  dtype: Dtype;
  rows: number;
  cols: number;
  bytes: number;
  /** xxHash32 of the section's bytes. */
  checksum: number;
}

/** What is in a model file. */
export interface ModelInfo {
  /** Of its format. */
  version: number;
  kind: Model['kind'];
  dim: number;
  /** Length of the whole file. */
  bytes: number;
  sections: SectionInfo[];
  /** `users` is 0 in a model without users. */
  markets: { name: string; items: number; users: number }[];
  /** Whether it has users. */
  users: boolean;
  /** How its tables of vectors are held; null without any. */
  vectors: TableType | null;
  /** The most similarities that an item has; null without any. */
  neighbours: number | null;
  training: Record<string, unknown>;
}

/** The model as one file. `kinds` are those that there are; the public functions of models/file.ts bind it. */
export function writeModel(model: Model, kinds: readonly FileKind[]): Uint8Array<ArrayBuffer> {
  checkModelTypes(model, kinds);
  const kind = kindOf(kinds, model.kind);
  const sizes = { dim: model.dim };
  const sections = [
    ...writeFields(wholeFields(kind), model as Model & Values, WHOLE, sizes, 'model'),
    ...model.markets.flatMap((market, m) =>
      writeFields(marketFields(kind), market as MarketModel & Values, m, sizes, `model.markets[${m}]`),
    ),
  ];
  const words = [kind.code, model.dim, model.items.length] as const;
  const bytes = writeContainer(MODEL_FORMAT, words, model.markets.length, sections, kind.since);
  read(bytes, kinds);
  return bytes;
}

/** The code of a file's kind, the header checked. */
export const kindCodeOf = (bytes: Uint8Array | ArrayBuffer): number => readHeader(MODEL_FORMAT, bytes).words[0];

/** The model in a file of one of these kinds. */
export function readModel(bytes: Uint8Array | ArrayBuffer, kinds: readonly FileKind[]): Model {
  return read(bytes, kinds).model;
}

/** What is in a file of one of these kinds. */
export function describeModel(bytes: Uint8Array | ArrayBuffer, kinds: readonly FileKind[]): ModelInfo {
  const { model, header, sections } = read(bytes, kinds);
  const { markets } = model;
  const own = kindOf(kinds, model.kind);
  const fields = marketFields(own);
  const valuesOf = (type: Field['type'], use: Use) =>
    fields
      .filter((field) => field.type === type && field.use === use)
      .flatMap(({ name }) => markets.map((market) => (market as MarketModel & Values)[name]))
      .filter((value) => value !== undefined);
  const tables = valuesOf('table', 'vectors') as Table[];
  const similarities = valuesOf('matrix', 'similarities') as SparseMatrix[];
  return {
    version: header.version,
    kind: model.kind,
    dim: model.dim,
    bytes: header.bytes.byteLength,
    sections: sections.map(({ kind, part, dtype, rows, cols, bytes: size, checksum }) => ({
      kind: kind.label,
      market: part === WHOLE ? null : markets[part].name,
      use: useOf(part === WHOLE ? wholeFields(own) : fields, kind.code),
      dtype,
      rows,
      cols,
      bytes: size,
      checksum,
    })),
    markets: markets.map(({ name, items, users }) => ({ name, items: items.length, users: users?.length ?? 0 })),
    users: markets.some(({ users }) => users !== undefined),
    vectors: tables.length > 0 ? tableType(tables[0]) : null,
    neighbours:
      similarities.length > 0 ? similarities.reduce((most, matrix) => Math.max(most, longestRow(matrix)), 0) : null,
    training: model.training,
  };
}

const marketFields = ({ fields }: FileKind): readonly Field[] => [...BASICS, ...fields];

const useOf = (fields: readonly Field[], code: number) => fields.find(({ sections }) => code in sections)!.use;

function longestRow({ rows, indptr }: SparseMatrix): number {
  let longest = 0;
  for (let r = 0; r < rows; r++) longest = Math.max(longest, indptr[r + 1] - indptr[r]);
  return longest;
}

/** Nothing is allocated, viewed or returned before what it rests on has been checked. */
function read(
  input: Uint8Array | ArrayBuffer,
  kinds: readonly FileKind[],
): { model: Model; header: Header; sections: Section[] } {
  const header = readHeader(MODEL_FORMAT, input);
  const [code, dim, itemCount] = header.words;
  const kind = kinds.find((each) => each.code === code);
  if (kind === undefined)
    return fail('header', 24, `model kind ${code}`, kinds.map((each) => `${each.code} (${each.name})`).join(', '));
  if (dim > MAX_DIM) fail('header', 28, `dimension ${dim}`, `at most ${MAX_DIM}`);
  const fields = marketFields(kind);
  const whole = wholeFields(kind);
  const sections = readSections(header, { whole: sectionKinds(whole), part: sectionKinds(fields) }, kind.since);
  const parts = byPart(sections);
  const part = (number: number) => new Part(header, number, parts.get(number) ?? []);
  const sizes: Sizes = { dim };
  const values = readFields(whole, part(WHOLE), sizes) as Pick<Model, 'training' | 'items'>;
  if (values.items.length !== itemCount)
    fail('header', 36, `${itemCount} items`, `${values.items.length}, the number of ids`);
  const markets: MarketModel[] = [];
  for (let m = 0; m < header.parts; m++) {
    const market = readFields(fields, part(m), {
      ...sizes,
      users: 0,
      otherMarkets: 0,
      similarities: 0,
    }) as unknown as MarketModel;
    const before = markets[m - 1]?.name;
    if (m > 0 && !(before < market.name))
      part(m).refuse('name', JSON.stringify(market.name), `a name after ${JSON.stringify(before)}`);
    markets.push(market);
  }
  const model: Model = { kind: kind.name, dim, ...values, markets };
  const flaw = kind.flaw?.(model);
  if (flaw !== undefined) fail('header', 24, flaw, `a whole model of kind ${kind.name}`);
  return { model, header, sections };
}
