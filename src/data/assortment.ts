// What a market sells, whether anybody there has bought it yet or not.
import { ArgumentError, checkTexts } from '../common/errors.ts';
import { checkMarkets, type HeldOut, type Market, type Markets } from './markets.ts';

/**
 * What each market sells: `sold`, the items of its training rows; `union`, every item that any market knows; or lists
 * of item ids by the name of the market, to which its training rows add theirs. A market without a list sells what its
 * training rows have.
 */
export type Assortment = 'sold' | 'union' | Readonly<Record<string, readonly string[]>>;

/**
 * The same interactions over other assortments: an item that a market sells and nobody there has bought is an empty
 * column of X_m. What other markets know of it is enough to recommend it. An item that no market has bought is never
 * recommended before one that somebody has.
 *
 * Linear in the size of the markets and the lists, but for sorting the ids that are new.
 *
 * @throws ArgumentError for what are no markets, another word, or a list of a market that is not there.
 * @example
 * // jp lists an item of its own that nobody there has bought yet
 * const offered = withAssortment(markets, { jp: ['P1000000'] });
 * offered.markets.find(({ name }) => name === 'jp').items.length; // → 164
 */
export function withAssortment(markets: Markets, assortment: Assortment): Markets {
  checkMarkets(markets);
  const lists = checkAssortment(markets, assortment);
  const kept = assortment === 'sold' ? boughtAnywhere(markets) : undefined;
  const known = new Set(markets.items);
  const added = new Set<string>();
  for (const ids of Object.values(lists)) for (const id of ids) if (!known.has(id)) added.add(id);
  const items = [...(kept ? markets.items.filter((_, item) => kept[item] === 1) : markets.items), ...added].sort();
  const numbers = new Map(items.map((id, number) => [id, number]));
  const renumbered = Int32Array.from(markets.items, (id) => numbers.get(id) ?? -1);
  return {
    items,
    markets: markets.markets.map((market) => {
      const offered = new Uint8Array(items.length);
      if (assortment === 'union') offered.fill(1);
      const bought = purchases(market);
      for (const [position, item] of market.items.entries())
        if (bought[position] > 0 || assortment !== 'sold') offered[renumbered[item]] = 1;
      for (const id of lists[market.name] ?? []) offered[numbers.get(id)!] = 1;
      return offering(market, offered, renumbered, numbers);
    }),
  };
}

/**
 * (|V_m|) users of the market who have bought each of its items; 0 for an item that it only sells.
 * @example
 * purchases(markets.markets[0]).length; // → 186
 */
export function purchases({ items, interactions }: Pick<Market, 'items' | 'interactions'>): Int32Array {
  const counts = new Int32Array(items.length);
  for (const item of interactions.indices) counts[item]++;
  return counts;
}

function checkAssortment(markets: Markets, assortment: Assortment): Readonly<Record<string, readonly string[]>> {
  if (assortment === 'sold' || assortment === 'union') return {};
  if (typeof assortment !== 'object' || assortment === null)
    throw new ArgumentError('assortment', assortment, 'sold, union, or a list of item ids for each market');
  const names = markets.markets.map(({ name }) => name);
  for (const [name, ids] of Object.entries(assortment)) {
    if (!names.includes(name))
      throw new ArgumentError('assortment', name, `a market that the data has: ${names.slice(0, 20).join(', ')}`);
    for (const [i, id] of checkTexts(`assortment.${name}`, ids).entries())
      if (id === '') throw new ArgumentError(`assortment.${name}[${i}]`, id, 'an item id');
  }
  return assortment;
}

/** Per item: 1 if a market has bought it. */
function boughtAnywhere(markets: Markets): Uint8Array {
  const bought = new Uint8Array(markets.items.length);
  for (const market of markets.markets)
    for (const [position, count] of purchases(market).entries()) if (count > 0) bought[market.items[position]] = 1;
  return bought;
}

/**
 * The market with the items of `offered`, among which all are that it has bought.
 * @param renumbered new number of each old item, or −1
 */
function offering(market: Market, offered: Uint8Array, renumbered: Int32Array, numbers: Map<string, number>): Market {
  const places = new Int32Array(offered.length).fill(-1);
  let count = 0;
  for (let item = 0; item < offered.length; item++) if (offered[item] === 1) places[item] = count++;
  const items = new Int32Array(count);
  for (let item = 0; item < offered.length; item++) if (places[item] >= 0) items[places[item]] = item;
  const { indices } = market.interactions;
  const heldOut = Object.fromEntries(
    Object.entries(market.heldOut).map(([name, rows]): [string, HeldOut[]] => [
      name,
      rows.map((row) => {
        const number = numbers.get(row.itemId);
        return { ...row, item: number === undefined ? -1 : places[number] };
      }),
    ]),
  );
  return {
    ...market,
    items,
    interactions: {
      ...market.interactions,
      cols: count,
      // Both numberings keep the order of the ids, so a user's items stay in order.
      indices: indices.map((position) => places[renumbered[market.items[position]]]),
    },
    heldOut,
  };
}
