// Rows of delimited text, as spreadsheets, databases and programs write them, by the columns that are wanted.

/** How a delimited text is written. */
export interface TableForm {
  delimiter: string;
  /** Several delimiters in a row count as one (spaces). */
  runs: boolean;
  newline: '\n' | '\r';
  /**
   * `double`: as RFC 4180, until a \" that can only be a quote inside; `backslash`: so from the start; `line`: quotes
   * that open and close a field within its line, all others are characters; `none`: every quote is a character.
   */
  quotes: 'double' | 'backslash' | 'line' | 'none';
  /** Whether a person said how quotes are used, so that what looks like a slip is meant. */
  quotesGiven: boolean;
  /** Fields of a row; those of the last `optional` columns may be missing. */
  width: number;
  optional: number;
}

/** Longest row, in UTF-16 code units: what an unclosed quote may make the reader hold. */
export const MAX_ROW = 1 << 20;

const QUOTE = 34;
const SPACE = 32;
const NEVER = Number.POSITIVE_INFINITY;
/** Lines between or below rows that some tools draw or count with. */
const RULE = /^[\s|+:=,;-]*-{3,}[\s|+:=,;-]*$/;
const FOOTER = /^\(?\d+ rows?( affected| selected)?\)?\.?$/i;
/** DOS ends a file with it. */
const END_OF_FILE = '\x1a';

/**
 * Takes a row: the wanted fields in their order. The array is used again, and fields may be slices of a larger text.
 * `dubious`: a field may have a line break.
 */
export type FieldSink = (fields: string[], line: number, dubious: boolean) => void;

export class TableReader {
  /** The line that comes next, from 1. */
  line: number;
  private readonly fields: string[];
  /** Place of each column in `fields`, -1 for those that nobody wants. */
  private readonly places: Int32Array;
  /** Whether a quote behind a backslash is one inside a field. */
  private backslash: boolean;

  /**
   * @param wanted columns, from 0, each once.
   * @param onRow takes each row. @param onBad takes what is wrong with a row; the row is passed over where it returns.
   */
  constructor(
    private readonly form: TableForm,
    wanted: readonly number[],
    line: number,
    private readonly onRow: FieldSink,
    private readonly onBad: (problem: string, line: number) => void,
  ) {
    this.line = line;
    this.backslash = form.quotes === 'backslash';
    this.fields = wanted.map(() => '');
    this.places = new Int32Array(form.width + 1).fill(-1);
    for (const [place, column] of wanted.entries()) this.places[column] = place;
  }

  /** Reads the complete rows of `text` (all of it, where it is the last). @returns where the rest begins. */
  read(text: string, last: boolean): number {
    const { delimiter, runs, newline, quotes, width, optional } = this.form;
    const { places, fields } = this;
    const step = delimiter.length;
    const least = width - optional;
    const length = text.length;
    let at = 0;
    let quote = quotes === 'none' ? NEVER : -1;
    let next = -1;
    while (at < length) {
      let end = text.indexOf(newline, at);
      if (end < 0) {
        if (!last) break;
        end = length;
      }
      if (quote < at) {
        const found = text.indexOf('"', at);
        quote = found < 0 ? NEVER : found;
      }
      if (quote < end) {
        const after = this.quotedRow(text, at, end, last);
        if (after < 0) break;
        at = after;
        continue;
      }
      let stop = end;
      if (stop > at && newline === '\n' && text.charCodeAt(stop - 1) === 13) stop--;
      let from = at;
      if (runs) {
        while (from < stop && text.charCodeAt(from) === SPACE) from++;
        while (stop > from && text.charCodeAt(stop - 1) === SPACE) stop--;
      }
      const start = from;
      at = end + 1;
      const line = this.line++;
      if (start === stop) continue;
      let column = 0;
      let beyond = -1;
      for (; ; column++) {
        if (next < from) {
          const found = text.indexOf(delimiter, from);
          next = found < 0 ? NEVER : found;
        }
        const to = next < stop ? next : stop;
        if (column < width) {
          const place = places[column];
          if (place >= 0) fields[place] = text.slice(from, to);
        } else if (beyond < 0) beyond = from;
        if (to === stop) break;
        from = to + step;
        if (runs) while (text.charCodeAt(from) === SPACE) from++;
      }
      if (column + 1 === width || (column + 1 < width && column + 1 >= least)) {
        for (let missing = column + 1; missing < width; missing++)
          if (places[missing] >= 0) fields[places[missing]] = '';
        this.onRow(fields, line, false);
      } else if (beyond >= 0 && isEmpty(text.slice(beyond, stop), delimiter)) this.onRow(fields, line, false);
      else this.odd(text.slice(start, stop), column + 1, line);
    }
    return Math.min(at, length);
  }

