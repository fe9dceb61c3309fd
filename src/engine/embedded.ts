import kernels from '../../dist/kernels.wasm';

/** The bytes of the kernel module that this package was built with. */
export const embeddedKernels: Uint8Array<ArrayBuffer> = kernels;
