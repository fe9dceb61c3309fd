import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError, checkObject, checkTexts, DataError } from '../common/errors.ts';
import type { GeneratedData } from '../data/generate.ts';
import type { Markets } from '../data/markets.ts';
import { type MarketFile, type ReadOptions, readMarkets, type Split } from '../data/read-markets.ts';
import { readInput } from './input.ts';
import { checkPath } from './output-file.ts';
import { attempt } from './system-error.ts';

export { readBytes } from './input.ts';
export { writeFileAtomically } from './output-file.ts';
export { relaxedKernels } from './relaxed.ts';
export { nodeWorkers } from './threads.ts';

const FILE_NAME = /^(train|valid|test)(_5core|_qrel)?\.(tsv|csv|txt)$/;

/**
 * Reads markets from files. `path` is a folder with one folder per market, each with `train.{tsv,csv,txt}` (or `train_5core.*`)
 * and optionally `valid.*`, `test.*` (or `valid_qrel.*`, `test_qrel.*`); or a folder with such files that have a market column;
 * or one such file. Where a plain name and a longer one are both there, the plain one is read and the other is reported.
 *
 * @throws DataError that names the missing or unreadable file or folder, and as `readMarkets`.
 * @throws ArgumentError for `markets` that the data does not have.
 * @example
 * const { markets } = await readDirectory('shop', { markets: ['de', 'jp'] });
 * markets.map(({ name }) => name); // → ['de', 'jp']
 */
export async function readDirectory(path: string, options: ReadOptions = {}): Promise<Markets> {
  checkPath(path);
  checkObject('options', options);
  if (options.markets !== undefined) checkTexts('markets', options.markets, 'an array of names');
  const files = await findFiles(path, options);
  return readMarkets(files, options);
}

async function findFiles(path: string, options: ReadOptions): Promise<MarketFile[]> {
  const info = await attempt(path, () => stat(path));
  if (!info.isDirectory()) return [marketFile(path, 'train', undefined, info.size, options.signal)];
  const entries = await attempt(path, () => readdir(path, { withFileTypes: true }));
  const names = entries.map((entry) => entry.name).sort();
  const here = await chooseFiles(path, names, undefined, options);
  if (here.some((file) => file.split === 'train')) return here;
  const files: MarketFile[] = [];
  const folders: string[] = [];
  for (const name of names) {
    const folder = join(path, name);
    if (!(await attempt(folder, () => stat(folder))).isDirectory()) continue;
    folders.push(name);
    if (options.markets && !options.markets.includes(name)) continue;
    const found = await chooseFiles(folder, await attempt(folder, () => readdir(folder)), name, options);
    if (found.length === 0) continue;
    if (!found.some((file) => file.split === 'train'))
      throw new DataError(
        join(folder, 'train.tsv'),
        undefined,
        'no such file: a market needs its training rows (train.tsv, train.csv or train_5core.tsv)',
      );
    files.push(...found);
  }
  const missing = options.markets?.find((market) => !files.some((file) => file.market === market));
  if (missing !== undefined)
    throw new ArgumentError(
      'markets',
      missing,
      `markets with a train.tsv or train.csv in ${path}, which has the folders ${folders.slice(0, 20).join(', ') || '(none)'}`,
    );
  if (files.length === 0)
    throw new DataError(
      path,
      undefined,
      'no training data: no folder in it has a train.tsv, train.csv or train_5core.tsv',
    );
  return files;
}

/** The files of one folder, one a split. */
async function chooseFiles(
  folder: string,
  names: string[],
  market: string | undefined,
  { onWarning, signal }: ReadOptions,
): Promise<MarketFile[]> {
  const files: MarketFile[] = [];
  for (const split of ['train', 'valid', 'test'] as const) {
    const matches = names.filter((name) => FILE_NAME.exec(name)?.[1] === split);
    const plain = matches.filter((name) => FILE_NAME.exec(name)![2] === undefined);
    const candidates = plain.length > 0 ? plain : matches;
    if (candidates.length > 1)
      throw new DataError(
        folder,
        undefined,
        `${candidates.sort().join(' and ')}: only one of them can be the ${split} rows`,
      );
    const [name] = candidates;
    if (name === undefined) continue;
    for (const other of matches) {
      if (other !== name)
        onWarning?.({
          kind: 'ignored-file',
          file: join(folder, other),
          message: `not read, since ${name} is there`,
          count: 1,
        });
    }
    const path = join(folder, name);
    files.push(marketFile(path, split, market, (await attempt(path, () => stat(path))).size, signal));
  }
  return files;
}

function marketFile(
  path: string,
  split: Split,
  market: string | undefined,
  bytes: number,
  signal?: AbortSignal,
): MarketFile {
  return { market, split, name: path, bytes, source: () => readInput(path, signal) };
}

/**
 * Writes generated rows as `readDirectory` reads them: a folder per market with train.tsv, valid.tsv and test.tsv.
 * @throws DataError that names the file.
 * @example
 * await writeDirectory('generated', generateMarkets({ users: 500, items: 200, interactions: 4000 }));
 */
export async function writeDirectory(path: string, data: GeneratedData): Promise<void> {
  checkPath(path);
  for (const market of data.markets) {
    const folder = join(path, market.name);
    await attempt(folder, () => mkdir(folder, { recursive: true }));
    for (const split of ['train', 'valid', 'test'] as const) {
      const rows = market[split];
      const target = join(folder, `${split}.tsv`);
      await attempt(target, async () => {
        const file = await open(target, 'w');
        try {
          let text = 'userId\titemId\trating\n';
          for (let row = 0; row < rows.users.length; row++) {
            text += `${market.users[rows.users[row]]}\t${data.items[rows.items[row]]}\t1.0\n`;
            if (text.length > 1 << 16) {
              await file.write(text);
              text = '';
            }
          }
          await file.write(text);
        } finally {
          await file.close();
        }
      });
    }
  }
}
