import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assembleGenerated, DEFAULT_SHAPES, type GeneratedData, generateMarkets } from '../../src/data/generate.ts';
import { SplitMix } from '../../src/data/splitmix.ts';
import { computeStats } from '../../src/data/stats.ts';
import { readDirectory } from '../../src/node/directory.ts';
import { writeDirectory } from '../../src/node/files.ts';

function digest(data: GeneratedData): string {
  const hash = createHash('sha256').update(data.items.join());
  for (const market of data.markets) {
    hash.update(market.name).update(market.users.join());
    for (const split of ['train', 'valid', 'test'] as const)
      hash.update(market[split].users).update(market[split].items);
  }
  return hash.digest('hex').slice(0, 16);
}

test('the default data set is what it says', () => {
  const { markets, merged } = computeStats(assembleGenerated(generateMarkets()));
  expect(merged.users).toBe(6000);
  expect(merged.items).toBe(2000);
  const all = merged.rows + merged.heldOut.valid! + merged.heldOut.test!;
  expect(all).toBeGreaterThan(47_000);
  expect(all).toBeLessThan(53_000);
  for (const market of markets) {
    const shape = DEFAULT_SHAPES.find(({ name }) => name === market.market)!;
    expect(Math.abs(market.sharedShare - shape.shared)).toBeLessThan(0.02);
    expect(market.heldOut).toEqual({ valid: market.users, test: market.users });
  }
  const rows = markets.map((market) => market.rows).sort((a, b) => b - a);
  expect(rows[0] / rows[4]).toBeGreaterThan(3);
});

test('popularity has a long tail and tastes can be learnt', () => {
  const { markets } = assembleGenerated(generateMarkets());
  for (const { interactions, items, heldOut } of markets) {
    const counts = new Int32Array(items.length);
    for (const item of interactions.indices) counts[item]++;
    const sorted = [...counts].sort((a, b) => b - a);
    const head = sorted.slice(0, items.length / 10).reduce((sum, count) => sum + count, 0);
    expect(head / interactions.indices.length).toBeGreaterThan(0.25);
    // Among 100 items, the held-out one is found by how often it is bought with the history, much better than by
    // popularity.
    const together = new Int32Array(items.length * items.length);
    for (let user = 0; user < interactions.rows; user++) {
      const history = interactions.indices.subarray(interactions.indptr[user], interactions.indptr[user + 1]);
      for (const i of history) for (const j of history) together[i * items.length + j]++;
    }
    const random = new SplitMix(7);
    const found = { together: 0, popular: 0 };
    for (const { user, item } of heldOut.valid!) {
      const history = interactions.indices.subarray(interactions.indptr[user], interactions.indptr[user + 1]);
      const score = (j: number) =>
        history.reduce((sum, i) => sum + together[i * items.length + j] / Math.sqrt(1 + counts[j]), 0);
      let better = 0;
      let more = 0;
      for (let n = 0; n < 99; n++) {
        const other = random.below(items.length);
        if (score(other) >= score(item)) better++;
        if (counts[other] >= counts[item]) more++;
      }
      if (better < 10) found.together++;
      if (more < 10) found.popular++;
    }
    expect(found.together).toBeGreaterThan(1.3 * found.popular);
  }
});

test('the same seed gives the same rows on every host, another seed others', () => {
  expect(digest(generateMarkets())).toBe('df11e0fb133e5b39');
  expect(digest(generateMarkets({ seed: 2 }))).not.toBe(digest(generateMarkets()));
  const random = new SplitMix(1);
  expect([random.next(), random.next(), random.next()]).toEqual([2462723854, 1020716019, 454327756]);
});

test('any size keeps the promises', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 400 }),
      fc.integer({ min: 200, max: 800 }),
      fc.double({ min: 5, max: 30, noNaN: true }),
      fc.nat(),
      (users, items, perUser, seed) => {
        const data = generateMarkets({ users, items, interactions: Math.ceil(users * perUser), seed });
        expect(data.items).toHaveLength(items);
        expect(assembleGenerated(data).items).toHaveLength(items);
        for (const { train, valid, test, users: names } of data.markets) {
          const pairs = [train, valid, test].flatMap((rows) =>
            Array.from(rows.users, (user, i) => `${user} ${rows.items[i]}`),
          );
          expect(valid.users).toEqual(Int32Array.from(names, (_, i) => i));
          expect(test.users).toEqual(valid.users);
          const perUserCount = new Int32Array(names.length);
          for (const user of train.users) perUserCount[user]++;
          expect(Math.min(...perUserCount)).toBeGreaterThanOrEqual(3);
          // Only an item that is held out from every user may also be in a training row.
          expect(pairs.length - new Set(pairs).size).toBeLessThanOrEqual(2);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('written as folders and read back, it is the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-'));
  try {
    const data = generateMarkets({ users: 300, items: 250, interactions: 2000, seed: 5 });
    await writeDirectory(folder, data);
    expect(await readDirectory(folder)).toEqual(assembleGenerated(data));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('options out of range are named', () => {
  expect(() => generateMarkets({ users: 3 })).toThrow('users: found 3');
  expect(() => generateMarkets({ items: 10 })).toThrow('items: found 10');
  expect(() => generateMarkets({ users: 1000, interactions: 4000 })).toThrow('interactions: found 4000');
  expect(() => generateMarkets({ seed: -1 })).toThrow('seed: found -1');
  expect(() => generateMarkets({ markets: [] })).toThrow('markets: found');
  expect(() => generateMarkets({ markets: [{ name: '../x', users: 1, items: 1, shared: 0 }] })).toThrow(
    'markets[0].name: found "../x"',
  );
  expect(() => generateMarkets({ markets: [{ name: 'a', users: 1, items: 1, shared: 2 }] })).toThrow(
    'markets[0].shared: found 2',
  );
});
