import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AbortedError, DataError } from '../../src/common/errors.ts';
import { Job } from '../../src/common/job.ts';
import { MAX_FIELD, type RowOptions, readRows } from '../../src/data/rows.ts';
import type { RowSource } from '../../src/data/source.ts';
import { copyString } from '../../src/data/text.ts';

type Row = [user: string, item: string, rating: number, market: string | undefined, line: number];

async function rowsOf(source: RowSource, options: RowOptions = {}): Promise<Row[]> {
  const rows: Row[] = [];
  const count = await readRows(
    source,
    'file.csv',
    (user, item, rating, market, line) => rows.push([user, item, rating, market, line]),
    options,
  );
  expect(count).toBe(rows.length);
  return rows;
}

const pairs = (rows: Row[]) => rows.map(([user, item]) => [user, item]);

async function failure(source: RowSource, options?: RowOptions): Promise<DataError> {
  const error = await rowsOf(source, options).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  expect(error.message).not.toContain('\n');
  return error;
}

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Pieces of the given sizes, repeated. */
function* inPieces(bytes: Uint8Array, sizes: number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('layouts', () => {
  test.each(['\t', ',', ';', '|'])('delimiter %j', async (d) => {
    expect(await rowsOf(`userId${d}itemId${d}rating\nu1${d}i1${d}4.5\nu2${d}i2${d}3\n`, { rating: true })).toEqual([
      ['u1', 'i1', 4.5, undefined, 2],
      ['u2', 'i2', 3, undefined, 3],
    ]);
  });

  test.each([
    ['user_id,item_id', 'u,i'],
    ['USER,ITEM', 'u,i'],
    ['uid,iid', 'u,i'],
    ['asin,reviewerID', 'i,u'],
    ['time,Product ID,user-id', '12,i,u'],
    ['"userId","itemId","ts"', '"u","i","0"'],
    ['user,product_id,stars,country', 'u,i,3,de'],
    ['\uFEFFuserId,itemId', 'u,i'],
    ['\n\r\nuserId,itemId', 'u,i'],
  ])('header %j', async (header, row) => {
    expect(pairs(await rowsOf(`${header}\n${row}\n`))).toEqual([['u', 'i']]);
    expect(pairs(await rowsOf(utf8(`${header}\n${row}`)))).toEqual([['u', 'i']]);
  });

  test.each(['\n', '\r\n', '\r'])('line end %j, with and without one at the end', async (end) => {
    const lines = ['user,item', 'u1,i1', '', '"u2","i""2"', 'u3,i3'];
    for (const tail of ['', end, end + end]) {
      const rows = await rowsOf(lines.join(end) + tail);
      expect(pairs(rows)).toEqual([
        ['u1', 'i1'],
        ['u2', 'i"2'],
        ['u3', 'i3'],
      ]);
      expect(rows.map((row) => row[4])).toEqual([2, 4, 5]);
    }
    expect(pairs(await rowsOf(`user,item${end}u,"i"${end}`))).toEqual([['u', 'i']]);
    expect(pairs(await rowsOf(`user,item${end}u,"i"`))).toEqual([['u', 'i']]);
  });

  test('line ends may be mixed', async () => {
    expect(pairs(await rowsOf('user,item\r\nu1,i1\nu2,i2\r\nu3,"i3"\r\n'))).toEqual([
      ['u1', 'i1'],
      ['u2', 'i2'],
      ['u3', 'i3'],
    ]);
  });

  test('empty fields beyond the header are ignored', async () => {
    expect(pairs(await rowsOf('user,item\nu,i,,\n'))).toEqual([['u', 'i']]);
  });

  test('lines are counted over line breaks in quotes', async () => {
    const rows = await rowsOf('user,item\n"u\n1",i1\nu2,i2\n');
    expect(rows.map((row) => [row[0], row[4]])).toEqual([
      ['u\n1', 2],
      ['u2', 4],
    ]);
  });

  test('ids that are names of object members', async () => {
    expect(pairs(await rowsOf('user,item\n__proto__,constructor\ntoString,hasOwnProperty\n'))).toEqual([
      ['__proto__', 'constructor'],
      ['toString', 'hasOwnProperty'],
    ]);
  });

  test('a copied string is equal', () => {
    for (const text of ['', 'abc', '\uFEFFx', 'žluťoučký 🐎', 'x'.repeat(5000)]) expect(copyString(text)).toBe(text);
  });
});

describe('properties', () => {
  const id = fc.string({
    unit: fc.constantFrom(
      'a',
      'Z',
      '7',
      ' ',
      '"',
      ',',
      ';',
      '\t',
      '|',
      '\n',
      'é',
      '語',
      '🐎',
      '\uFEFF',
      '_',
      '-',
      "'",
      '\\',
    ),
    minLength: 1,
    maxLength: 12,
  });
  const table = fc.array(fc.tuple(id, id), { maxLength: 60 });

  test('any rows written with any delimiter, quotes and line end are read back, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom('\t', ',', ';', '|'),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (rows, delimiter, end, quoteAll, bom, sizes) => {
          const field = (text: string) =>
            quoteAll || /["\n\r\t,;|]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
          const lines = [
            `userId${delimiter}itemId`,
            ...rows.map(([user, item]) => field(user) + delimiter + field(item)),
          ];
          const text = (bom ? '\uFEFF' : '') + lines.join(end) + end;
          // Ids have no outer blanks, and a row without one is left out.
          const expected = rows
            .map(([user, item]) => [user.trim(), item.trim()])
            .filter(([user, item]) => user !== '' && item !== '');
          expect(pairs(await rowsOf(text, { quote: 'double' }))).toEqual(expected);
          expect(pairs(await rowsOf(inPieces(utf8(text), sizes), { quote: 'double' }))).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a file of many pieces is read as a short one, with quotes or without', async () => {
    for (const quote of ['', '"']) {
      const expected: string[][] = [];
      let text = 'userId,itemId\r\n';
      for (let i = 0; i < 60_000; i++) {
        expected.push([`user ${i} é`, `item ${i * 7}`]);
        text += `${quote}user ${i} é${quote},${quote}item ${i * 7}${quote}\r\n`;
      }
      const rows = await rowsOf(inPieces(utf8(text), [1, 70_001, 65_536, 13]));
      expect(pairs(rows)).toEqual(expected);
      expect(rows[59_999][4]).toBe(60_001);
    }
  });

  test('any bytes give rows or a DataError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, header) => {
        const source = header ? [utf8('user,item\n'), bytes] : bytes;
        await rowsOf(source).catch((error) => expect(error).toBeInstanceOf(DataError));
      }),
      { numRuns: 500 },
    );
  });
});

