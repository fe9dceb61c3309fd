import { beforeAll, describe, expect, it } from 'vitest';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import type { Kernels } from '../../src/engine/types.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { nodeWorkers } from '../../src/node/threads.ts';
import { jaccard } from '../../src/similarity/jaccard.ts';
import { startThreads } from '../../src/threads/pool.ts';
import { pattern, sparse } from '../support/small-model.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

let kernels: Kernels;
beforeAll(async () => {
  kernels = await instantiateKernels(embeddedKernels);
});

function random(n: number, users: number) {
  const numbers = new SplitMix(100 * n + users);
  const rows = Array.from({ length: users }, () =>
    Array.from({ length: n }, (_, i) => i).filter(() => numbers.next() < 0.2),
  );
  const at = sparse(
    Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i !== j && numbers.next() < 0.4 ? 1 : 0))),
    n,
  );
  return { rows, X: pattern(rows, n), at };
}

describe('jaccard', () => {
  it('agrees with doubles at every number of items and users', async () => {
    for (const n of [0, 1, 3, 4, 5, 15, 16, 17, 65, 400])
      for (const users of n === 400 ? [300] : [0, 1, 5, 40]) {
        const { rows, X, at } = random(n, users);
        const used = kernels.memory.used;
        const found = await jaccard(kernels, X, transpose(kernels, X), at, 10);
        expect(kernels.memory.used).toBe(used);
        const having = (...items: number[]) => rows.filter((row) => items.every((item) => row.includes(item))).length;
        const expected: number[] = [];
        for (let i = 0; i < n; i++)
          for (let e = at.indptr[i]; e < at.indptr[i + 1]; e++) {
            const j = at.indices[e];
            const both = having(i, j);
            expected.push(Math.fround(both / (having(i) + having(j) - both + 10)));
          }
        expect(Array.from(found)).toEqual(expected);
      }
  });

  it('is the same on two threads, and says how far it is', async () => {
    const { X, at } = random(900, 700);
    const one = await jaccard(kernels, X, transpose(kernels, X), at, 3);
    const threads = await startThreads({ workers: nodeWorkers, threads: 2 });
    const told: number[][] = [];
    const two = await jaccard(threads, X, transpose(threads, X), at, 3, async (...each) => {
      told.push(each);
    });
    await threads.close();
    expect(two).toEqual(one);
    expect(told).toEqual([[4, 4]]);
    await expect(jaccard(kernels, X, transpose(kernels, X), at, -1)).rejects.toThrow('shrinkage: found -1');
  });
});
