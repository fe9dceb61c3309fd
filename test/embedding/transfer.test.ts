// Bi-TGCF's graph and transfer: known answers, gradients against differences, and dropout of edges and of messages.
import { expect, test } from 'vitest';
import { PairBatches, type PairMarket } from '../../src/embedding/pair-batches.ts';
import { PairTables, type Transfer } from '../../src/embedding/pair-tables.ts';
import { learnPairs } from '../../src/embedding/pairs.ts';
import type { Address } from '../../src/engine/address.ts';
import { stageContext } from '../../src/engine/stage.ts';
import { runTask } from '../../src/engine/tasks.ts';
import { encodeModel, type Market, type Markets, train } from '../../src/index.ts';
import type { SparseMatrix, SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { blocksOf, transferOf } from '../../src/models/bitgcf/transfer.ts';
import { dotOf, randoms, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const { exports, memory } = kernels;
const d = 16;

const patternOf = (rows: number[][], cols: number): SparsePattern => {
  const indptr = new Int32Array(rows.length + 1);
  for (const [u, row] of rows.entries()) indptr[u + 1] = indptr[u] + row.length;
  return { rows: rows.length, cols, indptr, indices: Int32Array.from(rows.flat()) };
};
const marketOf = (name: string, items: number[], rows: number[][]): Market => ({
  name,
  users: rows.map((_, u) => `${u}`),
  items: Int32Array.from(items),
  interactions: patternOf(rows, items.length),
  heldOut: {},
});

/** Items b and c are in both markets, b with 3 and 1 users, c with 1 and 2. */
const data: Markets = {
  items: ['a', 'b', 'c', 'd'],
  markets: [
    marketOf('one', [0, 1, 2], [[0, 1], [1], [1, 2]]),
    marketOf(
      'two',
      [1, 2, 3],
      [
        [0, 1],
        [1, 2],
      ],
    ),
  ],
};
const USERS = 5;
const ROWS = USERS + 6;

/** M x of a dense f64 table. */
function times({ rows, indptr, indices, values }: SparseMatrix, x: Float64Array, cols = d): Float64Array {
  const out = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++)
    for (let e = indptr[r]; e < indptr[r + 1]; e++)
      for (let k = 0; k < cols; k++) out[r * cols + k] += values[e] * x[indices[e] * cols + k];
  return out;
}

test('the transfer of two rows with 3 and 1 users is the one worked out by hand', () => {
  const T = transferOf(data, 0.8);
  const f = new Float64Array(ROWS);
  f[USERS + 1] = 4; // b of market one; that of market two is row USERS + 3
  const e = times(T, f, 1);
  expect(e[USERS + 1]).toBeCloseTo(3.1, 6);
  expect(e[USERS + 3]).toBeCloseTo(1.9, 6);
  // what all rows agree on stays, whoever they are
  for (const value of times(T, new Float64Array(ROWS).fill(2.5), 1)) expect(value).toBeCloseTo(2.5, 6);
  // an item that nobody has in training is not divided by 0
  const empty = transferOf({ items: ['a'], markets: [marketOf('one', [0], [[]]), marketOf('two', [0], [[]])] }, 0.8);
  expect([...empty.values]).toEqual([1, 1, 0.65, 0.35, 0.35, 0.65].map(Math.fround));
});

test('⟨T f, g⟩ = ⟨f, Tᵀ g⟩', () => {
  const T = transferOf(data, 0.6);
  const [f, g] = [3, 4].map((seed) => Float64Array.from(randoms(ROWS * d, seed)));
  expect(dotOf(times(T, f), 0, g, 0, ROWS * d)).toBeCloseTo(
    dotOf(f, 0, times(transpose(kernels, T), g), 0, ROWS * d),
    4,
  );
});

/** The input of the stage, as the kind makes it. */
function inputOf(markets: Markets, own: number) {
  const X = blocksOf(markets);
  const there = transferOf(markets, own);
  let start = 0;
  return {
    X,
    transposed: transpose(kernels, X),
    markets: markets.markets.map(({ interactions, items }): PairMarket => {
      const first = start;
      start += items.length;
      return { users: interactions.rows, items: Int32Array.from(items, (_, i) => first + i) };
    }),
    transfer: { there, back: transpose(kernels, there) } as Transfer,
  };
}

/** Ã of a graph of users and rows of items, as values by row and column. */
function adjacency({ X, transposed }: { X: SparsePattern; transposed: SparsePattern }): number[][] {
  const rows = X.rows + X.cols;
  const A = Array.from({ length: rows }, () => new Array<number>(rows).fill(0));
  const degree = ({ indptr }: SparsePattern, r: number) => indptr[r + 1] - indptr[r];
  for (let u = 0; u < X.rows; u++)
    for (const i of X.indices.subarray(X.indptr[u], X.indptr[u + 1])) {
      const w = 1 / Math.sqrt(degree(X, u) * degree(transposed, i));
      A[u][X.rows + i] = w;
      A[X.rows + i][u] = w;
    }
  return A;
}

const product = (A: number[][], x: Float64Array) => {
  const out = new Float64Array(x.length);
  for (const [r, row] of A.entries())
    for (const [c, w] of row.entries()) for (let k = 0; w !== 0 && k < d; k++) out[r * d + k] += w * x[c * d + k];
  return out;
};

/** What one step has drawn and computed. */
interface Drawn {
  pairs: Int32Array;
  E: Float64Array;
  gradient: Float32Array;
  loss: number;
  /** Messages or edges that the kernels have hidden, from their addresses. */
  masks: Float32Array[];
  size: number;
}

const NEGATIVES = 2;
const DECAY = 0.3;

/** One step in linear memory up to Adam. */
function stepOf(
  input: ReturnType<typeof inputOf>,
  depth: number,
  dropout: number,
  loss: 'pairs' | 'cross-entropy',
  edges = false,
): Drawn {
  const mark = memory.mark();
  const options = {
    dim: d,
    depth,
    biased: false,
    dropout,
    decay: DECAY,
    loss,
    seed: 3,
    negatives: NEGATIVES,
    batch: 6,
  };
  const tables = new PairTables(kernels, input.X, input.transposed, options, edges ? undefined : input.transfer);
  const batches = new PairBatches(kernels, input.X, input.markets, tables.vectors, options);
  const masks: Float32Array[] = [];
  const first = dropout > 0 ? tables.drop(5) : [tables.forward()];
  for (const [name, ...args] of first.flat(2)) {
    (exports as unknown as Record<string, (...args: unknown[]) => unknown>)[name](...args);
    if (name === 'addDropped') {
      const n = (args[0] as number) * 16;
      const [x, out] = [args[2], args[4]].map((at) => memory.f32(at as Address, n));
      masks.push(Float32Array.from(out, (value, i) => (x[i] === 0 ? 1 / (1 - dropout) : value / x[i])));
    }
    if (name === 'dropEdges') {
      const n = args[1] as number;
      const [x, out] = [args[3], args[4]].map((at) => memory.f32(at as Address, n));
      masks.push(Float32Array.from(out, (value, i) => value / x[i]));
    }
  }
  batches.shuffle(0);
  const { tasks, batch } = batches.score(0);
  for (const task of tasks) runTask(exports, task);
  const found = batches.loss(tasks.length);
  const pairs = memory.i32(batch.rows, batch.size * (NEGATIVES + 2)).slice();
  const calls = tables.step(batch, 0.1)[0];
  const adam = calls.findIndex(([name]) => name === 'adam');
  const [, , parameters, at] = calls[adam] as ['adam', number, Address, Address, ...unknown[]];
  const E = Float64Array.from(memory.f32(parameters, ROWS * d));
  runTask(exports, calls.slice(0, adam));
  const gradient = memory.f32(at, ROWS * d).slice();
  memory.release(mark);
  return { pairs, E, gradient, loss: found, masks, size: batch.size };
}

/** The loss of a batch in f64, from vectors. */
function lossOf({ pairs, size }: Drawn, E: Float64Array, V: Float64Array, loss: 'pairs' | 'cross-entropy') {
  const softplus = (x: number) => Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
  let sum = 0;
  let lengths = 0;
  for (let b = 0; b < size; b++) {
    const [user, item, ...others] = pairs.subarray(b * (NEGATIVES + 2), (b + 1) * (NEGATIVES + 2));
    const score = (row: number) => dotOf(V, user * d, V, row * d, d);
    const square = (row: number) => dotOf(E, row * d, E, row * d, d);
    lengths += square(user) + square(item) + others.reduce((all, row) => all + square(row) / NEGATIVES, 0);
    if (others.some((row) => row === item)) continue;
    if (loss === 'cross-entropy') sum += softplus(-score(item));
    for (const row of others) sum += softplus(score(row) - (loss === 'pairs' ? score(item) : 0));
  }
  const counted = size * (loss === 'pairs' ? NEGATIVES : NEGATIVES + 1);
  return { sum, whole: sum / counted + (DECAY / (2 * size)) * lengths };
}

test.each([
  [1, 0, 'cross-entropy'],
  [3, 0, 'cross-entropy'],
  [3, 0, 'pairs'],
  [2, 0.4, 'cross-entropy'],
  [3, 0.4, 'pairs'],
] as const)('gradients at depth %d with dropout %d, %s, against differences', (depth, dropout, kind) => {
  const input = inputOf(data, 0.8);
  const drawn = stepOf(input, depth, dropout, kind);
  expect(drawn.masks).toHaveLength(dropout > 0 ? depth : 0);
  const A = adjacency(input);
  const vectors = (E: Float64Array) => {
    const sum = E.slice();
    let e = E;
    for (let l = 0; l < depth; l++) {
      const f = product(A, e);
      if (dropout > 0) for (const [i, factor] of drawn.masks[l].entries()) f[i] *= factor;
      e = times(input.transfer.there, f);
      for (const [i, value] of e.entries()) sum[i] += value;
    }
    return sum.map((value) => value / (depth + 1));
  };
  const at = (E: Float64Array) => lossOf(drawn, E, vectors(E), kind);
  expect(Math.abs(drawn.loss - at(drawn.E).sum)).toBeLessThan(1e-5 * drawn.loss);
  const h = 1e-5;
  for (let e = 0; e < ROWS * d; e++) {
    const [up, down] = [drawn.E.slice(), drawn.E.slice()];
    up[e] += h;
    down[e] -= h;
    const slope = (at(up).whole - at(down).whole) / (2 * h);
    expect(Math.abs(drawn.gradient[e] - slope), `${e}`).toBeLessThan(2e-6 + 2e-4 * Math.abs(slope));
  }
});

test('LightGCN with hidden edges: both directions of an interaction share their fate, and gradients are right', () => {
  const input = inputOf(data, 0.8);
  const drawn = stepOf(input, 3, 0.4, 'pairs', true);
  const entries = input.X.indices.length;
  const [mask] = drawn.masks;
  expect(mask).toHaveLength(2 * entries);
  expect(new Set(mask)).toEqual(
    new Set([0, Math.fround(1 / Math.fround(1 - Math.fround(0.4)))].map((x) => expect.closeTo(x, 5))),
  );
  // the same factor in the row of the user and in that of the item
  const factors = new Map<string, number>();
  for (let u = 0, e = 0; u < input.X.rows; u++)
    for (; e < input.X.indptr[u + 1]; e++) factors.set(`${u} ${input.X.indices[e]}`, mask[e]);
  for (let i = 0; i < input.X.cols; i++)
    for (let e = input.transposed.indptr[i]; e < input.transposed.indptr[i + 1]; e++)
      expect(mask[entries + e]).toBe(factors.get(`${input.transposed.indices[e]} ${i}`));
  const A = adjacency(input);
  for (const [key, factor] of factors) {
    const [u, i] = key.split(' ').map(Number);
    A[u][input.X.rows + i] *= factor;
    A[input.X.rows + i][u] *= factor;
  }
  const vectors = (E: Float64Array) => {
    const sum = E.slice();
    for (let l = 0, e = E; l < 3; l++) {
      e = product(A, e);
      for (const [i, value] of e.entries()) sum[i] += value;
    }
    return sum.map((value) => value / 4);
  };
  const at = (E: Float64Array) => lossOf(drawn, E, vectors(E), 'pairs');
  expect(Math.abs(drawn.loss - at(drawn.E).sum)).toBeLessThan(1e-5 * drawn.loss);
  for (let e = 0; e < ROWS * d; e += 3) {
    const [up, down] = [drawn.E.slice(), drawn.E.slice()];
    up[e] += 1e-5;
    down[e] -= 1e-5;
    const slope = (at(up).whole - at(down).whole) / 2e-5;
    expect(Math.abs(drawn.gradient[e] - slope), `${e}`).toBeLessThan(2e-6 + 2e-4 * Math.abs(slope));
  }
});

test('with one market it is LightGCN, to the bit', async () => {
  const one: Markets = { items: data.items.slice(0, 3), markets: [data.markets[0]] };
  const shared = { dim: d, batch: 4, epochs: 5, seed: 2, depth: 3, dropout: 0 };
  const bitgcf = await train(one, { model: 'bitgcf', loss: 'pairs', ...shared });
  const lightgcn = await train(one, { model: 'lightgcn', ...shared });
  expect(bitgcf.markets).toEqual(lightgcn.markets);
});

test('two markets that are alike, with tables that are alike: the transfer changes nothing', () => {
  const alike: Markets = {
    items: ['a', 'b', 'c'],
    markets: ['one', 'two'].map((name) => marketOf(name, [0, 1, 2], [[0, 1], [1, 2], [0]])),
  };
  const input = inputOf(alike, 0.8);
  const E = new Float64Array((6 + 6) * d);
  const half = randoms(3 * d, 5);
  for (const from of [0, 3, 6, 9]) E.set(half, from * d);
  const f = product(adjacency(input), E);
  for (const [i, value] of times(input.transfer.there, f).entries()) expect(value).toBeCloseTo(f[i], 6);
});

test('hides nothing in what it leaves: the vectors of a training are those of its whole graph', async () => {
  const input = inputOf(data, 0.8);
  const options = {
    dim: d,
    epochs: 0,
    depth: 2,
    biased: false,
    decay: 0,
    negatives: 2,
    batch: 4,
    loss: 'cross-entropy' as const,
    learningRate: 0.1,
    seed: 1,
  };
  const whole = await learnPairs(stageContext(kernels, 'pairs'), input, { ...options, dropout: 0 });
  expect(await learnPairs(stageContext(kernels, 'pairs'), input, { ...options, dropout: 0.5 })).toEqual(whole);
  const used = memory.used;
  const trained = await learnPairs(stageContext(kernels, 'pairs'), input, { ...options, dropout: 0.5, epochs: 30 });
  expect(memory.used).toBe(used);
  expect(trained.loss).toBeLessThan(0.6);
  for (const transfer of [undefined, input.transfer]) {
    const hidden = await learnPairs(
      stageContext(kernels, 'pairs'),
      { ...input, transfer },
      { ...options, dropout: 0.5, epochs: 2 },
    );
    const shown = await learnPairs(
      stageContext(kernels, 'pairs'),
      { ...input, transfer },
      { ...options, dropout: 0, epochs: 2 },
    );
    expect(hidden.users).not.toEqual(shown.users);
  }
});

test('the file of a model of Bi-TGCF with each of its losses can be written', async () => {
  for (const loss of ['pairs', 'cross-entropy'] as const)
    expect(encodeModel(await train(data, { model: 'bitgcf', dim: d, epochs: 1, loss })).length).toBeGreaterThan(0);
});
