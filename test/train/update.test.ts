// A model that is updated equals one that is trained on everything: exactly in what is counted, but for rounding in
// EASE.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble, type RawMarket } from '../../src/data/assemble.ts';
import {
  AbortedError,
  ADDED_SHARE,
  ArgumentError,
  assembleGenerated,
  decodeModel,
  encodeModel,
  generateMarkets,
  inspectModel,
  loadModel,
  type MarketModel,
  type Markets,
  type Model,
  ModelFileError,
  NO_VECTOR_SHARE,
  RESIDUAL_TOLERANCE,
  type StageReport,
  type TrainOptions,
  train,
  update,
} from '../../src/index.ts';
import type { SparseMatrix } from '../../src/matrix/sparse.ts';
import { TILE, tileIndex, tileValues } from '../../src/matrix/tiles.ts';
import { LENGTHS, randoms, rawKernels, worst } from '../support/reference.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

/**
 * Of the entries of B̂ that both keep, |updated − refit| / refit, one update at λ ≥ 5. Both have the roundings of the
 * sweep, so the refit is off by as much. Largest seen: 1.3e-4 on dense generated markets, 4e-7 in 3,000 random cases
 * (at 12,015 items: see bench/results/update/exact/amd-epyc-2-avx512.md).
 */
const RELATIVE_TOLERANCE = 2e-4;
/** The same after 20 updates, whose roundings add up. Largest seen: 5e-5. */
const CHAIN_TOLERANCE = 1.5e-4;
/**
 * Absolute, for entries of any size (within ±1); one entry may be on either side of ε by as much. Largest seen: 8e-7.
 */
const ABSOLUTE_TOLERANCE = 1e-6;
/** Scores are sums over a history of up to some hundred entries. */
const SCORE_TOLERANCE = 1e-5;

type Row = [market: string, user: string, item: string];

function marketsOf(rows: readonly Row[]): Markets {
  const items = [...new Set(rows.map(([, , item]) => item))];
  const itemNumber = new Map(items.map((item, i) => [item, i]));
  const raw = [...new Set(rows.map(([market]) => market))].map((name): RawMarket => {
    const own = rows.filter(([market]) => market === name);
    const users = [...new Set(own.map(([, user]) => user))];
    const userNumber = new Map(users.map((user, i) => [user, i]));
    return {
      name,
      users,
      trainUsers: Int32Array.from(own, ([, user]) => userNumber.get(user)!),
      trainItems: Int32Array.from(own, ([, , item]) => itemNumber.get(item)!),
      heldOut: {},
    };
  });
  return assemble(items, raw);
}

function rowsOf({ items, markets }: Markets): Row[] {
  return markets.flatMap(({ name, users, items: own, interactions: { indptr, indices } }) =>
    users.flatMap((user, u) =>
      Array.from(indices.subarray(indptr[u], indptr[u + 1]), (item): Row => [name, user, items[own[item]]]),
    ),
  );
}

/** Cut at random, `share` of the rows first; every market has some of these. */
function cut(rows: readonly Row[], share: number, seed: number): [Row[], Row[]] {
  const random = new SplitMix(seed);
  const first: Row[] = [];
  const rest: Row[] = [];
  for (const row of rows)
    (random.next() < share || !first.some(([market]) => market === row[0]) ? first : rest).push(row);
  return [first, rest];
}

const generatedRows = (users: number, items: number, interactions: number) =>
  rowsOf(assembleGenerated(generateMarkets({ seed: 5, users, items, interactions })));

