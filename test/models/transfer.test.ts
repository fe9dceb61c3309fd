// Kind transfer, compared with plain f64: B with the other markets as prior, Jaccard, the score and what is said of
// items bought elsewhere.
import { beforeAll, describe, expect, it } from 'vitest';
import {
  assembleGenerated,
  decodeModel,
  encodeModel,
  exportModel,
  generateMarkets,
  loadModel,
  type Markets,
  type Model,
  train,
  update,
  withAssortment,
} from '../../src/index.ts';
import type { SparseMatrix } from '../../src/matrix/sparse.ts';
import { othersOf } from '../../src/models/transfer/others.ts';
import { denseEase } from '../support/transfer-reference.ts';

let markets: Markets;
let model: Model;
beforeAll(async () => {
  const generated = assembleGenerated(generateMarkets({ seed: 9, users: 300, items: 200, interactions: 3000 }));
  markets = withAssortment(generated, 'union');
  model = await train(markets, { model: 'transfer' });
});

const denseOf = ({ rows, cols, indptr, indices, values }: SparseMatrix): Float64Array => {
  const dense = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++)
    for (let e = indptr[i]; e < indptr[i + 1]; e++) dense[i * cols + indices[e]] = values[e];
  return dense;
};

describe('a market of kind transfer', () => {
  it('is EASE that shrinks to that of the other markets, as plain f64 has it', async () => {
    const whole = await train(markets, { model: 'transfer', epsilon: -1 });
    for (const [m, market] of markets.markets.entries()) {
      const prior = denseEase(othersOf(markets)(m).X, 10);
      const expected = denseEase(market.interactions, 40, prior, 0.35);
      const found = denseOf(whole.markets[m].linear!);
      // a system has the items that matter most to its group; the others would move entries by less than this
      for (const [e, value] of expected.entries()) expect(Math.abs(found[e] - value)).toBeLessThan(2e-2);
    }
  });

  it('adds to the sum over the history what its closest item says', async () => {
    const plain = await train(markets, { model: 'transfer', singularVectors: 0 });
    expect(plain.dim).toBe(0);
    const recommender = await loadModel(encodeModel(plain));
    const { exports } = recommender.kernels;
    expect(typeof exports.scoreSumsAndMaxima).toBe('function');
    for (const { name, items, linear, maxima, bias, seenItems } of plain.markets) {
      const history = seenItems!.indices.slice(0, seenItems!.indptr[1]);
      const expected = Float64Array.from(items, (_, j) => {
        let sum = 0;
        let largest = 0;
        for (const i of history)
          for (let e = linear!.indptr[i]; e < linear!.indptr[i + 1]; e++)
            if (linear!.indices[e] === j) {
              sum += linear!.values[e];
              largest = Math.max(largest, maxima![e]);
            }
        return sum + largest + bias![j];
      });
      const scores = recommender.scores(name, history);
      for (const [j, score] of scores.entries()) expect(Math.abs(score - expected[j])).toBeLessThan(1e-5);
      const ids = Array.from(history, (i) => model.items[items[i]]);
      const { items: found } = recommender.recommend({ market: name, items: ids, k: 20, explain: true });
      for (const { score, because, bias: own } of found)
        expect(because!.reduce((sum, { contribution }) => sum + contribution, own!)).toBeCloseTo(score, 5);
      const similar = recommender.similar({ market: name, item: ids[0], k: 5 });
      const row = denseOf(linear!).subarray(history[0] * items.length, (history[0] + 1) * items.length);
      const largest = denseOf({ ...linear!, values: maxima! }).subarray(history[0] * items.length);
      const best = Math.max(...row.map((value, j) => value + largest[j]));
      expect(similar[0].score).toBeCloseTo(best, 5);
    }
  });

  it('adds the cosine of item vectors, which all markets share, and explains it', async () => {
    const recommender = await loadModel(encodeModel(model));
    const { dim } = model;
    expect(dim).toBe(208); // no more than 200 items can use
    const plain = await train(markets, { model: 'transfer', singularVectors: 0 });
    const without = await loadModel(encodeModel(plain));
    const seen = new Map<number, Float32Array>();
    for (const { name, items, vectors, foldIn, cosineWeight, seenItems } of model.markets) {
      expect(foldIn).toBeUndefined();
      expect(cosineWeight).toBeCloseTo(0.15);
      const rowOf = (j: number) => (vectors as Float32Array).subarray(dim * j, dim * (j + 1));
      for (const [j, item] of items.entries()) {
        expect(rowOf(j)).toEqual(seen.get(item) ?? rowOf(j));
        seen.set(item, rowOf(j));
      }
      const history = seenItems!.indices.slice(0, seenItems!.indptr[1]);
      const u = Float64Array.from({ length: dim }, (_, k) => history.reduce((sum, i) => sum + rowOf(i)[k], 0));
      const linear = without.scores(name, history);
      for (const [j, score] of recommender.scores(name, history).entries()) {
        const product = u.reduce((sum, value, k) => sum + value * rowOf(j)[k], 0);
        expect(score - linear[j]).toBeCloseTo((0.15 * product) / Math.hypot(...u), 5);
      }
      const ids = Array.from(history, (i) => model.items[items[i]]);
      for (const { score, because, bias } of recommender.recommend({ market: name, items: ids, explain: true }).items)
        expect(because!.reduce((sum, { contribution }) => sum + contribution, bias!)).toBeCloseTo(score, 5);
    }
  });

  it('says of an item that nobody there has bought where somebody has', async () => {
    const recommender = await loadModel(encodeModel(model));
    let marked = 0;
    for (const [m, { name, popularity, items }] of model.markets.entries()) {
      const { items: all } = recommender.recommend({ market: name, items: [], k: items.length });
      for (const { item, boughtIn } of all) {
        const position = items.indexOf(model.items.indexOf(item));
        const others = markets.markets.filter((other, o) => {
          const at = other.items.indexOf(model.items.indexOf(item));
          return o !== m && other.interactions.indices.includes(at);
        });
        if (popularity[position] > 0) expect(boughtIn).toBe(undefined);
        else expect(boughtIn).toEqual(others.map((other) => other.name));
        if (boughtIn) marked++;
      }
      // those with users here come first, then those with users elsewhere
      expect(all.findIndex(({ boughtIn }) => boughtIn)).toBe(popularity.filter((count) => count > 0).length);
    }
    expect(marked).toBeGreaterThan(10);
  });

  it('survives the file, an export of one market, and an update, to the bit what a training makes', async () => {
    const bytes = encodeModel(model);
    expect(encodeModel(decodeModel(bytes))).toEqual(bytes);
    const [name] = [model.markets[0].name];
    const edge = decodeModel(encodeModel(exportModel(model, { markets: [name], users: false, neighbours: 5 })));
    const [market] = edge.markets;
    expect(market.maxima!.length).toBe(market.linear!.indices.length);
    expect(market.otherMarkets).toEqual(model.markets[0].otherMarkets);
    expect((await loadModel(encodeModel(edge))).recommend({ market: name, items: [] }).items).toHaveLength(10);

    const first = {
      ...markets,
      markets: markets.markets.map((each) => ({ ...each, ...withoutLast(each.interactions) })),
    };
    const base = await train(first, { model: 'transfer' });
    const { model: grown } = await update(base, markets);
    expect(grown.markets).toEqual(model.markets);

    const { singularVectors, cosineWeight, ...recorded } = base.training.options as Record<string, unknown>;
    expect([singularVectors, cosineWeight]).toEqual([256, 0.15]);
    const plain = await train(first, { model: 'transfer', singularVectors: 0 });
    const older = { ...plain, training: { ...plain.training, options: recorded } };
    expect((await update(older, markets)).model.markets.every(({ vectors }) => vectors === undefined)).toBe(true);
  });
});

