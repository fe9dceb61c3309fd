import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { ArgumentError, DataError } from '../common/errors.ts';
import type { Workers } from '../threads/pool.ts';
import { fileError } from './system-error.ts';
import { nodeWorkers } from './threads.ts';

/**
 * The kernels with relaxed SIMD, as options of `train` and `update`: `train(markets, await relaxedKernels())`. If the
 * processor has an instruction for a sum of products, such sums are rounded once, not twice, and training takes less
 * time. So the bytes of the model depend on the processor. These kernels are files of the package, in no bundle.
 *
 * @throws ArgumentError if this host does not support relaxed SIMD; DataError if the files are missing.
 * @example
 * // on a host without relaxed SIMD it throws, and training takes the usual kernels
 * const options = await relaxedKernels().catch(() => ({ workers: nodeWorkers }));
 * await train(markets, { model: 'ease', ...options });
 */
export async function relaxedKernels(): Promise<{ kernels: Uint8Array<ArrayBuffer>; workers: Workers }> {
  const kernels = await read('kernels-relaxed.wasm');
  if (!WebAssembly.validate(kernels))
    throw ArgumentError.because(
      'relaxed SIMD',
      `Node ${process.version} does not have it; run Node 22 or later, or Node 20 with --experimental-wasm-relaxed-simd`,
    );
  return { kernels, workers: { ...nodeWorkers, kernels: await read('kernels-threads-relaxed.wasm') } };
}

async function read(name: string): Promise<Uint8Array<ArrayBuffer>> {
  let path: string;
  try {
    // by the package's own name, since this code may be in any chunk
    path = createRequire(import.meta.url).resolve(`m3rec/${name}`);
  } catch {
    throw new DataError(
      name,
      undefined,
      'not found: it belongs next to the bundles of the package m3rec; install the package again',
    );
  }
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError(path, error);
  }
}
