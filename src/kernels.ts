/**
 * `m3rec/kernels`: the compiled kernels without the recommender around them.
 *
 * Stable, as the rest of the package: where kernels come from (`KernelSource`, `resolveKernels`, `instantiateKernels`),
 * and how to call them with arrays (`bindKernels`) and with addresses (`Kernels`, `LinearMemory`, `Address`, structs).
 * Not stable: the kernels themselves. Their names, their arguments (`KernelExports`), and the structs and constants of
 * `layout` (types in `structs`) may change with a minor version.
 *
 * @module m3rec/kernels
 */
export { type Address, NOWHERE, type Pointer, plus, type Scalar } from './engine/address.ts';
export { type BoundKernels, bindKernels, type KernelArgument } from './engine/bind.ts';
export { instantiateKernels } from './engine/instantiate.ts';
export type * as structs from './engine/kernel-layout.ts';
export { layout } from './engine/kernel-layout.ts';
export { LinearMemory } from './engine/memory.ts';
export { type KernelSource, type ResolvedKernels, resolveKernels } from './engine/source.ts';
export { putStruct, putStructs, readStructs, type StructLayout } from './engine/struct.ts';
export type { KernelExports, Kernels } from './engine/types.ts';
