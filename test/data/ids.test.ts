import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdBatch, Ids } from '../../src/data/ids.ts';

/** The numbers by a Map. */
function plainNumbers(ids: string[]): { numbers: number[]; list: string[] } {
  const known = new Map<string, number>();
  const numbers = ids.map((id) => {
    if (!known.has(id)) known.set(id, known.size);
    return known.get(id)!;
  });
  return { numbers, list: [...known.keys()] };
}

/** The numbers that a table gives, a few ids at a time. */
function numbers(table: Ids, ids: string[], size = 7): number[] {
  const batch = new IdBatch(size);
  const found: number[] = [];
  for (let from = 0; from < ids.length; from += size) {
    for (const id of ids.slice(from, from + size)) batch.add(id);
    for (let i = 0; i < batch.length; i++) found.push(table.number(batch, i));
    batch.clear();
  }
  return found;
}

function expectSame(ids: string[]): void {
  const table = new Ids();
  const expected = plainNumbers(ids);
  expect(numbers(table, ids)).toEqual(expected.numbers);
  expect(table.length).toBe(expected.list.length);
  expect(table.list()).toEqual(expected.list);
}

test('ids are numbered as they come, whatever their code units', () => {
  const unit = fc.constantFrom('a', 'b', '\0', '\uffff', '\ud800', 'é', '🐎', '__proto__');
  fc.assert(fc.property(fc.array(fc.string({ unit, maxLength: 6 }), { maxLength: 100 }), expectSame), { numRuns: 300 });
});

test('ids of every length', () => {
  const lengths = [0, 1, 3, 4, 5, 12, 13, 15, 16, 17, 65, 1023, 1024];
  expectSame([...lengths, ...lengths].flatMap((length) => ['x'.repeat(length), 'ж'.repeat(length)]));
});

test('more ids than fit at first, with equal hashes among them, are found again after the table grew', () => {
  // of 300,000 hashes of 32 bits, about ten are equal to another one
  const ids = Array.from({ length: 300_000 }, (_, i) => `id ${(i * 7919) % 300_000}`);
  const table = new Ids();
  for (const round of [0, 1]) {
    const wrong = numbers(table, ids, 512).filter((number, i) => number !== i);
    expect([round, wrong.length]).toEqual([round, 0]);
  }
  expect(table.list()).toEqual(ids);
});
