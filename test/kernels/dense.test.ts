import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import bytes from '../../dist/kernels.wasm';
import { ArgumentError, MemoryError } from '../../src/common/errors.ts';
import { Job } from '../../src/common/job.ts';
import { bindKernels } from '../../src/engine/bind.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import { stageContext } from '../../src/engine/stage.ts';
import type { Kernels } from '../../src/engine/types.ts';
import { gram } from '../../src/matrix/gram.ts';
import type { SparseMatrix, SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { ease } from '../../src/similarity/ease.ts';
import { planElimination } from '../../src/similarity/elimination.ts';
import { sparseInverseBytes } from '../../src/similarity/sparse-inverse.ts';

const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 65];
/** Half the distance from 1 to the next f32. */
const ROUNDING = 2 ** -24;
/**
 * Statistical, since the certain bound k²·ROUNDING would hide a lost term: with random signs, partial sums stay near √k
 * and roundings partly cancel. Largest error seen over these shapes: 1.01 (k + 2)·ROUNDING.
 */
const productTolerance = (k: number) => 4 * (k + 2) * ROUNDING;
/** f64 inside, one rounding to f32 of entries within 1; seen: half a rounding. */
const CHOLESKY_TOLERANCE = ROUNDING;
/**
 * ease() against f64, absolute in B̂ (entries within ±1): a few roundings, some of them of fixed point, times a small
 * condition number; seen: 4.8e-6 (2.1e-6 at n = 12,015).
 */
const SIMILARITY_TOLERANCE = 1e-5;
/** Entries near ε may fall on either side of it. */
const ENTRIES_TOLERANCE = 0.001;

let state = 1;
/** Uniform in [−1, 1), the same in every run. */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 31 - 1;
}
const randomArray = (length: number) => Float32Array.from({ length }, random);

const kernels = await instantiateKernels(bytes);
const context = stageContext(kernels, 'ease');
const bound = await bindKernels(bytes);
const workspaceBytes = kernels.exports.gemmWorkspaceBytes();

type Product = 'gemmNN' | 'gemmNT' | 'gemmTN';
/** C + alpha · op(A) · op(B) in f64; leading dimensions are 3 more than needed. */
function product(name: Product, m: number, n: number, k: number) {
  const pad = 3;
  const lda = (name === 'gemmTN' ? m : k) + pad;
  const ldb = (name === 'gemmNT' ? k : n) + pad;
  const ldc = n + pad;
  const a = randomArray((name === 'gemmTN' ? k : m) * lda);
  const b = randomArray((name === 'gemmNT' ? n : k) * ldb);
  const c = randomArray(m * ldc);
  const alpha = 0.75;
  const expected = Float64Array.from(c);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++)
        sum +=
          (name === 'gemmTN' ? a[p * lda + i] : a[i * lda + p]) * (name === 'gemmNT' ? b[j * ldb + p] : b[p * ldb + j]);
      expected[i * ldc + j] += alpha * sum;
    }
  }
  return { a, lda, b, ldb, c, ldc, n, alpha, expected };
}

/** The columns of C beyond n. */
const padding = (c: Float32Array, { n, ldc }: { n: number; ldc: number }) => c.filter((_, i) => i % ldc >= n);

function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i] - expected[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/** One product on memory of its own, the output cut as `cuts` says (ends of row ranges and of column ranges). */
function run(
  { exports, memory }: Kernels,
  name: Product,
  m: number,
  n: number,
  k: number,
  p: ReturnType<typeof product>,
  rowCuts = [m],
  columnCuts = [n],
): Float32Array {
  const mark = memory.mark();
  const [a, b, c] = [memory.put(p.a), memory.put(p.b), memory.put(p.c)];
  const workspace = memory.allocate(workspaceBytes);
  for (let i = 0, r = 0; r < rowCuts.length; i = rowCuts[r++]) {
    for (let j = 0, s = 0; s < columnCuts.length; j = columnCuts[s++]) {
      const fromA = a + 4 * (name === 'gemmTN' ? i : i * p.lda);
      const fromB = b + 4 * (name === 'gemmNT' ? j * p.ldb : j);
      exports[name](
        rowCuts[r] - i,
        columnCuts[s] - j,
        k,
        p.alpha,
        fromA,
        p.lda,
        fromB,
        p.ldb,
        c + 4 * (i * p.ldc + j),
        p.ldc,
        workspace,
      );
    }
  }
  const found = memory.f32(c, p.c.length).slice();
  memory.release(mark);
  return found;
}

for (const name of ['gemmNN', 'gemmNT', 'gemmTN'] as const) {
  test(`${name} equals the f64 product at every remainder and leaves the padding alone`, () => {
    for (const m of LENGTHS) {
      for (const n of LENGTHS) {
        for (const k of LENGTHS) {
          const p = product(name, m, n, k);
          const found = run(kernels, name, m, n, k, p);
          expect(largestDifference(found, p.expected), `${m} × ${n} × ${k}`).toBeLessThanOrEqual(productTolerance(k));
          expect(padding(found, p)).toEqual(padding(p.c, p));
        }
      }
    }
    const p = product(name, 301, 603, 517);
    expect(largestDifference(run(kernels, name, 301, 603, 517, p), p.expected)).toBeLessThanOrEqual(
      productTolerance(517),
    );
  });

  test(`${name} gives the same bytes however the output is cut`, () => {
    const p = product(name, 150, 530, 300);
    const whole = run(kernels, name, 150, 530, 300, p);
    expect(run(kernels, name, 150, 530, 300, p, [64, 128, 150], [256, 512, 530])).toEqual(whole);
    expect(run(kernels, name, 150, 530, 300, p, [1, 6, 149, 150], [3, 100, 530])).toEqual(whole);
  });
}

test('products take typed arrays through the binder', () => {
  const out = new Float32Array(4);
  bound.gemmNT(
    2,
    2,
    3,
    1,
    Float32Array.of(1, 2, 3, 4, 5, 6),
    3,
    Float32Array.of(1, 0, 1, 0, 1, 0),
    3,
    out,
    2,
    new Uint8Array(workspaceBytes),
  );
  expect([...out]).toEqual([4, 2, 10, 5]);
});

/** Inverse in f64 by Gauss and Jordan without pivoting, for positive definite matrices. */
function inverse(n: number, matrix: ArrayLike<number>): Float64Array {
  const a = Float64Array.from(matrix);
  for (let k = 0; k < n; k++) {
    const d = 1 / a[k * n + k];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const f = a[i * n + k] * d;
      for (let j = 0; j < n; j++) if (j !== k) a[i * n + j] -= f * a[k * n + j];
      a[i * n + k] = -f;
    }
    for (let j = 0; j < n; j++) a[k * n + j] *= j === k ? 0 : d;
    a[k * n + k] = d;
  }
  return a;
}

