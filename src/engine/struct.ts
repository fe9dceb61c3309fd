// Structs in linear memory: what kernels take by one address. Fields lie in order, four bytes each, as the build read them
// from the kernels' sources (kernel-layout.ts); a test holds that against the compiler's own offsets.
import { type Pointer, plus } from './address.ts';
import type { Arena, LinearMemory } from './memory.ts';

type FieldType = 'i32' | 'u32' | 'f32' | 'usize';

/** A struct of any type, as a table. */
export interface AnyLayout {
  readonly name: string;
  /** Bytes of one struct; those of an array lie one behind the other. */
  readonly bytes: number;
  /** In the order of memory. */
  readonly fields: readonly (readonly [name: string, type: FieldType])[];
}

/** How a struct of type T lies in memory. */
export interface StructLayout<T> extends AnyLayout {
  readonly fields: readonly (readonly [name: keyof T & string, type: FieldType])[];
}

/**
 * Copies a struct into linear memory; returns its address.
 * @example
 * const layout = { name: 'Point', bytes: 8, fields: [['x', 'f32'], ['y', 'f32']] };
 * const memory = new LinearMemory();
 * const address = putStruct(memory, layout, { x: 1, y: 2 });
 * readStructs(memory, layout, address, 1); // → [{ x: 1, y: 2 }]
 */
export function putStruct<T>(arena: Arena, layout: StructLayout<T>, value: T, job?: string): Pointer<T> {
  return putStructs(arena, layout, [value], job);
}

/**
 * Copies structs into linear memory as an array; returns the address of the first.
 * @example
 * const layout = { name: 'Point', bytes: 8, fields: [['x', 'f32'], ['y', 'f32']] };
 * const memory = new LinearMemory();
 * const first = putStructs(memory, layout, [{ x: 1, y: 2 }, { x: 3, y: 4 }]);
 * readStructs(memory, layout, first, 2)[1]; // → { x: 3, y: 4 }
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
  { fields }: StructLayout<T>,
  first: Pointer<T>,
  values: readonly T[],
): void {
  const words = memory.u32(first, fields.length * values.length);
  const floats = memory.f32(first, fields.length * values.length);
  let at = 0;
  for (const value of values) {
    for (const [name, type] of fields) {
      if (type === 'f32') floats[at++] = value[name] as number;
      else words[at++] = value[name] as number;
    }
  }
}

/**
 * Copies of `count` structs from an address on.
 * @example
 * const layout = { name: 'Point', bytes: 8, fields: [['x', 'f32'], ['y', 'f32']] };
 * const memory = new LinearMemory();
 * readStructs(memory, layout, putStruct(memory, layout, { x: 1, y: 2 }), 1); // → [{ x: 1, y: 2 }]
 */
export function readStructs<T>(
  memory: LinearMemory,
  { fields }: StructLayout<T>,
  first: Pointer<T>,
  count: number,
): T[] {
  const words = memory.u32(first, fields.length * count);
  const floats = memory.f32(first, fields.length * count);
  let at = 0;
  const read = (type: FieldType) => (type === 'f32' ? floats[at++] : type === 'i32' ? words[at++] | 0 : words[at++]);
  return Array.from({ length: count }, () => Object.fromEntries(fields.map(([name, type]) => [name, read(type)])) as T);
}
