import { ArgumentError, DataError } from '../common/errors.ts';

/** A file of which any part can be read, as Parquet and zip need it. */
export interface RandomAccess {
  readonly byteLength: number;
  /** The bytes from `start` to before `end`. */
  slice(start: number, end: number): ArrayBuffer | Promise<ArrayBuffer>;
  /** All bytes in order, where the host has a cheaper way than slices. */
  stream?(): AsyncIterable<Uint8Array>;
}

/** Rows as values, read when they are asked for. */
export interface RowTable {
  /** Begins to read. */
  open(): Promise<OpenTable>;
}

/** A table that is being read, such as the rows of a query. */
export interface OpenTable {
  /** The names of the columns. */
  names: readonly string[];
  /** The rows, some at a time: a value is text, a number, a boolean, a Date, or null for none. */
  batches: AsyncIterable<readonly (readonly unknown[])[]>;
  /** Lets go of what is read from, whether or not all was read. */
  close(): Promise<void>;
}

/**
 * The content of a file, whole, in pieces of any size, or as something that parts are read from (a page's File is a
 * Blob).
 */
export type RowSource =
  | string
  | Uint8Array
  | Blob
  | RandomAccess
  | RowTable
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>;

export const isRowTable = (value: unknown): value is RowTable =>
  typeof value === 'object' && value !== null && typeof (value as RowTable).open === 'function';

/** Bytes, or characters, that are handed on at a time. */
export const PIECE = 1 << 16;

const isBytes = (value: unknown): value is Uint8Array =>
  Object.prototype.toString.call(value) === '[object Uint8Array]';
const isBlob = (value: unknown): value is Blob =>
  typeof (value as Blob)?.arrayBuffer === 'function' && typeof (value as Blob).size === 'number';
const isRandom = (value: unknown): value is RandomAccess =>
  typeof (value as RandomAccess)?.byteLength === 'number' && typeof (value as RandomAccess).slice === 'function';

/** Parts of `source` in any order; undefined for text and for what comes in pieces. */
export function randomAccess(source: RowSource): RandomAccess | undefined {
  if (isBytes(source)) return { byteLength: source.length, slice: (start, end) => source.slice(start, end).buffer };
  if (isBlob(source))
    return {
      byteLength: source.size,
      slice: (start, end) => source.slice(start, end).arrayBuffer(),
      stream: () => streamOf(source),
    };
  return isRandom(source) ? source : undefined;
}

async function* streamOf(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    await reader.cancel();
  }
}

/**
 * The content from its start, in pieces of 1 to 64 Ki bytes or characters; no piece of text ends inside a surrogate
 * pair.
 * @throws ArgumentError for a source, or a piece of it, that is neither text nor bytes.
 */
export async function* piecesOf(source: RowSource): AsyncGenerator<Uint8Array | string> {
  if (!(typeof source === 'string' || isBytes(source))) {
    const random = randomAccess(source);
    if (random && !random.stream) {
      for (let at = 0; at < random.byteLength; at += PIECE)
        yield new Uint8Array(await random.slice(at, Math.min(random.byteLength, at + PIECE)));
      return;
    }
    if (random) source = random.stream!();
    else if (
      source === null ||
      source === undefined ||
      !(Symbol.iterator in Object(source) || Symbol.asyncIterator in Object(source))
    )
      throw new ArgumentError('source', source, 'text, a Uint8Array, or an iterable of these');
  }
  const chunks = (typeof source === 'string' || isBytes(source) ? [source] : source) as Iterable<Uint8Array | string>;
  for await (const chunk of chunks) {
    if (typeof chunk !== 'string' && !isBytes(chunk))
      throw new ArgumentError('source', chunk, 'pieces that are text or a Uint8Array');
    for (let at = 0; at < chunk.length; ) {
      let end = Math.min(chunk.length, at + PIECE);
      if (typeof chunk === 'string') {
        if (end < chunk.length && isHighSurrogate(chunk.charCodeAt(end - 1))) end++;
        yield chunk.slice(at, end);
      } else yield chunk.subarray(at, end);
      at = end;
    }
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

/** Pieces that can be looked at before they are read. */
export class Peeked {
  private readonly iterator: AsyncIterator<Uint8Array | string>;
  private held: Uint8Array | string | undefined;
  /** Text that came after the bytes that are held. */
  private later: string | undefined;
  /** Bytes (or characters) that were taken from the source. */
  consumed = 0;

  constructor(pieces: AsyncIterable<Uint8Array | string>) {
    this.iterator = pieces[Symbol.asyncIterator]();
  }

  /** The first piece, of at least `count` bytes unless all is shorter; undefined where there is nothing. */
  async peek(count: number): Promise<Uint8Array | string | undefined> {
    while (this.later === undefined && (this.held === undefined || (isBytes(this.held) && this.held.length < count))) {
      const next = await this.take();
      if (next === undefined) break;
      if (this.held === undefined) this.held = next;
      else if (typeof next === 'string') this.later = next;
      else this.held = concatenate(this.held as Uint8Array, next);
    }
    return this.held;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array | string> {
    try {
      const first = [this.held, this.later];
      this.held = undefined;
      this.later = undefined;
      for (const piece of first) if (piece !== undefined) yield piece;
      for (let piece = await this.take(); piece !== undefined; piece = await this.take()) yield piece;
    } finally {
      await this.close();
    }
  }

  /** Lets the source go; needed where it was only peeked at. */
  async close(): Promise<void> {
    await this.iterator.return?.();
  }

  private async take(): Promise<Uint8Array | string | undefined> {
    const { value, done } = await this.iterator.next();
    if (done) return undefined;
    this.consumed += (value as Uint8Array | string).length;
    return value;
  }
}

export function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Most bytes of a stream that are held at once where a format needs parts of the whole file (zip, Parquet). */
export const MAX_HELD = 1 << 29;

/**
 * All pieces in memory, at most `MAX_HELD` bytes.
 * @throws DataError where there are more.
 */
export async function hold(pieces: AsyncIterable<Uint8Array | string>, fileName: string): Promise<RandomAccess> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    const bytes = typeof piece === 'string' ? new TextEncoder().encode(piece) : piece;
    length += bytes.length;
    if (length > MAX_HELD)
      throw new DataError(
        fileName,
        undefined,
        `a zip or Parquet file in a stream or inside another file is held in memory, and this one has more than ${MAX_HELD / 2 ** 20} MiB: save it as a file of its own`,
      );
    parts.push(bytes);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return randomAccess(whole)!;
}
