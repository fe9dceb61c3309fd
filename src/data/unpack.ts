// What packed bytes hold: gzip (RFC 1952) and deflate (RFC 1951) by fflate, zstd (RFC 8878) by fzstd. Loaded where it
// is needed.
import { Gunzip, Inflate } from 'fflate';
import { Decompress } from 'fzstd';
import { DataError } from '../common/errors.ts';
import { crc32 } from './crc32.ts';
import { concatenate } from './source.ts';

/** Packed bytes that are unpacked at a time: deflate makes at most 1,032 times as many of them. */
const SLICE = 1 << 13;
/** Largest window of a zstd frame, which its reader allocates: the default limit of `zstd` itself. */
const MAX_WINDOW = 1 << 27;

type Pieces = AsyncIterable<Uint8Array>;

/** Unpacks in slices: `push` takes packed bytes, gives what came of them to `out`. */
async function* run(
  pieces: Pieces,
  out: Uint8Array[],
  push: (slice: Uint8Array, last: boolean) => void,
  fileName: string,
  format: string,
): AsyncGenerator<Uint8Array> {
  const attempt = (slice: Uint8Array, last: boolean) => {
    try {
      push(slice, last);
    } catch (error) {
      if (error instanceof DataError) throw error;
      const reason = (error as Error).message || 'it is no valid data';
      throw new DataError(fileName, undefined, `the ${format} data is damaged or cut short (${reason})`);
    }
  };
  for await (const piece of pieces)
    for (let at = 0; at < piece.length; at += SLICE) {
      attempt(piece.subarray(at, at + SLICE), false);
      yield* out.splice(0);
    }
  attempt(new Uint8Array(0), true);
  yield* out.splice(0);
}

/**
 * The content of a gzip file of one or several members.
 * @throws DataError for data that is damaged or cut short: each member's checksum and length are checked.
 */
export function gunzip(pieces: Pieces, fileName: string): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = [];
  let crc = 0;
  let length = 0;
  /** The end of what was pushed, enough for a member's trailer before the header of the next. */
  let recent = new Uint8Array(0);
  let pushed = 0;
  const checkTrailer = (end: number) => {
    const at = end - 8 - (pushed - recent.length);
    const trailer = new DataView(recent.buffer, recent.byteOffset, recent.length);
    if (at < 0 || trailer.getUint32(at, true) !== crc || trailer.getUint32(at + 4, true) !== length >>> 0)
      throw new Error('its checksum differs');
    crc = 0;
    length = 0;
  };
  const stream = new Gunzip((bytes) => {
    if (bytes.length === 0) return;
    crc = crc32(bytes, crc);
    length = (length + bytes.length) >>> 0;
    out.push(bytes);
  });
  stream.onmember = checkTrailer;
  const push = (slice: Uint8Array, last: boolean) => {
    recent = concatenate(recent.subarray(-2 * SLICE), slice);
    pushed += slice.length;
    stream.push(slice, last);
    if (last) checkTrailer(pushed);
  };
  return run(pieces, out, push, fileName, 'gzip');
}

/**
 * The content of a zip entry that is packed by deflate.
 * @throws DataError for data that is damaged or cut short.
 */
export function inflate(pieces: Pieces, fileName: string): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = [];
  const stream = new Inflate((bytes) => {
    if (bytes.length > 0) out.push(bytes);
  });
  return run(pieces, out, (slice, last) => stream.push(slice, last), fileName, 'zip');
}

/**
 * The content of a zstd file of one or several frames.
 * @throws DataError for data that is damaged or cut short, and for a window of more than 128 MiB.
 */
export function unzstd(pieces: Pieces, fileName: string): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = [];
  const frames = new ZstdFrames(fileName);
  const stream = new Decompress((bytes) => {
    if (bytes.length > 0) out.push(bytes);
  });
  const push = (slice: Uint8Array, last: boolean) => {
    frames.push(slice);
    if (last && !frames.complete) throw new Error('it ends inside a frame');
    // The reader keeps what it is given.
    if (!last) stream.push(slice.slice(), false);
  };
  return run(pieces, out, push, fileName, 'zstd');
}

/** Follows the frames of a zstd stream, so that no frame is begun that asks for too much memory. */
class ZstdFrames {
  private held = new Uint8Array(0);
  /** Bytes to pass over before the next part. */
  private skip = 0;
  private part: 'frame' | 'block' = 'frame';
  private checksum = 0;

  constructor(private readonly fileName: string) {}

  /** Whether what was pushed ends with a frame. */
  get complete(): boolean {
    return this.part === 'frame' && this.skip === 0 && this.held.length === 0;
  }

  push(bytes: Uint8Array): void {
    let data = this.held.length === 0 ? bytes : concatenate(this.held, bytes);
    for (;;) {
      const passed = Math.min(this.skip, data.length);
      this.skip -= passed;
      data = data.subarray(passed);
      const size = data.length === 0 ? 0 : this.part === 'frame' ? this.frame(data) : this.block(data);
      if (size === 0) break;
      data = data.subarray(size);
    }
    this.held = data.slice();
  }

  /** The size of a frame's header; 0 where it is not complete. */
  private frame(data: Uint8Array): number {
    if (data.length < 8) return 0;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const magic = view.getUint32(0, true);
    if (magic >>> 4 === 0x184d2a5) {
      this.skip = view.getUint32(4, true);
      return 8;
    }
    if (magic !== 0xfd2fb528) throw new Error('bytes that are no frame');
    const flags = data[4];
    const single = (flags >> 5) & 1;
    const dictionary = [0, 1, 2, 4][flags & 3];
    const contentBytes = [single, 2, 4, 8][flags >> 6];
    const size = 5 + (1 - single) + dictionary + contentBytes;
    if (data.length < size) return 0;
    let window = 0;
    if (single === 1) {
      for (let byte = contentBytes - 1; byte >= 0; byte--) window = 256 * window + data[5 + dictionary + byte];
      if (contentBytes === 2) window += 256;
    } else {
      const base = 2 ** (10 + (data[5] >> 3));
      window = base + (base / 8) * (data[5] & 7);
    }
    if (window > MAX_WINDOW)
      throw new DataError(
        this.fileName,
        undefined,
        `the zstd data wants a window of ${window} bytes, more than ${MAX_WINDOW}: pack it again without --long or --ultra`,
      );
    this.checksum = flags & 4 ? 4 : 0;
    this.part = 'block';
    return size;
  }

  private block(data: Uint8Array): number {
    if (data.length < 3) return 0;
    const header = data[0] | (data[1] << 8) | (data[2] << 16);
    const type = (header >> 1) & 3;
    this.skip = type === 1 ? 1 : header >> 3;
    if (header & 1) {
      this.skip += this.checksum;
      this.part = 'frame';
    }
    return 3;
  }
}
