// What a file is packed in, by its first bytes: gzip, zstd, zip, one inside the other; and what it is where that cannot
// be read.
import { DataError } from '../common/errors.ts';
import { isDataName } from './file-names.ts';
import { hold, Peeked, piecesOf, type RandomAccess, type RowSource, randomAccess } from './source.ts';
import { isUtf8, markOf } from './text.ts';
import type { ZipEntry } from './zip.ts';

export interface OpenedText {
  kind: 'text';
  /** The file's name, with that of the entry of a zip. */
  name: string;
  pieces: AsyncIterable<Uint8Array | string>;
  /** Outermost first. */
  containers: string[];
  /** By the mark at its start. */
  encoding?: string;
  /** Bytes of the file that were taken so far. */
  done(): number;
}

export interface OpenedParquet {
  kind: 'parquet';
  name: string;
  file: RandomAccess;
  containers: string[];
  done(): number;
}

/**
 * How many times its size a packed file may unpack to; what it unpacks to is not counted up to `EXPANSION_FREE` bytes.
 */
export const MAX_EXPANSION = 200;
export const EXPANSION_FREE = 1 << 26;
/** Containers inside each other. */
const MAX_DEPTH = 3;

/** First bytes of files that are no data of ours, and what can be done. */
const SIGNATURES: readonly [bytes: string, what: string][] = [
  ['SQLite format 3\0', 'this is a SQLite database: export the table as CSV (sqlite3 -csv -header FILE "select …")'],
  ['\xd0\xcf\x11\xe0', 'this is an old Excel or Office file: save the sheet as CSV (UTF-8)'],
  ['ARROW1', 'this is an Arrow (Feather) file: save it as Parquet or CSV'],
  ['ORC', 'this is an ORC file: save it as Parquet or CSV'],
  ['Obj\x01', 'this is an Avro file: save it as Parquet or CSV'],
  ['\x89HDF\r\n', 'this is an HDF5 file: save the table as Parquet or CSV'],
  ['\x93NUMPY', 'this is a NumPy array: save it as CSV (numpy.savetxt)'],
  ['7z\xbc\xaf', 'this is a 7z archive: unpack it first'],
  ['Rar!', 'this is a RAR archive: unpack it first'],
  ['BZh', 'this is bzip2 data: unpack it first (bunzip2), or compress it by gzip'],
  ['\xfd7zXZ\0', 'this is xz data: unpack it first (unxz), or compress it by gzip'],
  ['%PDF', 'this is a PDF file: save its table as CSV'],
  ['M3REC\r\n', 'this is a model file, expected data'],
];

/**
 * The content of a file, out of what it is packed in.
 * @param options.maxExpansion see `MAX_EXPANSION`.
 * @throws DataError for a file of another kind, packed too often, damaged, or that unpacks to too much.
 */
export async function openFile(
  source: RowSource,
  fileName: string,
  options: { encoding?: string; maxExpansion?: number } = {},
): Promise<OpenedText | OpenedParquet> {
  if (options.encoding !== undefined) isUtf8(options.encoding);
  const { maxExpansion = MAX_EXPANSION } = options;
  const outer = new Peeked(piecesOf(source));
  let done = () => outer.consumed;
  let random = randomAccess(source);
  let pieces = outer;
  let name = fileName;
  const containers: string[] = [];
  for (;;) {
    const head = await pieces.peek(16);
    const container = head === undefined || typeof head === 'string' ? undefined : containerOf(head);
    if (container === undefined) {
      const encoding =
        head === undefined || typeof head === 'string' || options.encoding !== undefined
          ? undefined
          : checkText(head, name);
      return { kind: 'text', name, pieces, containers, ...(encoding !== undefined && { encoding }), done };
    }
    if (container !== 'parquet' && containers.length === MAX_DEPTH)
      throw new DataError(name, undefined, `packed more than ${MAX_DEPTH} times (${containers.join(' in ')})`);
    const packed = pieces;
    if (container === 'gzip' || container === 'zstd') {
      const unpack = await import('./unpack.ts');
      const unpacked = (container === 'gzip' ? unpack.gunzip : unpack.unzstd)(bytesOf(packed), name);
      pieces = new Peeked(limited(unpacked, () => packed.consumed, name, maxExpansion));
      random = undefined;
    } else {
      if (random) await packed.close();
      else random = await hold(packed, name);
      if (container === 'parquet') return { kind: 'parquet', name, file: random, containers, done };
      const { readEntry, zipEntries } = await import('./zip.ts');
      const entry = onlyEntry(await zipEntries(random, name), name);
      let taken = 0;
      const file = random;
      const unpacked = readEntry(file, entry, name, (count) => {
        taken += count;
      });
      pieces = new Peeked(limited(unpacked, () => taken, name, maxExpansion));
      if (containers.length === 0) done = () => taken;
      name = `${name}/${entry.path}`;
      random = undefined;
    }
    containers.push(container);
  }
}

