import { instantiate as load } from '@assemblyscript/loader';
import { ArgumentError, MemoryError } from '../common/errors.ts';
import type { Address } from './address.ts';
import type { KernelExports } from './kernel-exports.ts';
import { LinearMemory } from './memory.ts';
import type { TaskPool } from './tasks.ts';

type KernelSourceNow = BufferSource | WebAssembly.Module | Response | URL | string;
/**
 * Where the kernel module comes from: its bytes, a compiled module (edge workers allow nothing else), a Response, the URL to
 * fetch it from, or a promise of one of these.
 */
export type KernelSource = KernelSourceNow | Promise<KernelSourceNow>;
/** What an instance is made from. */
export type ResolvedKernels = BufferSource | WebAssembly.Module;

export type { KernelExports };

/** One instance of the kernels with the memory that it works on. */
export interface Kernels {
  readonly exports: KernelExports;
  readonly memory: LinearMemory;
  /** Further threads on the same memory, where there are any. */
  readonly pool?: TaskPool;
}

/**
 * The bytes or the module that a source stands for. Values are known by their shape: one from another realm (an edge sandbox hands
 * its modules in from outside) is no instance of this realm's classes.
 * @throws ArgumentError for anything else, a URL that cannot be fetched, and a response that is not ok.
 */
export async function resolveKernels(source: KernelSource): Promise<ResolvedKernels> {
  let value: unknown = await source;
  // some engines compile any view but this one
  if (tagOf(value) === '[object DataView]') return bytesOf(value as DataView<ArrayBuffer>);
  if (typeof value === 'string' || tagOf(value) === '[object URL]') value = await fetchKernels(value as URL | string);
  if (ArrayBuffer.isView(value) || tagOf(value) === '[object ArrayBuffer]' || isModule(value))
    return value as ResolvedKernels;
  if (
    typeof value === 'object' &&
    value !== null &&
    'arrayBuffer' in value &&
    typeof value.arrayBuffer === 'function'
  ) {
    const response = value as Response;
    if (response.ok === false)
      throw ArgumentError.because(
        'kernels',
        `the server answered with status ${response.status}, not with kernels.wasm`,
      );
    try {
      return await response.arrayBuffer();
    } catch (error) {
      throw ArgumentError.because(
        'kernels',
        `the response with kernels.wasm broke off (${error instanceof Error ? error.message : error})`,
      );
    }
  }
  throw new ArgumentError(
    'kernels',
    value,
    'bytes, a WebAssembly.Module, a Response, a URL, or a promise of one of these',
  );
}

async function fetchKernels(url: URL | string): Promise<Response> {
  try {
    return await fetch(url);
  } catch (error) {
    throw new ArgumentError(
      'kernels',
      String(url),
      `a URL that this host can fetch; read a file and pass its bytes (${error instanceof Error ? error.message : error})`,
    );
  }
}

const bytesOf = (view: DataView<ArrayBuffer>) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const tagOf = (value: unknown): string => Object.prototype.toString.call(value);
const isModule = (value: unknown): boolean => tagOf(value) === '[object WebAssembly.Module]';

/**
 * Instantiates the kernels, on a linear memory of their own unless one is given.
 * @throws ArgumentError for anything that is not the kernel module.
 */
export async function instantiateKernels(source: KernelSource, memory = new LinearMemory()): Promise<Kernels> {
  const resolved = await resolveKernels(source);
  const imports = { env: { memory: memory.memory } };
  let exports: Record<string, unknown>;
  try {
    // the loader takes a module for one only if it is of this realm
    ({ exports } = isModule(resolved)
      ? await WebAssembly.instantiate(resolved as WebAssembly.Module, imports)
      : await load(resolved, imports));
  } catch (error) {
    if (error instanceof RangeError) throw new MemoryError(`the kernels were not instantiated: ${error.message}`);
    const expected = isModule(resolved)
      ? 'the module kernels.wasm'
      : 'the bytes of kernels.wasm, or a WebAssembly.Module of them where a host compiles none';
    throw new ArgumentError('kernels', resolved, `${expected} (${error instanceof Error ? error.message : error})`);
  }
  if (typeof exports.scoreLinear !== 'function')
    throw ArgumentError.because('kernels', 'this is another WebAssembly module, not kernels.wasm of m3rec');
  return { exports: exports as unknown as KernelExports, memory };
}

type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;
/** What the binder takes: numbers as they are, typed arrays by address, strings as UTF-8 by address and byte length. */
export type KernelArgument = number | boolean | string | TypedArray;
/** The kernels by name, each taking numbers, strings and typed arrays. */
export type BoundKernels = { readonly [name in keyof KernelExports]: (...args: KernelArgument[]) => number };

/**
 * Binds every exported kernel so that it can be called with typed arrays, without glue per kernel:
 * each array argument is copied into linear memory, its address is passed in its place, and after the call
 * the memory is copied back into the same array, which is how outputs are returned. A string is passed as the
 * address and byte length of its UTF-8. The memory used is given back before the call returns.
 *
 * @throws ArgumentError for an argument of any other type.
 * @throws MemoryError where the arrays do not fit.
 * @example
 * const kernels = await bindKernels(bytes);
 * const out = new Float32Array(4);
 * kernels.addTo(4, a, b, out); // out = a + b
 */
export async function bindKernels(source: KernelSource): Promise<BoundKernels> {
  const { exports, memory } = await instantiateKernels(source);
  const bound: Record<string, (...args: KernelArgument[]) => number> = {};
  for (const [name, kernel] of Object.entries(exports)) {
    if (typeof kernel === 'function')
      bound[name] = (...args) => call(name, kernel as (...raw: number[]) => number, memory, args);
  }
  return bound as BoundKernels;
}

function call(
  name: string,
  kernel: (...raw: number[]) => number,
  memory: LinearMemory,
  args: KernelArgument[],
): number {
  const mark = memory.mark();
  try {
    const raw: number[] = [];
    const arrays: [Address, TypedArray][] = [];
    for (const [i, argument] of args.entries()) {
      if (typeof argument === 'number') raw.push(argument);
      else if (typeof argument === 'boolean') raw.push(argument ? 1 : 0);
      else if (typeof argument === 'string') {
        const bytes = new TextEncoder().encode(argument);
        raw.push(memory.put(bytes), bytes.length);
      } else if (ArrayBuffer.isView(argument) && !(argument instanceof DataView)) {
        const address = memory.put(argument);
        arrays.push([address, argument]);
        raw.push(address);
      } else throw new ArgumentError(`${name}: argument ${i}`, argument, 'a number, a string or a typed array');
    }
    const result = kernel(...raw);
    for (const [address, array] of arrays) {
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(memory.u8(address, array.byteLength));
    }
    return result;
  } finally {
    memory.release(mark);
  }
}
