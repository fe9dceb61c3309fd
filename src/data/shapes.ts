// Files of published data sets that are no tables: a user and all items in a line, films above their ratings, a column
// a line.
import { DataError } from '../common/errors.ts';
import { findColumns, missingColumns } from './columns.ts';
import { chosenColumns } from './datasets.ts';
import type { LayoutOptions, TextForm, Wanted } from './recognise.ts';
import { keysOf, type TextReader, type TextSink } from './table-sink.ts';

/** Calls `take` for each complete line. */
abstract class LineReader implements TextReader {
  line: number;

  constructor(protected readonly form: TextForm) {
    this.line = form.line;
  }

  read(text: string, last: boolean): number {
    const { newline } = this.form.table;
    let at = 0;
    while (at < text.length) {
      const end = text.indexOf(newline, at);
      if (end < 0 && !last) break;
      const stop = end < 0 ? text.length : end;
      this.take(text.slice(at, stop).replace(/\r$/, ''), this.line++);
      at = stop + 1;
    }
    if (last) this.end();
    return Math.min(at, text.length);
  }

  protected abstract take(text: string, line: number): void;
  protected end(): void {}
}

/** LightGCN, NGCF, KGAT: `user item item …`, spaces between. A user without items is a line of its own. */
export class ListReader extends LineReader {
  private readonly values = ['', ''];

  constructor(
    form: TextForm,
    private readonly sink: TextSink,
  ) {
    super(form);
    sink.start(form, { user: 0, item: 1 });
  }

  protected take(text: string, line: number): void {
    const [user, ...items] = text.trim().split(/\s+/);
    this.values[0] = user;
    for (const item of items) {
      this.values[1] = item;
      this.sink.row(this.values, line);
    }
  }
}

/** Netflix Prize: a film's number and a colon, then a line `user,rating,date` for each of its ratings. */
export class GroupReader extends LineReader {
  private readonly values = ['', '', '', ''];

  constructor(
    form: TextForm,
    private readonly sink: TextSink,
  ) {
    super(form);
    sink.start(form, { user: 0, item: 1, rating: 2, time: 3 });
  }

  protected take(text: string, line: number): void {
    const row = text.trim();
    if (row === '') return;
    if (row.endsWith(':')) {
      this.values[1] = row.slice(0, -1);
      return;
    }
    const [user, rating = '', time = '', ...more] = row.split(',');
    if (more.length > 0) {
      this.sink.bad(`the row has ${3 + more.length} fields, expected user,rating,date`, line);
      return;
    }
    this.values[0] = user;
    this.values[2] = rating;
    this.values[3] = time;
    this.sink.row(this.values, line);
  }
}

/**
 * Reviews as SNAP has them: `product/productId: B00…`, `review/userId: A3…` and more, a line each, a blank line between
 * reviews.
 */
export class BlockReader extends LineReader {
  private readonly places = new Map<string, number[]>();
  private readonly values: string[];
  private begun = 0;

  constructor(
    form: TextForm,
    head: string,
    fileName: string,
    wanted: Wanted,
    options: LayoutOptions,
    private readonly sink: TextSink,
  ) {
    super(form);
    const names = [...new Set([...head.matchAll(/^(\w+\/\w+): /gm)].map(([, name]) => name))];
    const chosen = chosenColumns(fileName, options.columns);
    const found = findColumns(
      names.map((name) => name.slice(name.indexOf('/') + 1)),
      wanted.roles,
      chosen,
    );
    const missing = wanted.needed.filter((role) => found.at[role] === undefined);
    if (missing.length > 0) throw missingColumns(fileName, form.line, missing, names, wanted.roles, chosen);
    const at: Record<string, number> = { ...found.at };
    for (const name of wanted.named ?? []) {
      at[`=${name}`] = names.findIndex((each) => each === name || each.endsWith(`/${name}`));
      if (at[`=${name}`] < 0) throw new DataError(fileName, form.line, `no column ${JSON.stringify(name)}`);
    }
    const keys = keysOf(wanted).filter((key) => at[key] !== undefined);
    this.values = keys.map(() => '');
    for (const [place, key] of keys.entries()) {
      const name = names[at[key]];
      this.places.set(name, [...(this.places.get(name) ?? []), place]);
    }
    sink.start({ ...form, names, at, twice: [] }, Object.fromEntries(keys.map((key, place) => [key, place])));
  }

  protected take(text: string, line: number): void {
    if (text.trim() === '') {
      this.end();
      return;
    }
    const colon = text.indexOf(': ');
    if (this.begun === 0) this.begun = line;
    for (const place of this.places.get(text.slice(0, colon)) ?? []) this.values[place] = text.slice(colon + 2);
  }

  protected override end(): void {
    if (this.begun > 0) this.sink.row(this.values, this.begun);
    this.begun = 0;
    this.values.fill('');
  }
}
