// Square products C = A B on one instance of the kernels; run by itself, a child process for other kernels or another
// Node. Its parent sends { kernels: path, sizes, seconds } and gets { times: [[processor seconds a product]], version
// }.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { instantiateKernels } from '../../dist/kernels.js';
import { processorSeconds } from '../harness/timer.mjs';

/** @returns {number[][]} processor seconds of each product, by size */
export function products({ exports, memory }, sizes, seconds) {
  return sizes.map((n) => {
    const mark = memory.mark();
    const [a, b] = [1, 2].map((seed) => {
      const address = memory.allocate(4 * n * n);
      exports.fillUniform(address, n * n, 0.5, seed, 0, 0);
      return address;
    });
    const c = memory.allocate(4 * n * n);
    const workspace = memory.allocate(exports.gemmWorkspaceBytes());
    const product = () => {
      const begin = processorSeconds();
      memory.u8(c, 4 * n * n).fill(0); // the kernel adds to C
      exports.gemmNN(n, n, n, 1, a, n, b, n, c, n, workspace);
      return processorSeconds() - begin;
    };
    product();
    const runs = [];
    const start = performance.now();
    while (runs.length < 3 || performance.now() - start < 1000 * seconds) runs.push(product());
    memory.release(mark);
    return runs;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', async ({ kernels, sizes, seconds }) => {
    const times = products(await instantiateKernels(readFileSync(kernels)), sizes, seconds);
    process.send({ times, version: process.version }, () => process.disconnect());
  });
}
