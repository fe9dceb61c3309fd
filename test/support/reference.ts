// Plain f64 references and the counter-based generator in BigInt, for the kernel tests.
import { readFileSync } from 'node:fs';
import { bindKernels } from '../../src/engine/bind.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';

const wasm = new Uint8Array(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
export const kernels = () => bindKernels(wasm);
export const rawKernels = () => instantiateKernels(wasm);

/** Lengths at which every kernel is compared with its reference. */
export const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 65];

const MASK = (1n << 64n) - 1n;
const GAMMA = 0x9e3779b97f4a7c15n;
function mix64(x: bigint): bigint {
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return x ^ (x >> 31n);
}
export function stream(seed: number, stage: number, index: number): bigint {
  return mix64((mix64((BigInt(seed) << 32n) | BigInt(stage)) + (BigInt(index) + 1n) * GAMMA) & MASK);
}
export function draw(key: bigint, counter: number): bigint {
  return mix64((key + (BigInt(counter) + 1n) * GAMMA) & MASK);
}
export function below(bits: bigint, n: number): number {
  return Number(((bits >> 32n) * BigInt(n)) >> 32n);
}
export function unit(bits: bigint): number {
  return Number((bits & 0xffffffffn) >> 8n) / 2 ** 24;
}

/** Seeded numbers in [−1, 1) that need no kernel. */
export function randoms(n: number, seed: number): Float32Array {
  const key = stream(seed, 99, 0);
  return Float32Array.from({ length: n }, (_, i) => unit(draw(key, i)) * 2 - 1);
}

/** A seeded sparse pattern with about `perRow` columns a row, strictly increasing. */
export function randomPattern(rows: number, cols: number, perRow: number, seed: number) {
  const lists = Array.from({ length: rows }, (_, r) => {
    const key = stream(seed, 98, r);
    const set = new Set<number>();
    if (cols > 0) for (let k = 0; k < perRow; k++) set.add(below(draw(key, k), cols));
    return [...set].sort((a, b) => a - b);
  });
  const indptr = new Int32Array(rows + 1);
  for (let r = 0; r < rows; r++) indptr[r + 1] = indptr[r] + lists[r].length;
  return { rows, cols, indptr, indices: Int32Array.from(lists.flat()) };
}

export const dotOf = (a: ArrayLike<number>, aAt: number, b: ArrayLike<number>, bAt: number, d: number) => {
  let sum = 0;
  for (let c = 0; c < d; c++) sum += a[aAt + c] * b[bAt + c];
  return sum;
};

/** Largest |a − b| over max(1, largest |b|). */
export function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let scale = 1;
  for (let i = 0; i < b.length; i++) {
    scale = Math.max(scale, Math.abs(b[i]));
    const now = Math.abs(a[i] - b[i]);
    if (!(now <= difference)) difference = now;
  }
  return difference / scale;
}

/** Central differences of a loss over every element of `x` (f64). */
export function differences(loss: () => number, x: Float64Array, step = 1e-5): Float64Array {
  return x.map((value, i) => {
    x[i] = value + step;
    const up = loss();
    x[i] = value - step;
    const down = loss();
    x[i] = value;
    return (up - down) / (2 * step);
  });
}
