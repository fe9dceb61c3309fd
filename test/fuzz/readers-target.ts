// The data readers: a hostile file is refused with a DataError, or its rows are the same however the file arrives, are
// those that a plain RFC 4180 reader finds, and make markets and a model that keep every promise.
import { ArgumentError, DataError } from '../../src/common/errors.ts';
import { xxHash32 } from '../../src/common/xxhash.ts';
import type { Markets } from '../../src/data/markets.ts';
import { type MarketFile, readMarkets } from '../../src/data/read-markets.ts';
import { type RowOptions, readRows } from '../../src/data/rows.ts';
import type { RowSource } from '../../src/data/source.ts';
import { SplitMix } from '../../src/data/splitmix.ts';
import { computeStats } from '../../src/data/stats.ts';
import type { DataWarning } from '../../src/data/warnings.ts';
import { decodeModel, encodeModel } from '../../src/models/file.ts';
import { train } from '../../src/train/train.ts';
import { check, type Outcome, pick, type Random, randomBytes, refusal, type Target, within } from './engine.ts';

export const readersTarget: Target = {
  name: 'readers',
  share: 1 / 16,
  shrinks: true,
  make: makeFile,
  // The reader holds pieces of 64 Ki and rows of up to 1 Mi; text of one byte a character may become two.
  run: (input) => within(8 * 2 ** 20 + 16 * input.length, () => runReaders(input)),
};

// --- files ----------------------------------------------------------------------------------------------------------

const IDS = [
  '__proto__',
  'constructor',
  'toString',
  'prototype',
  'hasOwnProperty',
  '',
  ' ',
  'u1',
  'i1',
  'a',
  'b',
  'naïve',
  '物品',
  '🦊',
  '\ufeff',
  'x"y',
  '"',
  'a,b',
  'a\tb',
  'l1\nl2',
  'l1\r\nl2',
  '\r',
  '\u2028',
  '=1+1',
  '-1',
  'null',
  'undefined',
  'NaN',
  '\u0001',
  '\u001b[31m',
  'é',
  'e\u0301',
];
const RATINGS = [
  '1',
  '4.5',
  '-3',
  'NaN',
  'Infinity',
  '-Infinity',
  '1e999',
  '1e-400',
  '0x10',
  '',
  ' 5 ',
  '5,0',
  '٣',
  '1_000',
  'five',
  '9'.repeat(400),
];
const HEADERS = [
  'userId',
  'itemId',
  'user_id',
  'ITEM ID',
  'uid',
  'iid',
  'asin',
  'reviewerID',
  'rating',
  'stars',
  'market',
  'country',
  'timestamp',
  'userId',
  'user',
  '"userId"',
  '__proto__',
  '',
  'user id ',
];
const NEWLINES = ['\n', '\n', '\n', '\r\n', '\r', '\n\n', '\r\r\n', '\n\r'];
const DELIMITERS = [',', '\t', ';', '|', ' ', ':'];
const TOKENS = [
  ...IDS,
  ...RATINGS,
  ...HEADERS,
  ...NEWLINES,
  ...DELIMITERS,
  '"',
  '""',
  '",',
  '"\n',
  'userId,itemId\n',
  'userId\titemId\trating\n',
  'userId,itemId,market\n',
  'userId,itemId\r',
  '\ufeffuserId,itemId\n',
];
/** Bytes that are no UTF-8, zero bytes, and marks of other encodings. */
const RAW = [
  [0],
  [0xff],
  [0xfe, 0xff],
  [0xff, 0xfe],
  [0xed, 0xa0, 0x80],
  [0xc0, 0x80],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0xa6],
  [0x80],
  [0xef, 0xbb, 0xbf],
  [0x1f, 0x8b],
  [0xf4, 0x90, 0x80, 0x80],
];

