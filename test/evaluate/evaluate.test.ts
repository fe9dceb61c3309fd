import { describe, expect, it } from 'vitest';
import { AbortedError, ArgumentError } from '../../src/common/errors.ts';
import type { Markets } from '../../src/data/markets.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import { compare, meanDifference } from '../../src/evaluate/compare.ts';
import { evaluate } from '../../src/evaluate/evaluate.ts';
import type { Protocol } from '../../src/evaluate/protocols.ts';
import type { Model } from '../../src/model/model.ts';
import { Recommender } from '../../src/models/recommender.ts';
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
    // u0: i1 (4) is above; i4 ties with i3: 1 + 1 + ½; i0 and i2 are seen. u1: i0 2 3 5 tie, cold ones below: 1 + 4 /
    // 2. u2: i1 … i5 above, cold2 ties: 1 + 5 + ½. new: popularity puts i5 first.
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
    expect(compare(a, a)).toEqual([{ market: 'm', rows: 4, users: 4, unpaired: 0, difference: 0, standardError: 0 }]);
    expect(() => compare(a, { ...b, seed: 5 })).toThrow(ArgumentError);
    expect(() => compare(a, { ...b, markets: [{ ...b.markets[0], perUser: undefined }] })).toThrow(/perUser/);
  });

  it('counts rows and users apart, and clusters standard errors by user', async () => {
    const [market] = markets.markets;
    const more = [...market.heldOut.valid, { user: 1, userId: 'u1', item: 0, itemId: 'i0' }];
    const several = { ...markets, markets: [{ ...market, heldOut: { valid: more } }] };
    const {
      markets: [result],
    } = await evaluate(await open(graded), several, { negatives: 'all', k: [2, 10], perUser: true });
    // u1 has i4 and i0, neither of which is ranked against the other: four tie at 1 for each of them, and 'cold' is
    // below.
    expect(result.perUser!.map(({ user, item, rank, candidates }) => [user, item, rank, candidates])).toEqual([
      ['u0', 'i3', 2.5, 5],
      ['u1', 'i4', 2.5, 5],
      ['u2', 'cold', 6, 6],
      ['new', 'i5', 1, 7],
      ['u1', 'i0', 2.5, 5],
    ]);
    expect(result).toMatchObject({ rows: 5, users: 4, candidates: { least: 5, mean: 5.6, most: 7 } });
    const values = [1 / 2.5, 1 / 2.5, 1 / 6, 1, 1 / 2.5];
    const center = values.reduce((a, b) => a + b) / 5;
    const sums = [values[0] - center, values[1] + values[4] - 2 * center, values[2] - center, values[3] - center];
    const squares = sums.reduce((sum, e) => sum + e * e, 0);
    const [at2, at10] = result.cutoffs;
    expect([at2.k, at10.k]).toEqual([2, 10]);
    expect([result.mrr, result.hr, at2.hr.mean]).toEqual([0.2, 0.2, 0.2]);
    expect(result.mrrStandardError).toBe(at2.mrr.standardError);
    expect(at10.mrr.mean).toBeCloseTo(center, 12);
    expect(at10.mrr.standardError).toBeCloseTo(Math.sqrt((4 / 3) * squares) / 5, 12);
    // Over users, each counting alike.
    expect(at2.recall.mean).toBe(0.25);
    expect(at10.map.mean).toBeCloseTo((values[0] + values[1] + values[2] + values[3]) / 4, 12);
  });

  it('leaves out held-out rows that are training rows, of the data or of the model, and rows given twice', async () => {
    const [market] = markets.markets;
    const leaky = (rows: typeof market.heldOut.valid) => ({
      ...markets,
      markets: [{ ...market, heldOut: { valid: rows } }],
    });
    const seen = { user: 0, userId: 'u0', item: 0, itemId: 'i0' };
    const [first, ...others] = market.heldOut.valid;
    const recommender = await open(graded);
    const options = { negatives: 'all', perUser: true } as const;
    const honest = (await evaluate(recommender, leaky([first, ...others]), options)).markets[0];
    const {
      markets: [result],
    } = await evaluate(recommender, leaky([seen, first, ...others, first]), options);
    expect(result).toEqual({ ...honest, leakedRows: 1, repeatedRows: 1 });
    // All leaked: nothing to say about the model, where 100 % was said.
    await expect(evaluate(recommender, leaky([seen]), options)).rejects.toThrow(
      /^heldOut: no row of "valid" is left to rank: 1 are training rows, 0 the model was trained on; hold rows out/,
    );
    // Customers buy again: i0 is ranked among all items, those of the history too.
    const again = await evaluate(recommender, leaky([seen]), { ...options, repeat: true });
    expect(again.repeat).toBe(true);
    expect(again.markets[0]).toMatchObject({ rows: 1, leakedRows: 1, perUser: [{ rank: 1, candidates: 6 }] });

    // The model has u0 with i3, which the data holds out.
    const more = { ...graded, markets: [{ ...graded.markets[0], users: ['u0'], seenItems: pattern([[0, 3]], 6) }] };
    const known = (await evaluate(await open(more), leaky([first, ...others]), options)).markets[0];
    expect(known).toMatchObject({ rows: 3, users: 3, leakedRows: 0, trainedRows: 1 });
    expect(known.perUser!.map(({ user }) => user)).toEqual(['u1', 'u2', 'new']);
    const repeated = await evaluate(await open(more), leaky([first, ...others]), { ...options, repeat: true });
    expect(repeated.markets[0]).toMatchObject({ rows: 3, trainedRows: 1 });
    expect(compare({ ...again, markets: [honest] }, { ...again, markets: [known] })[0]).toMatchObject({
      rows: 3,
      unpaired: 1,
    });
    const elsewhere = { ...again, markets: [{ ...honest, perUser: honest.perUser!.slice(0, 1) }] };
    expect(() => compare(elsewhere, { ...again, markets: [known] })).toThrow(
      'b: none of its held-out rows of market m is one of a',
    );
  });

  it('says how each part of the rows does: shared and own items, head, tail and cold ones, histories', async () => {
    const market = {
      ...markets.markets[0],
      interactions: pattern([[0, 2], [1, 3], [0]], 6),
      heldOut: { valid: [...markets.markets[0].heldOut.valid, { user: 1, userId: 'u1', item: 0, itemId: 'i0' }] },
    };
    // i4 is sold in n, but nobody has bought it there.
    const other = {
      name: 'n',
      users: ['v', 'w'],
      items: Int32Array.of(3, 4, 5),
      interactions: pattern([[0], [2]], 3),
      heldOut: {},
    };
    const { markets: results } = await evaluate(
      await open(graded),
      { items: markets.items, markets: [market, other] },
      { negatives: 'all', k: [1, 10] },
    );
    const sizes = results[0].groups.map(({ by, group, rows, users }) => [by, group, rows, users]);
    expect(sizes).toEqual([
      ['shared', 'shared', 2, 2],
      ['shared', 'own', 3, 2],
      // Of the four items that were bought, one is a fifth, rounded up: i0.
      ['popularity', 'head', 1, 1],
      ['popularity', 'tail', 1, 1],
      ['popularity', 'cold', 3, 3],
      ['history', '0', 1, 1],
      ['history', '1-4', 4, 3],
    ]);
    const [shared] = results[0].groups;
    expect(shared.cutoffs.map(({ k, mrr, hr }) => [k, mrr.mean, hr.mean])).toEqual([
      [1, 0.5, 0.5],
      [10, (1 / 2.5 + 1) / 2, 1],
    ]);
    const { markets: own } = await evaluate(await open(graded), markets, { negatives: 'all' });
    expect(own[0].groups.some(({ by }) => by === 'shared')).toBe(false);
  });

  it('compares by any metric, with t, and over markets', async () => {
    const options = { negatives: 'all', perUser: true, k: 3 } as const;
    const a = await evaluate(await open(graded), markets, options);
    const better = model([[0, 0, 0, 9, 0, 0], [0, 0, 0, 0, 9, 0], zero, zero, zero, zero]);
    const b = await evaluate(await open(better), markets, options);
    const [result] = compare(a, b, { metric: 'hr', k: 2 });
    // Within the first two: the row of popularity in both, i3 of u0 and i4 of u1 in b alone.
    expect(result).toMatchObject({ market: 'm', rows: 4, users: 4, unpaired: 0, difference: 0.5 });
    expect(result.standardError).toBeCloseTo(Math.sqrt(1 / 3) / 2, 12);
    const [byRank] = compare(a, b, { metric: { name: 'rank', over: 'rows', value: (rank) => rank } });
    const gaps = b.markets[0].perUser!.map(({ rank }, i) => rank - a.markets[0].perUser![i].rank);
    expect(byRank.difference).toBeCloseTo(gaps.reduce((x, y) => x + y) / 4, 12);
    expect(byRank.t).toBeCloseTo(byRank.difference / byRank.standardError, 12);
    expect(meanDifference([byRank, { difference: 0, standardError: 0 }])).toEqual({
      difference: byRank.difference / 2,
      standardError: byRank.standardError / 2,
      t: byRank.t,
    });
    expect(() => compare(a, b, { metric: 'auc' as never })).toThrow('metric: found "auc", expected mrr, ndcg, hr');
  });

  it('takes a protocol of the caller’s own', async () => {
    const recommender = await open(graded);
    const popular: Protocol = {
      name: 'first two',
      candidates: ({ target }) => Int32Array.of(1, 2).filter((place) => place !== target),
    };
    const result = await evaluate(recommender, markets, { protocol: popular, perUser: true });
    expect(result.protocol).toBe('first two');
    // The pool is cold, cold2, i0 … i5: each row is ranked against cold2 and i0.
    expect(result.markets[0].perUser!.map(({ rank }) => rank)).toEqual([2, 1.5, 2.5, 1]);
    const wrong: Protocol = { name: 'itself', candidates: ({ target }) => Int32Array.of(target) };
    await expect(evaluate(recommender, markets, { protocol: wrong })).rejects.toThrow(
      /^protocol: candidates of "itself" must be other places of the pool/,
    );
  });

  it('evaluates chosen markets', async () => {
    const recommender = await open(graded);
    const two = { ...markets, markets: [markets.markets[0], { ...markets.markets[0], name: 'x' }] };
    const { markets: results, unknownMarkets } = await evaluate(recommender, two, { markets: ['m'] });
    expect([results.map(({ market }) => market), unknownMarkets]).toEqual([['m'], []]);
    await expect(evaluate(recommender, two, { markets: ['y'] })).rejects.toThrow(
      'markets: found "y", expected markets of the data: m, x',
    );
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
    // With a second market in the data there are shared items.
    const [{ groups, ...rest }] = both.markets;
    const [{ groups: alone, ...same }] = (await evaluate(recommender, markets)).markets;
    expect(rest).toEqual(same);
    expect(groups.filter(({ by }) => by !== 'shared')).toEqual(alone);
  });
});
