// Types of the host that TypeScript knows only with the DOM library. Programs without it must still compile against
// this package's declarations, so each is looked up, and is a plain object or what Node has where it is not there.

type Global<Name extends string> = typeof globalThis extends { [name in Name]: { prototype: infer Found } }
  ? Found
  : never;
type Instance<Name extends string> = typeof globalThis extends {
  WebAssembly: { [name in Name]: { prototype: infer Found } };
}
  ? Found
  : object;

/** WebAssembly.Module. */
export type WasmModule = Instance<'Module'>;
/** WebAssembly.Memory. */
export type WasmMemory = Instance<'Memory'>;
/** BufferSource: bytes, as a buffer or a view of one. */
export type Bytes = ArrayBuffer | ArrayBufferView<ArrayBuffer>;
/** Transferable: what `postMessage` can hand over instead of copying. */
export type Transferred = ArrayBuffer | Global<'MessagePort'> | Global<'ReadableStream'> | Global<'ImageBitmap'>;
