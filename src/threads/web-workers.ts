// Threads from Web Workers, however a host makes them.
import type { KernelSource } from '../engine/source.ts';
import type { Availability, WorkerEvents, WorkerHandle, Workers } from './pool.ts';

/**
 * @param kernels kernels-threads.wasm.
 * @param make makes a worker that runs worker.js of this package.
 * @param script the text of worker.js, for a host where the file is not there: bundlers move what they bundle, and not all take
 *   the worker along.
 */
export function workersMadeBy(kernels: () => KernelSource, make: () => Worker, script?: () => string): Workers {
  return {
    get kernels() {
      return kernels();
    },
    available,
    spawn: (events) => new StartedWorker(make, script, events),
  };
}

/** A worker of the file, or, if that fails before it has said anything, of the text. */
class StartedWorker implements WorkerHandle {
  private worker: Worker | undefined;
  private readonly posted: unknown[] = [];

  constructor(
    make: () => Worker,
    script: (() => string) | undefined,
    private readonly events: WorkerEvents,
  ) {
    this.begin(make, (reason) => {
      if (!script) {
        events.failure(reason);
        return;
      }
      const url = URL.createObjectURL(new Blob([script()], { type: 'text/javascript' }));
      const both = (second: string) => events.failure(`${reason}; from a blob: ${second}`);
      this.begin(
        () => new Worker(url, { type: 'module' }),
        both,
        () => URL.revokeObjectURL(url),
      );
    });
  }

  post(data: unknown): void {
    this.posted.push(data);
    this.worker?.postMessage(data);
  }

  terminate(): void {
    this.worker?.terminate();
  }

  /** @param failed called at most once, unless the worker has said something before */
  private begin(make: () => Worker, failed: (reason: string) => void, ready?: () => void): void {
    const { message, failure } = this.events;
    try {
      this.worker = make();
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
      return;
    }
    const { worker } = this;
    let started = false;
    worker.onmessage = ({ data }) => {
      if (!started) ready?.();
      started = true;
      message(data);
    };
    worker.onmessageerror = () => failure('its message could not be read');
    worker.onerror = (event) => {
      event.preventDefault?.();
      const reason = event.message || 'it could not be loaded, or failed without a message';
      if (started) {
        failure(reason);
        return;
      }
      worker.terminate();
      this.worker = undefined;
      failed(reason);
    };
    for (const data of this.posted) worker.postMessage(data);
  }
}

const REMEDY = 'send Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp with it';

function available(): Availability {
  const one = (reason: string) => ({ threads: 1, reason });
  if (typeof Worker !== 'function') return one('this host has no workers');
  // Without isolation, shared memory can be made but not sent to a worker.
  if (globalThis.crossOriginIsolated === false && typeof document !== 'undefined')
    return one(`this page is not cross-origin isolated: ${REMEDY}`);
  if (typeof SharedArrayBuffer !== 'function') return one(`this host shares no memory; if it is a page: ${REMEDY}`);
  return { threads: navigator.hardwareConcurrency ?? 1 };
}
