// A file of sections: a header, a table of sections, and the sections, each at a multiple of 64 bytes and with a
// checksum. docs/internals/format.md gives the bytes. Nothing here knows what a model is: a format says what its files
// are called, its callers say which sections there may be. A file is its own working memory: sections are read as
// typed-array views of the one buffer.

import { ArgumentError, ModelFileError } from '../common/errors.ts';
import { xxHash32 } from '../common/xxhash.ts';

const HEADER = 64;
const ENTRY = 48;
const ALIGN = 64;
const MAX_COUNT = 0x7fffffff;
/** Above every code of a section. */
const CODES = 2 ** 20;
/** Where the four words of the header that belong to the format start; the third is the number of parts. */
const WORDS = 24;
/** The end of every magic: a transfer as text changes it visibly. */
const MAGIC_END = '\r\n\x1a';

/** In place of the number of a part: the section belongs to the whole file. */
export const WHOLE = 0xffffffff;

/** How the values of a section are held. utf8 counts bytes. */
export type Dtype = 'utf8' | 'i32' | 'u32' | 'f32' | 'f64' | 'f16' | 'int8';

const DTYPES: Record<Dtype, { code: number; size: number }> = {
  utf8: { code: 1, size: 1 },
  i32: { code: 2, size: 4 },
  u32: { code: 3, size: 4 },
  f32: { code: 4, size: 4 },
  f64: { code: 5, size: 8 },
  f16: { code: 6, size: 2 },
  int8: { code: 7, size: 1 },
};

/** A sort of file. */
export interface Format {
  /** Five ASCII characters that its files start with. */
  readonly signature: string;
  /** What errors call a file, its whole and one of its parts: 'model file', 'model' and 'market'. */
  readonly names: { readonly file: string; readonly whole: string; readonly part: string };
  /** What each version brought, version 1 first. A file has the lowest version that can hold it. */
  readonly versions: readonly string[];
}

/** A sort of section. */
export interface SectionKind {
  /** In the file; never given to another kind. */
  readonly code: number;
  /** What errors call it. */
  readonly label: string;
  /** The types that it may have, each with the first version that has it. */
  readonly dtypes: Readonly<Partial<Record<Dtype, number>>>;
}

/** The kinds of sections of the whole file, and of each part. */
export interface SectionKinds {
  readonly whole: readonly SectionKind[];
  readonly part: readonly SectionKind[];
}

/** A section to be written. */
export interface NewSection {
  kind: SectionKind;
  /** Number of its part, or WHOLE. */
  part: number;
  dtype: Dtype;
  cols: number;
  data: ArrayBufferView;
}

/** A section that was found. */
export interface Section {
  kind: SectionKind;
  part: number;
  dtype: Dtype;
  rows: number;
  cols: number;
  offset: number;
  bytes: number;
  checksum: number;
}

/** A checked header. */
export interface Header {
  format: Format;
  bytes: Uint8Array;
  view: DataView;
  version: number;
  parts: number;
  /** The three words that are the format's own, at bytes 24, 28 and 36. */
  words: readonly [number, number, number];
  sections: number;
}

/** Throws a ModelFileError that names a place, what was found there and what was expected. */
export function fail(where: string, offset: number, found: unknown, expected: string): never {
  throw new ModelFileError(`${where} at byte ${offset}: found ${found}, expected ${expected}`);
}

/**
 * The bytes of a file; the same sections give the same bytes.
 *
 * @param words for bytes 24, 28 and 36 of the header
 * @param parts number of parts
 * @param sections in any order
 * @param version the least that the file's words need
 */
export function writeContainer(
  format: Format,
  words: readonly [number, number, number],
  parts: number,
  sections: NewSection[],
  version = 1,
): Uint8Array<ArrayBuffer> {
  const sorted = sections.sort((a, b) => placeOf(a.part, a.kind) - placeOf(b.part, b.kind));
  const table = HEADER + ENTRY * sorted.length;
  let end = align(table);
  const offsets = sorted.map(({ data }) => {
    const offset = end;
    end = align(offset + data.byteLength);
    return offset;
  });
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  const put = (at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) view.setUint32(at + 4 * i, value, true);
  };
  const halves = (value: number) => [value % 2 ** 32, Math.floor(value / 2 ** 32)];
  for (const [i, { kind, part, dtype, cols, data }] of sorted.entries()) {
    const content = bytes.subarray(offsets[i], offsets[i] + data.byteLength);
    content.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const rows = cols === 0 ? 0 : data.byteLength / DTYPES[dtype].size / cols;
    put(HEADER + ENTRY * i, kind.code, part, DTYPES[dtype].code, xxHash32(content));
    put(HEADER + ENTRY * i + 16, ...halves(offsets[i]), ...halves(data.byteLength), rows, cols);
  }
  bytes.set(magicOf(format));
  const needed = sorted.reduce((most, { kind, dtype }) => Math.max(most, kind.dtypes[dtype]!), version);
  put(8, needed, sorted.length, ...halves(end), words[0], words[1], parts, words[2]);
  put(40, xxHash32(bytes.subarray(HEADER, table)));
  put(60, xxHash32(bytes.subarray(0, 60)));
  return bytes;
}

