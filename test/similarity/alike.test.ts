// The order that puts items next to each other that are bought together.
import { expect, test } from 'vitest';
import { Job } from '../../src/common/job.ts';
import { stageContext } from '../../src/engine/stage.ts';
import { AbortedError } from '../../src/index.ts';
import type { SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { alikeOrder, GROUP, tailStart, usersByGroup } from '../../src/similarity/alike.ts';
import { LENGTHS, randomPattern, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const CORE = 16;
const orderOf = (X: SparsePattern, job = new Job()) =>
  alikeOrder(stageContext(kernels, 'ease', job), X, transpose(kernels, X), CORE);

test.each(LENGTHS.map((n) => n + CORE))('every item once, the core as it was: %i items', async (n) => {
  const order = await orderOf(randomPattern(3 * n, n, 4, n));
  const all = Array.from({ length: n }, (_, i) => i);
  expect([...order.subarray(0, CORE)]).toEqual(all.slice(0, CORE));
  expect([...order].sort((a, b) => a - b)).toEqual(all);
});

test('two kinds of items that nobody mixes become two groups', async () => {
  const n = CORE + 2 * GROUP;
  // a user has neighbours among the even items, or among the odd ones
  const rows = Array.from({ length: n - CORE }, (_, u) =>
    [u, u + 2, u + 4].map((i) => CORE + (i < n - CORE ? i : u % 2)).sort((a, b) => a - b),
  );
  const X: SparsePattern = {
    rows: rows.length,
    cols: n,
    indptr: Int32Array.from({ length: rows.length + 1 }, (_, u) => 3 * u),
    indices: Int32Array.from(rows.flat()),
  };
  const order = await orderOf(X);
  expect(new Set([...order.subarray(CORE, CORE + GROUP)].map((i) => i % 2))).toEqual(new Set([0]));
  expect(new Set([...order.subarray(CORE + GROUP)].map((i) => i % 2))).toEqual(new Set([1]));
});

test('users stand by the group that they have most of', () => {
  const rows = [[CORE, CORE + GROUP, CORE + GROUP + 1], [0, CORE + 3, CORE + GROUP], [1, 2], []];
  const indptr = Int32Array.from([0, 3, 6, 8, 8]);
  const X: SparsePattern = { rows: 4, cols: CORE + 2 * GROUP, indptr, indices: Int32Array.from(rows.flat()) };
  expect([...usersByGroup(X, CORE)]).toEqual([2, 3, 1, 0]);
  expect(rows.map((_, user) => tailStart(X, user, CORE) - indptr[user])).toEqual([0, 1, 2, 0]);
});

test('it can be stopped', async () => {
  await expect(orderOf(randomPattern(300, 400, 4, 1), new Job({ signal: AbortSignal.abort() }))).rejects.toBeInstanceOf(
    AbortedError,
  );
});
