// The offline shell of a page: a service worker that keeps one cache for each build of it, and the page's side of it.
//
// A page never changes under the person who uses it: a new build waits until a tab asks for it, and tabs of an older
// build keep their files for as long as one of them is open. Answers carry the headers that isolate a page, so that
// threads work from any static host.

import type { Transferred } from '../common/host-types.ts';

/** What a build of the page is. */
export interface Shell {
  /** Names the build: another whenever a file of it changed. */
  build: string;
  /** Paths relative to the service worker's scope, the page's own ('./') first. All are fetched when it installs. */
  files: readonly string[];
  /** Those of the files that are pages which show pictures of other origins, without credentials: they stay isolated where the browser can. */
  withPictures?: readonly string[];
}

/** The page's hold on its shell. */
export interface ShellHandle {
  /** Moves this tab to the build that waits, by a reload. */
  update(): void;
}

const PREFIX = 'm3rec-shell-';
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};
/** How long an open tab has to say which build it is of, in ms; one that does not is taken for the oldest. */
const ANSWER_WITHIN = 1000;

/**
 * The service worker's side: call it once, at its top level.
 *
 * @param scope `self` of the service worker.
 * @example
 * serveShell(self, { build: 'a81f', files: ['./', 'app-x1.js', 'kernels.wasm'] });
 */
export function serveShell(scope: ServiceWorkerGlobalScope, { build, files, withPictures = [] }: Shell): void {
  const own = PREFIX + build;
  const base = scope.registration.scope;
  const open = new Set(withPictures.map((file) => new URL(file, base).href));
  scope.addEventListener('install', (event) => {
    event.waitUntil(
      fill(
        own,
        files.map((file) => new URL(file, base).href),
      ),
    );
  });
  scope.addEventListener('activate', (event) => {
    event.waitUntil(scope.clients.claim().then(() => removeUnused(scope, own)));
  });
  scope.addEventListener('message', (event) => {
    if (event.data === 'm3rec-shell-activate') event.waitUntil(scope.skipWaiting());
  });
  scope.addEventListener('fetch', (event) => {
    const { method, url } = event.request;
    if (method === 'GET' && url.startsWith(base)) {
      const embedder = open.has(url.replace(/[?#].*$/, '')) ? 'credentialless' : 'require-corp';
      event.respondWith(answer(event.request, own, embedder));
    }
  });
}

/** A cache is filled whole, or not at all: a build with a file missing must not be installed. */
async function fill(name: string, urls: string[]): Promise<void> {
  try {
    await (await caches.open(name)).addAll(urls.map((url) => new Request(url, { cache: 'reload' })));
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
}

/**
 * The own build's file; else another build's, which an older tab may ask for by its hashed name; else the network's.
 */
async function answer(request: Request, own: string, embedder: string): Promise<Response> {
  const options = { ignoreSearch: request.mode === 'navigate' };
  const kept = (await (await caches.open(own)).match(request, options)) ?? (await caches.match(request, options));
  const response = kept ?? (await fetch(request));
  // an opaque answer has no headers to add to
  if (response.type === 'opaque' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  headers.set('Cross-Origin-Embedder-Policy', embedder);
  const empty = response.status === 204 || response.status === 304;
  return new Response(empty ? null : response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}

/** Removes the caches of builds that no open tab is of. */
async function removeUnused(scope: ServiceWorkerGlobalScope, own: string): Promise<void> {
  const tabs = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const builds = await Promise.all(tabs.map(buildOf));
  if (builds.includes(undefined)) return;
  const used = new Set([own, ...builds.map((build) => PREFIX + build)]);
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && !used.has(name)) await caches.delete(name);
}

function buildOf(tab: Client): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(typeof data === 'string' ? data : undefined);
    setTimeout(() => resolve(undefined), ANSWER_WITHIN);
    tab.postMessage('m3rec-shell-build', [port2]);
  });
}

/**
 * The page's side: registers the service worker. Without one (an insecure origin, some private windows) the page works
 * all the same, but not offline.
 *
 * @param script URL of the service worker's script.
 * @param build The build that this page is of.
 * @param onWaiting Called when a newer build waits, at most once; `update()` of the handle moves this tab to it.
 * @returns undefined where this browser has no service worker here.
 * @example
 * await registerShell('service-worker.js', 'a81f', (shell) => shell.update());
 */
export async function registerShell(
  script: string | URL,
  build: string,
  onWaiting: (shell: ShellHandle) => void,
): Promise<ShellHandle | undefined> {
  const container = globalThis.navigator?.serviceWorker;
  if (!container) return undefined;
  container.addEventListener('message', ({ data, ports }) => {
    if (data === 'm3rec-shell-build') ports[0]?.postMessage(build);
  });
  container.startMessages();
  let registration: ServiceWorkerRegistration;
  try {
    registration = await container.register(script, { type: 'module', updateViaCache: 'none' });
  } catch {
    return undefined;
  }
  let asked = false;
  const shell: ShellHandle = {
    update() {
      asked = true;
      registration.waiting?.postMessage('m3rec-shell-activate');
    },
  };
  container.addEventListener('controllerchange', () => {
    if (asked) location.reload();
  });
  let told = false;
  const tell = () => {
    if (told || !registration.waiting || !container.controller) return;
    told = true;
    onWaiting(shell);
  };
  tell();
  registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', tell));
  return shell;
}

// The DOM's types and those of workers cannot be had at once, so what is used of the latter stands here.
interface ServiceWorkerGlobalScope {
  readonly registration: { readonly scope: string };
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<Client[]>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: 'message', listener: (event: ExtendableEvent & { readonly data: unknown }) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
}
interface ExtendableEvent {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Client {
  postMessage(message: unknown, transfer: Transferred[]): void;
}
