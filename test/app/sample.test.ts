import { expect, test } from 'vitest';
import { sampleData, sampleItems } from '../../src/app/sample.ts';
import { xxHash32 } from '../../src/common/xxhash.ts';
import { assembleGenerated } from '../../src/data/generate.ts';

test('1,536 items with names of their own', () => {
  const items = sampleItems();
  expect(items.length).toBe(1536);
  expect(new Set(items.map(({ title }) => title)).size).toBe(1536);
  expect(new Set(items.map(({ id }) => id)).size).toBe(1536);
  expect(items[0]).toEqual({
    id: 'KF1000',
    title: 'Bracken oat hand grinder',
    category: 'Coffee',
    price: { us: 43.99, uk: 33.99, de: 39.95, jp: 6280, in: 3609 },
  });
});

test('one rich market, one that is too scarce to learn from alone, and the same shop everywhere', () => {
  const data = sampleData();
  const { items, markets } = assembleGenerated(data);
  const rows = Object.fromEntries(markets.map(({ name, interactions }) => [name, interactions.indices.length]));
  expect(rows).toEqual({ us: 17641, uk: 10190, de: 6762, jp: 3042, in: 1062 });
  expect(items.length).toBe(1494);
  const india = markets.find(({ name }) => name === 'in')!;
  const shared = [...india.items].filter((item) => markets.some((m) => m !== india && m.items.includes(item)));
  expect(shared.length / india.items.length).toBeGreaterThan(0.8);
  const words = data.markets.flatMap(({ train, valid, test }) =>
    [train, valid, test].flatMap((r) => [...r.users, ...r.items]),
  );
  expect(xxHash32(new Uint8Array(Int32Array.from(words).buffer))).toBe(950159845);
  expect(sampleData(2).markets[0].train.items.length).not.toBe(data.markets[0].train.items.length);
});
