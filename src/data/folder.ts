// Which files of a folder (of a disk, a zip, a page's drop) hold which rows of which market.
import { ArgumentError, DataError, type M3RecError } from '../common/errors.ts';
import { CONFIG_NAME, type DataConfig, parseConfig } from './config.ts';
import { baseName, isBeside, isDataName, isItemFile, isOther, splitOf } from './file-names.ts';
import { marketIn, marketOf, marketsByName } from './market-names.ts';
import { tryPeek } from './peek.ts';
import type { MarketFile, ReadOptions } from './read-markets.ts';
import { hold, piecesOf, type RowSource, randomAccess } from './source.ts';
import { type DataWarning, plural } from './warnings.ts';
import type { ZipEntry } from './zip.ts';

/** A file in a folder. */
export interface FolderFile {
  /** From the folder on, with slashes. */
  path: string;
  /** How messages call it. */
  name: string;
  bytes?: number;
  source: () => RowSource;
  /** Whether somebody named it, so that it is read whatever its name. */
  given?: boolean;
}

export interface FolderOptions extends ReadOptions {
  /** The market of all rows, for a file or folder of one market. */
  market?: string;
}

/**
 * The files of interactions in a folder, by these rules, the first that fits:
 * 1. `train.*` in it (and `valid.*`, `test.*`): all rows, by their market column, or one market of the folder's name.
 * 2. A folder for each market with such files, or with any files that have users and items. An `items.*` in it lists what the market
 *    sells; a folder with nothing else is a market that nobody has bought in yet.
 * 3. Files named by their market (`de.csv`, `de_5core.tsv`, `ratings_de_Electronics.txt.gz`), or parts of one market
 * (`part-1.csv`).
 *
 * @param name how messages call the folder.
 * @throws DataError where there is none, or where it is not clear which.
 * @throws ArgumentError for `markets` that are not there.
 * @example
 * const file = (path) => ({ path, name: path, source: () => 'userId,itemId\nu1,shoe-9\n' });
 * const files = await chooseFiles([file('de/train.csv'), file('uk/train.csv')], 'shop');
 * files.map(({ name }) => name); // → ['de/train.csv', 'uk/train.csv']
 */
export async function chooseFiles(
  files: readonly FolderFile[],
  name: string,
  options: FolderOptions = {},
): Promise<MarketFile[]> {
  const chooser = new Chooser(insideOnly(await withZips(files)), name, options);
  await chooser.readConfigs();
  return chooser.choose();
}

/** Where all lies in one folder that only has folders in it, as if these were the first. */
function insideOnly(files: FolderFile[]): FolderFile[] {
  const data = files.filter(({ path, given }) => given || isDataName(path));
  const [first] = data;
  const top = first?.path.slice(0, first.path.indexOf('/') + 1) ?? '';
  const isInside = ({ path }: FolderFile) => path.startsWith(top) && path.indexOf('/', top.length) >= 0;
  if (top === '' || !data.every(isInside)) return files;
  return insideOnly(
    files.filter(({ path }) => path.startsWith(top)).map((file) => ({ ...file, path: file.path.slice(top.length) })),
  );
}

/** As files of the zip's folder: those of zips that hold several files of data. */
async function withZips(files: readonly FolderFile[]): Promise<FolderFile[]> {
  const all: FolderFile[] = [];
  for (const file of files) {
    if (!/\.zip$/i.test(file.path) || !isDataName(file.path)) {
      all.push(file);
      continue;
    }
    const inside = await filesOfZip(file);
    const data = inside.filter(({ path }) => isDataName(path));
    if (data.length === 1) all.push(file);
    else all.push(...inside.map((each) => ({ ...each, path: `${file.path}/${each.path}` })));
  }
  return all;
}

