// The page's service worker. The build writes what it is called and what belongs to it.
import { serveShell } from '../browser/offline.ts';

declare const BUILD: string;
declare const FILES: readonly string[];

serveShell(self as unknown as Parameters<typeof serveShell>[0], {
  build: BUILD,
  files: FILES,
  withPictures: ['pictures.html'],
});
