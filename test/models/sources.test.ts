// What a market takes from others, as train records it and inspect says it; files may record anything.
import { expect, test } from 'vitest';
import { assembleGenerated, decodeModel, encodeModel, generateMarkets, train } from '../../src/index.ts';
import { describeTransfer } from '../../src/models/sources.ts';

test('each market says what it starts from, in words', async () => {
  const markets = assembleGenerated(generateMarkets({ seed: 5, users: 300, items: 200, interactions: 2500 }));
  const model = decodeModel(encodeModel(await train(markets)));
  const said = describeTransfer(model.training);
  expect(said).toHaveLength(markets.markets.length);
  const [first, second] = markets.markets;
  const others = new Set(second.interactions.indices.map((item) => second.items[item]));
  const items = [...first.items].filter((item) => others.has(item)).length;
  expect(said[0]).toMatch(new RegExp(`^${first.name} starts from ${second.name} \\(\\d+ users, ${items} items\\), `));
});

test('what is recorded otherwise is left out', () => {
  const source = { market: 'de', users: 2000, items: 3 };
  expect(describeTransfer({})).toEqual([]);
  expect(
    describeTransfer({ stages: [null, 1, {}, { market: 'fr', sources: 'de' }, { market: 1, sources: [source] }] }),
  ).toEqual([]);
  const sources = [null, {}, { ...source, users: 'many' }, source];
  expect(describeTransfer({ stages: [{ market: 'fr', sources }] })).toEqual([
    'fr starts from de (2,000 users, 3 items).',
  ]);
});
