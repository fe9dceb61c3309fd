// What is fetched: a URL, the body of a response, a stream of bytes. Failures name the argument and the file.
import { AbortedError, ArgumentError, M3RecError } from './errors.ts';

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
 * @param onBytes called with the bytes that have come so far
 * @throws ArgumentError if the stream fails or holds anything but bytes; AbortedError, also while nothing comes.
 */
export async function readStream(
  stream: ReadableStream<Uint8Array>,
  wanted: Wanted,
  onBytes: (done: number) => Promise<void>,
): Promise<ArrayBuffer> {
  const { argument, file, signal } = wanted;
  let done = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    async transform(piece, out) {
      if (!ArrayBuffer.isView(piece)) throw new ArgumentError(argument, piece, 'a stream of bytes');
      done += piece.byteLength;
      out.enqueue(piece);
      await onBytes(done);
    },
  });
  try {
    return await new Response(stream.pipeThrough(counted, { signal })).arrayBuffer();
  } catch (error) {
    if (signal?.aborted) throw new AbortedError(`reading ${file} was stopped`);
    throw error instanceof M3RecError ? error : brokeOff(wanted, error);
  }
}