describe('bad input is named with file, line and value', () => {
  test.each<[string, RowSource, string, RowOptions?]>([
    ['empty', '', 'file.csv: the file is empty'],
    ['only blank lines', '\n\r\n \n', 'file.csv: the file is empty'],
    [
      'a column missing',
      'user,thing\nu,t\n',
      'file.csv:1: no column itemId; the header has "user", "thing": name it with --columns item=NAME',
    ],
    [
      'no header',
      'u1\ti1\t5\n',
      'file.csv:1: no header that names userId, itemId; the first line is "u1\\ti1\\t5": if the file has no header, say which column is which by --no-header --columns user=1,item=2; else name them by --columns user=NAME,item=NAME',
    ],
    [
      'no rating column',
      'user,item\nu,i\n',
      'file.csv:1: no column rating; the header has "user", "item": name it with --columns rating=NAME',
      { rating: true },
    ],
    [
      'no market column',
      'user,item\nu,i\n',
      'file.csv:1: no column market; the header has "user", "item": name it with --columns market=NAME, or give all rows one market with --market NAME',
      { market: true },
    ],
    ['a short row', 'user,item\nu1,i1\nu2\n', 'file.csv:3: the row has 1 field, the header 2: "u2"'],
    ['a long row', 'user,item\nu1,i1,x\n', 'file.csv:2: the row has 3 fields, the header 2: "u1,i1,x"'],
    [
      'an over-long id',
      `user,item\nu1,i1\nu1,${'x'.repeat(MAX_FIELD + 1)}\n`,
      `file.csv:3: itemId has 1025 characters, more than 1024: "${'x'.repeat(57)}..."`,
    ],
    [
      'a rating',
      'user,item,rating\nu,i,1\nu,j,good\n',
      'file.csv:3: the rating is not a number: "good"',
      { rating: true },
    ],
    [
      'an infinite rating',
      'user,item,rating\nu,i,Infinity\n',
      'file.csv:2: the rating is not a number: "Infinity"',
      { rating: true },
    ],
    [
      'an unterminated quote',
      'user,item\nu1,i1\n"u2,i2\nu3,i3\n',
      'file.csv:3: a quote that is opened here is not closed (if quotes are characters of this file, say --quote none)',
    ],
    [
      'text after a quote',
      'user,item\n"u"1,i1\nu2,i2\n',
      'file.csv:2: text follows a closing quote (a quote inside a quoted field is written twice) (if quotes are characters of this file, say --quote none)',
    ],
    ['half a surrogate pair', 'user,item\nu,i\nu,\ud800\n', 'file.csv:3: itemId has half of a surrogate pair'],
    ['a zero byte in an id', 'user,item\nu,\0\n', 'file.csv:2: itemId has a zero byte'],
    [
      'binary bytes',
      Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 1),
      'file.csv: this is a binary file (it has a zero byte), where text is expected',
    ],
    [
      'invalid UTF-8',
      Uint8Array.of(...utf8('user,item\nu1,i1\nu2,i'), 0xe9, ...utf8('\nu3,i3\n')),
      'file.csv:3: itemId has bytes that are not UTF-8 (if the file is in another encoding, name it: --encoding windows-1252)',
    ],
    [
      'UTF-8 cut at the end',
      Uint8Array.of(...utf8('user,item\nu1,'), 0xf0, 0x9f),
      'file.csv:2: itemId has bytes that are not UTF-8 (if the file is in another encoding, name it: --encoding windows-1252)',
    ],
  ])('%s', async (_name, source, message, options) => {
    expect((await failure(source, options)).message).toBe(message);
    if (source instanceof Uint8Array) expect((await failure(inPieces(source, [3]), options)).message).toBe(message);
  });

  test('an id of the greatest length is read', async () => {
    expect((await rowsOf(`user,item\nu,${'x'.repeat(MAX_FIELD)}\n`))[0][1]).toHaveLength(MAX_FIELD);
  });

  test('long fields of other columns are ignored', async () => {
    expect(pairs(await rowsOf(`user,item,review\nu,i,"${'so good\n'.repeat(40_000)}"\nv,j,\n`))).toEqual([
      ['u', 'i'],
      ['v', 'j'],
    ]);
  });

  test('a quote that is never closed does not hold the whole file', async () => {
    let pulled = 0;
    function* endless(): Generator<Uint8Array> {
      yield utf8('user,item\n"u1,i1\n');
      for (;;) {
        pulled++;
        yield utf8('u2,i2\n'.repeat(10_000));
      }
    }
    const error = await failure(endless());
    expect(error.message).toBe(
      'file.csv:2: a quote that is opened here is not closed within 1048576 characters (if quotes are characters of this file, say --quote none)',
    );
    expect(pulled).toBeLessThan(60);
  });

  test('a line that never ends does not hold the whole file', async () => {
    function* endless(): Generator<Uint8Array> {
      yield utf8('user,item\n');
      for (;;) yield utf8('x'.repeat(10_000));
    }
    expect((await failure(endless())).message).toBe('file.csv:2: a row of more than 1048576 characters');
  });
});

test('progress is reported in bytes and the signal is heard', async () => {
  const reports: number[] = [];
  const controller = new AbortController();
  const job = new Job({
    signal: controller.signal,
    onProgress: ({ stage, done, total }) => {
      expect([stage, total]).toEqual(['read file.csv', 3e5]);
      reports.push(done);
      if (done > 1e5) controller.abort();
    },
  });
  const text = 'user,item\n'.padEnd(3e5, 'u,i\n');
  await expect(readRows(utf8(text), 'file.csv', () => {}, { totalBytes: 3e5 }, job)).rejects.toBeInstanceOf(
    AbortedError,
  );
  expect(reports).toEqual([65_536, 131_072]);
});
