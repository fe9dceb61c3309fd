// Rows of a query: PostgreSQL by pg, DuckDB by @duckdb/node-api. Both are optional, and loaded where they are asked
// for.
import { ArgumentError } from '../common/errors.ts';
import type { RowTable } from '../data/source.ts';
import { databaseOf } from './databases.ts';

/**
 * The rows that a query gives, read by a cursor: some thousand in memory at a time. A source for `readMarkets`.
 *
 * PostgreSQL is asked in a read-only transaction, a DuckDB file is opened read-only. Times without a zone are UTC.
 *
 * @param address as `postgres://user:password@host:5432/shop` (what it leaves out is taken from PGHOST, PGUSER,
 *   PGPASSWORD, ~/.pgpass),
 *   `duckdb:` for SQL over files (`read_parquet('orders/*.parquet')`), or `duckdb:shop.duckdb`
 * @param query one SELECT
 * @throws ArgumentError for another address, or no query. Reading throws a DataError, in one line, for a server that
 *   does not answer, a
 *   query that it refuses, and a connection that breaks, and an M3RecError where the package that speaks to it is not installed.
 * @example
 * const query = "select 'u' || i as user_id, 'p' || i % 3 as item_id from range(9) t(i)";
 * const file = { market: 'de', split: 'train', name: 'numbers', source: () => queryRows('duckdb:', query) };
 * (await readMarkets([file])).items; // → ['p0', 'p1', 'p2']
 */
export function queryRows(address: string, query: string, signal?: AbortSignal): RowTable {
  const database = typeof address === 'string' ? databaseOf(address) : undefined;
  if (!database) throw new ArgumentError('address', address, 'postgres://…, duckdb: or a file that ends in .duckdb');
  if (typeof query !== 'string' || query.trim() === '')
    throw new ArgumentError('query', query, "the rows to read, as 'select user_id, item_id from orders'");
  const select = query.trim().replace(/;+\s*$/, '');
  return {
    open: async () => {
      if (database.kind === 'DuckDB') return (await import('./duckdb.ts')).openDuckDb(database, select, signal);
      return (await import('./postgres.ts')).openPostgres(database, select, signal);
    },
  };
}
