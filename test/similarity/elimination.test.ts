// The sparse way to the inverse: the order of elimination, its panels, and the columns of C that come of them.
import { expect, test } from 'vitest';
import { ArgumentError } from '../../src/common/errors.ts';
import { stageContext } from '../../src/engine/stage.ts';
import { gram } from '../../src/matrix/gram.ts';
import type { SparseMatrix } from '../../src/matrix/sparse.ts';
import { findFlaw, TILE, tileIndex } from '../../src/matrix/tiles.ts';
import { easeWithInverse } from '../../src/similarity/ease.ts';
import { type Elimination, planBytes, planElimination, shareOfDense } from '../../src/similarity/elimination.ts';
import { invertSparse, sparseInverseBytes } from '../../src/similarity/sparse-inverse.ts';
import { LENGTHS, randomPattern, randoms, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const LAMBDA = 10;
/**
 * Of an entry of C, in units of √(C_ii C_jj), which it cannot exceed, and of B̂_ij in units of √(C_ii / C_jj). Found:
 * 1e-5 where equal values are all rounded one way (sweep.ts), 2e-6 for the arrows, elsewhere 1e-6.
 */
const TOLERANCE = 2e-5;

/** A symmetric matrix from its lower triangle. */
function symmetric(n: number, below: (i: number, j: number) => number): SparseMatrix {
  const indptr = new Int32Array(n + 1);
  const indices: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const value = below(Math.max(i, j), Math.min(i, j));
      if (value === 0) continue;
      indices.push(j);
      values.push(value);
    }
    indptr[i + 1] = indices.length;
  }
  return { rows: n, cols: n, indptr, indices: Int32Array.from(indices), values: Float32Array.from(values) };
}

/** G of users with a few items each; items from `shown` on are nobody's. */
function gramOf(users: number, items: number, perUser: number, shown: number, seed: number): SparseMatrix {
  const x = randomPattern(users, shown, perUser, seed);
  return gram(kernels, { ...x, cols: items });
}

/** n items in groups of their own, with a few that everybody has. */
function grouped(n: number, size: number, common: number): SparseMatrix {
  const near = (i: number, j: number) => (Math.floor(i / size) === Math.floor(j / size) ? 1 + ((i * j) % 3) : 0);
  return symmetric(n, (i, j) => (i === j ? (i < common ? 2 * n : 2 * common + 3 * size) : j < common ? 2 : near(i, j)));
}

const shapes: [string, SparseMatrix][] = [
  ...LENGTHS.map((n): [string, SparseMatrix] => [`n = ${n}`, gramOf(2 * n, n, 3, n, n)]),
  ['items of nobody', gramOf(50, 90, 4, 60, 1)],
  ['all empty', symmetric(40, () => 0)],
  ['a diagonal', symmetric(300, (i, j) => (i === j ? i : 0))],
  ['dense', symmetric(150, (i, j) => (i === j ? 300 : 1 + ((i + j) % 2)))],
  ['an arrow, its head first', symmetric(333, (i, j) => (i === j ? 400 : j === 0 ? 1 : 0))],
  ['an arrow, its head last', symmetric(333, (i, j) => (i === j ? 400 : i === 332 ? 1 : 0))],
  ['a chain', symmetric(280, (i, j) => (i === j ? 3 : i === j + 1 ? 1 : 0))],
  ['groups of 40 and 5 common items', grouped(600, 40, 5)],
  ['groups of 3 and 300 common items', grouped(700, 3, 300)],
  ...[1, 2, 3, 4, 5, 6].map((seed): [string, SparseMatrix] => [
    `random, ${seed}`,
    gramOf(60 * seed, 100 * seed, 1 + (seed % 4) * 2, 100 * seed, seed),
  ]),
];

/** (G + λI)⁻¹ by Gauss and Jordan, f64. */
function inverse(g: SparseMatrix): Float64Array {
  const n = g.rows;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let p = g.indptr[i]; p < g.indptr[i + 1]; p++) a[i * n + g.indices[p]] = g.values[p];
    a[i * n + i] += LAMBDA;
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
  return a;
}

/** The largest difference from C, in units of √(C_ii C_jj). */
function worstOf(n: number, expected: Float64Array, found: (i: number, j: number) => number): number {
  let worst = 0;
  // Math.max keeps a NaN
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      worst = Math.max(
        worst,
        Math.abs(found(i, j) - expected[i * n + j]) / Math.sqrt(expected[i * (n + 1)] * expected[j * (n + 1)]),
      );
  return worst;
}

