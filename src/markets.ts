import type { SparsePattern } from './sparse.ts';

/** One held-out interaction of a market. */
export interface HeldOut {
  /** Index in the market's users, or -1 for a user without training rows. */
  user: number;
  userId: string;
  /** Index in the market's items, or -1 for an item that no training row of this market has. */
  item: number;
  itemId: string;
}

/** The interactions of one market. Users are its own; items are shared with other markets by id. */
export interface Market {
  name: string;
  /** (|U_m|) user ids, sorted by UTF-16 code units. */
  users: string[];
  /** (|V_m|) indices into `Markets.items`, strictly increasing: the items that the market's training rows have. */
  items: Int32Array;
  /** X_m (|U_m| × |V_m|), columns are positions in `items`; duplicates counted once. */
  interactions: SparsePattern;
  /** Held-out rows by the name of their file (`valid`, `test`), in the order of the file. */
  heldOut: Record<string, HeldOut[]>;
}

/** All markets that train together. */
export interface Markets {
  /** (|V|) item ids over all markets' training rows, sorted by UTF-16 code units. */
  items: string[];
  /** Sorted by name. */
  markets: Market[];
}