function containerOf(head: Uint8Array): 'gzip' | 'zstd' | 'zip' | 'parquet' | undefined {
  const starts = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
  if (starts(0x1f, 0x8b)) return 'gzip';
  if (starts(0x28, 0xb5, 0x2f, 0xfd) || (starts(0x50 + (head[0] & 15), 0x2a, 0x4d, 0x18) && head[0] >> 4 === 5))
    return 'zstd';
  if (starts(0x50, 0x4b, 3, 4) || starts(0x50, 0x4b, 5, 6)) return 'zip';
  if (starts(0x50, 0x41, 0x52, 0x31)) return 'parquet';
  return undefined;
}

/** The encoding by the mark, for text. @throws DataError for what is known to be something else. */
function checkText(head: Uint8Array, name: string): string | undefined {
  for (const [signature, what] of SIGNATURES)
    if ([...signature].every((char, i) => char.charCodeAt(0) === head[i])) throw new DataError(name, undefined, what);
  const encoding = markOf(head, name);
  if (encoding === undefined && head.length >= 8) {
    const zeros = (from: number) => head.every((byte, i) => i % 2 !== from || byte === 0);
    const texts = (from: number) => head.every((byte, i) => i % 2 !== from || byte !== 0);
    for (const [label, zero] of [
      ['utf-16le', 1],
      ['utf-16be', 0],
    ] as const)
      if (zeros(zero) && texts(1 - zero))
        throw new DataError(
          name,
          undefined,
          `this looks like UTF-16 without a byte order mark: give --encoding ${label}`,
        );
  }
  return encoding;
}

/** The one file in a zip that is data. */
function onlyEntry(entries: readonly ZipEntry[], name: string): ZipEntry {
  if (entries.some(({ path }) => path === '[Content_Types].xml'))
    throw new DataError(name, undefined, 'this is an Excel or Office file: save the sheet as CSV (UTF-8)');
  const data = entries.filter(({ path }) => isDataName(path));
  if (data.length === 1) return data[0];
  const names = (data.length > 0 ? data : entries).slice(0, 6).map(({ path }) => path);
  throw new DataError(
    name,
    undefined,
    data.length === 0
      ? `no data file in the zip, which has ${names.join(', ') || 'nothing'}`
      : `${data.length} data files in the zip (${names.join(', ')}${data.length > names.length ? ', ...' : ''}): one is expected here; read the zip as a folder, or unpack it`,
  );
}

async function* bytesOf(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const piece of pieces) yield typeof piece === 'string' ? encoder.encode(piece) : piece;
}

async function* limited(
  pieces: AsyncIterable<Uint8Array>,
  packed: () => number,
  name: string,
  maxExpansion: number,
): AsyncGenerator<Uint8Array> {
  let unpacked = 0;
  for await (const piece of pieces) {
    unpacked += piece.length;
    if (unpacked > EXPANSION_FREE && unpacked > maxExpansion * packed())
      throw new DataError(
        name,
        undefined,
        `unpacks to more than ${maxExpansion} times its size; if that is right, raise the limit: maxExpansion (--max-expansion)`,
      );
    yield piece;
  }
}