/** Every user but without the last item, if there are more. */
function withoutLast(X: Markets['markets'][number]['interactions']) {
  const rows = Array.from({ length: X.rows }, (_, u) => {
    const row = Array.from(X.indices.subarray(X.indptr[u], X.indptr[u + 1]));
    return row.length > 1 ? row.slice(0, -1) : row;
  });
  const indptr = new Int32Array(X.rows + 1);
  for (const [u, row] of rows.entries()) indptr[u + 1] = indptr[u] + row.length;
  return { interactions: { ...X, indptr, indices: Int32Array.from(rows.flat()) } };
}

it('serves a market that has a list of items and nobody yet, from what the others know', async () => {
  const [first, ...rest] = markets.markets;
  const n = first.items.length;
  const empty = {
    ...first,
    users: [],
    interactions: { rows: 0, cols: n, indptr: new Int32Array(1), indices: new Int32Array(0) },
    heldOut: {},
  };
  const data = { ...markets, markets: [empty, ...rest] };
  const recommender = await loadModel(encodeModel(await train(data, { model: 'transfer' })));
  const visitor = rest[0].interactions.indices.slice(0, rest[0].interactions.indptr[1]);
  const ids = Array.from(visitor, (i) => markets.items[rest[0].items[i]]);
  const { items, fallback } = recommender.recommend({ market: first.name, items: ids, explain: true });
  expect(fallback).toBe(undefined);
  expect(items[0].because![0].contribution).toBeGreaterThan(0);
  expect(items.every(({ boughtIn }) => boughtIn)).toBe(true);
  expect(recommender.recommend({ market: first.name, items: [] }).fallback).toBe('popularity');
});

it('puts an item that nobody anywhere has bought last, in models of every kind', async () => {
  const [{ name }] = markets.markets;
  const data = withAssortment(markets, { [name]: ['nobody has this'] });
  for (const options of [{ model: 'transfer' }, { model: 'ease' }, { model: 'popularity' }] as const) {
    const recommender = await loadModel(encodeModel(await train(data, options)));
    for (const items of [[], [data.items[0]]]) {
      const all = recommender.recommend({ market: name, items, k: 1000, includeSeen: true }).items;
      expect(all[all.length - 1]).toMatchObject({ item: 'nobody has this', boughtIn: [] });
    }
  }
});
