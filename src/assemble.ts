import { Int32List } from './int32-list.ts';
import type { HeldOut, Market, Markets } from './markets.ts';
import type { SparsePattern } from './sparse.ts';

/** The rows of one market as they came, by numbers in lists of ids. */
export interface RawMarket {
  name: string;
  /** User ids by number, in any order, each once. */
  users: readonly string[];
  /** (rows) user and item number of each training row. */
  trainUsers: Int32Array;
  trainItems: Int32Array;
  /** Held-out rows by the name of their file: numbers as above. */
  heldOut: Record<string, { users: Int32Array; items: Int32Array }>;
}

/**
 * Puts raw rows in the order that `Markets` promises, so that the result does not depend on the order of the rows.
 * Time and memory are linear in the rows, but for sorting the ids: 8 bytes a row beside the result.
 *
 * @param itemIds item ids by number, in any order, each once; those without a training row only serve held-out rows.
 */
export function assemble(itemIds: readonly string[], raw: readonly RawMarket[]): Markets {
  const trained = new Uint8Array(itemIds.length);
  for (const market of raw) for (const item of market.trainItems) trained[item] = 1;
  const order = sortedNumbers(itemIds, trained);
  const rank = inverse(order, itemIds.length);
  const markets = raw.map((market) => assembleMarket(market, itemIds, order, rank));
  markets.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { items: pick(itemIds, order), markets };
}

function assembleMarket(raw: RawMarket, itemIds: readonly string[], order: Int32Array, rank: Int32Array): Market {
  const hasItem = new Uint8Array(order.length);
  for (const item of raw.trainItems) hasItem[rank[item]] = 1;
  const items = new Int32List();
  const local = new Int32Array(order.length).fill(-1);
  for (let item = 0; item < order.length; item++) {
    if (hasItem[item] === 0) continue;
    local[item] = items.length;
    items.push(item);
  }

  const hasRow = new Uint8Array(raw.users.length);
  for (const user of raw.trainUsers) hasRow[user] = 1;
  const userOrder = sortedNumbers(raw.users, hasRow);
  const userRank = inverse(userOrder, raw.users.length);

  const interactions = compress(
    raw.trainUsers.map((user) => userRank[user]),
    raw.trainItems.map((item) => local[rank[item]]),
    userOrder.length,
    items.length,
  );
  const heldOut: Record<string, HeldOut[]> = {};
  for (const [name, rows] of Object.entries(raw.heldOut)) {
    heldOut[name] = Array.from(rows.users, (user, row) => {
      const item = rows.items[row];
      const global = rank[item];
      return { user: userRank[user], userId: raw.users[user], item: global < 0 ? -1 : local[global], itemId: itemIds[item] };
    });
  }
  return { name: raw.name, users: pick(raw.users, userOrder), items: items.view().slice(), interactions, heldOut };
}

/** CSR of the (row, column) pairs, each counted once, by two stable counting sorts. */
function compress(rowOf: Int32Array, columnOf: Int32Array, rows: number, cols: number): SparsePattern {
  const byColumn = countingSort(columnOf, cols);
  const sortedRows = byColumn.map((pair) => rowOf[pair]);
  const byRow = countingSort(sortedRows, rows);
  const indptr = new Int32Array(rows + 1);
  const indices = new Int32Array(rowOf.length);
  let entries = 0;
  let row = -1;
  for (const at of byRow) {
    const pair = byColumn[at];
    while (row < rowOf[pair]) indptr[++row] = entries;
    const column = columnOf[pair];
    if (entries > indptr[row] && indices[entries - 1] === column) continue;
    indices[entries++] = column;
  }
  while (row < rows) indptr[++row] = entries;
  return { rows, cols, indptr, indices: indices.slice(0, entries) };
}

/** The positions of `keys` in stable order of their keys, which are in [0, bins). */
function countingSort(keys: Int32Array, bins: number): Int32Array {
  const start = new Int32Array(bins + 1);
  for (const key of keys) start[key + 1]++;
  for (let bin = 0; bin < bins; bin++) start[bin + 1] += start[bin];
  const order = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) order[start[keys[i]]++] = i;
  return order;
}

/** The numbers of the ids that are present, in order of the ids' UTF-16 code units. */
function sortedNumbers(ids: readonly string[], present: Uint8Array): Int32Array {
  const numbers: number[] = [];
  for (let i = 0; i < ids.length; i++) if (present[i]) numbers.push(i);
  numbers.sort((a, b) => (ids[a] < ids[b] ? -1 : 1));
  return Int32Array.from(numbers);
}

/** rank[order[i]] = i, and -1 for what is not in `order`. */
function inverse(order: Int32Array, size: number): Int32Array {
  const rank = new Int32Array(size).fill(-1);
  for (let i = 0; i < order.length; i++) rank[order[i]] = i;
  return rank;
}

function pick(ids: readonly string[], order: Int32Array): string[] {
  return Array.from(order, (i) => ids[i]);
}
