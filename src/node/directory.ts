// Reads markets from files of this machine: folders, files, zips, globs, standard input.
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { ArgumentError, checkObject, checkTexts, DataError } from '../common/errors.ts';
import { CONFIG_NAME, parseConfig } from '../data/config.ts';
import { isDataName, isHidden } from '../data/file-names.ts';
import { chooseFiles, type FolderFile, type FolderOptions, filesOfZip } from '../data/folder.ts';
import { marketOfFile } from '../data/market-names.ts';
import type { Markets } from '../data/markets.ts';
import { type MarketFile, readMarkets } from '../data/read-markets.ts';
import type { RandomAccess } from '../data/source.ts';
import { databaseOf } from './databases.ts';
import { readInput } from './input.ts';
import { checkPath } from './output-file.ts';
import { queryRows } from './query-rows.ts';
import { attempt } from './system-error.ts';

/** Deepest level of folders that is searched. */
const MAX_DEPTH = 4;
/** Most files of a folder. */
const MAX_FILES = 100_000;

/** What `readDirectory` takes. */
export interface DirectoryOptions extends FolderOptions {
  /** The rows of a database to read: one SELECT. */
  query?: string;
  /** Its held-out rows. */
  validQuery?: string;
  testQuery?: string;
}

/**
 * Reads markets from files: a folder (a folder for each market, files named by market, or files with a market column),
 * a file, a zip, several of these, a glob, or `-` for standard input; or, with a `query`, from a database
 * (`queryRows`). See docs/guide/data.md for what is recognised.
 *
 * @example
 * const { markets } = await readDirectory('shop', { markets: ['de', 'jp'] });
 * markets.map(({ name }) => name); // → ['de', 'jp']
 *
 * @throws DataError that names the missing or unreadable file or folder, and as `readMarkets`.
 * @throws ArgumentError for `markets` that the data does not have.
 */
export async function readDirectory(
  path: string | readonly string[],
  options: DirectoryOptions = {},
): Promise<Markets> {
  return readMarkets(await findFiles(path, options), options);
}

/**
 * The files that `readDirectory` would read, and the market and split of each.
 * @throws as `readDirectory`, for errors that are found before a row is read.
 * @example
 * (await findFiles('shop', { markets: ['de'] })).map(({ split }) => split); // → ['train', 'valid', 'test']
 */
export async function findFiles(
  path: string | readonly string[],
  options: DirectoryOptions = {},
): Promise<MarketFile[]> {
  checkObject('options', options);
  if (options.markets !== undefined) checkTexts('markets', options.markets, 'an array of names');
  const { market } = options;
  if (market !== undefined && (typeof market !== 'string' || market.trim() === ''))
    throw new ArgumentError('market', market, 'the name of a market');
  const given = Array.isArray(path) ? path : [path];
  if (given.length === 0) throw new ArgumentError('path', path, 'at least one path');
  for (const each of given) checkPath(each);
  const databases = databaseFiles(given, options);
  if (databases) return databases;
  const paths = (await Promise.all(given.map(expand))).flat();
  if (paths.length > 1) return chooseFiles(await together(paths, options), 'the files', options);
  const [only] = paths;
  if (only === '-')
    return [{ ...marketOf(options, 'stdin'), split: 'train', name: '-', source: () => readInput('-', options.signal) }];
  const info = await attempt(only, () => stat(only));
  if (info.isDirectory()) return chooseFiles(await listed(only, options), only.replace(/[/\\]+$/, '') || only, options);
  const file: FolderFile = {
    path: basename(only),
    name: only,
    bytes: info.size,
    source: () => sourceOf(only, info, options.signal),
  };
  if (/\.zip$/i.test(only)) {
    const inside = await filesOfZip(file);
    if (inside.filter((each) => isDataName(each.path)).length !== 1 && !inside.some(isOffice))
      return chooseFiles(inside, only, options);
  }
  const beside = join(dirname(only), CONFIG_NAME);
  const text = await readFile(beside, 'utf8').catch(() => undefined);
  const { market: said, ...config } = text === undefined ? {} : parseConfig(text, beside);
  return [
    {
      ...marketOf({ market: market ?? said }, marketOfFile(only, basename(dirname(resolve(only))))),
      split: 'train',
      name: only,
      ...(info.isFile() && { bytes: info.size }),
      source: file.source,
      ...(text !== undefined && { options: config }),
    },
  ];
}

/** The queries of a database, each as a file; undefined where none is meant. */
function databaseFiles(given: readonly string[], options: DirectoryOptions): MarketFile[] | undefined {
  const database = given.map(databaseOf).find((each) => each !== undefined);
  const queries = [
    ['train', options.query],
    ['valid', options.validQuery],
    ['test', options.testQuery],
  ] as const;
  if (!database) {
    if (queries.every(([, query]) => query === undefined)) return undefined;
    throw ArgumentError.because('query', `asks a database (postgres://…, duckdb:), which ${given.join(', ')} is not`);
  }
  const { name, address } = database;
  if (given.length > 1) throw new ArgumentError('path', name, 'a database alone');
  if (options.query === undefined)
    throw ArgumentError.because('query', `say which rows of ${name}: --query 'select user_id, item_id from orders'`);
  const market = marketOf(options, /([^/:]+?)(\.\w+)?$/.exec(name)?.[1] ?? 'database');
  return queries.flatMap(([split, query]) =>
    query === undefined
      ? []
      : {
          ...market,
          split,
          name: split === 'train' ? name : `${name} (${split})`,
          counted: true as const,
          source: () => queryRows(database.kind === 'DuckDB' ? `duckdb:${address}` : address, query, options.signal),
        },
  );
}

