// Products of vectors in the cosine's layout: what is shown is the product, and a batch is searched.
import { expect, test } from 'vitest';
import { exportModel, type MarketModel, type Model } from '../../src/index.ts';
import { dotParts, EXTRA } from '../../src/models/dot-parts.ts';
import { servedDot } from '../../src/models/linear-served.ts';
import { Recommender } from '../../src/recommend/recommender.ts';
import { dotOf, randoms, rawKernels } from '../support/reference.ts';

const [n, d, users] = [600, 24, 40];
const kind = servedDot('bpr', 13);
const items = Array.from({ length: n }, (_, i) => `i${String(i).padStart(3, '0')}`);

/** Users have three items each, and vectors that are not the mean of these items'. */
function modelOf(vectors: Float32Array, bias?: Float32Array): { model: Model; own: Float32Array } {
  const own = randoms(users * d, 2);
  const foldIn = randoms(n * d, 3);
  const seen = Array.from({ length: users }, (_, u) => [u, u + 100, u + 300]);
  const offsets = own.slice();
  for (const [u, row] of seen.entries())
    for (const item of row) for (let k = 0; k < d; k++) offsets[u * d + k] -= foldIn[item * d + k] / 3;
  const market: MarketModel = {
    name: 'de',
    items: Int32Array.from(items.keys()),
    popularity: new Uint32Array(n).fill(1),
    users: Array.from({ length: users }, (_, u) => `u${String(u).padStart(2, '0')}`),
    seenItems: {
      rows: users,
      cols: n,
      indptr: Int32Array.from({ length: users + 1 }, (_, u) => 3 * u),
      indices: Int32Array.from(seen.flat()),
    },
    linearWeight: 0,
    linearPower: 0,
    bias,
    ...dotParts(d, vectors, foldIn, offsets),
  };
  return { model: { kind: 'bpr', dim: d + EXTRA, items, markets: [market], training: {} }, own };
}

test.each([
  ['with a bias', randoms(n, 4)],
  ['without', undefined],
])('%s, a score is u · v + b, alone and in a batch that is searched', async (_, bias) => {
  const vectors = randoms(n * d, 1);
  // lengths from 0 to 3
  for (let j = 0; j < n; j++) for (let k = 0; k < d; k++) vectors[j * d + k] *= j % 4;
  const { model, own } = modelOf(vectors, bias);
  const kernels = await rawKernels();
  const recommender = new Recommender(model, kernels, kind.scorer(model, kernels));
  const queries = model.markets[0].users!.map((user) => ({ market: 'de', user, k: 10, explain: true }));
  const together = recommender.recommendBatch(queries);
  expect(together).toEqual(queries.map((query) => recommender.recommend(query)));
  for (const [u, { items: found }] of together.entries()) {
    const scores = items.map((_, j) => dotOf(own, u * d, vectors, j * d, d) + (bias?.[j] ?? 0));
    const best = items
      .map((item, j) => ({ item, score: scores[j] }))
      .filter((_, j) => ![u, u + 100, u + 300].includes(j))
      .sort((a, b) => b.score - a.score)
      .slice(0, 10);
    expect(found.map(({ item }) => item)).toEqual(best.map(({ item }) => item));
    for (const [i, { score, because, own = 0, bias: ofItem = 0 }] of found.entries()) {
      expect(Math.abs(score - best[i].score)).toBeLessThan(1e-5);
      const sum = because!.reduce((total, { contribution }) => total + contribution, own + ofItem);
      expect(Math.abs(sum - score)).toBeLessThan(1e-4);
    }
  }
  recommender.close();
});

test('int8 keeps nine of ten of the best, whatever the lengths of the vectors', async () => {
  const vectors = randoms(n * d, 1);
  for (let j = 0; j < n; j++) for (let k = 0; k < d; k++) vectors[j * d + k] *= j % 10 === 0 ? 1 : 0.3;
  const { model } = modelOf(vectors);
  const kernels = await rawKernels();
  const topOf = (each: Model) => {
    const recommender = new Recommender(each, kernels, kind.scorer(each, kernels));
    return each.markets[0].users!.map((user) =>
      recommender.recommend({ market: 'de', user, k: 10 }).items.map(({ item }) => item),
    );
  };
  const whole = topOf(model);
  const { vectors: table, foldIn, userVectors, ...rest } = model.markets[0];
  // the registry may not have the kind: narrow as exportModel does
  const narrow = exportModel(
    { ...model, kind: 'm3rec', markets: [{ ...rest, vectors: table, foldIn, userVectors }] },
    { vectors: 'int8' },
  );
  const kept = topOf(narrow).map((top, u) => top.filter((item) => whole[u].includes(item)).length);
  expect(kept.reduce((sum, count) => sum + count, 0) / (10 * users)).toBeGreaterThan(0.9);
});

test('rows without length are no vectors of anybody, and all rows are unit rows', () => {
  const { vectors, cosineWeight } = dotParts(2, Float32Array.of(3, 4, 0, 0, 0.3, -0.4), new Float32Array(6));
  expect(cosineWeight).toBe(5);
  const table = vectors as Float32Array;
  for (let j = 0; j < 3; j++) expect(dotOf(table, j * 18, table, j * 18, 18)).toBeCloseTo(1, 6);
});
