// Markets while their rows are read: ids become numbers in batches, rows are kept as numbers.

import type { Split } from './file-names.ts';
import { IdBatch, Ids } from './ids.ts';
import { Float64List, Int32List } from './lists.ts';

/** Rows as numbers of users and items, with times where they are asked for. */
export interface Rows {
  users: Int32List;
  items: Int32List;
  times?: Float64List;
}

/** Rows that are numbered together: enough to hide the memory's latency, few enough that they stay in the cache. */
const BATCH = 512;

/** Rows of one file that wait to be numbered, each for a list of its own. Neighbours of one user share the look-up. */
export class Waiting {
  private readonly rows: Rows[] = [];
  private readonly itemIds = new IdBatch(BATCH);
  private readonly userIds = new IdBatch(BATCH);
  /** The market's table of each user, and the user of each row by their place among these. */
  private readonly tables: Ids[] = [];
  private readonly userOf = new Int32Array(BATCH);
  private readonly userNumbers = new Int32Array(BATCH);
  private lastUser: string | undefined;
  /** Made of what was read ahead; see Ids.touch. */
  touched = 0;

  constructor(private readonly items: Ids) {}

  push(users: Ids, rows: Rows, user: string, item: string): void {
    const { tables } = this;
    if (user !== this.lastUser || users !== tables[tables.length - 1]) {
      this.lastUser = user;
      tables.push(users);
      this.userIds.add(user);
    }
    this.userOf[this.rows.length] = tables.length - 1;
    this.rows.push(rows);
    this.itemIds.add(item);
    if (this.rows.length === BATCH) this.number();
  }

  /** Numbers all that wait. */
  number(): void {
    const { tables, userIds, userOf, userNumbers, rows, itemIds, items } = this;
    let touched = 0;
    for (let u = 0; u < tables.length; u++) touched += tables[u].touch(userIds.hashes[u]);
    for (let i = 0; i < rows.length; i++) touched += items.touch(itemIds.hashes[i]);
    this.touched = touched;
    for (let u = 0; u < tables.length; u++) userNumbers[u] = tables[u].number(userIds, u);
    for (let i = 0; i < rows.length; i++) {
      rows[i].users.push(userNumbers[userOf[i]]);
      rows[i].items.push(items.number(itemIds, i));
    }
    tables.length = 0;
    rows.length = 0;
    userIds.clear();
    itemIds.clear();
    this.lastUser = undefined;
  }
}

/** Held-out rows, with the file and the line of each. */
export type HeldOutRows = Rows & { files: { file: string; from: number; lines: Int32List }[] };

/** One market while it is read. */
export class Draft {
  readonly users = new Ids();
  readonly train: Rows;
  readonly heldOut = new Map<Split, HeldOutRows>();
  readonly trainFiles = new Set<string>();

  constructor(
    readonly name: string,
    private readonly timed: boolean,
  ) {
    this.train = this.rows();
  }

  /** The list that a row of a file goes to; the line of a held-out row is noted. */
  rowsOf(split: Split, file: string, line: number): Rows {
    if (split === 'train') return this.train;
    let rows = this.heldOut.get(split);
    if (!rows) {
      rows = { ...this.rows(), files: [] };
      this.heldOut.set(split, rows);
    }
    let part = rows.files[rows.files.length - 1];
    if (part?.file !== file) {
      part = { file, from: rows.users.length, lines: new Int32List() };
      rows.files.push(part);
    }
    part.lines.push(line);
    return rows;
  }

  private rows(): Rows {
    return { users: new Int32List(), items: new Int32List(), ...(this.timed && { times: new Float64List() }) };
  }
}
