// What markets sell, as their files say: items.* in the folder of a market, and the option `catalogue`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { computeStats, encodeModel, loadModel, type MarketFile, readMarkets, train } from '../../src/index.ts';
import { readDirectory } from '../../src/node/directory.ts';

let folder: string;
const put = (file: string, text: string) => {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'm3rec-catalogue-'));
  put('a/train.csv', 'userId,itemId\nu,x\nu,y\nv,x\n');
  put('a/valid.csv', 'userId,itemId\nv,z\n');
  put('b/train.csv', 'userId,itemId\nu,y\nu,z\n');
  put('b/items.tsv', 'title\titemId\nHat\ty\nShoe\tx\nCap\tnew\nCap\tnew\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const sold = ({ items, markets }: Awaited<ReturnType<typeof readMarkets>>) =>
  Object.fromEntries(markets.map((market) => [market.name, Array.from(market.items, (item) => items[item]).join(' ')]));
const counts = (markets: Awaited<ReturnType<typeof readMarkets>>) =>
  computeStats(markets).markets.map((market) => [market.items, market.boughtElsewhere, market.neverBought]);

test('a list in the folder of a market adds what it sells', async () => {
  const markets = await readDirectory(folder);
  expect(sold(markets)).toEqual({ a: 'x y', b: 'new x y z' });
  expect(counts(markets)).toEqual([
    [2, 0, 0],
    [2, 1, 1],
  ]);
  expect(sold(await readDirectory(folder, { markets: ['b'] }))).toEqual({ b: 'new x y z' });
  expect(sold(await readDirectory(folder, { markets: ['a'] }))).toEqual({ a: 'x y' });
});

test('catalogue: sold is what somebody there has bought, union what any market knows', async () => {
  expect(sold(await readDirectory(folder, { catalogue: 'sold' }))).toEqual({ a: 'x y', b: 'y z' });
  const union = await readDirectory(folder, { catalogue: 'union' });
  expect(sold(union)).toEqual({ a: 'new x y z', b: 'new x y z' });
  // the held-out row's item is sold now
  expect(union.markets[0].heldOut.valid.map(({ item }) => item)).toEqual([3]);
  await expect(readDirectory(folder, { catalogue: 'all' as never })).rejects.toThrow(
    'catalogue: found "all", expected union, sold',
  );
});

test('a folder with a list and nothing else is a market without users, served from the others', async () => {
  put('new/items.csv', 'itemId\nz\ny\nx\n');
  const markets = await readDirectory(folder);
  expect(markets.markets.map(({ name, users }) => [name, users.length])).toEqual([
    ['a', 2],
    ['b', 1],
    ['new', 0],
  ]);
  expect(sold(markets).new).toBe('x y z');
  const recommender = await loadModel(encodeModel(await train(markets, { epsilon: -1, singularVectors: 0 })));
  const { items, fallback } = recommender.recommend({ market: 'new', items: ['y'] });
  expect(fallback).toBeUndefined();
  expect(items.map(({ item, boughtIn }) => [item, boughtIn])).toEqual([
    ['x', ['a']],
    ['z', ['b']],
  ]);
  // without its list it would not be there
  expect((await readDirectory(folder, { catalogue: 'sold' })).markets.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('lists alone are no data, and a list without its market is refused', async () => {
  const list = (market?: string): MarketFile => ({ market, split: 'items', name: 'items.csv', source: 'itemId\nx\n' });
  await expect(readMarkets([list()])).rejects.toThrow(
    'files[0].market: found undefined, expected the market that sells these items',
  );
  await expect(readMarkets([list('a')])).rejects.toThrow('items.csv: no training rows');
  const bad: MarketFile = { ...list('a'), source: 'title\nHat\n' };
  const rows: MarketFile = { market: 'a', split: 'train', name: 'train.csv', source: 'userId,itemId\nu,x\n' };
  await expect(readMarkets([rows, bad])).rejects.toThrow(/^items\.csv:1: no column itemId/);
});
