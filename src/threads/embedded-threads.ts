import kernels from '../../dist/kernels-threads.wasm';

/** The bytes of the kernel module for shared memory that this package was built with. */
export const embeddedThreadKernels: Uint8Array<ArrayBuffer> = kernels;
