// The arrays that a network learns, one behind the other: tables of embeddings, then dense layers. A file holds them as
// they lie here.
import type { Address } from '../../engine/address.ts';
import { plus } from '../../engine/address.ts';
import type { Arena } from '../../engine/memory.ts';
import { STREAM } from '../../engine/streams.ts';
import type { Kernels } from '../../engine/types.ts';

/** What an array starts from: uniform in ±x (columns beyond `columns` zero), or one value, or these. */
export type Initial = { uniform: number; columns?: number } | { constant: number } | { values: readonly number[] };

/** An array of a network, rows × cols of f32. */
export interface ArraySpec {
  readonly name: string;
  readonly rows: number;
  readonly cols: number;
  readonly initial: Initial;
}

/** A table of embeddings, a row for each user or item of all markets; cols is a multiple of 16. */
export interface TableSpec extends ArraySpec {
  readonly of: 'user' | 'item';
}

/** Every array starts at a multiple of this number of values; what lies between is zero and stays so. */
const ALIGN = 16;
const padded = (values: number) => Math.ceil(values / ALIGN) * ALIGN;

/** Values of these arrays with their padding, a double. */
export function valuesIn(arrays: readonly ArraySpec[]): number {
  return arrays.reduce((sum, { rows, cols }) => sum + padded(rows * cols), 0);
}

/** The layers that are not frozen, as ranges of values after the first layer's start. */
export function learningRanges(
  layers: readonly ArraySpec[],
  frozen: ReadonlySet<string>,
): [from: number, to: number][] {
  const found: [number, number][] = [[0, 0]];
  let at = 0;
  for (const layer of layers) {
    const next = at + valuesIn([layer]);
    if (frozen.has(layer.name)) found.push([next, next]);
    else found.at(-1)![1] = next;
    at = next;
  }
  return found;
}

/** Arrays in linear memory, by name. */
export class Parameters {
  readonly size: number;
  /** The first value of all. */
  readonly at: Address;
  private readonly offsets = new Map<string, number>();

  /** @throws MemoryError if they do not fit. */
  constructor(
    readonly arrays: readonly ArraySpec[],
    arena: Arena,
  ) {
    this.size = valuesIn(arrays);
    let offset = 0;
    for (const { name, rows, cols } of arrays) {
      this.offsets.set(name, offset);
      offset += padded(rows * cols);
    }
    this.at = arena.allocateZeroed(4 * this.size, 'the parameters of the network');
  }

  /** Where an array starts, in values after the first of all. */
  offset(name: string): number {
    return this.offsets.get(name)!;
  }

  address(name: string): Address {
    return plus(this.at, 4 * this.offset(name));
  }

  /** Fills each array with what it starts from. @param only the names of those to fill; all by default */
  initialise({ exports, memory }: Kernels, seed: number, only?: readonly string[]): void {
    for (const [index, { name, rows, cols, initial }] of this.arrays.entries()) {
      if (only && !only.includes(name)) continue;
      const at = this.address(name);
      const values = rows * cols;
      if ('uniform' in initial) {
        exports.fillUniform(at, values, initial.uniform, seed, STREAM.networkParameters, index);
        const { columns = cols } = initial;
        if (columns < cols)
          for (let row = 0; row < rows; row++) memory.f32(plus(at, 4 * (row * cols + columns)), cols - columns).fill(0);
      } else if ('constant' in initial) memory.f32(at, values).fill(initial.constant);
      else memory.f32(at, values).set(initial.values);
    }
  }
}

/** Uniform numbers of this deviation, in place of normal ones. */
export const deviation = (s: number) => ({ uniform: Math.sqrt(3) * s });

/** Glorot and Bengio (2010): ±√(6 / (in + out)). */
export const glorot = (rows: number, cols: number) => ({ uniform: Math.sqrt(6 / (rows + cols)) });

/** A dense layer: the weights (rows × cols), and a bias of zeros. */
export function layer(name: string, rows: number, cols: number, initial: Initial = glorot(rows, cols)): ArraySpec[] {
  return [
    { name: `${name}.weight`, rows, cols, initial },
    { name: `${name}.bias`, rows: 1, cols, initial: { constant: 0 } },
  ];
}

/** A layer of one output: ±√(3 / in). */
export const logit = (name: string, rows: number): ArraySpec[] =>
  layer(name, rows, 1, { uniform: Math.sqrt(3 / rows) });
