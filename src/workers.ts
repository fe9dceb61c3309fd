/**
 * `m3rec/workers`: threads from Web Workers, in browsers, Deno and Bun.
 * @module m3rec/workers
 */
import { embeddedThreadKernels } from './threads/embedded-threads.ts';
import type { Workers } from './threads/pool.ts';
import { workersMadeBy } from './threads/web-workers.ts';

export type { Availability, WorkerEvents, WorkerHandle, Workers } from './threads/pool.ts';

/**
 * Web Workers for the option `workers`: in a page that is cross-origin isolated, a worker of such a page, Deno and Bun.
 *
 * @param script dist/worker.js of this package, where a bundler does not find it by itself.
 * @example
 * // in a page that is cross-origin isolated, in Deno or in Bun; on one thread elsewhere
 * await train(markets, { model: 'ease', workers: webWorkers() });
 */
export function webWorkers(script?: string | URL): Workers {
  return workersMadeBy(
    () => embeddedThreadKernels,
    () =>
      script === undefined
        ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
        : new Worker(script, { type: 'module' }),
  );
}
