// Structs in linear memory: what kernels take by one address. Fields lie in order, four bytes each, as the build read
// them from the kernels' sources (kernel-layout.ts); a test holds that against the compiler's own offsets.
import { type Pointer, plus } from './address.ts';
import type { Arena, LinearMemory } from './memory.ts';

const FIELD_BYTES = 4;

/** A struct of any type. */
export interface AnyLayout {
  readonly name: string;
  /** Bytes of one struct; those of an array lie one behind the other. */
  readonly bytes: number;
}

/** How a struct of type T lies in memory, with the code that the build wrote for it: no loop over names is as fast. */
export interface StructLayout<T> extends AnyLayout {
  /** Writes a struct to `at`, in values of four bytes, of two views of the same memory. */
  write(words: Uint32Array, floats: Float32Array, at: number, value: T): void;
  read(words: Uint32Array, floats: Float32Array, at: number): T;
}

/**
 * Copies a struct into linear memory; returns its address.
 * @example
 * const memory = new LinearMemory();
 * const choice = putStruct(memory, layout.Choice, { items: NOWHERE, only: -1, without: 2 });
 * readStructs(memory, layout.Choice, choice, 1); // → [{ items: 0, only: -1, without: 2 }]
 */
export function putStruct<T>(arena: Arena, layout: StructLayout<T>, value: T, job?: string): Pointer<T> {
  return putStructs(arena, layout, [value], job);
}

/**
 * Copies structs into linear memory as an array; returns the address of the first.
 * @example
 * const memory = new LinearMemory();
 * const choice = { items: NOWHERE, only: -1, without: 2 };
 * const first = putStructs(memory, layout.Choice, [choice, { ...choice, without: 3 }]);
 * readStructs(memory, layout.Choice, first, 2)[1]; // → { items: 0, only: -1, without: 3 }
 */
export function putStructs<T>(arena: Arena, layout: StructLayout<T>, values: readonly T[], job?: string): Pointer<T> {
  const first = allocateStructs(arena, layout, values.length, job);
  writeStructs(arena.owner, layout, first, values);
  return first;
}

/** Room for `count` structs, contents undefined. */
export function allocateStructs<T>(arena: Arena, layout: StructLayout<T>, count: number, job?: string): Pointer<T> {
  return arena.allocate(layout.bytes * count, job) as Pointer<T>;
}

/** The address of number `index` of an array of structs. */
export function structAt<T>(layout: StructLayout<T>, first: Pointer<T>, index: number): Pointer<T> {
  return plus(first, layout.bytes * index) as Pointer<T>;
}

/** Overwrites the struct at an address. */
export function writeStruct<T>(memory: LinearMemory, layout: StructLayout<T>, address: Pointer<T>, value: T): void {
  writeStructs(memory, layout, address, [value]);
}

/** Overwrites the structs from an address on. */
export function writeStructs<T>(
  memory: LinearMemory,
  layout: StructLayout<T>,
  first: Pointer<T>,
  values: readonly T[],
): void {
  const size = layout.bytes / FIELD_BYTES;
  const words = memory.u32(first, size * values.length);
  const floats = memory.f32(first, size * values.length);
  for (let i = 0; i < values.length; i++) layout.write(words, floats, size * i, values[i]);
}

/**
 * Copies of `count` structs from an address on.
 * @example
 * const memory = new LinearMemory();
 * const choice = putStruct(memory, layout.Choice, { items: NOWHERE, only: -1, without: 2 });
 * readStructs(memory, layout.Choice, choice, 1); // → [{ items: 0, only: -1, without: 2 }]
 */
export function readStructs<T>(memory: LinearMemory, layout: StructLayout<T>, first: Pointer<T>, count: number): T[] {
  const size = layout.bytes / FIELD_BYTES;
  const words = memory.u32(first, size * count);
  const floats = memory.f32(first, size * count);
  return Array.from({ length: count }, (_, i) => layout.read(words, floats, size * i));
}