/** Largest differences over the entries of both, and of the entries of one alone from ε. */
function difference(found: SparseMatrix, expected: SparseMatrix, epsilon: number) {
  let relative = 0;
  let absolute = 0;
  let alone = 0;
  expect([found.rows, found.cols]).toEqual([expected.rows, expected.cols]);
  for (let row = 0; row < expected.rows; row++) {
    const values = new Map<number, number>();
    for (let e = found.indptr[row]; e < found.indptr[row + 1]; e++) values.set(found.indices[e], found.values[e]);
    for (let e = expected.indptr[row]; e < expected.indptr[row + 1]; e++) {
      const value = expected.values[e];
      const other = values.get(expected.indices[e]);
      values.delete(expected.indices[e]);
      if (other === undefined) alone = Math.max(alone, Math.abs(value - epsilon));
      else {
        absolute = Math.max(absolute, Math.abs(value - other));
        relative = Math.max(relative, Math.abs(value - other) / Math.abs(value));
      }
    }
    for (const value of values.values()) alone = Math.max(alone, Math.abs(value - epsilon));
  }
  return { relative, absolute, alone };
}

/** Faster than toEqual by far. */
const sameBytes = (a: Uint8Array | Float32Array, b: Uint8Array | Float32Array) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

/** All that is counted, not solved or learned. */
const counted = ({ name, items, popularity, users, seenItems, bias }: MarketModel) => ({
  name,
  items,
  popularity,
  users,
  seenItems,
  bias,
});

/** The same best items, but where scores are equal within the tolerance. */
async function expectSameRecommendations(updated: Model, refit: Model, everyone = false): Promise<void> {
  const [found, expected] = [await loadModel(encodeModel(updated)), await loadModel(encodeModel(refit))];
  for (const { name, users } of refit.markets) {
    for (const user of everyone ? users! : users!.slice(0, 5)) {
      const query = { market: name, user, k: 10 };
      const [a, b] = [found.recommend(query), expected.recommend(query)];
      expect(a.fallback).toBe(b.fallback);
      expect(a.items).toHaveLength(b.items.length);
      const scores = new Map(
        expected
          .rank({ market: name, user, candidates: a.items.map(({ item }) => item) })
          .map(({ item, score }) => [item, score]),
      );
      for (const [place, { item, score }] of a.items.entries()) {
        expect(Math.abs(score - b.items[place].score), `${name} ${user} place ${place}`).toBeLessThanOrEqual(
          SCORE_TOLERANCE,
        );
        if (!a.fallback)
          expect(Math.abs(scores.get(item)! - b.items[place].score)).toBeLessThanOrEqual(2 * SCORE_TOLERANCE);
      }
    }
  }
}

