import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import code from '../../dist/node-worker.txt';
import { embeddedThreadKernels } from '../threads/embedded-threads.ts';
import type { Workers } from '../threads/pool.ts';

/** Worker threads of Node, for the option `workers`. */
export const nodeWorkers: Workers = {
  kernels: embeddedThreadKernels,
  available: () => ({ threads: availableParallelism() }),
  spawn({ message, failure }) {
    const worker = new Worker(code, { eval: true });
    worker.on('message', message);
    worker.on('messageerror', (error) => failure(error.message));
    worker.on('error', (error) => failure(error instanceof Error ? error.message : String(error)));
    worker.on('exit', (exitCode) => failure(`it ended with exit code ${exitCode}`));
    return { post: (data) => worker.postMessage(data), terminate: () => worker.terminate() };
  },
};
