import { expect, test } from 'vitest';
import { checkMarkets } from '../../src/data/markets.ts';
import { readMarkets } from '../../src/data/read-markets.ts';
import { withFewerUsers } from '../../src/data/scarce.ts';

const users = Array.from({ length: 40 }, (_, u) => `u${u}`);
const csv = (rows: string[]) => `user,item\n${rows.join('\n')}\n`;
const read = () =>
  readMarkets([
    {
      market: 'a',
      split: 'train',
      name: 'a',
      source: csv(users.flatMap((u, i) => [`${u},p${i % 7}`, `${u},p${i % 5}`])),
    },
    { market: 'a', split: 'valid', name: 'av', source: csv([...users.map((u) => `${u},p6`), 'stranger,p1']) },
    { market: 'b', split: 'train', name: 'b', source: csv(['v,p1', 'v,p9']) },
  ]);

test('a smaller share has fewer of the same users, and the market sells what it sold', async () => {
  const whole = await read();
  const [market, other] = whole.markets;
  let larger: string[] = market.users;
  for (const share of [1, 0.5, 0.26, 0.01, 0]) {
    const few = withFewerUsers(whole, 'a', share, 7);
    checkMarkets(few);
    const [left] = few.markets;
    expect(left.users.length).toBe(Math.ceil(40 * share));
    expect(left.users.every((user) => larger.includes(user))).toBe(true);
    larger = left.users;
    expect(left.items).toEqual(market.items);
    expect(few.markets[1]).toBe(other);
    for (const [place, user] of left.users.entries()) {
      const { indptr, indices } = market.interactions;
      const at = market.users.indexOf(user);
      const row = left.interactions.indices.slice(...left.interactions.indptr.slice(place, place + 2));
      expect(row).toEqual(indices.slice(indptr[at], indptr[at + 1]));
    }
    expect(left.heldOut.valid.map(({ userId, itemId, item }) => [userId, itemId, item])).toEqual(
      market.heldOut.valid.map(({ userId, itemId, item }) => [userId, itemId, item]),
    );
    for (const { user, userId } of left.heldOut.valid) expect(user).toBe(left.users.indexOf(userId));
  }
  expect(whole).toEqual(await read());
});

test('the users depend on the seed alone', async () => {
  const whole = await read();
  const chosen = (seed: number) => withFewerUsers(whole, 'a', 0.3, seed).markets[0].users;
  expect(chosen(1)).toEqual(chosen(1));
  expect(chosen(1)).not.toEqual(chosen(2));
});

test('wrong arguments', async () => {
  const whole = await read();
  expect(() => withFewerUsers(whole, 'c', 0.5)).toThrow('market: found "c", expected one of a, b');
  expect(() => withFewerUsers(whole, 'a', 1.5)).toThrow('share: found 1.5');
  expect(() => withFewerUsers(whole, 'a', 0.5, -1)).toThrow('seed: found -1');
});
