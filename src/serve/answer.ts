import { ArgumentError, MemoryError } from '../common/errors.ts';
import { xxHash32 } from '../common/xxhash.ts';
import { HttpError } from './errors.ts';

/** Origins whose pages may read the answers, or '*' for all. */
export type Cors = '*' | readonly string[] | undefined;

export interface Answer {
  status: number;
  /** Sent as JSON. If neither this nor `json` is given, there is no body. */
  value?: unknown;
  /** The JSON itself, in pieces. */
  json?: readonly Uint8Array[];
  headers?: Record<string, string>;
  /** Whether it may be cached. It then gets an ETag. */
  cacheable?: boolean;
}

/** The answer to a request that failed. */
export function explainFailure(error: unknown): Answer {
  let known: HttpError;
  if (error instanceof HttpError) known = error;
  else if (error instanceof ArgumentError)
    known = new HttpError(400, 'invalid_argument', error.message, error.argument);
  else if (error instanceof MemoryError) known = new HttpError(503, 'out_of_memory', error.message);
  else known = new HttpError(500, 'internal', 'unexpected failure');
  const { status, code, message, argument, headers } = known;
  return { status, value: { error: { code, message, ...(argument !== undefined && { argument }) } }, headers };
}

/** The answer as a Response: JSON, with the headers of CORS, caching and entity tags. */
export function finish(
  request: Request,
  { status, value, json, headers, cacheable }: Answer,
  cors: Cors,
  cacheControl: string,
): Response {
  const all = new Headers(headers);
  if (cors !== undefined) {
    const origin = request.headers.get('origin');
    if (cors === '*') all.set('access-control-allow-origin', '*');
    else {
      all.set('vary', 'origin');
      if (origin !== null && cors.includes(origin)) all.set('access-control-allow-origin', origin);
    }
    all.set('access-control-expose-headers', 'etag');
  }
  if (value === undefined && !json) return new Response(null, { status, headers: all });
  const bytes = joined(json ?? [jsonOf(value)]);
  all.set('cache-control', cacheable ? cacheControl : 'no-store');
  if (cacheable) {
    const etag = `"${[0, 1].map((seed) => xxHash32(bytes, seed).toString(16).padStart(8, '0')).join('')}"`;
    all.set('etag', etag);
    if (matches(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers: all });
  }
  all.set('content-type', 'application/json');
  all.set('content-length', String(bytes.length));
  all.set('x-content-type-options', 'nosniff');
  return new Response(request.method === 'HEAD' ? null : bytes, { status, headers: all });
}

export function jsonOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Concatenates pieces of bytes. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** If-None-Match against an entity tag, by the weak comparison that RFC 9110, 13.1.2 asks for. */
function matches(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
