import { ArgumentError } from '../common/errors.ts';
import type { Bytes } from '../common/host-types.ts';
import { type KernelSource, type ResolvedKernels, resolveKernels } from './source.ts';

let chosen: Promise<ResolvedKernels> | undefined;
let embedded: Bytes | undefined;

/** What is used unless `init` chooses other kernels. An entry that contains kernels says so here; `m3rec/slim` has none. */
export function embedKernels(bytes: Bytes): void {
  embedded = bytes;
}

/**
 * Chooses where the kernels come from, for every later call that does not name its own source: the bytes of
 * `m3rec/kernels.wasm`, a compiled module (edge workers allow nothing else), a Response, a URL to fetch, or a promise
 * of one of these. Without an argument: the bytes embedded in this package, which is also what is used if `init` is
 * never called; `m3rec/slim` embeds none. Nothing is compiled or instantiated here.
 *
 * @throws ArgumentError for anything else, a URL that cannot be fetched, and a Response that is not ok.
 * @example
 * await init(await readBytes('node_modules/m3rec/dist/kernels.wasm')); // or a module, a Response, init('/kernels.wasm')
 */
export async function init(source: KernelSource = builtIn()): Promise<void> {
  const resolved = await resolveKernels(source);
  chosen = Promise.resolve(resolved);
}

/** The source in use: `source` where one is given, else what `init` chose. */
export function kernelSource(source?: KernelSource): Promise<ResolvedKernels> {
  if (source !== undefined) return resolveKernels(source);
  return chosen ?? Promise.resolve().then(builtIn);
}

function builtIn(): Bytes {
  if (embedded === undefined)
    throw ArgumentError.because(
      'kernels',
      "m3rec/slim contains none: await init('/kernels.wasm') first (dist/kernels.wasm of the package), or import m3rec",
    );
  return embedded;
}
