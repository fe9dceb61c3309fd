import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AbortedError, ArgumentError, DataError } from '../../src/common/errors.ts';
import type { Progress } from '../../src/common/job.ts';
import type { Markets } from '../../src/data/markets.ts';
import {
  type DataWarning,
  type MarketFile,
  type ReadOptions,
  readMarkets,
  type Split,
} from '../../src/data/read-markets.ts';
import { readDirectory } from '../../src/node/directory.ts';
import { readBytes, writeFileAtomically } from '../../src/node/files.ts';

const file = (market: string | undefined, split: Split, rows: string[], header = 'userId,itemId'): MarketFile => ({
  market,
  split,
  name: `${market}/${split}.csv`,
  source: [header, ...rows, ''].join('\n'),
});

/** Every promise that `Markets` makes. */
function checkMarkets({ items, markets }: Markets): void {
  const sorted = (ids: string[]) => expect(ids).toEqual([...new Set(ids)].sort());
  sorted(items);
  sorted(markets.map((market) => market.name));
  const seen = new Set<number>();
  for (const market of markets) {
    const { interactions, users } = market;
    sorted(users);
    for (let i = 1; i < market.items.length; i++) expect(market.items[i]).toBeGreaterThan(market.items[i - 1]);
    expect(interactions).toMatchObject({ rows: users.length, cols: market.items.length });
    expect(interactions.indptr).toHaveLength(users.length + 1);
    expect(interactions.indptr[0]).toBe(0);
    expect(interactions.indices).toHaveLength(interactions.indptr[users.length]);
    const used = new Set<number>();
    for (let u = 0; u < users.length; u++) {
      const row = interactions.indices.subarray(interactions.indptr[u], interactions.indptr[u + 1]);
      expect(row.length).toBeGreaterThan(0);
      for (let i = 1; i < row.length; i++) expect(row[i]).toBeGreaterThan(row[i - 1]);
      for (const item of row) used.add(item);
    }
    expect(used.size).toBe(market.items.length);
    for (const item of market.items) seen.add(item);
    for (const rows of Object.values(market.heldOut)) {
      for (const row of rows) {
        expect(row.user).toBe(users.indexOf(row.userId));
        const global = items.indexOf(row.itemId);
        expect(row.item).toBe(global < 0 ? -1 : market.items.indexOf(global));
      }
    }
  }
  expect(seen.size).toBe(items.length);
}

async function warningsOf(files: MarketFile[], options: ReadOptions = {}): Promise<DataWarning[]> {
  const warnings: DataWarning[] = [];
  await readMarkets(files, { ...options, onWarning: (warning) => warnings.push(warning) });
  return warnings;
}

