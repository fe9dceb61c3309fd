import type { ParseResult } from 'papaparse';
import Papa from 'papaparse/papaparse.min.js';
import { ArgumentError, checkObject, DataError } from '../common/errors.ts';
import { Job } from '../common/job.ts';

/** The bytes of a file (UTF-8), whole or in pieces of any size, or its text. */
export type RowSource = string | Uint8Array | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/**
 * Takes one row. The strings may be slices of a larger text: whoever keeps one copies it (see `copyString`), or the text stays in memory.
 * `rating` is NaN and `market` is undefined where no rating or no market was asked for.
 */
export type RowSink = (user: string, item: string, rating: number, market: string | undefined, line: number) => void;

/** Which further columns of a row are read. */
export interface RowOptions {
  /** Read the rating of each row, and refuse a file without one. */
  rating?: boolean;
  /** Read the market of each row, and refuse a file without one. */
  market?: boolean;
  /** Size of the whole, for the progress reports; 0 where it is not known. */
  totalBytes?: number;
}

/** Longest id, in UTF-16 code units. */
export const MAX_FIELD = 1024;
/** Longest row, in UTF-16 code units: what an unclosed quote may make the reader hold. */
const MAX_ROW = 1 << 20;
/** Bytes decoded, and characters parsed, at a time. */
const PIECE = 1 << 16;

const DELIMITERS = ['\t', ',', ';', '|'];
const SPELLINGS = {
  user: ['userid', 'user', 'uid', 'reviewerid', 'customerid', 'customer'],
  item: ['itemid', 'item', 'iid', 'asin', 'productid', 'product'],
  rating: ['rating', 'score', 'stars', 'overall', 'rate', 'ratings'],
  market: ['market', 'marketplace', 'marketid', 'country', 'countrycode', 'region'],
};
type Column = keyof typeof SPELLINGS;
const CANONICAL: Record<Column, string> = { user: 'userId', item: 'itemId', rating: 'rating', market: 'market' };

/** Where the columns are, and how the file is written. */
interface Layout {
  delimiter: string;
  newline: '\n' | '\r';
  width: number;
  columns: Partial<Record<Column, number>>;
}

/**
 * Streams the rows of a delimited text with a header line into `sink`, holding about 64 KiB of it
 * (more for a longer row, 1 MiB at most).
 *
 * Columns are found by name (`userId,itemId[,rating][,market]`, in any case, with or without `_`, `-` or space,
 * and common other spellings); other columns are ignored. The delimiter is a tab, comma, semicolon or pipe.
 * Quotes as in RFC 4180; lines end in LF, CRLF or CR; a byte order mark and blank lines are skipped.
 *
 * @returns the number of rows.
 * @throws DataError, with the line, for: an empty file, a missing column, a row with too few or too many fields, an empty
 *   or over-long id, invalid UTF-8, a binary file, a rating that is not a number, a quote that is not closed.
 * @throws ArgumentError for a source, or a piece of it, that is neither text nor a Uint8Array.
 * @throws AbortedError
 * @example
 * const pairs = [];
 * await readRows('user;item\nu1;shoe-9\n', 'rows.csv', (user, item) => pairs.push([user, item]));
 * pairs; // → [['u1', 'shoe-9']]
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
  checkObject('options', options);
  const wanted: Column[] = ['user', 'item'];
  if (options.rating) wanted.push('rating');
  if (options.market) wanted.push('market');
  const more = wanted.slice(2);
  let pending = '';
  let parseAt = PIECE;
  let line = 1;
  let rows = 0;
  let layout: Layout | undefined;
  let parser: InstanceType<typeof Papa.Parser> | undefined;

  const parse = (last: boolean): void => {
    if (!layout) {
      const header = takeHeader(pending, fileName, wanted, last);
      if (!header) return;
      layout = header.layout;
      pending = pending.slice(header.length);
      line = header.lines + 1;
      parser = new Papa.Parser({ delimiter: layout.delimiter, newline: layout.newline });
    }
    if (last && pending.endsWith('\r')) pending = pending.slice(0, -1);
    const { data, errors, meta }: ParseResult<string[]> = parser!.parse(pending, 0, !last);
    const { width, columns } = layout;
    const endsInLf = layout.newline === '\n';
    const hasQuotes = pending.includes('"');
    // An error of a row that is not complete yet is not one: the row is parsed again with what follows.
    const bad = errors.find((error) => error.row! < data.length);
    for (let r = 0; r < data.length; r++) {
      const fields = data[r];
      const lastField = fields.length - 1;
      if (endsInLf && fields[lastField].endsWith('\r')) fields[lastField] = fields[lastField].slice(0, -1);
      if (bad && bad.row === r) {
        throw new DataError(
          fileName,
          line,
          bad.code === 'MissingQuotes'
            ? 'a quote that is opened here is not closed'
            : 'text follows a closing quote (a quote inside a quoted field is written twice)',
        );
      }
      if (lastField > 0 || fields[0] !== '') {
        if (fields.length !== width) checkWidth(fields, layout, fileName, line);
        const user = fields[columns.user!];
        const item = fields[columns.item!];
        if (!(isId(user) && isId(item))) checkFields(fields, layout, fileName, line, ['user', 'item']);
        let rating = Number.NaN;
        let market: string | undefined;
        if (more.length > 0) {
          checkFields(fields, layout, fileName, line, more);
          if (options.rating) rating = ratingOf(fields[columns.rating!], fileName, line);
          if (options.market) market = fields[columns.market!];
        }
        sink(user, item, rating, market, line);
        rows++;
      }
      line++;
      if (hasQuotes) for (const field of fields) line += countNewlines(field, layout.newline);
    }
    pending = last ? '' : pending.slice(meta.cursor);
    if (pending.length > MAX_ROW) {
      const quoted = pending.includes('"');
      throw new DataError(
        fileName,
        line,
        quoted
          ? `a quote that is opened here is not closed within ${MAX_ROW} characters`
          : `a row of more than ${MAX_ROW} characters`,
      );
    }
  };

  let started = false;
  for await (const [text, bytes] of decode(source, fileName, () => line + countNewlines(pending, '\n'))) {
    pending += !started && text.startsWith('\uFEFF') ? text.slice(1) : text;
    started = true;
    if (pending.length >= parseAt) {
      parse(false);
      parseAt = Math.max(PIECE, 2 * pending.length);
    }
    await job.tick({ stage: `read ${fileName}`, id: 'read' }, bytes, options.totalBytes ?? 0);
  }
  if (!layout && pending.trim() === '') throw new DataError(fileName, undefined, 'the file is empty');
  parse(true);
  return rows;
}

/**
 * The same text, in memory of its own. A field of a parsed text may be a slice that keeps the whole text alive;
 * going through UTF-8 is the one copy that every engine really makes.
 */
