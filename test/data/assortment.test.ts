import { expect, test } from 'vitest';
import { withAssortment } from '../../src/data/assortment.ts';
import { checkMarkets } from '../../src/data/markets.ts';
import { readMarkets } from '../../src/data/read-markets.ts';
import { computeStats } from '../../src/data/stats.ts';

const csv = (rows: string) => `user,item\n${rows.replaceAll(' ', '\n')}\n`;
const read = () =>
  readMarkets([
    { market: 'a', split: 'train', name: 'a', source: csv('u,x u,y v,x') },
    { market: 'a', split: 'valid', name: 'av', source: csv('u,z v,q v,y') },
    { market: 'b', split: 'train', name: 'b', source: csv('u,y u,z') },
    { market: 'c', split: 'train', name: 'c', source: csv('w,b w,y') },
  ]);
const ids = ({ items, markets }: Awaited<ReturnType<typeof read>>) =>
  Object.fromEntries(markets.map((market) => [market.name, Array.from(market.items, (item) => items[item])]));
const histories = ({ items, markets }: Awaited<ReturnType<typeof read>>) =>
  markets.map(({ items: sold, users, interactions: { indptr, indices } }) =>
    users.map((user, u) => [user, ...Array.from(indices.slice(indptr[u], indptr[u + 1]), (i) => items[sold[i]])]),
  );

test('a list adds items that nobody in the market has bought, known elsewhere or nowhere', async () => {
  const before = await read();
  const after = withAssortment(before, { a: ['z', 'aa', 'x', 'z'], c: ['q'] });
  checkMarkets(after);
  expect(after.items).toEqual(['aa', 'b', 'q', 'x', 'y', 'z']);
  expect(ids(after)).toEqual({ a: ['aa', 'x', 'y', 'z'], b: ['y', 'z'], c: ['b', 'q', 'y'] });
  expect(histories(after)).toEqual(histories(before));
  expect(after.markets[0].interactions.cols).toBe(4);
  // z is sold in a now; q is not, though c sells it
  expect(after.markets[0].heldOut.valid.map(({ item, itemId }) => [item, itemId])).toEqual([
    [3, 'z'],
    [-1, 'q'],
    [2, 'y'],
  ]);
  const { markets, merged } = computeStats(after);
  expect(markets.map((m) => [m.items, m.boughtElsewhere, m.neverBought, m.sharedItems])).toEqual([
    [2, 1, 1, 1],
    [2, 0, 0, 1],
    [2, 0, 1, 1],
  ]);
  expect(merged).toMatchObject({ items: 4, boughtElsewhere: 0, neverBought: 2, sharedItems: 1 });
  expect(before).toEqual(await read());
});

test('union sells everything everywhere, sold takes it back', async () => {
  const before = await read();
  const union = withAssortment(before, 'union');
  checkMarkets(union);
  expect(ids(union)).toEqual({ a: ['b', 'x', 'y', 'z'], b: ['b', 'x', 'y', 'z'], c: ['b', 'x', 'y', 'z'] });
  expect(histories(union)).toEqual(histories(before));
  expect(withAssortment(union, 'sold')).toEqual(before);
  expect(withAssortment(withAssortment(before, { a: ['nowhere'] }), 'sold')).toEqual(before);
  expect(ids(withAssortment(withAssortment(before, { a: ['nowhere'] }), 'union')).b).toContain('nowhere');
});

test('what cannot be an assortment is refused in one line', async () => {
  const markets = await read();
  expect(() => withAssortment(markets, { d: ['x'] })).toThrow(
    'assortment: found "d", expected a market that the data has: a, b, c',
  );
  expect(() => withAssortment(markets, { a: [''] })).toThrow('assortment.a[0]: found "", expected an item id');
  expect(() => withAssortment(markets, { a: [7 as never] })).toThrow(
    'assortment.a[0]: found 7, expected an id, as text',
  );
  expect(() => withAssortment(markets, 'all' as never)).toThrow('assortment: found "all", expected sold, union,');
  expect(() => withAssortment(markets, null as never)).toThrow('assortment: found null, expected sold, union,');
});
