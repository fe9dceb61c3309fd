import { ArgumentError, MemoryError } from '../common/errors.ts';
import type { Bytes, WasmMemory, WasmModule } from '../common/host-types.ts';
import type { KernelExports } from './kernel-exports.ts';
import { LinearMemory } from './memory.ts';
import { isModule, type KernelSource, resolveKernels } from './source.ts';
import type { Kernels } from './types.ts';

/** What V8, SpiderMonkey and JavaScriptCore say of a page's policy. */
const FORBIDDEN = /Content Security Policy|blocked by CSP/i;

/**
 * Instantiates the kernels, on a linear memory of their own unless one is given.
 * @throws ArgumentError for anything that is not the kernel module, and where the host forbids WebAssembly.
 * @example
 * const { exports, memory } = await instantiateKernels(await readBytes('node_modules/m3rec/dist/kernels.wasm'));
 * const x = memory.put(Float32Array.of(3, 4));
 * memory.f32(x, 2)[1]; // → 4
 * typeof exports.dot; // → 'function'
 */
export async function instantiateKernels(
  source: KernelSource,
  memory = new LinearMemory(),
  instantiate: Instantiate = instantiateModule,
): Promise<Kernels> {
  const resolved = await resolveKernels(source);
  const imports = { env: { memory: memory.memory } };
  let exports: Record<string, unknown>;
  try {
    const module = isModule(resolved) ? (resolved as WasmModule) : await WebAssembly.compile(resolved as Bytes);
    ({ exports } = await instantiate(module, imports));
  } catch (error) {
    if (error instanceof RangeError) throw new MemoryError(`the kernels were not instantiated: ${error.message}`);
    const reason = error instanceof Error ? error.message : String(error);
    if (FORBIDDEN.test(reason))
      throw ArgumentError.because(
        'kernels',
        `the Content Security Policy of this page forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src (${reason.trim()})`,
      );
    const expected = isModule(resolved)
      ? 'the module kernels.wasm'
      : 'the bytes of kernels.wasm, or a WebAssembly.Module of them where a host compiles none';
    throw new ArgumentError('kernels', resolved, `${expected} (${reason})`);
  }
  if (typeof exports.scoreLinear !== 'function')
    throw ArgumentError.because('kernels', 'this is another WebAssembly module, not kernels.wasm of m3rec');
  return { exports: exports as unknown as KernelExports, memory };
}

/** How an instance is made of a module; AssemblyScript's loader is another way, which pages do not have to download. */
export type Instantiate = (
  module: WasmModule,
  imports: { env: { memory: WasmMemory } },
) => Promise<{ exports: Record<string, unknown> }>;

export const instantiateModule: Instantiate = (module, imports) =>
  WebAssembly.instantiate(module as WebAssembly.Module, imports as unknown as WebAssembly.Imports);
