// The options of every command that reads data: which rows, and the form of their files.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ROLES } from '../data/columns.ts';
import { checkMaxBadRows, type MaxBadRows } from '../data/warnings.ts';
import type { DirectoryOptions } from '../node/directory.ts';
import { ids, marketsOption, minRatingOption, nonEmpty, whole } from './options.ts';

/** The values of the options of `addDataOptions`. */
export interface DataOptions {
  market?: string;
  markets?: string[];
  minRating?: number;
  catalogue?: 'union' | 'sold';
  where?: string[];
  event?: string[];
  since?: string;
  until?: string;
  query?: string;
  validQuery?: string;
  testQuery?: string;
  columns?: Record<string, string | number>;
  /** False for `--no-header`. */
  header?: boolean;
  delimiter?: string;
  quote?: 'none' | 'double' | 'backslash';
  encoding?: string;
  dates?: 'mdy' | 'dmy';
  skipBadRows?: boolean;
  maxBadRows?: MaxBadRows;
  maxExpansion?: number;
  strict?: boolean;
  quiet?: boolean;
}

/**
 * @param withMarket whether to add `--market`, the market of all rows; a command may use that flag for something else.
 */
export function addDataOptions(command: Command, withMarket = true): Command {
  command.optionsGroup('Rows:');
  if (withMarket) command.addOption(new Option('--market <name>', 'all rows are of this market').argParser(nonEmpty));
  command
    .addOption(marketsOption())
    .addOption(minRatingOption())
    .addOption(
      new Option(
        '--catalogue <name>',
        'items that markets sell: union, every item that any market knows; sold, items that somebody there has bought (default: these, and those in items.csv in the folder of a market)',
      ).choices(['union', 'sold']),
    )
    .addOption(
      new Option('--where <condition>', "only rows that meet it, such as 'quantity>0'; may be given again").argParser(
        (text, before: string[] = []) => [...before, nonEmpty(text)],
      ),
    )
    .addOption(new Option('--event <a,b>', 'only rows of these events').argParser(ids))
    .addOption(new Option('--since <time>', 'only rows from this time on, such as 2024-12-31').argParser(nonEmpty))
    .addOption(new Option('--until <time>', 'only rows before this time').argParser(nonEmpty))
    .optionsGroup('Databases (postgres://host/name, duckdb: for SQL over files, duckdb:FILE):')
    .addOption(
      new Option('--query <sql>', "the rows, such as 'select user_id, item_id, country from orders'").argParser(
        nonEmpty,
      ),
    )
    .addOption(new Option('--valid-query <sql>', 'held-out rows').argParser(nonEmpty))
    .addOption(new Option('--test-query <sql>', 'other held-out rows').argParser(nonEmpty))
    .optionsGroup('Form of the files, if it is not recognised:')
    .addOption(
      new Option(
        '--columns <list>',
        `which column is which, by name or position: user=customer_id,item=3 (${Object.keys(ROLES).join(', ')})`,
      ).argParser(columnsOf),
    )
    .addOption(
      new Option('--no-header', 'the first line is a row; columns are user, item, rating, time, or as in --columns'),
    )
    .addOption(new Option('--delimiter <text>', 'the separator of columns; tab for a tab').argParser(nonEmpty))
    .addOption(
      new Option(
        '--quote <way>',
        'quotes inside a quoted field: double: ""; backslash: \\"; none: fields are never quoted',
      ).choices(['none', 'double', 'backslash']),
    )
    .addOption(
      new Option('--encoding <name>', 'the encoding of text that is not UTF-8, such as windows-1252').argParser(
        nonEmpty,
      ),
    )
    .addOption(
      new Option('--dates <order>', 'order in dates with slashes: 12/31/2024 (mdy) or 31/12/2024 (dmy)').choices([
        'mdy',
        'dmy',
      ]),
    )
    .optionsGroup('Malformed rows and warnings:')
    .addOption(new Option('--skip-bad-rows', 'leave out malformed rows and count them'))
    .addOption(
      new Option(
        '--max-bad-rows <n>',
        'with --skip-bad-rows, the most in a file: a number, or a share such as 1%',
      ).argParser(maxBadRowsOf),
    )
    .addOption(
      new Option(
        '--max-expansion <n>',
        'how many times its size a compressed file may unpack to (default: 200)',
      ).argParser(whole(1, 1_000_000_000)),
    )
    .addOption(new Option('--strict', 'every warning is an error'))
    .addOption(new Option('--quiet', 'no warnings'))
    .optionsGroup('Options:');
  return command;
}

/** Help on the argument of a command that reads data. */
export const DATA_ARGUMENT = 'a folder, files, a zip file, a glob, - for standard input, or a database with --query';

const NAMES = [
  'market',
  'markets',
  'minRating',
  'catalogue',
  'where',
  'event',
  'since',
  'until',
  'query',
  'validQuery',
  'testQuery',
  'columns',
  'header',
  'delimiter',
  'quote',
  'encoding',
  'dates',
  'skipBadRows',
  'maxBadRows',
  'maxExpansion',
  'strict',
  'quiet',
] as const satisfies readonly (keyof DataOptions)[];

/** Splits a command's options into those of its data and its other ones. */
export function takeDataOptions<T extends DataOptions>(
  options: T,
): [data: DataOptions, rest: Omit<T, keyof DataOptions>] {
  const isData = ([name]: [string, unknown]) => (NAMES as readonly string[]).includes(name);
  const entries = Object.entries(options) as [string, unknown][];
  return [
    Object.fromEntries(entries.filter(isData)),
    Object.fromEntries(entries.filter((entry) => !isData(entry))) as Omit<T, keyof DataOptions>,
  ];
}

/** As the library has them. */
export function readOptionsOf({ event, header, strict, quiet, ...options }: DataOptions): DirectoryOptions {
  // Without --no-header, commander gives true, although nothing was said.
  return { ...options, events: event, header: header === false ? false : undefined };
}

/** `--data`, which may be given again: several files or folders. */
export const dataOption = (description: string) =>
  new Option('--data <path>', `${description}; may be given again`).argParser((text, before: string[] = []) => [
    ...before,
    nonEmpty(text),
  ]);

function columnsOf(text: string, before: Record<string, string | number> = {}): Record<string, string | number> {
  const columns = { ...before };
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const role = part.slice(0, equals).trim();
    const column = part.slice(equals + 1).trim();
    if (equals < 0 || column === '' || !Object.hasOwn(ROLES, role))
      throw new InvalidArgumentError(
        `Expected a list such as user=customer_id,item=3, of ${Object.keys(ROLES).join(', ')}.`,
      );
    columns[role] = /^[1-9]\d*$/.test(column) ? Number(column) : column;
  }
  return columns;
}

function maxBadRowsOf(text: string): MaxBadRows {
  try {
    return checkMaxBadRows(/^\d+$/.test(text) ? Number(text) : text);
  } catch {
    throw new InvalidArgumentError('Expected a number of rows, or a share such as 1%.');
  }
}
