import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withAssortment } from '../../src/data/assortment.ts';
import { chooseFiles } from '../../src/data/folder.ts';
import { generateMarkets } from '../../src/data/generate.ts';
import { marketFiles } from '../../src/data/market-files.ts';
import { checkMarkets, type Market, type Markets } from '../../src/data/markets.ts';
import { readMarkets } from '../../src/data/read-markets.ts';
import { type SplitOptions, splitMarkets } from '../../src/data/split.ts';

type Row = [user: string, item: string, time?: string];
const csv = (rows: readonly Row[]) => {
  const timed = rows.some(([, , time]) => time !== undefined);
  return `userId,itemId${timed ? ',time' : ''}\n${rows.map((row) => row.join(',')).join('\n')}\n`;
};
const read = (markets: Record<string, readonly Row[]>, heldOut: Record<string, readonly Row[]> = {}) => {
  const times = Object.values(markets)[0][0][2] === undefined ? false : ('first' as const);
  return readMarkets(
    [
      ...Object.entries(markets).map(
        ([market, rows]) => ({ market, split: 'train', name: `${market}.csv`, source: csv(rows) }) as const,
      ),
      ...Object.entries(heldOut).map(
        ([market, rows]) => ({ market, split: 'test', name: `${market}.test.csv`, source: csv(rows) }) as const,
      ),
    ],
    { times },
  );
};
const trainOf = ({ items }: Markets, market: Market) =>
  market.users.flatMap((user, u) =>
    Array.from(
      market.interactions.indices.slice(market.interactions.indptr[u], market.interactions.indptr[u + 1]),
      (item) => `${user} ${items[market.items[item]]}`,
    ),
  );
const heldOutOf = (market: Market, split: string) =>
  (market.heldOut[split] ?? []).map(({ userId, itemId }) => `${userId} ${itemId}`);
const all = (markets: Markets) =>
  markets.markets.map((market) => ({
    market: market.name,
    train: trainOf(markets, market),
    valid: heldOutOf(market, 'valid'),
    test: heldOutOf(market, 'test'),
  }));
const split = async (markets: Markets, options: SplitOptions) => {
  const result = await splitMarkets(markets, options);
  checkMarkets(result.markets);
  return { ...result, rows: all(result.markets) };
};

const day = (n: number) => new Date(Date.UTC(2024, 0, n)).toISOString();
const SHOP: Row[] = [
  ['u1', 'a', day(1)],
  ['u1', 'b', day(2)],
  ['u1', 'c', day(3)],
  ['u2', 'c', day(1)],
  ['u2', 'b', day(5)],
  ['u2', 'a', day(4)],
  ['u3', 'a', day(2)],
];

describe('last', () => {
  test("holds out each user's last interaction, with test the last but one as valid", async () => {
    const markets = await read({ de: [...SHOP, ['u3', 'b', day(1)]] });
    const one = await split(markets, { method: 'last' });
    expect(one.rows[0]).toMatchObject({ valid: ['u1 c', 'u2 b', 'u3 a'], test: [] });
    expect(one.report.markets[0]).toMatchObject({ shortUsers: 0, tiedUsers: 0, returned: 0, laterRows: 1 });
    const two = await split(markets, { method: 'last', test: true });
    expect(two.rows[0]).toMatchObject({ valid: ['u1 b', 'u2 a'], test: ['u1 c', 'u2 b'] });
    expect(two.report.markets[0]).toMatchObject({
      shortUsers: 1,
      valid: { interactions: 2, first: day(2), last: day(4) },
    });
  });

  test('an item that is bought again is held out by its first time', async () => {
    const { rows } = await split(await read({ de: [...SHOP, ['u1', 'a', day(9)], ['u3', 'b', day(3)]] }), {
      method: 'last',
    });
    expect(rows[0].valid).toEqual(['u1 c', 'u2 b', 'u3 b']);
    expect(rows[0].train).toContain('u1 a');
  });

  test('of equal times the seed chooses, and it is counted', async () => {
    const rows: Row[] = Array.from({ length: 40 }, (_, u) =>
      ['a', 'b', 'c', 'd'].map((item): Row => [`u${u}`, item, day(1)]),
    ).flat();
    const markets = await read({ de: rows });
    const results = await Promise.all([1, 2].map((seed) => split(markets, { method: 'last', seed })));
    expect(results[0].report.markets[0].tiedUsers).toBe(40);
    expect(results[0].rows).not.toEqual(results[1].rows);
    expect(results[0].rows).toEqual((await split(markets, { method: 'last', seed: 1 })).rows);
  });
});

