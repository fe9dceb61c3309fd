// How a text file is written, from its first 64 Ki characters: delimiter, header, quotes, and which column is what.
import { DataError } from '../common/errors.ts';
import { columnAt, findColumns, missingColumns, plainName, type Role, type RoleName, shorten } from './columns.ts';
import { amazonColumns, chosenColumns, knownFile } from './datasets.ts';
import { split, type TableForm } from './delimited.ts';
import { commonWidth, DELIMITERS, mostRegular, shapeOf } from './guess.ts';

/** What a person may say about how files are written; what is not said is recognised. */
export interface LayoutOptions {
  /** Columns by what they are: `{ user: 'customer_id', item: 'sku' }`, by name, or by position from 1. */
  columns?: Record<string, string | number | undefined>;
  /**
   * Whether there is a header; false takes the columns in the order user, item, rating, time unless `columns` says
   * otherwise.
   */
  header?: boolean;
  delimiter?: string;
  /** `none`: quotes are characters; `double`: a quote inside is doubled; `backslash`: it is \". */
  quote?: 'none' | 'double' | 'backslash';
  /** As TextDecoder names it, for text that is not UTF-8 and has no mark of UTF-16. */
  encoding?: string;
  /** How dates with slashes are written: month first or day first. */
  dates?: 'mdy' | 'dmy';
}

/** What the columns of a file are wanted for. */
export interface Wanted {
  roles: Record<string, Role>;
  /** Roles without which the file is refused. */
  needed: readonly string[];
  /** Roles that are read if they are there. */
  welcome?: readonly string[];
  /** Other columns by their names: each must be there. */
  named?: readonly string[];
}

/** How a text is written. */
export interface TextForm {
  kind: 'table' | 'lists' | 'groups' | 'blocks' | 'json';
  /** Characters and lines before the first row. */
  skip: number;
  line: number;
  table: TableForm;
  /** The header's names, if there is one. */
  names?: string[];
  /** Position from 0 of each role and each named column that was found. */
  at: Record<string, number>;
  /** Roles that the header has twice. */
  twice: string[];
  /** Lines before the header that were passed over, blank ones not counted. */
  prelude: number;
  dataset?: string;
  dates?: 'mdy' | 'dmy';
}

/** Characters that recognition looks at. */
export const HEAD = 1 << 16;
/** Lines that may stand before a header. */
const MAX_PRELUDE = 32;
/** Rows that are looked at. */
const SAMPLE = 64;
const BY_POSITION: readonly RoleName[] = ['user', 'item', 'rating', 'time'];

interface Line {
  text: string;
  start: number;
  /** Where the next begins. */
  next: number;
  number: number;
}

/**
 * @param head the first `HEAD` characters of the text, or more where the first line is longer; all of it where it is
 * shorter.
 * @param whole whether `head` is all of it.
 * @throws DataError where the file has no columns for what is wanted, with what can be done.
 */
export function recognise(
  head: string,
  whole: boolean,
  fileName: string,
  wanted: Wanted,
  options: LayoutOptions,
): TextForm {
  const newline = !head.includes('\n') && head.includes('\r') ? '\r' : '\n';
  const lines = linesOf(head, newline, whole);
  const content = lines.filter(({ text }) => text.trim() !== '');
  if (content.length === 0) throw new DataError(fileName, undefined, 'the file is empty');
  const json = jsonForm(content[0]);
  if (json) return json;

  const known = knownFile(fileName);
  const chosen = chosenColumns(fileName, options.columns);
  let delimiter = options.delimiter === 'tab' || options.delimiter === '\\t' ? '\t' : options.delimiter;
  const separator = /^"?sep=(.*?)"?$/i.exec(content[0].text.trimEnd());
  if (separator) {
    delimiter ??= separator[1] === '' ? '\t' : separator[1];
    content.shift();
    if (content.length === 0) throw new DataError(fileName, undefined, 'the file has no rows');
  }
  const given = (delimiter: string): Pick<TextForm, 'kind' | 'dataset' | 'dates'> & { table: TableForm } => ({
    kind: 'table',
    table: tableForm(delimiter, newline, options),
    dataset: known?.dataset,
    dates: options.dates ?? known?.dates,
  });

  if (options.header !== false) {
    const header = findHeader(content, delimiter, wanted, chosen);
    if (header) {
      const { names, found, index } = header;
      const line = content[index];
      for (const before of content.slice(0, index)) {
        if (names.length > 2 && split(before.text, header.delimiter).length === names.length && !isRule(before.text))
          throw new DataError(
            fileName,
            line.number,
            `the header comes after line ${before.number}, which looks like a row: ${JSON.stringify(shorten(before.text))}; say --no-header and --columns, or put the header first`,
          );
      }
      const missing = wanted.needed.filter((role) => found.at[role] === undefined);
      if (missing.length > 0) throw missingColumns(fileName, line.number, missing, names, wanted.roles, chosen);
      const form = given(header.delimiter);
      form.table.width = names.length;
      while (names[names.length - 1 - form.table.optional]?.trim() === '') form.table.optional++;
      return {
        ...form,
        skip: line.next,
        line: line.number + 1,
        names,
        at: { ...found.at, ...namedColumns(wanted, names, fileName, line.number) },
        twice: found.twice,
        prelude: index + (separator ? 1 : 0),
      };
    }
  }
  return headless(content, delimiter, fileName, wanted, options, given);
}

