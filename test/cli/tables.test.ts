import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import type { ResultFile } from '../../src/cli/result-file.ts';
import { openTable, tableFile } from '../../src/cli/tables.ts';
import type { Batch, TableKind } from '../../src/node/table-kind.ts';

const kind: TableKind = {
  name: 'tests',
  columns: [
    { name: 'id', type: 'text' },
    { name: 'count', type: 'integer' },
    { name: 'score', type: 'score' },
    { name: 'note', type: 'text' },
  ],
};
const odd = ['plain', 'comma, "quote"', 'tab\tand\nline', ' spaces ', '\u001b[31m', 'ü🦊', '', 'PAR1'];
const batch: Batch = [
  odd,
  odd.map((_, i) => i * 1000),
  odd.map((_, i) => Math.fround(i / 3)),
  odd.map((_, i) => (i % 2 ? 'popularity' : undefined)),
];

async function written(path: string, batches: readonly Batch[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const result = { path, write: async (piece: string | Uint8Array) => pieces.push(Buffer.from(piece)) };
  const table = await openTable(result as unknown as ResultFile, kind);
  for (const each of batches) await table.write(each);
  await table.finish();
  return Buffer.concat(pieces);
}

const isOurs = (path: string, file: Buffer) =>
  tableFile('-o', path, kind).isOurs(file.subarray(0, 4096), file.subarray(-4096));

describe.each(['.csv', '.tsv', '.jsonl', '.parquet'])('%s', (ending) => {
  test('is known as its own kind, and nothing else is', async () => {
    for (const batches of [[batch], []]) {
      const file = await written(`x${ending}`, batches);
      // JSON lines without a line say nothing of what they are: an empty file may be replaced anyway.
      if (file.length > 0) expect(isOurs(`x${ending}`, file)).toBe(true);
    }
    for (const text of ['id,count,score\n1,2,3\n', 'id\n', '{"id":"a"}\n', '{}', 'PAR1 m3rec PAR1', 'null\n', '[]'])
      expect(isOurs(`x${ending}`, Buffer.from(text)), text).toBe(false);
  });
});

test('CSV quotes what needs it', async () => {
  const [ids, counts, scores, notes] = batch;
  expect((await written('x.CSV', [batch])).toString()).toBe(
    [
      'id,count,score,note',
      `plain,0,0,`,
      `"comma, ""quote""",1000,${scores[1]},popularity`,
      `"tab\tand\nline",2000,${scores[2]},`,
      ` spaces ,3000,1,popularity`,
      `\u001b[31m,4000,${scores[4]},`,
      `ü🦊,5000,${scores[5]},popularity`,
      `,6000,2,`,
      `PAR1,7000,${scores[7]},popularity`,
      '',
    ].join('\n'),
  );
  expect([ids.length, counts.length, notes.length]).toEqual([8, 8, 8]);
  expect((await written('x.csv', [])).toString()).toBe('id,count,score,note\n');
  expect((await written('x.tsv', [batch])).toString()).toContain('\n"tab\tand\nline"\t2000\t');
});

test('JSON lines hold the values, and leave out what is absent', async () => {
  const lines = (await written('x.jsonl', [batch])).toString().trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    odd.map((id, i) => ({ id, count: i * 1000, score: Math.fround(i / 3), ...(i % 2 && { note: 'popularity' }) })),
  );
});

test('Parquet gives the values back, over several row groups', async () => {
  const n = 120_000;
  const many: Batch = [
    Array.from({ length: n }, (_, i) => `user ${i % 1000}`),
    Array.from({ length: n }, (_, i) => i),
    Array.from({ length: n }, (_, i) => Math.fround(i / 7)),
    Array.from({ length: n }, () => undefined),
  ];
  const file = await written('x.parquet', [batch, many]);
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer;
  const metadata = parquetMetadata(buffer);
  expect([metadata.created_by, metadata.num_rows, metadata.row_groups.length]).toEqual(['m3rec', BigInt(n + 8), 2]);
  const rows = await parquetReadObjects({ file: buffer });
  expect(rows.slice(0, 8)).toEqual(
    odd.map((id, i) => ({ id, count: i * 1000, score: Math.fround(i / 3), note: i % 2 ? 'popularity' : null })),
  );
  expect(rows.at(-1)).toEqual({ id: 'user 999', count: n - 1, score: Math.fround((n - 1) / 7), note: null });
});

test('an ending that names no format is refused', () => {
  expect(() => tableFile('-o', 'recs.xlsx', kind)).toThrow(
    '-o: "recs.xlsx" should end in .csv, .tsv, .jsonl, .parquet',
  );
});
