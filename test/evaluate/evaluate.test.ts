import { describe, expect, it } from 'vitest';
import { AbortedError, ArgumentError } from '../../src/common/errors.ts';
import type { Markets } from '../../src/data/markets.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import { compare, evaluate } from '../../src/evaluate/evaluate.ts';
import type { Model } from '../../src/model/model.ts';
import { Recommender } from '../../src/recommend/recommender.ts';
import { pattern, sparse } from '../support/small-model.ts';

/** Six training items i0 … i5 and a cold one. S of i0 is 5, 4, 3, 2, 2, 1 over the items; that of i1 is 1 for all. */
const markets: Markets = {
  items: ['i0', 'i1', 'i2', 'i3', 'i4', 'i5'],
  markets: [
    {
      name: 'm',
      users: ['u0', 'u1', 'u2'],
      items: Int32Array.of(0, 1, 2, 3, 4, 5),
      interactions: pattern([[0, 2], [1], [0]], 6),
      heldOut: {
        valid: [
          { user: 0, userId: 'u0', item: 3, itemId: 'i3' },
          { user: 1, userId: 'u1', item: 4, itemId: 'i4' },
          { user: 2, userId: 'u2', item: -1, itemId: 'cold' },
          { user: -1, userId: 'new', item: 5, itemId: 'i5' },
        ],
        test: [{ user: 2, userId: 'u2', item: -1, itemId: 'cold2' }],
      },
    },
  ],
};
const zero = [0, 0, 0, 0, 0, 0];
const model = (rows: number[][]): Model => ({
  kind: 'ease',
  dim: 0,
  items: markets.items,
  markets: [
    {
      name: 'm',
      items: Int32Array.of(0, 1, 2, 3, 4, 5),
      popularity: Uint32Array.of(2, 1, 1, 0, 0, 9),
      linear: sparse(rows, 6),
      linearWeight: 1,
      linearPower: 0,
      cosineWeight: 0,
    },
  ],
  training: {},
});
const graded = model([[5, 4, 3, 2, 2, 1], [1, 1, 1, 1, 1, 1], zero, zero, zero, zero]);
const open = async (of: Model) => Recommender.from(of, await instantiateKernels(embeddedKernels));

