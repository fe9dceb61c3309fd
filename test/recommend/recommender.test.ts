import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { ArgumentError, ModelFileError } from '../../src/common/errors.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { init } from '../../src/engine/init.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import type { Model } from '../../src/model/model.ts';
import { encodeModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import { Recommender } from '../../src/models/recommender.ts';
import { LOWEST_SCORE } from '../../src/recommend/query.ts';
import { fullModel, pattern, sparse } from '../support/small-model.ts';

/** Five items; a likes b (3) and c (2), b likes c (4), e says nothing. */
const linear: Model = {
  kind: 'ease',
  dim: 0,
  items: ['a', 'b', 'c', 'd', 'e', 'z'],
  markets: [
    {
      name: 'm',
      items: Int32Array.of(0, 1, 2, 3, 4),
      popularity: Uint32Array.of(5, 9, 2, 9, 1),
      linear: sparse(
        [
          [0, 3, 2, 0, 0],
          [0, 0, 4, 0, 0],
          [1, 1, 0, 0, 0],
          [0, 0, 0, 0, 6],
          [0, 0, 0, 0, 0],
        ],
        5,
      ),
      linearWeight: 2,
      linearPower: 1,
      cosineWeight: 0,
      users: ['__proto__', 'u'],
      seenItems: pattern([[0, 1], []], 5),
    },
    {
      name: 'other',
      items: Int32Array.of(5),
      popularity: Uint32Array.of(1),
      linearWeight: 0,
      linearPower: 0,
      cosineWeight: 0,
    },
  ],
  training: {},
};

/** d = 2: items point along x, y, x and nowhere; P of a is (2, 0), of b (0, 1), of d zero. */
const cosine: Model = {
  kind: 'm3rec',
  dim: 2,
  items: ['a', 'b', 'c', 'd'],
  markets: [
    {
      name: 'm',
      items: Int32Array.of(0, 1, 2, 3),
      popularity: Uint32Array.of(1, 2, 3, 4),
      foldIn: Float32Array.of(2, 0, 0, 1, 4, 0, 0, 0),
      vectors: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 0),
      linearWeight: 0,
      linearPower: 0,
      cosineWeight: 10,
      users: ['u'],
      seenItems: pattern([[0, 3]], 4),
      userVectors: Float32Array.of(1, 2),
    },
  ],
  training: {},
};

let ease: Recommender;
let m3rec: Recommender;
let full: Recommender;
beforeAll(async () => {
  ease = await loadModel(encodeModel(linear));
  m3rec = await loadModel(encodeModel(cosine));
  full = await loadModel(encodeModel(fullModel()));
});

const ids = ({ items }: { items: { item: string }[] }) => items.map(({ item }) => item);

