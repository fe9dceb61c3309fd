import type { Market, Markets } from '../data/markets.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import type { MarketModel, Model } from '../model/model.ts';
import type { RowChange } from '../similarity/woodbury.ts';

/** A market with the model's interactions and the new ones together. */
export interface GrownMarket extends Market {
  /** (n) the item's position in the model's market, −1 if it has none. */
  oldOf: Int32Array;
  /** (|U_m|) the user's position in the model's market, or −1. */
  oldOfUser: Int32Array;
  /** Rows of X_m that changed, in the order of the users. */
  changes: RowChange[];
}

export interface GrownMarkets extends Markets {
  /** (n) the item's position in the model, −1 if it has none. */
  oldOf: Int32Array;
  markets: GrownMarket[];
  /** How much is new. */
  added: { users: number; items: number; interactions: number };
}

/**
 * The model's interactions and further ones, as if they had been read together: ids sorted, duplicates counted once.
 * Every market of `added` is one of the model's, and every market of the model has users and histories.
 */
export function growMarkets(model: Model, added: Markets): GrownMarkets {
  const items = mergeIds(model.items, added.items);
  const markets = model.markets.map((market) => {
    const more = added.markets.find(({ name }) => name === market.name);
    return growMarket(market, more, items);
  });
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
  return {
    items: items.ids,
    oldOf: items.oldOf,
    markets,
    added: {
      users: sum(markets.map(({ users }, m) => users.length - model.markets[m].users!.length)),
      items: items.ids.length - model.items.length,
      interactions: sum(
        markets.map(({ interactions }, m) => interactions.indices.length - model.markets[m].seenItems!.indices.length),
      ),
    },
  };
}

interface MergedIds {
  ids: string[];
  /** The position of each id in the old list, or −1. */
  oldOf: Int32Array;
  /** The new positions of the old list and of the list that was added. */
  ofOld: Int32Array;
  ofAdded: Int32Array;
}

/** Both lists sorted by UTF-16 code units, each id once. */
function mergeIds(old: readonly string[], added: readonly string[]): MergedIds {
  const ids: string[] = [];
  const oldOf: number[] = [];
  const ofOld = new Int32Array(old.length);
  const ofAdded = new Int32Array(added.length);
  for (let o = 0, a = 0; o < old.length || a < added.length; ) {
    const fromOld = a === added.length || (o < old.length && old[o] <= added[a]);
    const fromAdded = o === old.length || (a < added.length && added[a] <= old[o]);
    oldOf.push(fromOld ? o : -1);
    if (fromAdded) ofAdded[a] = ids.length;
    if (fromOld) ofOld[o] = ids.length;
    ids.push(fromOld ? old[o++] : added[a]);
    if (fromAdded) a++;
  }
  return { ids, oldOf: Int32Array.from(oldOf), ofOld, ofAdded };
}

function growMarket(market: MarketModel, more: Market | undefined, all: MergedIds): GrownMarket {
  // the position of each item of the model or of `added` in this market, or −1
  const local = new Int32Array(all.ids.length).fill(-1);
  for (const item of market.items) local[all.ofOld[item]] = 0;
  for (const item of more?.items ?? []) local[all.ofAdded[item]] = 0;
  const items = Int32Array.from(local.keys()).filter((item) => local[item] === 0);
  for (const [position, item] of items.entries()) local[item] = position;

  const oldOf = new Int32Array(items.length).fill(-1);
  const ofOld = market.items.map((item) => local[all.ofOld[item]]);
  for (const [old, position] of ofOld.entries()) oldOf[position] = old;
  const ofAdded = more ? more.items.map((item) => local[all.ofAdded[item]]) : new Int32Array(0);

  const users = mergeIds(market.users!, more?.users ?? []);
  const addedUser = new Int32Array(users.ids.length).fill(-1);
  for (const [user, position] of users.ofAdded.entries()) addedUser[position] = user;
  const indptr = new Int32Array(users.ids.length + 1);
  const indices: number[] = [];
  const changes: RowChange[] = [];
  for (let user = 0; user < users.ids.length; user++) {
    const before = rowOf(market.seenItems!, users.oldOf[user], ofOld);
    const after =
      more && addedUser[user] >= 0 ? union(before, rowOf(more.interactions, addedUser[user], ofAdded)) : before;
    if (after.length > before.length) changes.push({ before, after });
    for (const item of after) indices.push(item);
    indptr[user + 1] = indices.length;
  }
  return {
    name: market.name,
    users: users.ids,
    items,
    interactions: { rows: users.ids.length, cols: items.length, indptr, indices: Int32Array.from(indices) },
    heldOut: {},
    oldOf,
    oldOfUser: users.oldOf,
    changes,
  };
}

/** Row `user` of X at its new columns; −1 has none. New columns rise with the old ones. */
function rowOf(x: SparsePattern, user: number, columns: Int32Array): Int32Array {
  if (user < 0) return new Int32Array(0);
  return x.indices.subarray(x.indptr[user], x.indptr[user + 1]).map((item) => columns[item]);
}

/** Both rising, the result too. */
function union(a: Int32Array, b: Int32Array): Int32Array {
  return Int32Array.from(new Set([...a, ...b])).sort();
}
