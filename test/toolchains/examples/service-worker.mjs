// A service worker that answers /answer itself.
import { answer } from './program.mjs';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  if (!event.request.url.endsWith('/answer')) return;
  event.respondWith(
    answer().then(
      (text) => new Response(text),
      (error) => new Response(String(error.stack ?? error), { status: 500 }),
    ),
  );
});