describe('recommend', () => {
  it('scores by the linear term, ties to the lower index', () => {
    // History a, b: c gets 2 · (2 + 4) / 2, b and a are seen.
    const { items, fallback, unknownItems } = ease.recommend({
      market: 'm',
      items: ['b', 'a', 'a', 'z', '__proto__'],
      k: 2,
    });
    expect(items).toEqual([
      { item: 'c', score: 6 },
      { item: 'd', score: 0 },
    ]);
    expect(fallback).toBeUndefined();
    expect(unknownItems).toEqual(['z', '__proto__']);
    expect(ease.recommend({ market: 'm', user: '__proto__', k: 2 }).items).toEqual(items);
  });

  it('scores by the cosine with the mean of the rows that are not zero, and the own offset of a known user', () => {
    expect(m3rec.recommend({ market: 'm', items: ['a', 'd'] }).items).toEqual([
      { item: 'c', score: 10 },
      { item: 'b', score: 0 },
    ]);
    // u = (2, 0) / 1 + (1, 2) = (3, 2)
    const own = m3rec.recommend({ market: 'm', user: 'u' }).items;
    expect(own.map(({ item }) => item)).toEqual(['c', 'b']);
    expect(own[0].score).toBeCloseTo(30 / Math.sqrt(13), 5);
    expect(own[1].score).toBeCloseTo(20 / Math.sqrt(13), 5);
  });

  it('falls back to popularity, and says so, where the history is empty, unknown or tells nothing', () => {
    for (const items of [[], ['z'], ['constructor']]) {
      const result = ease.recommend({ market: 'm', items, k: 3 });
      expect(result.items).toEqual([
        { item: 'b', score: 9 },
        { item: 'd', score: 9 },
        { item: 'a', score: 5 },
      ]);
      expect(result.fallback).toBe('popularity');
      expect(result.unknownItems).toEqual(items);
    }
    expect(ids(ease.recommend({ market: 'm', items: ['e'] }))).toEqual(['b', 'd', 'a', 'c']);
    expect(ease.recommend({ market: 'm', items: ['e'], explain: true }).items[0].because).toEqual([]);
    expect(ease.recommend({ market: 'm', user: 'u' }).fallback).toBe('popularity');
    expect(m3rec.recommend({ market: 'm', items: ['d'] }).fallback).toBe('popularity');
    expect(ease.recommend({ market: 'other', items: [] }).items).toEqual([{ item: 'z', score: 1 }]);
  });

  it('filters and still returns k items if that many are left', () => {
    const query = { market: 'm', items: ['a'] };
    expect(ids(ease.recommend({ ...query, k: 10 }))).toEqual(['b', 'c', 'd', 'e']);
    expect(ids(ease.recommend({ ...query, k: 10, includeSeen: true }))).toEqual(['b', 'c', 'a', 'd', 'e']);
    expect(ids(ease.recommend({ ...query, k: 2, without: ['b', 'nothing'] }))).toEqual(['c', 'd']);
    expect(ids(ease.recommend({ ...query, k: 2, only: ['e', 'd', 'a', 'z'] }))).toEqual(['d', 'e']);
    expect(ids(ease.recommend({ ...query, only: ['a'], includeSeen: true }))).toEqual(['a']);
    expect(ids(ease.recommend({ ...query, only: [] }))).toEqual([]);
    expect(ids(ease.recommend({ ...query, only: ['b', 'c'], without: ['b'] }))).toEqual(['c']);
  });

  it('explains scores by contributions that add up to them', () => {
    for (const subject of [{ user: 'u2' }, { user: '__proto__' }, { items: ['a', '物品', '🦊', '__proto__'] }]) {
      const query = { market: 'm1', includeSeen: true, explain: true, ...subject } as Parameters<
        Recommender['recommend']
      >[0];
      const { items } = full.recommend(query);
      expect(items.length).toBe(8);
      for (const { score, because, own, bias } of items) {
        expect('user' in subject).toBe(own !== undefined);
        const sum = because!.reduce((total, { contribution }) => total + contribution, 0) + (own ?? 0) + bias!;
        // A few dozen roundings of f32 values around 1.
        expect(Math.abs(sum - score)).toBeLessThan(1e-5);
        expect(because!.map(({ contribution }) => contribution)).toEqual(
          because!.map(({ contribution }) => contribution).sort((a, b) => b - a),
        );
      }
      const shorter = full.recommend({ ...query, explain: 1 }).items;
      expect(shorter.map(({ because }) => because)).toEqual(items.map(({ because }) => because!.slice(0, 1)));
    }
    expect(ease.recommend({ market: 'm', items: ['a', 'b'], k: 1, explain: true }).items).toEqual([
      {
        item: 'c',
        score: 6,
        because: [
          { item: 'b', contribution: 4 },
          { item: 'a', contribution: 2 },
        ],
      },
    ]);
  });

  it('knows ids that plain objects trip over', () => {
    expect(full.hasUser('m1', '__proto__')).toBe(true);
    expect(full.hasUser('m1', 'constructor')).toBe(false);
    expect(full.hasItem('m1', '__proto__')).toBe(true);
    expect(full.hasItem('m1', 'hasOwnProperty')).toBe(false);
    expect(() => full.recommend({ market: '__proto__', items: [] })).toThrow(ArgumentError);
    expect(() => full.recommend({ market: 'm1', user: 'toString' })).toThrow(ArgumentError);
    expect(full.recommend({ market: 'm1', items: ['hasOwnProperty'] }).unknownItems).toEqual(['hasOwnProperty']);
  });

  it('names the argument that is wrong', () => {
    const call = (query: unknown) => () => ease.recommend(query as Parameters<Recommender['recommend']>[0]);
    expect(call({ market: 'x', items: [] })).toThrow('market: found "x", expected one of "m", "other"');
    expect(call({ market: 'm', user: 'nobody' })).toThrow(
      'user: found "nobody", expected a user of market "m", or items instead',
    );
    expect(call({ market: 'other', user: 'u' })).toThrow(/saved without users/);
    expect(call({ market: 'm' })).toThrow(/user, items/);
    expect(call({ market: 'm', user: 'u', items: [] })).toThrow(/user, items: found "both"/);
    for (const k of [0, -1, 1.5, Number.NaN, Infinity, '3', null])
      if (k !== null) expect(call({ market: 'm', items: [], k })).toThrow(/^k: found/);
    expect(call({ market: 'm', items: 'a' })).toThrow(/items: found "a", expected an array of ids/);
    expect(call({ market: 'm', items: ['a', 7] })).toThrow(/items\[1\]: found 7/);
    expect(call({ market: 'm', items: [], only: 'a' })).toThrow(/^only/);
    expect(call({ market: 'm', items: [], explain: 0 })).toThrow(/^explain/);
  });

  it('answers a batch of users of all markets as it answers each alone, bit for bit', async () => {
    const model = fullModel();
    const recommender = Recommender.from(model, await instantiateKernels(embeddedKernels));
    const queries = Array.from({ length: 150 }, (_, i) => {
      const market = model.markets[i % model.markets.length];
      const items = market.items.length;
      const who =
        i % 5 === 0 && market.users!.length > 0
          ? { user: market.users![i % market.users!.length] }
          : { items: Array.from({ length: i % 4 }, (_, j) => model.items[market.items[(i * 7 + j) % items]]) };
      return {
        market: market.name,
        ...who,
        k: 1 + (i % 6),
        includeSeen: i % 7 === 0,
        explain: i % 11 === 0,
        without: i % 3 === 0 ? [model.items[market.items[0]]] : [],
      };
    });
    expect(recommender.recommendBatch(queries)).toEqual(queries.map((query) => recommender.recommend(query)));
  });

  it('answers a batch as it answers one by one, and leaves no memory behind', () => {
    const queries = [
      { market: 'm', items: ['a'] },
      { market: 'm', user: '__proto__' },
    ];
    const used = ease.kernels.memory.used;
    expect(ease.recommendBatch(queries as never)).toEqual(queries.map((query) => ease.recommend(query as never)));
    expect(() => ease.recommend({ market: 'm', user: 'nobody' })).toThrow();
    expect(ease.kernels.memory.used).toBe(used);
  });
});

