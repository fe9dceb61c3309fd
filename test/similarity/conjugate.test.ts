// EASE without an inverse: an exact core and conjugate gradients over the tail, compared with the f64 inverse of G + λI.
import { expect, test } from 'vitest';
import { Job } from '../../src/common/job.ts';
import { stageContext } from '../../src/engine/stage.ts';
import {
  AbortedError,
  ArgumentError,
  assembleGenerated,
  encodeModel,
  generateMarkets,
  MemoryError,
  train,
} from '../../src/index.ts';
import type { SparseMatrix, SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { mergeInteractions } from '../../src/models/interactions.ts';
import { nodeWorkers } from '../../src/node/files.ts';
import { CORE, type ConjugateOptions, conjugateBytes, conjugateEase } from '../../src/similarity/conjugate.ts';
import { startPool } from '../../src/threads/pool.ts';
import { LENGTHS, randomPattern, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const LAMBDA = 10;
const solve = (X: SparsePattern, options: Partial<ConjugateOptions> = {}, job = new Job()) =>
  conjugateEase(stageContext(kernels, 'ease', job), X, transpose(kernels, X), {
    lambda: LAMBDA,
    epsilon: 0.01,
    ...options,
  });

/** Rows of users by their items. */
function patternOf(cols: number, rows: number[][]): SparsePattern {
  const indptr = new Int32Array(rows.length + 1);
  for (const [u, items] of rows.entries()) indptr[u + 1] = indptr[u] + items.length;
  return { rows: rows.length, cols, indptr, indices: Int32Array.from(rows.flat()) };
}

const wholeCatalogue = (n: number) => Array.from({ length: n }, (_, i) => i);
const realistic = mergeInteractions(
  assembleGenerated(generateMarkets({ seed: 3, users: 700, items: 330, interactions: 6000 })),
);

const shapes: [string, SparsePattern][] = [
  ...LENGTHS.map((n): [string, SparsePattern] => [`n = ${n}`, randomPattern(2 * n, n, 3, n)]),
  ['no users', patternOf(40, [])],
  ['items of nobody', { ...randomPattern(50, 60, 4, 1), cols: 90 }],
  ['a user with all items', patternOf(70, [wholeCatalogue(70), [3, 5], [5, 69], [], [0]])],
  [
    'everybody has everything',
    patternOf(
      50,
      Array.from({ length: 30 }, () => wholeCatalogue(50)),
    ),
  ],
  [
    'each user one item',
    patternOf(
      45,
      Array.from({ length: 90 }, (_, u) => [u % 45]),
    ),
  ],
  ['realistic', realistic],
];

/** B̂ by Gauss and Jordan, f64, every entry. */
function reference(X: SparsePattern): Float64Array {
  const n = X.cols;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * (n + 1)] = LAMBDA;
  for (let u = 0; u < X.rows; u++) {
    const items = X.indices.subarray(X.indptr[u], X.indptr[u + 1]);
    for (const i of items) for (const j of items) a[i * n + j]++;
  }
  for (let k = 0; k < n; k++) {
    const pivot = 1 / a[k * n + k];
    for (let i = 0; i < n; i++) {
      const factor = a[i * n + k] * pivot;
      if (i === k || factor === 0) continue;
      for (let j = 0; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
      a[i * n + k] = -factor;
    }
    for (let j = 0; j < n; j++) a[k * n + j] *= pivot;
    a[k * n + k] = pivot;
  }
  const diagonal = wholeCatalogue(n).map((j) => a[j * (n + 1)]);
  return a.map((value, at) => (at % (n + 1) === 0 ? 0 : -value / diagonal[at % n]));
}

function dense({ rows: n, indptr, indices, values }: SparseMatrix): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let e = indptr[i]; e < indptr[i + 1]; e++) out[i * n + indices[e]] = values[e];
  return out;
}

/** The largest difference of an entry; NaN where one is. */
const furthest = (found: Float64Array, expected: Float64Array) =>
  expected.reduce((most, value, at) => Math.max(most, Math.abs(found[at] - value)), 0);

/** f32 and a solution to 1e-6: found 8e-5 where everybody has everything (the tail is all but what the core says), elsewhere below 1e-5. */
const ROUNDING = 1e-4;

test.each(shapes)(
  'to the last bits, every entry is that of the f64 inverse, with a core of 16, 48, 272 or all: %s',
  async (_, X) => {
    const expected = reference(X);
    for (const core of [16, 48, 272, CORE]) {
      const used = kernels.memory.used;
      const { similarity, core: solved, residual } = await solve(X, { core, epsilon: -1e9, tolerance: 1e-6 });
      expect(kernels.memory.used).toBe(used);
      expect(solved).toBe(Math.min(core, X.cols));
      expect(similarity.indptr[X.cols]).toBe(X.cols * Math.max(0, X.cols - 1));
      expect(furthest(dense(similarity), expected), `core ${core}`).toBeLessThanOrEqual(ROUNDING);
      expect(residual).toBeLessThanOrEqual(ROUNDING);
    }
  },
);

