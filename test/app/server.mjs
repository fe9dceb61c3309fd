// Where the tests and the bench get the page from.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import sirv from '../hosts/node_modules/sirv/build.mjs';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const APP = fileURLToPath(new URL('../../dist/app/', import.meta.url));
/** Below a path, and without any header of its own. */
const BELOW = '/some/where/';

/** `m3rec app` on a free port. */
export function startServer(...args) {
  const child = spawn(process.execPath, [CLI, 'app', '--no-open', '--port', '0', ...args]);
  const exit = new Promise((resolve) => child.once('exit', resolve));
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
      const url = /the page is at (\S+) until/.exec(said)?.[1];
      if (!url) return;
      const close = async () => {
        child.kill('SIGINT');
        await exit;
      };
      resolve({ url, close });
    });
    child.once('exit', () => reject(new Error(`m3rec app ended: ${said}`)));
  });
}

/** Any static host: the files below a path, but those of `without`; `asked` collects the names of files asked for. */
export async function startStatic({ root = () => APP, without = [], asked = new Set() } = {}) {
  const server = createServer((request, response) => {
    const inside = request.url.startsWith(BELOW);
    request.url = request.url.slice(BELOW.length - 1);
    const name = request.url.slice(1) || 'index.html';
    asked.add(name);
    const none = () => {
      response.statusCode = 404;
      response.end();
    };
    if (inside && !without.includes(name)) sirv(root(), { dev: true })(request, response, none);
    else none();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${BELOW}`,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

/** A static host whose page is of another build from `change` on. */
export async function startSwitching() {
  const other = mkdtempSync(join(tmpdir(), 'm3rec-build-'));
  cpSync(APP, other, { recursive: true });
  const [, build] = /build:"([0-9a-f]{10})"/.exec(readFileSync(join(APP, 'shell.js'), 'utf8')) ?? [];
  if (build === undefined) throw new Error('shell.js does not say its build');
  for (const name of readdirSync(other).filter((each) => each.endsWith('.js')))
    writeFileSync(join(other, name), readFileSync(join(other, name), 'utf8').replaceAll(build, 'b'.repeat(10)));
  const html = join(other, 'index.html');
  writeFileSync(html, readFileSync(html, 'utf8').replace('<html ', '<html data-build="two" '));
  let root = APP;
  // a file that a browser asked for last may still be opened when the server is closed
  process.once('exit', () => rmSync(other, { recursive: true, force: true }));
  return {
    ...(await startStatic({ root: () => root })),
    change: () => {
      root = other;
    },
  };
}

/** Pictures of another origin; `asked` has the referrer of each request. */
export async function startPictures() {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push({ referer: request.headers.referer });
    response.setHeader('content-type', 'image/svg+xml');
    response.end('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><circle r="1"/></svg>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    asked,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

/** The built library and an empty page, each answer with these headers; `folders` are served by their first part. */
export async function startLibrary(headers = {}, folders = {}) {
  const dist = sirv(fileURLToPath(new URL('../../dist/', import.meta.url)), { dev: true });
  const others = Object.entries(folders).map(([name, path]) => [`/${name}/`, sirv(path, { dev: true })]);
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (request.url === '/') {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><meta charset="utf-8"><title>empty</title><link rel="icon" href="data:,">');
      return;
    }
    const none = () => {
      response.statusCode = 404;
      response.end();
    };
    const [name, serve] = others.find(([start]) => request.url.startsWith(start)) ?? ['/', dist];
    request.url = request.url.slice(name.length - 1);
    serve(request, response, none);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    // an address by name is a secure context in every browser
    url: `http://localhost:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
