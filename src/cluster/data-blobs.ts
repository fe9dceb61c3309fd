// Markets in a store: the catalogue once, and of each market its interactions, its users, and its held-out rows apart,
// so
// that a job fetches what it needs.
import { ArgumentError, M3RecError } from '../common/errors.ts';
import { checkMarkets, type HeldOut, type Market, type Markets } from '../data/markets.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import { codecOf } from '../models/artefact.ts';
import type { Store } from './store.ts';

/** What jobs compute on of a market. */
export interface MarketRows {
  /** Numbers of its items in the catalogue, rising. */
  items: Int32Array;
  /** X_m (users × items). */
  interactions: SparsePattern;
}

const rowsCodec = codecOf<MarketRows>({
  name: 'interactions',
  fields: [
    { name: 'items', type: 'i32', sections: { 2: 'items' }, use: 'items', rows: 'items', required: true },
    {
      name: 'interactions',
      type: 'pattern',
      sections: { 3: 'indptr', 4: 'indices' },
      use: 'users',
      rows: 'width',
      cols: 'items',
      required: true,
    },
  ],
  sizesOf: ({ items, interactions }) => ({ items: items.length, width: interactions.rows }),
  build: ({ items, interactions }) => ({ items: items as Int32Array, interactions: interactions as SparsePattern }),
});

/** Ids in order, each once. */
interface Ids {
  ids: string[];
}

const idsCodec = codecOf<Ids>({
  name: 'ids',
  fields: [{ name: 'ids', type: 'ids', sections: { 2: 'ids', 3: 'offsets' }, use: 'users', required: true }],
  sizesOf: ({ ids }) => ({ items: ids.length, width: 0 }),
  build: ({ ids }) => ({ ids: ids as string[] }),
});

/** Digests of the blobs of a market. */
export interface MarketBlobs {
  name: string;
  rows: string;
  users: string;
  /** Absent where it was not asked for. */
  heldOut?: string;
}

/** Digests of the blobs of all markets. */
export interface DataBlobs {
  items: string;
  markets: MarketBlobs[];
}

/** @param withHeldOut whether held-out rows go along. */
export async function putMarkets(store: Store, { items, markets }: Markets, withHeldOut: boolean): Promise<DataBlobs> {
  const catalogue = await store.put(idsCodec.encode({ ids: items }));
  const blobs: MarketBlobs[] = [];
  for (const { name, users, items: own, interactions, heldOut } of markets) {
    blobs.push({
      name,
      rows: await store.put(rowsCodec.encode({ items: own, interactions })),
      users: await store.put(idsCodec.encode({ ids: users })),
      ...(withHeldOut && { heldOut: await store.put(encodeHeldOut(heldOut)) }),
    });
  }
  return { items: catalogue, markets: blobs };
}

/** The interactions of a market. @param catalogue how many items there are in all */
export function decodeRows(bytes: Uint8Array, catalogue: number): MarketRows {
  const rows = rowsCodec.decode(bytes);
  let last = -1;
  for (const item of rows.items) {
    if (item <= last || item >= catalogue)
      throw new M3RecError('the items of a market are not in the order of the catalogue');
    last = item;
  }
  return rows;
}

export const decodeIds = (bytes: Uint8Array): string[] => idsCodec.decode(bytes).ids;

/** What a job was given of a market, with its name. */
export interface MarketParts {
  name: string;
  rows: Uint8Array;
  users: Uint8Array;
  heldOut?: Uint8Array;
}

/** The markets again, checked as a caller's. */
export function joinMarkets(catalogue: Uint8Array, parts: readonly MarketParts[]): Markets {
  const items = decodeIds(catalogue);
  const markets = parts.map(({ name, rows, users, heldOut }): Market => {
    const { items: own, interactions } = decodeRows(rows, items.length);
    return { name, users: decodeIds(users), items: own, interactions, heldOut: heldOut ? decodeHeldOut(heldOut) : {} };
  });
  const joined = { items, markets };
  checkMarkets(joined);
  return joined;
}

type Row = [user: number, userId: string, item: number, itemId: string];

function encodeHeldOut(heldOut: Record<string, HeldOut[]>): Uint8Array {
  const rows = Object.entries(heldOut).map(([name, list]) => [
    name,
    list.map(({ user, userId, item, itemId }): Row => [user, userId, item, itemId]),
  ]);
  return new TextEncoder().encode(JSON.stringify(rows));
}

function decodeHeldOut(bytes: Uint8Array): Record<string, HeldOut[]> {
  const files = JSON.parse(new TextDecoder().decode(bytes)) as [string, Row[]][];
  if (!Array.isArray(files)) throw new ArgumentError('heldOut', files, 'lists of held-out rows by name');
  return Object.fromEntries(
    files.map(([name, rows]) => [name, rows.map(([user, userId, item, itemId]) => ({ user, userId, item, itemId }))]),
  );
}