/** A file whose first line is a row already. */
function headless(
  content: readonly Line[],
  delimiter: string | undefined,
  fileName: string,
  wanted: Wanted,
  options: LayoutOptions,
  given: (delimiter: string) => Pick<TextForm, 'kind' | 'dataset' | 'dates'> & { table: TableForm },
): TextForm {
  const [first] = content;
  const known = knownFile(fileName);
  const rest = { skip: first.start, line: first.number, twice: [], prelude: 0 };
  const chosen = Object.entries(options.columns ?? {}).filter(([, column]) => column !== undefined);
  const positions = chosen.length > 0 && chosen.every(([, column]) => typeof column === 'number');
  const sample = content.slice(0, SAMPLE).map(({ text }) => text);
  if (options.header !== true && !positions && delimiter === undefined) {
    const shape = shapeOf(sample);
    if (shape) {
      const form = given(shape.delimiter);
      for (const role of wanted.needed)
        if (!['user', 'item', ...(shape.more ?? [])].includes(role))
          throw new DataError(fileName, undefined, `${shape.what} has no column ${wanted.roles[role]?.label ?? role}`);
      return { ...form, ...rest, kind: shape.kind, at: shape.at, dataset: form.dataset ?? shape.dataset };
    }
  }
  let columns: readonly (string | null)[] | undefined;
  let dataset = known?.dataset;
  if (options.header === false || positions) {
    delimiter ??= known?.delimiter ?? mostRegular(sample);
    if (positions) {
      const most = Math.max(...chosen.map(([, column]) => column as number));
      columns = Array.from({ length: most }, (_, i) => chosen.find(([, column]) => column === i + 1)?.[0] ?? null);
    } else if (chosen.length > 0)
      throw new DataError(
        fileName,
        first.number,
        `without a header columns are named by position: --columns user=1,item=2, not ${JSON.stringify(chosen[0][1])}`,
      );
    else columns = known?.columns ?? BY_POSITION;
  } else if (options.header === undefined && wanted.roles.user) {
    if (known?.columns) {
      delimiter ??= known.delimiter;
      columns = known.columns;
    }
    const amazon = (delimiter ?? ',') === ',' && amazonColumns(sample.map((text) => text.split(',')));
    if (amazon) {
      delimiter ??= ',';
      columns = amazon;
      dataset ??= 'Amazon reviews 2018, ratings only';
    }
  }
  if (!columns || delimiter === undefined) throw notUnderstood(content, delimiter, fileName, wanted, options);
  const form = given(delimiter);
  const width = commonWidth(sample, form.table);
  const at: Record<string, number> = {};
  for (const [column, role] of columns.entries()) if (role !== null && column < width) at[role] = column;
  const missing = wanted.needed.filter((role) => at[role] === undefined);
  if (missing.length > 0)
    throw new DataError(
      fileName,
      first.number,
      `no column ${missing.map((role) => wanted.roles[role]?.label ?? role).join(', ')}: without a header say where it is, by position: --columns ${missing.map((role) => `${role}=N`).join(',')}${missing.includes('market') ? ', or give all rows one market with --market NAME' : ''}`,
    );
  for (const name of wanted.named ?? []) {
    const column = /^\d+$/.test(name) ? Number(name) : at[name] === undefined ? 0 : at[name] + 1;
    if (column < 1 || column > width)
      throw new DataError(
        fileName,
        first.number,
        `no column ${JSON.stringify(name)}: the file has no header, and ${width} columns`,
      );
    at[`=${name}`] = column - 1;
  }
  form.table.width = width;
  form.dataset = dataset;
  return { ...form, ...rest, at };
}