describe('evaluate', () => {
  it('gives the ranks that a hand gives, clean', async () => {
    const {
      markets: [result],
      mean,
    } = await evaluate(await open(graded), markets, { negatives: 'all', perUser: true });
    // u0: i1 (4) is above; i4 ties with i3: 1 + 1 + ½; i0 and i2 are seen. u1: i0 2 3 5 tie, cold ones below: 1 + 4 / 2.
    // u2: i1 … i5 above, cold2 ties: 1 + 5 + ½. new: popularity puts i5 first.
    expect(result.perUser!.map(({ rank }) => rank)).toEqual([2.5, 3, 6.5, 1]);
    expect(result).toMatchObject({ market: 'm', users: 4, coldItems: 1, unknownUsers: 1, hr: 1 });
    const reciprocal = [1 / 2.5, 1 / 3, 1 / 6.5, 1];
    expect(result.mrr).toBeCloseTo(reciprocal.reduce((a, b) => a + b) / 4, 12);
    expect(result.ndcg).toBeCloseTo([2.5, 3, 6.5, 1].reduce((sum, rank) => sum + 1 / Math.log2(1 + rank), 0) / 4, 12);
    const deviation = Math.sqrt(reciprocal.reduce((sum, x) => sum + (x - result.mrr) ** 2, 0) / 3);
    expect(result.mrrStandardError).toBeCloseTo(deviation / 2, 12);
    expect(mean).toEqual({ mrr: result.mrr, ndcg: result.ndcg, hr: result.hr });
  });

  it('draws training items as well, as published', async () => {
    const {
      markets: [result],
    } = await evaluate(await open(graded), markets, { negatives: 'all', protocol: 'as-published', perUser: true });
    // u0: i0 (5), i1 (4), i2 (3) are above now; u1: i1 ties too; u2: i0 is above too.
    expect(result.perUser!.map(({ rank }) => rank)).toEqual([4.5, 3.5, 7.5, 1]);
  });

  it('cuts the metrics at k', async () => {
    const {
      markets: [result],
    } = await evaluate(await open(graded), markets, { negatives: 'all', k: 3 });
    expect(result.hr).toBe(0.75);
    expect(result.mrr).toBeCloseTo((1 / 2.5 + 1 / 3 + 1) / 4, 12);
  });

  it('gives a constant model the mean rank of chance, whatever it is ranked against', async () => {
    const constant = await open(model(Array.from({ length: 6 }, () => [1, 1, 1, 1, 1, 1])));
    const known: Markets = {
      ...markets,
      markets: [{ ...markets.markets[0], heldOut: { valid: markets.markets[0].heldOut.valid.slice(0, 2) } }],
    };
    for (const negatives of [1, 2, 3]) {
      const {
        markets: [result],
      } = await evaluate(constant, known, { negatives, perUser: true });
      expect(result.perUser!.map(({ rank }) => rank)).toEqual([1 + negatives / 2, 1 + negatives / 2]);
    }
  });

  it('draws distinct negatives, by seed, market and user only', async () => {
    const recommender = await open(graded);
    const ranks = async (data: Markets, seed: number) =>
      (await evaluate(recommender, data, { negatives: 2, seed, perUser: true })).markets[0].perUser!;
    const first = await ranks(markets, 1);
    expect(await ranks(markets, 1)).toEqual(first);
    const [market] = markets.markets;
    const turned = {
      ...markets,
      markets: [{ ...market, heldOut: { ...market.heldOut, valid: [...market.heldOut.valid].reverse() } }],
    };
    expect(await ranks(turned, 1)).toEqual([...first].reverse());
    const seeds = await Promise.all(Array.from({ length: 20 }, (_, seed) => ranks(markets, seed)));
    expect(new Set(seeds.map((result) => JSON.stringify(result))).size).toBeGreaterThan(3);

    const { exports, memory } = recommender.kernels;
    const mark = memory.mark();
    const [out, mask] = [memory.allocate(4 * 1000), memory.allocateZeroed(1000)];
    const hits = new Float64Array(1000);
    for (let user = 0; user < 2000; user++) {
      expect(exports.sampleDistinct(out, 1000, mask, 100, 1, 2, user)).toBe(100);
      const drawn = memory.i32(out, 100);
      expect(new Set(drawn).size).toBe(100);
      for (const i of drawn) hits[i]++;
    }
    // 200 expected with a standard deviation of 13.4; six of them hold for a thousand items.
    expect(hits.every((count) => Math.abs(count - 200) < 81)).toBe(true);
    memory.u8(mask, 1000).fill(1, 3);
    expect(exports.sampleDistinct(out, 1000, mask, 100, 1, 2, 3)).toBe(3);
    expect([...memory.i32(out, 3)].sort()).toEqual([0, 1, 2]);
    memory.release(mark);
  });

  it('compares two models on the same users', async () => {
    const options = { negatives: 'all', perUser: true } as const;
    const a = await evaluate(await open(graded), markets, options);
    const b = await evaluate(
      await open(model([[0, 0, 0, 9, 0, 0], [0, 0, 0, 0, 9, 0], zero, zero, zero, zero])),
      markets,
      options,
    );
    const differences = b.markets[0].perUser!.map(
      ({ reciprocalRank }, i) => reciprocalRank - a.markets[0].perUser![i].reciprocalRank,
    );
    const center = differences.reduce((x, y) => x + y) / 4;
    const [result] = compare(a, b);
    expect(result).toMatchObject({ market: 'm', users: 4 });
    expect(result.difference).toBeCloseTo(center, 12);
    expect(result.standardError).toBeCloseTo(
      Math.sqrt(differences.reduce((sum, x) => sum + (x - center) ** 2, 0) / 3) / 2,
      12,
    );
    expect(compare(a, a)).toEqual([{ market: 'm', users: 4, difference: 0, standardError: 0 }]);
    expect(() => compare(a, { ...b, seed: 5 })).toThrow(ArgumentError);
    expect(() => compare(a, { ...b, markets: [{ ...b.markets[0], perUser: undefined }] })).toThrow(/perUser/);
  });

  it('reports progress, stops on request and names a wrong option', async () => {
    const recommender = await open(graded);
    const reports: number[] = [];
    await evaluate(recommender, markets, { onProgress: ({ done, total }) => reports.push(done / total) });
    expect(reports.at(-1)).toBe(1);
    await expect(evaluate(recommender, markets, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    await expect(evaluate(recommender, markets, { heldOut: 'dev' })).rejects.toThrow(
      'heldOut: found "dev", expected a file of held-out rows: valid, test',
    );
    await expect(evaluate(recommender, markets, { protocol: 'x' as never })).rejects.toThrow(/protocol/);
    await expect(evaluate(recommender, markets, { negatives: 0 })).rejects.toThrow(/negatives/);
    const other = { ...markets, markets: [{ ...markets.markets[0], name: 'x' }] };
    await expect(evaluate(recommender, other)).rejects.toThrow(
      /^markets: none is one of the model: the held-out rows are of x, the model has m$/,
    );
    const both = await evaluate(recommender, { ...markets, markets: [...markets.markets, other.markets[0]] });
    expect(both.unknownMarkets).toEqual(['x']);
    expect(both.markets).toEqual((await evaluate(recommender, markets)).markets);
  });
});
