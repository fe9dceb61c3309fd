// EASE by groups, compared with f64: the exact inverse where a system may hold all items, else the same systems.
import { expect, test } from 'vitest';
import { Job } from '../../src/common/job.ts';
import { stageContext } from '../../src/engine/stage.ts';
import { AbortedError, ArgumentError, assembleGenerated, generateMarkets, MemoryError } from '../../src/index.ts';
import type { SparseMatrix, SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { mergeInteractions } from '../../src/models/interactions.ts';
import { nodeWorkers } from '../../src/node/files.ts';
import { groupAlike } from '../../src/similarity/grouping.ts';
import { type GroupEaseOptions, groupEase } from '../../src/similarity/groups.ts';
import { startPool } from '../../src/threads/pool.ts';
import { LENGTHS, randomPattern, randoms, rawKernels } from '../support/reference.ts';

const kernels = await rawKernels();
const LAMBDA = 10;
const ALL = -1e9;
const solve = (X: SparsePattern, options: Partial<GroupEaseOptions> = {}, job = new Job()) =>
  groupEase(stageContext(kernels, 'ease', job), X, transpose(kernels, X), { lambda: LAMBDA, epsilon: ALL, ...options });

/** Rows of users by their items. */
function patternOf(cols: number, rows: number[][]): SparsePattern {
  const indptr = new Int32Array(rows.length + 1);
  for (const [u, items] of rows.entries()) indptr[u + 1] = indptr[u] + items.length;
  return { rows: rows.length, cols, indptr, indices: Int32Array.from(rows.flat()) };
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const realistic = mergeInteractions(
  assembleGenerated(generateMarkets({ seed: 3, users: 700, items: 330, interactions: 6000 })),
);

const shapes: [string, SparsePattern][] = [
  ...LENGTHS.map((n): [string, SparsePattern] => [`n = ${n}`, randomPattern(2 * n, n, 3, n)]),
  ['no users', patternOf(40, [])],
  ['items of nobody', { ...randomPattern(50, 60, 4, 1), cols: 90 }],
  ['a user with all items', patternOf(70, [upTo(70), [3, 5], [5, 69], [], [0]])],
  [
    'everybody has everything',
    patternOf(
      50,
      upTo(30).map(() => upTo(50)),
    ),
  ],
  [
    'each user one item',
    patternOf(
      45,
      upTo(90).map((u) => [u % 45]),
    ),
  ],
  ['realistic', realistic],
];

/** G, n × n. */
function gramOf({ rows, cols: n, indptr, indices }: SparsePattern): Float64Array {
  const g = new Float64Array(n * n);
  for (let u = 0; u < rows; u++) {
    const items = indices.subarray(indptr[u], indptr[u + 1]);
    for (const i of items) for (const j of items) g[i * n + j]++;
  }
  return g;
}

/** Inverse by Gauss and Jordan, f64. */
function inverse(n: number, matrix: Float64Array): Float64Array {
  const a = matrix.slice();
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

interface Plan {
  group: number;
  most: number;
  core: number;
  width: number;
  prior?: { similarity: SparseMatrix; strength: number };
}

/** B̂ and C's diagonal by the head of assembly/sparse/groups.ts, f64 but for the gains, every entry. */
function reference(X: SparsePattern, { group, most, width, prior }: Plan) {
  const n = X.cols;
  const g = gramOf(X);
  const mean = prior
    ? dense(prior.similarity).map((value) => LAMBDA * prior.strength * value)
    : new Float64Array(n * n);
  const order = upTo(n).sort((a, b) => g[b * (n + 1)] - g[a * (n + 1)] || a - b);
  const lists = order.map((j) =>
    upTo(n)
      .map((rank) => ({ rank, gain: gainOf(order[rank], j) }))
      .filter(({ gain }) => gain > 0)
      .sort((a, b) => b.gain - a.gain || a.rank - b.rank)
      .slice(0, width),
  );
  const fill = (value: (entry: { rank: number; gain: number }) => number) =>
    lists.flatMap((list) => upTo(width).map((e) => (e < list.length ? value(list[e]) : 0)));
  const nearest = Uint32Array.from(fill(({ rank }) => rank));
  const gains = Float32Array.from(fill(({ gain }) => gain));
  const grouped = groupAlike(n, width, nearest, gains, group);
  const similarity = new Float64Array(n * n);
  const diagonal = new Float64Array(n);
  for (let begin = 0; begin < n; begin += group) {
    const members = Array.from(grouped.subarray(begin, begin + group));
    const sums = new Map<number, number>();
    for (const j of members)
      for (const { rank, gain } of lists[j]) sums.set(rank, Math.fround((sums.get(rank) ?? 0) + gain));
    const others = [...sums]
      .filter(([rank]) => !members.includes(rank))
      .sort(([i, a], [k, b]) => b - a || i - k)
      .slice(0, most)
      .map(([rank]) => order[rank]);
    const J = members.map((rank) => order[rank]);
    const S = [...others, ...J];
    const a = new Float64Array(S.length ** 2);
    for (const [r, i] of S.entries())
      for (const [c, k] of S.entries()) a[r * S.length + c] = g[i * n + k] + (r === c ? LAMBDA : 0);
    const c = inverse(S.length, a);
    for (const [m, j] of J.entries()) {
      const at = others.length + m;
      const e = S.map((_, r) => S.reduce((sum, k, q) => sum + c[r * S.length + q] * mean[k * n + j], 0));
      const own = c[at * (S.length + 1)];
      for (let i = 0; i < n; i++) if (i !== j) similarity[i * n + j] = mean[i * n + j] / (g[i * (n + 1)] + LAMBDA);
      for (const [r, i] of S.entries())
        similarity[i * n + j] = i === j ? 0 : e[r] - (c[r * S.length + at] * (1 + e[at])) / own;
      diagonal[j] = own;
    }
  }
  return { similarity, diagonal };

  /** In f32, since it decides which items are chosen. */
  function gainOf(i: number, j: number): number {
    if (i === j) return 0;
    const f = Math.fround;
    const share = f(g[i * n + j] + f(mean[i * n + j]));
    return f(f(f(share * share) * f(1 / f(g[j * (n + 1)] + LAMBDA))) / f(g[i * (n + 1)] + LAMBDA));
  }
}

function dense({ rows, cols, indptr, indices, values }: SparseMatrix): Float64Array {
  const out = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++) for (let e = indptr[i]; e < indptr[i + 1]; e++) out[i * cols + indices[e]] = values[e];
  return out;
}

/** A prior of about `perRow` entries a row, some of them negative. */
function priorOf(n: number, perRow: number, seed: number): SparseMatrix {
  const { indptr, indices } = randomPattern(n, n, perRow, seed);
  const found = randoms(indices.length, seed);
  const starts = new Int32Array(n + 1);
  const columns: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < n; i++) {
    for (let e = indptr[i]; e < indptr[i + 1]; e++) {
      if (indices[e] === i) continue;
      columns.push(indices[e]);
      values.push(0.3 * found[e] + 0.1);
    }
    starts[i + 1] = columns.length;
  }
  return { rows: n, cols: n, indptr: starts, indices: Int32Array.from(columns), values: Float32Array.from(values) };
}

const furthest = (found: ArrayLike<number>, expected: Float64Array) =>
  expected.reduce((most, value, at) => Math.max(most, Math.abs(found[at] - value)), 0);

/** f32 of systems of condition up to 1,000 or so. */
const ROUNDING = 2e-5;

test.each(shapes)('with one group of all items every entry is that of the f64 inverse: %s', async (_, X) => {
  const n = X.cols;
  const expected = reference(X, { group: Math.max(1, n), most: 0, core: 0, width: 1 });
  for (const core of [0, 1024]) {
    const used = kernels.memory.used;
    const { similarity, diagonal } = await solve(X, { group: 1024, core });
    expect(kernels.memory.used).toBe(used);
    expect(furthest(dense(similarity), expected.similarity), `core ${core}`).toBeLessThanOrEqual(ROUNDING);
    expect(furthest(diagonal, expected.diagonal)).toBeLessThanOrEqual(ROUNDING);
  }
});

test.each(shapes)('smaller systems, and a prior, are those of the head of the kernels: %s', async (_, X) => {
  const prior = { similarity: priorOf(X.cols, 5, 7), strength: 0.4 };
  for (const plan of [
    { group: 4, most: 0, core: 8, width: 3 },
    { group: 7, most: 20, core: 21, width: 10 },
    { group: 16, most: 40, core: 32, width: 64, prior },
    { group: 5, most: 3, core: 0, width: 2, prior },
    { group: 1, most: 2048, core: 2048, width: 2048, prior },
  ] satisfies Plan[]) {
    const expected = reference(X, { ...plan, width: Math.min(plan.width, X.cols) });
    const { similarity, diagonal } = await solve(X, plan);
    expect(furthest(dense(similarity), expected.similarity), JSON.stringify(plan)).toBeLessThanOrEqual(ROUNDING);
    expect(furthest(diagonal, expected.diagonal)).toBeLessThanOrEqual(ROUNDING);
  }
});

test('of each column the entries from epsilon on are kept, the largest of them', async () => {
  const n = realistic.cols;
  const whole = dense((await solve(realistic, { group: 16 })).similarity);
  const { similarity } = await solve(realistic, { group: 16, epsilon: 0.005, nearest: 9 });
  const found = dense(similarity);
  for (let j = 0; j < n; j++) {
    const expected = upTo(n)
      .filter((i) => whole[i * n + j] >= Math.fround(0.005))
      .sort((a, b) => whole[b * n + j] - whole[a * n + j])
      .slice(0, 9);
    for (let i = 0; i < n; i++) expect(found[i * n + j]).toBe(expected.includes(i) ? whole[i * n + j] : 0);
  }
  expect((await solve(realistic, { nearest: 0 })).similarity.indices.length).toBe(0);
});

test('the same bytes on 1, 2, 3 and 8 threads', async () => {
  const options = { lambda: LAMBDA, epsilon: 0.001, group: 8, most: 100, core: 64, width: 20 };
  const prior = { similarity: priorOf(realistic.cols, 5, 7), strength: 0.4 };
  const transposed = transpose(kernels, realistic);
  const run = (on: typeof kernels, given: GroupEaseOptions) =>
    groupEase(stageContext(on, 'ease'), realistic, transposed, given);
  const plain = await run(kernels, options);
  const shrunk = await run(kernels, { ...options, prior });
  for (const threads of [2, 3, 8]) {
    const { pool, ...shared } = await startPool(nodeWorkers, threads);
    try {
      expect(await run({ ...shared, pool }, options), `${threads} threads`).toEqual(plain);
      expect(await run({ ...shared, pool }, { ...options, prior }), `${threads} threads`).toEqual(shrunk);
    } finally {
      await pool.close();
    }
  }
});

test('wrong options, what single precision cannot tell apart, too much to hold and a signal', async () => {
  const used = kernels.memory.used;
  for (const wrong of [
    { lambda: 0 },
    { epsilon: Number.NaN },
    { group: 0 },
    { most: -1 },
    { width: 0 },
    { nearest: 0.5 },
    { prior: { similarity: priorOf(3, 1, 1), strength: 1 } },
    { prior: { similarity: priorOf(realistic.cols, 1, 1), strength: Number.NaN } },
  ])
    await expect(solve(realistic, wrong)).rejects.toBeInstanceOf(ArgumentError);
  const twins = patternOf(
    20,
    upTo(1600).map((u) => (u % 20 === 0 ? [u % 16, 17, 18] : [u % 16])),
  );
  await expect(solve(twins, { lambda: 1e-6 })).rejects.toThrow(
    /^gram: G \+ λI is not positive definite \(the pivot at item \d+ is not positive\)/,
  );
  const large: SparsePattern = { rows: 1, cols: 300_000_000, indptr: new Int32Array(2), indices: new Int32Array(0) };
  const none: SparsePattern = { rows: 300_000_000, cols: 1, indptr: new Int32Array(0), indices: new Int32Array(0) };
  await expect(
    groupEase(stageContext(kernels, 'ease'), large, none, { lambda: 1, epsilon: 0.01 }),
  ).rejects.toBeInstanceOf(MemoryError);
  const controller = new AbortController();
  const onProgress = ({ stage, done }: { stage: string; done: number }) =>
    stage === 'ease' && done > 0 && controller.abort();
  await expect(solve(realistic, {}, new Job({ onProgress, signal: controller.signal }))).rejects.toBeInstanceOf(
    AbortedError,
  );
  expect(kernels.memory.used).toBe(used);
});