describe('readMarkets', () => {
  test('a small case by hand', async () => {
    const markets = await readMarkets([
      file('b', 'train', ['v,y', 'u,z', 'u,x', 'u,z']),
      file('b', 'valid', ['u,y', 'nobody,x', 'v,w', 'u,x']),
      file('a', 'train', ['u,w', 'u,x']),
    ]);
    checkMarkets(markets);
    expect(markets).toEqual({
      items: ['w', 'x', 'y', 'z'],
      markets: [
        {
          name: 'a',
          users: ['u'],
          items: Int32Array.of(0, 1),
          interactions: { rows: 1, cols: 2, indptr: Int32Array.of(0, 2), indices: Int32Array.of(0, 1) },
          heldOut: {},
        },
        {
          name: 'b',
          users: ['u', 'v'],
          items: Int32Array.of(1, 2, 3),
          interactions: { rows: 2, cols: 3, indptr: Int32Array.of(0, 2, 3), indices: Int32Array.of(0, 2, 1) },
          heldOut: {
            valid: [
              { user: 0, userId: 'u', item: 1, itemId: 'y' },
              { user: -1, userId: 'nobody', item: 0, itemId: 'x' },
              { user: 1, userId: 'v', item: -1, itemId: 'w' },
              { user: 0, userId: 'u', item: 0, itemId: 'x' },
            ],
          },
        },
      ],
    });
  });

  test('ids are sorted by UTF-16 code units, and __proto__ is an id', async () => {
    const markets = await readMarkets([
      file('__proto__', 'train', ['__proto__,\uFFFD', 'Z,🐎', 'a,__proto__', 'a,constructor']),
    ]);
    checkMarkets(markets);
    expect(markets.items).toEqual(['__proto__', 'constructor', '🐎', '\uFFFD']);
    expect(markets.markets[0].users).toEqual(['Z', '__proto__', 'a']);
    expect(markets.markets[0].name).toBe('__proto__');
  });

  const rows = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 15 })),
    { minLength: 1, maxLength: 200 },
  );

  test('the order of rows and files and the way markets are given do not matter', async () => {
    await fc.assert(
      fc.asyncProperty(
        rows.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        async ([list, shuffled]) => {
          const names = [...new Set(list.map(([market]) => market))];
          const folders = (from: typeof list) =>
            names.map((name) =>
              file(
                name,
                'train',
                from.filter(([market]) => market === name).map(([, user, item]) => `u${user},i${item}`),
              ),
            );
          const column = file(
            undefined,
            'train',
            shuffled.map(([market, user, item]) => `u${user},${market},i${item}`),
            'user,market,item',
          );
          const expected = await readMarkets(folders(list));
          checkMarkets(expected);
          expect(await readMarkets(folders(shuffled).reverse())).toEqual(expected);
          expect(await readMarkets([column])).toEqual(expected);
          let pairs = 0;
          for (const market of expected.markets) pairs += market.interactions.indices.length;
          expect(pairs).toBe(new Set(list.map((row) => row.join())).size);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a rating below the least leaves the row out, of training and held-out rows', async () => {
    const files = [
      file('a', 'train', ['u,x,5', 'u,y,2', 'v,x,3'], 'user,item,rating'),
      file('a', 'test', ['u,z,1', 'v,y,4'], 'user,item,rating'),
    ];
    const markets = await readMarkets(files, { minRating: 3 });
    checkMarkets(markets);
    expect(markets.items).toEqual(['x']);
    expect(markets.markets[0].heldOut.test).toEqual([{ user: 1, userId: 'v', item: -1, itemId: 'y' }]);
    const warnings = await warningsOf(files, { minRating: 3 });
    expect(warnings.map(({ kind, file, count, message }) => [kind, file, count, message]).slice(0, 2)).toEqual([
      ['low-rating', 'a/train.csv', 1, '1 row with a rating below 3 left out, the first at line 3'],
      ['low-rating', 'a/test.csv', 1, '1 row with a rating below 3 left out, the first at line 2'],
    ]);
    expect((await readMarkets(files)).items).toEqual(['x', 'y']);
  });

  test('a subset of the markets has only its own items', async () => {
    const files = [file('a', 'train', ['u,x']), file('b', 'train', ['u,y']), file('c', 'train', ['u,z'])];
    expect((await readMarkets(files, { markets: ['c', 'a'] })).items).toEqual(['x', 'z']);
    const column = file(undefined, 'train', ['a,u,x', 'b,u,y', 'c,u,z'], 'market,user,item');
    expect((await readMarkets([column], { markets: ['b'] })).items).toEqual(['y']);
    for (const each of [files, [column]]) {
      await expect(readMarkets(each, { markets: ['a', 'd'] })).rejects.toThrow(
        'markets: found "d", expected markets that the data has: a, b, c',
      );
    }
    await expect(readMarkets(files, { markets: [] })).rejects.toBeInstanceOf(ArgumentError);
  });

  test('what is odd is counted and named with its first case', async () => {
    const warnings = await warningsOf([
      file('a', 'train', ['u,x', 'u,y', 'u,x', 'u,x']),
      file('a', 'valid', ['u,x', 'v,new', 'w,y', 'u,new']),
    ]);
    expect(warnings).toEqual([
      {
        kind: 'duplicate',
        file: 'a/train.csv',
        market: 'a',
        message: 'market a: 2 duplicate rows, counted once',
        count: 2,
        normal: true,
      },
      {
        kind: 'cold-item',
        file: 'a/valid.csv',
        market: 'a',
        message: '2 held-out rows with an item that no training row of market a has, the first "new" at line 3',
        count: 2,
      },
      {
        kind: 'unknown-user',
        file: 'a/valid.csv',
        market: 'a',
        message: '2 held-out rows with a user without history in market a, the first "v" at line 3',
        count: 2,
      },
    ]);
  });

  test('progress is reported in bytes of all files, and the signal is heard', async () => {
    const files = ['a', 'b', 'c'].map((market) => ({
      ...file(
        market,
        'train',
        Array.from({ length: 20_000 }, (_, i) => `u${i},i${i}`),
      ),
    }));
    const sizes = files.map(({ source }) => (source as string).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const reports: number[] = [];
    const bytes = files.map((each, i) => ({ ...each, bytes: sizes[i] }));
    const assembled: number[] = [];
    const onProgress = (progress: Progress) => {
      if (progress.stage === 'assemble') {
        expect(progress.total).toBe(13);
        assembled.push(progress.done);
      } else {
        expect(progress).toMatchObject({ stage: 'read 3 files', total });
        reports.push(progress.done);
      }
    };
    const markets = await readMarkets(bytes, { onProgress });
    expect(reports.length).toBeGreaterThan(8);
    expect(reports).toEqual([...new Set(reports)].sort((x, y) => x - y));
    expect(reports.at(-1)).toBe(total);
    expect(assembled).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
    expect(markets.items).toHaveLength(20_000);

    // of unknown size, and one file alone by its name
    const [first] = files;
    const seen = new Set<string>();
    await readMarkets([first], { onProgress: ({ stage, total: unknown }) => seen.add(`${stage} ${unknown}`) });
    expect([...seen]).toEqual(['read a/train.csv 0', 'assemble 5']);

    const controller = new AbortController();
    const stopped = readMarkets(bytes, {
      signal: controller.signal,
      onProgress: ({ done }) => done > sizes[0] && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(/^read 3 files was stopped at \d+ of \d+$/);
    await expect(stopped).rejects.toBeInstanceOf(AbortedError);
    const later = new AbortController();
    const assembling = readMarkets(bytes, {
      signal: later.signal,
      onProgress: ({ stage }) => stage === 'assemble' && later.abort(),
    });
    await expect(assembling).rejects.toThrow('assemble was stopped at 1 of 13');
  });

  test('a market and a user come back after others, in one file and over files', async () => {
    const rows = ['a,u,x', 'b,u,y', 'a,u,z', 'a,v,x', 'a,u,w'];
    const markets = await readMarkets([
      file(undefined, 'train', rows, 'market,user,item'),
      file('a', 'train', ['v,w', 'u,y']),
    ]);
    checkMarkets(markets);
    expect(markets.items).toEqual(['w', 'x', 'y', 'z']);
    expect(
      markets.markets.map(({ users, interactions }) => [users, [...interactions.indptr], [...interactions.indices]]),
    ).toEqual([
      [
        ['u', 'v'],
        [0, 4, 6],
        [0, 1, 2, 3, 0, 1],
      ],
      [['u'], [0, 1], [0]],
    ]);
  });

  test('rows longer than those sorted by insertion, in any order and with duplicates', async () => {
    const lengths = [1, 2, 39, 40, 41, 42, 1000];
    const rows = lengths.flatMap((length, user) =>
      Array.from({ length: 2 * length }, (_, i) => `u${user},i${(i * 617) % length}`),
    );
    const markets = await readMarkets([file('a', 'train', rows)]);
    checkMarkets(markets);
    const { indptr } = markets.markets[0].interactions;
    expect(lengths.map((_, user) => indptr[user + 1] - indptr[user])).toEqual(lengths);
  });

  test('bad calls and data', async () => {
    await expect(readMarkets([])).rejects.toThrow('no training rows');
    await expect(readMarkets([file('a', 'train', [])])).rejects.toThrow(
      'a/train.csv: market "a" has no users: no training rows',
    );
    await expect(readMarkets([file('a', 'valid', ['u,x'])])).rejects.toThrow(
      'a/valid.csv:2: market "a" has no users: no training rows',
    );
    await expect(readMarkets([file(undefined, 'train', [], 'user,item,market')])).rejects.toThrow(
      'undefined/train.csv: no training rows',
    );
    await expect(readMarkets([file(undefined, 'train', ['u,x'])])).rejects.toThrow(':1: no column market;');
    await expect(readMarkets([file('a', 'train', ['u,x'])], { minRating: Number.NaN })).rejects.toBeInstanceOf(
      ArgumentError,
    );
    await expect(readMarkets([file('a', 'train', ['u,x'])], { minRating: 3 })).rejects.toThrow(
      'a/train.csv:1: no column rating;',
    );
    await expect(readMarkets([file('', 'train', ['u,x'])])).rejects.toBeInstanceOf(ArgumentError);
    await expect(readMarkets([file('a', 'train', ['u,x'])], { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(
      AbortedError,
    );
  });
});

describe('files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'm3rec-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (path: string, text: string) => {
    const full = join(folder, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    return full;
  };

  test('a folder per market, with plain names and with the kit names', async () => {
    write('a/train.csv', 'user,item\nu,x\nu,y\n');
    write('a/valid.tsv', 'user\titem\nu\tz\n');
    write('b/train_5core.tsv', 'userId\titemId\trating\nu\ty\t1.0\n');
    write('b/valid_qrel.tsv', 'userId\titemId\trating\nu\tx\t1\n');
    write('b/test_qrel.tsv', 'userId\titemId\trating\nu\ty\t1\n');
    write('b/valid_run.tsv', 'u\tx,y\n');
    write('README.md', 'not data');
    write('docs/notes.txt', 'not data');
    const markets = await readDirectory(folder);
    checkMarkets(markets);
    expect(markets.items).toEqual(['x', 'y']);
    expect(markets.markets.map((market) => [market.name, market.users.length, Object.keys(market.heldOut)])).toEqual([
      ['a', 1, ['valid']],
      ['b', 1, ['valid', 'test']],
    ]);
    expect((await readDirectory(folder, { markets: ['b'] })).items).toEqual(['y']);
  });

  test('one file with a market column, by itself or in a folder', async () => {
    const path = write('train.csv', 'market,user,item\na,u,x\nb,u,y\n');
    write('valid.csv', 'market,user,item\na,u,y\n');
    const whole = await readDirectory(folder);
    expect(whole.markets.map((market) => Object.keys(market.heldOut))).toEqual([['valid'], []]);
    expect((await readDirectory(path)).items).toEqual(whole.items);
  });

  test('a longer name next to a plain one is reported and not read', async () => {
    write('a/train.tsv', 'user\titem\nu\tx\n');
    const other = write('a/train_5core.tsv', 'user\titem\nu\ty\n');
    const warnings: DataWarning[] = [];
    const markets = await readDirectory(folder, { onWarning: (warning) => warnings.push(warning) });
    expect(markets.items).toEqual(['x']);
    expect(warnings).toEqual([
      { kind: 'ignored-file', file: other, message: 'not read, since train.tsv is there', count: 1 },
    ]);
  });

  test('what is missing or unclear is named', async () => {
    const missing = join(folder, 'nowhere');
    await expect(readDirectory(missing)).rejects.toThrow(`${missing}: no such file or folder`);
    await expect(readDirectory(folder)).rejects.toThrow(`${folder}: no training data`);
    write('a/valid.tsv', 'user\titem\nu\tx\n');
    await expect(readDirectory(folder)).rejects.toThrow(`${join(folder, 'a')}: it has valid.tsv, but no training rows`);
    write('a/train.tsv', 'user\titem\nu\tx\n');
    await expect(readDirectory(folder, { markets: ['b'] })).rejects.toThrow(
      `markets: found "b", expected markets with a train.tsv or train.csv in ${folder}, which has the folders a`,
    );
    write('a/train.csv', 'user,item\nu,x\n');
    await expect(readDirectory(folder)).rejects.toThrow(
      'train.csv and train.tsv: only one of them can be the train rows',
    );
    write('b/train.csv', '');
    await expect(readDirectory(folder, { markets: ['b'] })).rejects.toThrow(
      `${join(folder, 'b', 'train.csv')}: the file is empty`,
    );
  });

  test('a file is replaced whole or not at all', async () => {
    const path = join(folder, 'out.bin');
    await writeFileAtomically(path, Uint8Array.of(1, 2, 3));
    await writeFileAtomically(path, Uint8Array.of(4, 5));
    expect([...readFileSync(path)]).toEqual([4, 5]);
    expect([...(await readBytes(path))]).toEqual([4, 5]);
    expect(readdirSync(folder)).toEqual(['out.bin']);

    mkdirSync(join(folder, 'taken'));
    await expect(writeFileAtomically(join(folder, 'taken'), Uint8Array.of(1))).rejects.toBeInstanceOf(DataError);
    await expect(writeFileAtomically(join(folder, 'no', 'out.bin'), Uint8Array.of(1))).rejects.toThrow(
      `${join(folder, 'no', 'out.bin')}: no folder ${join(folder, 'no')}`,
    );
    await expect(readBytes(join(folder, 'none'))).rejects.toThrow('none: no such file or folder');
    expect(readdirSync(folder).sort()).toEqual(['out.bin', 'taken']);
  });
});