/** The complete lines of the head; the last one too, if the head is all. */
function linesOf(head: string, newline: string, whole: boolean): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < head.length && lines.length < 4 * SAMPLE; ) {
    const end = head.indexOf(newline, start);
    if (end < 0 && !whole && lines.length > 0) break;
    const next = end < 0 ? head.length : end + 1;
    lines.push({
      text: head.slice(start, end < 0 ? head.length : end).replace(/\r$/, ''),
      start,
      next,
      number: lines.length + 1,
    });
    start = next;
  }
  return lines;
}

function jsonForm({ text, start, number }: Line): TextForm | undefined {
  const trimmed = text.trim();
  if (!/^(\{|\[\s*(\{|$))/.test(trimmed)) return undefined;
  const table: TableForm = {
    delimiter: '',
    runs: false,
    newline: '\n',
    quotes: 'none',
    quotesGiven: true,
    width: 0,
    optional: 0,
  };
  return { kind: 'json', skip: start, line: number, table, at: {}, twice: [], prelude: 0 };
}

/** The first line that names the columns that every file needs, with the delimiter by which it does. */
function findHeader(
  content: readonly Line[],
  delimiter: string | undefined,
  wanted: Wanted,
  chosen: Record<string, string | number | undefined>,
) {
  const essential = wanted.needed.filter((role) => role === 'user' || role === 'item');
  for (const candidates of delimiter === undefined ? [DELIMITERS, [' ']] : [[delimiter]]) {
    for (const [index, { text }] of content.slice(0, MAX_PRELUDE).entries()) {
      for (const candidate of candidates) {
        const names = split(text.replace(/^\s*#\s*/, ''), candidate);
        const found = findColumns(names, wanted.roles, chosen);
        if (!essential.every((role) => found.at[role] !== undefined)) continue;
        const following = content[index + 1];
        // Words between spaces are a header only above a row of as many.
        if (candidate === ' ' && following && split(following.text, ' ').length !== names.length) continue;
        return { index, delimiter: candidate, names, found };
      }
    }
  }
  return undefined;
}

/** The positions of columns that are wanted by name, under `=name`. */
function namedColumns(
  wanted: Wanted,
  names: readonly string[],
  fileName: string,
  line: number,
): Record<string, number> {
  const at: Record<string, number> = {};
  for (const name of wanted.named ?? []) {
    const column = columnAt(names, /^\d+$/.test(name) ? Number(name) : name);
    if (column === undefined) {
      const found = names.slice(0, 12).map((each) => JSON.stringify(shorten(each.trim())));
      throw new DataError(fileName, line, `no column ${JSON.stringify(name)}; the header has ${found.join(', ')}`);
    }
    at[`=${name}`] = column;
  }
  return at;
}

function isRule(text: string): boolean {
  return /^[\s|+:=-]+$/.test(text);
}

function tableForm(delimiter: string, newline: '\n' | '\r', { quote }: LayoutOptions): TableForm {
  const plain = ['\t', ' ', '::', '\x01'].includes(delimiter);
  return {
    delimiter,
    runs: delimiter === ' ',
    newline,
    quotes: quote ?? (plain ? 'line' : 'double'),
    quotesGiven: quote !== undefined,
    width: 0,
    optional: 0,
  };
}

/** What to say of a file without the columns, or the header, that it needs. */
function notUnderstood(
  content: readonly Line[],
  delimiter: string | undefined,
  fileName: string,
  wanted: Wanted,
  options: LayoutOptions,
): DataError {
  const [{ text, number }] = content;
  const candidates = delimiter === undefined ? [...DELIMITERS, ' '] : [delimiter];
  const headers = candidates.map((each) => split(text, each));
  const names = headers.reduce((best, each) => (each.length > best.length ? each : best));
  if (content.slice(0, 8).some((line) => line.text.includes('\0')))
    return new DataError(fileName, undefined, 'this is a binary file (it has a zero byte), where text is expected');
  const { at } = findColumns(names, wanted.roles, options.columns);
  const missing = wanted.needed.filter((role) => at[role] === undefined);
  const looksLikeRow =
    names.some((name) => /^\d+(\.\d+)?$/.test(name.trim())) || names.some((name) => plainName(name) === '');
  if (looksLikeRow && options.header === undefined && Object.keys(at).length === 0)
    return new DataError(
      fileName,
      number,
      `no header that names ${missing.map((role) => wanted.roles[role].label).join(', ')}; the first line is ${JSON.stringify(shorten(text))}: if the file has no header, say which column is which by --no-header --columns ${missing.map((role, i) => `${role}=${i + 1}`).join(',')}; else name them by --columns ${missing.map((role) => `${role}=NAME`).join(',')}`,
    );
  return missingColumns(fileName, number, missing, names, wanted.roles, options.columns);
}
