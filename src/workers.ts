/**
 * `m3rec/workers`: threads from Web Workers, in browsers, Deno and Bun.
 * @module m3rec/workers
 */
import script from '../dist/worker.txt';
import { embeddedThreadKernels } from './threads/embedded-threads.ts';
import type { Workers } from './threads/pool.ts';
import { workersMadeBy } from './threads/web-workers.ts';

export type { Availability, WorkerEvents, WorkerHandle, Workers } from './threads/pool.ts';

/**
 * Web Workers for the option `workers`: in a page that is cross-origin isolated, a worker of such a page, Deno and Bun.
 * The worker is loaded from its file, and if that is not there, from a blob of its text. If a page's policy forbids both, the
 * job runs on one thread, and `onThreads` says why.
 *
 * @param file dist/worker.js of this package, if a page's policy forbids workers from blobs (`worker-src`) and its bundler does
 *   not find the file by itself.
 * @example
 * // in a page that is cross-origin isolated, in Deno or in Bun; on one thread elsewhere
 * await train(markets, { model: 'ease', workers: webWorkers() });
 */
export function webWorkers(file?: string | URL): Workers {
  return workersMadeBy(
    () => embeddedThreadKernels,
    () =>
      file === undefined
        ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
        : new Worker(file, { type: 'module' }),
    () => script,
  );
}