/**
 * The header of a file, checked; nothing beyond the table's checksum is looked at yet.
 *
 * @throws ModelFileError for another file, another version, or a damaged header or table.
 * @throws ArgumentError where `input` is neither a Uint8Array nor an ArrayBuffer.
 */
export function readHeader(format: Format, input: Uint8Array | ArrayBuffer): Header {
  const bytes = ownBytes(format, input);
  const length = bytes.byteLength;
  const { file, part } = format.names;
  if (length === 0) throw new ModelFileError(`not a ${file}: it is empty (0 bytes)`);
  const magic = magicOf(format);
  if (bytes.subarray(0, magic.length).some((byte, i) => byte !== magic[i])) {
    throw new ModelFileError(
      `not a ${file}: header at byte 0: found ${showBytes(bytes)}, expected the signature "${format.signature}"`,
    );
  }
  if (length < HEADER) fail('truncated file: header', 0, `${length} bytes`, `at least ${HEADER}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const version = u32(8);
  const newest = format.versions.length;
  if (version > newest)
    fail(
      'header',
      8,
      `format version ${version}, which is newer than this library`,
      `at most ${newest}; a newer m3rec reads it`,
    );
  if (version < 1) fail('header', 8, `format version ${version}`, `1 to ${newest}`);
  const total = getUint64(view, 16);
  if (total > length) fail('truncated file: header', 16, `${length} bytes`, `the ${total} that the header names`);
  if (total < length) fail('header', 16, `${length - total} bytes after the end`, `a file of ${total} bytes`);
  const checksum = xxHash32(bytes.subarray(0, 60));
  if (u32(60) !== checksum) fail('header', 60, `checksum ${u32(60)}`, `${checksum}: the header is damaged`);
  const sections = u32(12);
  if (HEADER + ENTRY * sections > total)
    fail(
      'header',
      12,
      `${sections} sections`,
      `at most ${Math.floor((total - HEADER) / ENTRY)}, which is what the file has room for`,
    );
  const parts = u32(WORDS + 8);
  if (parts > sections) fail('header', WORDS + 8, `${parts} ${part}s`, `no more than the ${sections} sections`);
  checkZero(bytes, 44, 60, 'header');
  const table = xxHash32(bytes.subarray(HEADER, HEADER + ENTRY * sections));
  if (u32(40) !== table)
    fail('header', 40, `checksum ${u32(40)} of the section table`, `${table}: the table is damaged`);
  return { format, bytes, view, version, parts, words: [u32(WORDS), u32(WORDS + 4), u32(WORDS + 12)], sections };
}

/**
 * The sections of a file, in its order, every byte of the file checked that is not a section's own content.
 *
 * @param kinds those that this file may have
 * @param least the version that the file's words need
 * @throws ModelFileError
 */
export function readSections(header: Header, kinds: SectionKinds, least = 1): Section[] {
  const { format, bytes, view, version } = header;
  const length = bytes.byteLength;
  const sections: Section[] = [];
  let end = HEADER + ENTRY * header.sections;
  let place = -1;
  let needed = least;
  for (let i = 0; i < header.sections; i++) {
    const at = HEADER + ENTRY * i;
    const u32 = (field: number) => view.getUint32(at + field, true);
    const entry = `section table, entry ${i}`;
    const part = u32(4);
    const kind =
      (part === WHOLE ? kinds.whole : kinds.part).find(
        ({ code, dtypes }) => code === u32(0) && Object.values(dtypes).some((since) => since <= version),
      ) ??
      fail(entry, at, `section kind ${u32(0)} of ${ownerName(format, part)}`, `a known kind of version ${version}`);
    if (part !== WHOLE && part >= header.parts)
      fail(entry, at + 4, `${format.names.part} ${part}`, `below ${header.parts}`);
    const next = placeOf(part, kind);
    if (next <= place)
      fail(
        entry,
        at,
        `section "${kind.label}" out of order or twice`,
        `sections sorted by ${format.names.part} and kind`,
      );
    place = next;
    const allowed = (Object.keys(kind.dtypes) as Dtype[]).filter((dtype) => kind.dtypes[dtype]! <= version);
    const dtype =
      allowed.find((each) => DTYPES[each].code === u32(8)) ??
      fail(
        entry,
        at + 8,
        `dtype ${u32(8)}`,
        `${allowed.map((each) => `${DTYPES[each].code} (${each})`).join(', ')} for "${kind.label}" in version ${version}`,
      );
    needed = Math.max(needed, kind.dtypes[dtype]!);
    const { size } = DTYPES[dtype];
    const section: Section = {
      kind,
      part,
      dtype,
      rows: u32(32),
      cols: u32(36),
      offset: getUint64(view, at + 16),
      bytes: getUint64(view, at + 24),
      checksum: u32(12),
    };
    const where = describe(format, section);
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
  if (version > needed)
    fail('header', 8, `format version ${version} without ${format.versions[version - 1]}`, String(needed));
  if (version < needed) fail('header', 8, `format version ${version}`, `${needed}, which this sort of file needs`);
  return sections;
}

/** The sections of one part, or of the whole, by their labels. What they hold is for the caller to check. */
export class Part {
  private readonly sections = new Map<string, Section>();

  constructor(
    readonly header: Header,
    readonly number: number,
    sections: readonly Section[],
  ) {
    for (const section of sections) this.sections.set(section.kind.label, section);
  }

  has(label: string): boolean {
    return this.sections.has(label);
  }

  /** @throws ModelFileError where there is none. */
  section(label: string): Section {
    return (
      this.sections.get(label) ??
      fail(
        'section table',
        HEADER,
        `no section "${label}" of ${ownerName(this.header.format, this.number)}`,
        'one, since it is required',
      )
    );
  }

  /** Throws a ModelFileError about the section's byte `at`. */
  refuse(label: string, found: unknown, expected: string, at = 0): never {
    const section = this.section(label);
    return fail(describe(this.header.format, section), section.offset + at, found, expected);
  }

  /**
   * Buffer, offset and number of values: what a typed array is made from.
   * @param rows undefined leaves their number free
   * @throws ModelFileError where there is no such section, or one of another shape.
   */
  view(label: string, rows: number | undefined, cols: number): [ArrayBufferLike, offset: number, length: number] {
    const section = this.section(label);
    if ((rows !== undefined && section.rows !== rows) || section.cols !== cols)
      this.refuse(label, `shape ${section.rows} × ${section.cols}`, `${rows ?? 'any'} × ${cols}`);
    const { buffer, byteOffset } = this.header.bytes;
    return [buffer, byteOffset + section.offset, section.rows * section.cols];
  }
}

/** The sections of each part, by its number. */
export function byPart(sections: readonly Section[]): Map<number, Section[]> {
  const parts = new Map<number, Section[]>();
  for (const section of sections) {
    const known = parts.get(section.part);
    if (known) known.push(section);
    else parts.set(section.part, [section]);
  }
  return parts;
}

/** Sections of the whole file come first, then those of each part; by code within each. */
function placeOf(part: number, { code }: SectionKind): number {
  return (part === WHOLE ? 0 : part + 1) * CODES + code;
}

function magicOf({ signature }: Format): Uint8Array {
  return Uint8Array.from(signature + MAGIC_END, (character) => character.charCodeAt(0));
}

function ownerName({ names }: Format, part: number): string {
  return part === WHOLE ? `the ${names.whole}` : `${names.part} ${part}`;
}

function describe(format: Format, { kind, part }: Section): string {
  return `section "${kind.label}"${part === WHOLE ? '' : ` of ${ownerName(format, part)}`}`;
}

function ownBytes({ names }: Format, input: unknown): Uint8Array {
  const tag = (value: unknown) => Object.prototype.toString.call(value);
  let bytes: Uint8Array;
  if (tag(input) === '[object Uint8Array]') bytes = input as Uint8Array;
  // A buffer that was given away has no bytes left, and cannot be viewed.
  else if (tag(input) === '[object ArrayBuffer]')
    bytes = (input as ArrayBuffer).byteLength === 0 ? new Uint8Array(0) : new Uint8Array(input as ArrayBuffer);
  else throw new ArgumentError('bytes', input, `the bytes of a ${names.file}, as Uint8Array or ArrayBuffer`);
  // Shared bytes could change after they were checked, and TextDecoder refuses them.
  if (bytes.byteOffset % 4 !== 0 || tag(bytes.buffer) === '[object SharedArrayBuffer]') return new Uint8Array(bytes);
  return bytes;
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

/** The first bytes as text where they are text, else in hexadecimal. */
function showBytes(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 12);
  if (head.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13))
    return `text ${JSON.stringify(String.fromCharCode(...head))}`;
  return Array.from(head, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
