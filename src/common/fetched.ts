// What is fetched: a URL, the body of a response, a stream of bytes. Failures name the argument and the file.
import { AbortedError, ArgumentError, MemoryError } from './errors.ts';

/** What is read, for messages. */
interface Wanted {
  /** The argument that named it. */
  argument: string;
  /** "kernels.wasm", "a model file" */
  file: string;
  signal?: AbortSignal;
}

/** @throws ArgumentError for a URL that this host cannot fetch; AbortedError. */
export async function fetchUrl(url: URL | string, { argument, signal }: Wanted): Promise<Response> {
  try {
    return await fetch(url, { signal });
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(`fetching ${url} was stopped`);
    throw new ArgumentError(
      argument,
      String(url),
      `a URL that this host can fetch; read a file and pass its bytes (${error instanceof Error ? error.message : error})`,
    );
  }
}

/** Throws an ArgumentError unless the server sent what it was asked for. */
export function checkStatus(response: Response, { argument, file }: Wanted): void {
  if (response.ok === false)
    throw ArgumentError.because(argument, `the server answered with status ${response.status}, not with ${file}`);
}

/** The error of a body that could not be read to its end. */
export const brokeOff = ({ argument, file }: Wanted, error: unknown): ArgumentError =>
  ArgumentError.because(
    argument,
    `the response with ${file} broke off (${error instanceof Error ? error.message : error})`,
  );

/**
 * All bytes of a stream.
 * @param total bytes that are expected, 0 if that is not known. More or fewer are taken as they come.
 * @param onBytes called with the bytes that have come so far
 * @throws ArgumentError if the stream fails or holds anything but bytes; AbortedError, also while nothing comes; MemoryError.
 */
export async function readStream(
  stream: ReadableStream<Uint8Array>,
  total: number,
  wanted: Wanted,
  onBytes: (done: number) => Promise<void>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { argument, file, signal } = wanted;
  const reader = stream.getReader();
  const stopped = () => new AbortedError(`reading ${file} was stopped`);
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(stopped());
  });
  aborted.catch(() => {}); // what waits for it is told
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  const pieces = new Pieces(total);
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), aborted]).catch((error) => {
        throw signal?.aborted ? stopped() : brokeOff(wanted, error);
      });
      if (done) return pieces.all();
      if (!ArrayBuffer.isView(value)) throw new ArgumentError(argument, value, 'a stream of bytes');
      pieces.add(value);
      await onBytes(pieces.length);
    }
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error instanceof RangeError ? new MemoryError(`${file} does not fit: ${error.message}`) : error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Bytes as they come: written to one array if their number was told truly, so that none is held twice. */
class Pieces {
  length = 0;
  private readonly kept: Uint8Array[] = [];
  private whole: Uint8Array<ArrayBuffer>;

  constructor(total: number) {
    this.whole = new Uint8Array(total);
  }

  add(view: ArrayBufferView): void {
    const piece = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    if (this.length + piece.length <= this.whole.length) this.whole.set(piece, this.length);
    else {
      if (this.kept.length === 0) this.kept.push(this.whole.subarray(0, this.length));
      this.whole = new Uint8Array(0);
      this.kept.push(piece);
    }
    this.length += piece.length;
  }

  all(): Uint8Array<ArrayBuffer> {
    if (this.kept.length === 0) return this.whole.subarray(0, this.length);
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.kept) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}
