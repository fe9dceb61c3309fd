// Singular vectors, compared with plain f64: inner products of rows, what is dropped where the rank is lower, and the
// same bytes on any number of threads.
import { beforeAll, describe, expect, it } from 'vitest';
import { singularVectors } from '../../src/embedding/singular-vectors.ts';
import { choleskyFactor, inverseOfTransposed } from '../../src/embedding/small-cholesky.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import { stageContext } from '../../src/engine/stage.ts';
import type { Kernels } from '../../src/engine/types.ts';
import type { SparsePattern } from '../../src/matrix/sparse.ts';
import { nodeWorkers } from '../../src/node/threads.ts';
import { startThreads } from '../../src/threads/pool.ts';
import { pattern } from '../support/small-model.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

let kernels: Kernels;
beforeAll(async () => {
  kernels = await instantiateKernels(embeddedKernels);
});

function random(n: number, users: number): SparsePattern {
  const numbers = new SplitMix(100 * n + users);
  const rows = Array.from({ length: users }, () =>
    Array.from({ length: n }, (_, i) => i).filter(() => numbers.next() < 0.2),
  );
  return pattern(rows, n);
}

/** cos of the rows of V diag(σ), from YᵀY = V diag(σ²) Vᵀ. */
function cosines({ rows, cols, indptr, indices }: SparsePattern): Float64Array {
  const counts = new Float64Array(cols);
  for (const item of indices) counts[item]++;
  const M = new Float64Array(cols * cols);
  for (let u = 0; u < rows; u++) {
    const row = indices.subarray(indptr[u], indptr[u + 1]);
    for (const i of row) for (const j of row) M[i * cols + j] += 1 / (row.length * Math.sqrt(counts[i] * counts[j]));
  }
  return M.map((value, at) => {
    const [i, j] = [Math.floor(at / cols), at % cols];
    const lengths = Math.sqrt(M[i * cols + i] * M[j * cols + j]);
    return lengths > 0 ? value / lengths : 0;
  });
}

const products = (vectors: Float32Array, n: number, d: number) =>
  Float64Array.from({ length: n * n }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += vectors[Math.floor(at / n) * d + k] * vectors[(at % n) * d + k];
    return sum;
  });

describe('singular vectors', () => {
  it('have the cosines of all singular vectors where d is the number of items or more', async () => {
    for (const [n, users, d] of [
      [1, 3, 16],
      [3, 5, 16],
      [15, 40, 16],
      [16, 4, 16],
      [17, 0, 32],
      [65, 300, 80],
    ]) {
      const X = random(n, users);
      const used = kernels.memory.used;
      const vectors = await singularVectors(stageContext(kernels, 'test'), X, { dim: d, seed: 1 });
      expect(kernels.memory.used).toBe(used);
      const found = products(vectors, n, d);
      for (const [at, value] of cosines(X).entries()) expect(Math.abs(found[at] - value)).toBeLessThan(2e-3);
    }
  });

  it('are the groups of items that are bought together, where there are as many as d', async () => {
    const numbers = new SplitMix(1);
    const rows = Array.from({ length: 800 }, (_, u) =>
      Array.from({ length: 5 }, (_, i) => 16 * i + (u % 16)).filter(() => numbers.next() < 0.7),
    );
    const X = pattern(rows, 80);
    const vectors = await singularVectors(stageContext(kernels, 'test'), X, { dim: 16, seed: 1, rounds: 12 });
    const found = products(vectors, 80, 16);
    for (const [at, value] of found.entries())
      expect(Math.abs(value - (Math.floor(at / 80) % 16 === (at % 80) % 16 ? 1 : 0))).toBeLessThan(1e-2);
  });

  it('are the same bytes on 1, 2 and 3 threads, and zero for an item without users', async () => {
    const X = { ...random(60, 200), cols: 61 };
    const of = (k: Kernels) => singularVectors(stageContext(k, 'test'), X, { dim: 32, seed: 3 });
    const one = await of(kernels);
    expect(one.subarray(60 * 32)).toEqual(new Float32Array(32));
    expect(one.subarray(0, 60 * 32).every(Number.isFinite)).toBe(true);
    expect(await singularVectors(stageContext(kernels, 'test'), X, { dim: 32, seed: 4 })).not.toEqual(one);
    for (const threads of [2, 3]) {
      const several = await startThreads({ workers: nodeWorkers, threads });
      expect(await of(several)).toEqual(one);
      await several.close();
    }
  });

  it('refuse a length that is none', async () => {
    const of = (dim: number) => singularVectors(stageContext(kernels, 'test'), random(5, 5), { dim, seed: 1 });
    await expect(of(0)).rejects.toThrow('dim: found 0, expected an integer from 16 to 4096');
  });
});

describe('small factors', () => {
  const d = 5;
  const numbers = new SplitMix(2);
  // rank 3 in 5 columns: the last two are sums of the others
  const rows = Array.from({ length: 40 }, () => {
    const [a, b, c] = [numbers.next(), numbers.next(), numbers.next()];
    return [a, b, c, a + b, b - c];
  });
  const A = Float32Array.from({ length: d * d }, (_, at) =>
    rows.reduce((sum, row) => sum + row[Math.floor(at / d)] * row[at % d], 0),
  );

  it('L Lᵀ is A, with columns of zeros where the rank is lower', async () => {
    const L = await choleskyFactor(A, d, async () => {});
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++) {
        let sum = 0;
        for (let k = 0; k < d; k++) sum += L[i * d + k] * L[j * d + k];
        expect(sum).toBeCloseTo(A[i * d + j], 3);
      }
    expect(Array.from({ length: d }, (_, k) => L[k * d + k] > 0)).toEqual([true, true, true, false, false]);
  });

  it('L⁻ᵀ undoes Lᵀ, but for what was dropped', async () => {
    const L = await choleskyFactor(A, d, async () => {});
    const inverse = await inverseOfTransposed(L, d, async () => {});
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) {
        let sum = 0;
        for (let k = 0; k < 3; k++) sum += L[k * d + i] * inverse[k * d + j];
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 4);
      }
    for (let i = 0; i < d; i++) for (const j of [3, 4]) expect(inverse[i * d + j]).toBe(0);
  });
});
