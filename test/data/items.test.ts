import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readItems } from '../../src/data/items.ts';
import type { DataWarning } from '../../src/data/warnings.ts';

const expected = [
  ['p1', { title: 'Red shoe, "wide"', category: 'Shoes', url: 'https://shop.example/p1' }],
  ['p2', { title: 'Hat' }],
];

test('titles and more, from text, JSON and packed', async () => {
  const csv = 'sku,name,category,link\np1,"Red shoe, ""wide""",Shoes,https://shop.example/p1\n p2,Hat,,\n';
  expect([...(await readItems(csv, 'items.csv'))]).toEqual(expected);
  expect([...(await readItems(gzipSync(csv), 'items.csv.gz'))]).toEqual(expected);
  const json =
    '{"id":"p1","title":"Red shoe, \\"wide\\"","category":"Shoes","url":"https://shop.example/p1"}\n{"id":"p2","title":"Hat"}\n';
  expect([...(await readItems(json, 'items.jsonl'))]).toEqual(expected);
});

test('further columns, ids alone, what is odd', async () => {
  const warnings: DataWarning[] = [];
  const items = await readItems('itemId;colour\np1;red\n;blue\np1;green\np2;\n', 'items.csv', {
    properties: ['colour'],
    onWarning: (warning) => warnings.push(warning),
  });
  expect([...items]).toEqual([
    ['p1', { colour: 'red' }],
    ['p2', {}],
  ]);
  expect(warnings.map(({ message }) => message)).toEqual([
    '1 row without an item left out, the first at line 3',
    '1 row of an item that came before, left out, the first at line 4',
  ]);
  await expect(readItems('sku;name\np1;x\n', 'items.csv', { properties: ['colour'] })).rejects.toThrow(
    'no column "colour"',
  );
  await expect(readItems('a,b\n1,2\n', 'items.csv')).rejects.toThrow('items.csv:1: no column itemId');
});
