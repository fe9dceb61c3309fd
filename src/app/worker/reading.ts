// Files in the worker: what is recognised of each, and then their rows, by the library's readers.
import type { CallOptions } from '../../browser/calls.ts';
import { ArgumentError, M3RecError } from '../../common/errors.ts';
import { CONFIG_NAME } from '../../data/config.ts';
import { baseName, isDataName, isItemFile, splitOf, stemOf } from '../../data/file-names.ts';
import { chooseFiles, type FolderFile } from '../../data/folder.ts';
import { readItems } from '../../data/items.ts';
import type { Markets } from '../../data/markets.ts';
import { type MarketFile, readMarkets } from '../../data/read-markets.ts';
import { describe, type Recognised } from '../../data/recognised.ts';
import { type ReadingOptions, readRows } from '../../data/rows.ts';
import type { DataWarning } from '../../data/warnings.ts';
import type { DataFacts, FileSettings, InputFile, Preview, ReadRequest, Title } from './api.ts';
import { factsOf } from './facts.ts';

const ROWS = 8;
const SEPARATORS = /[,;\t|]/;
/** What a preview reads to find the names of columns. */
const HEAD_BYTES = 65_536;

function readingOptions({ delimiter, header, columns }: FileSettings): ReadingOptions {
  return { ...(delimiter && { delimiter }), ...(header !== undefined && { header }), ...(columns && { columns }) };
}

/** Ends a reading that has shown enough. */
class Enough extends Error {}

/** The first rows of a file, by the columns that were recognised. */
export async function previewFile({ path, file }: InputFile, settings: FileSettings): Promise<Preview> {
  const none: Preview = { name: path, bytes: file.size, how: '', header: true, columns: [], roles: {}, rows: [] };
  if (isItemFile(path)) return { ...none, isItems: true };
  if (!isDataName(path)) return { ...none, skipped: true };
  let recognised: Recognised | undefined;
  const rows: string[][] = [];
  let problem: string | undefined;
  try {
    await readRows(
      file,
      path,
      (user, item, _rating, market) => {
        rows.push(market === undefined ? [user, item] : [user, item, market]);
        if (rows.length === ROWS) throw new Enough();
      },
      {
        ...readingOptions(settings),
        market: 'optional',
        onRecognised: (found) => {
          recognised = found;
        },
      },
    );
  } catch (error) {
    if (error instanceof M3RecError) problem = error.message;
    else if (!(error instanceof Enough)) throw error;
  }
  return {
    ...none,
    how: recognised ? describe(recognised) : '',
    header: settings.header ?? recognised?.header ?? true,
    columns: await namesIn(file, settings.delimiter ?? recognised?.delimiter),
    roles: Object.fromEntries(
      Object.entries(recognised?.columns ?? {}).map(([role, column]) => [role, String(column)]),
    ),
    rows,
    problem,
  };
}

/** The names in the first line of a text file, for choosing among them; empty where it is packed or no text. */
async function namesIn(file: File, delimiter: string | undefined): Promise<string[]> {
  const head = await file.slice(0, HEAD_BYTES).text();
  if (head.includes('\u0000') || head.includes('\ufffd')) return [];
  const line = head.replace(/^\ufeff/, '').split(/\r?\n/)[0];
  const names = line
    .split(delimiter ?? line.match(SEPARATORS)?.[0] ?? ',')
    .map((name) => name.replace(/^"|"$/g, '').trim());
  return names.length > 1 && names.length <= 100 ? names : [];
}

/** The folder that all of these are in, if it is one. */
function folderOf(files: readonly InputFile[]): string | undefined {
  const top = files[0]?.path.split('/')[0];
  return files.every(({ path }) => path.startsWith(`${top}/`)) ? top : undefined;
}

/** As the command line reads that folder: from it on. */
const folderFile = ({ path, file }: InputFile, folder: string | undefined): FolderFile => ({
  path: folder === undefined ? path : path.slice(folder.length + 1),
  name: path,
  bytes: file.size,
  source: () => file,
});

/** A file that somebody has said something of is read as said; its market is its name where nothing else says it. */
function correctedFile({ path, file }: InputFile, settings: FileSettings): MarketFile {
  const { market } = settings;
  const split = splitOf(path);
  return {
    name: path,
    bytes: file.size,
    source: () => file,
    split: split?.split ?? 'train',
    ...(market ? { market } : { defaultMarket: split?.rest || stemOf(path) }),
    options: readingOptions(settings),
  };
}

/** Reads all files that are data, as a folder of the command line is read; a file of items gives titles and categories. */
export async function readFiles(
  request: ReadRequest,
  { onProgress, signal }: Required<CallOptions>,
): Promise<{ markets: Markets; facts: DataFacts; titles: Title[] }> {
  const { files, skipBad } = request;
  const settingsOf = new Map(files.map(({ path }, i) => [path, request.settings[i] ?? {}]));
  const warnings: DataWarning[] = [];
  const onWarning = (warning: DataWarning) => warnings.push(warning);
  const data = files.filter(({ path }) => isDataName(path) && !isItemFile(path));
  if (data.length === 0)
    throw ArgumentError.because('files', 'none of them is a table; choose CSV, TSV, JSON or Parquet files');
  const isCorrected = ({ path }: InputFile) => Object.keys(settingsOf.get(path)!).length > 0;
  const others = data.filter((each) => !isCorrected(each));
  const folder = folderOf(data);
  const chosen =
    others.length === 0
      ? []
      : await chooseFiles(
          [...others, ...files.filter(({ path }) => baseName(path) === CONFIG_NAME)].map((each) =>
            folderFile(each, folder),
          ),
          folder ?? 'these files',
          { onWarning },
        );
  for (const each of data.filter(isCorrected)) chosen.push(correctedFile(each, settingsOf.get(each.path)!));
  const markets = await readMarkets(chosen, { signal, onProgress, skipBadRows: skipBad, onWarning });
  const titles: Title[] = [];
  for (const { path, file } of files.filter((each) => isItemFile(each.path))) {
    for (const [id, { title = '', category = '', image }] of await readItems(file, path, { signal, onWarning }))
      titles.push({ id, title, category, ...(image && { image }) });
  }
  const heldOut = markets.markets.reduce((sum, { heldOut }) => sum + Object.values(heldOut).flat().length, 0);
  const name = data.length === 1 ? data[0].path : `${data.length}`;
  return {
    markets,
    titles,
    facts: {
      ...factsOf(markets),
      name,
      isSample: false,
      heldOut,
      warnings: warnings.map(({ file, message, count }) => ({ file, message, count })),
      hasTitles: titles.length > 0,
      pictures: titles.filter(({ image }) => image !== undefined).length,
    },
  };
}