  /** A row of another width: a line that is no row, or a bad one. */
  private odd(row: string, columns: number, line: number): void {
    const trimmed = row.trim();
    if (trimmed === '' || trimmed === END_OF_FILE || RULE.test(trimmed) || FOOTER.test(trimmed)) return;
    const { width, delimiter } = this.form;
    this.onBad(
      `the row has ${columns} field${columns === 1 ? '' : 's'}, the header ${width}: ${JSON.stringify(row.length > 60 ? `${row.slice(0, 57)}...` : row)}${row.includes('"') && delimiter !== ' ' ? QUOTES_HINT : ''}`,
      line,
    );
  }

  /**
   * Reads a row whose first line (from `at` to before `end`) has a quote. @returns where the next begins; -1 if it is
   * not complete.
   */
  private quotedRow(text: string, at: number, end: number, last: boolean): number {
    const { delimiter, runs, newline, quotes, width, optional } = this.form;
    const step = delimiter.length;
    const multiline = quotes === 'double' || quotes === 'backslash';
    const firstEnd = end;
    const line = this.line;
    const values: string[] = [];
    let breaks = 0;
    let from = at;
    const bad = (problem: string): number => {
      this.line = line + 1;
      this.onBad(problem, line);
      return firstEnd + 1;
    };
    if (runs) while (text.charCodeAt(from) === SPACE) from++;
    for (;;) {
      const lineEnd = end > from && newline === '\n' && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
      let open = from;
      if (delimiter !== ' ') while (open < lineEnd && text.charCodeAt(open) === SPACE) open++;
      let value: string | undefined;
      let to = from;
      if (open < lineEnd && text.charCodeAt(open) === QUOTE) {
        const close = closing(text, open + 1, multiline ? text.length : lineEnd, this.backslash);
        if (close < 0 && multiline) {
          if (!last && text.length - at <= MAX_ROW) return -1;
          return bad(
            text.length - at > MAX_ROW
              ? `a quote that is opened here is not closed within ${MAX_ROW} characters${QUOTES_HINT}`
              : `a quote that is opened here is not closed${QUOTES_HINT}`,
          );
        }
        if (close >= 0) {
          to = close + 1;
          // More may come that shows whether the quote is doubled, or a CR part of a line's end.
          if (to + step > text.length && !last) return -1;
          while (delimiter !== ' ' && text.charCodeAt(to) === SPACE) to++;
          if (to + step > text.length && !last) return -1;
          const ends =
            to >= text.length ||
            text.startsWith(delimiter, to) ||
            text.startsWith(newline, to) ||
            (newline === '\n' &&
              text.charCodeAt(to) === 13 &&
              (text.charCodeAt(to + 1) === 10 || to + 1 >= text.length));
          if (ends) {
            const raw = text.slice(open + 1, close);
            if (close > end) {
              const slip = this.form.quotesGiven ? undefined : this.swallowed(raw, values.length);
              if (slip !== undefined) return bad(slip);
              for (let b = text.indexOf(newline, from); b >= 0 && b < close; b = text.indexOf(newline, b + 1)) breaks++;
              end = text.indexOf(newline, to);
              if (end < 0) {
                if (!last) return -1;
                end = text.length;
              }
            }
            value = this.backslash ? unescaped(raw) : raw.includes('"') ? raw.replaceAll('""', '"') : raw;
          } else if (multiline && open === from) {
            // So the file writes quotes inside of fields; none could be read otherwise up to here.
            if (!this.backslash && !this.form.quotesGiven && text.charCodeAt(close - 1) === 92) {
              this.backslash = true;
              return this.quotedRow(text, at, firstEnd, last);
            }
            return bad(`text follows a closing quote (a quote inside a quoted field is written twice)${QUOTES_HINT}`);
          }
        }
      }
      const stop = end > from && newline === '\n' && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
      if (value === undefined) {
        const found = text.indexOf(delimiter, from);
        to = found >= 0 && found < stop ? found : stop;
        value = text.slice(from, to);
      }
      values.push(value);
      if (to >= stop) break;
      from = to + step;
      if (runs) {
        while (text.charCodeAt(from) === SPACE) from++;
        if (from >= stop) break;
      }
    }
    this.line = line + 1 + breaks;
    if (values.length === 1 && values[0].trim() === '') return end + 1;
    if (values.length < width - optional || values.slice(width).some((value) => value.trim() !== '')) {
      this.odd(text.slice(at, firstEnd).replace(/\r$/, ''), values.length, line);
      return end + 1;
    }
    for (let column = 0; column < width; column++)
      if (this.places[column] >= 0) this.fields[this.places[column]] = values[column] ?? '';
    this.onRow(this.fields, line, breaks > 0);
    return end + 1;
  }