test('a tail of more rows than one task takes', async () => {
  const X = randomPattern(1500, 1090, 4, 2);
  const { similarity } = await solve(X, { core: 16, epsilon: -1e9, tolerance: 1e-5 });
  expect(furthest(dense(similarity), reference(X))).toBeLessThanOrEqual(ROUNDING);
});

test.each([1e-2, 1e-3])(
  'entries are off by about the tolerance of %f, and what is reported says so',
  async (tolerance) => {
    const expected = reference(realistic);
    const { similarity, residual, steps } = await solve(realistic, { core: 32, epsilon: -1e9, tolerance });
    const off = furthest(dense(similarity), expected);
    // not more exact than was asked for: else it would not have been the tolerance that ended it
    expect(off).toBeGreaterThan(tolerance / 20);
    expect(off).toBeLessThan(5 * tolerance);
    expect(residual).toBeGreaterThan(off / 5);
    expect(residual).toBeLessThan(5 * tolerance);
    expect(steps).toBeGreaterThan(1);
  },
);

test('of the 50 nearest neighbours, 99 of 100 are the exact ones, by rows and by columns', async () => {
  const n = realistic.cols;
  const expected = reference(realistic).map((value) => (value >= 0.01 ? value : 0));
  const found = dense((await solve(realistic, { core: 32 })).similarity);
  for (const [line, step] of [
    [n, 1],
    [1, n],
  ]) {
    let shared = 0;
    let all = 0;
    for (let i = 0; i < n; i++) {
      const top = (b: Float64Array) => {
        const value = (j: number) => b[i * line + j * step];
        return wholeCatalogue(n)
          .filter((j) => value(j) > 0)
          .sort((p, q) => value(q) - value(p) || p - q)
          .slice(0, 50);
      };
      const nearest = new Set(top(found));
      const exact = top(expected);
      all += exact.length;
      shared += exact.filter((j) => nearest.has(j)).length;
    }
    expect(shared / all).toBeGreaterThan(0.99);
  }
});

test('it takes the memory that it asks for before its first column', async () => {
  const { rows, cols, indices } = realistic;
  const used = kernels.memory.used;
  kernels.memory.resetPeak();
  await solve(realistic, { core: 64 });
  // a few blocks under way, and what is read from them
  expect(kernels.memory.peak - used).toBeLessThan(
    conjugateBytes(cols, rows, indices.length, 64) + 8 * 4 * 64 * (cols + 80) + 24 * cols * 16 * 8,
  );
  expect(conjugateBytes(100_000, 500_000, 10_000_000)).toBeLessThan(1.1e9);
});

test('items of the tail that single precision cannot tell apart', async () => {
  const twins = patternOf(
    20,
    Array.from({ length: 1600 }, (_, u) => (u % 20 === 0 ? [u % 16, 17, 18] : [u % 16])),
  );
  const used = kernels.memory.used;
  await expect(solve(twins, { lambda: 1e-6, core: 16 })).rejects.toThrow(
    /^gram: G \+ λI is not positive definite \(the pivot at item 18 is not positive\); a larger λ may help$/,
  );
  expect(kernels.memory.used).toBe(used);
});

test('wrong options, too much to hold and a signal', async () => {
  await expect(solve(realistic, { lambda: 0 })).rejects.toBeInstanceOf(ArgumentError);
  await expect(solve(realistic, { epsilon: Number.NaN })).rejects.toBeInstanceOf(ArgumentError);
  const large: SparsePattern = { rows: 1, cols: 30_000_000, indptr: new Int32Array(2), indices: new Int32Array(0) };
  await expect(
    conjugateEase(
      stageContext(kernels, 'ease'),
      large,
      { rows: 30_000_000, cols: 1, indptr: new Int32Array(0), indices: new Int32Array(0) },
      { lambda: 1, epsilon: 0.01 },
    ),
  ).rejects.toBeInstanceOf(MemoryError);
  const controller = new AbortController();
  const onProgress = ({ stage, done }: { stage: string; done: number }) =>
    stage === 'ease: columns' && done > 0 && controller.abort();
  const used = kernels.memory.used;
  await expect(solve(realistic, {}, new Job({ onProgress, signal: controller.signal }))).rejects.toBeInstanceOf(
    AbortedError,
  );
  expect(kernels.memory.used).toBe(used);
});

