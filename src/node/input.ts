import { constants, createReadStream, open } from 'node:fs';
import { open as openFile, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { AbortedError, DataError, MemoryError } from '../common/errors.ts';
import { formatBytes } from '../engine/memory.ts';
import { checkPath } from './output-file.ts';
import { attempt, fileError } from './system-error.ts';

/** Number of bytes read at a time. */
const PIECE = 1 << 16;

/** Names of standard input. If it is a socket, they cannot be opened as paths. */
const STANDARD_INPUT = ['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

/** The name of an input in messages. */
export const nameOfInput = (path: string) => (path === '-' ? 'standard input' : path);

/**
 * The bytes of a file, a pipe, or standard input (`-`), in pieces. An aborted signal ends it at once, even while it
 * waits for a pipe without a writer. An ordinary open would block on such a pipe in a thread that cannot be stopped.
 *
 * @throws DataError that names the file; AbortedError.
 */
export async function* readInput(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  checkPath(path);
  const name = nameOfInput(path);
  const stop = () => stream?.destroy(new AbortedError(`reading ${name} was stopped`));
  let stream: Readable | undefined;
  try {
    if (signal?.aborted) throw new AbortedError(`reading ${name} was stopped`);
    stream = STANDARD_INPUT.includes(path) ? process.stdin : await openStream(path);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    for await (const piece of stream) yield piece as Uint8Array;
  } catch (error) {
    throw fileError(name, error);
  } finally {
    signal?.removeEventListener('abort', stop);
    stream?.destroy();
  }
}

async function openStream(path: string): Promise<Readable> {
  const info = await stat(path);
  if (info.isDirectory()) throw new DataError(path, undefined, 'this is a folder; give a file');
  if (info.isSocket()) throw new DataError(path, undefined, 'this is a socket; give a file or a pipe');
  if (!info.isFIFO()) return createReadStream(path, { highWaterMark: PIECE });
  // Opens without waiting for a writer; the events of the socket do the waiting.
  const fd = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/**
 * Reads a whole file, pipe or standard input (`-`).
 * @throws DataError that names the file; AbortedError.
 * @example
 * const stored = await loadModel(await readBytes('shop.m3rec'));
 */
export async function readBytes(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  checkPath(path);
  if (!STANDARD_INPUT.includes(path) && (await attempt(path, () => stat(path))).isFile())
    return attempt(path, () => readWhole(path, signal));
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of readInput(path, signal)) {
    pieces.push(piece);
    size += piece.length;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** What one read takes: Node reads no more than 2 GiB at once, and the signal is looked at in between. */
const WHOLE_PIECE = 2 ** 26;

async function readWhole(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    if (size === 0) return (await file.readFile()) as Uint8Array<ArrayBuffer>; // or of a system that tells no sizes
    const bytes = allocate(path, size);
    let read = 0;
    while (read < size) {
      if (signal?.aborted) throw new AbortedError(`reading ${path} was stopped`);
      const { bytesRead } = await file.read(bytes, read, Math.min(WHOLE_PIECE, size - read), read);
      if (bytesRead === 0) break; // it has become shorter
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } finally {
    await file.close();
  }
}

function allocate(path: string, size: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch {
    throw new MemoryError(`${path}: this host refused the ${formatBytes(size)} that the file takes`);
  }
}
