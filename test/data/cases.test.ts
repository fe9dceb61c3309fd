// What people feed to such tools, after public reports: each file is read as a person would, or refused in one line
// that helps.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { crc32 } from '../../src/data/crc32.ts';
import type { FolderOptions } from '../../src/data/folder.ts';
import { describe as inWords } from '../../src/data/recognised.ts';
import { readDirectory } from '../../src/node/directory.ts';

const root = mkdtempSync(join(tmpdir(), 'm3rec-cases-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Files = Record<string, string | Uint8Array>;

let count = 0;
function folderOf(files: Files): string {
  const folder = join(root, `${count++}`, 'shop');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

interface Outcome {
  /** `market: user item, user item`, as sorted. */
  rows: string[];
  warnings: string[];
  ways: string[];
}

async function read(path: string, options: FolderOptions = {}): Promise<Outcome> {
  const warnings: string[] = [];
  const ways: string[] = [];
  const { items, markets } = await readDirectory(path, {
    ...options,
    onWarning: ({ file, message }) => warnings.push(`${file.slice(dirname(path).length + 1)}: ${message}`),
    onRecognised: (recognised) => ways.push(inWords(recognised)),
  });
  const rows = markets.map(({ name, users, items: own, interactions: { indptr, indices } }) => {
    const pairs = users.flatMap((user, u) =>
      Array.from(indices.subarray(indptr[u], indptr[u + 1]), (column) => `${user} ${items[own[column]]}`),
    );
    return `${name}: ${pairs.join(', ')}`;
  });
  return { rows, warnings, ways };
}

const text = (...lines: string[]) => `${lines.join('\n')}\n`;
const PLAIN = text('userId,itemId', 'u1,p1', 'u1,p2', 'u2,p1');
const PLAIN_ROWS = 'u1 p1, u1 p2, u2 p1';

/** A zip of stored or deflated entries. */
function zip(files: Files, method: 0 | 8 = 8): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [path, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    const packed = method === 8 ? deflateRawSync(bytes) : bytes;
    const name = Buffer.from(path);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from('PK\x03\x04'), fields, name, packed);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), fields, rest, name);
    at += 30 + name.length + packed.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(entries.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, entries, Buffer.from('PK\x05\x06'), end]);
}

