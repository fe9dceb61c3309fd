// Preloaded before a block of the guide that is written for another host than Node: stand-ins for the globals that it
// uses, over the files of the page's folder. What the block sets up (a handler, a service worker) is asked once at the
// end.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';

const folder = process.cwd();
const ORIGIN = 'https://shop.example';

/** A handler must say that it is well. */
async function ask(handler) {
  const response = await handler(new Request(`${ORIGIN}/health`));
  if (response.status !== 200)
    throw new Error(`/health was answered with ${response.status}: ${await response.text()}`);
}

/** Before the process would end. */
const atEnd = (action) => process.once('beforeExit', () => action().catch(fail));
function fail(error) {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}

const hosts = {
  page() {
    globalThis.self = globalThis;
    globalThis.location = new URL(`${ORIGIN}/`);
    globalThis.document = {};
    globalThis.crossOriginIsolated = false;
    globalThis.fetch = async (target) => {
      const { pathname } = new URL(target.url ?? target, location);
      return new Response(readFileSync(join(folder, pathname)));
    };
    globalThis.Worker = class {
      constructor(url) {
        this.thread = new Thread(
          `const { parentPort } = require('node:worker_threads');
          globalThis.self = globalThis;
          globalThis.onmessage = undefined;
          globalThis.postMessage = (data, transfer) => parentPort.postMessage(data, transfer);
          // a message waits until the module has set its handler
          import(${JSON.stringify(String(url))}).then(() => parentPort.on('message', (data) => globalThis.onmessage({ data })));`,
          { eval: true },
        );
        this.thread.on('message', (data) => this.onmessage({ data }));
        this.thread.on('error', fail);
      }
      postMessage(data, transfer) {
        this.thread.postMessage(data, transfer);
      }
      terminate() {
        this.thread.terminate();
      }
    };
    serviceWorker();
  },
  deno() {
    globalThis.Deno = { readFile, serve: (...args) => atEnd(() => ask(args.at(-1))) };
  },
  bun() {
    globalThis.Bun = {
      file: (path) => ({ bytes: () => readFile(path) }),
      serve: ({ fetch }) => atEnd(() => ask(fetch)),
    };
  },
  fetch() {
    atEnd(async () => ask((await import(pathToFileURL(join(folder, process.env.DOCS_BLOCK)).href)).default.fetch));
  },
};

/** One cache, and the events of a service worker where the block listens to them. */
function serviceWorker() {
  const kept = new Map();
  const pathOf = (target) => new URL(target.url ?? target, location).pathname;
  const cache = {
    addAll: async (paths) => {
      for (const path of paths) kept.set(pathOf(path), await (await fetch(path)).arrayBuffer());
    },
  };
  globalThis.caches = {
    open: async () => cache,
    match: async (target) => kept.has(pathOf(target)) && new Response(kept.get(pathOf(target))),
  };
  globalThis.skipWaiting = async () => {};
  globalThis.clients = { claim: async () => {} };
  const listeners = new Map();
  globalThis.addEventListener = (type, listener) => listeners.set(type, listener);
  const dispatch = async (type, event) => {
    const waits = [];
    listeners.get(type)?.({ ...event, waitUntil: (wait) => waits.push(wait), respondWith: (wait) => waits.push(wait) });
    return Promise.all(waits);
  };
  atEnd(async () => {
    if (!listeners.has('fetch')) return;
    await dispatch('install', {});
    await dispatch('activate', {});
    await ask(async (request) => (await dispatch('fetch', { request }))[0]);
  });
}

register(pathToFileURL(join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, 'loader.mjs')).href);
hosts[process.env.DOCS_HOST]();
