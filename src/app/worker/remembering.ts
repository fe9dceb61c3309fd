// The data that were read last, kept in this browser for the next visit.
import { del, get, set } from 'idb-keyval';
import { M3RecError } from '../../common/errors.ts';
import type { Markets } from '../../data/markets.ts';
import type { DataFacts, Title } from './api.ts';

const KEY = 'm3rec:data';
/** Larger data are read from their files again. */
const MOST_BYTES = 200e6;
/** What an id takes, about. */
const ID_BYTES = 40;

export interface Remembered {
  markets: Markets;
  facts: DataFacts;
  titles: Title[];
}

/** @throws M3RecError where they are too large, or the browser has no room for them */
export async function remember(data: Remembered): Promise<void> {
  const { items, markets } = data.markets;
  const bytes = markets.reduce(
    (sum, { users, interactions }) => sum + 4 * interactions.indices.length + ID_BYTES * users.length,
    ID_BYTES * (items.length + data.titles.length),
  );
  if (bytes > MOST_BYTES)
    throw new M3RecError('these data are too large to keep in the browser; read their files again');
  try {
    await set(KEY, data);
  } catch (error) {
    throw new M3RecError(`this browser does not keep the data: ${(error as Error).message}`);
  }
}

/** Nothing where none are kept, or this window keeps nothing. */
export const recall = (): Promise<Remembered | undefined> => get<Remembered>(KEY).catch(() => undefined);

export const forget = (): Promise<void> => del(KEY).catch(() => {});