/**
 * The files in a zip.
 * @throws DataError for a zip that is damaged.
 * @example
 * // an empty zip: the end of its list of files alone
 * const zip = Uint8Array.of(0x50, 0x4b, 5, 6, ...new Array(18).fill(0));
 * await filesOfZip({ path: 'shop.zip', name: 'shop.zip', source: () => zip }); // → []
 */
export async function filesOfZip({ name, source }: FolderFile): Promise<FolderFile[]> {
  const { readEntry, zipEntries } = await import('./zip.ts');
  const opened = source();
  const zip = randomAccess(opened) ?? (await hold(piecesOf(opened), name));
  const entries: ZipEntry[] = await zipEntries(zip, name);
  return entries.map((entry) => ({
    path: entry.path,
    name: `${name}/${entry.path}`,
    bytes: entry.bytes,
    source: () => readEntry(zip, entry, name),
  }));
}

const folderOf = ({ path }: FolderFile) => path.slice(0, path.indexOf('/'));

/** Whether it lists what the market of its folder sells. */
const isListOfMarket = (file: FolderFile) => file.path.split('/').length === 2 && isItemFile(file.path);

class Chooser {
  private readonly configs = new Map<string, DataConfig>();
  /** What was passed over that somebody may have meant, with the reason. */
  private readonly passed: [path: string, reason: string][] = [];
  /** A market with held-out rows alone. */
  private withoutTraining: DataError | undefined;

  constructor(
    private readonly files: readonly FolderFile[],
    private readonly name: string,
    private readonly options: FolderOptions,
  ) {}

  async readConfigs(): Promise<void> {
    for (const { path, name, source } of this.files) {
      if (baseName(path) !== CONFIG_NAME) continue;
      const held = await hold(piecesOf(source()), name);
      const text = new TextDecoder().decode(await held.slice(0, held.byteLength));
      this.configs.set(path.slice(0, -CONFIG_NAME.length), parseConfig(text, name));
    }
  }

  async choose(): Promise<MarketFile[]> {
    const { market, markets } = this.options;
    const data = this.files.filter(
      ({ path, given }) => given || (isDataName(path) && !isItemFile(path) && !isOther(path)),
    );
    for (const { path, given } of this.files)
      if (!given && !isDataName(path) && !isBeside(path) && !path.includes('/'))
        this.passed.push([path, 'no data file by its name']);
    const here = data.filter(({ path }) => !path.includes('/'));
    const folders = new Map<string, FolderFile[]>();
    for (const file of data) {
      const slash = file.path.indexOf('/');
      if (slash < 0) continue;
      const folder = file.path.slice(0, slash);
      folders.set(folder, [...(folders.get(folder) ?? []), file]);
    }
    const everyFolder = [
      ...new Set(
        this.files.filter(({ path }) => path.includes('/')).map(({ path }) => path.slice(0, path.indexOf('/'))),
      ),
    ];

    for (const folder of everyFolder) {
      const others = this.files.filter(({ path }) => path.startsWith(`${folder}/`) && !isBeside(path));
      if (!folders.has(folder) && others.some(({ path }) => !isDataName(path)))
        this.passed.push([
          folder,
          `no data file by its name: ${others
            .map(({ path }) => baseName(path))
            .slice(0, 3)
            .join(', ')}`,
        ]);
    }

    let chosen: MarketFile[] | undefined = this.bySplit(here, '', undefined);
    if (chosen) for (const folder of folders.keys()) this.passed.push([folder, 'train is next to it']);
    if (!chosen) {
      chosen = [];
      const found: string[] = [];
      for (const [folder, inside] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (markets && !markets.includes(folder)) continue;
        const rows = await this.inMarket(folder, inside);
        if (rows.length > 0) found.push(folder);
        chosen.push(...rows);
      }
      if (chosen.length > 0)
        for (const file of this.files)
          if (isListOfMarket(file) && (!markets || markets.includes(folderOf(file))))
            chosen.push(this.file(file, 'items', folderOf(file), undefined));
      if (markets) this.checkMarkets(markets, chosen, here.length > 0, everyFolder);
      if (market !== undefined && found.length > 1)
        throw new ArgumentError(
          'market',
          market,
          `--markets to choose from ${found.join(', ')}: each folder is a market`,
        );
      if (chosen.length > 0) for (const { path } of here) this.passed.push([path, 'each folder is a market']);
      else chosen = await this.flat(here);
    }
    if (chosen.length === 0) throw this.withoutTraining ?? this.nothing(data, everyFolder);
    this.report();
    return chosen;
  }

