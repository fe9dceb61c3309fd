import { embeddedKernels } from './embedded.ts';
import { type KernelSource, type ResolvedKernels, resolveKernels } from './source.ts';

let chosen: Promise<ResolvedKernels> | undefined;

/**
 * Chooses where the kernels come from, for every later call that does not name its own source: the bytes of
 * `m3rec/kernels.wasm`, a compiled module (edge workers allow nothing else), a Response, a URL to fetch, or a promise
 * of one of these. Without an argument: the bytes embedded in this package, which is also what is used if `init` is
 * never called. Nothing is compiled or instantiated here.
 *
 * @throws ArgumentError for anything else, a URL that cannot be fetched, and a Response that is not ok.
 * @example
 * await init(await readBytes('node_modules/m3rec/dist/kernels.wasm')); // or a module, a Response, init('/kernels.wasm')
 */
export async function init(source: KernelSource = embeddedKernels): Promise<void> {
  const resolved = await resolveKernels(source);
  chosen = Promise.resolve(resolved);
}

/** The source in use: `source` where one is given, else what `init` chose. */
export function kernelSource(source?: KernelSource): Promise<ResolvedKernels> {
  if (source !== undefined) return resolveKernels(source);
  chosen ??= Promise.resolve(embeddedKernels);
  return chosen;
}
