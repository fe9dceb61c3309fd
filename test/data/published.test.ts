// Every published data set that is known, read as it is published.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { KNOWN_FILES, SELF_EXPLAINING } from '../../src/data/datasets.ts';
import { readRows } from '../../src/data/rows.ts';
import { findFiles, readDirectory } from '../../src/node/directory.ts';
import { PUBLISHED } from './published.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-published-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('each data set that is named has a fixture, and the other way round', () => {
  const named = [...KNOWN_FILES, ...SELF_EXPLAINING].map(({ dataset }) => dataset);
  expect(new Set(PUBLISHED.map(({ dataset }) => dataset))).toEqual(new Set(named));
});

describe.each(PUBLISHED.map((published, i) => ({ ...published, at: join(folder, String(i)) })))(
  '$dataset, $file',
  ({ file, content, rows, rating, time, at }) => {
    const path = join(at, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.endsWith('.gz') ? gzipSync(content) : content);
    const source = join(at, file.slice(0, file.indexOf('/')));

    test('is read as it comes', async () => {
      const markets = await readDirectory(source);
      const read = markets.markets.flatMap(({ name, users, items, interactions }) =>
        users.flatMap((user, u) =>
          [...interactions.indices.subarray(interactions.indptr[u], interactions.indptr[u + 1])].map((column) =>
            [name, user, markets.items[items[column]]].join('|'),
          ),
        ),
      );
      expect(read.sort()).toEqual([...new Set(rows.map((row) => row.join('|')))].sort());
    });

    if (rating === undefined && time === undefined) return;
    test('has the rating and the time of its first row', async () => {
      const [found] = await findFiles(source);
      const first: { rating?: number; time?: number } = {};
      const make = () => (typeof found.source === 'function' ? found.source() : found.source);
      await readRows(
        make(),
        found.name,
        (_user, _item, value, _market, _line, when) => {
          first.rating ??= value;
          first.time ??= when;
        },
        { rating: rating !== undefined, time: time !== undefined },
      );
      expect(first.rating).toBe(rating ?? Number.NaN);
      expect(time === undefined ? undefined : new Date(first.time!).toISOString()).toBe(time);
    });
  },
);
