// The page's files over HTTP, and the data or the model that it opens with.
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DataError, M3RecError } from '../common/errors.ts';
import { isDataName } from '../data/file-names.ts';
import { attempt } from '../node/system-error.ts';

const TYPES: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  m3rec: 'application/octet-stream',
  svg: 'image/svg+xml',
  wasm: 'application/wasm',
  webmanifest: 'application/manifest+json',
};
/** As the page's own <meta> tag says it, and what only a header can say. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
  "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types m3rec";
const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
/** The page that shows pictures of other origins, when a person asks for it. */
const PICTURES = {
  'content-security-policy': POLICY.replace('img-src', 'img-src https: http:'),
  'cross-origin-embedder-policy': 'credentialless',
};
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i;

/** All files of the page lie in one folder. */
const FILE_NAME = /^[\w-][\w.-]*$/;

/** A file that the page opens with, as the page calls it. */
interface Given {
  path: string;
  bytes: number;
  file: string;
}

/**
 * Answers with the files of dist/app, and below `given/` with what was named on the command line.
 *
 * @param path data or a model file. @param host where it listens: a request for another host is refused, so that no page of
 * another origin that has its name point here reads the data.
 * @throws DataError if nothing is at `path`; M3RecError if the page was not built.
 */
export async function appHandler(
  path: string | undefined,
  host: string,
): Promise<(request: Request) => Promise<Response>> {
  const root = folderOfApp();
  const given = path === undefined ? [] : await attempt(path, async () => filesAt(path));
  const isAnyHost = host === '0.0.0.0' || host === '::';
  return async (request) => {
    const { host: asked, pathname } = new URL(request.url);
    if (!isAnyHost && !LOOPBACK.test(asked) && asked.replace(/:\d+$/, '') !== host)
      return refusal(421, 'this page is not served under that name');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, 'only GET');
    const withBody = request.method === 'GET';
    if (pathname === '/given.json') {
      const body = JSON.stringify(given.map(({ path, bytes }) => ({ path, bytes })));
      return new Response(withBody ? body : null, { headers: { ...HEADERS, 'content-type': 'application/json' } });
    }
    const number = /^\/given\/(\d+)$/.exec(pathname)?.[1];
    const found = number === undefined ? undefined : given[Number(number)];
    if (found) return answer(found.file, 'application/octet-stream', withBody);
    const name = pathname === '/' ? 'index.html' : pathname.slice(1);
    if (!FILE_NAME.test(name) || !existsSync(join(root, name))) return refusal(404, 'there is no such file');
    return answer(
      join(root, name),
      TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
      withBody,
      name === 'pictures.html' ? PICTURES : {},
    );
  };
}

function refusal(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' } });
}

async function answer(file: string, type: string, withBody: boolean, more = {}): Promise<Response> {
  const headers = {
    ...HEADERS,
    ...more,
    'content-type': type,
    'cache-control': 'no-cache',
    'content-length': `${statSync(file).size}`,
  };
  if (!withBody) return new Response(null, { headers });
  const small = statSync(file).size < 1 << 20;
  const body = small ? await readFile(file) : (Readable.toWeb(createReadStream(file)) as ReadableStream);
  return new Response(body as BodyInit, { headers });
}

/** dist/app, seen from a bundle in dist/ or in dist/chunks/. */
function folderOfApp(): string {
  for (const place of ['./app/', '../app/']) {
    const folder = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(join(folder, 'index.html'))) return folder;
  }
  throw new M3RecError('the page is missing from this installation; in a clone, run `npm run build`');
}

/** The file, or the files of data in a folder. */
function filesAt(path: string): Given[] {
  const stats = statSync(path);
  if (!stats.isDirectory()) return [{ path: basename(path), bytes: stats.size, file: path }];
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter(isDataName)
    .sort();
  const given = files.map((name) => {
    const file = join(path, name);
    return { path: name, bytes: statSync(file).size, file };
  });
  if (given.length === 0) throw new DataError(path, undefined, 'no file of this folder is a table');
  return given;
}

/** Opens a page in the user's browser; whether there was a program to ask. */
export function openBrowser(url: string): boolean {
  const [program, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url];
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return false;
  const opener = spawn(program, args, { stdio: 'ignore', detached: true });
  opener.once('error', () => {}); // the address was said
  opener.unref();
  return true;
}