function makeFile(random: Random): Uint8Array {
  switch (random.below(8)) {
    case 0:
      return randomBytes(random, random.below(600));
    case 1: {
      const text = Array.from({ length: random.below(60) }, () => pick(random, TOKENS)).join('');
      return random.below(4) === 0 ? utf16(text) : damaged(random, encode(text));
    }
    case 2:
      return random.below(24) === 0 ? largeFile(random) : damaged(random, table(random, false));
    case 3:
    case 4:
      return table(random, true);
    default:
      return random.below(3) === 0 ? damaged(random, table(random, random.below(2) === 0)) : table(random, false);
  }
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function utf16(text: string): Uint8Array {
  return Uint8Array.from({ length: 2 * text.length }, (_, i) => (text.charCodeAt(i >> 1) >> (8 * (i & 1))) & 255);
}

/** Rows of hostile fields in one layout; `clean` ones have nothing that a reader may refuse. */
function table(random: Random, clean: boolean): Uint8Array {
  const delimiter = pick(random, clean ? [',', '\t', ';', '|'] : DELIMITERS);
  const newline = pick(random, clean ? ['\n', '\r\n'] : NEWLINES);
  const columns =
    random.below(3) === 0 && !clean
      ? Array.from({ length: 1 + random.below(6) }, () => pick(random, HEADERS))
      : ['userId', 'itemId', ...pick(random, [[], ['rating'], ['market'], ['rating', 'market'], ['x', 'y']])];
  const ids = clean ? IDS.filter((id) => id !== '' && !/[\r\ufeff]/.test(id)) : IDS;
  const quoted = random.below(3) === 0;
  const write = (field: string) =>
    quoted || (/[",;|\t\r\n:]/.test(field) && (clean || random.below(4) > 0))
      ? `"${field.replaceAll('"', '""')}"`
      : field;
  const row = (fields: string[]) => fields.map(write).join(delimiter);
  const rows = Array.from({ length: random.below(20) }, () => {
    const fields = columns.map((column) =>
      /rating|stars/.test(column) ? (clean ? '3.5' : pick(random, RATINGS)) : pick(random, ids),
    );
    if (!clean && random.below(20) === 0) fields.push(pick(random, ids));
    if (!clean && random.below(20) === 0) fields.pop();
    return row(fields);
  });
  const text = [columns.join(delimiter), ...rows].join(newline) + pick(random, ['', newline, newline]);
  return encode((random.below(5) === 0 ? '\ufeff' : '') + text);
}

/** Up to two accidents. */
function damaged(random: Random, bytes: Uint8Array): Uint8Array {
  let result = bytes;
  for (let accidents = random.below(3); accidents > 0; accidents--) {
    const at = random.below(result.length + 1);
    switch (random.below(5)) {
      case 0:
        result = result.slice(0, at);
        break;
      case 1:
        result = join(result.subarray(0, at), Uint8Array.from(pick(random, RAW)), result.subarray(at));
        break;
      case 2:
        result = join(result.subarray(0, at), encode(pick(random, TOKENS)), result.subarray(at));
        break;
      case 3:
        result = join(result.subarray(0, at), result.subarray(random.below(at + 1)));
        break;
      default:
        if (at < result.length) result[at] = random.below(256);
    }
  }
  return result;
}

function join(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What a reader must not take whole, or twice, or square: fields, headers, rows and quotes without end. */
function largeFile(random: Random): Uint8Array {
  const long = pick(random, ['x', 'é', '🦊', '"', ',', '\n', '\r', '""', ' ', 'u,i\n', '"a\n"']).repeat(
    pick(random, [65_535, 65_536, 65_537, 1_048_576, 1_100_000]),
  );
  const head = pick(random, [
    '',
    'userId,itemId\n',
    'userId,itemId,note\nu,i,"',
    '\ufeff',
    'userId,',
    '"',
    'userId,itemId\r',
    'userId,itemId\nu,',
  ]);
  const many = Array.from({ length: 100_000 }, (_, i) => `c${i}`).join(',');
  return encode(
    pick(random, [
      `${head}${long}`,
      `${head}${long}"\nu2,i2\n`,
      `userId,itemId,${many}\nu,i${',1'.repeat(100_000)}\n`,
      `${many}\n`,
      `userId,itemId\n${'u,i\n'.repeat(40_000)}`,
      `userId,itemId\nu,i${','.repeat(500_000)}`,
    ]).slice(0, 1_500_000),
  );
}

// --- the oracle -----------------------------------------------------------------------------------------------------

type Row = [user: string, item: string, rating: number, market: string | undefined, line: number];
interface Reading {
  rows?: Row[];
  error?: DataError;
}

async function read(source: RowSource, options: RowOptions): Promise<Reading> {
  const rows: Row[] = [];
  try {
    const count = await readRows(source, 'file.csv', (...row) => rows.push(row), options);
    check(count === rows.length, `${count} rows counted, ${rows.length} given`);
    return { rows };
  } catch (error) {
    refusal(error);
    check(error instanceof DataError, `a ${(error as Error).name} where the file is wrong`);
    return { error };
  }
}

async function runReaders(input: Uint8Array): Promise<Outcome> {
  const random = new SplitMix(xxHash32(input));
  // Quotes are as RFC 4180 has them where that is said; else a reader may take them for characters.
  const options = {
    rating: random.below(3) === 0,
    market: random.below(4) === 0,
    quote: random.below(2) === 0 ? ('double' as const) : undefined,
    ...(random.below(8) === 0 ? { skipBadRows: true, maxBadRows: '100%' as const } : {}),
  };
  // Half of a surrogate pair cannot come from bytes.
  if (random.below(8) === 0 && input.length % 2 === 0) {
    const { error } = await read(String.fromCharCode(...new Uint16Array(input.slice(0, 40_000).buffer)), options);
    return error ? refusal(error) : { kind: 'accepted' };
  }

  const whole = await read(input, options);
  const small = input.length < 4000;
  same(whole, await read(pieces(input, random, small ? 7 : 50_000), options), 'in pieces');
  same(whole, await read(pieces(input, random, small ? 300 : 150_000), options), 'in other pieces');
  const text = decode(input);
  if (text !== undefined) same(whole, await read(text, options), 'as text');
  if (whole.rows && text !== undefined && small) {
    const expected =
      options.quote && !('skipBadRows' in options) ? plainRows(text, options.rating, options.market) : undefined;
    if (expected) {
      const found = whole.rows.map(([user, item]) => [user, item]);
      check(
        JSON.stringify(found) === JSON.stringify(expected),
        `rows ${JSON.stringify(found).slice(0, 300)} where a plain reader finds ${JSON.stringify(expected).slice(0, 300)}`,
      );
    }
  }
  const outcome = await asMarkets(input, options, whole, random);
  return whole.error ? refusal(whole.error) : outcome;
}

function* pieces(input: Uint8Array, random: Random, most: number): Generator<Uint8Array> {
  for (let at = 0; at < input.length; ) {
    const size = 1 + random.below(most);
    yield input.subarray(at, at + size);
    at += size;
  }
}

function decode(input: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input);
  } catch {
    return undefined;
  }
}

/** The same rows, or a refusal on the same grounds (which of several is found first may depend on the pieces). */
function same(whole: Reading, other: Reading, how: string): void {
  check(
    (whole.error === undefined) === (other.error === undefined),
    `whole: ${whole.error?.message ?? 'accepted'}; ${how}: ${other.error?.message ?? 'accepted'}`,
  );
  if (whole.error && other.error && whole.error.problem === other.error.problem)
    check(whole.error.line === other.error.line, `${whole.error.message}, but line ${other.error.line} ${how}`);
  if (whole.rows)
    check(
      JSON.stringify(whole.rows) === JSON.stringify(other.rows),
      `other rows ${how}: ${JSON.stringify(other.rows).slice(0, 300)} instead of ${JSON.stringify(whole.rows).slice(0, 300)}`,
    );
}

/**
 * User and item of each row by RFC 4180, character by character; undefined where the text does not keep to it, so that
 * there is no one right answer: quotes inside plain fields, text after a closing quote, lines that end in two ways.
 */
function plainRows(text: string, rated: boolean, ofMarkets: boolean): [string, string][] | undefined {
  const body = text.replace(/^\ufeff?[\r\n]*/, '');
  const newlines = new Set(body.match(/\r\n|\r|\n/g));
  if (newlines.size > 1) return undefined;
  const [newline = '\n'] = newlines;
  const header = body.split(newline, 1)[0];
  const delimiters = [...'\t,;|'].filter((each) => header.includes(each));
  if (delimiters.length !== 1 || header.includes('"')) return undefined;
  const [delimiter] = delimiters;
  const table: string[][] = [[]];
  let at = 0;
  while (at < body.length) {
    let field = '';
    if (body[at] === '"') {
      for (at++; ; at++) {
        if (at >= body.length) return undefined;
        if (body[at] !== '"') field += body[at];
        else if (body[at + 1] === '"') field += body[at++];
        else break;
      }
      at++;
    } else {
      while (at < body.length && body[at] !== delimiter && !body.startsWith(newline, at)) field += body[at++];
      if (field.includes('"')) return undefined;
    }
    table[table.length - 1].push(field);
    if (at >= body.length) break;
    if (body[at] === delimiter) {
      at++;
      if (at === body.length) table[table.length - 1].push('');
    } else if (body.startsWith(newline, at)) {
      at += newline.length;
      table.push([]);
      if (at < body.length && body.startsWith(newline, at)) continue;
    } else return undefined;
  }
  const [names, ...rows] = table;
  const plain = names.map((name) => name.toLowerCase().replace(/[\s_-]/g, ''));
  const column = (spellings: string[]) => plain.indexOf(spellings.find((spelling) => plain.includes(spelling)) ?? '');
  const user = column(['userid', 'user', 'uid', 'reviewerid']);
  const item = column(['itemid', 'item', 'iid', 'asin']);
  // Where no name fits, the reader refuses the file or looks for the header further down.
  if (user < 0 || item < 0) return undefined;
  const needed = [
    user,
    item,
    ...(rated ? [column(['rating', 'stars'])] : []),
    ...(ofMarkets ? [column(['market', 'country'])] : []),
  ];
  return rows
    .filter((row) => row.some((field) => field.trim() !== ''))
    .filter((row) => needed.every((place) => row[place].trim() !== ''))
    .map((row): [string, string] => [row[user].trim(), row[item].trim()])
    .filter(([a, b]) => a !== names[user].trim() || b !== names[item].trim());
}

/** The file as training rows of a market (or of many, by its market column) and as held-out rows next to others. */
async function asMarkets(input: Uint8Array, options: RowOptions, whole: Reading, random: Random): Promise<Outcome> {
  const market = options.market ? undefined : pick(random, ['m', '__proto__', 'constructor', 'a\nb']);
  const files: MarketFile[] = [{ market, split: 'train', name: 'file.csv', source: () => pieces(input, random, 1000) }];
  if (random.below(2) === 0)
    files.push({
      market: 'm',
      split: 'train',
      name: 'known.csv',
      source: 'userId,itemId\n__proto__,__proto__\nu1,i1\na,constructor\n',
    });
  if (random.below(2) === 0) files.push({ market, split: 'valid', name: 'held.csv', source: input });
  const warnings: DataWarning[] = [];
  let markets: Markets;
  try {
    markets = await readMarkets(files, {
      ...(options.rating && { minRating: 0 }),
      quote: options.quote,
      skipBadRows: options.skipBadRows,
      maxBadRows: options.maxBadRows,
      onWarning: (warning) => warnings.push(warning),
    });
  } catch (error) {
    refusal(error);
    // A market's name from a market column is checked as an argument is; everything else is the data's fault.
    check(
      error instanceof DataError || error instanceof ArgumentError,
      `a ${(error as Error).name} where the data is wrong`,
    );
    check(
      whole.error !== undefined ||
        !files.some(({ name }) => name === 'known.csv') ||
        options.market ||
        whole.rows!.length === 0 ||
        options.rating,
      `refused, though its rows are right: ${(error as Error).message}`,
    );
    return refusal(error);
  }
  check(whole.error === undefined, `markets of a file that is refused: ${whole.error?.message}`);
  for (const { message, count } of warnings)
    check(count > 0 && !/\p{Cc}/u.test(message), `a warning of more than one line: ${JSON.stringify(message)}`);
  checkMarkets(markets);
  const stats = computeStats(markets);
  check(
    stats.markets.every(
      ({ users, items, rows, sharedShare }) =>
        users > 0 && items > 0 && rows >= users && sharedShare >= 0 && sharedShare <= 1,
    ),
    'statistics out of range',
  );
  const model = await train(markets, { model: 'popularity' });
  const bytes = encodeModel(model);
  check(
    Buffer.compare(encodeModel(decodeModel(bytes)), bytes) === 0,
    'the model of these markets does not come back from its file',
  );
  return { kind: 'accepted' };
}

/** Every promise that `Markets` makes. */
function checkMarkets({ items, markets }: Markets): void {
  const rising = (list: ArrayLike<string | number>, from = 0, to = list.length) => {
    for (let i = from + 1; i < to; i++) if (!(list[i - 1] < list[i])) return false;
    return true;
  };
  check(rising(items) && rising(markets.map(({ name }) => name)), 'items or markets out of order');
  for (const { users, items: own, interactions, heldOut } of markets) {
    const { rows, cols, indptr, indices } = interactions;
    check(
      rising(users) && rising(own) && rows === users.length && cols === own.length && indptr.length === rows + 1,
      'users or items out of order',
    );
    check(
      own.every((item) => item >= 0 && item < items.length) && indptr[0] === 0 && indptr[rows] === indices.length,
      'indices out of range',
    );
    for (let user = 0; user < rows; user++)
      check(
        indptr[user] < indptr[user + 1] && rising(indices, indptr[user], indptr[user + 1]),
        'a user without rows, or with rows out of order',
      );
    check(
      indices.every((item) => item >= 0 && item < cols),
      'an item out of range',
    );
    for (const { user, userId, item, itemId } of Object.values(heldOut).flat()) {
      check(user < 0 ? !users.includes(userId) : users[user] === userId, 'a held-out user is another one');
      check(item < 0 || items[own[item]] === itemId, 'a held-out item is another one');
    }
  }
}
