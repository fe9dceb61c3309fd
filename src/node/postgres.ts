import { Socket } from 'node:net';
import { AbortedError, DataError } from '../common/errors.ts';
import type { OpenTable } from '../data/source.ts';
import { type Database, databaseError, optional } from './databases.ts';

/** Rows that are fetched, and held, at a time. */
const FETCH = 5000;
const CONNECT_MS = 15_000;

/** Opens a cursor on a query, in a read-only transaction; values come as text, times in ISO and UTC. */
export async function openPostgres(database: Database, query: string, signal?: AbortSignal): Promise<OpenTable> {
  const { default: pg } = await optional<typeof import('pg')>('pg', 'reading PostgreSQL');
  const socket = new Socket();
  let client: InstanceType<typeof pg.Client>;
  try {
    client = new pg.Client({
      connectionString: database.address,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'm3rec',
      stream: () => socket,
    });
  } catch (error) {
    throw new DataError(database.name, undefined, `this is no address of PostgreSQL (${(error as Error).message})`);
  }
  let rows = 0;
  let broken: unknown;
  // Said again by the query that waits, which is where it is thrown.
  client.on('error', (error) => {
    broken ??= error;
  });
  const stop = () => socket.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      if (signal?.aborted) throw new AbortedError('stopped');
      return await work();
    } catch (error) {
      if (signal?.aborted) throw new AbortedError(`reading ${database.name} was stopped at row ${rows}`);
      throw databaseError(database, broken ?? error, rows);
    }
  };
  const close = async () => {
    signal?.removeEventListener('abort', stop);
    // What is said to a server that is gone is of no use; the rows that were wanted are here, or the error is known.
    if (!socket.destroyed) await client.end().catch(() => {});
    socket.destroy();
  };
  const types = { getTypeParser: () => (value: unknown) => value };
  const fetch = () =>
    attempt(() => client.query({ text: `fetch ${FETCH} from m3rec`, rowMode: 'array', types } as never)) as Promise<{
      fields: { name: string }[];
      rows: unknown[][];
    }>;
  try {
    await attempt(() => client.connect());
    await attempt(() => client.query('begin transaction read only'));
    await attempt(() => client.query("set local datestyle = 'ISO'; set local timezone = 'UTC'"));
    await attempt(() => client.query(`declare m3rec no scroll cursor for ${query}`));
    let batch = await fetch();
    return {
      names: batch.fields.map(({ name }) => name),
      batches: (async function* () {
        while (batch.rows.length > 0) {
          rows += batch.rows.length;
          yield batch.rows;
          batch = await fetch();
        }
      })(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