describe('before', () => {
  test('trains on what is before the time; cold rows are left out, counted, or kept', async () => {
    const markets = await read({ de: [...SHOP, ['u9', 'a', day(7)], ['u1', 'z', day(8)]] });
    const options = { method: 'before', before: [day(3), day(5)] } as const;
    const { rows, report } = await split(markets, options);
    expect(rows[0]).toMatchObject({ valid: ['u1 c', 'u2 a'], test: ['u2 b'] });
    expect(report.markets[0]).toMatchObject({ coldUserRows: 1, coldItemRows: 1, returned: 0, laterRows: 0 });
    const cold = await split(markets, { ...options, keepCold: true });
    expect(cold.rows[0].test).toEqual(['u1 z', 'u2 b', 'u9 a']);
    expect(cold.report.markets[0]).toMatchObject({ coldUserRows: 0, coldItemRows: 0 });
  });

  test('a market with nothing before the time is an error, and so is a time after which there is nothing', async () => {
    const markets = await read({ de: SHOP });
    await expect(splitMarkets(markets, { method: 'before', before: [day(1)] })).rejects.toThrow(
      /before: market de has no row before 2024-01-01T00:00:00.000Z; take a later time/,
    );
    await expect(splitMarkets(markets, { method: 'before', before: [day(20)] })).rejects.toThrow(
      /method: before holds out no row of any market: take an earlier time/,
    );
  });
});

describe('what is drawn', () => {
  const data = generateMarkets({ seed: 3, users: 400, items: 200, interactions: 6000 });
  const rowsOf = (): Record<string, Row[]> =>
    Object.fromEntries(
      data.markets.map(({ name, users, train }) => [
        name,
        Array.from(train.users, (user, row): Row => [users[user], data.items[train.items[row]]]),
      ]),
    );

  test.each([
    { method: 'leave-one-out' },
    { method: 'leave-one-out', test: true },
    { method: 'ratio', ratio: [0.2, 0.1] },
  ] as SplitOptions[])('does not depend on the order of rows or on other markets: %o', async (options) => {
    const rows = rowsOf();
    const { rows: found } = await split(await read(rows), options);
    const reversed = Object.fromEntries(Object.entries(rows).map(([name, list]) => [name, list.toReversed()]));
    expect((await split(await read(reversed), options)).rows).toEqual(found);
    const [first] = Object.keys(rows);
    expect((await split(await read({ [first]: rows[first] }), options)).rows).toEqual(
      found.filter(({ market }) => market === first),
    );
    expect((await split(await read(rows), { ...options, seed: 1 })).rows).not.toEqual(found);
  });

  test('every interaction is in one split; each user has a training row, each held-out item too', async () => {
    const markets = await read(rowsOf());
    for (const options of [
      { method: 'leave-one-out', test: true },
      { method: 'ratio', ratio: [0.6, 0.3] },
    ] as SplitOptions[]) {
      const { rows, report } = await split(markets, options);
      for (const [m, { train, valid, test }] of rows.entries()) {
        expect([...train, ...valid, ...test].sort()).toEqual(trainOf(markets, markets.markets[m]).sort());
        const users = new Set(train.map((row) => row.split(' ')[0]));
        const items = new Set(train.map((row) => row.split(' ')[1]));
        for (const row of [...valid, ...test]) {
          expect(users).toContain(row.split(' ')[0]);
          expect(items).toContain(row.split(' ')[1]);
        }
        expect(report.markets[m]).toMatchObject({
          train: { interactions: train.length, users: users.size, items: items.size },
          valid: { interactions: valid.length },
          test: { interactions: test.length },
        });
      }
    }
  });

  test('a ratio holds out about that share', async () => {
    const { report } = await split(await read(rowsOf()), { method: 'ratio', ratio: [0.2, 0.1] });
    const sum = (of: 'core' | 'valid' | 'test') =>
      report.markets.reduce((total, market) => total + market[of]!.interactions, 0);
    // 6,000 draws of 0.2 and 0.1: five standard deviations, less what stays in training.
    expect(sum('valid') / sum('core')).toBeCloseTo(0.2, 1);
    expect(sum('test') / sum('core')).toBeCloseTo(0.1, 1);
  });
});

