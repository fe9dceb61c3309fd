/**
 * `m3rec/workers`: threads from Web Workers, in browsers, Deno and Bun.
 * @module m3rec/workers
 */
import { embeddedThreadKernels } from './threads/embedded-threads.ts';
import type { Availability, Workers } from './threads/pool.ts';

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
  return {
    kernels: embeddedThreadKernels,
    available,
    spawn({ message, failure }) {
      const worker =
        script === undefined
          ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
          : new Worker(script, { type: 'module' });
      worker.onmessage = ({ data }) => message(data);
      worker.onmessageerror = () => failure('its message could not be read');
      worker.onerror = (event) => {
        event.preventDefault?.();
        failure(event.message || 'it could not be loaded, or failed without a message');
      };
      return { post: (data) => worker.postMessage(data), terminate: () => worker.terminate() };
    },
  };
}

function available(): Availability {
  const one = (reason: string) => ({ threads: 1, reason });
  if (typeof Worker !== 'function') return one('this host has no workers');
  // Memory that is shared can be made without isolation, but not be sent to a worker.
  if (globalThis.crossOriginIsolated === false && typeof document !== 'undefined')
    return one('this page is not cross-origin isolated');
  if (typeof SharedArrayBuffer !== 'function')
    return one('this host shares no memory: is the page cross-origin isolated?');
  return { threads: navigator.hardwareConcurrency ?? 1 };
}
