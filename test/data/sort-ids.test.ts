import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sortByIds } from '../../src/data/sort-ids.ts';
import { SplitMix } from '../../src/data/splitmix.ts';

/** Sorts every second position, and expects what the engine's sort of the ids gives. */
function expectSorted(ids: string[]): void {
  const numbers = Int32Array.from(ids.keys()).filter((i) => i % 2 === 0);
  const expected = Array.from(numbers, (i) => ids[i]).sort();
  sortByIds(numbers, ids);
  expect(new Set(numbers).size).toBe(expected.length);
  expect(Array.from(numbers, (i) => ids[i])).toEqual(expected);
}

test('ids of any code units and lengths, duplicates too', () => {
  const unit = fc.constantFrom('a', 'b', '\0', '\uffff', '\ud800', 'é', '🐎');
  fc.assert(fc.property(fc.array(fc.string({ unit, maxLength: 9 }), { maxLength: 300 }), expectSorted), {
    numRuns: 300,
  });
});

test('many ids that start alike, in order, in reverse and mixed', () => {
  const ids = Array.from(
    { length: 20_000 },
    (_, i) => `a prefix of all ids ${i % 7 === 0 ? i : 1_000_000 + i}${'x'.repeat(i % 5)}`,
  );
  expectSorted(ids);
  expectSorted(ids.reverse());
  const order = Int32Array.from(ids.keys());
  new SplitMix(1).shuffle(order);
  expectSorted(Array.from(order, (i) => ids[i]));
});

test('each a prefix of the next, and all the same', () => {
  expectSorted(Array.from({ length: 1024 }, (_, i) => 'x'.repeat(1024 - i)));
  expectSorted(Array.from({ length: 1000 }, () => 'the same'));
});

test('an order that makes every pivot the worst', () => {
  // the middle one is the least of what is left, again and again
  const size = 3000;
  const places = Array.from({ length: size }, (_, i) => i);
  const ids: string[] = new Array(size);
  for (let rank = 0, from = 0; from < size; rank++, from++) {
    const middle = (from + size) >>> 1;
    ids[places[middle]] = String.fromCharCode(1000 + rank);
    // what the partition does: the least goes to the front, the front to the middle
    [places[from], places[middle]] = [places[middle], places[from]];
  }
  const numbers = Int32Array.from(ids.keys());
  sortByIds(numbers, ids);
  expect(Array.from(numbers, (i) => ids[i])).toEqual([...ids].sort());
});
