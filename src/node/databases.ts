// Which databases are read, and what is said where that fails.
import { DataError, M3RecError } from '../common/errors.ts';

/** Something that `--query` is asked of. */
export interface Database {
  kind: 'PostgreSQL' | 'DuckDB';
  /** How messages call it: without user and password. */
  name: string;
  address: string;
}

/**
 * The database that an address means: `postgres://host/name`, `duckdb:` (SQL over files), `duckdb:shop.duckdb`, or a
 * file that ends in `.duckdb` or `.ddb`. Undefined for any other path.
 */
export function databaseOf(path: string): Database | undefined {
  if (/^postgres(ql)?:/i.test(path)) return { kind: 'PostgreSQL', name: nameOf(path), address: path };
  if (/^duckdb:/i.test(path)) {
    const address = path.slice('duckdb:'.length).replace(/^\/\/(?=.)/, '');
    return { kind: 'DuckDB', name: address || 'DuckDB', address };
  }
  return /\.(duckdb|ddb)$/i.test(path) ? { kind: 'DuckDB', name: path, address: path } : undefined;
}

/** `postgres://host:port/name` of an address that may hold a user, a password and options. */
function nameOf(address: string): string {
  return address.replace(
    /^(\w+:)(\/\/)?([^/?#]*@)?([^?#]*).*$/s,
    (_, scheme, slashes = '', _user, rest) => `${scheme}${slashes}${rest}`,
  );
}

/**
 * A package that is asked for when it is needed. Bundlers leave the import alone, since they do not see the name.
 * @param install what to install, if not the name
 * @throws M3RecError with the line that installs it.
 */
export async function optional<T>(name: string, what: string, install = name): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND')
      throw new M3RecError(`${what} needs the package ${name}, which does not load here: ${message.split('\n')[0]}`);
    throw new M3RecError(`${what} needs the package ${name}: npm install ${install}`);
  }
}

/** What a database said, in one line that names it, the rows read so far, and what to do. */
export function databaseError(database: Database, error: unknown, rows: number): Error {
  if (error instanceof M3RecError) return error;
  const { code, message, address, port, errors } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
    errors?: NodeJS.ErrnoException[];
  };
  const first = code === undefined && errors?.[0] ? errors[0] : undefined;
  if (first) return databaseError(database, first, rows);
  const fail = (problem: string) => new DataError(database.name, undefined, problem);
  const where = address === undefined ? '' : ` at ${address}${port === undefined ? '' : `:${port}`}`;
  const text = message.replace(/\s*\n\s*/g, ' ').replace(/^Error: /, '');
  // An error that the server sends has a code of five characters; classes 08 and 57P are ends of the connection.
  const broke = database.kind === 'PostgreSQL' && !(code !== undefined && /^(?!08|57P)[0-9A-Z]{5}$/.test(code));
  if (broke && (rows > 0 || code === undefined))
    return fail(
      `the connection broke ${rows > 0 ? `after ${rows} rows` : 'before the first row'} (${text}): run it again`,
    );
  const reason = code === undefined ? undefined : REASONS[code];
  if (reason !== undefined) return fail(`${reason}${where} (${code}); check the address`);
  return fail(`${database.kind} says: ${text}${code === undefined ? '' : ` (${code})`}`);
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'no server takes connections',
  ENOTFOUND: 'no host has this name',
  EAI_AGAIN: 'no host has this name, or names cannot be looked up now',
  ETIMEDOUT: 'the server does not answer',
  EHOSTUNREACH: 'no way leads to the host',
  ENETUNREACH: 'no way leads to the host',
  ECONNRESET: 'the server closed the connection',
  ENOENT: 'no server listens there',
};
