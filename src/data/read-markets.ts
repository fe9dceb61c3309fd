import {
  ArgumentError,
  checkArray,
  checkCallback,
  checkChoice,
  checkNumber,
  checkObject,
  checkTexts,
  DataError,
} from '../common/errors.ts';
import { Job, type JobOptions, type Step } from '../common/job.ts';
import { printable } from '../common/printable.ts';
import { assembling, assemblingSteps, type RawMarket } from './assemble.ts';
import { IdBatch, Ids } from './ids.ts';
import { Int32List } from './int32-list.ts';
import type { Markets } from './markets.ts';
import { copyString, MAX_FIELD, type RowSource, readRows } from './rows.ts';

/** What a file's rows are for: to train on, or held out to evaluate. */
export type Split = 'train' | 'valid' | 'test';

/** One file of interactions. */
export interface MarketFile {
  /** The market of all its rows; without it, the file must have a market column. */
  market?: string;
  split: Split;
  /** How messages call the file. */
  name: string;
  /** Opened when its turn comes, where it is a function. */
  source: RowSource | (() => RowSource);
  /** Its size in bytes, for the progress reports. */
  bytes?: number;
}

/** Something odd in the data that reading goes on after, counted per file. */
export interface DataWarning {
  kind: 'duplicate' | 'cold-item' | 'unknown-user' | 'low-rating' | 'ignored-file';
  file: string;
  /** Where the warning is about one market. */
  market?: string;
  /** One line, with the first case. */
  message: string;
  count: number;
}

export interface ReadOptions extends JobOptions {
  /** Rows with a lower rating are left out; without it, ratings are not read. */
  minRating?: number;
  /** Read these markets only. */
  markets?: readonly string[];
  onWarning?: (warning: DataWarning) => void;
}

interface Rows {
  users: Int32List;
  items: Int32List;
}

/** Rows that are numbered together: enough to hide the memory's latency, few enough that they stay in the cache. */
const BATCH = 512;

/** Rows of one file that wait to be numbered, each for a list of its own. Neighbours of one user share the look-up. */
class Waiting {
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

/** One market while it is read. */
class Draft {
  readonly users = new Ids();
  readonly train: Rows = { users: new Int32List(), items: new Int32List() };
  readonly heldOut = new Map<Split, Rows & { files: { file: string; from: number; lines: Int32List }[] }>();
  readonly trainFiles = new Set<string>();
  constructor(readonly name: string) {}
}

/**
 * Reads interactions into `Markets`, streaming each file: about 16 bytes a row, and each id once.
 * A rating of any value is an interaction; duplicates count once; held-out rows keep the order of their files.
 *
 * @throws DataError for what `readRows` refuses, and for a market without training rows.
 * @throws ArgumentError for `minRating` that is not a number or `markets` that the data does not have.
 * @throws AbortedError
 * @example
 * const source = 'userId,itemId\nu1,shoe-9\nu1,hat-2\n'; // or bytes, or a stream of either
 * const { items } = await readMarkets([{ market: 'de', split: 'train', name: 'de.csv', source }]);
 * items; // → ['hat-2', 'shoe-9']
 */
export async function readMarkets(files: readonly MarketFile[], options: ReadOptions = {}): Promise<Markets> {
  checkObject('options', options);
  const { minRating } = options;
  checkCallback('onWarning', options.onWarning);
  const onWarning =
    options.onWarning &&
    ((warning: DataWarning) => options.onWarning!({ ...warning, message: printable(warning.message) }));
  if (minRating !== undefined) checkNumber('minRating', minRating, -Number.MAX_VALUE, Number.MAX_VALUE);
  const subset =
    options.markets === undefined ? undefined : new Set(checkTexts('markets', options.markets, 'an array of names'));
  if (subset?.size === 0) throw new ArgumentError('markets', options.markets, 'at least one market');
  for (const [i, file] of checkArray('files', files, 'an array of files').entries() as Iterable<[number, MarketFile]>) {
    checkObject(`files[${i}]`, file);
    if (typeof file.name !== 'string') throw new ArgumentError(`files[${i}].name`, file.name, 'text');
    checkChoice(`files[${i}].split`, file.split, ['train', 'valid', 'test']);
    if (file.market === undefined) continue;
    if (typeof file.market !== 'string' || file.market === '' || file.market.length > MAX_FIELD)
      throw new ArgumentError('market', file.market, `1 to ${MAX_FIELD} characters`);
  }

  const job = new Job(options);
  const items = new Ids();
  const waiting = new Waiting(items);
  const drafts = new Map<string, Draft>();
  const skipped = new Set<string>();
  const draftOf = (market: string): Draft | undefined => {
    let draft = drafts.get(market);
    if (draft) return draft;
    if (subset && !subset.has(market)) {
      if (!skipped.has(market)) skipped.add(copyString(market));
      return undefined;
    }
    draft = new Draft(copyString(market));
    drafts.set(draft.name, draft);
    return draft;
  };

  const chosen = files.filter(({ market }) => market === undefined || draftOf(market) !== undefined);
  const progress = new ReadingProgress(job, chosen);
  for (const file of chosen) {
    const training = file.split === 'train';
    if (file.market !== undefined && training) draftOf(file.market)!.trainFiles.add(file.name);
    const source = typeof file.source === 'function' ? file.source() : file.source;
    const low = { count: 0, line: 0 };
    // A row of the same market as the one before it needs no look-up.
    let marketName: string | undefined;
    let draft: Draft | undefined;
    await readRows(
      source,
      file.name,
      (user, item, rating, market, line) => {
        if (rating < minRating!) {
          if (low.count++ === 0) low.line = line;
          return;
        }
        const name = file.market ?? market!;
        if (name !== marketName) {
          marketName = name;
          draft = draftOf(name);
          if (training) draft?.trainFiles.add(file.name);
        }
        if (draft) waiting.push(draft.users, training ? draft.train : heldOutRows(draft, file, line), user, item);
      },
      { rating: minRating !== undefined, market: file.market === undefined },
      progress,
    );
    waiting.number();
    progress.next();
    if (low.count > 0) {
      onWarning?.({
        kind: 'low-rating',
        file: file.name,
        message: `${plural(low.count, 'row')} with a rating below ${minRating} left out, the first at line ${low.line}`,
        count: low.count,
      });
    }
  }

  const names = [...drafts.keys(), ...skipped].sort();
  for (const market of subset ?? []) {
    if (!drafts.has(market))
      throw new ArgumentError(
        'markets',
        market,
        `markets that the data has: ${names.slice(0, 20).join(', ') || 'none'}`,
      );
  }
  if (drafts.size === 0) throw new DataError(files[0]?.name ?? 'data', undefined, 'no training rows');
  const raw: RawMarket[] = [];
  for (const draft of drafts.values()) {
    if (draft.train.users.length === 0) {
      const [file] = draft.trainFiles;
      const [heldOut] = [...draft.heldOut.values()].flatMap((rows) => rows.files);
      const where = file ?? heldOut?.file ?? files.find((each) => each.market === draft.name)!.name;
      const line = file === undefined ? heldOut?.lines.view()[0] : undefined;
      throw new DataError(where, line, `market ${JSON.stringify(draft.name)} has no users: no training rows`);
    }
    const heldOut: RawMarket['heldOut'] = {};
    for (const [split, rows] of draft.heldOut) heldOut[split] = { users: rows.users.view(), items: rows.items.view() };
    raw.push({
      name: draft.name,
      users: draft.users.list(),
      trainUsers: draft.train.users.view(),
      trainItems: draft.train.items.view(),
      heldOut,
    });
  }
  const steps = assembling(items.list(), raw);
  let step = steps.next();
  for (let done = 1; !step.done; done++) {
    await job.tick('assemble', done, assemblingSteps(raw.length));
    step = steps.next();
  }
  const markets = step.value;
  if (onWarning) warn(markets, drafts, onWarning);
  return markets;
}

/** Bytes of all files read, as one stage: a bar for each of many small files would say little. */
class ReadingProgress extends Job {
  private readonly step: Step;
  private readonly total: number;
  /** Bytes of the files before the one that is read. */
  private before = 0;
  private done = 0;