describe('kernels of woodbury.ts', async () => {
  const { exports, memory } = await rawKernels();
  /** A symmetric matrix of blocks · t rows as lower tiles, and whole in f64. */
  const symmetric = (t: number, blocks: number) => {
    const width = t * blocks;
    const some = randoms(width * width, 7);
    const dense = Float64Array.from(
      { length: width * width },
      (_, at) => some[Math.min(at, (at % width) * width + Math.floor(at / width))],
    );
    const tiles = new Float32Array((t * t * blocks * (blocks + 1)) / 2);
    for (let I = 0; I < blocks; I++)
      for (let J = 0; J <= I; J++)
        for (let r = 0; r < t; r++)
          for (let c = 0; c < t; c++)
            tiles[((I * (I + 1)) / 2 + J) * t * t + r * t + c] = dense[(I * t + r) * width + J * t + c];
    return { width, dense, tiles };
  };

  test('gatherRows sums weighted rows in f64, onto what is there', () => {
    for (const [t, blocks] of [
      [8, 1],
      [8, 3],
      [16, 2],
      [256, 2],
    ]) {
      const { width, dense, tiles } = symmetric(t, blocks);
      for (const count of LENGTHS.filter((length) => length <= width)) {
        const items = Int32Array.from({ length: count }, (_, c) => (7 * c) % width);
        const weights = randoms(count, 3);
        const expected = new Float64Array(width)
          .fill(0.5)
          .map((start, j) => items.reduce((sum, item, c) => sum + weights[c] * dense[item * width + j], start));
        const mark = memory.mark();
        const out = memory.put(new Float64Array(width).fill(0.5));
        exports.gatherRows(memory.put(tiles), t, blocks, count, memory.put(items), memory.put(weights), out);
        expect(worst(memory.f64(out, width), expected)).toBeLessThan(1e-14);
        memory.release(mark);
      }
    }
  });

  test('narrow rounds to f32', () => {
    for (const n of LENGTHS) {
      const x = Float64Array.from(randoms(n, 5), (value) => value / 3);
      const out = memory.allocate(4 * n);
      exports.narrow(n, memory.put(x), out);
      expect(memory.f32(out, n)).toEqual(Float32Array.from(x));
    }
  });

  test('packColumns and addProducts add sign · YᵀU to whole tiles and to no other', () => {
    for (const [t, blocks] of [
      [8, 3],
      [16, 2],
      [64, 2],
    ]) {
      for (const k of LENGTHS.filter((length) => length > 0)) {
        const { width, tiles } = symmetric(t, blocks);
        const y = randoms(k * width, 1);
        const u = randoms(k * width, 2);
        const mark = memory.mark();
        const [address, from, to] = [memory.put(tiles), memory.put(y), memory.put(u)];
        const [lefts, rights, scratch] = [4 * k * width, 4 * k * width, exports.gemmWorkspaceBytes()].map((bytes) =>
          memory.allocate(bytes),
        );
        for (let i = 0; i < blocks; i++) {
          exports.packColumns(4, from + 4 * t * i, width, t, k, lefts + 4 * t * k * i);
          exports.packColumns(8, to + 4 * t * i, width, t, k, rights + 4 * t * k * i);
        }
        // block-row 0 is left out
        for (let i = 1; i < blocks; i++)
          for (let j = 0; j <= i; j++) exports.addProducts(address, t, k, i, j, j + 1, -1, lefts, rights, scratch);
        const expected = Float64Array.from(tiles);
        for (let I = 1; I < blocks; I++)
          for (let J = 0; J <= I; J++)
            for (let r = 0; r < t; r++)
              for (let c = 0; c < t; c++)
                for (let p = 0; p < k; p++)
                  expected[((I * (I + 1)) / 2 + J) * t * t + r * t + c] -=
                    y[p * width + I * t + r] * u[p * width + J * t + c];
        expect(worst(memory.f32(address, tiles.length), expected)).toBeLessThan(4 * (k + 2) * 2 ** -24);
        memory.release(mark);
      }
    }
  });
});

