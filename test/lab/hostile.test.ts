// Anything at all as arguments: a typed error in one line, or a result of numbers.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArgumentError, M3RecError } from '../../src/common/errors.ts';
import { decodeMarkets, encodeMarkets } from '../../src/data/markets-codec.ts';
import { bootstrap, holm, tTest, wilcoxon } from '../../src/evaluate/statistics.ts';
import { compareRanks } from '../../src/lab/compare-ranks.ts';
import { checkExperiment } from '../../src/lab/experiment.ts';
import { planTrials } from '../../src/lab/plan.ts';
import { smallMarkets } from '../fuzz/originals.ts';

const runs = { numRuns: 2000, seed: 1 };
const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withTypedArray: true, withMap: true });

function survives(work: () => unknown, Expected: new (...args: never[]) => M3RecError = ArgumentError): void {
  try {
    expect(JSON.stringify(work(), (_, value) => (Number.isNaN(value) ? 'NaN' : value)) ?? '').not.toContain('NaN');
  } catch (error) {
    if (!(error instanceof Expected)) throw error;
    expect(error.message).not.toMatch(/\n/);
  }
}

const call = (work: (...args: never[]) => unknown, ...args: unknown[]) => survives(() => work(...(args as never[])));

test('statistics', () => {
  const numbers = fc.oneof(fc.array(fc.double(), { maxLength: 60 }), fc.array(anything, { maxLength: 4 }), anything);
  fc.assert(
    fc.property(numbers, anything, (values, other) => {
      call(tTest, values, 0.95);
      call(tTest, [1, 2], other);
      call(wilcoxon, values);
      call(holm, values);
      call(bootstrap, values, { draws: 20 });
      call(bootstrap, [1, 2], other);
      call(bootstrap, [1, 2], { draws: 20, users: other });
    }),
    { ...runs, numRuns: 500 },
  );
});

test('experiments: a right one in which anything stands in one place', () => {
  const right = () => ({
    title: 'x',
    data: { generated: { seed: 1 } } as unknown,
    models: [{ model: 'ease', name: 'e', options: { lambdaF: 5 }, grid: { epsilon: [0.1] }, seeds: [1], cost: 1 }],
    protocols: ['clean', { name: 'p', protocol: 'clean', negatives: 'all', seed: 1, repeat: false }],
    metrics: ['mrr'],
    k: [10],
    select: { metric: 'mrr', k: 10, protocol: 'p' },
    split: { method: 'last' },
    lists: 1,
    baseline: 'e',
  });
  const places: string[][] = [];
  const walk = (value: unknown, path: string[]) => {
    if (path.length > 0) places.push(path);
    if (typeof value === 'object' && value !== null)
      for (const [name, each] of Object.entries(value)) walk(each, [...path, name]);
  };
  walk(right(), []);
  fc.assert(
    fc.property(fc.constantFrom(...places), anything, (place, value) => {
      const experiment = right();
      let at = experiment as unknown as Record<string, unknown>;
      for (const name of place.slice(0, -1)) at = at[name] as Record<string, unknown>;
      at[place.at(-1)!] = value;
      call(() => planTrials(checkExperiment(experiment)));
    }),
    runs,
  );
  fc.assert(
    fc.property(anything, (value) => call(() => planTrials(checkExperiment(value)))),
    runs,
  );
});

test('ranks', () => {
  const market = () =>
    ({ market: 'de', users: ['u', 'v'], items: ['a', 'b'], ranks: [1, 2] }) as Record<string, unknown>;
  fc.assert(
    fc.property(fc.constantFrom('market', 'users', 'items', 'ranks'), anything, (name, value) => {
      call(compareRanks, [{ ...market(), [name]: value }], [market()], { draws: 20 });
      call(compareRanks, [market()], value, { draws: 20 });
      call(compareRanks, [market()], [market()], value);
    }),
    { ...runs, numRuns: 500 },
  );
});

test('bytes of markets with some changed', async () => {
  const bytes = encodeMarkets(await smallMarkets());
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const changed = bytes.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        survives(() => decodeMarkets(changed), M3RecError);
      },
    ),
    { ...runs, numRuns: 1000 },
  );
});