  /** The total is 0, unknown, unless every file says its size. */
  constructor(
    private readonly job: Job,
    files: readonly MarketFile[],
  ) {
    super();
    this.step = { stage: files.length === 1 ? `read ${files[0].name}` : `read ${files.length} files`, id: 'read' };
    this.total = files.every(({ bytes }) => bytes !== undefined)
      ? files.reduce((sum, { bytes }) => sum + bytes!, 0)
      : 0;
  }

  override tick(_step: Step | string, done: number): Promise<void> {
    this.done = done;
    return this.job.tick(this.step, this.before + done, this.total);
  }

  next(): void {
    this.before += this.done;
    this.done = 0;
  }
}

/** The held-out rows that a row of `file` goes to, its line noted. */
function heldOutRows(draft: Draft, file: MarketFile, line: number): Rows {
  let rows = draft.heldOut.get(file.split);
  if (!rows) {
    rows = { users: new Int32List(), items: new Int32List(), files: [] };
    draft.heldOut.set(file.split, rows);
  }
  let part = rows.files[rows.files.length - 1];
  if (part?.file !== file.name) {
    part = { file: file.name, from: rows.users.length, lines: new Int32List() };
    rows.files.push(part);
  }
  part!.lines.push(line);
  return rows;
}

function warn(markets: Markets, drafts: Map<string, Draft>, onWarning: (warning: DataWarning) => void): void {
  for (const market of markets.markets) {
    const draft = drafts.get(market.name)!;
    const duplicates = draft.train.users.length - market.interactions.indices.length;
    if (duplicates > 0) {
      onWarning({
        kind: 'duplicate',
        file: [...draft.trainFiles].join(', '),
        market: market.name,
        message: `market ${market.name}: ${plural(duplicates, 'duplicate row')}, counted once`,
        count: duplicates,
      });
    }
    for (const [split, { files }] of draft.heldOut) {
      const rows = market.heldOut[split];
      for (const { file, from, lines } of files) {
        let cold = 0;
        let firstCold = '';
        let unknown = 0;
        let firstUnknown = '';
        for (const [i, line] of lines.view().entries()) {
          const row = rows[from + i];
          if (row.item < 0 && cold++ === 0) firstCold = `${JSON.stringify(row.itemId)} at line ${line}`;
          if (row.user < 0 && unknown++ === 0) firstUnknown = `${JSON.stringify(row.userId)} at line ${line}`;
        }
        if (cold > 0)
          onWarning({
            kind: 'cold-item',
            file,
            market: market.name,
            message: `${plural(cold, 'held-out row')} with an item that no training row of market ${market.name} has, the first ${firstCold}`,
            count: cold,
          });
        if (unknown > 0)
          onWarning({
            kind: 'unknown-user',
            file,
            market: market.name,
            message: `${plural(unknown, 'held-out row')} with a user without history in market ${market.name}, the first ${firstUnknown}`,
            count: unknown,
          });
      }
    }
  }
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
