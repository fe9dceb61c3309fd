import { expect, test } from 'vitest';
import { resolveFields, resolveList, splitList } from '../../src/cli/id-lists.ts';

const known = new Set(['Portal', 'Warhammer 40,000', 'a,b,c', 'p1 ', '5', '10"', ' ']);
const has = (id: string) => known.has(id);

test('a list is cut at commas that are not quoted or escaped', () => {
  expect(splitList('a,b , c')).toEqual(['a', 'b ', ' c']);
  expect(splitList('"Warhammer 40,000", Portal,"say ""hi"""')).toEqual(['Warhammer 40,000', ' Portal', 'say "hi"']);
  expect(splitList('Warhammer 40\\,000,Portal')).toEqual(['Warhammer 40,000', 'Portal']);
  expect(splitList('10",5"')).toEqual(['10"', '5"']);
  expect(splitList('C:\\x')).toEqual(['C:\\x']);
  for (const text of ['a,,b', ',a', 'a,', ' ', 'a, ,b', '']) expect(splitList(text), text).toBeUndefined();
  expect(splitList(`${'a,'.repeat(200_000)}b`)).toHaveLength(200_001);
});

test('what the market knows decides: ids with commas and outer spaces are found', () => {
  expect(resolveList('Warhammer 40,000', has)).toEqual(['Warhammer 40,000']);
  expect(resolveList('Portal, Warhammer 40,000', has)).toEqual(['Portal', 'Warhammer 40,000']);
  expect(resolveList('Warhammer 40,000,Portal', has)).toEqual(['Warhammer 40,000', 'Portal']);
  expect(resolveList('"Warhammer 40,000",x', has)).toEqual(['Warhammer 40,000', 'x']);
  expect(resolveList('a,b,c,5', has)).toEqual(['a,b,c', '5']);
  expect(resolveList('p1 ', has)).toEqual(['p1 ']);
  expect(resolveList('Portal,p1 , 5 , other ', has)).toEqual(['Portal', 'p1 ', '5', 'other']);
  expect(resolveList('10"', has)).toEqual(['10"']);
  expect(resolveList(' ', has)).toEqual([' ']);
  expect(resolveList('', has)).toEqual([]);
});

test('fields that are no ids stay as they are', () => {
  expect(resolveFields(['Warhammer 40', '000', ' y ', '"z"'], has)).toEqual(['Warhammer 40,000', ' y ', '"z"']);
});
