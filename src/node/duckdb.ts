import { AbortedError } from '../common/errors.ts';
import type { OpenTable } from '../data/source.ts';
import { type Database, databaseError, optional } from './databases.ts';

/** Streams a query of DuckDB, in chunks of 2,048 rows; values come as text, times in ISO and UTC. */
export async function openDuckDb(database: Database, query: string, signal?: AbortSignal): Promise<OpenTable> {
  const { DuckDBInstance } = await optional<typeof import('@duckdb/node-api')>('@duckdb/node-api', 'reading DuckDB');
  let rows = 0;
  let interrupt: (() => void) | undefined;
  const stop = () => interrupt?.();
  signal?.addEventListener('abort', stop, { once: true });
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      if (signal?.aborted) throw new AbortedError('stopped');
      return await work();
    } catch (error) {
      if (signal?.aborted) throw new AbortedError(`reading ${database.name} was stopped at row ${rows}`);
      throw databaseError(database, error, rows);
    }
  };
  const open: { closeSync(): void }[] = [];
  const close = async () => {
    signal?.removeEventListener('abort', stop);
    for (const each of open.splice(0).reverse()) each.closeSync();
  };
  try {
    const isFile = database.address !== '' && database.address !== ':memory:';
    const instance = await attempt(() =>
      isFile ? DuckDBInstance.create(database.address, { access_mode: 'READ_ONLY' }) : DuckDBInstance.create(),
    );
    open.push(instance);
    const connection = await attempt(() => instance.connect());
    open.push(connection);
    interrupt = () => connection.interrupt();
    await attempt(() => connection.run("set timezone = 'UTC'"));
    const result = await attempt(() => connection.stream(`select columns(*)::varchar from (${query}\n) as query`));
    return {
      names: result.columnNames(),
      batches: (async function* () {
        for (;;) {
          const chunk = await attempt(() => result.fetchChunk());
          if (!chunk || chunk.rowCount === 0) return;
          rows += chunk.rowCount;
          yield chunk.getRows();
        }
      })(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
