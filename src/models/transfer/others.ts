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

/** @param number of the market */
export function othersOver({ items, markets }: Markets, number: number): Others {
  const own = markets[number].items;
  const places = new Int32Array(items.length).fill(-1);
  for (const [position, item] of own.entries()) places[item] = position;
  const others = markets.filter((_, m) => m !== number);
  const placesOf = (market: Market) => market.items.map((item) => places[item]);
  const sources: Source[] = [];
  let entries = 0;
  for (const market of others) {
    const place = placesOf(market);
    const has = new Uint8Array(own.length);
    const source = { market: market.name, users: 0, items: 0 };
    eachRow(market, place, (row) => {
      source.users++;
      entries += row.length;
      for (const item of row) has[item] = 1;
    });
    source.items = has.reduce((sum, each) => sum + each, 0);
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
  return { X: { rows: user, cols: own.length, indptr, indices }, sources };
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
