// The model file, laid out byte by byte in FORMAT.md. It is also its working memory: each section starts at a multiple of 64 bytes
// and is read as a typed-array view of the one buffer.

import { canonicalJson } from '../common/canonical-json.ts';
import { ArgumentError, ModelFileError } from '../common/errors.ts';
import { xxHash32 } from '../common/xxhash.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import { findFlaw, TILE, tileCount } from '../matrix/tiles.ts';
import { checkModelTypes } from './check.ts';
import type { MarketModel, Model } from './model.ts';
import {
  findTableFlaw,
  MAX_FLOAT,
  type ScaledTable,
  squaredLength,
  type Table,
  type TableType,
  tableType,
  tableValues,
} from './table.ts';

/** The newest format version that this library reads. A file is written as the oldest one that can hold it. */
export const FORMAT_VERSION = 2;
const OLDEST_VERSION = 1;
/** The first version with tables in f16 and int8. */
const COMPACT_VERSION = 2;

const MAGIC = Uint8Array.of(0x4d, 0x33, 0x52, 0x45, 0x43, 0x0d, 0x0a, 0x1a);
const HEADER = 64;
const ENTRY = 48;
const ALIGN = 64;
const WHOLE_MODEL = 0xffffffff;
const MAX_DIM = 65_535;
const MAX_COUNT = 0x7fffffff;
/** |‖V_j‖² − 1| of a unit vector at any d ≤ 65,535 is below 1e-5 in f32 and int8, below 1.1e-3 in f16; beyond this it is no unit vector. */
const UNIT_TOLERANCE = 2e-3;
/** The bits of MAX_FLOAT as f32; of two f32 of one sign, the larger magnitude has the larger bits. */
const MAX_FLOAT_BITS = 0x4e6e6b28;
const KINDS = ['m3rec', 'ease', 'popularity'] as const;

type Dtype = 'utf8' | 'i32' | 'u32' | 'f64' | TableType;
const DTYPES: Record<Dtype, { code: number; size: number }> = {
  utf8: { code: 1, size: 1 },
  i32: { code: 2, size: 4 },
  u32: { code: 3, size: 4 },
  f32: { code: 4, size: 4 },
  f64: { code: 5, size: 8 },
  f16: { code: 6, size: 2 },
  int8: { code: 7, size: 1 },
};
const COMPACT: readonly Dtype[] = ['f16', 'int8'];

const MODEL_SECTIONS = [
  { code: 1, name: 'training', dtype: 'utf8' },
  { code: 2, name: 'item ids', dtype: 'utf8' },
  { code: 3, name: 'item offsets', dtype: 'u32' },
  { code: 4, name: 'inverse', dtype: 'f32' },
] as const;
const MARKET_SECTIONS = [
  { code: 16, name: 'name', dtype: 'utf8' },
  { code: 17, name: 'items', dtype: 'i32' },
  { code: 18, name: 'popularity', dtype: 'u32' },
  { code: 19, name: 'linear indptr', dtype: 'i32' },
  { code: 20, name: 'linear indices', dtype: 'i32' },
  { code: 21, name: 'linear values', dtype: 'f32' },
  { code: 22, name: 'history', dtype: 'f32' },
  { code: 23, name: 'vectors', dtype: 'f32' },
  { code: 24, name: 'bias', dtype: 'f32' },
  { code: 25, name: 'weights', dtype: 'f64' },
  { code: 26, name: 'user ids', dtype: 'utf8' },
  { code: 27, name: 'user offsets', dtype: 'u32' },
  { code: 28, name: 'histories indptr', dtype: 'i32' },
  { code: 29, name: 'histories indices', dtype: 'i32' },
  { code: 30, name: 'user vectors', dtype: 'f32' },
  { code: 31, name: 'inverse', dtype: 'f32' },
  { code: 32, name: 'history scales', dtype: 'f32' },
  { code: 33, name: 'vector scales', dtype: 'f32' },
  { code: 34, name: 'user vector scales', dtype: 'f32' },
] as const;
/** Sections that may also be f16, or int8 with their scales in another section. */
const TABLES = { history: 'history scales', vectors: 'vector scales', 'user vectors': 'user vector scales' } as const;
type TableName = keyof typeof TABLES;
const SCALES: readonly string[] = Object.values(TABLES);
/** Above every code. */
const CODES = 64;