test('the same bits on 1, 2 and 3 threads', async () => {
  const one = await solve(realistic, { core: 64 });
  for (const threads of [2, 3]) {
    const { pool, ...shared } = await startPool(nodeWorkers, threads);
    try {
      const several = await conjugateEase(
        stageContext({ ...shared, pool }, 'ease'),
        realistic,
        transpose(shared, realistic),
        { lambda: LAMBDA, epsilon: 0.01, core: 64 },
      );
      expect(several, `${threads} threads`).toEqual(one);
    } finally {
      await pool.close();
    }
  }
});

const markets = assembleGenerated(generateMarkets({ seed: 5, users: 900, items: 700, interactions: 9000 }));

test('a training says which way it took and why', async () => {
  const notes: string[] = [];
  const details: string[] = [];
  const model = await train(markets, {
    model: 'ease',
    easeSolver: 'iterative',
    onNote: (note) => notes.push(note),
    onStage: ({ detail }) => details.push(detail),
  });
  expect(notes).toEqual(['similarity of all markets: by conjugate gradients, as asked']);
  expect(details).toEqual([
    expect.stringMatching(
      /^700 items, [\d,]+ entries; conjugate gradients beside an exact core of 700 \(as asked\): 0\.0 steps a column of the tail, entries off by about \d\.\de-\d$/,
    ),
  ]);
  expect(model.training.options).toMatchObject({ easeSolver: 'iterative' });
  expect(model.training.stages).toEqual([
    {
      stage: 'similarity of all markets',
      items: 700,
      entries: model.training.stages![0].entries,
      core: 700,
      residual: expect.any(Number),
    },
  ]);
});

test('exact as before where nothing else is asked for: the same file, and the stage says so', async () => {
  const small = assembleGenerated(generateMarkets({ seed: 5, users: 400, items: 240, interactions: 4000 }));
  const details: string[] = [];
  const onStage = ({ detail }: { detail: string }) => void details.push(detail);
  const left = await train(small, { model: 'ease', onStage });
  const auto = await train(small, { model: 'ease', easeSolver: 'auto', onStage });
  const exact = await train(small, { model: 'ease', easeSolver: 'exact', onStage });
  expect(Buffer.compare(encodeModel(auto), encodeModel(left))).toBe(0);
  expect(left.training.options).not.toHaveProperty('easeSolver');
  expect(exact.markets).toEqual(left.markets);
  const way =
    /^240 items, [\d,]+ entries; exact, (dense|sparse elimination: 0\.\d\d of the dense way's operations) \(no more than 20,000 items\)$/;
  expect(details[0]).toMatch(way);
  expect(details[1]).toBe(details[0]);
  expect(details[2]).toMatch(/ \(as asked\)$/);
});

test('an updatable model is exact, and cannot be asked for otherwise', async () => {
  await expect(train(markets, { model: 'ease', easeSolver: 'iterative', updatable: true })).rejects.toThrow(
    /^easeSolver: found "iterative", expected exact or auto for an updatable model/,
  );
  await expect(train(markets, { easeSolver: 'quick' as never })).rejects.toThrow(
    /^easeSolver: found "quick", expected auto, exact, iterative$/,
  );
});

test.each([
  [20_000, false, []],
  [
    20_001,
    false,
    ['similarity of all markets: by conjugate gradients, 20,001 items are over the 20,000 that are solved exactly'],
  ],
  [20_001, true, []],
])('of %i items, updatable: %s', async (items, updatable, expected) => {
  const indices = Int32Array.from({ length: items }, (_, i) => i);
  const interactions: SparsePattern = {
    rows: items,
    cols: items,
    indptr: Int32Array.from({ length: items + 1 }, (_, u) => u),
    indices,
  };
  const names = Array.from(indices, (i) => String(i).padStart(5, '0'));
  const many = { items: names, markets: [{ name: 'one', users: names, items: indices, interactions, heldOut: {} }] };
  const notes: string[] = [];
  const stages: string[] = [];
  const controller = new AbortController();
  const onProgress = ({ stage }: { stage: string }) => {
    stages.push(stage);
    controller.abort();
  };
  // what it starts with says enough
  await expect(
    train(many, {
      model: 'ease',
      updatable,
      signal: controller.signal,
      onProgress,
      onNote: (note) => notes.push(note),
    }),
  ).rejects.toBeInstanceOf(AbortedError);
  expect(notes).toEqual(expected);
  expect(stages).toEqual([
    expected.length > 0 ? 'similarity of all markets: groups' : 'similarity of all markets: order',
  ]);
});
