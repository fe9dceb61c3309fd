// Kinds that score by similarities of items: answers worked by hand on three users, and f64 references on random data.
import { expect, test } from 'vitest';
import { stageContext } from '../../src/engine/stage.ts';
import { type Market, type MarketModel, type Markets, train } from '../../src/index.ts';
import { gram } from '../../src/matrix/gram.ts';
import { pruneColumns } from '../../src/matrix/prune.ts';
import type { SparseMatrix, SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { nodeWorkers } from '../../src/node/threads.ts';
import { slim } from '../../src/similarity/slim.ts';
import { walkScores } from '../../src/similarity/walk-scores.ts';
import { startThreads } from '../../src/threads/pool.ts';
import type { TrainOptions } from '../../src/train/options.ts';
import { LENGTHS, randomPattern, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();

/** u1 has a and b, u2 all three, u3 c. */
const TOY: SparsePattern = {
  rows: 3,
  cols: 3,
  indptr: Int32Array.of(0, 2, 5, 6),
  indices: Int32Array.of(0, 1, 0, 1, 2, 2),
};
const marketOf = (name: string, interactions: SparsePattern): Market => ({
  name,
  users: Array.from({ length: interactions.rows }, (_, u) => `u${u}`),
  items: Int32Array.from({ length: interactions.cols }, (_, i) => i),
  interactions,
  heldOut: {},
});
const toy: Markets = { items: ['a', 'b', 'c'], markets: [marketOf('de', TOY)] };

/** An entry of a matrix; 0 where it has none. */
function at({ indptr, indices, values }: SparseMatrix, row: number, column: number): number {
  for (let e = indptr[row]; e < indptr[row + 1]; e++) if (indices[e] === column) return values[e];
  return 0;
}
const S = async (options: TrainOptions): Promise<SparseMatrix> => (await train(toy, options)).markets[0].linear!;
const place = (item: string) => 'abc'.indexOf(item);

/** SLIM ends when a sweep moves no weight by more than 10⁻⁴; EDLAE's figures are those of λ = 0, and λ here is 0.001. */
const TOLERANCES: Record<string, number> = { slim: 2e-4, edlae: 5e-4 };

test.each<[string, TrainOptions, Record<string, number>]>([
  ['cosine', { model: 'itemknn', shrinkage: 0 }, { ab: 1, ac: 1 / 2, ca: 1 / 2 }],
  ['cosine, shrunk by 2', { model: 'itemknn', shrinkage: 2 }, { ab: 1 / 2, ac: 1 / 4 }],
  ['Jaccard', { model: 'itemknn', measure: 'jaccard', shrinkage: 0 }, { ab: 1, ac: 1 / 3, cb: 1 / 3 }],
  ['Jaccard, shrunk by 1', { model: 'itemknn', measure: 'jaccard', shrinkage: 1 }, { ab: 2 / 3, ac: 1 / 4 }],
  ['P3α', { model: 'p3alpha', alpha: 1 }, { ab: 5 / 12, ac: 1 / 6 }],
  ['RP3β', { model: 'rp3beta', alpha: 1, beta: 1 }, { ab: 5 / 24, ac: 1 / 12 }],
  ['a step of a walk', { model: 'randomwalk', steps: 1 }, { ab: 2 / 3, ac: 1 / 3, ca: 1 / 2 }],
  ['two steps of a walk', { model: 'randomwalk', steps: 2, damping: 0.5 }, { ab: 2 / 3 + 1 / 12, ac: 1 / 3 + 1 / 9 }],
  ['no second step', { model: 'randomwalk', steps: 2, damping: 0 }, { ab: 2 / 3, ac: 1 / 3 }],
  ['SLIM on the boundary', { model: 'slim', ridge: 1, lasso: 0.5 }, { ab: 1 / 2, cb: 0 }],
  ['SLIM', { model: 'slim', ridge: 1, lasso: 0.25 }, { ab: 9 / 16, cb: 1 / 16 }],
  [
    'SLIM without λ₁ where all weights are positive, as EASE',
    { model: 'slim', ridge: 1, lasso: 0 },
    { ab: 5 / 8, cb: 1 / 8 },
  ],
  ['EDLAE', { model: 'edlae', dropout: 0.5, lambdaF: 0.001, epsilon: 0 }, { ab: 7 / 15, ac: 1 / 6, ca: 2 / 15 }],
  [
    'EDLAE without dropout, as EASE',
    { model: 'edlae', dropout: 0, lambdaF: 1, epsilon: 0 },
    { ab: 5 / 8, ac: 1 / 5, ca: 1 / 8 },
  ],
])('%s on three users', async (_, options, expected) => {
  const found = await S(options);
  for (const [pair, value] of Object.entries(expected))
    expect(Math.abs(at(found, place(pair[0]), place(pair[1])) - value), pair).toBeLessThan(
      TOLERANCES[options.model!] ?? 1e-6,
    );
  for (const item of [0, 1, 2]) expect(at(found, item, item)).toBe(0);
});

test('EDLAE without dropout is exact EASE to the bit', async () => {
  const X = randomPattern(300, 60, 6, 3);
  const data = { items: Array.from({ length: 60 }, (_, i) => `i${i + 100}`), markets: [marketOf('de', X)] };
  const linear = async (options: TrainOptions) => (await train(data, options)).markets[0].linear;
  expect(await linear({ model: 'edlae', dropout: 0, lambdaF: 10 })).toEqual(
    await linear({ model: 'ease', easeSolver: 'exact', lambdaF: 10 }),
  );
});

/** G in f64. */
function plainGram({ rows, cols: n, indptr, indices }: SparsePattern): Float64Array {
  const g = new Float64Array(n * n);
  for (let u = 0; u < rows; u++)
    for (const i of indices.subarray(indptr[u], indptr[u + 1]))
      for (const j of indices.subarray(indptr[u], indptr[u + 1])) g[i * n + j]++;
  return g;
}

test.each([
  [1, 0.5],
  [2, 0.5],
  [3, 0.8],
])('walks of %d steps against f64', async (steps, damping) => {
  for (const n of [...LENGTHS, 150]) {
    const X = randomPattern(3 * n, n, Math.min(n, 3), n + 1);
    const g = plainGram(X);
    const P = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      g[i * n + i] = 0;
      const sum = g.subarray(i * n, (i + 1) * n).reduce((total, value) => total + value, 0);
      for (let j = 0; j < n; j++) P[i * n + j] = sum > 0 ? g[i * n + j] / sum : 0;
    }
    let power = P;
    const total = P.slice();
    for (let t = 2, factor = damping; t <= steps; t++, factor *= damping) {
      const next = new Float64Array(n * n);
      for (let i = 0; i < n; i++)
        for (let k = 0; k < n; k++)
          if (power[i * n + k] !== 0) for (let j = 0; j < n; j++) next[i * n + j] += power[i * n + k] * P[k * n + j];
      power = next;
      for (let e = 0; e < n * n; e++) total[e] += factor * next[e];
    }
    const used = kernels.memory.used;
    const options = { steps, damping, most: n };
    const found = await walkScores(stageContext(kernels, 'walks'), X, transpose(kernels, X), options);
    expect(kernels.memory.used).toBe(used);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        expect(Math.abs(at(found, i, j) - (i === j ? 0 : total[i * n + j]))).toBeLessThan(1e-6);
    const few = await walkScores(stageContext(kernels, 'walks'), X, transpose(kernels, X), { ...options, most: 2 });
    for (let i = 0; i < n; i++) {
      const row = [...found.values.subarray(found.indptr[i], found.indptr[i + 1])].sort((a, b) => b - a).slice(0, 2);
      const kept = [...few.values.subarray(few.indptr[i], few.indptr[i + 1])].sort((a, b) => b - a);
      expect(kept).toEqual(row);
    }
  }
});

test('SLIM fulfils the optimality conditions of every column', async () => {
  for (const n of [...LENGTHS, 200]) {
    const [lasso, ridge] = [0.3, 2];
    const X = randomPattern(4 * n, n, Math.min(n, 5), n + 2);
    const g = plainGram(X);
    const G = gram(kernels, X);
    const W = await slim(stageContext(kernels, 'slim'), G, { lasso, ridge });
    const w = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let e = W.indptr[i]; e < W.indptr[i + 1]; e++) w[i * n + W.indices[e]] = W.values[e];
    for (let j = 0; j < n; j++) {
      expect(w[j * n + j]).toBe(0);
      for (let i = 0; i < n; i++) {
        if (i === j) continue;
        let slope = lasso + ridge * w[i * n + j] - g[i * n + j];
        for (let k = 0; k < n; k++) slope += g[i * n + k] * w[k * n + j];
        // a weight may be off by 10⁻⁴ times what its sweep moves the others by
        const bound = 2e-3 * (g[i * n + i] + ridge);
        if (w[i * n + j] > 0) expect(Math.abs(slope)).toBeLessThan(bound);
        else expect(slope).toBeGreaterThan(-bound);
      }
    }
  }
});

