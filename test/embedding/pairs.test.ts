// BPR and LightGCN: gradients against finite differences, the graph's known vectors, and what negatives are.
import { expect, test } from 'vitest';
import { learnedFoldIn } from '../../src/embedding/learned-fold-in.ts';
import { PairBatches } from '../../src/embedding/pair-batches.ts';
import { PairTables } from '../../src/embedding/pair-tables.ts';
import { learnPairs } from '../../src/embedding/pairs.ts';
import type { Address } from '../../src/engine/address.ts';
import { stageContext } from '../../src/engine/stage.ts';
import { runTask } from '../../src/engine/tasks.ts';
import type { SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { nodeWorkers } from '../../src/node/threads.ts';
import { startThreads } from '../../src/threads/pool.ts';
import { dotOf, LENGTHS, randomPattern, randoms, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const { exports, memory } = kernels;

/** Two markets of 5 users over 6 items; the second sells but the last three. */
const X = randomPattern(10, 6, 3, 4);
for (let u = 5; u < 10; u++)
  for (let e = X.indptr[u]; e < X.indptr[u + 1]; e++) X.indices[e] = Math.max(3, X.indices[e]);
const data = (() => {
  // the clipping above may have made duplicates
  const rows = Array.from({ length: 10 }, (_, u) => [...new Set(X.indices.subarray(X.indptr[u], X.indptr[u + 1]))]);
  const indptr = new Int32Array(11);
  for (const [u, row] of rows.entries()) indptr[u + 1] = indptr[u] + row.length;
  const pattern: SparsePattern = { rows: 10, cols: 6, indptr, indices: Int32Array.from(rows.flat()) };
  return {
    X: pattern,
    transposed: transpose(kernels, pattern),
    markets: [
      { users: 5, items: Int32Array.of(0, 1, 2, 3, 4, 5) },
      { users: 5, items: Int32Array.of(3, 4, 5) },
    ],
  };
})();
const d = 16;
const rows = 16;

/** Ã E of dense f64 tables. */
function step(E: Float64Array): Float64Array {
  const { X, transposed } = data;
  const out = new Float64Array(E.length);
  const degree = ({ indptr }: SparsePattern, r: number) => indptr[r + 1] - indptr[r];
  for (let u = 0; u < 10; u++)
    for (const i of X.indices.subarray(X.indptr[u], X.indptr[u + 1])) {
      const w = 1 / Math.sqrt(degree(X, u) * degree(transposed, i));
      for (let k = 0; k < d; k++) {
        out[u * d + k] += w * E[(10 + i) * d + k];
        out[(10 + i) * d + k] += w * E[u * d + k];
      }
    }
  return out;
}

function mean(E: Float64Array, depth: number): Float64Array {
  const sum = E.slice();
  for (let l = 1, last = E; l <= depth; l++) {
    last = step(last);
    for (let e = 0; e < sum.length; e++) sum[e] += last[e];
  }
  return sum.map((value) => value / (depth + 1));
}

test.each([
  [0, false],
  [0, true],
  [1, false],
  [3, false],
])('gradients at depth %d, biased %s, against differences', async (depth, biased) => {
  const mark = memory.mark();
  const [negatives, decay] = [3, 0.7];
  const options = { dim: d, depth, biased, dropout: 0, loss: 'pairs' as const, decay, seed: 3, negatives, batch: 8 };
  const tables = new PairTables(kernels, data.X, data.transposed, options);
  const batches = new PairBatches(kernels, data.X, data.markets, tables.vectors, options);
  for (const task of tables.forward()) runTask(exports, task);
  batches.shuffle(0);
  const { tasks, batch } = batches.score(0);
  for (const task of tasks) runTask(exports, task);
  const found = batches.loss(tasks.length);
  const drawn = memory.i32(batch.rows, batch.size * (negatives + 2)).slice();
  const calls = tables.step(batch, 0.1)[0];
  const adam = calls.findIndex(([name]) => name === 'adam');
  const [, , parameters, gradient] = calls[adam] as ['adam', number, Address, Address, ...unknown[]];
  const E = Float64Array.from(memory.f32(parameters, rows * d));
  runTask(exports, calls.slice(0, adam));
  const g = memory.f32(gradient, rows * d).slice();
  memory.release(mark);

  // every negative is sold in the market, and no item of the user
  for (let b = 0; b < batch.size; b++) {
    const [user, item, ...others] = drawn.subarray(b * 5, b * 5 + 5);
    const had = data.X.indices.subarray(data.X.indptr[user], data.X.indptr[user + 1]);
    expect(had).toContain(item - 10);
    const sold = data.markets[user < 5 ? 0 : 1].items;
    for (const other of others)
      if (had.length < sold.length) {
        expect(had).not.toContain(other - 10);
        expect(sold).toContain(other - 10);
      } else expect(other).toBe(item);
  }

  const loss = (E: Float64Array): { pairs: number; whole: number } => {
    const V = mean(E, depth);
    let pairs = 0;
    let lengths = 0;
    const square = (row: number) => {
      const last = biased && row < 10 ? d - 1 : d;
      return dotOf(E, row * d, E, row * d, last);
    };
    for (let b = 0; b < batch.size; b++) {
      const [user, item, ...others] = drawn.subarray(b * 5, b * 5 + 5);
      lengths += square(user) + square(item);
      for (const other of others) {
        lengths += square(other) / negatives;
        if (other === item) continue;
        pairs += Math.log1p(Math.exp(dotOf(V, user * d, V, other * d, d) - dotOf(V, user * d, V, item * d, d)));
      }
    }
    return { pairs, whole: pairs / (negatives * batch.size) + (decay / (2 * batch.size)) * lengths };
  };
  expect(Math.abs(found - loss(E).pairs)).toBeLessThan(1e-5 * found);
  const h = 1e-5;
  for (let e = 0; e < rows * d; e++) {
    const fixed = biased && e < 10 * d && e % d === d - 1;
    const [up, down] = [E.slice(), E.slice()];
    up[e] += h;
    down[e] -= h;
    const slope = fixed ? 0 : (loss(up).whole - loss(down).whole) / (2 * h);
    expect(Math.abs(g[e] - slope), `${e}`).toBeLessThan(2e-6 + 2e-4 * Math.abs(slope));
  }
});

test('√D stays what it is on the graph, whatever the depth', () => {
  const mark = memory.mark();
  const tables = new PairTables(kernels, data.X, data.transposed, {
    dim: d,
    depth: 3,
    dropout: 0,
    loss: 'pairs' as const,
    biased: false,
    decay: 0,
    seed: 1,
  });
  const [, ...forward] = [tables.forward()[0]].flat();
  const last = forward.at(-1)! as unknown as [
    'propagateOnto',
    number,
    number,
    Address,
    Address,
    Address,
    Address,
    Address,
  ];
  const parameters = memory.f32(last[7], rows * d);
  const degree = (r: number) =>
    r < 10 ? data.X.indptr[r + 1] - data.X.indptr[r] : data.transposed.indptr[r - 9] - data.transposed.indptr[r - 10];
  for (let r = 0; r < rows; r++) for (let k = 0; k < d; k++) parameters[r * d + k] = Math.sqrt(degree(r)) * (k + 1);
  for (const task of tables.forward()) runTask(exports, task);
  const vectors = memory.f32(tables.vectors, rows * d);
  for (let r = 0; r < rows; r++)
    for (let k = 0; k < d; k++) expect(vectors[r * d + k]).toBeCloseTo(Math.sqrt(degree(r)) * (k + 1), 4);
  memory.release(mark);
});

test('one user and one item meet in the middle after one step', async () => {
  const one: SparsePattern = { rows: 1, cols: 1, indptr: Int32Array.of(0, 1), indices: Int32Array.of(0) };
  const input = { X: one, transposed: transpose(kernels, one), markets: [{ users: 1, items: Int32Array.of(0) }] };
  const options = {
    dim: d,
    epochs: 0,
    depth: 1,
    dropout: 0,
    loss: 'pairs' as const,
    biased: false,
    decay: 0,
    negatives: 2,
    batch: 4,
    learningRate: 0.1,
    seed: 1,
  };
  const start = await learnPairs(stageContext(kernels, 'pairs'), input, { ...options, depth: 0 });
  const { users, items, below } = await learnPairs(stageContext(kernels, 'pairs'), input, options);
  for (let k = 0; k < d; k++) {
    expect(users[k]).toBeCloseTo((start.users[k] + start.items[k]) / 2, 6);
    expect(items[k]).toBe(users[k]);
    expect(below![k]).toBeCloseTo(start.items[k] / 2, 6);
  }
  // the user has all that is sold: nothing is drawn, and nothing learned from it
  const after = await learnPairs(stageContext(kernels, 'pairs'), input, { ...options, depth: 0, epochs: 3 });
  expect(after.users).toEqual(start.users);
  expect(after.loss).toBe(0);
});

test('is the same on two threads, gives its memory back, and learns', async () => {
  const big = randomPattern(200, 80, 6, 9);
  const input = {
    X: big,
    transposed: transpose(kernels, big),
    markets: [
      { users: 150, items: Int32Array.from({ length: 80 }, (_, i) => i) },
      { users: 50, items: Int32Array.from({ length: 80 }, (_, i) => i) },
    ],
  };
  const options = {
    dim: 32,
    epochs: 4,
    depth: 2,
    dropout: 0,
    loss: 'pairs' as const,
    biased: false,
    decay: 1e-3,
    negatives: 4,
    batch: 300,
    learningRate: 0.02,
    seed: 1,
  };
  const used = memory.used;
  const alone = await learnPairs(stageContext(kernels, 'pairs'), input, options);
  expect(memory.used).toBe(used);
  const threaded = await startThreads({ workers: nodeWorkers, threads: 2 });
  expect(await learnPairs(stageContext(threaded, 'pairs'), input, options)).toEqual(alone);
  await threaded.close();
  const first = await learnPairs(stageContext(kernels, 'pairs'), input, { ...options, epochs: 1 });
  expect(alone.loss).toBeLessThan(first.loss);
  expect(first.loss).toBeLessThan(0.75);
});

test('the learned fold-in comes nearest to the users’ vectors', () => {
  for (const n of LENGTHS.filter((length) => length > 3)) {
    const X = randomPattern(3 * n, n, 3, n);
    const users = randoms(3 * n * d, 7);
    const items = randoms(n * d, 8);
    const P = learnedFoldIn(kernels, X, users, items, d);
    // of P = V M the error is least: a small change of M in any direction does not lower error + ridge
    const z = new Float64Array(3 * n * d);
    const p = new Float64Array(3 * n * d);
    for (let u = 0; u < 3 * n; u++) {
      const row = X.indices.subarray(X.indptr[u], X.indptr[u + 1]);
      for (const i of row)
        for (let k = 0; k < d; k++) {
          z[u * d + k] += items[i * d + k] / row.length;
          p[u * d + k] += P[i * d + k] / row.length;
        }
    }
    if (n < 2 * d) continue;
    // residuals are orthogonal to Z but for the ridge
    const scale = Math.sqrt(3 * n);
    for (let a = 0; a < d; a++)
      for (let b = 0; b < d; b++) {
        let product = 0;
        for (let u = 0; u < 3 * n; u++) product += z[u * d + a] * (users[u * d + b] - p[u * d + b]);
        expect(Math.abs(product)).toBeLessThan(0.02 * scale);
      }
  }
});
