// The contract of a ModelStore, held here by the store in memory; the page's tests hold the other two in browsers.
import { expect, test } from 'vitest';
import { checkModelName, freeName, memoryStore, QuotaError } from '../../src/browser/store.ts';
import { ArgumentError } from '../../src/common/errors.ts';

test('models are kept, listed, renamed and removed, and never overwritten', async () => {
  const store = memoryStore();
  const bytes = new Uint8Array([1, 2, 3]);
  await store.write('shop', bytes);
  bytes[0] = 9;
  await store.write('b', new Uint8Array(5));
  expect([...(await store.read('shop'))]).toEqual([1, 2, 3]);
  expect((await store.list()).map(({ name, bytes }) => [name, bytes])).toEqual([
    ['b', 5],
    ['shop', 3],
  ]);
  await expect(store.write('shop', bytes)).rejects.toBeInstanceOf(ArgumentError);
  await expect(store.rename('b', 'shop')).rejects.toBeInstanceOf(ArgumentError);
  await store.rename('b', 'c');
  await expect(store.read('b')).rejects.toBeInstanceOf(ArgumentError);
  expect(await store.usage()).toEqual({ models: 8, persistent: false });
  await store.remove('c');
  await expect(store.remove('c')).rejects.toBeInstanceOf(ArgumentError);
  expect((await store.list()).length).toBe(1);
});

test('names are short and plain', () => {
  for (const name of ['shop-1', 'a', 'A_b.m3rec', 'x'.repeat(64)]) expect(checkModelName('name', name)).toBe(name);
  for (const name of ['', '.part', 'a/b', '..', 'ü', 'x'.repeat(65), 7])
    expect(() => checkModelName('name', name)).toThrow(ArgumentError);
});

test('a taken name gets a number', () => {
  const models = ['shop', 'shop-2'].map((name) => ({ name, bytes: 1, saved: 0 }));
  expect(freeName('shop', models)).toBe('shop-3');
  expect(freeName('other', models)).toBe('other');
});

test('a full store says what is needed and left', () => {
  expect(new QuotaError(8e6, 3e6).message).toContain('needs 8.0 MB, 3.0 MB are left');
  expect(new QuotaError(12e6, undefined).message).not.toContain('left');
});