test('choleskyInverse equals the f64 inverse and is symmetric', () => {
  for (const n of [...LENGTHS, 200]) {
    const x = randomArray(n * n);
    const a = new Float32Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        let sum = i === j ? 1 : 0;
        for (let p = 0; p < n; p++) sum += x[i * n + p] * x[j * n + p];
        a[i * n + j] = a[j * n + i] = sum;
      }
    const expected = inverse(n, a);
    expect(bound.choleskyInverse(n, a, new Float64Array(n * (n + 1)))).toBe(0);
    expect(largestDifference(a, expected)).toBeLessThanOrEqual(CHOLESKY_TOLERANCE);
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(a[i * n + j]).toBe(a[j * n + i]);
  }
});

test('choleskyInverse names the row of a pivot that is not positive and leaves the block alone', () => {
  const a = Float32Array.of(4, 2, 0, 2, 1, 0, 0, 0, 1);
  expect(bound.choleskyInverse(3, a, new Float64Array(12))).toBe(2);
  expect([...a]).toEqual([4, 2, 0, 2, 1, 0, 0, 0, 1]);
  expect(bound.choleskyInverse(1, Float32Array.of(Number.NaN), new Float64Array(2))).toBe(1);
});

/** A pattern in which column j is about as popular as 1 / j, as items are. */
function randomPattern(rows: number, cols: number, perRow: number): SparsePattern {
  const indptr = new Int32Array(rows + 1);
  const indices: number[] = [];
  for (let r = 0; r < rows; r++) {
    const held = new Set<number>();
    for (let q = 0; q < perRow && cols > 0; q++) held.add(Math.floor(cols ** Math.abs(random())) % cols);
    indices.push(...[...held].sort((x, y) => x - y));
    indptr[r + 1] = indices.length;
  }
  return { rows, cols, indptr, indices: Int32Array.from(indices) };
}

function dense(x: SparsePattern & { values?: Float32Array }): Float64Array {
  const out = new Float64Array(x.rows * x.cols);
  for (let r = 0; r < x.rows; r++)
    for (let p = x.indptr[r]; p < x.indptr[r + 1]; p++) out[r * x.cols + x.indices[p]] = x.values ? x.values[p] : 1;
  return out;
}

function expectOrdered(x: SparsePattern): void {
  expect(x.indptr.length).toBe(x.rows + 1);
  expect(x.indices.length).toBe(x.indptr[x.rows]);
  for (let r = 0; r < x.rows; r++)
    for (let p = x.indptr[r] + 1; p < x.indptr[r + 1]; p++) expect(x.indices[p]).toBeGreaterThan(x.indices[p - 1]);
}

test('transpose turns rows into columns, with values and without', () => {
  for (const rows of LENGTHS) {
    for (const cols of LENGTHS) {
      const x = randomPattern(rows, cols, 4);
      const valued: SparseMatrix = { ...x, values: randomArray(x.indices.length) };
      const y = transpose(kernels, valued);
      expectOrdered(y);
      const [from, to] = [dense(valued), dense(y)];
      for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) expect(to[c * rows + r]).toBe(from[r * cols + c]);
      expect(transpose(kernels, x)).toEqual({ rows: y.rows, cols: y.cols, indptr: y.indptr, indices: y.indices });
      expect(transpose(kernels, y)).toEqual(valued);
    }
  }
});

