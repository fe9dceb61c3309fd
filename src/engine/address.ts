declare const brand: unique symbol;
declare const pointee: unique symbol;

/**
 * A byte offset in linear memory, as `LinearMemory` hands it out. A branded number: one that was not allocated, a count
 * say, is refused by the type checker where a kernel takes an address. It costs nothing at run time.
 */
export type Address = number & { readonly [brand]: 'address' };

/** Any other number that a kernel takes: a count, an index, a seed, a factor. An Address is refused in its place. */
export type Scalar = number & { readonly [brand]?: never };

/** The address of a struct of type T, which `putStruct` wrote. */
export type Pointer<T> = Address & { readonly [pointee]: T };

/** No address, for the optional arguments of a kernel. Nothing is allocated at 0. */
export const NOWHERE = 0 as Address;

/**
 * The address `bytes` after `address`.
 * @example
 * const memory = new LinearMemory();
 * const second = plus(memory.put(Float32Array.of(1, 2)), 4);
 * memory.f32(second, 1)[0]; // → 2
 */
export function plus(address: Address, bytes: number): Address {
  return (address + bytes) as Address;
}
