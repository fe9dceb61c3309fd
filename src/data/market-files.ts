// Markets as files again.
import { csvField } from '../common/csv.ts';
import { printable } from '../common/printable.ts';
import { CONFIG_NAME, type DataConfig } from './config.ts';
import { isHidden } from './file-names.ts';
import { checkMarkets, type Market, type Markets } from './markets.ts';
import { formatTime } from './time.ts';

/** A file that `marketFiles` describes. */
export interface MarketFileText {
  /** With slashes, as `de/train.csv`. */
  path: string;
  rows: number;
  /** Its text, in pieces of about 64 Ki characters. */
  pieces(): Iterable<string>;
}

/** Characters that are collected before they are handed on. */
const PIECE = 1 << 16;
const SPLITS = ['train', 'valid', 'test'] as const;

/**
 * Markets as CSV files that `chooseFiles` and `readDirectory` read again as these markets: a folder for each market
 * with `train.csv` and what is held out (`valid.csv`, `test.csv`), or, where a market's name is none that a folder may
 * have, the same files with a market column; and a `m3rec.json` that says how they are written, whatever the ids. A market
 * in a folder that sells items which nobody there has bought has an `items.csv` too. Rows are in the order of users and
 * items, with their times if the market has any.
 *
 * @throws ArgumentError for what are no markets.
 * @example
 * const [{ path, rows, pieces }] = marketFiles(markets);
 * [path, rows === markets.markets[0].interactions.indices.length]; // → ['de/train.csv', true]
 * [...pieces()][0].slice(0, 13); // → 'userId,itemId'
 */
export function marketFiles(markets: Markets): MarketFileText[] {
  checkMarkets(markets);
  const names = markets.markets.map(({ name }) => name);
  const asFolders = names.every(isFolderName) && new Set(names.map((name) => name.toLowerCase())).size === names.length;
  const groups = asFolders
    ? markets.markets.map((market) => ({ folder: `${market.name}/`, inside: [market] }))
    : [{ folder: '', inside: markets.markets }];
  const timed = markets.markets.some(({ times }) => times !== undefined);
  const files = groups.flatMap(({ folder, inside }) =>
    SPLITS.map(
      (split): MarketFileText => ({
        path: `${folder}${split}.csv`,
        rows: inside.reduce((sum, market) => sum + rowCount(market, split), 0),
        pieces: () => csvOf(markets.items, inside, split, timed, !asFolders),
      }),
    ),
  );
  const lists = (asFolders ? markets.markets : []).filter(sellsUnbought).map(
    (market): MarketFileText => ({
      path: `${market.name}/items.csv`,
      rows: market.items.length,
      pieces: () => listOf(markets.items, market),
    }),
  );
  const config: DataConfig = {
    columns: {
      user: 'userId',
      item: 'itemId',
      ...(timed && { time: 'timestamp' }),
      ...(!asFolders && { market: 'market' }),
    },
    header: true,
    delimiter: ',',
    quote: 'double',
  };
  return [
    ...files.filter(({ rows }) => rows > 0),
    ...lists,
    { path: CONFIG_NAME, rows: 0, pieces: () => [`${JSON.stringify(config, null, 2)}\n`] },
  ];
}

function rowCount(market: Market, split: string): number {
  return split === 'train' ? market.interactions.indices.length : (market.heldOut[split] ?? []).length;
}

/** Whether every file system takes it, and readers do not pass it over. */
function isFolderName(name: string): boolean {
  const reserved = /[\\/:*?"<>|]|[. ]$|^\s|^(con|prn|aux|nul|com\d|lpt\d)$/i;
  return !reserved.test(name) && printable(name) === name && !isHidden(name) && name.length <= 80;
}

/** Whether a market sells items that nobody there has bought, which its rows do not tell. */
function sellsUnbought({ items, interactions }: Market): boolean {
  return new Set(interactions.indices).size < items.length;
}

function* listOf(items: readonly string[], market: Market): Generator<string> {
  let text = 'itemId\n';
  for (const item of market.items) {
    text += `${csvField(items[item])}\n`;
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

function* csvOf(
  items: readonly string[],
  markets: readonly Market[],
  split: string,
  timed: boolean,
  named: boolean,
): Generator<string> {
  let text = `userId,itemId${timed ? ',timestamp' : ''}${named ? ',market' : ''}\n`;
  for (const market of markets)
    for (const [user, item, time] of rowsOf(items, market, split)) {
      text += `${csvField(user)},${csvField(item)}`;
      if (timed) text += `,${time === undefined ? '' : formatTime(time)}`;
      text += named ? `,${csvField(market.name)}\n` : '\n';
      if (text.length < PIECE) continue;
      yield text;
      text = '';
    }
  if (text !== '') yield text;
}

function* rowsOf(
  items: readonly string[],
  { users, items: own, interactions, times, heldOut }: Market,
  split: string,
): Generator<[user: string, item: string, time: number | undefined]> {
  if (split !== 'train') {
    for (const { userId, itemId, time } of heldOut[split] ?? []) yield [userId, itemId, time];
    return;
  }
  const { indptr, indices } = interactions;
  for (const [user, id] of users.entries())
    for (let entry = indptr[user]; entry < indptr[user + 1]; entry++)
      yield [id, items[own[indices[entry]]], times?.[entry]];
}