describe('memory that grows while a batch is read', () => {
  it('loses no answer behind one without a history', async () => {
    const kernels = await instantiateKernels(embeddedKernels);
    const { memory } = kernels;
    const recommender = Recommender.from(linear, kernels);
    const queries = [[], ['a'], ['b'], ['c']].map((items) => ({ market: 'm', items, k: 5, includeSeen: true }));
    const expected = queries.map((query) => recommender.recommend(query));
    expect(expected.map(({ items }) => items.length)).toEqual([5, 5, 5, 5]);
    let grown = 0;
    for (let left = 0; left < 4096; left += 64) {
      const mark = memory.mark();
      const { byteLength } = memory.memory.buffer;
      memory.allocate(byteLength - memory.used - left);
      expect(recommender.recommendBatch(queries)).toEqual(expected);
      if (memory.memory.buffer.byteLength > byteLength) grown++;
      memory.release(mark);
    }
    expect(grown).toBeGreaterThan(10);
    recommender.close();
  });
});

describe('similar', () => {
  it('lists the items most like one, itself and unrelated ones left out', () => {
    expect(ease.similar({ market: 'm', item: 'a' })).toEqual([
      { item: 'b', score: 6 },
      { item: 'c', score: 4 },
    ]);
    expect(ease.similar({ market: 'm', item: 'a', k: 1 })).toEqual([{ item: 'b', score: 6 }]);
    expect(m3rec.similar({ market: 'm', item: 'a' })).toEqual([{ item: 'c', score: 10 }]);
    expect(m3rec.similar({ market: 'm', item: 'd' })).toEqual([]);
    expect(() => ease.similar({ market: 'm', item: 'z' })).toThrow('item: found "z", expected an item of market "m"');
  });
});

