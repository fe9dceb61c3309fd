// Fewer users of a market than there are: how a model would do if the market were smaller, with the other markets
// whole.
import { ArgumentError, checkInteger, checkNumber } from '../common/errors.ts';
import { xxHash32 } from '../common/xxhash.ts';
import { checkMarkets, type Market, type Markets } from './markets.ts';

/**
 * The same markets, with a share of the users of one: ⌈share · users⌉ of them, those with the smallest hash of their
 * id, so that a larger share of the same seed has all users of a smaller one. The market sells what it sold; its
 * held-out rows stay, and those of users who are left out have no user (`evaluate` folds them in if it is given the
 * whole markets).
 *
 * @param share 0 … 1; with 0 the market has a list of items and nobody yet
 * @param seed 0 … 2³² − 1
 * @throws ArgumentError for what are no markets, another name, share or seed.
 * @example
 * const source = 'userId,itemId\nu1,shoe-9\nu2,hat-2\n';
 * const markets = await readMarkets([{ market: 'de', split: 'train', name: 'de.csv', source }]);
 * withFewerUsers(markets, 'de', 0.5).markets[0].users.length; // → 1
 */
export function withFewerUsers(markets: Markets, name: string, share: number, seed = 0): Markets {
  checkMarkets(markets);
  checkNumber('share', share, 0, 1);
  checkInteger('seed', seed, 0, 0xffffffff);
  const market = markets.markets.find((each) => each.name === name);
  if (!market) throw new ArgumentError('market', name, `one of ${markets.markets.map((each) => each.name).join(', ')}`);
  const few = onlyUsers(market, chosenUsers(market.users, Math.ceil(share * market.users.length), seed));
  return { ...markets, markets: markets.markets.map((each) => (each === market ? few : each)) };
}

/** Ascending indices of `count` users, those with the smallest hash of their id. */
function chosenUsers(users: readonly string[], count: number, seed: number): Int32Array {
  const encoder = new TextEncoder();
  const hashes = users.map((id) => xxHash32(encoder.encode(id), seed));
  const order = Int32Array.from(users.keys()).sort((a, b) => hashes[a] - hashes[b] || a - b);
  return order.slice(0, count).sort();
}

function onlyUsers(market: Market, chosen: Int32Array): Market {
  const { indptr, indices, cols } = market.interactions;
  const places = new Int32Array(market.users.length).fill(-1);
  const starts = new Int32Array(chosen.length + 1);
  for (const [place, user] of chosen.entries()) {
    places[user] = place;
    starts[place + 1] = starts[place] + indptr[user + 1] - indptr[user];
  }
  const kept = new Int32Array(starts[chosen.length]);
  for (const [place, user] of chosen.entries())
    kept.set(indices.subarray(indptr[user], indptr[user + 1]), starts[place]);
  const heldOut = Object.fromEntries(
    Object.entries(market.heldOut).map(([split, rows]) => [
      split,
      rows.map((row) => ({ ...row, user: row.user < 0 ? -1 : places[row.user] })),
    ]),
  );
  return {
    ...market,
    users: Array.from(chosen, (user) => market.users[user]),
    interactions: { rows: chosen.length, cols, indptr: starts, indices: kept },
    heldOut,
  };
}