export function copyString(text: string): string {
  return decoder.decode(encoder.encode(text));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Undefined where the header is not complete yet. */
function takeHeader(
  text: string,
  fileName: string,
  wanted: Column[],
  last: boolean,
): { layout: Layout; length: number; lines: number } | undefined {
  let start = 0;
  let lines = 1;
  while (text[start] === '\r' || text[start] === '\n') {
    if (text[start] === '\n' || text[start + 1] !== '\n') lines++;
    start++;
  }
  const lf = text.indexOf('\n', start);
  const cr = text.indexOf('\r', start);
  // A CR that ends the text may be the first half of a CRLF.
  if (lf < 0 && !last && (cr < 0 || cr === text.length - 1)) {
    if (text.length > MAX_ROW) throw new DataError(fileName, lines, `a header of more than ${MAX_ROW} characters`);
    return undefined;
  }
  const newline = lf < 0 && cr >= 0 ? '\r' : '\n';
  const end = newline === '\r' ? cr : lf < 0 ? text.length : lf;
  const headerLine = text.slice(start, end);
  let most: string[] = [];
  for (const delimiter of DELIMITERS) {
    const names = Papa.parse<string[]>(headerLine.replace(/\r$/, ''), { delimiter, newline: '\n' }).data[0] ?? [];
    if (names.length > most.length) most = names;
    const columns = findColumns(names);
    if (columns.user === undefined || columns.item === undefined) continue;
    const missing = wanted.filter((column) => columns[column] === undefined);
    if (missing.length > 0) throw missingColumns(fileName, lines, missing, names);
    return {
      layout: { delimiter, newline, width: names.length, columns },
      length: Math.min(text.length, end + 1),
      lines,
    };
  }
  const columns = findColumns(most);
  throw missingColumns(
    fileName,
    lines,
    wanted.filter((column) => columns[column] === undefined),
    most,
  );
}

function findColumns(names: string[]): Partial<Record<Column, number>> {
  const plain = names.map((name) => name.toLowerCase().replace(/[\s_-]/g, ''));
  const columns: Partial<Record<Column, number>> = {};
  for (const column of Object.keys(SPELLINGS) as Column[]) {
    // The spellings are in order of preference: a file with both `userId` and `user` means the former.
    const spelling = SPELLINGS[column].find((name) => plain.includes(name));
    if (spelling !== undefined) columns[column] = plain.indexOf(spelling);
  }
  return columns;
}

function missingColumns(fileName: string, line: number, missing: Column[], names: string[]): DataError {
  const what = missing.map((column) => CANONICAL[column]).join(', ');
  const found = names.slice(0, 12).map((name) => JSON.stringify(shorten(name)));
  return new DataError(
    fileName,
    line,
    `no column ${what}; the header has ${found.join(', ')}${names.length > 12 ? ', ...' : ''}`,
  );
}

function isId(field: string): boolean {
  return field.length > 0 && field.length <= MAX_FIELD;
}

/** Throws unless the row has as many fields as the header, or more that are empty. */
function checkWidth(fields: string[], { width, delimiter }: Layout, fileName: string, line: number): void {
  const tooLong = fields.length > width && fields.slice(width).some((field) => field !== '');
  if (fields.length >= width && !tooLong) return;
  throw new DataError(
    fileName,
    line,
    `the row has ${fields.length} field${fields.length === 1 ? '' : 's'}, the header ${width}: ${JSON.stringify(shorten(fields.join(delimiter)))}`,
  );
}

function checkFields(
  fields: string[],
  { columns }: Layout,
  fileName: string,
  line: number,
  wanted: readonly Column[],
): void {
  for (const column of wanted) {
    const field = fields[columns[column]!];
    if (field.length > MAX_FIELD)
      throw new DataError(
        fileName,
        line,
        `${CANONICAL[column]} has ${field.length} characters, more than ${MAX_FIELD}: ${JSON.stringify(shorten(field))}`,
      );
    if (field === '') throw new DataError(fileName, line, `${CANONICAL[column]} is empty`);
  }
}

function ratingOf(text: string, fileName: string, line: number): number {
  const rating = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(rating))
    throw new DataError(fileName, line, `the rating is not a number: ${JSON.stringify(shorten(text))}`);
  return rating;
}

