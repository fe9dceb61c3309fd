// What the other markets know of the items that a market sells.
import type { Market, Markets } from '../../data/markets.ts';
import type { Source } from '../../engine/stage.ts';
import type { SparsePattern } from '../../matrix/sparse.ts';

/** The other markets' users over the items of one. */
export interface Others {
  /** (users × |V_m|), columns as in the market; users with none of its items are left out. */
  X: SparsePattern;
  /** In the order of the markets, those with users in X. */
  sources: Source[];
}

/**
 * Gives the others of each market by its number. A market costs what it and those that share an item with it hold, not
 * what all of them do.
 */
export function othersOf({ items, markets }: Markets): (number: number) => Others {
  const sellers = sellersOf(items.length, markets);
  const places = new Int32Array(items.length).fill(-1);
  const seenBy = new Int32Array(markets.length).fill(-1);
  return (number) => {
    const own = markets[number].items;
    const sharing: number[] = [];
    for (const [position, item] of own.entries()) {
      places[item] = position;
      for (let s = sellers.starts[item]; s < sellers.starts[item + 1]; s++) {
        const other = sellers.markets[s];
        if (other === number || seenBy[other] === number) continue;
        seenBy[other] = number;
        sharing.push(other);
      }
    }
    const others = sharing.sort((one, other) => one - other).map((m) => markets[m]);
    const found = othersOver(own.length, others, places);
    for (const item of own) places[item] = -1;
    return found;
  };
}

/** The markets that sell each item, ascending: those of item i from `starts[i]`. */
function sellersOf(items: number, markets: readonly Market[]): { starts: Int32Array; markets: Int32Array } {
  const starts = new Int32Array(items + 1);
  for (const market of markets) for (const item of market.items) starts[item + 1]++;
  for (let item = 0; item < items; item++) starts[item + 1] += starts[item];
  const next = starts.slice();
  const sellers = new Int32Array(starts[items]);
  for (const [m, market] of markets.entries()) for (const item of market.items) sellers[next[item]++] = m;
  return { starts, markets: sellers };
}

/** @param places of every item in the market, or −1 */
function othersOver(cols: number, others: readonly Market[], places: Int32Array): Others {
  const placesOf = (market: Market) => market.items.map((item) => places[item]);
  const sources: Source[] = [];
  let entries = 0;
  for (const market of others) {
    const has = new Set<number>();
    const source = { market: market.name, users: 0, items: 0 };
    eachRow(market, placesOf(market), (row) => {
      source.users++;
      entries += row.length;
      for (const item of row) has.add(item);
    });
    source.items = has.size;
    if (source.users > 0) sources.push(source);
  }
  const indptr = new Int32Array(sources.reduce((sum, { users }) => sum + users, 0) + 1);
  const indices = new Int32Array(entries);
  let user = 0;
  for (const market of others)
    eachRow(market, placesOf(market), (row) => {
      indices.set(row, indptr[user]);
      indptr[user + 1] = indptr[user] + row.length;
      user++;
    });
  return { X: { rows: user, cols, indptr, indices }, sources };
}

/**
 * Calls with the places of each user's items, ascending, that have one. @param place of each item of the market, or −1
 */
function eachRow({ interactions }: Market, place: Int32Array, use: (row: Int32Array) => void): void {
  const { rows, indptr, indices } = interactions;
  const row = new Int32Array(place.length);
  for (let u = 0; u < rows; u++) {
    let count = 0;
    // positions rise with the item in every market, so places rise too
    for (let e = indptr[u]; e < indptr[u + 1]; e++) if (place[indices[e]] >= 0) row[count++] = place[indices[e]];
    if (count > 0) use(row.subarray(0, count));
  }
}
