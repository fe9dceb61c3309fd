// A store over HTTP, for machines that share no folder: what `HttpFiles` speaks to.
import { createHash, timingSafeEqual } from 'node:crypto';
import { DataError } from '../../common/errors.ts';
import type { Files } from '../../node/store-files.ts';
import { digestOf } from '../digest.ts';

export interface ServeStoreOptions {
  /** What requests have to send as `Authorization: Bearer`. */
  token?: string;
  /** Whether nothing may be written. */
  readOnly?: boolean;
}

/** All files that a store has; no other name is looked at. */
const NAMES =
  /^(format|(cas|ac)\/[0-9a-f]{2}\/[0-9a-f]{64}|plans\/[0-9a-f]{20}\.json|runs\/[0-9a-f]{20}\/(cancelled|failed\.json)|workers\/[\w.-]{1,255}\.json)$/;
const FOLDERS = /^(cas|ac|plans|workers|runs\/[0-9a-f]{20})$/;

/**
 * Answers GET (with Range), HEAD, PUT (with `If-None-Match: *`), DELETE and `?list=FOLDER`. Bytes are taken under their
 * own digest alone.
 */
export function serveStore(files: Files, { token, readOnly = false }: ServeStoreOptions) {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const allowed = (request: Request) =>
    token === undefined || timingSafeEqual(hash(request.headers.get('authorization') ?? ''), hash(`Bearer ${token}`));
  const answer = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    const { method } = request;
    if (!allowed(request)) return refuse(401, 'the token is missing or wrong');
    const folder = searchParams.get('list');
    if (folder !== null && method === 'GET')
      return FOLDERS.test(folder) ? Response.json(await files.list(folder)) : refuse(404, 'a store has no such folder');
    const path = pathname.slice(1);
    if (!NAMES.test(path)) return refuse(404, 'a store has no such file');
    if (method === 'HEAD') {
      const size = await files.size(path);
      return size === undefined ? refuse(404, 'it is not there') : new Response(null, { headers: headersOf(size) });
    }
    if (method === 'GET') return get(files, path, request.headers.get('range'));
    if (readOnly || !['PUT', 'DELETE'].includes(method)) return refuse(405, 'this store is for reading alone');
    if (method === 'DELETE') {
      await files.remove(path);
      return new Response(null, { status: 204 });
    }
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (path.startsWith('cas/') && digestOf(bytes) !== path.slice(7))
      return refuse(422, 'the bytes have another digest than their name');
    const written = await files.write(path, bytes, request.headers.get('if-none-match') === '*');
    return written ? new Response(null, { status: 201 }) : refuse(412, 'it is there');
  };
  return async (request: Request): Promise<Response> => {
    try {
      return await answer(request);
    } catch (error) {
      const message = error instanceof DataError ? error.message : 'unexpected failure';
      return refuse(message.includes('no space left') ? 507 : 500, message);
    }
  };
}

async function get(files: Files, path: string, range: string | null): Promise<Response> {
  const size = await files.size(path);
  if (size === undefined) return refuse(404, 'it is not there');
  const [, first, last] = (range && /^bytes=(\d+)-(\d*)$/.exec(range)) || [];
  if (first === undefined) {
    const bytes = await files.read(path);
    return bytes
      ? new Response(bytes as BodyInit, { headers: headersOf(bytes.length) })
      : refuse(404, 'it is not there');
  }
  const begin = Number(first);
  const end = Math.min(size, last ? Number(last) + 1 : size);
  if (begin >= end) return new Response(null, { status: 416, headers: { 'content-range': `bytes */${size}` } });
  const bytes = (await files.read(path, [begin, end])) ?? new Uint8Array();
  return new Response(bytes as BodyInit, {
    status: 206,
    headers: { ...headersOf(bytes.length), 'content-range': `bytes ${begin}-${end - 1}/${size}` },
  });
}

const headersOf = (bytes: number) => ({
  'content-type': 'application/octet-stream',
  'content-length': String(bytes),
  'accept-ranges': 'bytes',
});

const refuse = (status: number, message: string) => Response.json({ error: { code: status, message } }, { status });