  /**
   * What to say where a quoted field over several lines holds rows: a stray quote opened it, another closed it, and
   * what is between would be lost. So it is where each whole line in it has the delimiters of a row, and the first and
   * the last those of the rest of one; in a column that is not read, texts of two lines may look so by chance, and are
   * let be.
   */
  private swallowed(raw: string, column: number): string | undefined {
    const { delimiter, newline, width } = this.form;
    const lines = raw.split(newline);
    if (width === 1 || (lines.length === 2 && this.places[column] < 0)) return undefined;
    const fieldsOf = (text: string) => text.split(delimiter).length;
    const rows =
      lines.slice(1, -1).every((each) => fieldsOf(each) === width) &&
      fieldsOf(lines[0]) === width - column &&
      fieldsOf(lines[lines.length - 1]) === column + 1;
    if (!rows) return undefined;
    return `a quote that is opened here is closed ${lines.length - 1} line${lines.length === 2 ? '' : 's'} below, after what looks like rows: say --quote none if quotes are characters of this file, --quote double if they are not`;
  }
}

const QUOTES_HINT = ' (if quotes are characters of this file, say --quote none)';

/** The quote that closes a field from `from` on; -1 where there is none before `end`. */
function closing(text: string, from: number, end: number, backslash: boolean): number {
  for (let at = text.indexOf('"', from); at >= 0 && at < end; at = text.indexOf('"', at + 1)) {
    if (backslash) {
      let back = at - 1;
      while (back >= from && text.charCodeAt(back) === 92) back--;
      if ((at - 1 - back) % 2 === 1) continue;
    }
    if (text.charCodeAt(at + 1) !== QUOTE) return at;
    at++;
  }
  return -1;
}

function unescaped(raw: string): string {
  return raw.replace(/\\([\s\S])|""/g, (found, char: string | undefined) => (char === undefined ? '"' : found[1]));
}

function isEmpty(rest: string, delimiter: string): boolean {
  return rest.replaceAll(delimiter, '').trim() === '';
}

/** The fields of one line, quotes taken off. */
export function split(text: string, delimiter: string): string[] {
  if (delimiter === ' ') text = text.trim().replace(/ +/g, ' ');
  const fields: string[] = [];
  for (let from = 0; ; ) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(text.slice(from));
    const after = quoted ? from + quoted[0].length : -1;
    if (quoted && (after === text.length || text.startsWith(delimiter, after))) {
      fields.push(quoted[1].replaceAll('""', '"'));
      if (after === text.length) return fields;
      from = after + delimiter.length;
      continue;
    }
    const to = text.indexOf(delimiter, from);
    fields.push(text.slice(from, to < 0 ? text.length : to));
    if (to < 0) return fields;
    from = to + delimiter.length;
  }
}
