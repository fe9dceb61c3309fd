import { purchases } from './assortment.ts';
import { checkMarkets, type Markets } from './markets.ts';

/** One line of the paper's Table 1. */
export interface MarketStats {
  users: number;
  /** Items in training rows. */
  items: number;
  /** Items that the market sells and only others have bought; of all merged, 0. */
  boughtElsewhere: number;
  /** Items that the market sells and nobody anywhere has bought. */
  neverBought: number;
  /** Training interactions, duplicates counted once. */
  rows: number;
  /** Items that the training rows of another market have too. */
  sharedItems: number;
  /** sharedItems / items. */
  sharedShare: number;
  /** rows / (users × items). */
  density: number;
  /** Held-out rows by the name of their file. */
  heldOut: Record<string, number>;
}

/** The size of each market, and of all of them as one. */
export interface MarketsStats {
  markets: ({ market: string } & MarketStats)[];
  /** All users over the union of the items; `sharedItems` are those in two markets or more. */
  merged: MarketStats;
}

/**
 * The paper's Table 1: the size of each market, of all merged, and how much the markets share.
 * @throws ArgumentError for what are no markets.
 * @example
 * computeStats(markets).merged.users; // → 2000
 */
export function computeStats(markets: Markets): MarketsStats {
  checkMarkets(markets);
  const counts = markets.markets.map(purchases);
  const marketsWith = new Int32Array(markets.items.length);
  for (const [m, { items }] of markets.markets.entries())
    for (const [position, item] of items.entries()) if (counts[m][position] > 0) marketsWith[item]++;
  const table = markets.markets.map((market, m) => {
    const found = { items: 0, sharedItems: 0, boughtElsewhere: 0, neverBought: 0 };
    for (const [position, item] of market.items.entries()) {
      const bought = counts[m][position] > 0;
      if (bought) found.items++;
      if (bought && marketsWith[item] > 1) found.sharedItems++;
      if (!bought && marketsWith[item] > 0) found.boughtElsewhere++;
      if (marketsWith[item] === 0) found.neverBought++;
    }
    const heldOut = Object.fromEntries(Object.entries(market.heldOut).map(([name, rows]) => [name, rows.length]));
    return {
      market: market.name,
      ...withShares(market.users.length, market.interactions.indices.length, found),
      heldOut,
    };
  });
  let users = 0;
  let rows = 0;
  const heldOut: Record<string, number> = {};
  for (const market of table) {
    users += market.users;
    rows += market.rows;
    for (const [name, count] of Object.entries(market.heldOut)) heldOut[name] = (heldOut[name] ?? 0) + count;
  }
  const merged = { items: 0, sharedItems: 0, boughtElsewhere: 0, neverBought: 0 };
  for (const count of marketsWith) {
    if (count > 0) merged.items++;
    else merged.neverBought++;
    if (count > 1) merged.sharedItems++;
  }
  return { markets: table, merged: { ...withShares(users, rows, merged), heldOut } };
}

function withShares(
  users: number,
  rows: number,
  found: Pick<MarketStats, 'items' | 'sharedItems' | 'boughtElsewhere' | 'neverBought'>,
) {
  const { items, sharedItems } = found;
  return {
    users,
    ...found,
    rows,
    sharedShare: items === 0 ? 0 : sharedItems / items,
    density: users * items === 0 ? 0 : rows / (users * items),
  };
}