/** What a section of a model file holds. */
export type SectionName = (typeof MODEL_SECTIONS)[number]['name'] | (typeof MARKET_SECTIONS)[number]['name'];

/** One row of a file's section table. */
export interface SectionInfo {
  kind: SectionName;
  /** Name of the market, or null for a section of the whole model. */
  market: string | null;
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

/**
 * The model as one file. The same model gives the same bytes.
 *
 * @throws ArgumentError for ids, names or training values that the file cannot hold.
 * @throws ModelFileError for a model that no loader would accept (shapes that disagree, values that are not finite).
 */
export function encodeModel(model: Model): Uint8Array<ArrayBuffer> {
  checkModelTypes(model);
  const sections = listSections(model);
  let end = align(HEADER + ENTRY * sections.length);
  const offsets = sections.map(({ data }) => {
    const offset = end;
    end = align(offset + data.byteLength);
    return offset;
  });
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  for (const [i, { code, market, dtype, rows, cols, data }] of sections.entries()) {
    const content = bytes.subarray(offsets[i], offsets[i] + data.byteLength);
    content.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const entry = HEADER + ENTRY * i;
    view.setUint32(entry, code, true);
    view.setUint32(entry + 4, market, true);
    view.setUint32(entry + 8, DTYPES[dtype].code, true);
    view.setUint32(entry + 12, xxHash32(content), true);
    setUint64(view, entry + 16, offsets[i]);
    setUint64(view, entry + 24, data.byteLength);
    view.setUint32(entry + 32, rows, true);
    view.setUint32(entry + 36, cols, true);
  }
  bytes.set(MAGIC);
  view.setUint32(8, sections.some(({ dtype }) => COMPACT.includes(dtype)) ? COMPACT_VERSION : OLDEST_VERSION, true);
  view.setUint32(12, sections.length, true);
  setUint64(view, 16, end);
  view.setUint32(24, KINDS.indexOf(model.kind) + 1, true);
  view.setUint32(28, model.dim, true);
  view.setUint32(32, model.markets.length, true);
  view.setUint32(36, model.items.length, true);
  view.setUint32(40, xxHash32(bytes.subarray(HEADER, HEADER + ENTRY * sections.length)), true);
  view.setUint32(60, xxHash32(bytes.subarray(0, 60)), true);
  read(bytes);
  return bytes;
}

/**
 * The model in a file, every byte of it checked first. Its arrays are views of `bytes`, which must not be changed
 * while the model is in use; bytes that are shared or not 4-byte aligned are copied once.
 *
 * @throws ModelFileError naming section and offset, what was found and what was expected.
 * @throws ArgumentError where `bytes` is neither a Uint8Array nor an ArrayBuffer.
 */
export function decodeModel(bytes: Uint8Array | ArrayBuffer): Model {
  return read(bytes).model;
}

/** What is in a model file, checked as `decodeModel` does and with the same errors. */
export function inspectModel(bytes: Uint8Array | ArrayBuffer): ModelInfo {
  const { model, version, sections, length } = read(bytes);
  const tables = model.markets.flatMap(({ vectors }) => vectors ?? []);
  const similarities = model.markets.flatMap(({ linear }) => linear ?? []);
  return {
    version,
    kind: model.kind,
    dim: model.dim,
    bytes: length,
    sections: sections.map(({ kind, market, dtype, rows, cols, bytes: size, checksum }) => ({
      kind: kind as SectionName,
      market: market === WHOLE_MODEL ? null : model.markets[market].name,
      dtype,
      rows,
      cols,
      bytes: size,
      checksum,
    })),
    markets: model.markets.map(({ name, items, users }) => ({ name, items: items.length, users: users?.length ?? 0 })),
    users: model.markets.some(({ users }) => users !== undefined),
    vectors: tables.length > 0 ? tableType(tables[0]) : null,
    neighbours:
      similarities.length > 0 ? similarities.reduce((most, matrix) => Math.max(most, longestRow(matrix)), 0) : null,
    training: model.training,
  };
}

function longestRow({ rows, indptr }: SparsePattern): number {
  let longest = 0;
  for (let r = 0; r < rows; r++) longest = Math.max(longest, indptr[r + 1] - indptr[r]);
  return longest;
}

interface NewSection {
  code: number;
  market: number;
  dtype: Dtype;
  rows: number;
  cols: number;
  data: ArrayBufferView;
}

function listSections(model: Model): NewSection[] {
  const sections: NewSection[] = [];
  const add = (market: number, name: SectionName, data: ArrayBufferView | undefined, cols = 1, type?: Dtype) => {
    if (!data) return;
    const { code, dtype: usual } = (market === WHOLE_MODEL ? MODEL_SECTIONS : MARKET_SECTIONS).find(
      (section) => section.name === name,
    )!;
    const dtype = type ?? usual;
    const values = data.byteLength / DTYPES[dtype].size;
    sections.push({ code, market, dtype, rows: cols === 0 ? 0 : values / cols, cols, data });
  };
  const addTable = (market: number, name: TableName, table: Table | undefined) =>
    table && add(market, name, tableValues(table), model.dim, tableType(table));
  const addScales = (market: number, name: TableName, table: Table | undefined) =>
    table && tableType(table) === 'int8' && add(market, TABLES[name], (table as ScaledTable).scales);
  let training: string;
  try {
    training = canonicalJson(model.training);
  } catch (error) {
    throw new ArgumentError('model.training', model.training, `JSON values (${(error as Error).message})`);
  }
  add(WHOLE_MODEL, 'training', new TextEncoder().encode(training));
  const items = joinStrings('model.items', model.items);
  add(WHOLE_MODEL, 'item ids', items.bytes);
  add(WHOLE_MODEL, 'item offsets', items.offsets);
  add(WHOLE_MODEL, 'inverse', model.inverse, TILE * TILE);
  for (const [m, market] of model.markets.entries()) {
    const users = market.users && joinStrings(`users of market ${market.name}`, market.users);
    add(m, 'name', joinStrings('name of a market', [market.name]).bytes);
    add(m, 'items', market.items);
    add(m, 'popularity', market.popularity);
    add(m, 'linear indptr', market.linear?.indptr);
    add(m, 'linear indices', market.linear?.indices);
    add(m, 'linear values', market.linear?.values);
    addTable(m, 'history', market.foldIn);
    addTable(m, 'vectors', market.vectors);
    add(m, 'bias', market.bias);
    add(m, 'weights', float64([market.linearWeight, market.linearPower, market.cosineWeight]));
    add(m, 'user ids', users?.bytes);
    add(m, 'user offsets', users?.offsets);
    add(m, 'histories indptr', market.seenItems?.indptr);
    add(m, 'histories indices', market.seenItems?.indices);
    addTable(m, 'user vectors', market.userVectors);
    add(m, 'inverse', market.inverse, TILE * TILE);
    addScales(m, 'history', market.foldIn);
    addScales(m, 'vectors', market.vectors);
    addScales(m, 'user vectors', market.userVectors);
  }
  return sections;
}

function float64(values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true);
  return new Uint8Array(view.buffer);
}