test.each<[string, TrainOptions]>([
  ['ItemKNN', { model: 'itemknn', neighbours: 7 }],
  ['P3α', { model: 'p3alpha', alpha: 0.7 }],
  ['walks', { model: 'randomwalk', steps: 3, reach: 50 }],
  ['SLIM', { model: 'slim', ridge: 3, lasso: 0.2 }],
  ['EDLAE', { model: 'edlae' }],
])('%s of each market alone is that of the market trained alone', async (_, options) => {
  const [one, two] = [randomPattern(200, 90, 6, 1), randomPattern(150, 90, 4, 2)];
  const items = Array.from({ length: 90 }, (_, i) => `i${i + 100}`);
  const together = await train(
    { items, markets: [marketOf('a', one), marketOf('b', two)] },
    { ...options, scope: 'market' },
  );
  for (const [m, X] of [one, two].entries()) {
    const alone = await train({ items, markets: [marketOf('x', X)] }, options);
    expect(together.markets[m].linear).toEqual(alone.markets[0].linear);
  }
});

test('of each column the largest are kept, and of equal ones those of lower items', async () => {
  const matrix: SparseMatrix = {
    rows: 4,
    cols: 2,
    indptr: Int32Array.of(0, 2, 4, 6, 8),
    indices: Int32Array.of(0, 1, 0, 1, 0, 1, 0, 1),
    values: Float32Array.of(1, 4, 3, 4, 2, 4, 3, 1),
  };
  const kept = pruneColumns(kernels, matrix, 2);
  expect([...kept.indptr]).toEqual([0, 1, 3, 3, 4]);
  expect([...kept.indices]).toEqual([1, 0, 1, 0]);
  const { linear } = (await train(toy, { model: 'itemknn', neighbours: 1 })).markets[0];
  expect([...linear!.indices].sort()).toEqual([0, 1, 2]);
});

test('what no similarity speaks for comes by popularity, and never before what one does', async () => {
  const { linear, bias } = (await train(toy, { model: 'p3alpha', alpha: 10 })).markets[0] as MarketModel & {
    linear: SparseMatrix;
    bias: Float32Array;
  };
  const least = Math.min(...linear.values);
  expect(Math.max(...bias)).toBeLessThanOrEqual(least);
  expect(bias.every((value) => value > 0)).toBe(true);
});

test('SLIM and walks are the same on two threads', async () => {
  const X = randomPattern(900, 700, 6, 1);
  const threaded = await startThreads({ workers: nodeWorkers, threads: 2 });
  const G = gram(kernels, X);
  const both = await Promise.all(
    [kernels, threaded].map(async (on) => [
      await slim(stageContext(on, 'slim'), G, { lasso: 0.5, ridge: 5 }),
      await walkScores(stageContext(on, 'walks'), X, transpose(kernels, X), { steps: 2, damping: 0.5, most: 40 }),
    ]),
  );
  await threaded.close();
  expect(both[1]).toEqual(both[0]);
});
