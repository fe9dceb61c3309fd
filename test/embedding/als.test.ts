// iALS: the kernel against f64 solutions, the loss from half-step to half-step, and the fold-in of anyone.
import { expect, test } from 'vitest';
import { type AlsOptions, als, ridgeOf } from '../../src/embedding/als.ts';
import { NOWHERE } from '../../src/engine/address.ts';
import { Als } from '../../src/engine/kernel-layout.ts';
import { stageContext } from '../../src/engine/stage.ts';
import { putStruct } from '../../src/engine/struct.ts';
import { encodeModel, loadModel, train } from '../../src/index.ts';
import { inPanels } from '../../src/matrix/panels.ts';
import type { SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { dotOf, LENGTHS, randomPattern, randoms, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const { exports, memory } = kernels;

/** A x = b in f64, by elimination; A (d × d) is positive definite. */
function solve(A: Float64Array, b: Float64Array, d: number): Float64Array {
  const [a, x] = [A.slice(), b.slice()];
  for (let k = 0; k < d; k++)
    for (let r = k + 1; r < d; r++) {
      const factor = a[r * d + k] / a[k * d + k];
      for (let c = k; c < d; c++) a[r * d + c] -= factor * a[k * d + c];
      x[r] -= factor * x[k];
    }
  for (let r = d - 1; r >= 0; r--) {
    for (let c = r + 1; c < d; c++) x[r] -= a[r * d + c] * x[c];
    x[r] /= a[r * d + r];
  }
  return x;
}

/** (gram + ridge I + Σ h hᵀ) w = Σ h. */
function plain(
  table: Float32Array,
  stride: number,
  d: number,
  row: ArrayLike<number>,
  gram: Float32Array,
  ridge: number,
) {
  const A = Float64Array.from(gram);
  const b = new Float64Array(d);
  for (let k = 0; k < d; k++) A[k * d + k] += ridge;
  for (const item of Array.from(row))
    for (let k = 0; k < d; k++) {
      b[k] += table[item * stride + k];
      for (let c = 0; c < d; c++) A[k * d + c] += table[item * stride + k] * table[item * stride + c];
    }
  return solve(A, b, d);
}

/** Solves rows by the kernel; returns them and how many it could not. */
function rowsOf(rows: Int32Array[], table: Float32Array, stride: number, d: number, gram: Float32Array, ridge: number) {
  const mark = memory.mark();
  try {
    const indptr = new Int32Array(rows.length + 1);
    for (const [r, row] of rows.entries()) indptr[r + 1] = indptr[r] + row.length;
    const x = putStruct(memory, Als, {
      indptr: memory.put(indptr),
      items: memory.put(Int32Array.from(rows.flatMap((row) => [...row]))),
      vectors: memory.put(table),
      stride,
      d,
      kinds: memory.put(new Int32Array(rows.length)),
      grams: memory.put(inPanels(gram, d, d)),
      ridges: memory.put(new Float32Array(rows.length).fill(ridge)),
    });
    const out = memory.put(new Float32Array(rows.length * stride).fill(9));
    const failed = memory.allocateZeroed(4);
    const scratch = memory.allocate(4 * d + exports.solveScratchBytes());
    exports.alsRows(0, rows.length, x, out, memory.allocate(4 * d * (d + 8)), scratch, failed);
    return { out: memory.f32(out, rows.length * stride).slice(), failed: memory.i32(failed, 1)[0] };
  } finally {
    memory.release(mark);
  }
}

test('one user, one item: 1 / (1 + α₀ + λ (1 + α₀)^ν)', () => {
  const h = new Float32Array(8);
  h[0] = 1;
  const gram = new Float32Array(64);
  gram[0] = 0.5;
  const ridge = ridgeOf(exports, { alpha0: 0.5, ridge: 0.1, power: 1 } as AlsOptions, 1, 1);
  const { out, failed } = rowsOf([Int32Array.of(0)], h, 8, 8, gram, ridge);
  expect(failed).toBe(0);
  expect(out[0]).toBeCloseTo(1 / (1 + 0.5 + 0.15), 6);
  expect([...out.subarray(1)]).toEqual(new Array(7).fill(0));
});

test.each([
  [8, 8],
  [16, 32],
  [64, 80],
])('rows of d = %d in tables of %d columns, of every length, against f64', (d, stride) => {
  const n = 90;
  const table = randoms(n * stride, d);
  const half = randoms(2 * d * d, d + 1);
  const gram = new Float32Array(d * d);
  for (let r = 0; r < d; r++)
    for (let c = 0; c < d; c++) gram[r * d + c] = dotOf(half, r * 2 * d, half, c * 2 * d, 2 * d);
  const rows = LENGTHS.map((length) => Int32Array.from({ length }, (_, e) => (7 * e + length) % n).sort());
  const { out, failed } = rowsOf(rows, table, stride, d, gram, 0.3);
  expect(failed).toBe(0);
  for (const [r, row] of rows.entries()) {
    const expected = row.length > 0 ? plain(table, stride, d, row, gram, 0.3) : new Float64Array(d);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (let k = 0; k < stride; k++) {
      const found = out[r * stride + k];
      if (k < d) expect(Math.abs(found - expected[k])).toBeLessThan(2e-4 * Math.max(0.01, largest));
      // what lies behind is left alone
      else expect(found).toBe(9);
    }
  }
});

test('a system that is not positive definite gives zeros, and is counted', () => {
  const gram = new Float32Array(64);
  gram[0] = -5;
  const { out, failed } = rowsOf([Int32Array.of(0)], randoms(8, 1), 8, 8, gram, 0.1);
  expect(failed).toBe(1);
  expect([...out]).toEqual(new Array(8).fill(0));
  expect(NOWHERE).toBe(0);
});

const X: SparsePattern = randomPattern(60, 40, 5, 5);
const input = {
  X,
  transposed: transpose(kernels, X),
  markets: [
    { users: 25, items: Int32Array.from({ length: 40 }, (_, i) => i) },
    { users: 35, items: Int32Array.from({ length: 40 }, (_, i) => i) },
  ],
};

test.each([0, 0.5, 1])('the loss falls from epoch to epoch, ν = %d', async (power) => {
  const options = { dim: 16, alpha0: 0.2, ridge: 0.05, power, seed: 1 };
  const losses: number[] = [];
  for (let epochs = 1; epochs <= 4; epochs++) {
    const used = memory.used;
    const { items, grams } = await als(stageContext(kernels, 'als'), input, { ...options, epochs });
    expect(memory.used).toBe(used);
    const d = 16;
    let loss = 0;
    for (let i = 0; i < 40; i++) {
      const users = input.transposed.indptr[i + 1] - input.transposed.indptr[i];
      loss += 0.05 * (users + 0.2 * 60) ** power * dotOf(items, i * d, items, i * d, d);
    }
    for (let u = 0; u < 60; u++) {
      const row = X.indices.subarray(X.indptr[u], X.indptr[u + 1]);
      const ridge = 0.05 * (row.length + 0.2 * 40) ** power;
      const w = plain(items, d, d, row, grams[u < 25 ? 0 : 1], ridge);
      loss += ridge * dotOf(w, 0, w, 0, d);
      for (let i = 0; i < 40; i++) {
        const score = dotOf(w, 0, items, i * d, d);
        loss += 0.2 * score ** 2 + (row.includes(i) ? (score - 1) ** 2 : 0);
      }
    }
    losses.push(loss);
  }
  for (let e = 1; e < losses.length; e++) expect(losses[e]).toBeLessThanOrEqual(losses[e - 1] * (1 + 1e-6));
});

test('an item that one market alone sells is no negative of the other’s users', async () => {
  const some = { ...input.markets[1], items: Int32Array.from({ length: 20 }, (_, i) => i) };
  const options = { dim: 16, alpha0: 0.2, ridge: 0.05, power: 1, seed: 1, epochs: 2 };
  const { items, grams } = await als(
    stageContext(kernels, 'als'),
    { ...input, markets: [input.markets[0], some] },
    options,
  );
  for (const [m, count] of [40, 20].entries()) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += 0.2 * items[i * 16] ** 2;
    expect(Math.abs(grams[m][0] - sum)).toBeLessThan(1e-5 * Math.max(1, sum));
  }
});

test.each(['market', 'merged'] as const)('anyone is folded in exactly, unobserved: %s', async (unobserved) => {
  const items = Array.from({ length: 40 }, (_, i) => `i${i + 10}`);
  const users = Array.from({ length: 60 }, (_, u) => `u${u + 10}`);
  const heldOut = {};
  const positions = Int32Array.from(items.keys());
  const markets = { items, markets: [{ name: 'de', users, items: positions, interactions: X, heldOut }] };
  const given = { model: 'ials', dim: 16, alpha0: 0.2, regularisation: 0.05, epochs: 3, unobserved } as const;
  const model = await train(markets, given);
  const recommender = await loadModel(encodeModel(model));
  // what the model stores, back to vectors of items
  const input = { X, transposed: transpose(kernels, X), markets: [{ users: 60, items: positions }] };
  const options = { dim: 16, alpha0: 0.2, ridge: 0.05, power: 1, seed: 1, epochs: 3 };
  const learned = await als(stageContext(kernels, 'als'), input, options);
  for (const history of [[3], [1, 7, 20], [...X.indices.subarray(X.indptr[4], X.indptr[5])]]) {
    const w = plain(learned.items, 16, 16, history, learned.grams[0], 0.05 * (history.length + 0.2 * 40));
    const { items: found } = recommender.recommend({ market: 'de', items: history.map((i) => items[i]), k: 10 });
    for (const { item, score } of found)
      expect(Math.abs(score - dotOf(w, 0, learned.items, 16 * items.indexOf(item), 16))).toBeLessThan(1e-4);
    const best = items
      .map((item, i) => ({ item, score: dotOf(w, 0, learned.items, 16 * i, 16) }))
      .filter((_, i) => !history.includes(i))
      .sort((a, b) => b.score - a.score);
    expect(found[0].item).toBe(best[0].item);
  }
  const user = recommender.recommend({ market: 'de', user: 'u14', k: 5 }).items;
  const alike = recommender.recommend({
    market: 'de',
    items: [...X.indices.subarray(X.indptr[4], X.indptr[5])].map((i) => items[i]),
    k: 5,
  }).items;
  expect(user).toEqual(alike);
});