  /** What is said of a file by the configs of its folders, the nearest first. */
  private configOf(path: string): DataConfig | undefined {
    let found: DataConfig | undefined;
    for (let end = path.lastIndexOf('/'); ; end = path.lastIndexOf('/', end - 1)) {
      const config = this.configs.get(path.slice(0, end + 1));
      if (config) found = { ...config, ...found };
      if (end < 0) return found;
    }
  }

  private file(
    file: FolderFile,
    split: MarketFile['split'],
    market: string | undefined,
    defaultMarket: string | undefined,
  ): MarketFile {
    const { market: said, ...options } = this.configOf(file.path) ?? {};
    const fixed = this.options.market ?? said ?? market;
    return {
      ...(fixed === undefined ? { defaultMarket } : { market: fixed }),
      split,
      name: file.name,
      bytes: file.bytes,
      source: file.source,
      ...(Object.keys(options).length > 0 && { options }),
    };
  }

  /** One file a split, in a folder of its own; undefined where no name says `train`. */
  private bySplit(files: readonly FolderFile[], folder: string, market: string | undefined): MarketFile[] | undefined {
    const named = files.map((file) => ({ file, named: splitOf(file.path) })).filter(({ named }) => named !== undefined);
    if (!named.some(({ named }) => named!.split === 'train')) return undefined;
    const rests = new Set(
      named.filter(({ named }) => named!.split === 'train' && !named!.plain).map(({ named }) => marketIn(named!.rest)),
    );
    rests.delete('');
    // train_de.csv and train_fr.csv: files of several markets.
    if (rests.size > 1 && !named.some(({ named }) => named!.split === 'train' && named!.plain)) return undefined;
    const chosen: MarketFile[] = [];
    for (const split of ['train', 'valid', 'test'] as const) {
      const matches = named.filter(({ named }) => named!.split === split);
      const plain = matches.filter(({ named }) => named!.plain);
      const candidates = plain.length > 0 ? plain : matches;
      const names = candidates.map(({ file }) => baseName(file.path)).sort();
      if (names.length > 1)
        throw new DataError(
          folder === '' ? this.name : `${this.name}/${folder}`,
          undefined,
          `${names.join(' and ')}: only one of them can be the ${split} rows`,
        );
      if (names.length === 0) continue;
      const [{ file }] = candidates;
      for (const other of matches)
        if (other.file !== file) this.warn(other.file.name, `not read, since ${names[0]} is there`);
      chosen.push(this.file(file, split, market, market ?? baseName(this.name)));
    }
    for (const file of files)
      if (!named.some((each) => each.file === file))
        this.passed.push([file.path, `${folder === '' ? '' : `${folder}/`}train is there`]);
    return chosen;
  }

