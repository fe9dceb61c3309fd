import { expect, test } from 'vitest';
import { estimate, METRICS, meanOfEstimates } from '../../src/evaluate/metrics.ts';

test('a metric is worth what its definition says, and nothing beyond k', () => {
  const at = (rank: number, k: number) => Object.fromEntries(METRICS.map(({ name, value }) => [name, value(rank, k)]));
  expect(at(1, 10)).toEqual({ mrr: 1, ndcg: 1, hr: 1, recall: 1, map: 1 });
  expect(at(3, 3)).toEqual({ mrr: 1 / 3, ndcg: 0.5, hr: 1, recall: 1, map: 1 / 3 });
  expect(at(3.5, 3)).toEqual({ mrr: 0, ndcg: 0, hr: 0, recall: 0, map: 0 });
});

test('an estimate of independent values is their mean and its standard error', () => {
  const values = [1, 0, 0.5, 0.25, 1];
  const center = 2.75 / 5;
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - center) ** 2, 0) / 4);
  const { mean, standardError } = estimate(values, [0, 1, 2, 3, 4]);
  expect(mean).toBeCloseTo(center, 12);
  expect(standardError).toBeCloseTo(deviation / Math.sqrt(5), 12);
});

test('rows of one user are one cluster: copying every row changes no error', () => {
  const values = [1, 0, 0.5, 0.25];
  const once = estimate(values, [0, 1, 2, 3]);
  const twice = estimate([...values, ...values], [0, 1, 2, 3, 0, 1, 2, 3]);
  expect(twice.mean).toBeCloseTo(once.mean, 12);
  expect(twice.standardError).toBeCloseTo(once.standardError, 12);
});

test('over users, each counts alike', () => {
  const { mean, standardError } = estimate([1, 1, 1, 0], [0, 0, 0, 1], 'users');
  expect(mean).toBe(0.5);
  expect(standardError).toBeCloseTo(0.5, 12);
});

test('one user, or none, has no error', () => {
  expect(estimate([1, 0], [0, 0])).toEqual({ mean: 0.5, standardError: 0 });
  expect(estimate([], [])).toEqual({ mean: 0, standardError: 0 });
  expect(meanOfEstimates([])).toEqual({ mean: 0, standardError: 0 });
});

test('the mean of independent estimates', () => {
  expect(
    meanOfEstimates([
      { mean: 1, standardError: 3 },
      { mean: 2, standardError: 4 },
    ]),
  ).toEqual({ mean: 1.5, standardError: 2.5 });
});
