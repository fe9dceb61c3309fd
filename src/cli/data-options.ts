// The options of every command that reads data: which rows, and how their files are written.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ROLES } from '../data/columns.ts';
import type { FolderOptions } from '../data/folder.ts';
import { checkMaxBadRows, type MaxBadRows } from '../data/warnings.ts';
import { ids, marketsOption, minRatingOption, nonEmpty, whole } from './options.ts';

/** What the options of `addDataOptions` come to. */
export interface DataOptions {
  market?: string;
  markets?: string[];
  minRating?: number;
  catalogue?: 'union' | 'sold';
  where?: string[];
  event?: string[];
  since?: string;
  until?: string;
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

/** @param withMarket whether `--market` names the market of all rows; a command may use the name for something else. */
export function addDataOptions(command: Command, withMarket = true): Command {
  command.optionsGroup('Rows:');
  if (withMarket) command.addOption(new Option('--market <name>', 'all rows are of this market').argParser(nonEmpty));
  command
    .addOption(marketsOption())
    .addOption(minRatingOption())
    .addOption(
      new Option(
        '--catalogue <name>',
        'what markets sell: union, every item that any market knows; sold, what somebody there has bought (default: that, and what items.csv in the folder of a market lists)',
      ).choices(['union', 'sold']),
    )
    .addOption(
      new Option('--where <condition>', "only rows for which it holds, as 'quantity>0'; may be given again").argParser(
        (text, before: string[] = []) => [...before, nonEmpty(text)],
      ),
    )
    .addOption(new Option('--event <a,b>', 'only rows of these events').argParser(ids))
    .addOption(new Option('--since <time>', 'only rows from then on, as 2024-12-31').argParser(nonEmpty))
    .addOption(new Option('--until <time>', 'only rows before that time').argParser(nonEmpty))
    .optionsGroup('How files are written, where that is not recognised:')
    .addOption(
      new Option(
        '--columns <list>',
        `which column is which, by name or position: user=customer_id,item=3 (${Object.keys(ROLES).join(', ')})`,
      ).argParser(columnsOf),
    )
    .addOption(new Option('--no-header', 'the first line is a row: user, item, rating, time, or as --columns says'))
    .addOption(new Option('--delimiter <text>', 'what is between columns; tab for a tab').argParser(nonEmpty))
    .addOption(
      new Option(
        '--quote <way>',
        'none: quotes are characters; double: "" is one inside; backslash: \\" is one',
      ).choices(['none', 'double', 'backslash']),
    )
    .addOption(new Option('--encoding <name>', 'for text that is not UTF-8, as windows-1252').argParser(nonEmpty))
    .addOption(new Option('--dates <order>', 'of dates with slashes: 12/31/2024 or 31/12/2024').choices(['mdy', 'dmy']))
    .optionsGroup('What is wrong or odd:')
    .addOption(new Option('--skip-bad-rows', 'leave out malformed rows, and count them'))
    .addOption(
      new Option('--max-bad-rows <n>', 'how many, of each file: a number, or a share (1%)').argParser(maxBadRowsOf),
    )
    .addOption(
      new Option('--max-expansion <n>', 'how many times its size a packed file may unpack to (200)').argParser(
        whole(1, 1_000_000_000),
      ),
    )
    .addOption(new Option('--strict', 'every warning is an error'))
    .addOption(new Option('--quiet', 'no warnings'))
    .optionsGroup('Options:');
  return command;
}

/** What the argument of a command that reads data may be. */
export const DATA_ARGUMENT = 'a folder, files, a zip, a glob, or - for standard input';

const NAMES = [
  'market',
  'markets',
  'minRating',
  'catalogue',
  'where',
  'event',
  'since',
  'until',
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

/** A command's options apart: those of its data, and its own. */
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
export function readOptionsOf({ event, header, strict, quiet, ...options }: DataOptions): FolderOptions {
  // Without --no-header commander says true, where nothing was said.
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
      throw new InvalidArgumentError(`Expected as user=customer_id,item=3, of ${Object.keys(ROLES).join(', ')}.`);
    columns[role] = /^[1-9]\d*$/.test(column) ? Number(column) : column;
  }
  return columns;
}

function maxBadRowsOf(text: string): MaxBadRows {
  try {
    return checkMaxBadRows(/^\d+$/.test(text) ? Number(text) : text);
  } catch {
    throw new InvalidArgumentError('Expected a number of rows, or a share as 1%.');
  }
}
