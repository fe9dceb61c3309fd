// A zip file's directory and entries (APPNOTE 6.3.10: stored, deflate, zip64), read where they lie: the file is not
// held.
import { DataError } from '../common/errors.ts';
import { crc32 } from './crc32.ts';
import { PIECE, type RandomAccess } from './source.ts';

export interface ZipEntry {
  /** Path inside the zip, with slashes. */
  path: string;
  /** Size as it lies in the zip, and unpacked. */
  packed: number;
  bytes: number;
  method: number;
  crc: number;
  encrypted: boolean;
  /** Where its local header begins. */
  at: number;
}

/** Most entries of a zip: the directory is held in memory. */
const MAX_ENTRIES = 100_000;
const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const METHODS: Record<number, string> = { 9: 'deflate64', 12: 'bzip2', 14: 'LZMA', 93: 'zstd', 95: 'xz', 99: 'AES' };

/**
 * The files in a zip, in the order of its directory, folders left out.
 * @throws DataError for a zip that is damaged, cut short, split over several files, or of more than 100,000 entries.
 */
export async function zipEntries(file: RandomAccess, fileName: string): Promise<ZipEntry[]> {
  const damaged = (what: string) => new DataError(fileName, undefined, `the zip is damaged or cut short (${what})`);
  const read = async (start: number, end: number): Promise<DataView> => {
    if (!(start >= 0 && start <= end && end <= file.byteLength)) throw damaged('a part lies outside of it');
    return new DataView(await file.slice(start, end));
  };
  const tailStart = Math.max(0, file.byteLength - 22 - 65_535);
  const tail = await read(tailStart, file.byteLength);
  let at = tail.byteLength - 22;
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === DIRECTORY_END && at + 22 + tail.getUint16(at + 20, true) <= tail.byteLength)
  )
    at--;
  if (at < 0) throw damaged('it has no directory');
  let count = tail.getUint16(at + 10, true);
  let size = tail.getUint32(at + 12, true);
  let start = tail.getUint32(at + 16, true);
  const locator = tailStart + at - 20;
  if (locator >= 0 && (count === 0xffff || size === 0xffffffff || start === 0xffffffff)) {
    const place = await read(locator, locator + 20);
    if (place.getUint32(0, true) === 0x07064b50) {
      const end64 = Number(place.getBigUint64(8, true));
      const large = await read(end64, end64 + 56);
      if (large.getUint32(0, true) !== 0x06064b50) throw damaged('its zip64 directory is not where it should be');
      count = Number(large.getBigUint64(32, true));
      size = Number(large.getBigUint64(40, true));
      start = Number(large.getBigUint64(48, true));
    }
  } else if (tail.getUint16(at + 4, true) !== tail.getUint16(at + 6, true))
    throw new DataError(fileName, undefined, 'the zip is split over several files: put it together first');
  if (count > MAX_ENTRIES || size > 2 ** 28)
    throw new DataError(fileName, undefined, `the zip has ${count} entries, more than ${MAX_ENTRIES}`);

  const directory = await read(start, start + size);
  const entries: ZipEntry[] = [];
  for (let from = 0, i = 0; i < count; i++) {
    if (from + 46 > size || directory.getUint32(from, true) !== DIRECTORY_ENTRY) throw damaged('in its directory');
    const nameLength = directory.getUint16(from + 28, true);
    const extraLength = directory.getUint16(from + 30, true);
    const next = from + 46 + nameLength + extraLength + directory.getUint16(from + 32, true);
    if (next > size) throw damaged('in its directory');
    const name = new Uint8Array(directory.buffer, directory.byteOffset + from + 46, nameLength);
    const entry: ZipEntry = {
      path: nameOf(name).replaceAll('\\', '/').replace(/^\/+/, ''),
      packed: directory.getUint32(from + 20, true),
      bytes: directory.getUint32(from + 24, true),
      method: directory.getUint16(from + 10, true),
      crc: directory.getUint32(from + 16, true),
      encrypted: (directory.getUint16(from + 8, true) & 1) === 1,
      at: directory.getUint32(from + 42, true),
    };
    widen(entry, new DataView(directory.buffer, directory.byteOffset + from + 46 + nameLength, extraLength));
    if (!entry.path.endsWith('/')) entries.push(entry);
    from = next;
  }
  const inOrder = [...entries].sort((a, b) => a.at - b.at);
  for (const [i, { at: begin, packed, path }] of inOrder.entries())
    if (begin + packed > (inOrder[i + 1]?.at ?? start)) throw damaged(`${path} overlaps what follows it`);
  return entries;
}

/** Takes 64-bit sizes from the extra field (tag 1) where those of 32 bits are full. */
function widen(entry: ZipEntry, extra: DataView): void {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const length = extra.getUint16(at + 2, true);
    const end = at + 4 + length;
    if (extra.getUint16(at, true) === 1 && end <= extra.byteLength) {
      let from = at + 4;
      for (const field of ['bytes', 'packed', 'at'] as const) {
        if (entry[field] !== 0xffffffff || from + 8 > end) continue;
        entry[field] = Number(extra.getBigUint64(from, true));
        from += 8;
      }
    }
    at = end;
  }
}

/** UTF-8, as most write it whatever the flag says; else byte by byte. */
function nameOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return String.fromCharCode(...bytes);
  }
}

/**
 * The content of an entry, in pieces, its checksum checked at the end.
 * @param onRead is told how many packed bytes were taken.
 * @throws DataError for an entry that is encrypted, packed in another way, damaged or cut short.
 */
export async function* readEntry(
  file: RandomAccess,
  entry: ZipEntry,
  fileName: string,
  onRead?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const { path, packed, method, at } = entry;
  if (entry.encrypted) throw new DataError(fileName, undefined, `${path} in it is encrypted: unpack it first`);
  if (method !== 0 && method !== 8)
    throw new DataError(
      fileName,
      undefined,
      `${path} in it is packed by ${METHODS[method] ?? `method ${method}`}, expected deflate: unpack it first`,
    );
  const damaged = () => new DataError(fileName, undefined, `${path} in it is damaged or cut short`);
  const header = new DataView(await file.slice(at, Math.min(at + 30, file.byteLength)));
  if (header.byteLength < 30 || header.getUint32(0, true) !== LOCAL_HEADER) throw damaged();
  const start = at + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + packed > file.byteLength) throw damaged();
  const pieces = sliced(file, start, start + packed, onRead);
  let crc = 0;
  let bytes = 0;
  for await (const piece of method === 0 ? pieces : (await import('./unpack.ts')).inflate(pieces, fileName)) {
    crc = crc32(piece, crc);
    bytes += piece.length;
    yield piece;
  }
  if (crc !== entry.crc || bytes !== entry.bytes) throw damaged();
}

async function* sliced(
  file: RandomAccess,
  start: number,
  end: number,
  onRead?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += PIECE) {
    const piece = new Uint8Array(await file.slice(at, Math.min(end, at + PIECE)));
    onRead?.(piece.length);
    yield piece;
  }
}