test('gram equals brute force, diagonal included', () => {
  for (const [rows, cols] of [...LENGTHS.flatMap((r) => LENGTHS.map((c) => [r, c])), [2000, 300]]) {
    const x = randomPattern(rows, cols, 6);
    const g = gram(kernels, x);
    expectOrdered(g);
    const expected = new Float64Array(cols * cols);
    for (let r = 0; r < rows; r++)
      for (const i of x.indices.subarray(x.indptr[r], x.indptr[r + 1]))
        for (const j of x.indices.subarray(x.indptr[r], x.indptr[r + 1])) expected[i * cols + j]++;
    expect(largestDifference(dense(g), expected)).toBe(0);
    expect(g.values.every((value) => value > 0)).toBe(true);
  }
});

test('ease equals the f64 closed form, also where items do not fill the last tile', async () => {
  for (const n of [...LENGTHS, 255, 256, 257, 700]) {
    const g = gram(kernels, randomPattern(3 * n, n, 8));
    const [lambda, epsilon] = [10, 0.01];
    const used = kernels.memory.used;
    const b = await ease(context, g, { lambda, epsilon });
    expect(kernels.memory.used).toBe(used);
    expectOrdered(b);
    const a = dense(g);
    for (let i = 0; i < n; i++) a[i * n + i] += lambda;
    const c = inverse(n, a);
    const found = dense(b);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const exact = i === j ? 0 : -c[i * n + j] / c[j * n + j];
        const kept = found[i * n + j];
        if (kept !== 0 || exact >= epsilon + SIMILARITY_TOLERANCE)
          expect(Math.abs(kept - exact), `n = ${n}, entry ${i}, ${j}`).toBeLessThanOrEqual(SIMILARITY_TOLERANCE);
      }
    }
  }
});

test('ease refuses what it cannot invert, wrong options and too many items', async () => {
  const identity = (n: number, value: number): SparseMatrix => ({
    rows: n,
    cols: n,
    indptr: Int32Array.from({ length: n + 1 }, (_, i) => i),
    indices: Int32Array.from({ length: n }, (_, i) => i),
    values: new Float32Array(n).fill(value),
  });
  const options = { lambda: 25, epsilon: 0.01 };
  const indefinite = identity(300, 1);
  indefinite.values[270] = -100;
  const used = kernels.memory.used;
  const error = await ease(context, indefinite, options).catch((e) => e);
  expect(error).toBeInstanceOf(ArgumentError);
  expect(error.message).toContain('item 270');
  expect(kernels.memory.used).toBe(used);
  await expect(ease(context, identity(3, 1), { ...options, lambda: 0 })).rejects.toThrow(ArgumentError);
  await expect(ease(context, identity(3, 1), { ...options, epsilon: Number.NaN })).rejects.toThrow(ArgumentError);
  await expect(ease(context, { ...identity(3, 1), cols: 4 }, options)).rejects.toThrow(ArgumentError);
  await expect(ease(context, identity(200_000, 1), options)).rejects.toThrow(MemoryError);
  const controller = new AbortController();
  controller.abort();
  await expect(
    ease(stageContext(kernels, 'ease', new Job({ signal: controller.signal })), identity(300, 1), options),
  ).rejects.toThrow(/stopped/);
});

test('five markets of XMarket give the 1,029,657 entries of the NumPy reference', async ({ skip }) => {
  const folder = process.env.M3REC_DATA ?? join(import.meta.dirname, '../../../shared/xmarket');
  const markets = ['s1', 's2', 's3', 't1', 't2'];
  if (!markets.every((market) => existsSync(join(folder, market, 'train.tsv')))) {
    console.log(`skipped: no XMarket data in ${folder} (set M3REC_DATA)`);
    return skip();
  }
  const lines = markets.flatMap((market) =>
    readFileSync(join(folder, market, 'train.tsv'), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t')),
  );
  const items = new Map([...new Set(lines.map(([, item]) => item))].sort().map((id, i) => [id, i]));
  const users = new Map<string, Set<number>>();
  for (const [user, item] of lines) users.set(user, (users.get(user) ?? new Set()).add(items.get(item)!));
  const rows = [...users.values()].map((held) => [...held].sort((x, y) => x - y));
  const indptr = new Int32Array(rows.length + 1);
  for (const [u, row] of rows.entries()) indptr[u + 1] = indptr[u] + row.length;
  const g = gram(kernels, { rows: rows.length, cols: items.size, indptr, indices: Int32Array.from(rows.flat()) });
  const bytes = sparseInverseBytes(await planElimination(context, g), g.indptr[g.rows]);
  kernels.memory.resetPeak();
  const b = await ease(context, g, { lambda: 25, epsilon: 0.01 });
  expect(Math.abs(b.indices.length / 1_029_657 - 1)).toBeLessThanOrEqual(ENTRIES_TOLERANCE);
  expect(kernels.memory.peak).toBeLessThanOrEqual(bytes + 2e6);
});