describe('one market, written in many ways', () => {
  test.each<[string, Files, string, FolderOptions?]>([
    [
      '01: no header, :: between columns',
      { 'de/ratings.dat': text('1::103::1::978300000', '2::106::4::978300003') },
      'de: 1 103, 2 106',
    ],
    [
      '41: a user and all items in a line',
      { 'de/train.txt': text('0 0 1', '1 1', '2 0 2') },
      'de: 0 0, 0 1, 1 1, 2 0, 2 2',
    ],
    [
      '42: Netflix',
      { 'de/combined_data_1.txt': text('1:', '1488,3,2005-09-06', '2:', '1488,4,2005-09-05') },
      'de: 1488 1, 1488 2',
    ],
    ['03: movieId', { 'de/train.csv': text('userId,movieId,rating,timestamp', '1,103,1.0,964982000') }, 'de: 1 103'],
    ['18b: User-ID, ISBN', { 'de/train.csv': text('"User-ID";"ISBN";"Book-Rating"', '"u1";"p3";"0"') }, 'de: u1 p3'],
    [
      '18: bytes of another encoding in a column that is not read',
      { 'de/train.csv': Buffer.from('userId,title,itemId\nu1,Caf\u00e9,p1\n', 'latin1') },
      'de: u1 p1',
    ],
    [
      '18: in an id, the encoding named',
      { 'de/train.csv': Buffer.from('userId,itemId\nu1,Caf\u00e9\n', 'latin1') },
      'de: u1 Caf\u00e9',
      { encoding: 'windows-1252' },
    ],
    [
      '43b: Retailrocket',
      { 'de/train.csv': text('timestamp,visitorid,event,itemid,transactionid', '1433221332000,1,view,3,') },
      'de: 1 3',
    ],
    ['43d: Yelp', { 'de/train.csv': text('review_id,user_id,business_id,stars', 'r0,u1,p3,4.0') }, 'de: u1 p3'],
    ['43e: Steam', { 'de/train.csv': text('user-id,game-title,behavior,value', 'u1,p3,play,1.0') }, 'de: u1 p3'],
    ['04: spaces', { 'de/train.txt': text('userId itemId rate date', 'u1 p3 1.0 2016-06-01') }, 'de: u1 p3'],
    [
      '04: several spaces, around too',
      { 'de/train.txt': text('  user   item', '  u1     p3  ', 'u2 p4') },
      'de: u1 p3, u2 p4',
    ],
    ['13: sep=', { 'de/train.csv': 'sep=;\r\nuserId;itemId\r\nu1;p3\r\n' }, 'de: u1 p3'],
    [
      '13: lines of a report before the header',
      { 'de/train.csv': text('Orders of 2024', 'exported 2025-01-02', '', 'user,item', 'u1,p3') },
      'de: u1 p3',
    ],
    ['# before the header', { 'de/train.tsv': text('# user\titem', 'u1\tp3') }, 'de: u1 p3'],
    [
      'psql',
      {
        'de/train.txt': text(
          ' user_id | item_id ',
          '---------+---------',
          ' u1      | p3      ',
          ' u2      | p4      ',
          '(2 rows)',
          '',
        ),
      },
      'de: u1 p3, u2 p4',
    ],
    [
      'mysql -t',
      {
        'de/train.txt': text(
          '+------+------+',
          '| user | item |',
          '+------+------+',
          '| u1   | p3   |',
          '+------+------+',
        ),
      },
      'de: u1 p3',
    ],
    ['sqlcmd', { 'de/train.csv': text('user,item', '----,----', 'u1,p3', '', '(1 rows affected)') }, 'de: u1 p3'],
    ['07: gzip', { 'de/train.csv.gz': gzipSync(PLAIN) }, `de: ${PLAIN_ROWS}`],
    ['07: gzip under a plain name', { 'de/train.csv': gzipSync(PLAIN) }, `de: ${PLAIN_ROWS}`],
    [
      'gzip of several members',
      { 'de/train.csv.gz': Buffer.concat([gzipSync(PLAIN), gzipSync('u3,p3\n')]) },
      `de: ${PLAIN_ROWS}, u3 p3`,
    ],
    ['zip of one file', { 'de/train.csv.zip': zip({ 'train.csv': PLAIN }) }, `de: ${PLAIN_ROWS}`],
    [
      'zip, stored, with what a Mac adds',
      { 'de/train.zip': zip({ 'rows.csv': PLAIN, '__MACOSX/._rows.csv': 'x' }, 0) },
      `de: ${PLAIN_ROWS}`,
    ],
    ['17: UTF-16', { 'de/train.csv': Buffer.from(`\ufeff${PLAIN}`, 'utf16le') }, `de: ${PLAIN_ROWS}`],
    [
      '17: UTF-16, the other way round',
      { 'de/train.csv': Buffer.from(`\ufeff${PLAIN}`, 'utf16le').swap16() },
      `de: ${PLAIN_ROWS}`,
    ],
    ['19: JSON lines', { 'de/train.jsonl': text('{"userId":"u1","itemId":"p3","rating":5}') }, 'de: u1 p3'],
    [
      '19b: JSON lines under another name',
      { 'de/train.csv': text('{"userId":"u1","itemId":"p3","rating":5}') },
      'de: u1 p3',
    ],
    [
      'a JSON array',
      {
        'de/train.json': JSON.stringify(
          [
            { user: 1, item: 'p1' },
            { user: 2, item: 'p2' },
          ],
          null,
          2,
        ),
      },
      'de: 1 p1, 2 p2',
    ],
    [
      '31t: a header that ends in a comma',
      { 'de/train.csv': text('userId,itemId,', 'u1,p1', 'u2,p2,') },
      'de: u1 p1, u2 p2',
    ],
    ['31: rows that end in commas', { 'de/train.csv': text('userId,itemId', 'u1,p1,,', ',,,') }, 'de: u1 p1'],
    ['31: an index column', { 'de/train.csv': text(',userId,itemId', '0,u1,p1') }, 'de: u1 p1'],
    ['31: user and userId', { 'de/train.csv': text('userId,user,itemId', 'u1,Ann,p1') }, 'de: u1 p1'],
    [
      '09a: quotes that are characters',
      { 'de/train.tsv': text('userId\titemId', 'u1\t"Weird Al" Yankovic', 'u2\tThe Beatles') },
      'de: u1 "Weird Al" Yankovic, u2 The Beatles',
    ],
    [
      '09b',
      { 'de/train.tsv': text('userId\titemId', 'u1\t"Heroes', 'u3\tStation "to station"') },
      'de: u1 "Heroes, u3 Station "to station"',
    ],
    [
      '09c: two of them, lines apart',
      { 'de/train.tsv': text('userId\titemId', 'u1\t"Heroes', 'u1\tLow', 'u3\tLow 12"', 'u4\tLow') },
      'de: u1 "Heroes, u1 Low, u3 Low 12", u4 Low',
    ],
    [
      'quoted tab-separated text of a spreadsheet',
      { 'de/train.tsv': text('userId\titemId', 'u1\t"a ""b"", c"') },
      'de: u1 a "b", c',
    ],
    [
      '10b: blanks before quotes',
      { 'de/train.csv': text('userId, itemId', 'u1, "p1"', 'u1, "nuts, salted"') },
      'de: u1 nuts, salted, u1 p1',
    ],
    [
      'quotes behind backslashes',
      { 'de/train.csv': text('"user","item"', '"u1","a \\"b\\" c"', '"u2","p2"') },
      'de: u1 a "b" c, u2 p2',
    ],
    ['an id of a database that is none', { 'de/train.tsv': text('user\titem', '\\N\tp1', 'u1\tp2') }, 'de: u1 p2'],
    [
      'a decimal comma',
      { 'de/train.csv': text('user;item;rating', 'u1;p1;4,5', 'u1;p2;2,5') },
      'de: u1 p1',
      { minRating: 3 },
    ],
    [
      'dates of a spreadsheet',
      { 'de/train.csv': text('user,item,date', 'u1,p1,31/12/2024', 'u1,p2,01/02/2024') },
      'de: u1 p1',
      { since: '2024-06-01', dates: 'dmy' },
    ],
    ['21: Train.CSV', { 'de/Train.CSV': PLAIN }, `de: ${PLAIN_ROWS}`],
    ['an end of file of DOS', { 'de/train.csv': 'userId,itemId\r\nu1,p1\r\n\x1a' }, 'de: u1 p1'],
  ])('%s', async (_name, files, rows, options) => {
    expect((await read(folderOf(files), options)).rows).toEqual([rows]);
  });
});

