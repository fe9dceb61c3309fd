// What is one pass per market must not become one pass over all markets for each of them: counted by what is read.
import { expect, test } from 'vitest';
import { formatTable } from '../../src/cli/output.ts';
import type { Market, Markets } from '../../src/data/markets.ts';
import { withElsewhere } from '../../src/models/elsewhere.ts';
import { othersOf } from '../../src/models/transfer/others.ts';

/** Markets that share nothing, and one item that two of them sell; `reads` counts the readings of their histories. */
function strangers(count: number): { markets: Markets; reads: () => number } {
  let reads = 0;
  const items = Array.from({ length: 2 * count }, (_, i) => `i${String(i).padStart(6, '0')}`);
  const markets = Array.from({ length: count }, (_, m): Market => {
    const own = m === 1 ? [0, 2, 3] : [2 * m, 2 * m + 1];
    const indices = Int32Array.from({ length: own.length }, (_, position) => position);
    return {
      name: `m${String(m).padStart(6, '0')}`,
      items: Int32Array.from(own),
      users: ['u'],
      heldOut: {},
      get interactions() {
        reads++;
        return { rows: 1, cols: own.length, indptr: Int32Array.of(0, own.length), indices };
      },
    } as unknown as Market;
  });
  return { markets: { items, markets } as unknown as Markets, reads: () => reads };
}

test('the others of a market are read from those that share an item with it', () => {
  const { markets, reads } = strangers(5000);
  const of = othersOf(markets);
  const found = markets.markets.map((_, m) => of(m));
  expect(found[0].sources).toEqual([{ market: 'm000001', users: 1, items: 1 }]);
  expect([...found[0].X.indices]).toEqual([0]);
  expect(found[1].sources).toEqual([{ market: 'm000000', users: 1, items: 1 }]);
  expect(found.slice(2).every(({ X, sources }) => X.rows === 0 && sources.length === 0)).toBe(true);
  expect(reads()).toBeLessThan(10);
});

test('what is known elsewhere takes no memory of markets × items', () => {
  const { markets } = strangers(20_000);
  const models = markets.markets.map(() => ({ bias: undefined })) as unknown as Parameters<typeof withElsewhere>[1];
  // 20,000 tables of 40,000 items would be 3.2 GB
  expect(withElsewhere(markets, models)).toEqual(models);
});

test('a table of 150,000 rows prints', () => {
  const rows = Array.from({ length: 150_000 }, (_, i) => [`row ${i}`, i]);
  const lines = formatTable(['name', 'count'], rows).split('\n');
  expect(lines.length).toBe(150_002);
  expect(lines[150_000]).toBe('row 149999  149999');
});