  /** The files of one market's folder. */
  private async inMarket(folder: string, inside: readonly FolderFile[]): Promise<MarketFile[]> {
    const direct = inside.filter(({ path }) => path.indexOf('/', folder.length + 1) < 0);
    const split = this.bySplit(direct, folder, folder);
    if (split) return split;
    const rows: MarketFile[] = [];
    let heldOut: string | undefined;
    for (const file of inside) {
      const named = splitOf(file.path)?.split ?? 'train';
      if (named !== 'train') {
        heldOut ??= baseName(file.path);
        continue;
      }
      const { market: _, ...config } = this.configOf(file.path) ?? {};
      const found = await tryPeek(file.source(), file.name, { ...config, ...this.options });
      if ('error' in found) this.passed.push([file.path, reasonOf(found.error)]);
      else rows.push(this.file(file, 'train', marketOf(file.path) ?? folder, undefined));
    }
    if (rows.length > 0) return rows;
    if (heldOut !== undefined) {
      const problem = `it has ${heldOut}, but no training rows (train.tsv, train.csv or train_5core.tsv)`;
      const error = new DataError(`${this.name}/${folder}`, undefined, problem);
      if (this.options.markets?.includes(folder)) throw error;
      this.withoutTraining ??= error;
      this.passed.push([folder, problem]);
    }
    return [];
  }

  /** Files without folders: named by their market, or parts of one. A market column goes before a name. */
  private async flat(here: readonly FolderFile[]): Promise<MarketFile[]> {
    const rows: { file: FolderFile; hasColumn: boolean }[] = [];
    const errors: M3RecError[] = [];
    for (const file of here) {
      const { market: _, ...config } = this.configOf(file.path) ?? {};
      const found = await tryPeek(file.source(), file.name, { ...config, ...this.options });
      if ('recognised' in found) rows.push({ file, hasColumn: found.recognised.columns.market !== undefined });
      else {
        errors.push(found.error);
        this.passed.push([file.path, reasonOf(found.error)]);
      }
    }
    if (rows.length === 0) {
      if (errors.length === 1) throw errors[0];
      return [];
    }
    const names = marketsByName(
      rows.map(({ file }) => file.path),
      baseName(this.name),
    );
    const { markets } = this.options;
    return rows
      .map(({ file, hasColumn }, i) =>
        this.file(file, splitOf(file.path)?.split ?? 'train', hasColumn ? undefined : names[i], names[i]),
      )
      .filter(({ market }) => !markets || market === undefined || markets.includes(market));
  }

  private checkMarkets(
    markets: readonly string[],
    chosen: readonly MarketFile[],
    flat: boolean,
    folders: string[],
  ): void {
    const missing = markets.find((market) => !chosen.some((file) => file.market === market));
    if (missing === undefined || (chosen.length === 0 && flat)) return;
    throw new ArgumentError(
      'markets',
      missing,
      `markets with a train.tsv or train.csv in ${this.name}, which has the folders ${folders.sort().slice(0, 20).join(', ') || '(none)'}`,
    );
  }

  private nothing(data: readonly FolderFile[], folders: readonly string[]): DataError {
    const seen = [
      ...new Set([
        ...folders.map((folder) => `${folder}/`),
        ...data.map(({ path }) => path).filter((path) => !path.includes('/')),
      ]),
    ];
    const reasons = this.passed.slice(0, 3).map(([path, reason]) => `${path}: ${reason}`);
    const what =
      reasons.length > 0 ? ` (${reasons.join('; ')})` : seen.length > 0 ? `, only ${seen.slice(0, 8).join(', ')}` : '';
    return new DataError(
      this.name,
      undefined,
      `no training data: no folder in it has a train.tsv, train.csv or train_5core.tsv, and no file users and items${what}`,
    );
  }

  private report(): void {
    if (this.passed.length === 0) return;
    const shown = this.passed.slice(0, 5).map(([path, reason]) => `${path} (${reason})`);
    const more = this.passed.length - shown.length;
    this.warn(
      this.name,
      `passed over: ${shown.join(', ')}${more > 0 ? `, and ${plural(more, 'other')}` : ''}`,
      this.passed.length,
    );
  }

  private warn(file: string, message: string, count = 1): void {
    const warning: DataWarning = { kind: 'ignored-file', file, message, count };
    this.options.onWarning?.(warning);
  }
}

function reasonOf(error: M3RecError): string {
  return error instanceof DataError ? error.problem.replace(/[:;] .*$/s, '') : error.message;
}