describe('update equals a refit', () => {
  const row = fc.tuple(
    fc.constantFrom('a', 'b', 'c'),
    fc.integer({ min: 0, max: 14 }).map(String),
    fc.integer({ min: 0, max: 59 }).map(String),
  );
  // of few items and of many, next to which a few new rows are less than what is inverted again
  const rows = fc.oneof(
    fc.array(row, { minLength: 1, maxLength: 250 }),
    fc.array(row, { minLength: 120, maxLength: 250 }),
  );

  test('ease on random rows: new and known users and items, in as many markets', async () => {
    let woodbury = 0;
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.oneof(fc.array(row, { minLength: 1, maxLength: 6 }), fc.array(row, { maxLength: 30 })),
        fc.constantFrom(5, 25, 100),
        fc.constantFrom(0.01, -1),
        async (first, more, lambdaF, epsilon) => {
          const options: TrainOptions = { model: 'ease', lambdaF, epsilon };
          const second = more.filter(([market]) => first.some(([known]) => known === market));
          const base = await train(marketsOf(first), { ...options, updatable: true });
          const bytes = encodeModel(base);
          const refit = await train(marketsOf([...first, ...second]), { ...options, updatable: true });
          const { model, added } = await update(base, marketsOf(second), {
            onStage: ({ detail }) => !detail.includes(' 0 changed rows') && woodbury++,
          });
          expect(added.interactions).toBe(
            rowsOf(marketsOf([...first, ...second])).length - rowsOf(marketsOf(first)).length,
          );
          expect(added.items).toBe(refit.items.length - base.items.length);
          expect(model.items).toEqual(refit.items);
          expect(model.markets.map(counted)).toEqual(refit.markets.map(counted));
          for (const [m, market] of model.markets.entries()) {
            const { relative, absolute, alone } = difference(market.linear!, refit.markets[m].linear!, epsilon);
            if (epsilon > 0) expect(relative).toBeLessThanOrEqual(RELATIVE_TOLERANCE);
            expect(absolute).toBeLessThanOrEqual(ABSOLUTE_TOLERANCE);
            expect(alone).toBeLessThanOrEqual(epsilon > 0 ? ABSOLUTE_TOLERANCE : 0);
          }
          expect(worst(model.inverse!, refit.inverse!)).toBeLessThanOrEqual(ABSOLUTE_TOLERANCE);
          await expectSameRecommendations(model, refit);
          // neither the model nor its file is touched
          expect(sameBytes(encodeModel(base), bytes)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
    expect(woodbury).toBeGreaterThan(10);
  });

  test.each([
    ['a few of the rows, two blocks of changes, four block-rows of tiles', 0.996],
    ['more changed rows than items, which is inverted again', 0.4],
  ])('ease on generated markets: %s', async (_, share) => {
    const some = generatedRows(1800, 900, 60_000);
    const [first, second] = cut(some, share, 1);
    // items that sort before, between and after those that there are
    for (const item of ['A', 'A2', `${first[40][2]}0`, `${first[400][2]}0`, 'zz'])
      second.push(['us', 'newcomer', item], ['us', first.find(([market]) => market === 'us')![1], item]);
    const all = [...first, ...second];
    // no entry of these is at ε, where it could be kept by one alone and be missing from a score
    const epsilon = 0.0101;
    const base = await train(marketsOf(first), { model: 'ease', updatable: true, epsilon });
    const refit = await train(marketsOf(all), { model: 'ease', updatable: true, epsilon });
    const stages: StageReport[] = [];
    const {
      model,
      residual,
      refit: reasons,
    } = await update(base, marketsOf(second), { onStage: (stage) => stages.push(stage) });
    expect(base.items.length).toBeLessThan(refit.items.length);
    expect(stages.map(({ stage, peakBytes }) => [stage, peakBytes > 4 * tileValues(refit.items.length)])).toEqual([
      ['similarity of all markets', true],
    ]);
    const changed = Number(/([\d,]+) changed rows/.exec(stages[0].detail)![1].replace(',', ''));
    if (share < 0.5) {
      expect(changed).toBe(0);
      expect(sameBytes(model.inverse!, refit.inverse!)).toBe(true);
    } else expect(changed).toBeGreaterThan(256);
    for (const [m, market] of model.markets.entries()) {
      const { relative, alone } = difference(market.linear!, refit.markets[m].linear!, epsilon);
      expect(relative).toBeLessThanOrEqual(RELATIVE_TOLERANCE);
      expect(alone).toBeLessThanOrEqual(ABSOLUTE_TOLERANCE);
    }
    expect(residual).toBeLessThan(1e-5);
    expect(reasons).toEqual([]);
    await expectSameRecommendations(model, refit, true);
  });

  test('ease after 20 updates, each through the file', async () => {
    const all = generatedRows(1500, 620, 15_000);
    const [first, rest] = cut(all, 0.8, 2);
    let model = await train(marketsOf(first), { model: 'ease', updatable: true });
    for (let step = 0; step < 20; step++) {
      const some = rest.filter((_, at) => at % 20 === step);
      const result = await update(decodeModel(encodeModel(model)), marketsOf(some));
      expect(result.added.interactions).toBe(some.length);
      expect(result.sinceFit.updates).toBe(step + 1);
      model = result.model;
    }
    expect(model.training.updates).toMatchObject({ updates: 20, interactions: rest.length });
    const refit = await train(marketsOf(all), { model: 'ease', easeSolver: 'exact' });
    for (const [m, market] of model.markets.entries()) {
      const { relative, alone } = difference(market.linear!, refit.markets[m].linear!, 0.01);
      expect(relative).toBeLessThanOrEqual(CHAIN_TOLERANCE);
      expect(alone).toBeLessThanOrEqual(ABSOLUTE_TOLERANCE);
    }
    await expectSameRecommendations(model, refit, true);
  });

  const QUICK: TrainOptions = { dim: 16, walks: 1, walkLength: 8, window: 2, negatives: 2, epochs: 1 };

  test('preset softmax: linear scores as a refit has them, vectors as they were, zero for new items', async () => {
    const all = generatedRows(400, 240, 4000);
    const [first, second] = cut(all, 0.95, 3);
    const [[market, user]] = first;
    second.push(
      ['us', 'newcomer', 'A first'],
      ['us', 'newcomer', 'zz last'],
      ['de', 'newcomer', 'zz last'],
      [market, user, 'A first'],
    );
    // every similarity is kept, so that no entry is on the other side of ε
    const options: TrainOptions = { ...QUICK, epsilon: -1 };
    const base = await train(marketsOf(first), { ...options, updatable: true });
    const refit = await train(marketsOf([...first, ...second]), { ...options, updatable: true });
    const stages: string[] = [];
    const { model, added, sinceFit } = await update(base, marketsOf(second), {
      onStage: ({ stage }) => stages.push(stage),
    });
    expect(stages).toEqual([
      'similarity of all markets',
      'walk scores',
      ...base.markets.map(({ name }) => `similarity of ${name}`),
    ]);
    expect(added.users).toBeGreaterThanOrEqual(2);
    expect(sinceFit).toEqual({ ...added, updates: 1 });
    expect(model.items).toEqual(refit.items);
    expect(model.markets.map(counted)).toEqual(refit.markets.map(counted));
    const newItems = new Set(refit.items.filter((item) => !base.items.includes(item)));
    expect([...newItems]).toEqual(expect.arrayContaining(['A first', 'zz last']));
    for (const [m, market] of model.markets.entries()) {
      const old = base.markets[m];
      // S adds the two similarities and 3 times RP3β
      const { absolute, alone } = difference(market.linear!, refit.markets[m].linear!, 0);
      expect(absolute).toBeLessThanOrEqual(3 * ABSOLUTE_TOLERANCE);
      expect(alone).toBe(0);
      expect(worst(market.inverse!, refit.markets[m].inverse!)).toBeLessThanOrEqual(ABSOLUTE_TOLERANCE);
      expect([market.linearWeight, market.linearPower, market.cosineWeight]).toEqual([
        old.linearWeight,
        old.linearPower,
        old.cosineWeight,
      ]);
      const oldPosition = new Map(Array.from(old.items, (item, i) => [base.items[item], i]));
      for (const [i, item] of market.items.entries()) {
        const from = oldPosition.get(model.items[item]);
        for (const table of ['foldIn', 'vectors'] as const) {
          const found = market[table]!.subarray(16 * i, 16 * (i + 1));
          expect(found).toEqual(
            from === undefined ? new Float32Array(16) : old[table]!.subarray(16 * from, 16 * (from + 1)),
          );
        }
      }
    }
    const recommender = await loadModel(encodeModel(model));
    expect(recommender.recommend({ market: 'us', user: 'newcomer', k: 5 }).items).toHaveLength(5);
  });

  test('popularity needs no inverse', async () => {
    const [first, second] = cut(generatedRows(200, 200, 1500), 0.8, 4);
    const base = await train(marketsOf(first), { model: 'popularity' });
    const { model, residual, refit } = await update(base, marketsOf(second));
    expect(model.markets).toEqual(
      (await train(marketsOf([...first, ...second]), { model: 'popularity' })).markets.map((market) => ({ ...market })),
    );
    expect([residual, refit]).toEqual([null, []]);
  });
});

describe('update', () => {
  const rows = generatedRows(300, 200, 2500);
  const [first, second] = cut(rows, 0.99, 5);
  const trained = (options: TrainOptions & { updatable?: boolean } = {}) =>
    train(marketsOf(first), { model: 'ease', updatable: true, ...options });

  test('gives the same bytes twice, and changes nothing where nothing is new', async () => {
    const base = await trained();
    const one = await update(base, marketsOf(second));
    const two = await update(decodeModel(encodeModel(base)), marketsOf(second));
    expect(sameBytes(encodeModel(two.model), encodeModel(one.model))).toBe(true);
    for (const nothing of [marketsOf(second), marketsOf([...second, ...first.slice(0, 50)]), marketsOf([])]) {
      const again = await update(one.model, nothing);
      expect(again.model).toBe(one.model);
      expect(again).toMatchObject({
        added: { users: 0, items: 0, interactions: 0 },
        sinceFit: one.sinceFit,
        residual: one.residual,
      });
    }
  });

  test('rests on sections that change nothing else, that inspect shows and that are checked', async () => {
    const base = await trained({ easeSolver: 'exact' });
    expect(
      sameBytes(
        encodeModel({ ...base, inverse: undefined }),
        encodeModel(await trained({ updatable: false, easeSolver: 'exact' })),
      ),
    ).toBe(true);
    const bytes = encodeModel(base);
    const { inverse: decoded, ...others } = decodeModel(bytes);
    expect(sameBytes(decoded!, base.inverse!)).toBe(true);
    expect(others).toEqual({ ...base, inverse: undefined });
    expect(inspectModel(bytes).sections.find(({ kind }) => kind === 'inverse')).toMatchObject({
      market: null,
      dtype: 'f32',
      rows: 1,
      cols: TILE * TILE,
    });
    const n = base.items.length;
    expect(base.inverse).toHaveLength(tileValues(n));
    for (const [i, j, value] of [
      [3, 3, 0],
      [3, 3, 1],
      [n, n, 1],
      [n, 0, 0.5],
      [0, n, 0.5],
      [TILE - 1, n, 0.5],
      [5, 6, Number.NaN],
    ]) {
      const inverse = base.inverse!.slice();
      inverse[tileIndex(i, j)] = value;
      expect(() => encodeModel({ ...base, inverse }), `${i}, ${j}: ${value}`).toThrow(ModelFileError);
    }
    expect(() => encodeModel({ ...base, inverse: base.inverse!.slice(1) })).toThrow(ModelFileError);
    expect(() => encodeModel({ ...base, inverse: new Float32Array(3 * TILE * TILE) })).toThrow(
      /inverse.*shape 3 × 65536, expected 1 × 65536/,
    );
  });

  test('says what it cannot do and what to do instead', async () => {
    const base = await trained();
    const more = marketsOf(second);
    const refused = async (model: Model, added: Markets, message: RegExp) => {
      const error = await update(model, added).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(ArgumentError);
      expect(error.message).toMatch(message);
    };
    await refused(
      await trained({ updatable: false }),
      more,
      /^model: it lacks the inverses .*train it with `updatable: true` \(m3rec train --updatable\)$/,
    );
    await refused(
      { ...base, markets: base.markets.map(({ users, seenItems, ...market }) => market) },
      more,
      /^model: market "de" has no users, which an update needs; /,
    );
    await refused(
      base,
      marketsOf([...second, ['fr', 'u', 'P1']]),
      /markets: found "fr", expected the model's markets \(de, in, jp, uk, us\): a new market needs a new training/,
    );
    await refused(
      await train(marketsOf(first), { preset: 'paper', dim: 16, walks: 1, walkLength: 8, epochs: 1 }),
      more,
      /^model: a model that scores by its vectors alone \(preset paper\) cannot be updated; train it again$/,
    );
    await refused({ ...base, training: {} }, more, /training.options.lambdaF: found undefined/);
    await refused(
      { ...base, training: { ...base.training, updates: { users: -1 } } },
      more,
      /training.updates.users: found -1/,
    );
    // twice the inverse, and that of nothing
    await refused(
      { ...base, inverse: base.inverse!.map((value) => 20 * value) },
      more,
      /^model: the inverse of .* is not that of its histories; train the model again$/,
    );
    await refused(
      { ...base, inverse: base.inverse!.map((value) => value * 1e30) },
      more,
      /is not that of its histories/,
    );
    await expect(train(marketsOf(first), { preset: 'paper', updatable: true })).rejects.toThrow(
      /^updatable: only a model with linear scores/,
    );
  });

  test('an updatable model that no file could hold is refused before the work starts', async () => {
    const items = 31_000;
    const huge: Markets = {
      items: Array.from({ length: items }, (_, i) => `i${String(i).padStart(6, '0')}`),
      markets: [
        {
          name: 'm',
          users: ['u'],
          items: Int32Array.from({ length: items }, (_, i) => i),
          interactions: { rows: 1, cols: items, indptr: Int32Array.of(0, 2), indices: Int32Array.of(0, 1) },
          heldOut: {},
        },
      ],
    };
    await expect(train(huge, { model: 'ease', updatable: true })).rejects.toThrow(
      /inverses of an updatable model take 1\.9\d GB, and a model file can hold 1\.90 GB/,
    );
  });

  test('reports progress, stops at a signal', async () => {
    const base = await trained();
    const seen = new Set<string>();
    await update(base, marketsOf([...second, ['us', 'u', 'new item']]), {
      onProgress: ({ stage, done, total }) => {
        seen.add(stage);
        expect(done).toBeLessThanOrEqual(total);
      },
    });
    const stage = 'similarity of all markets';
    expect([...seen]).toEqual([
      `${stage}: order`,
      `${stage}: new items`,
      stage,
      `${stage}: residual`,
      `${stage}: filter`,
    ]);
    for (const each of seen) {
      const controller = new AbortController();
      await expect(
        update(base, marketsOf([...second, ['us', 'u', 'new item']]), {
          signal: controller.signal,
          onProgress: (progress) => progress.stage === each && controller.abort(),
        }),
      ).rejects.toThrow(AbortedError);
    }
  });

  test('says when a refit is due', async () => {
    const options = { model: 'm3rec', dim: 16, walks: 1, walkLength: 8, window: 2, negatives: 2, epochs: 1 } as const;
    const base = await trained(options);
    const user = (rest: Row[]): Row[] => rest.map(([market, , item], at) => [market, `one more ${at % 7}`, item]);
    const few = await update(base, marketsOf(second.slice(0, 20)));
    expect(few.refit).toEqual([]);
    const many = await update(few.model, marketsOf(user(first).slice(0, Math.ceil(2 * ADDED_SHARE * first.length))));
    expect(many.sinceFit.updates).toBe(2);
    expect(many.sinceFit.interactions / first.length).toBeGreaterThan(ADDED_SHARE);
    expect(many.refit).toEqual([
      expect.stringMatching(
        /^updates have added \d+\.\d % to the interactions that the vectors were trained on, more than 25\.0 %$/,
      ),
    ]);
    expect((await update(many.model, marketsOf([]))).refit).toEqual(many.refit);
    const strange = Array.from(
      { length: Math.ceil(2 * NO_VECTOR_SHARE * first.length) },
      (_, i): Row => ['us', `n${i}`, 'unheard of'],
    );
    expect((await update(base, marketsOf(strange))).refit).toEqual([
      expect.stringMatching(/^[34]\.\d % of the interactions are with items that have no vector, more than 2\.0 %$/),
    ]);
    // an EASE model has no vectors to grow old; an inverse a little off is what rounding would come to
    const ease = await trained();
    expect((await update(ease, marketsOf([...strange, ...user(first)]))).refit).toEqual([]);
    const worn = await update(
      { ...ease, inverse: ease.inverse!.map((value) => value * (1 + 5 * RESIDUAL_TOLERANCE)) },
      marketsOf(second),
    );
    expect(worn.refit).toEqual([expect.stringMatching(/^the inverse is off by \d\.\de-\d, more than 0\.0001$/)]);
  });
});
