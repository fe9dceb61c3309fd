// Answers the page's requests to /v1/… itself: after the first visit the site recommends without a network.
import { createHandler } from 'm3rec';

/** Another name, and every visitor fetches the page and the model again. */
const CACHE = 'm3rec-1';
const FILES = ['./', './shop.m3rec'];
let handle;

self.addEventListener('install', (event) => {
  const cached = caches.open(CACHE).then((cache) => cache.addAll(FILES));
  event.waitUntil(cached.then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin !== self.location.origin) return;
  if (/^\/(v1\/|health$|openapi\.json$)/.test(pathname)) {
    handle ??= createHandler(caches.match('./shop.m3rec').then((model) => model.arrayBuffer()));
    event.respondWith(handle(event.request));
  } else event.respondWith(caches.match(event.request).then((cached) => cached ?? fetch(event.request)));
});
