// Valid values at the ends of what a model may hold say the same through every path: alone, in a batch, explained,
// exported.
import { describe, expect, it, test } from 'vitest';
import { ArgumentError } from '../../src/common/errors.ts';
import type { Model } from '../../src/model/model.ts';
import { exportModel } from '../../src/models/export.ts';
import { decodeModel, encodeModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import { fullModel } from '../support/small-model.ts';

const TYPES = ['f16', 'int8'] as const;
type Market = Model['markets'][number];
const changed = (change: (market: Market, model: Model) => void, seed = 1, dim = 5) => {
  const model = fullModel(seed, dim);
  for (const market of model.markets) change(market, model);
  return model;
};
const table = (market: Market, name: 'foldIn' | 'vectors' | 'userVectors') => market[name] as Float32Array;
const scale = (values: Float32Array, factor: number) => {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
};

describe('a model whose vectors are as long as a file lets them be', () => {
  for (const square of [1 - 0.0019, 1 + 0.0019]) {
    test.each(TYPES)(`squared length ${square}, in %s, is a valid file`, (vectors) => {
      for (let seed = 1; seed <= 40; seed++) {
        for (const dim of [1, 5, 64]) {
          const model = changed((market) => scale(table(market, 'vectors'), Math.sqrt(square)), seed, dim);
          const narrow = exportModel(decodeModel(encodeModel(model)), { vectors });
          expect(decodeModel(encodeModel(narrow))).toEqual(narrow);
        }
      }
    });
  }

  test('keeps the bytes of rows that need no help', () => {
    const before = changed(() => {});
    const { values } = exportModel(before, { vectors: 'int8' }).markets[0].vectors as { values: Int8Array };
    const longer = changed((market) => scale(table(market, 'vectors'), 1 + 2 ** -12));
    expect((exportModel(longer, { vectors: 'int8' }).markets[0].vectors as { values: Int8Array }).values).toEqual(
      values,
    );
    expect(exportModel(before, { vectors: 'f16' }).markets[0].vectors).toEqual(
      Uint16Array.from(table(before.markets[0], 'vectors'), (x) => halfOf(x)),
    );
  });
});

/** By the definition: the nearest multiple of the unit in the last place, halves to even. */
function halfOf(x: number): number {
  const magnitude = Math.abs(x);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const units = magnitude / 2 ** (exponent - 10);
  const down = Math.floor(units);
  const rounded = units - down > 0.5 || (units - down === 0.5 && down % 2 === 1) ? down + 1 : down;
  return (x < 0 ? 0x8000 : 0) + (exponent + 14) * 1024 + rounded;
}

describe('a row that is too small for a narrow type', () => {
  it.each([
    ['f16', 1e-9],
    ['int8', 1e-44],
  ] as const)('is refused in %s, since it tells the model something', (vectors, factor) => {
    const model = changed((market) => scale(table(market, 'foldIn'), factor));
    encodeModel(model);
    const narrow = () => exportModel(model, { vectors });
    expect(narrow).toThrow(ArgumentError);
    expect(narrow).toThrow(
      /^vectors: found "(f16|int8)", expected .*f32.*, since row \d+ of foldIn of market m1 is too small for it$/,
    );
  });

  it('is none if it is zero already', () => {
    const model = changed((market) => table(market, 'foldIn').fill(0, 0, 5));
    for (const vectors of TYPES) expect(exportModel(model, { vectors }).markets).toHaveLength(3);
  });
});

describe('explanations sum to the score, within the rounding of f32', () => {
  const cases: [string, (market: Market) => void][] = [
    ['as it is', () => {}],
    ...[1e-44, 1e-30, 1e-25, 3e-23, 1e-22, 1e-20, 1e-15, 1e-10, 1e5, 1e9].map(
      (factor): [string, (m: Market) => void] => [
        `vectors of users of about ${factor}`,
        (market) => {
          scale(table(market, 'foldIn'), factor);
          scale(table(market, 'userVectors'), factor);
        },
      ],
    ),
    [
      'the largest weights and similarities',
      (market) => {
        market.linear!.values.fill(1e9);
        Object.assign(market, { linearWeight: 1e9, cosineWeight: -1e9 });
      },
    ],
    ['the smallest weights', (market) => Object.assign(market, { linearWeight: 1e-45, cosineWeight: 1e-40 })],
    ['a power that leaves nothing', (market) => Object.assign(market, { linearPower: 1e9 })],
    ['the largest biases', (market) => market.bias!.fill(-1e9)],
  ];

  test.each(cases)('%s', async (_, change) => {
    const model = changed(change);
    const recommender = await loadModel(encodeModel(model));
    const { name: market, users, items } = model.markets[0];
    const ids = Array.from(items, (item) => model.items[item]);
    const subjects = [
      ...users!.map((user) => ({ user })),
      { items: ids.slice(0, 1) },
      { items: ids.slice(2, 5) },
      { items: ids },
    ];
    const queries = subjects.map((subject) => ({
      market,
      ...subject,
      k: ids.length,
      includeSeen: true,
      explain: true,
    }));
    // enough for a search, if there are that many of them
    const batch = recommender.recommendBatch(Array.from({ length: 6 }, () => queries).flat());
    for (const [i, query] of queries.entries()) {
      const alone = recommender.recommend(query);
      expect(batch[i]).toStrictEqual(alone);
      for (const { score, because, own = 0, bias = 0 } of alone.items) {
        const parts = [own, bias, ...because!.map(({ contribution }) => contribution)];
        const size = parts.reduce((sum, part) => sum + Math.abs(part), Math.abs(score));
        expect(Number.isFinite(size)).toBe(true);
        expect(Math.abs(parts.reduce((sum, part) => sum + part, 0) - score)).toBeLessThanOrEqual(1e-6 * size + 1e-37);
      }
    }
  });
});