describe('folders and files', () => {
  test('05: files named by their market', async () => {
    const { rows, ways } = await read(
      folderOf({
        'de_5core.tsv': text('userId\titemId\trate\tdate', 'u1\tp1\t5.0\t2016-06-01'),
        'fr_5core.tsv': text('userId\titemId\trate\tdate', 'u1\tp2\t5.0\t2016-06-01'),
      }),
    );
    expect(rows).toEqual(['de: u1 p1', 'fr: u1 p2']);
    expect(ways[0]).toBe('tabs between columns, header: userId, itemId, rating = rate, time = date');
  });

  test('with held-out rows', async () => {
    const folder = folderOf({
      'de_train.csv': PLAIN,
      'de_valid.csv': text('userId,itemId', 'u2,p2'),
      'fr_train.csv': PLAIN,
      'fr_valid.csv': PLAIN,
    });
    const markets = await readDirectory(folder);
    expect(markets.markets.map(({ name, heldOut }) => [name, heldOut.valid.length])).toEqual([
      ['de', 1],
      ['fr', 3],
    ]);
  });

  test('parts of one market, which differ by numbers', async () => {
    expect(
      (
        await read(
          folderOf({ 'part-00000.csv': text('user,item', 'u1,p1'), 'part-00001.csv': text('user,item', 'u2,p1') }),
        )
      ).rows,
    ).toEqual(['shop: u1 p1, u2 p1']);
  });

  test('a market column goes before the names of files', async () => {
    const folder = folderOf({
      'old.csv': text('user,item,market', 'u1,p1,de'),
      'new.csv': text('user,item,market', 'u2,p1,fr'),
    });
    expect((await read(folder)).rows).toEqual(['de: u1 p1', 'fr: u2 p1']);
  });

  test('06: the WSDM kit, whose t1t2 has held-out rows alone', async () => {
    const { rows, warnings } = await read(
      folderOf({
        't1/train_5core.tsv': text('userId\titemId\trating', 't1U1\tP3\t1.0'),
        't1/valid_qrel.tsv': text('userId\titemId\trating', 't1U1\tP0\t1'),
        't1/valid_run.tsv': 't1U1\tP0,P1\n',
        't1t2/valid_qrel.tsv': text('userId\titemId\trating', 't1U1\tP0\t1'),
      }),
    );
    expect(rows).toEqual(['t1: t1U1 P3']);
    expect(warnings[0]).toBe(
      'shop: passed over: t1t2 (it has valid_qrel.tsv, but no training rows (train.tsv, train.csv or train_5core.tsv))',
    );
  });

  test('20: links that lead nowhere, lock files and files of the system are no markets', async () => {
    const folder = folderOf({
      'de/train.csv': PLAIN,
      'de/~$train.xlsx': 'x',
      '.DS_Store': 'x',
      'de/.train.csv.swp': 'x',
      'README.md': 'x',
    });
    symlinkSync('nobody@nowhere.1:1', join(folder, '.#notes'));
    expect(await read(folder)).toMatchObject({ rows: [`de: ${PLAIN_ROWS}`], warnings: [] });
    symlinkSync('nowhere', join(folder, 'gone'));
    expect((await read(folder)).warnings).toEqual(['shop/gone: passed over: a broken link, or no permission']);
  });

  test('21: what is passed over is said', async () => {
    const { rows, warnings } = await read(
      folderOf({
        'de/train.csv': PLAIN,
        'fr/train.cvs': PLAIN,
        'notes.txt': 'call Ann',
        'uk/prices.csv': text('sku,price', 'p1,2'),
      }),
    );
    expect(rows).toEqual([`de: ${PLAIN_ROWS}`]);
    expect(warnings).toEqual([
      'shop: passed over: fr (no data file by its name: train.cvs), uk/prices.csv (no column userId), notes.txt (each folder is a market)',
    ]);
  });

  test('27: a market as one file, or one folder', async () => {
    const folder = folderOf({ 'ratings.csv': PLAIN });
    expect(await read(join(folder, 'ratings.csv'))).toMatchObject({
      rows: [`ratings: ${PLAIN_ROWS}`],
      ways: ["',' between columns, header: userId, itemId; one market, called ratings (--market names it)"],
    });
    expect((await read(join(folder, 'ratings.csv'), { market: 'de' })).rows).toEqual([`de: ${PLAIN_ROWS}`]);
    expect((await read(folderOf({ 'train.csv': PLAIN }))).rows).toEqual([`shop: ${PLAIN_ROWS}`]);
    await expect(read(folderOf({ 'de/train.csv': PLAIN, 'fr/train.csv': PLAIN }), { market: 'de' })).rejects.toThrow(
      'market: found "de", expected --markets to choose from de, fr: each folder is a market',
    );
  });

  test('44: blanks in names', async () => {
    expect((await read(folderOf({ 'north america/train.csv': PLAIN }))).rows).toEqual([`north america: ${PLAIN_ROWS}`]);
  });

  test('a zip of a folder, a glob, several files', async () => {
    const folder = folderOf({
      'shop.zip': zip({ 'shop/de/train.csv': PLAIN, 'shop/fr/train.csv': PLAIN }),
      'a/de.csv': PLAIN,
      'a/fr.csv': PLAIN,
    });
    const both = [`de: ${PLAIN_ROWS}`, `fr: ${PLAIN_ROWS}`];
    expect((await read(join(folder, 'shop.zip'))).rows).toEqual(both);
    expect((await read(join(folder, 'a', '*.csv'))).rows).toEqual(both);
    const several = await readDirectory([join(folder, 'a', 'de.csv'), join(folder, 'a', 'fr.csv')]);
    expect(several.markets.map(({ name }) => name)).toEqual(['de', 'fr']);
    await expect(read(join(folder, 'a', '*.tsv'))).rejects.toThrow('*.tsv: no file matches this pattern');
  });

  test('m3rec.json next to the data, and what is said goes before it', async () => {
    const folder = folderOf({
      'm3rec.json': JSON.stringify({ columns: { user: 'kunde', item: 'artikel' }, delimiter: ';' }),
      'de/train.csv': text('kunde;artikel;ersatz', 'u1;p1;q1'),
      'fr/train.csv': text('client;article', 'u1;p1'),
      'fr/m3rec.json': JSON.stringify({ columns: { user: 'client', item: 'article' } }),
    });
    expect((await read(folder)).rows).toEqual(['de: u1 p1', 'fr: u1 p1']);
    expect(
      (await read(join(folder, 'de'), { columns: { user: 'kunde', item: 'ersatz' }, delimiter: ';' })).rows,
    ).toEqual(['de: u1 q1']);
    writeFileSync(join(folder, 'm3rec.json'), '{"colums": {}}');
    await expect(read(folder)).rejects.toThrow('m3rec.json: "colums" is not known: expected market, columns,');
  });
});