function joinStrings(argument: string, strings: string[]): { bytes: Uint8Array; offsets: Uint32Array } {
  const bytes = new TextEncoder().encode(strings.join(''));
  const offsets = new Uint32Array(strings.length + 1);
  const scratch = new Uint8Array(3 * strings.reduce((most, text) => Math.max(most, text.length), 0));
  const encoder = new TextEncoder();
  for (const [i, text] of strings.entries()) {
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

interface Section {
  kind: string;
  market: number;
  dtype: Dtype;
  rows: number;
  cols: number;
  offset: number;
  bytes: number;
  checksum: number;
}

function fail(where: string, offset: number, found: unknown, expected: string): never {
  throw new ModelFileError(`${where} at byte ${offset}: found ${found}, expected ${expected}`);
}

/** The one validator: nothing is allocated, viewed or returned before what it rests on has been checked. */
function read(input: Uint8Array | ArrayBuffer): { model: Model; version: number; sections: Section[]; length: number } {
  const bytes = ownBytes(input);
  const header = readHeader(bytes);
  const sections = readTable(bytes, header);
  const model = readModel(bytes, header, sections);
  return { model, version: header.version, sections, length: bytes.byteLength };
}

function ownBytes(input: unknown): Uint8Array {
  const tag = (value: unknown) => Object.prototype.toString.call(value);
  let bytes: Uint8Array;
  if (tag(input) === '[object Uint8Array]') bytes = input as Uint8Array;
  // A buffer that was given away has no bytes left, and cannot be viewed.
  else if (tag(input) === '[object ArrayBuffer]')
    bytes = (input as ArrayBuffer).byteLength === 0 ? new Uint8Array(0) : new Uint8Array(input as ArrayBuffer);
  else throw new ArgumentError('bytes', input, 'the bytes of a model file, as Uint8Array or ArrayBuffer');
  // Shared bytes could change after they were checked, and TextDecoder refuses them.
  if (bytes.byteOffset % 4 !== 0 || tag(bytes.buffer) === '[object SharedArrayBuffer]') return new Uint8Array(bytes);
  return bytes;
}

interface Header {
  view: DataView;
  version: number;
  length: number;
  sections: number;
  kind: Model['kind'];
  dim: number;
  markets: number;
  items: number;
}

function readHeader(bytes: Uint8Array): Header {
  const length = bytes.byteLength;
  if (length === 0) throw new ModelFileError('not a model file: it is empty (0 bytes)');
  const magic = bytes.subarray(0, Math.min(length, MAGIC.length));
  if (magic.some((byte, i) => byte !== MAGIC[i])) {
    throw new ModelFileError(
      `not a model file: header at byte 0: found ${showBytes(bytes)}, expected the signature "M3REC"`,
    );
  }
  if (length < HEADER) fail('truncated file: header', 0, `${length} bytes`, `at least ${HEADER}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const version = u32(8);
  if (version > FORMAT_VERSION)
    fail(
      'header',
      8,
      `format version ${version}, which is newer than this library`,
      `at most ${FORMAT_VERSION}; a newer m3rec reads it`,
    );
  if (version < OLDEST_VERSION)
    fail('header', 8, `format version ${version}`, `${OLDEST_VERSION} to ${FORMAT_VERSION}`);
  const total = getUint64(view, 16);
  if (total > length) fail('truncated file: header', 16, `${length} bytes`, `the ${total} that the header names`);
  if (total < length) fail('header', 16, `${length - total} bytes after the end`, `a file of ${total} bytes`);
  const checksum = xxHash32(bytes.subarray(0, 60));
  if (u32(60) !== checksum) fail('header', 60, `checksum ${u32(60)}`, `${checksum}: the header is damaged`);
  const kind = KINDS[u32(24) - 1];
  if (kind === undefined) fail('header', 24, `model kind ${u32(24)}`, `1 to ${KINDS.length}`);
  if (u32(28) > MAX_DIM) fail('header', 28, `dimension ${u32(28)}`, `at most ${MAX_DIM}`);
  const sections = u32(12);
  if (HEADER + ENTRY * sections > total)
    fail(
      'header',
      12,
      `${sections} sections`,
      `at most ${Math.floor((total - HEADER) / ENTRY)}, which is what the file has room for`,
    );
  if (u32(32) > sections) fail('header', 32, `${u32(32)} markets`, `no more than the ${sections} sections`);
  checkZero(bytes, 44, 60, 'header');
  const table = xxHash32(bytes.subarray(HEADER, HEADER + ENTRY * sections));
  if (u32(40) !== table)
    fail('header', 40, `checksum ${u32(40)} of the section table`, `${table}: the table is damaged`);
  return { view, version, length, sections, kind, dim: u32(28), markets: u32(32), items: u32(36) };
}

function readTable(bytes: Uint8Array, header: Header): Section[] {
  const { view, version, length } = header;
  const sections: Section[] = [];
  let end = HEADER + ENTRY * header.sections;
  let place = -1;
  for (let i = 0; i < header.sections; i++) {
    const at = HEADER + ENTRY * i;
    const u32 = (field: number) => view.getUint32(at + field, true);
    const entry = `section table, entry ${i}`;
    const market = u32(4);
    const known = (market === WHOLE_MODEL ? MODEL_SECTIONS : MARKET_SECTIONS).find(
      ({ code, name }) => code === u32(0) && (version >= COMPACT_VERSION || !SCALES.includes(name)),
    );
    if (!known)
      fail(
        entry,
        at,
        `section kind ${u32(0)} of ${market === WHOLE_MODEL ? 'the model' : `market ${market}`}`,
        `a known kind of version ${version}`,
      );
    if (market !== WHOLE_MODEL && market >= header.markets)
      fail(entry, at + 4, `market ${market}`, `below ${header.markets}`);
    const next = (market === WHOLE_MODEL ? 0 : market + 1) * CODES + known.code;
    if (next <= place)
      fail(entry, at, `section "${known.name}" out of order or twice`, 'sections sorted by market and kind');
    place = next;
    const allowed: Dtype[] = [known.dtype, ...(version >= COMPACT_VERSION && known.name in TABLES ? COMPACT : [])];
    const dtype =
      allowed.find((each) => DTYPES[each].code === u32(8)) ??
      fail(
        entry,
        at + 8,
        `dtype ${u32(8)}`,
        `${allowed.map((each) => `${DTYPES[each].code} (${each})`).join(', ')} for "${known.name}" in version ${version}`,
      );
    const { size } = DTYPES[dtype];
    const section: Section = {
      kind: known.name,
      market,
      dtype,
      rows: u32(32),
      cols: u32(36),
      offset: getUint64(view, at + 16),
      bytes: getUint64(view, at + 24),
      checksum: u32(12),
    };
    const where = describe(section);
    const expected = align(end);
    if (section.offset !== expected)
      fail(where, at + 16, `offset ${section.offset}`, `${expected}, aligned and without gap or overlap`);
    if (expected > length || section.bytes > length - expected)
      fail(where, at + 24, `${section.bytes} bytes`, `at most the ${Math.max(0, length - expected)} that are left`);
    if (section.rows > MAX_COUNT || section.cols > MAX_COUNT)
      fail(where, at + 32, `${section.rows} × ${section.cols}`, `at most ${MAX_COUNT} each`);
    // Doubles: a product that is not exact is above 2⁵³, so it cannot equal `bytes`, which fits in the file.
    if (section.rows * section.cols * size !== section.bytes)
      fail(where, at + 32, `${section.rows} × ${section.cols} × ${size} bytes`, `the section's ${section.bytes} bytes`);
    checkZero(bytes, at + 40, at + 48, entry);
    checkZero(bytes, end, expected, `padding before ${where}`);
    end = expected + section.bytes;
    const checksum = xxHash32(bytes.subarray(expected, end));
    if (checksum !== section.checksum)
      fail(where, section.offset, `checksum ${checksum}`, `${section.checksum}: the section is damaged`);
    sections.push(section);
  }
  if (align(end) !== length) fail('header', 16, `${length} bytes`, `${align(end)}, where the last section ends`);
  checkZero(bytes, end, length, 'padding at the end');
  if (version >= COMPACT_VERSION && !sections.some(({ dtype }) => COMPACT.includes(dtype)))
    fail('header', 8, `format version ${version} without a section in f16 or int8`, String(OLDEST_VERSION));
  return sections;
}

function readModel(bytes: Uint8Array, header: Header, sections: Section[]): Model {
  const parts = new Map<number, Map<string, Section>>();
  for (const section of sections) {
    const group = parts.get(section.market) ?? new Map<string, Section>();
    parts.set(section.market, group.set(section.kind, section));
  }
  const group = (market: number) => new Group(bytes, header, market, parts.get(market) ?? new Map());
  const whole = group(WHOLE_MODEL);
  const training = whole.json('training');
  const items = whole.strings('item ids', 'item offsets');
  if (items.length !== header.items) fail('header', 36, `${header.items} items`, `${items.length}, the number of ids`);
  const inverse = whole.has('inverse') ? { inverse: whole.inverse(items.length) } : undefined;
  const markets: MarketModel[] = [];
  for (let m = 0; m < header.markets; m++) {
    const market = readMarket(group(m), items.length, header.dim);
    if (m > 0 && !(markets[m - 1].name < market.name)) {
      fail(
        `section "name" of market ${m}`,
        parts.get(m)!.get('name')!.offset,
        JSON.stringify(market.name),
        `a name after ${JSON.stringify(markets[m - 1].name)}`,
      );
    }
    markets.push(market);
  }
  return { kind: header.kind, dim: header.dim, items, ...inverse, markets, training };
}

function readMarket(group: Group, itemCount: number, dim: number): MarketModel {
  const name = group.text('name');
  const items = group.i32('items', undefined, 1);
  group.increasing('items', items, 0, items.length, itemCount);
  const n = items.length;
  const weights = group.f64('weights', 3);
  if (weights[1] < 0) group.refuse('weights', `linear power ${weights[1]}`, '0 or more', 8);
  const market: MarketModel = {
    name,
    items,
    popularity: group.u32('popularity', n, 1),
    linearWeight: weights[0],
    linearPower: weights[1],
    cosineWeight: weights[2],
  };
  if (group.together('linear indptr', 'linear indices', 'linear values')) {
    const pattern = group.pattern('linear indptr', 'linear indices', n, n);
    market.linear = { ...pattern, values: group.f32('linear values', pattern.indices.length, 1) };
  }
  if (group.together('history', 'vectors')) {
    if (dim === 0) group.refuse('vectors', 'vectors in a model of dimension 0', 'a dimension of at least 1');
    market.foldIn = group.table('history', n, dim);
    market.vectors = group.table('vectors', n, dim);
    group.unitRows('vectors', market.vectors, n, dim);
  }
  if (group.has('bias')) market.bias = group.f32('bias', n, 1);
  if (group.together('user ids', 'user offsets', 'histories indptr', 'histories indices')) {
    market.users = group.strings('user ids', 'user offsets');
    market.seenItems = group.pattern('histories indptr', 'histories indices', market.users.length, n);
  }
  if (group.has('user vectors')) {
    if (!market.users || !market.vectors)
      group.refuse('user vectors', 'offsets of users', 'users and vectors beside them');
    market.userVectors = group.table('user vectors', market.users!.length, dim);
  }
  if (group.has('inverse')) market.inverse = group.inverse(n);
  group.checkScales();
  return market;
}

/** The sections of one market, or of the whole model, read with their shapes and contents checked. */
class Group {
  constructor(
    private readonly bytes: Uint8Array,
    private readonly header: Header,
    private readonly market: number,
    private readonly sections: Map<string, Section>,
  ) {}

  has(kind: SectionName): boolean {
    return this.sections.has(kind);
  }

  refuse(kind: SectionName, found: unknown, expected: string, delta = 0): never {
    const section = this.section(kind);
    return fail(describe(section), section.offset + delta, found, expected);
  }

  /** Whether these sections are there; it is an error if only some of them are. */
  together(...kinds: SectionName[]): boolean {
    const there = kinds.filter((kind) => this.has(kind));
    if (there.length > 0 && there.length < kinds.length) {
      this.refuse(
        there[0],
        'the section alone',
        `beside it ${kinds
          .filter((kind) => !this.has(kind))
          .map((kind) => `"${kind}"`)
          .join(', ')}`,
      );
    }
    return there.length > 0;
  }

  i32(kind: SectionName, rows: number | undefined, cols: number): Int32Array {
    const { offset, length } = this.shaped(kind, rows, cols);
    return new Int32Array(this.bytes.buffer, offset, length);
  }

  u32(kind: SectionName, rows: number | undefined, cols: number): Uint32Array {
    const { offset, length } = this.shaped(kind, rows, cols);
    return new Uint32Array(this.bytes.buffer, offset, length);
  }

  f32(kind: SectionName, rows: number, cols: number): Float32Array {
    const { offset, length } = this.shaped(kind, rows, cols);
    const bits = new Uint32Array(this.bytes.buffer, offset, length);
    for (let i = 0; i < length; i++) {
      if ((bits[i] & 0x7fffffff) > MAX_FLOAT_BITS)
        this.refuse(kind, 'a value that is not finite, or above 1e9 in magnitude', 'finite values up to 1e9', 4 * i);
    }
    return new Float32Array(this.bytes.buffer, offset, length);
  }

  f64(kind: SectionName, rows: number): number[] {
    this.shaped(kind, rows, 1);
    const { offset } = this.section(kind);
    return Array.from({ length: rows }, (_, i) => {
      const value = this.header.view.getFloat64(offset + 8 * i, true);
      if (!(Math.abs(value) <= MAX_FLOAT)) this.refuse(kind, value, 'finite values up to 1e9 in magnitude', 8 * i);
      return value;
    });
  }

  text(kind: SectionName): string {
    const section = this.section(kind);
    this.shaped(kind, undefined, 1);
    return this.decode(kind, 0, section.bytes);
  }

  json(kind: SectionName): Record<string, unknown> {
    const text = this.text(kind);
    let value: unknown;
    let canonical = '';
    try {
      value = JSON.parse(text);
      canonical = canonicalJson(value);
    } catch (error) {
      this.refuse(kind, 'text that is not plain JSON', `a JSON object (${(error as Error).message})`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      this.refuse(kind, 'another JSON value', 'a JSON object');
    if (canonical !== text) this.refuse(kind, 'JSON in another form', 'sorted keys and no white space');
    return value as Record<string, unknown>;
  }

  /** Ids: valid UTF-8 each, unique, sorted. */
  strings(idKind: SectionName, offsetKind: SectionName): string[] {
    const section = this.section(idKind);
    this.shaped(idKind, undefined, 1);
    const offsets = this.u32(offsetKind, undefined, 1);
    const count = offsets.length - 1;
    if (count < 0) this.refuse(offsetKind, 'no offset', 'one more than there are ids');
    if (offsets[0] !== 0) this.refuse(offsetKind, offsets[0], '0 as the first offset');
    for (let i = 0; i < count; i++) {
      if (offsets[i + 1] < offsets[i])
        this.refuse(offsetKind, `${offsets[i + 1]} after ${offsets[i]}`, 'offsets that never fall', 4 * (i + 1));
    }
    if (offsets[count] !== section.bytes)
      this.refuse(offsetKind, offsets[count], `${section.bytes}, the bytes of the ids, as the last offset`, 4 * count);
    const all = this.decode(idKind, 0, section.bytes);
    // One code unit a byte: ASCII, whose ids are slices of the whole. Else each id has to be valid by itself.
    const ascii = all.length === section.bytes;
    const ids: string[] = new Array(count);
    for (let i = 0; i < count; i++) {
      ids[i] = ascii ? all.slice(offsets[i], offsets[i + 1]) : this.decode(idKind, offsets[i], offsets[i + 1]);
      if (i > 0 && !(ids[i - 1] < ids[i])) {
        this.refuse(
          idKind,
          `id ${JSON.stringify(ids[i].slice(0, 80))} after ${JSON.stringify(ids[i - 1].slice(0, 80))}`,
          'unique ids in order',
          offsets[i],
        );
      }
    }
    return ids;
  }

  pattern(indptrKind: SectionName, indexKind: SectionName, rows: number, cols: number): SparsePattern {
    const indptr = this.i32(indptrKind, rows + 1, 1);
    const indices = this.i32(indexKind, undefined, 1);
    if (indptr[0] !== 0) this.refuse(indptrKind, indptr[0], '0 as the first entry');
    for (let r = 0; r < rows; r++) {
      if (indptr[r + 1] < indptr[r])
        this.refuse(indptrKind, `${indptr[r + 1]} after ${indptr[r]}`, 'entries that never fall', 4 * (r + 1));
    }
    if (indptr[rows] !== indices.length)
      this.refuse(indptrKind, indptr[rows], `${indices.length}, the number of indices, as the last entry`, 4 * rows);
    for (let r = 0; r < rows; r++) this.increasing(indexKind, indices, indptr[r], indptr[r + 1], cols);
    return { rows, cols, indptr, indices };
  }

  increasing(kind: SectionName, values: Int32Array, from: number, to: number, below: number): void {
    let last = -1;
    for (let i = from; i < to; i++) {
      const value = values[i];
      if (value <= last || value >= below)
        this.refuse(kind, `${value} after ${last}`, `indices that rise and stay below ${below}`, 4 * i);
      last = value;
    }
  }

  /** Rows of vectors in whichever type they are held. */
  table(kind: TableName, rows: number, dim: number): Table {
    const { dtype } = this.section(kind);
    if (dtype === 'f32') return this.f32(kind, rows, dim);
    const { offset, length } = this.shaped(kind, rows, dim);
    const table =
      dtype === 'f16'
        ? new Uint16Array(this.bytes.buffer, offset, length)
        : { values: new Int8Array(this.bytes.buffer, offset, length), scales: this.f32(TABLES[kind], rows, 1) };
    const flaw = findTableFlaw(table);
    if (flaw?.part === '.scales') this.refuse(TABLES[kind], flaw.found, flaw.expected, 4 * flaw.index);
    if (flaw) this.refuse(kind, flaw.found, flaw.expected, DTYPES[dtype].size * flaw.index);
    return table;
  }

  /** No scales but those of int8. */
  checkScales(): void {
    for (const [kind, scales] of Object.entries(TABLES)) {
      if (this.has(scales) && this.sections.get(kind)?.dtype !== 'int8')
        this.refuse(scales, 'scales', `none, since "${kind}" is not int8`);
    }
  }

  unitRows(kind: TableName, table: Table, rows: number, dim: number): void {
    for (let r = 0; r < rows; r++) {
      const square = squaredLength(table, dim, r);
      if (square !== 0 && !(Math.abs(square - 1) <= UNIT_TOLERANCE))
        this.refuse(
          kind,
          `a row of squared length ${square}`,
          'rows of length 1 or 0',
          DTYPES[tableType(table)].size * r * dim,
        );
    }
  }

  inverse(n: number): Float32Array {
    const tiles = this.f32('inverse', tileCount(n), TILE * TILE);
    const flaw = findFlaw(tiles, n);
    if (flaw !== undefined) this.refuse('inverse', tiles[flaw], 'a diagonal below 0, and the padding of −I', 4 * flaw);
    return tiles;
  }

  private section(kind: SectionName): Section {
    const section = this.sections.get(kind);
    if (!section) {
      const owner = this.market === WHOLE_MODEL ? 'the model' : `market ${this.market}`;
      return fail('section table', HEADER, `no section "${kind}" of ${owner}`, 'one, since it is required');
    }
    return section;
  }

  /** Where the section's values are in the buffer, and how many; `rows` undefined leaves their number free. */
  private shaped(kind: SectionName, rows: number | undefined, cols: number): { offset: number; length: number } {
    const section = this.section(kind);
    if ((rows !== undefined && section.rows !== rows) || section.cols !== cols) {
      this.refuse(kind, `shape ${section.rows} × ${section.cols}`, `${rows ?? 'any'} × ${cols}`);
    }
    return { offset: this.bytes.byteOffset + section.offset, length: section.rows * section.cols };
  }

  private decode(kind: SectionName, from: number, to: number): string {
    const { offset } = this.section(kind);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        this.bytes.subarray(offset + from, offset + to),
      );
    } catch {
      return this.refuse(kind, 'bytes that are not UTF-8', 'UTF-8', from);
    }
  }
}

function describe(section: Section): string {
  return `section "${section.kind}"${section.market === WHOLE_MODEL ? '' : ` of market ${section.market}`}`;
}

function checkZero(bytes: Uint8Array, from: number, to: number, where: string): void {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) fail(where, i, `byte ${bytes[i]}`, '0');
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}

function getUint64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}

function setUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 2 ** 32, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}

/** The first bytes as text where they are text, else in hexadecimal. */
function showBytes(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 12);
  if (head.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13))
    return `text ${JSON.stringify(String.fromCharCode(...head))}`;
  return Array.from(head, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
