import { instantiate as load } from '@assemblyscript/loader';
import { ArgumentError } from '../common/errors.ts';
import { type Address, NOWHERE, type Pointer } from './address.ts';
import { type Instantiate, instantiateKernels, instantiateModule } from './instantiate.ts';
import type { KernelExports } from './kernel-exports.ts';
import { STRUCT_ARGUMENTS, STRUCT_FIELDS } from './kernel-layout.ts';
import { LinearMemory } from './memory.ts';
import type { KernelSource } from './source.ts';
import { putStruct, type StructLayout } from './struct.ts';

type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** In place of an address an array, or 0 for none; in place of a struct its fields; numbers as they are. */
type Bound<P> =
  P extends Pointer<infer T>
    ? { readonly [field in keyof T]: Bound<T[field]> }
    : P extends Address
      ? TypedArray | 0
      : number | boolean;
/** The arguments of a kernel, by name. */
type BoundAll<P> = { [index in keyof P]: Bound<P[index]> };
/** The same with one text or more, each in place of an address and of the number of bytes after it. */
type WithText<P extends readonly unknown[]> = P extends readonly [infer First, infer Next, ...infer Rest]
  ?
      | [Bound<First>, ...WithText<[Next, ...Rest]>]
      | (First extends Address
          ? Next extends Address
            ? never
            : [string, ...(BoundAll<Rest> | WithText<Rest>)]
          : never)
  : never;
type BoundKernel<P extends readonly unknown[], Result> = {
  (...args: BoundAll<P>): Result;
  (...args: WithText<P>): Result;
};

/**
 * What the binder takes: numbers, typed arrays by address, texts as UTF-8 by address and byte length, structs by their
 * fields.
 */
export type KernelArgument = number | boolean | string | TypedArray | { readonly [field: string]: number | TypedArray };
/** The kernels by name, each typed by its own arguments. */
export type BoundKernels = {
  readonly [name in keyof KernelExports]: BoundKernel<Parameters<KernelExports[name]>, ReturnType<KernelExports[name]>>;
};

/**
 * Binds every exported kernel so that it can be called with typed arrays, without glue for each kernel. An array is
 * copied into linear memory and its address passed in its place; after the call the memory is copied back into the same
 * array, which is how outputs are returned. A struct is an object of its fields, arrays among them. A text is passed as
 * the address and byte length of its UTF-8. The memory is released before the call returns.
 *
 * The kernels themselves check nothing: arrays that are too short, or indices out of range, write over other memory of
 * the instance. Which kernels there are, and what they take, may change with a minor version.
 *
 * @param source the bytes of `m3rec/kernels.wasm`, or what else `init` takes.
 * @returns the kernels, on an instance and a memory of their own.
 * @throws ArgumentError for a source that is not the kernel module, and from a call for an argument of any other type.
 * @throws MemoryError from a call whose arrays do not fit.
 * @example
 * const kernels = await bindKernels(await readBytes('node_modules/m3rec/dist/kernels.wasm'));
 * const y = Float32Array.of(1, 2, 3, 4);
 * kernels.addInto(4, Float32Array.of(1, 1, 1, 1), y);
 * [...y]; // → [2, 3, 4, 5]
 */
export async function bindKernels(source: KernelSource): Promise<BoundKernels> {
  const { exports, memory } = await instantiateKernels(source, new LinearMemory(), loadModule);
  const bound: Record<string, (...args: KernelArgument[]) => number> = {};
  for (const [name, kernel] of Object.entries(exports)) {
    if (typeof kernel === 'function')
      bound[name] = (...args) => call(name, kernel as (...raw: number[]) => number, memory, args);
  }
  return bound as unknown as BoundKernels;
}

/** By AssemblyScript's loader, which takes modules of this realm only. */
const loadModule: Instantiate = (module, imports) =>
  module instanceof WebAssembly.Module
    ? load(module, { env: { memory: imports.env.memory as WebAssembly.Memory } })
    : instantiateModule(module, imports);

function call(
  name: string,
  kernel: (...raw: number[]) => number,
  memory: LinearMemory,
  args: KernelArgument[],
): number {
  const mark = memory.mark();
  try {
    const arrays: [Address, TypedArray][] = [];
    const put = (array: TypedArray) => {
      const address = memory.put(array);
      arrays.push([address, array]);
      return address;
    };
    const raw: number[] = [];
    for (const [i, argument] of args.entries()) {
      const layout = STRUCT_ARGUMENTS[name]?.[raw.length] as StructLayout<Record<string, number>> | undefined;
      const place = `${name}: argument ${i}`;
      if (layout) raw.push(argument === 0 ? NOWHERE : putFields(place, layout, argument, memory, put));
      else if (typeof argument === 'number') raw.push(argument);
      else if (typeof argument === 'boolean') raw.push(argument ? 1 : 0);
      else if (typeof argument === 'string') {
        const bytes = new TextEncoder().encode(argument);
        raw.push(memory.put(bytes), bytes.length);
      } else if (isTypedArray(argument)) raw.push(put(argument));
      else throw new ArgumentError(place, argument, 'a number, a string or a typed array');
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

/** A struct out of an object of its fields. */
function putFields(
  place: string,
  layout: StructLayout<Record<string, number>>,
  value: unknown,
  memory: LinearMemory,
  put: (array: TypedArray) => Address,
): Address {
  const names = STRUCT_FIELDS[layout.name];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value))
    throw new ArgumentError(place, value, `an object of ${names.join(', ')}`);
  const fields: Record<string, number> = {};
  for (const name of names) {
    const field = (value as Readonly<Record<string, unknown>>)[name];
    if (isTypedArray(field)) fields[name] = put(field);
    else if (typeof field === 'number') fields[name] = field;
    else throw new ArgumentError(`${place}.${name}`, field, 'a number or a typed array');
  }
  return putStruct(memory, layout, fields);
}

function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}