describe('rows that are odd', () => {
  test('14b: rows without a user are left out and counted; so are those that are not asked for', async () => {
    const folder = folderOf({
      'retail.csv': text(
        'InvoiceNo,StockCode,Quantity,InvoiceDate,CustomerID,Country',
        '1,p1,6,12/1/2010 8:26,,France',
        '2,p1,6,12/1/2010 8:26,17851,France',
        'C3,p2,-6,12/1/2010 8:26,17851,France',
        '4,p2,1,12/1/2010 8:26,17852,United Kingdom',
        '5,p2,1,12/1/2010 8:26,,United Kingdom',
      ),
    });
    const { rows, warnings } = await read(join(folder, 'retail.csv'), { where: ['Quantity>0'] });
    expect(rows).toEqual(['France: 17851 p1', 'United Kingdom: 17852 p2']);
    expect(warnings).toEqual([
      'retail.csv: 2 rows without a user left out, the first at line 2',
      'retail.csv: 1 row left out by Quantity>0, the first at line 4',
    ]);
  });

  test('11, 32: blanks around ids and markets do not count, and are said', async () => {
    const { rows, warnings } = await read(
      join(
        folderOf({ 'rows.csv': text('userId,itemId,market', 'u1,p1,de', 'u1 ,p2, de', 'u2,"p1\u00a0",DE') }),
        'rows.csv',
      ),
    );
    expect(rows).toEqual(['DE: u2 p1', 'de: u1 p1, u1 p2']);
    expect(warnings).toEqual([
      'rows.csv: 1 row with blanks around userId, taken without them, the first at line 3: "u1 "',
      'rows.csv: 1 row with blanks around market, taken without them, the first at line 3: " de"',
      'rows.csv: 1 row with blanks around itemId, taken without them, the first at line 4: "p1\u00a0"',
      ': 2 markets with names that read alike: "DE", "de"',
    ]);
  });

  test('12: a header in the middle; a second column of a name; a line break in an id', async () => {
    const { rows, warnings } = await read(
      folderOf({ 'de/train.csv': text('userId,itemId,itemId', 'u1,p1,q1', 'userId,itemId,itemId', 'u2,"p\n2",q2') }),
    );
    expect(rows).toEqual(['de: u1 p1, u2 p\n2']);
    expect(warnings).toEqual([
      'shop/de/train.csv: the header has itemId twice; the first is read (--columns item=N takes another, by its position)',
      'shop/de/train.csv: 1 row repeats the header and is left out, the first at line 3',
      'shop/de/train.csv: 1 row with a line break in itemId, the first at line 4: "p\\n2"',
    ]);
  });

  test('30: ids are text; what is alike as a number is said', async () => {
    const { warnings } = await read(
      folderOf({ 'de/train.csv': text('userId,itemId', '1.0,003'), 'de/valid.csv': text('userId,itemId', '1,003') }),
    );
    expect(warnings).toEqual([
      'shop/de/valid.csv: 1 held-out row with a user without history in market de, the first "1" at line 2; training rows have "1.0": ids are text, so write them alike',
    ]);
  });

  test('a user called NULL is said', async () => {
    const { warnings } = await read(folderOf({ 'de/train.csv': text('user,item', 'NULL,p1', 'NULL,p2', 'u1,p1') }));
    expect(warnings).toEqual([
      "shop/de/train.csv: market de: a user is called NULL, with 2 items; if that means none, leave these rows out: --where 'COLUMN!=NULL'",
    ]);
  });

  test('a malformed row stops, unless it is left out and there are not too many', async () => {
    const bad = text('user,item', ...Array.from({ length: 198 }, (_, i) => `u${i},p`), 'u', 'v,w,x');
    const folder = folderOf({ 'de/train.csv': bad });
    await expect(read(folder)).rejects.toThrow('train.csv:200: the row has 1 field, the header 2: "u"');
    const { warnings } = await read(folder, { skipBadRows: true });
    expect(warnings).toContain(
      'shop/de/train.csv: 2 malformed rows left out, the first at line 200: the row has 1 field, the header 2: "u"',
    );
    await expect(read(folder, { skipBadRows: true, maxBadRows: 1 })).rejects.toThrow(
      'train.csv:200: 2 malformed rows of 200, more than 1 (--max-bad-rows); the first: the row has 1 field',
    );
    const half = folderOf({ 'de/train.csv': text('user,item', 'u,p', 'u', 'v', 'w,p') });
    await expect(read(half, { skipBadRows: true })).rejects.toThrow('2 malformed rows of 4, more than 1%');
    expect((await read(half, { skipBadRows: true, maxBadRows: '50%' })).rows).toEqual(['de: u p, w p']);
  });

  test('rows that a stray quote would swallow are not lost', async () => {
    const folder = folderOf({
      'de/train.csv': text('user,item,n', 'u1,"Heroes,1', 'u1,Low,2', 'u2,Low 12",3', 'u4,Low,4'),
    });
    await expect(read(folder)).rejects.toThrow(
      'train.csv:2: a quote that is opened here is closed 2 lines below, after what looks like rows: say --quote none',
    );
    expect((await read(folder, { quote: 'none' })).rows).toEqual(['de: u1 "Heroes, u1 Low, u2 Low 12", u4 Low']);
  });
});

