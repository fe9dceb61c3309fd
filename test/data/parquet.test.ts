// Parquet files as programs write them: types of ids and times, nulls, pages, packed or not; and what is no Parquet.
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/common/errors.ts';
import { type RowOptions, readRows } from '../../src/data/rows.ts';
import type { RowSource } from '../../src/data/source.ts';
import type { DataWarning } from '../../src/data/warnings.ts';

type Row = [user: string, item: string, rating: number, time: number];

async function rowsOf(source: RowSource, options: RowOptions = {}): Promise<{ rows: Row[]; warnings: DataWarning[] }> {
  const rows: Row[] = [];
  const warnings: DataWarning[] = [];
  await readRows(
    source,
    'rows.parquet',
    (user, item, rating, _market, _line, time) => rows.push([user, item, rating, time]),
    {
      ...options,
      onWarning: (warning) => warnings.push(warning),
    },
  );
  return { rows, warnings };
}

const USERS = Array.from({ length: 5000 }, (_, i) => `u${i % 700}`);
const ITEMS = Array.from({ length: 5000 }, (_, i) => `ítem ${i % 333}`);

const written = (codec: 'SNAPPY' | 'UNCOMPRESSED') =>
  new Uint8Array(
    parquetWriteBuffer({
      codec,
      rowGroupSize: 1900,
      columnData: [
        { name: 'other', data: USERS.map((_, i) => i), type: 'INT32' },
        { name: 'user_id', data: USERS, type: 'STRING' },
        { name: 'sku', data: ITEMS, type: 'STRING' },
      ],
    }),
  );

describe.each(['SNAPPY', 'UNCOMPRESSED'] as const)('%s', (codec) => {
  const bytes = written(codec);
  const expected = USERS.map((user, i): Row => [user, ITEMS[i], Number.NaN, Number.NaN]);

  test('rows of several row groups, from bytes, a stream, a Blob and inside gzip', async () => {
    expect((await rowsOf(bytes)).rows).toEqual(expected);
    expect((await rowsOf(new Blob([bytes as Uint8Array<ArrayBuffer>]))).rows).toEqual(expected);
    expect((await rowsOf([bytes.subarray(0, 100), bytes.subarray(100)])).rows).toEqual(expected);
    expect((await rowsOf(gzipSync(bytes))).rows).toEqual(expected);
  });

  test('every cut and changed byte is refused, or gives rows', async () => {
    for (let at = 0; at < bytes.length; at += 97) {
      const cut = await rowsOf(bytes.subarray(0, at)).catch((error) => error);
      expect(cut).toBeInstanceOf(DataError);
      const changed = bytes.slice();
      changed[at] ^= 1 << (at % 8);
      const outcome = await rowsOf(changed, { skipBadRows: true, maxBadRows: '100%' }).catch((error) => error);
      if (!('rows' in outcome)) expect(outcome).toBeInstanceOf(DataError);
    }
  });
});

test('integers, doubles, nulls and times', async () => {
  const bytes = parquetWriteBuffer({
    columnData: [
      {
        name: 'customer',
        data: [17851, 17852, null, 9007199254740993n].map((id) => (id === null ? null : BigInt(id))),
        type: 'INT64',
      },
      { name: 'product', data: [1, 2.5, 3, 4], type: 'DOUBLE' },
      { name: 'stars', data: [5, 4, 3, null], type: 'INT32', nullable: true },
      { name: 'ordered_at', data: [0, 1, 2, 3].map((day) => new Date(Date.UTC(2024, 0, 1 + day))), type: 'TIMESTAMP' },
    ],
  });
  const { rows, warnings } = await rowsOf(new Uint8Array(bytes), { time: true, rating: true });
  expect(rows).toEqual([
    ['17851', '1', 5, Date.UTC(2024, 0, 1)],
    ['17852', '2.5', 4, Date.UTC(2024, 0, 2)],
  ]);
  expect(warnings.map(({ message }) => message)).toEqual([
    '1 row without a user left out, the first at line 3',
    '1 row without a rating left out, the first at line 4',
  ]);
});

test('a column that is not there is named', async () => {
  const bytes = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'a', data: ['x'], type: 'STRING' }] }));
  await expect(rowsOf(bytes)).rejects.toThrow('no column userId, itemId; the header has "a"');
});
