import { expect, test } from 'vitest';
import type { Progress } from '../../src/common/job.ts';
import { assembleGenerated, generateMarkets } from '../../src/data/generate.ts';
import { OverallProgress } from '../../src/engine/overall.ts';
import { train } from '../../src/train/train.ts';

const at = (overall: OverallProgress, stage: string, id: string, done: number, total: number) =>
  overall.at({ stage: id, id, done, total }, stage).share;

test('stages count as their costs, parts take half of what is left, and nothing falls', () => {
  const overall = new OverallProgress([1, 3]);
  overall.begin();
  expect(at(overall, 'a', 'a', 1, 2)).toBe(0.125);
  expect(at(overall, 'a', 'a.order', 1, 1)).toBe(0.1875);
  expect(at(overall, 'a', 'a', 0, 2)).toBe(0.1875);
  overall.end();
  overall.begin();
  expect(at(overall, 'b', 'b', 0, 0)).toBe(0.25);
  expect(at(overall, 'b', 'b', 5, 10)).toBe(0.625);
  overall.end();
  overall.begin();
  expect(at(overall, 'more', 'more', 1, 2)).toBe(1);
});

test.each([{}, { model: 'ease' }, { preset: 'softmax', epochs: 1, walks: 1 }] as const)(
  'a training tells one share that rises, and the time left: %j',
  async (options) => {
    const markets = assembleGenerated(generateMarkets({ users: 200, items: 200, interactions: 1500 }));
    const seen: Progress[] = [];
    await train(markets, { ...options, onProgress: (progress) => seen.push(progress) });
    const shares = seen.map(({ share }) => share!);
    expect(shares.every((share, i) => share >= (shares[i - 1] ?? 0) && share <= 1)).toBe(true);
    expect(shares.at(-1)).toBeGreaterThan(0.9);
    expect(new Set(shares).size).toBeGreaterThan(5);
    expect(seen.filter(({ secondsLeft }) => secondsLeft !== undefined && secondsLeft >= 0).length).toBeGreaterThan(3);
  },
);
