import { expect, test } from 'vitest';
import { incompleteBeta, lnGamma, normalTails, studentQuantile, studentTails } from '../../src/common/probability.ts';
import { giniOf } from '../../src/evaluate/lists.ts';
import { bootstrap, holm, tTest, wilcoxon } from '../../src/evaluate/statistics.ts';

/** Within this share of the expected value. */
const close = (found: number, expected: number, share = 1e-12) =>
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(share * Math.abs(expected));

test('the tails of distributions have their known values', () => {
  close(lnGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-13);
  close(lnGamma(11), Math.log(3628800), 1e-13);
  // one degree of freedom is Cauchy's: P(|T| ≥ 1) = 1/2
  close(studentTails(1, 1), 0.5);
  close(studentTails(2.570581835636314, 5), 0.05, 1e-10);
  close(normalTails(1.959963984540054), 0.05, 1e-13);
  // on both sides of where the series ends, and far out
  close(normalTails(2.9999999), 0.002699797149, 1e-6);
  close(normalTails(3.0000001), 0.002699795378, 1e-6);
  close(normalTails(10), 1.523970604832105e-23, 1e-12);
  expect(normalTails(0)).toBe(1);
  expect([incompleteBeta(0, 2, 3), incompleteBeta(1, 2, 3)]).toEqual([0, 1]);
  // I_x(2, 3) = x² (6 − 8x + 3x²)
  close(incompleteBeta(0.3, 2, 3), 0.09 * (6 - 2.4 + 0.27));
  close(studentQuantile(0.05, 5), 2.570581835636314, 1e-10);
});

test('a t-test by hand', () => {
  // mean 3, deviation √2.5, error √0.5
  const { t, p, effect, interval } = tTest([1, 2, 3, 4, 5]);
  close(t!, 3 / Math.sqrt(0.5));
  close(p, 0.013235599563682, 1e-10); // SciPy
  close(effect!, 3 / Math.sqrt(2.5));
  close(interval[0], 3 - 2.776445105197793 * Math.sqrt(0.5), 1e-10);
  expect(tTest([0, 0, 0])).toEqual({ n: 3, mean: 0, standardError: 0, p: 1, interval: [0, 0] });
  expect(tTest([2, 2])).toEqual({ n: 2, mean: 2, standardError: 0, p: 0, interval: [2, 2] });
  expect(() => tTest([1])).toThrow('differences: found an array of 1, expected at least 2');
  expect(() => tTest([1, Number.NaN])).toThrow('differences[1]: found NaN, expected a number from -1e+100 to 1e+100');
});

test('Wilcoxon by hand: all signs counted out', () => {
  // ranks 1 2 3 4 5, that of −4 is 4: 11 and 4; of the 32 ways 7 have a sum of at most 4 on one side
  expect(wilcoxon([1, 2, 3, -4, 5])).toEqual({ n: 5, positive: 11, negative: 4, p: 14 / 32, effect: 7 / 15 });
  // ties take mean ranks: 1, 1 → 1.5 each; zeros are left out
  expect(wilcoxon([1, -1, 2, 0])).toMatchObject({ n: 3, positive: 4.5, negative: 1.5, effect: 0.5 });
  expect(wilcoxon([0, 0])).toEqual({ n: 0, positive: 0, negative: 0, p: 1, effect: 0 });
  const many = Array.from({ length: 50 }, (_, i) => (i % 3 === 0 ? -1 : 1) * (i + 1));
  const exact = wilcoxon(many).p;
  expect(Math.abs(exact - wilcoxon([...many, 0]).p)).toBeLessThan(0.01); // the normal is near
});

test("Holm's correction: p times the tests that are left, never falling", () => {
  expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
  expect(holm([0.5, 0.9])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
  expect(() => holm([2])).toThrow('ps[0]: found 2, expected a number from 0 to 1');
});

test('a bootstrap draws users, by its seed', () => {
  const values = Array.from({ length: 200 }, (_, i) => (i * 37) % 100);
  const once = bootstrap(values, { seed: 1 });
  expect(bootstrap(values, { seed: 1 })).toEqual(once);
  expect(bootstrap(values, { seed: 2 })).not.toEqual(once);
  const { interval } = tTest(values);
  close(once[0], interval[0], 0.03);
  close(once[1], interval[1], 0.03);
  // every value twice, of the same user: the same interval; as users of their own it would be narrower
  const users = values.map((_, i) => i);
  expect(bootstrap([...values, ...values], { seed: 1, users: [...users, ...users] })).toEqual(once);
  expect(bootstrap([1, 1, 1, 0], { users: [0, 0, 0, 1], over: 'users', seed: 1, draws: 1000 })).toEqual([0, 1]);
});

test("Gini's coefficient by hand", () => {
  expect(giniOf([2, 2, 2], 3)).toBe(0);
  expect(giniOf([5], 10)).toBeCloseTo(0.9, 12);
  expect(giniOf([1, 3], 2)).toBeCloseTo(0.25, 12);
  expect(giniOf([], 4)).toBe(0);
});