describe('rank', () => {
  it('orders candidates, unknown ones last, ties by item and then by place', () => {
    expect(ease.rank({ market: 'm', items: ['a'], candidates: ['z', 'e', 'c', 'q', 'd', 'b', 'd'] })).toEqual([
      { item: 'b', score: 6, known: true },
      { item: 'c', score: 4, known: true },
      { item: 'd', score: 0, known: true },
      { item: 'd', score: 0, known: true },
      { item: 'e', score: 0, known: true },
      { item: 'z', score: LOWEST_SCORE, known: false },
      { item: 'q', score: LOWEST_SCORE, known: false },
    ]);
    expect(ease.rankBatch([{ market: 'm', user: 'u', candidates: ['a', 'b'] }])).toEqual([
      [
        { item: 'b', score: 9, known: true },
        { item: 'a', score: 5, known: true },
      ],
    ]);
    expect(ease.rank({ market: 'm', items: [], candidates: [] })).toEqual([]);
    expect(Object.is(Math.fround(LOWEST_SCORE), LOWEST_SCORE)).toBe(true);
  });
});

describe('scores', () => {
  it('gives all items of the market', () => {
    expect([...ease.scores('m', [0, 1])]).toEqual([0, 3, 6, 0, 0]);
    expect([...ease.scores('m', [])]).toEqual([5, 9, 2, 9, 1]);
    expect(() => ease.scores('m', [1, 1])).toThrow(ArgumentError);
    expect(() => ease.scores('m', [5])).toThrow(/history\[0\]/);
    expect(() => ease.scores('m', [0], 2)).toThrow(/user/);
  });
});

describe('loadModel and init', () => {
  it('takes kernels as bytes, module, response, URL or a promise of one, of any realm', async () => {
    const bytes = encodeModel(linear);
    const module = await WebAssembly.compile(embeddedKernels);
    const response = () => new Response(embeddedKernels, { headers: { 'content-type': 'application/wasm' } });
    const url = `data:application/wasm;base64,${Buffer.from(embeddedKernels).toString('base64')}`;
    const foreign = runInNewContext('new WebAssembly.Module(bytes)', { bytes: embeddedKernels });
    expect(foreign instanceof WebAssembly.Module).toBe(false);
    for (const kernels of [
      embeddedKernels,
      embeddedKernels.buffer,
      module,
      foreign,
      response(),
      url,
      new URL(url),
      Promise.resolve(module),
      Promise.resolve(response()),
    ]) {
      expect((await loadModel(bytes, { kernels })).recommend({ market: 'm', items: ['a'], k: 1 }).items).toEqual([
        { item: 'b', score: 6 },
      ]);
    }
    await init(module);
    expect((await loadModel(bytes)).markets).toEqual(['m', 'other']);
    await init();
    await expect(init({} as never)).rejects.toThrow(ArgumentError);
    await expect(loadModel(bytes, { kernels: new Response('', { status: 404 }) })).rejects.toThrow(/status 404/);
    for (const wrong of ['kernels.wasm', new URL('file:///kernels.wasm')])
      await expect(init(wrong)).rejects.toThrow(
        /^kernels: found "(file:\/\/\/)?kernels.wasm", expected a URL that this host can fetch; read a file and pass its bytes/,
      );
    await expect(loadModel(new Uint8Array(3))).rejects.toThrow(ModelFileError);
  });

  it('puts two models into one memory', async () => {
    const kernels = await instantiateKernels(embeddedKernels);
    const [one, two] = [Recommender.from(linear, kernels), Recommender.from(cosine, kernels)];
    expect(one.recommend({ market: 'm', items: ['a'], k: 1 }).items[0].item).toBe('b');
    expect(two.recommend({ market: 'm', items: ['a'], k: 1 }).items[0].item).toBe('c');
  });
});
