import { ArgumentError, checkArray, checkChoice, checkObject, checkTexts, DataError } from '../common/errors.ts';
import { Job, type JobOptions, type Step } from '../common/job.ts';
import { printable } from '../common/printable.ts';
import { assembling, assemblingSteps, type RawMarket } from './assemble.ts';
import { withAssortment } from './assortment.ts';
import { Draft, type Rows, Waiting } from './draft.ts';
import type { Split } from './file-names.ts';
import { Ids } from './ids.ts';
import { readItems } from './items.ts';
import { marketWarnings } from './market-warnings.ts';
import type { Markets } from './markets.ts';
import type { Recognised } from './recognised.ts';
import { checkReadingOptions, MAX_FIELD, type ReadingOptions, readRows } from './rows.ts';
import type { RowSource } from './source.ts';
import { copyString } from './text.ts';
import type { DataWarning } from './warnings.ts';

/** One file of interactions. */
export interface MarketFile {
  /** The market of all its rows. */
  market?: string;
  /** The market of its rows if it has no market column; without it and `market`, the file must have one. */
  defaultMarket?: string;
  /** What its rows are: interactions, or, as `items`, what the market sells (`readItems`), whether bought there yet or not. */
  split: Split | 'items';
  /** How messages call the file. */
  name: string;
  /** Opened when its turn comes, where it is a function. */
  source: RowSource | (() => RowSource);
  /** Its size in bytes, for the progress reports. */
  bytes?: number;
  /** Whether it is the rows of a database, so that progress is in rows. */
  counted?: true;
  /** What is said of this file alone; what is said of all files goes before it. */
  options?: ReadingOptions;
}

export interface ReadOptions extends JobOptions, ReadingOptions {
  /** Read these markets only. */
  markets?: readonly string[];
  /**
   * What the markets sell: `union`, every item that any market knows; `sold`, what somebody there has bought, whatever its files of
   * items say. Default: what is bought and what these files list.
   */
  catalogue?: 'union' | 'sold';
  /**
   * Read the time of each row too, and keep it (`Market.times`): 8 bytes a row more. Of an interaction with several
   * rows, `true` keeps the latest time, `first` the earliest.
   */
  times?: boolean | 'first';
  /** Is told how each file is written, before its first row. */
  onRecognised?: (recognised: Recognised) => void;
  onWarning?: (warning: DataWarning) => void;
}

/**
 * Reads interactions into `Markets`, streaming each file: about 16 bytes a row, and each id once.
 * A rating of any value is an interaction; duplicates count once; held-out rows keep the order of their files.
 *
 * @example
 * const source = 'userId,itemId\nu1,shoe-9\nu1,hat-2\n'; // or bytes, or a stream of either
 * const { items } = await readMarkets([{ market: 'de', split: 'train', name: 'de.csv', source }]);
 * items; // → ['hat-2', 'shoe-9']
 *
 * @throws DataError for what `readRows` refuses, and for a market without training rows, unless a file lists what it sells.
 * @throws ArgumentError for `minRating` that is not a number or `markets` that the data does not have.
 * @throws AbortedError
 */
export async function readMarkets(files: readonly MarketFile[], options: ReadOptions = {}): Promise<Markets> {
  checkReadingOptions(options);
  const onWarning =
    options.onWarning &&
    ((warning: DataWarning) => options.onWarning!({ ...warning, message: printable(warning.message) }));
  const subset =
    options.markets === undefined ? undefined : new Set(checkTexts('markets', options.markets, 'an array of names'));
  if (subset?.size === 0) throw new ArgumentError('markets', options.markets, 'at least one market');
  checkFiles(files);

  const { times = false } = options;
  if (![false, true, 'first'].includes(times)) throw new ArgumentError('times', times, "true, false or 'first'");
  const timed = times !== false;
  const { catalogue } = options;
  if (catalogue !== undefined) checkChoice('catalogue', catalogue, ['union', 'sold']);

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
    draft = new Draft(copyString(market), timed);
    drafts.set(draft.name, draft);
    return draft;
  };

  const chosen = files.filter(
    ({ market, split }) =>
      !(split === 'items' && catalogue === 'sold') && (market === undefined || draftOf(market) !== undefined),
  );
  const progress = new ReadingProgress(job, chosen);
  const lists = await readLists(chosen, options, progress);
  for (const file of chosen) {
    const { split } = file;
    if (split === 'items') continue;
    const training = file.split === 'train';
    if (file.market !== undefined && training) draftOf(file.market)!.trainFiles.add(file.name);
    const source = typeof file.source === 'function' ? file.source() : file.source;
    // A row of the same market as the one before it needs no look-up.
    let marketName: string | undefined;
    let draft: Draft | undefined;
    await readRows(
      source,
      file.name,
      (user, item, _rating, market, line, time) => {
        const name = file.market ?? market ?? file.defaultMarket!;
        if (name !== marketName) {
          marketName = name;
          draft = draftOf(name);
          if (training) draft?.trainFiles.add(file.name);
        }
        if (!draft) return;
        const rows: Rows = training ? draft.train : draft.rowsOf(split, file.name, line);
        waiting.push(draft.users, rows, user, item);
        rows.times?.push(time);
      },
      {
        ...definedIn(file.options ?? {}),
        ...definedIn(options),
        market: file.market !== undefined ? false : file.defaultMarket === undefined ? true : 'optional',
        time: timed,
        onWarning,
        onRecognised: (recognised) => {
          const named = file.market === undefined && recognised.columns.market === undefined;
          options.onRecognised?.(named ? { ...recognised, market: file.defaultMarket } : recognised);
        },
      },
      progress,
    );
    waiting.number();
    progress.next();
  }

  const missing = [...(subset ?? [])].find((market) => !drafts.has(market));
  if (missing !== undefined) {
    const names = [...drafts.keys(), ...skipped].sort().slice(0, 20).join(', ');
    throw new ArgumentError('markets', missing, `markets that the data has: ${names || 'none'}`);
  }
  const raw = rawMarkets(drafts, files, lists);
  const steps = assembling(items.list(), raw, times === 'first');
  let step = steps.next();
  for (let done = 1; !step.done; done++) {
    await job.tick('assemble', done, assemblingSteps(raw.length));
    step = steps.next();
  }
  const sold = step.value;
  const listed = Object.keys(lists).length > 0 ? withAssortment(sold, lists) : sold;
  const markets = catalogue === 'union' ? withAssortment(listed, 'union') : listed;
  if (onWarning) for (const warning of marketWarnings(markets, drafts)) onWarning(warning);
  return markets;
}