test('the k-core is what is left of removing again and again, as by a plain reference', async () => {
  const row = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      async (pairs, minUser, minItem) => {
        let left = [...new Set(pairs.map(([user, item]) => `u${user} p${item}`))];
        for (let before = -1; before !== left.length; ) {
          before = left.length;
          const count = (at: number, name: string) => left.filter((each) => each.split(' ')[at] === name).length;
          left = left.filter(
            (each) => count(0, each.split(' ')[0]) >= minUser && count(1, each.split(' ')[1]) >= minItem,
          );
        }
        const markets = await read({ de: pairs.map(([user, item]): Row => [`u${user}`, `p${item}`]) });
        const found = splitMarkets(markets, { method: 'ratio', ratio: [0.5], minUser, minItem, keepCold: true });
        if (left.length === 0) {
          await expect(found).rejects.toThrow(/market de has no interaction left at/);
          return;
        }
        const { markets: result, report } = await found.catch((error: Error) => {
          expect(error.message).toMatch(/holds out no row/);
          return { markets: undefined, report: undefined };
        });
        if (!result) return;
        const [{ train, valid }] = all(result);
        expect([...train, ...valid].sort()).toEqual(left.sort());
        expect(report!.markets[0].core.interactions).toBe(left.length);
      },
    ),
    { numRuns: 300 },
  );
});

test('rows that are held out already are refused, or split again', async () => {
  const markets = await read(
    { de: SHOP },
    {
      de: [
        ['u3', 'b', day(9)],
        ['u1', 'a', day(8)],
        ['u7', 'x', day(1)],
      ],
    },
  );
  await expect(splitMarkets(markets, { method: 'last' })).rejects.toThrow(
    /markets: market de has test rows already, .* merge \(--merge\)/,
  );
  const { rows, report } = await split(markets, { method: 'last', merge: true });
  expect(rows[0].valid).toEqual(['u1 c', 'u2 b', 'u3 b']);
  expect(report.markets[0]).toMatchObject({ given: { interactions: 9, users: 4, items: 4 }, returned: 0 });
  expect(rows[0].train).toContain('u7 x');
});

test('what a market sells next to what was bought there is still sold', async () => {
  const markets = withAssortment(
    await read({
      de: SHOP,
      fr: [
        ['v1', 'a', day(1)],
        ['v1', 'z', day(2)],
      ],
    }),
    { de: ['z', 'new'] },
  );
  const { markets: result } = await split(markets, { method: 'last', keepCold: true });
  const itemsOf = (m: number) => Array.from(result.markets[m].items, (item) => result.items[item]);
  expect(itemsOf(0)).toEqual(['a', 'b', 'c', 'new', 'z']);
  // fr has no such list: z is nobody's training row there.
  expect(itemsOf(1)).toEqual(['a']);
});