/** The text of `source` in pieces of up to 64 Ki, each with the number of bytes (or characters) so far. */
async function* decode(
  source: RowSource,
  fileName: string,
  currentLine: () => number,
): AsyncGenerator<[string, number]> {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const toText = (bytes: Uint8Array): string => {
    if (bytes.includes(0))
      throw new DataError(
        fileName,
        undefined,
        'this is a binary file (it has a zero byte), where UTF-8 text is expected',
      );
    try {
      return strict.decode(bytes);
    } catch {
      throw new DataError(fileName, currentLine() + linesBeforeBadByte(bytes), 'invalid UTF-8');
    }
  };
  let rest = new Uint8Array(0);
  let done = 0;
  const isBytes = (value: unknown) => Object.prototype.toString.call(value) === '[object Uint8Array]';
  if (
    source === null ||
    source === undefined ||
    !(Symbol.iterator in Object(source) || Symbol.asyncIterator in Object(source))
  )
    throw new ArgumentError('source', source, 'text, a Uint8Array, or an iterable of these');
  const chunks = (typeof source === 'string' || isBytes(source) ? [source] : source) as Iterable<Uint8Array | string>;
  for await (const chunk of chunks) {
    if (typeof chunk === 'string') {
      for (let at = 0; at < chunk.length; ) {
        let end = Math.min(chunk.length, at + PIECE);
        if (end < chunk.length && isHighSurrogate(chunk.charCodeAt(end - 1))) end++;
        const text = chunk.slice(at, end);
        if (text.includes('\0'))
          throw new DataError(
            fileName,
            undefined,
            'this is a binary file (it has a zero byte), where text is expected',
          );
        if (/\p{Surrogate}/u.test(text)) throw new DataError(fileName, currentLine(), 'half of a surrogate pair');
        done += end - at;
        at = end;
        yield [text, done];
      }
      continue;
    }
    if (!isBytes(chunk)) throw new ArgumentError('source', chunk, 'pieces that are text or a Uint8Array');
    for (let at = 0; at < chunk.length; at += PIECE) {
      const piece = chunk.subarray(at, at + PIECE);
      const bytes = rest.length === 0 ? piece : concatenate(rest, piece);
      const whole = bytes.length - incompleteTail(bytes);
      rest = bytes.slice(whole);
      done += piece.length;
      yield [toText(bytes.subarray(0, whole)), done];
    }
  }
  if (rest.length > 0) yield [toText(rest), done];
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

/** Bytes at the end (0 to 3) that start a character which goes on in the next piece. */
function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

function linesBeforeBadByte(bytes: Uint8Array): number {
  const strict = new TextDecoder('utf-8', { fatal: true });
  for (let lines = 0, at = 0; ; lines++) {
    const end = bytes.indexOf(10, at);
    try {
      strict.decode(bytes.subarray(at, end < 0 ? bytes.length : end));
    } catch {
      return lines;
    }
    if (end < 0) return lines;
    at = end + 1;
  }
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function countNewlines(text: string, newline: string): number {
  let count = 0;
  for (let at = text.indexOf(newline); at >= 0; at = text.indexOf(newline, at + 1)) count++;
  return count;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
