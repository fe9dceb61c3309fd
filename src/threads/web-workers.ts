// Threads from Web Workers, however a host makes them.
import type { KernelSource } from '../engine/source.ts';
import type { Availability, Workers } from './pool.ts';

/**
 * @param kernels kernels-threads.wasm.
 * @param make makes a worker that runs worker.js of this package.
 */
export function workersMadeBy(kernels: () => KernelSource, make: () => Worker): Workers {
  return {
    get kernels() {
      return kernels();
    },
    available,
    spawn({ message, failure }) {
      const worker = make();
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
