// Rows of JSON: a line an object, objects one after the other, or an array of them; and what Python prints of such
// objects.
import { columnAt, findColumns, missingColumns } from './columns.ts';
import { chosenColumns } from './datasets.ts';
import { MAX_ROW } from './delimited.ts';
import { type Json, type JsonObject, PythonLiteral } from './python-literal.ts';
import type { LayoutOptions, TextForm, Wanted } from './recognise.ts';
import { keysOf, type TextReader, type TextSink } from './table-sink.ts';

/** Objects that are looked at for the names of columns. */
const SAMPLE = 200;

export class JsonReader implements TextReader {
  line: number;
  /** The path of each value. */
  private readonly paths: string[][];
  private readonly values: string[];
  /** Whether each object has a line of its own. */
  private readonly byLine: boolean;

  constructor(
    form: TextForm,
    head: string,
    fileName: string,
    wanted: Wanted,
    options: LayoutOptions,
    private readonly sink: TextSink,
  ) {
    this.line = form.line;
    const text = head.slice(form.skip);
    const first = /^[[\s]*(.*)/.exec(text)![1].trimEnd();
    this.byLine = /\}[,\]]*$/.test(first) && objectOf(first.replace(/[,\]]*$/, '')) !== undefined;
    const names = this.namesIn(text);
    const chosen = chosenColumns(fileName, options.columns);
    const found = findColumns(names, wanted.roles, chosen);
    const missing = wanted.needed.filter((role) => found.at[role] === undefined);
    if (missing.length > 0) throw missingColumns(fileName, this.line, missing, names, wanted.roles, chosen);
    const at: Record<string, number> = { ...found.at };
    for (const name of wanted.named ?? []) {
      const column = columnAt(names, name);
      if (column === undefined)
        throw missingColumns(fileName, this.line, [name], names, { [name]: { label: name, spellings: [] } });
      at[`=${name}`] = column;
    }
    const keys = keysOf(wanted).filter((key) => at[key] !== undefined);
    this.paths = keys.map((key) => pathOf(names[at[key]], names));
    this.values = keys.map(() => '');
    sink.start({ ...form, names, at, twice: found.twice }, Object.fromEntries(keys.map((key, place) => [key, place])));
  }

  read(text: string, last: boolean): number {
    return this.byLine ? this.readLines(text, last) : this.readObjects(text, last, (object) => this.take(object));
  }

  private readLines(text: string, last: boolean): number {
    let at = 0;
    while (at < text.length) {
      const end = text.indexOf('\n', at);
      if (end < 0 && !last) break;
      const stop = end < 0 ? text.length : end;
      const row = text
        .slice(at, stop)
        .trim()
        .replace(/^\[\s*(?=\{)|(?<=\})\s*[,\]]+$/g, '');
      // What is left of an array: its brackets.
      if (!/^[[\],]?$/.test(row)) this.take(row);
      this.line++;
      at = stop + 1;
    }
    return Math.min(at, text.length);
  }

  /** Objects that may go over lines: found by their braces, those in strings left out. */
  private readObjects(text: string, last: boolean, take: (object: string) => void): number {
    let used = 0;
    for (;;) {
      const start = text.indexOf('{', used);
      const between = text.slice(used, start < 0 ? text.length : start);
      if (/[^\s,[\]]/.test(between))
        this.sink.bad(`text between objects: ${JSON.stringify(between.trim().slice(0, 40))}`, this.line);
      this.line += newlinesIn(between);
      if (start < 0) return text.length;
      const end = objectEnd(text, start);
      if (end < 0) {
        if (!last && text.length - start <= MAX_ROW) {
          this.line -= newlinesIn(between);
          return used;
        }
        this.sink.bad('an object that begins here has no end', this.line);
        return text.length;
      }
      const object = text.slice(start, end);
      take(object);
      this.line += newlinesIn(object);
      used = end;
    }
  }

  private take(text: string): void {
    const problem = this.fill(text);
    if (problem === undefined) this.sink.row(this.values, this.line);
    else this.sink.bad(problem, this.line);
  }

  /** Puts the object's values in their places. @returns what is wrong with it. */
  private fill(text: string): string | undefined {
    const object = objectOf(text);
    if (!object) return `this is not a JSON object: ${JSON.stringify(text.slice(0, 60))}`;
    for (const [place, path] of this.paths.entries()) {
      const found = valueAt(object, path);
      const value = textOf(found, path, text);
      if (value === undefined)
        return `${path.join('.')} is ${Array.isArray(found) ? 'an array' : 'an object'}, where text or a number is expected`;
      this.values[place] = value;
    }
    return undefined;
  }

  /**
   * The names of the members of the first objects; those of a member that is an object with its name and a point
   * before.
   */
  private namesIn(text: string): string[] {
    const names = new Set<string>();
    let left = SAMPLE;
    const look = (object: JsonObject | undefined) => {
      left--;
      for (const [name, value] of Object.entries(object ?? {})) {
        if (Array.isArray(value)) continue;
        if (textOf(value, [name], '') !== undefined) names.add(name);
        else for (const inner of Object.keys(value as JsonObject)) names.add(`${name}.${inner}`);
      }
    };
    const { line } = this;
    if (this.byLine) {
      for (const row of text.split('\n', SAMPLE))
        look(objectOf(row.trim().replace(/^\[\s*(?=\{)|(?<=\})\s*[,\]]+$/g, '')));
    } else
      for (let at = text.indexOf('{'); at >= 0 && left > 0; ) {
        const end = objectEnd(text, at);
        if (end < 0) break;
        look(objectOf(text.slice(at, end)));
        at = text.indexOf('{', end);
      }
    this.line = line;
    return [...names];
  }
}

/**
 * A name with points is a path, unless it is a member itself: names come from `namesIn`, so the parent's is not among
 * them.
 */
function pathOf(name: string, names: readonly string[]): string[] {
  const point = name.indexOf('.');
  if (point <= 0 || names.includes(name.slice(0, point))) return [name];
  return [name.slice(0, point), name.slice(point + 1)];
}

function valueAt(object: JsonObject, path: readonly string[]): Json {
  const own = (value: Json, key: string): Json =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined;
  const whole = own(object, path.join('.'));
  return whole !== undefined || path.length === 1 ? whole : own(own(object, path[0]), path[1]);
}

/**
 * A value as text, empty for none; undefined for an array or object, but for those by which MongoDB writes ids and
 * numbers.
 */
function textOf(value: Json, path: readonly string[], raw: string): string | undefined {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) || !Number.isInteger(value)) return String(value);
    // Too large for a number: the digits as they stand.
    const name = path[path.length - 1].replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return new RegExp(`["']${name}["']\\s*:\\s*(-?\\d+)(?![\\d.eE])`).exec(raw)?.[1] ?? String(value);
  }
  if (Array.isArray(value)) return undefined;
  const [key, ...more] = Object.keys(value);
  if (more.length > 0 || !/^\$(oid|uuid|date|numberLong|numberInt|numberDouble|numberDecimal)$/.test(key ?? ''))
    return undefined;
  return textOf(value[key], [key], raw);
}

function objectOf(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return /^\{\s*(u?'|u?")/.test(text) ? new PythonLiteral(text).object() : undefined;
  }
}

/** Behind the brace that closes the object at `start`; -1 where there is none. */
function objectEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 34) {
      for (at++; at < text.length && text.charCodeAt(at) !== 34; at++) if (text.charCodeAt(at) === 92) at++;
    } else if (char === 123) depth++;
    else if (char === 125 && --depth === 0) return at + 1;
  }
  return -1;
}

function newlinesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