describe('what cannot be read is refused in one line that helps', () => {
  test.each<[string, string | Uint8Array, string, FolderOptions?]>([
    [
      'no header',
      text('u1,p1,5', 'u2,p2,4'),
      'if the file has no header, say which column is which by --no-header --columns user=1,item=2',
    ],
    [
      'columns that are not known',
      text('kunde,artikel', 'u1,p1'),
      'no column userId, itemId; the header has "kunde", "artikel": name them with --columns user=NAME,item=NAME',
    ],
    ['a named column that is not there', text('user,item', 'u1,p1'), 'no column "sku"', { columns: { item: 'sku' } }],
    [
      'a header in the middle',
      text('u1,p1,x', 'userId,itemId,n', 'u2,p2,y'),
      'the header comes after line 1, which looks like a row',
    ],
    [
      'Excel',
      zip({ '[Content_Types].xml': '<x/>', 'xl/workbook.xml': '<x/>' }),
      'this is an Excel or Office file: save the sheet as CSV (UTF-8)',
    ],
    ['SQLite', Buffer.from('SQLite format 3\0\0\0\0\0'), 'this is a SQLite database: export the table as CSV'],
    ['bzip2', Buffer.from('BZh91AY&SY'), 'this is bzip2 data: unpack it first'],
    ['UTF-16 without its mark', Buffer.from(PLAIN, 'utf16le'), 'give --encoding utf-16le'],
    ['gzip cut short', gzipSync(PLAIN.repeat(100)).subarray(0, 60), 'the gzip data is damaged or cut short'],
    ['gzip with another byte', gzipSync(PLAIN).fill(9, 30, 32), 'the gzip data is damaged or cut short'],
    [
      'a zip cut short',
      zip({ 'train.csv': PLAIN }).subarray(0, 80),
      'the zip is damaged or cut short (it has no directory)',
    ],
    [
      'a zip that unpacks to a thousand times its size',
      zip({ 'train.csv': 'user,item\n'.repeat(80 << 17) }),
      'unpacks to more than 200 times its size; if that is right, raise the limit: maxExpansion (--max-expansion)',
    ],
    [
      'gzip that unpacks to a thousand times its size',
      gzipSync(Buffer.concat(Array(80).fill(Buffer.from('user,item\n'.repeat(1 << 17))))),
      'unpacks to more than 200 times its size; if that is right, raise the limit: maxExpansion (--max-expansion)',
    ],
    [
      'an id in another encoding',
      Buffer.from('userId,itemId\nu1,Caf\u00e9\n', 'latin1'),
      'train.csv:2: itemId has bytes that are not UTF-8 (if the file is in another encoding, name it: --encoding windows-1252)',
    ],
    ['JSON without ids', text('{"a":1}'), 'no column userId, itemId; the header has "a"'],
    [
      'JSON with an object for an id',
      text('{"user":"u1","item":"p1"}', '{"user":{"a":1,"b":2},"item":"p1"}'),
      'train.csv:2: user is an object, where text or a number is expected',
    ],
    ['broken JSON', text('{"user":"u1","item":"p1"}', '{"user":"u2",'), 'train.csv:2: this is not a JSON object'],
    [
      'a time that is none',
      text('user,item,time', 'u,p,soon'),
      'train.csv:2: the time is not understood: "soon"',
      { since: '2024-01-01' },
    ],
  ])('%s', async (_name, content, message, options) => {
    await expect(read(folderOf({ 'de/train.csv': content }), options)).rejects.toThrow(message);
  });
});