const isOffice = ({ path }: FolderFile) => path === '[Content_Types].xml';

function marketOf({ market }: FolderOptions, otherwise: string): Pick<MarketFile, 'market' | 'defaultMarket'> {
  return market === undefined ? { defaultMarket: otherwise } : { market };
}

/** The files of several paths, as if they were in one folder. */
async function together(paths: readonly string[], options: FolderOptions): Promise<FolderFile[]> {
  const names = paths.map((path) => basename(path));
  const apart = new Set(names).size === names.length;
  const files: FolderFile[] = [];
  for (const [i, path] of paths.entries()) {
    if (path === '-') throw new ArgumentError('path', path, 'standard input alone');
    const info = await attempt(path, () => stat(path));
    const name = apart ? names[i] : `${basename(dirname(path))}/${names[i]}`;
    if (info.isDirectory())
      files.push(...(await listed(path, options)).map((file) => ({ ...file, path: `${name}/${file.path}` })));
    else
      files.push({
        path: name,
        name: path,
        bytes: info.size,
        source: () => sourceOf(path, info, options.signal),
        given: true,
      });
  }
  return files;
}

/** All files in a folder, sorted by path. Links and folders that cannot be opened are skipped with a warning. */
async function listed(folder: string, { onWarning, signal }: FolderOptions): Promise<FolderFile[]> {
  const files: FolderFile[] = [];
  const walk = async (path: string, depth: number): Promise<void> => {
    const full = path === '' ? folder : join(folder, path);
    const names = (await attempt(full, () => readdir(full))).sort();
    for (const name of names) {
      const inner = path === '' ? name : `${path}/${name}`;
      const target = join(folder, inner);
      if (isHidden(name)) continue;
      const info = await stat(target).catch(() => undefined);
      if (!info) {
        onWarning?.({
          kind: 'ignored-file',
          file: target,
          message: 'passed over: a broken link, or no permission',
          count: 1,
        });
      } else if (info.isDirectory()) {
        if (depth < MAX_DEPTH) await walk(inner, depth + 1);
      } else files.push({ path: inner, name: target, bytes: info.size, source: () => sourceOf(target, info, signal) });
      if (files.length > MAX_FILES)
        throw new DataError(folder, undefined, `more than ${MAX_FILES} files: name the folder of the data`);
    }
  };
  await walk('', 1);
  return files;
}

/** The content of a file; a regular file can be read in parts. */
function sourceOf(
  path: string,
  info: { size: number; isFile(): boolean },
  signal: AbortSignal | undefined,
): RandomAccess | AsyncIterable<Uint8Array> {
  if (!info.isFile()) return readInput(path, signal);
  return {
    byteLength: info.size,
    slice: (start, end) =>
      attempt(path, async () => {
        const file = await open(path);
        try {
          const bytes = new Uint8Array(end - start);
          let read = 0;
          while (read < bytes.length) {
            const { bytesRead } = await file.read(bytes, read, bytes.length - read, start + read);
            if (bytesRead === 0) throw new DataError(path, undefined, 'the file became shorter while it was read');
            read += bytesRead;
          }
          return bytes.buffer;
        } finally {
          await file.close();
        }
      }),
    stream: () => readInput(path, signal),
  };
}

/**
 * The paths that match a glob (`*`, `?`, `[…]`, `**` for folders). A path that exists, or has none of these, stays as
 * it is.
 */
async function expand(path: string): Promise<string[]> {
  if (path === '-' || !/[*?[]/.test(path)) return [path];
  if (
    await stat(path).then(
      () => true,
      () => false,
    )
  )
    return [path];
  const parts = path.split(sep === '\\' ? /[/\\]/ : '/');
  let found = [parts[0] === '' ? sep : ''];
  for (const part of parts[0] === '' ? parts.slice(1) : parts) {
    const next: string[] = [];
    for (const folder of found) {
      if (!/[*?[]/.test(part)) {
        const inner = join(folder, part);
        if (
          await stat(inner).then(
            () => true,
            () => false,
          )
        )
          next.push(inner);
        continue;
      }
      const names = (await readdir(folder || '.', { recursive: part === '**' }).catch(() => [])).filter(
        (name) => !isHidden(name),
      );
      const pattern = part === '**' ? undefined : patternOf(part);
      if (!pattern) next.push(folder);
      for (const name of names.sort()) if (!pattern || pattern.test(name)) next.push(join(folder, name));
    }
    found = [...new Set(next)];
  }
  if (found.length === 0) throw new DataError(path, undefined, 'no file matches this pattern');
  return found.sort();
}

function patternOf(glob: string): RegExp {
  const text = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^');
  try {
    return new RegExp(`^${text}$`, 'u');
  } catch {
    throw new ArgumentError('path', glob, 'a pattern whose brackets are closed');
  }
}
