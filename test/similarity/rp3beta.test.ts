// RP3β against f64 over whole matrices, and the same bytes on two threads.
import { expect, test } from 'vitest';
import { Job } from '../../src/common/job.ts';
import { stageContext } from '../../src/engine/stage.ts';
import type { Kernels } from '../../src/engine/types.ts';
import type { SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { nodeWorkers } from '../../src/node/threads.ts';
import { rp3beta } from '../../src/similarity/rp3beta.ts';
import { startThreads } from '../../src/threads/pool.ts';
import { LENGTHS, randomPattern, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
/** One rounding to f32, and values as close to the threshold as that may fall on either side of it. */
const ROUNDING = 1e-7;

const walk = (on: Kernels, X: SparsePattern, beta: number, threshold: number) =>
  rp3beta(stageContext(on, 'walk scores', new Job()), X, transpose(on, X), { beta, threshold });

/** W in f64, n × n, below the threshold too. */
function plain({ rows, cols: n, indptr, indices }: SparsePattern, beta: number): Float64Array {
  const degrees = new Float64Array(n);
  for (const item of indices) degrees[item]++;
  const w = new Float64Array(n * n);
  for (let u = 0; u < rows; u++) {
    const items = indices.subarray(indptr[u], indptr[u + 1]);
    for (const i of items)
      for (const j of items) if (i !== j) w[i * n + j] += 1 / (degrees[i] * items.length * degrees[j] ** beta);
  }
  return w;
}

test.each([
  [0.6, 3e-4],
  [0.6, 0.02],
  [0, 0],
  [-0.5, 0.1],
])('β = %d, entries ≥ %d', async (beta, threshold) => {
  for (const n of [...LENGTHS, 200]) {
    const X = randomPattern(2 * n, n, Math.min(n, 5), n);
    const used = kernels.memory.used;
    const { indptr, indices, values } = await walk(kernels, X, beta, threshold);
    expect(kernels.memory.used).toBe(used);
    const expected = plain(X, beta);
    const found = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let e = indptr[i]; e < indptr[i + 1]; e++) {
        if (e > indptr[i]) expect(indices[e]).toBeGreaterThan(indices[e - 1]);
        expect(values[e]).toBeGreaterThanOrEqual(Math.fround(threshold));
        found[i * n + indices[e]] = values[e];
      }
    for (const [at, value] of expected.entries()) {
      if (found[at] === 0) expect(value).toBeLessThanOrEqual(threshold * (1 + ROUNDING));
      else expect(Math.abs(found[at] - value)).toBeLessThanOrEqual(ROUNDING * value);
    }
  }
});

test('is the same on two threads', async () => {
  const X = randomPattern(900, 700, 6, 1);
  const one = await walk(kernels, X, 0.6, 3e-4);
  const threads = await startThreads({ workers: nodeWorkers, threads: 2 });
  const two = await walk(threads, X, 0.6, 3e-4);
  await threads.close();
  expect(two).toEqual(one);
  expect(one.values.length).toBeGreaterThan(700);
});
