import { expect, test } from 'vitest';
import { KIND_NAMES } from '../../src/models/names.ts';
import { SERVED_KINDS } from '../../src/models/served.ts';
import * as networks from '../../src/models/served-networks.ts';
import { TERM_KINDS } from '../../src/models/served-terms.ts';

test('the names are those of the kinds', () => {
  expect([...KIND_NAMES].sort()).toEqual(SERVED_KINDS.map(({ name }) => name).sort());
});

test('a kind is a network or a sum of terms, and serves each code once', () => {
  const both = [...TERM_KINDS, ...Object.values(networks)];
  expect(new Set(both.map(({ code }) => code)).size).toBe(both.length);
  expect([...SERVED_KINDS].sort((a, b) => a.code - b.code)).toEqual(both.sort((a, b) => a.code - b.code));
});
