import { embeddedKernels } from './embedded.ts';
import { ArgumentError } from './errors.ts';
import type { KernelSource } from './kernels.ts';

type Resolved = BufferSource | WebAssembly.Module;

let chosen: Promise<Resolved> | undefined;

/**
 * Chooses where the kernels come from, for every later call that does not name its own source: the bytes of
 * `m3rec/kernels.wasm`, a compiled module (edge workers allow nothing else), a Response, or a promise of one of these.
 * Without an argument: the bytes embedded in this package, which is also what is used if `init` is never called.
 * Nothing is compiled or instantiated here.
 *
 * @throws ArgumentError for anything else, and for a Response that is not ok.
 */
export async function init(source: KernelSource = embeddedKernels): Promise<void> {
  const resolved = await resolveKernels(source);
  chosen = Promise.resolve(resolved);
}

/** The source in use: `source` where one is given, else what `init` chose. */
export function kernelSource(source?: KernelSource): Promise<Resolved> {
  if (source !== undefined) return resolveKernels(source);
  chosen ??= Promise.resolve(embeddedKernels);
  return chosen;
}

async function resolveKernels(source: KernelSource): Promise<Resolved> {
  const value: unknown = await source;
  // By shape: a value from another realm is no instance of this realm's classes.
  const tag = Object.prototype.toString.call(value);
  if (ArrayBuffer.isView(value) || tag === '[object ArrayBuffer]' || tag === '[object WebAssembly.Module]') return value as Resolved;
  if (typeof value === 'object' && value !== null && 'arrayBuffer' in value && typeof value.arrayBuffer === 'function') {
    const response = value as Response;
    if (response.ok === false) throw new ArgumentError('kernels', `a response with status ${response.status}`, 'the bytes of kernels.wasm');
    return response.arrayBuffer();
  }
  throw new ArgumentError('kernels', value, 'bytes, a WebAssembly.Module, a Response, or a promise of one of these');
}
