// Interactions of a file, row by row: ids trimmed and checked, filters applied, what is odd counted.
import { ArgumentError, checkCallback, checkChoice, checkInteger, checkObject } from '../common/errors.ts';
import { Job } from '../common/job.ts';
import { checkColumnOptions, ROLES, type RoleName, shorten } from './columns.ts';
import { type FilterOptions, type Filters, filtersOf, meets, toNumber } from './filters.ts';
import type { LayoutOptions, Wanted } from './recognise.ts';
import type { Recognised } from './recognised.ts';
import type { RowSource } from './source.ts';
import { readTable } from './table.ts';
import { badCharacters } from './text.ts';
import { parseTime } from './time.ts';
import { checkMaxBadRows, type DataWarning, MAX_BAD_ROWS, type MaxBadRows, RowFaults } from './warnings.ts';

/**
 * Takes one row. The strings may be slices of a larger text: to keep one, copy it (see `copyString`), or the text stays
 * in memory. `rating` and `time` (milliseconds since 1970) are NaN, `market` is undefined, where they were not asked
 * for.
 */
export type RowSink = (
  user: string,
  item: string,
  rating: number,
  market: string | undefined,
  line: number,
  time: number,
) => void;

/** How rows are read; the same for all files. */
export interface ReadingOptions extends LayoutOptions, FilterOptions {
  /** Leave out malformed rows, and count them, instead of stopping at the first. */
  skipBadRows?: boolean;
  /** Most rows of a file to leave out: a number, or a share such as `'1%'` (the default; one row always may). */
  maxBadRows?: MaxBadRows;
  /** How many times its size a packed file may unpack to, beyond 64 MiB (200). */
  maxExpansion?: number;
}

export interface RowOptions extends ReadingOptions {
  /** Read the rating of each row, and refuse a file without one. */
  rating?: boolean;
  /** Read the market of each row: refuse a file without one, or (`optional`) read it where there is one. */
  market?: boolean | 'optional';
  /** Read the time of each row, and refuse a file without one. */
  time?: boolean;
  /** Size of the whole, for the progress reports; 0 where it is not known. */
  totalBytes?: number;
  /** Called with the form of the file, before its first row. */
  onRecognised?: (recognised: Recognised) => void;
  /** Called with each warning, at the end. */
  onWarning?: (warning: DataWarning) => void;
}

/** Longest id, in UTF-16 code units. */
export const MAX_FIELD = 1024;

/**
 * Streams the interactions of a file into `sink`: delimited text, JSON, Parquet, packed or not (docs/guide/data.md).
 *
 * Columns are found by their names, in any case, with or without `_`, `-` or blanks, and common other spellings, or as
 * `columns` says. Ids are text without outer blanks. Rows without a user, an item, or what else is asked for are left
 * out and counted.
 *
 * @example
 * const pairs = [];
 * await readRows('user;item\nu1;shoe-9\n', 'rows.csv', (user, item) => pairs.push([user, item]));
 * pairs; // → [['u1', 'shoe-9']]
 *
 * @returns the number of rows.
 * @throws DataError, with the line, for: an empty file, a missing column, a packed or binary file that cannot be read;
 * and for a
 *   malformed row (fields, quotes, numbers, times, an over-long id, characters that no id may have), unless `skipBadRows`.
 * @throws ArgumentError for a source, or a piece of it, that is neither text nor bytes, and for options that are none.
 * @throws AbortedError
 */
export async function readRows(
  source: RowSource,
  fileName: string,
  sink: RowSink,
  options: RowOptions = {},
  job = new Job(),
): Promise<number> {
  if (typeof fileName !== 'string') throw new ArgumentError('fileName', fileName, 'text');
  if (typeof sink !== 'function') throw new ArgumentError('sink', sink, 'a function');
  const filters = checkReadingOptions(options);
  const needed: RoleName[] = ['user', 'item'];
  if (options.rating || filters.minRating !== undefined) needed.push('rating');
  if (options.market === true) needed.push('market');
  const timed =
    options.time || filters.since !== Number.NEGATIVE_INFINITY || filters.until !== Number.POSITIVE_INFINITY;
  if (timed) needed.push('time');
  if (filters.events) needed.push('event');
  const wanted: Wanted = {
    roles: ROLES,
    needed,
    welcome: options.market === 'optional' ? ['market'] : [],
    named: filters.conditions.map(({ column }) => column),
  };
  const faults = new RowFaults(fileName, options.skipBadRows ?? false, options.maxBadRows ?? MAX_BAD_ROWS);
  const rows = new RowTaker(sink, filters, faults, options.onRecognised, options.onWarning);
  await readTable(source, fileName, wanted, options, rows, job);
  faults.checkShare(rows.good);
  if (options.onWarning) for (const warning of faults.warnings()) options.onWarning(warning);
  return rows.count;
}

