import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readMarkets } from '../../src/data/read-markets.ts';
import { computeStats } from '../../src/data/stats.ts';
import type { DataWarning } from '../../src/data/warnings.ts';
import { readDirectory } from '../../src/node/directory.ts';

test('a small case by hand', async () => {
  const csv = (rows: string) => `user,item\n${rows.replaceAll(' ', '\n')}\n`;
  const markets = await readMarkets([
    { market: 'a', split: 'train', name: 'a', source: csv('u,x u,y v,x v,x') },
    { market: 'a', split: 'valid', name: 'av', source: csv('u,z') },
    { market: 'b', split: 'train', name: 'b', source: csv('u,y') },
    { market: 'b', split: 'valid', name: 'bv', source: csv('u,x w,x') },
    { market: 'b', split: 'test', name: 'bt', source: csv('u,x') },
  ]);
  expect(computeStats(markets)).toEqual({
    markets: [
      {
        market: 'a',
        users: 2,
        items: 2,
        boughtElsewhere: 0,
        neverBought: 0,
        rows: 3,
        sharedItems: 1,
        sharedShare: 0.5,
        density: 0.75,
        heldOut: { valid: 1 },
      },
      {
        market: 'b',
        users: 1,
        items: 1,
        boughtElsewhere: 0,
        neverBought: 0,
        rows: 1,
        sharedItems: 1,
        sharedShare: 1,
        density: 1,
        heldOut: { valid: 2, test: 1 },
      },
    ],
    merged: {
      users: 3,
      items: 2,
      boughtElsewhere: 0,
      neverBought: 0,
      rows: 4,
      sharedItems: 1,
      sharedShare: 0.5,
      density: 4 / 6,
      heldOut: { valid: 3, test: 1 },
    },
  });
});

const xmarket = process.env.M3REC_DATA ?? fileURLToPath(new URL('../../../shared/xmarket', import.meta.url));
const present = existsSync(xmarket);
if (!present) console.log(`stats on real markets: skipped, no folder ${xmarket} (set M3REC_DATA)`);

test.skipIf(!present)('the five real markets', async () => {
  const duplicates = new Map<string, number>();
  const onWarning = ({ kind, market, count }: DataWarning) => kind === 'duplicate' && duplicates.set(market!, count);
  const { markets, merged } = computeStats(await readDirectory(xmarket, { onWarning }));
  expect(
    markets.map((m) => [
      m.market,
      m.users,
      m.items,
      m.rows + duplicates.get(m.market)!,
      m.rows,
      Math.round(100 * m.sharedShare),
      m.heldOut.valid,
    ]),
  ).toEqual([
    ['s1', 6466, 9762, 77173, 76965, 27, 3224],
    ['s2', 7109, 2198, 48302, 48165, 76, 3505],
    ['s3', 3328, 1245, 23367, 23236, 89, 1661],
    ['t1', 2697, 1357, 19615, 19483, 85, 1391],
    ['t2', 5482, 2917, 41226, 41061, 73, 2767],
  ]);
  expect(merged).toMatchObject({ users: 25082, items: 12015, rows: 208910 });
});
