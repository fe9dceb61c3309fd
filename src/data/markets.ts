import { ArgumentError, checkArray, checkInteger, checkObject, checkTexts } from '../common/errors.ts';
import { checkIncreasing, checkPattern, checkTyped, type SparsePattern } from '../matrix/sparse.ts';

/** One held-out interaction of a market. */
export interface HeldOut {
  /** Index in the market's users, or -1 for a user without training rows. */
  user: number;
  userId: string;
  /** Index in the market's items, or -1 for an item that the market does not sell. */
  item: number;
  itemId: string;
  /** Milliseconds since 1970, where times were asked for. */
  time?: number;
}

/** The interactions of one market. Users are its own; items are shared with other markets by id. */
export interface Market {
  name: string;
  /** (|U_m|) user ids, sorted by UTF-16 code units. */
  users: string[];
  /**
   * (|V_m|) indices into `Markets.items`, strictly increasing: what the market sells, which includes all items of its
   * training rows (assortment.ts). An item that nobody in the market has bought is an empty column of `interactions`.
   */
  items: Int32Array;
  /** X_m (|U_m| × |V_m|), columns are positions in `items`; duplicates counted once. */
  interactions: SparsePattern;
  /**
   * (entries of X_m) when each interaction was, in milliseconds since 1970, the latest of its rows unless `first` was
   * asked for; where times were asked for.
   */
  times?: Float64Array;
  /** Held-out rows by the name of their file (`valid`, `test`), in the order of the file. */
  heldOut: Record<string, HeldOut[]>;
}

/** All markets that train together. */
export interface Markets {
  /** (|V|) ids of all items that a market sells, sorted by UTF-16 code units. */
  items: string[];
  /** Sorted by name. */
  markets: Market[];
}

/**
 * Throws an ArgumentError, naming the place, unless `value` keeps the promises of `Markets` that kernels and metrics
 * rest on: types, lengths, sorted unique names and indices in range. Linear in its size.
 */
export function checkMarkets(value: unknown): void {
  checkObject('markets', value, 'the markets that readMarkets or readDirectory gave');
  const { items, markets } = value as Markets;
  checkTexts('markets.items', items);
  checkArray('markets.markets', markets);
  for (let m = 0; m < markets.length; m++) {
    const where = `markets.markets[${m}]`;
    const market = checkObject(where, markets[m]) as unknown as Market;
    if (typeof market.name !== 'string' || (m > 0 && !(markets[m - 1].name < market.name)))
      throw new ArgumentError(`${where}.name`, market.name, 'a name, each above the one before it');
    checkTexts(`${where}.users`, market.users);
    checkTyped(`${where}.items`, market.items, 'Int32Array');
    checkIncreasing(`${where}.items`, market.items, 0, market.items.length, items.length);
    checkPattern(`${where}.interactions`, market.interactions, market.users.length, market.items.length);
    if (market.times !== undefined)
      checkTyped(`${where}.times`, market.times, 'Float64Array', market.interactions.indices.length);
    for (const [name, rows] of Object.entries(checkObject(`${where}.heldOut`, market.heldOut))) {
      for (const [i, row] of checkArray(`${where}.heldOut.${name}`, rows).entries()) {
        const at = `${where}.heldOut.${name}[${i}]`;
        const { user, userId, item, itemId } = checkObject(at, row);
        checkInteger(`${at}.user`, user, -1, market.users.length - 1);
        checkInteger(`${at}.item`, item, -1, market.items.length - 1);
        checkTexts(at, [userId, itemId]);
      }
    }
  }
}

/** Whether a user has an item, both as positions in the market: by bisection of the user's row. */
export function hasInteraction({ interactions }: Pick<Market, 'interactions'>, user: number, item: number): boolean {
  const { indptr, indices } = interactions;
  let from = indptr[user];
  let to = indptr[user + 1];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (indices[middle] < item) from = middle + 1;
    else to = middle;
  }
  return from < indptr[user + 1] && indices[from] === item;
}

/** Whether a held-out row is a training row too: what a model knows then says nothing about how well it guesses. */
export function isTrainingRow(market: Market, { user, item }: HeldOut): boolean {
  return user >= 0 && item >= 0 && hasInteraction(market, user, item);
}
