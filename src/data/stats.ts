import { checkMarkets, type Markets } from './markets.ts';

/** One line of the paper's Table 1. */
export interface MarketStats {
  users: number;
  /** Items in training rows. */
  items: number;
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

export interface MarketsStats {
  markets: ({ market: string } & MarketStats)[];
  /** All users over the union of the items; `sharedItems` are those in two markets or more. */
  merged: MarketStats;
}

/** The paper's Table 1: the size of each market, of all merged, and how much the markets share. @throws ArgumentError for what are no markets. */
export function computeStats(markets: Markets): MarketsStats {
  checkMarkets(markets);
  const marketsWith = new Int32Array(markets.items.length);
  for (const { items } of markets.markets) for (const item of items) marketsWith[item]++;
  const table = markets.markets.map((market) => {
    let sharedItems = 0;
    for (const item of market.items) if (marketsWith[item] > 1) sharedItems++;
    const heldOut = Object.fromEntries(Object.entries(market.heldOut).map(([name, rows]) => [name, rows.length]));
    return {
      market: market.name,
      ...shares(market.users.length, market.items.length, market.interactions.indices.length, sharedItems),
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
  let sharedItems = 0;
  for (const count of marketsWith) if (count > 1) sharedItems++;
  return { markets: table, merged: { ...shares(users, markets.items.length, rows, sharedItems), heldOut } };
}

function shares(users: number, items: number, rows: number, sharedItems: number) {
  return {
    users,
    items,
    rows,
    sharedItems,
    sharedShare: items === 0 ? 0 : sharedItems / items,
    density: users * items === 0 ? 0 : rows / (users * items),
  };
}