test('without a header, by position', async () => {
  const content = text('u1,5,p1', 'u2,4,p2');
  expect(
    (await read(folderOf({ 'de/train.csv': content }), { columns: { user: 1, item: 3 }, header: false })).rows,
  ).toEqual(['de: u1 p1, u2 p2']);
  expect((await read(folderOf({ 'de/train.csv': text('u1;p1', 'u2;p2') }), { header: false })).rows).toEqual([
    'de: u1 p1, u2 p2',
  ]);
});

test('events, times and other filters', async () => {
  const folder = folderOf({
    'de/train.csv': text(
      'user,item,event,time,price',
      'u1,p1,view,1704067200,2',
      'u1,p2,Buy,2024-01-01T00:00:00Z,3',
      'u1,p3,cart,1704067199999,x',
      'u1,p4,buy,2023-12-31,5',
    ),
  });
  expect((await read(folder, { events: ['buy', 'cart'] })).rows).toEqual(['de: u1 p2, u1 p3, u1 p4']);
  expect((await read(folder, { since: '2024-01-01' })).rows).toEqual(['de: u1 p1, u1 p2']);
  expect((await read(folder, { until: '2024-01-01' })).rows).toEqual(['de: u1 p3, u1 p4']);
  expect((await read(folder, { where: ['price!=x', 'price<=3'] })).rows).toEqual(['de: u1 p1, u1 p2']);
  await expect(read(folder, { where: ['price>2'] })).rejects.toThrow('train.csv:4: price is not a number: "x"');
});

test('times are kept where they are asked for, the latest of an interaction', async () => {
  const folder = folderOf({
    'de/train.csv': text('user,item,time', 'u1,p2,1000', 'u1,p1,3000', 'u1,p2,2000', 'u0,p1,500'),
    'de/valid.csv': text('user,item,time', 'u1,p1,4000'),
  });
  const [market] = (await readDirectory(folder, { times: true })).markets;
  expect([...market.times!]).toEqual([500_000, 3_000_000, 2_000_000]);
  expect(market.heldOut.valid[0].time).toBe(4_000_000);
  expect((await readDirectory(folder)).markets[0].times).toBeUndefined();
});