/** What the files of items list, by market. */
async function readLists(
  files: readonly MarketFile[],
  options: ReadOptions,
  progress: ReadingProgress,
): Promise<Record<string, string[]>> {
  const lists: Record<string, string[]> = {};
  for (const file of files) {
    if (file.split !== 'items') continue;
    lists[file.market!] = [...(lists[file.market!] ?? []), ...(await readList(file, options, progress))];
    progress.next();
  }
  return lists;
}

/** The ids of a file of items. */
async function readList({ source, name, options }: MarketFile, reading: ReadOptions, job: Job): Promise<string[]> {
  const { delimiter, quote, encoding, maxExpansion, skipBadRows, maxBadRows, onWarning } = {
    ...options,
    ...definedIn(reading),
  };
  const opened = typeof source === 'function' ? source() : source;
  const found = { delimiter, quote, encoding, maxExpansion, skipBadRows, maxBadRows, onWarning };
  return [...(await readItems(opened, name, { ...found, signal: job.signal })).keys()];
}

/** Throws ArgumentError for what is no list of files. */
function checkFiles(files: readonly MarketFile[]): void {
  for (const [i, file] of checkArray('files', files, 'an array of files').entries() as Iterable<[number, MarketFile]>) {
    checkObject(`files[${i}]`, file);
    if (typeof file.name !== 'string') throw new ArgumentError(`files[${i}].name`, file.name, 'text');
    checkChoice(`files[${i}].split`, file.split, ['train', 'valid', 'test', 'items']);
    if (file.split === 'items' && file.market === undefined)
      throw new ArgumentError(`files[${i}].market`, file.market, 'the market that sells these items');
    if (file.options !== undefined) checkReadingOptions(file.options);
    for (const market of [file.market, file.defaultMarket])
      if (market !== undefined && (typeof market !== 'string' || market.trim() === '' || market.length > MAX_FIELD))
        throw new ArgumentError('market', market, `1 to ${MAX_FIELD} characters`);
  }
}

/** What the files gave, market by market. Throws DataError for a market with neither training rows nor a list of items. */
function rawMarkets(
  drafts: ReadonlyMap<string, Draft>,
  files: readonly MarketFile[],
  lists: Readonly<Record<string, readonly string[]>>,
): RawMarket[] {
  const bought = [...drafts.values()].some(({ train }) => train.users.length > 0);
  if (drafts.size === 0 || (!bought && Object.keys(lists).length === drafts.size))
    throw new DataError(files[0]?.name ?? 'data', undefined, 'no training rows');
  const raw: RawMarket[] = [];
  for (const draft of drafts.values()) {
    if (draft.train.users.length === 0 && !Object.hasOwn(lists, draft.name)) {
      const [file] = draft.trainFiles;
      const [heldOut] = [...draft.heldOut.values()].flatMap((rows) => rows.files);
      const where = file ?? heldOut?.file ?? files.find((each) => each.market === draft.name)!.name;
      const line = file === undefined ? heldOut?.lines.view()[0] : undefined;
      throw new DataError(where, line, `market ${JSON.stringify(draft.name)} has no users: no training rows`);
    }
    const heldOut: RawMarket['heldOut'] = {};
    for (const [split, rows] of draft.heldOut)
      heldOut[split] = { users: rows.users.view(), items: rows.items.view(), times: rows.times?.view() };
    raw.push({
      name: draft.name,
      users: draft.users.list(),
      trainUsers: draft.train.users.view(),
      trainItems: draft.train.items.view(),
      trainTimes: draft.train.times?.view(),
      heldOut,
    });
  }
  return raw;
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
    const what = files.length === 1 ? files[0].name : `${files.length} files`;
    this.step = { stage: files.some(({ counted }) => counted) ? `read rows of ${what}` : `read ${what}`, id: 'read' };
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

/** Without the members that are undefined, which would hide those of another object. */
function definedIn<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