/** @throws ArgumentError that names the wrong option. */
export function checkReadingOptions(options: RowOptions): Filters {
  checkObject('options', options);
  const { columns, header, delimiter, quote, encoding, dates, maxExpansion } = options;
  if (columns !== undefined) checkColumnOptions(columns, ROLES);
  if (header !== undefined && typeof header !== 'boolean') throw new ArgumentError('header', header, 'true or false');
  if (delimiter !== undefined && (typeof delimiter !== 'string' || delimiter === '' || /["\r\n]/.test(delimiter)))
    throw new ArgumentError('delimiter', delimiter, 'the text between columns, or tab');
  if (quote !== undefined) checkChoice('quote', quote, ['none', 'double', 'backslash']);
  if (encoding !== undefined && typeof encoding !== 'string')
    throw new ArgumentError('encoding', encoding, 'the name of an encoding, such as windows-1252');
  if (dates !== undefined) checkChoice('dates', dates, ['mdy', 'dmy']);
  if (options.maxBadRows !== undefined) checkMaxBadRows(options.maxBadRows);
  if (maxExpansion !== undefined) checkInteger('maxExpansion', maxExpansion, 1, 1e9);
  checkCallback('onRecognised', options.onRecognised);
  checkCallback('onWarning', options.onWarning);
  return filtersOf(options);
}

/** Checks the rows of one file and hands on those that are right. */
class RowTaker {
  /** Rows handed on, and rows that were well-formed. */
  count = 0;
  good = 0;
  private user = 0;
  private item = 0;
  private rating = -1;
  private market = -1;
  private time = -1;
  private event = -1;
  private conditions: number[] = [];
  private dates: 'mdy' | 'dmy' | undefined;
  private headerUser: string | undefined;
  private headerItem: string | undefined;
  private replaced = false;

  constructor(
    private readonly sink: RowSink,
    private readonly filters: Filters,
    private readonly faults: RowFaults,
    private readonly onRecognised: ((recognised: Recognised) => void) | undefined,
    private readonly onWarning: ((warning: DataWarning) => void) | undefined,
  ) {}

  start(recognised: Recognised, slots: Record<string, number>): void {
    this.user = slots.user;
    this.item = slots.item;
    this.rating = slots.rating ?? -1;
    this.market = slots.market ?? -1;
    this.time = slots.time ?? -1;
    this.event = slots.event ?? -1;
    this.conditions = this.filters.conditions.map(({ column }) => slots[`=${column}`]);
    this.dates = recognised.dates;
    this.replaced = recognised.encoding !== undefined;
    if (recognised.format === 'table' && recognised.header) {
      this.headerUser = String(recognised.columns.user);
      this.headerItem = String(recognised.columns.item);
    }
    this.onRecognised?.(recognised);
    for (const role of recognised.twice)
      this.onWarning?.({
        kind: 'second-column',
        file: recognised.file,
        message: `the header has ${recognised.columns[role]} twice; the first is read (--columns ${role}=N takes another, by its position)`,
        count: 1,
      });
  }

  bad(problem: string, line: number): void {
    this.faults.malformed(problem, line, this.good);
  }

  row(values: readonly string[], line: number, dubious: boolean): void {
    const problem = this.take(values, line, dubious);
    if (problem !== undefined) this.bad(problem, line);
  }

  /** Hands on the row, or counts why not. @returns what is wrong with a malformed one. */
  private take(values: readonly string[], line: number, dubious: boolean): string | undefined {
    let user = values[this.user];
    let item = values[this.item];
    let market = this.market < 0 ? undefined : values[this.market];
    if (hasBlanks(user)) user = this.trimmed(user, 'userId', line);
    if (hasBlanks(item)) item = this.trimmed(item, 'itemId', line);
    if (market !== undefined && hasBlanks(market)) market = this.trimmed(market, 'market', line);
    if (user === this.headerUser && item === this.headerItem) {
      this.faults.add('repeated-header', '', line);
      return undefined;
    }
    if (isRule(user) && isRule(item)) return undefined;
    const wrong =
      this.wrongId('userId', user, line, dubious) ??
      this.wrongId('itemId', item, line, dubious) ??
      (market === undefined ? undefined : this.wrongId('market', market, line, dubious));
    if (wrong !== undefined) return wrong;
    const rating = this.rating < 0 ? Number.NaN : toNumber(values[this.rating]);
    if (this.rating >= 0 && !Number.isFinite(rating) && !isBlank(values[this.rating]))
      return `the rating is not a number: ${JSON.stringify(shorten(values[this.rating]))}`;
    const time = this.time < 0 ? Number.NaN : parseTime(values[this.time], this.dates);
    if (this.time >= 0 && Number.isNaN(time) && !isBlank(values[this.time]))
      return `the time is not understood: ${JSON.stringify(shorten(values[this.time]))} (expected an ISO date, Unix seconds or milliseconds; 12/31/2010 needs --dates mdy, 31/12/2010 --dates dmy)`;
    this.good++;
    const lacks =
      user === '' || isNull(user)
        ? 'a user'
        : item === '' || isNull(item)
          ? 'an item'
          : market === '' || (market !== undefined && isNull(market))
            ? 'a market'
            : this.rating >= 0 && Number.isNaN(rating)
              ? 'a rating'
              : this.time >= 0 && Number.isNaN(time)
                ? 'a time'
                : undefined;
    if (lacks !== undefined) {
      this.faults.add('incomplete-row', lacks, line);
      return undefined;
    }
    const filtered = this.filter(values, rating, time, line);
    if (filtered === false) return undefined;
    if (filtered !== true) return filtered;
    this.count++;
    this.sink(user, item, rating, market, line, time);
    return undefined;
  }

  /** Whether all that was asked for holds; counts what does not. @returns what is wrong with a value. */
  private filter(values: readonly string[], rating: number, time: number, line: number): boolean | string {
    const { filters, faults } = this;
    if (rating < filters.minRating!) {
      faults.add('low-rating', String(filters.minRating), line);
      return false;
    }
    if (this.event >= 0 && !filters.events!.has(values[this.event].trim().toLowerCase())) {
      faults.add('filtered', `event ${[...filters.events!].join(',')}`, line);
      return false;
    }
    if (time < filters.since || time >= filters.until) {
      faults.add('filtered', time < filters.since ? 'since' : 'until', line);
      return false;
    }
    for (const [i, condition] of filters.conditions.entries()) {
      const value = values[this.conditions[i]];
      const { column, operator, text } = condition;
      const met = meets(condition, value);
      if (met === undefined && !isBlank(value)) return `${column} is not a number: ${JSON.stringify(shorten(value))}`;
      if (met === undefined) faults.add('incomplete-row', column, line);
      else if (!met) faults.add('filtered', `${column}${operator}${text}`, line);
      if (met !== true) return false;
    }
    return true;
  }

  private trimmed(id: string, what: string, line: number): string {
    const trimmed = id.trim();
    if (trimmed !== '' && trimmed !== id) this.faults.add('trimmed-id', what, line, `: ${JSON.stringify(shorten(id))}`);
    return trimmed;
  }

  /** What is wrong with an id; one with a line break is counted. */
  private wrongId(what: string, id: string, line: number, dubious: boolean): string | undefined {
    if (id.length > MAX_FIELD)
      return `${what} has ${id.length} characters, more than ${MAX_FIELD}: ${JSON.stringify(shorten(id))}`;
    if (!dubious || !/[\0\r\n\ud800-\udfff\ufffd]/.test(id)) return undefined;
    const problem = badCharacters(id, this.replaced);
    if (problem === undefined && /[\r\n]/.test(id))
      this.faults.add('line-break', what, line, `: ${JSON.stringify(shorten(id))}`);
    return problem === undefined ? undefined : `${what} has ${problem}`;
  }
}

/** Whether a field may have blanks around it: what `trim` takes is up to U+0020, or from U+00A0 on. */
function hasBlanks(text: string): boolean {
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  return first <= 32 || last <= 32 || first >= 160 || last >= 160;
}

/** Part of a line that a tool drew between the header and the rows. */
function isRule(text: string): boolean {
  return text.charCodeAt(0) === 45 && /^-{3,}$/.test(text);
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** How databases write that there is no value. */
function isNull(id: string): boolean {
  return id.charCodeAt(0) === 92 && id === '\\N';
}