test('wrong options name themselves', async () => {
  const markets = await read({ de: SHOP });
  const bad: [object, RegExp][] = [
    [{}, /method: found undefined, expected last, leave-one-out, before, ratio/],
    [{ method: 'ratio' }, /ratio: found undefined, expected one or two values in an array/],
    [{ method: 'ratio', ratio: [0.5, 0.5] }, /ratio: 0.5, 0.5: each share is above 0, and all together below 1/],
    [{ method: 'ratio', ratio: [0] }, /each share is above 0/],
    [{ method: 'ratio', ratio: [0.1, 0.1, 0.1] }, /expected one or two values/],
    [{ method: 'ratio', ratio: [0.1], test: true }, /test: of ratio, a second share is that of test/],
    [{ method: 'before', before: ['yesterday'] }, /before: found "yesterday", expected a time/],
    [{ method: 'before', before: ['2024-02-01', '2024-01-01'] }, /the second time is after the first/],
    [{ method: 'last', seed: -1 }, /seed: found -1/],
    [{ method: 'last', minUser: 0 }, /minUser: found 0/],
    [{ method: 'last', keepCold: 1 }, /keepCold: found 1, expected true or false/],
  ];
  for (const [options, message] of bad)
    await expect(splitMarkets(markets, options as SplitOptions), JSON.stringify(options)).rejects.toThrow(message);
  const timeless = await read({
    de: [
      ['u1', 'a'],
      ['u1', 'b'],
    ],
  });
  await expect(splitMarkets(timeless, { method: 'last' })).rejects.toThrow(
    /last needs the time of each row, and market de/,
  );
  const controller = new AbortController();
  controller.abort();
  await expect(splitMarkets(markets, { method: 'last', signal: controller.signal })).rejects.toThrow(/was stopped/);
});

describe('marketFiles', () => {
  const id = fc
    .string({
      unit: fc.constantFrom('a', 'B', ',', '"', ' ', ';', '\t', '\n', '\\', '|', ':', 'ß', '🎈', '1', "'", '#', '='),
      minLength: 1,
      maxLength: 8,
    })
    .map((text) => `${text}x`.trim());
  const readAgain = async (markets: Markets) => {
    const files = marketFiles(markets).map(({ path, pieces }) => ({ path, name: path, source: () => pieces() }));
    return readMarkets(await chooseFiles(files, 'shop'));
  };

  test('what is written is read again as the same markets, whatever the ids and names', async () => {
    const rows = fc.array(fc.tuple(id, id), { minLength: 2, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(id, rows, { minKeys: 1, maxKeys: 3 }), async (shops) => {
        const markets = await readMarkets(
          Object.entries(shops).map(([market, list]) => ({
            market: market.trim(),
            split: 'train' as const,
            name: 'rows',
            source: JSON.stringify(list.map(([userId, itemId]) => ({ userId, itemId }))),
          })),
        );
        const { markets: parts } = await splitMarkets(markets, { method: 'ratio', ratio: [0.3], keepCold: true }).catch(
          () => ({ markets }),
        );
        expect(all(await readAgain(parts))).toEqual(all(parts));
      }),
      { numRuns: 300 },
    );
  });

  test('what a market sells and nobody has bought comes back too', async () => {
    const markets = await read({
      de: [
        ['u', 'ab'],
        ['u', 'b'],
      ],
      fr: [['v', 'c']],
    });
    const offered = withAssortment(markets, { fr: ['ab', 'c', 'nobody "yet"'] });
    expect(marketFiles(offered).map(({ path }) => path)).toEqual([
      'de/train.csv',
      'fr/train.csv',
      'fr/items.csv',
      'm3rec.json',
    ]);
    const again = await readAgain(offered);
    expect(again.items).toEqual(['ab', 'b', 'c', 'nobody "yet"']);
    expect(again.markets.map(({ name, items }) => [name, [...items]])).toEqual([
      ['de', [0, 1]],
      ['fr', [0, 2, 3]],
    ]);
  });

  test('times come back to the millisecond, before 1970 and far from now too', async () => {
    const times = ['1969-12-31T23:59:59.999Z', '0001-01-01', '-1', '99999999999', '2024-05-06T07:08:09.123Z'];
    const markets = await read({ de: times.map((time, i): Row => ['u', `p${i}`, time]) });
    const files = marketFiles(markets).map(({ path, pieces }) => ({ path, name: path, source: () => pieces() }));
    const again = await readMarkets(await chooseFiles(files, 'shop'), { times: true });
    expect(again.markets[0].times).toEqual(markets.markets[0].times);
  });
});
