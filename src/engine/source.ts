import { ArgumentError } from '../common/errors.ts';
import { brokeOff, checkStatus, fetchUrl } from '../common/fetched.ts';
import type { Bytes, WasmModule } from '../common/host-types.ts';

const WANTED = { argument: 'kernels', file: 'kernels.wasm' };

type KernelSourceNow = Bytes | WasmModule | Response | URL | string;
/**
 * Where the kernel module comes from: its bytes, a compiled module (edge workers allow nothing else), a Response, the
 * URL to fetch it from, or a promise of one of these.
 */
export type KernelSource = KernelSourceNow | Promise<KernelSourceNow>;
/** What an instance is made from. */
export type ResolvedKernels = Bytes | WasmModule;

/**
 * The bytes or the module of a source. Values are recognised by their shape: one from another realm (an edge sandbox
 * hands its modules in from outside) is no instance of this realm's classes.
 * @throws ArgumentError for anything else, a URL that cannot be fetched, and a response that is not ok.
 * @example
 * const source = await resolveKernels(fetch('data:application/wasm;base64,AGFzbQEAAAA='));
 * source.byteLength; // → 8
 */
export async function resolveKernels(source: KernelSource): Promise<ResolvedKernels> {
  let value: unknown = await source;
  // some engines compile any view but this one
  if (tagOf(value) === '[object DataView]') return bytesOf(value as DataView<ArrayBuffer>);
  if (typeof value === 'string' || tagOf(value) === '[object URL]')
    value = await fetchUrl(value as URL | string, WANTED);
  if (ArrayBuffer.isView(value) || tagOf(value) === '[object ArrayBuffer]' || isModule(value))
    return value as ResolvedKernels;
  if (
    typeof value === 'object' &&
    value !== null &&
    'arrayBuffer' in value &&
    typeof value.arrayBuffer === 'function'
  ) {
    const response = value as Response;
    checkStatus(response, WANTED);
    try {
      return await response.arrayBuffer();
    } catch (error) {
      throw brokeOff(WANTED, error);
    }
  }
  throw new ArgumentError(
    'kernels',
    value,
    'bytes, a WebAssembly.Module, a Response, a URL, or a promise of one of these',
  );
}

const bytesOf = (view: DataView<ArrayBuffer>) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const tagOf = (value: unknown): string => Object.prototype.toString.call(value);
/** Whether this is a compiled module, of any realm. */
export const isModule = (value: unknown): boolean => tagOf(value) === '[object WebAssembly.Module]';