/** C by the plan, in the order of the items. */
async function inverseBy(plan: Elimination, g: SparseMatrix): Promise<Float64Array> {
  const n = g.rows;
  const c = new Float64Array(n * n).fill(Number.NaN);
  await invertSparse(stageContext(kernels, 'inverse'), g, LAMBDA, plan, {
    calls: () => [],
    async visit(blocks) {
      for (const { column, width, x } of blocks) {
        const values = kernels.memory.f32(x, 16 * n);
        for (let lane = 0; lane < width; lane++) {
          for (let row = 0; row < n; row++) {
            const at = plan.order[row] * n + plan.order[column + lane];
            if (!Number.isNaN(c[at])) throw new Error(`column ${column + lane} came twice`);
            c[at] = values[16 * row + lane];
          }
        }
      }
    },
  });
  return c;
}

const planOf = (g: SparseMatrix) => planElimination(stageContext(kernels, 'plan'), g);

test.each(shapes)('the plan covers the matrix and its fill: %s', async (_, g) => {
  const n = g.rows;
  const used = kernels.memory.used;
  kernels.memory.resetPeak();
  const plan = await planOf(g);
  expect(kernels.memory.used).toBe(used);
  expect(kernels.memory.peak - used).toBeLessThanOrEqual(planBytes(n) + 256);
  expect([...plan.order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
  const position = new Int32Array(n);
  for (const [at, item] of plan.order.entries()) position[item] = at;
  const levelOf = new Int32Array(n).fill(plan.levels.length);
  let next = 0;
  const filled = Array.from({ length: n }, () => new Set<number>());
  for (let i = 0; i < n; i++)
    for (let p = g.indptr[i]; p < g.indptr[i + 1]; p++)
      if (position[g.indices[p]] > position[i]) filled[position[i]].add(position[g.indices[p]]);
  for (const [p, { first, width }] of plan.panels.entries()) {
    expect(first).toBe(next);
    expect(width).toBeGreaterThan(0);
    next += width;
    levelOf.fill(
      plan.levels.findLastIndex((start) => start <= p),
      first,
      next,
    );
  }
  expect(next).toBe(plan.leading);
  expect(plan.levels.at(-1)).toBe(plan.panels.length);
  for (const { first, width, rows } of plan.panels) {
    for (const [at, row] of rows.entries()) {
      expect(row).toBeGreaterThan(at === 0 ? first + width - 1 : rows[at - 1]);
      expect(levelOf[row]).toBeGreaterThan(levelOf[first]);
    }
    const below = new Set(rows);
    for (let j = first; j < first + width; j++) {
      for (const row of filled[j]) {
        if (row >= first + width && !below.has(row)) throw new Error(`row ${row} of column ${j} is not in its panel`);
        // eliminating j makes its rows neighbours
        for (const other of filled[j]) if (other > row) filled[row].add(other);
      }
    }
  }
  expect(await planOf(g)).toEqual(plan);
});

test.each(shapes)('the columns are those of the f64 inverse: %s', async (_, g) => {
  const plan = await planOf(g);
  const used = kernels.memory.used;
  kernels.memory.resetPeak();
  const found = await inverseBy(plan, g);
  expect(kernels.memory.used).toBe(used);
  expect(kernels.memory.peak - used).toBeLessThanOrEqual(sparseInverseBytes(plan, g.indptr[g.rows]));
  expect(worstOf(g.rows, inverse(g), (i, j) => found[i * g.rows + j])).toBeLessThanOrEqual(TOLERANCE);
  // once more: the same bits
  expect(await inverseBy(plan, g)).toEqual(found);
});

test('what is eliminated: all of a diagonal, a chain and an arrow, nothing of a dense matrix', async () => {
  const of = async (name: string) => planOf(shapes.find(([each]) => each === name)![1]);
  for (const name of ['a diagonal', 'a chain', 'an arrow, its head first', 'an arrow, its head last']) {
    const { order, leading } = await of(name);
    expect(order.length - leading, name).toBeLessThanOrEqual(6);
  }
  const dense = await of('dense');
  expect(dense.leading).toBe(0);
  expect(shareOfDense(dense)).toBe(1);
  expect(shareOfDense(await of('groups of 40 and 5 common items'))).toBeLessThan(0.5);
});

/** The order of approximate minimum fill, on sets. */
function plainOrder(g: SparseMatrix, byDegree: number[]): number[] {
  const neighbours = byDegree.map(
    (item) =>
      new Set(
        [...g.indices.subarray(g.indptr[item], g.indptr[item + 1])]
          .map((other) => byDegree.indexOf(other))
          .filter((node) => byDegree[node] !== item),
      ),
  );
  const cliques = byDegree.map(() => 0);
  const left = new Set(byDegree.keys());
  const order: number[] = [];
  while (left.size > 0) {
    const fill = (node: number) =>
      neighbours[node].size * (neighbours[node].size - 1) - cliques[node] * (cliques[node] - 1);
    const node = [...left].reduce((best, each) => (fill(each) < fill(best) ? each : best));
    const rows = neighbours[node].size + 1;
    if (4.2 * rows * (rows + 2 * left.size) >= 3 * left.size ** 2) break;
    left.delete(node);
    order.push(node);
    for (const i of neighbours[node]) {
      neighbours[i].delete(node);
      for (const j of neighbours[node]) if (i !== j) neighbours[i].add(j);
      cliques[i] = neighbours[node].size - 1;
    }
  }
  return order;
}

test('eliminate takes the least approximate fill first, ties to the lower index, in calls of any length', () => {
  const { exports, memory } = kernels;
  for (const [, g] of shapes.filter(([, { rows }]) => rows > 0 && rows <= 300)) {
    const n = g.rows;
    const words = 2 * Math.ceil(n / 128);
    const expected = plainOrder(
      g,
      Array.from({ length: n }, (_, i) => i),
    );
    for (const count of [1, 7, n]) {
      const mark = memory.mark();
      const fours = 4 * Math.ceil(n / 4);
      const [bits, degrees, fills, order] = [8 * words * n, 4 * fours, 4 * fours, 4 * n].map((bytes) =>
        memory.allocateZeroed(bytes),
      );
      const set = memory.u32(bits, 2 * words * n);
      memory.i32(degrees, fours).fill(-1);
      for (let i = 0; i < n; i++) {
        for (const j of [i, ...g.indices.subarray(g.indptr[i], g.indptr[i + 1])])
          set[2 * words * i + (j >> 5)] |= 1 << (j & 31);
        memory.i32(degrees, n)[i] = g.indices.subarray(g.indptr[i], g.indptr[i + 1]).filter((j) => j !== i).length;
      }
      let done = 0;
      for (let goal = count; ; goal += count) {
        done = exports.eliminate(n, words, bits, degrees, fills, done, count, order);
        if (done < goal) break;
      }
      expect([...memory.i32(order, done)]).toEqual(expected);
      memory.release(mark);
    }
  }
});

test('the inverse that is kept is the one that the similarities come from', async () => {
  for (const [name, g] of shapes) {
    const n = g.rows;
    const { similarity, inverse: tiles } = await easeWithInverse(
      stageContext(kernels, 'ease'),
      g,
      { lambda: LAMBDA, epsilon: -1e9 },
      true,
    );
    expect(findFlaw(tiles!, n), name).toBeUndefined();
    const expected = inverse(g);
    const kept = (i: number, j: number) =>
      -tiles![Math.floor(i / TILE) < Math.floor(j / TILE) ? tileIndex(j, i) : tileIndex(i, j)];
    expect(worstOf(n, expected, kept), name).toBeLessThanOrEqual(TOLERANCE);
    const similar = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let e = similarity.indptr[i]; e < similarity.indptr[i + 1]; e++)
        similar[i * n + similarity.indices[e]] = similarity.values[e];
    const fromSimilar = (i: number, j: number) => (i === j ? 1 : -similar[i * n + j]) * expected[j * (n + 1)];
    expect(worstOf(n, expected, fromSimilar), name).toBeLessThanOrEqual(TOLERANCE);
    expect(similarity.indices.length, name).toBe(n > 0 ? n * (n - 1) : 0);
  }
});

test('a pivot that is not positive is named by its item, in a panel and in what is left', async () => {
  const chain = symmetric(300, (i, j) => (i === j ? (i === 123 ? -100 : 3) : i === j + 1 ? 1 : 0));
  const error = await inverseBy(await planOf(chain), chain).catch((e) => e);
  expect(error).toBeInstanceOf(ArgumentError);
  // the pivot that fails is that item's or, through the fill, a neighbour's
  expect(Math.abs(Number(/item (\d+)/.exec(error.message)![1]) - 123)).toBeLessThanOrEqual(1);
  const core = symmetric(200, (i, j) => (i === j ? (i === 17 ? -1e4 : 500) : j < 100 && i < 100 ? 1 : 0));
  expect((await planOf(core)).leading).toBe(100);
  const other = await inverseBy(await planOf(core), core).catch((e) => e);
  expect(other.message).toContain('item 17');
});

test('values of any scale, in a matrix that the plan splits', async () => {
  const numbers = randoms(700, 5);
  const scaled = grouped(700, 7, 60);
  for (let i = 0; i < 700; i++)
    for (let p = scaled.indptr[i]; p < scaled.indptr[i + 1]; p++)
      scaled.values[p] *= (1.1 + numbers[i]) * (1.1 + numbers[scaled.indices[p]]);
  const found = await inverseBy(await planOf(scaled), scaled);
  expect(worstOf(700, inverse(scaled), (i, j) => found[i * 700 + j])).toBeLessThanOrEqual(TOLERANCE);
});
