// What rows share: folders, programs that run to their end, servers, and pages in Chromium.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { command } from '../hosts/command.mjs';

const examples = fileURLToPath(new URL('examples/', import.meta.url));
/** What a page may take to train, with the loading. */
const PAGE_SECONDS = 60;

/** Copies examples by their names, or `{ as: from }`, and writes texts, into a folder. */
export function fill(folder, names, texts = {}) {
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const [to, from] = typeof name === 'string' ? [name, name] : name;
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    copyFileSync(join(examples, from), join(folder, to));
  }
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof text === 'string' ? text : JSON.stringify(text, null, 2));
  }
}

/** What a program of Node prints. @param {{ node?: string, env?: object, seconds?: number }} options */
export function run(folder, args, { node = process.execPath, env, seconds = 600 } = {}) {
  return command(node, args, { cwd: folder, seconds, env: { ...process.env, ...QUIET, ...env } });
}

const QUIET = {
  CI: '1',
  NO_COLOR: '1',
  FORCE_COLOR: '0',
  ASTRO_TELEMETRY_DISABLED: '1',
  NEXT_TELEMETRY_DISABLED: '1',
  PARCEL_WORKERS: '1',
  WRANGLER_SEND_METRICS: 'false',
};

/** Installs a row's own tools, next to the package. Three tries, since registries hiccup. */
export async function install(folder, tarball, dependencies) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({
      name: 'row',
      private: true,
      type: 'module',
      dependencies: { ...dependencies, m3rec: `file:${tarball}` },
    }),
  );
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  for (let left = 2; ; left--) {
    try {
      await command(npm, args, { cwd: folder, seconds: 300, shell: process.platform === 'win32' });
      return;
    } catch (error) {
      if (left === 0) throw new NotInstalled(error.message);
    }
  }
}

/** A tool that could not be had: the row is not a failure of m3rec. */
export class NotInstalled extends Error {}

/** Starts a server and gives `use` its address, found in what it prints. */
export async function served(folder, args, { node = process.execPath, env, seconds = 90 } = {}, use) {
  const child = spawn(node, args, {
    cwd: folder,
    env: { ...process.env, ...QUIET, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let printed = '';
  try {
    const address = await new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no address after ${seconds} s: ${printed.slice(-400)}`)),
        1000 * seconds,
      );
      timer.unref();
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`it ended with exit code ${code}: ${printed.slice(-400)}`)));
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
          printed += text;
          const found = /https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):\d+/.exec(printed);
          if (found) resolve(found[0].replace('0.0.0.0', 'localhost'));
        });
      }
    });
    return await use(address);
  } catch (error) {
    throw new Error(`${error.message} (it printed: ${printed.trim().slice(-300)})`);
  } finally {
    try {
      process.kill(-child.pid);
    } catch {
      // it has ended by itself
    }
  }
}

const TYPES = {
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  css: 'text/css',
  json: 'application/json',
};

/** Serves a folder, cross-origin isolated, so that its pages may have threads. */
export async function files(folder, use) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const file = join(folder, decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    if (!file.startsWith(folder) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    const body = readFileSync(file);
    response.setHeader('content-type', TYPES[file.split('.').at(-1)] ?? 'application/octet-stream');
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://localhost:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

let browser;

/** What the page at this address leaves in `globalThis.found`. */
export async function visit(url, { threads } = {}) {
  const page = await (await chromium()).newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  try {
    await page.goto(url, { waitUntil: 'domcontentloaded' });
    const end = Date.now() + 1000 * PAGE_SECONDS;
    for (;;) {
      // a dev server may load the page again: asked anew each time
      const found = await page.evaluate(() => globalThis.found).catch(() => undefined);
      if (found?.error) throw new Error(found.error);
      if (found && threads !== undefined && found.threads?.threads !== threads)
        throw new Error(`${found.threads?.threads} threads, expected ${threads}: ${found.threads?.reason}`);
      if (found) return found.text;
      if (Date.now() > end) throw new Error(`no answer within ${PAGE_SECONDS} s`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } catch (error) {
    throw new Error([error.message, ...complaints].join('; ').slice(0, 600));
  } finally {
    await page.close();
  }
}

async function chromium() {
  if (browser) return browser;
  const executable = '/usr/bin/chromium';
  if (!existsSync(executable)) throw new NotInstalled(`${executable} is not installed`);
  const { puppeteer } = await import('../hosts/browsers.mjs');
  browser = await puppeteer.launch({
    executablePath: executable,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  return browser;
}

export const closeBrowser = () => browser?.close();
