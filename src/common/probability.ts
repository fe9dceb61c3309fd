// Tails of the normal and of Student's distribution, from IEEE operations only, as elementary.ts.
import { exp, ln } from './elementary.ts';

/** Coefficients of Lanczos's series, g = 7, n = 9 (Godfrey). */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
const HALF_LN_2PI = 0.9189385332046727;

/** ln Γ(x) of x > 0; relative error about 1e-14. */
export function lnGamma(x: number): number {
  if (x < 0.5) return lnGamma(x + 1) - ln(x);
  let sum = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (x - 1 + i);
  const t = x + 6.5;
  return HALF_LN_2PI + (x - 0.5) * ln(t) - t + ln(sum);
}

/**
 * The regularised incomplete beta function I_x(a, b) of a, b > 0 and 0 ≤ x ≤ 1, by its continued fraction (Lentz's way;
 * Abramowitz and Stegun 26.5.8).
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // the fraction converges fast on this side of the mean only
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const logarithm = lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * ln(x) + b * ln(1 - x);
  if (logarithm < -700) return 0;
  return (exp(logarithm) * fraction(x, a, b)) / a;
}

const TINY = 1e-300;
const MOST_TERMS = 10_000;

function fraction(x: number, a: number, b: number): number {
  const kept = (value: number) => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m < MOST_TERMS; m++) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / kept(1 + term * d);
      c = kept(1 + term / c);
      result *= d * c;
    }
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return result;
}

/** P(|T| ≥ |t|) of Student's t with `freedom` > 0 degrees of freedom. */
export function studentTails(t: number, freedom: number): number {
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/** P(|Z| ≥ |z|) of a standard normal Z. */
export function normalTails(z: number): number {
  const x = Math.abs(z);
  const half = (x * x) / 2;
  if (half > 700) return 0;
  const density = exp(-half - HALF_LN_2PI);
  if (x < 3) {
    // P(0 < Z < x) = φ(x) (x + x³/3 + x⁵/(3·5) + …), all terms positive
    let term = x;
    let sum = x;
    for (let k = 3; term > 1e-18 * sum; k += 2) {
      term *= (x * x) / k;
      sum += term;
    }
    return 1 - 2 * density * sum;
  }
  // Mills's ratio as 1 / (x + 1 / (x + 2 / (x + 3 / (x + …))))
  let ratio = x;
  for (let k = 200; k >= 1; k--) ratio = x + k / ratio;
  return (2 * density) / ratio;
}

/** The t for which P(|T| ≥ t) = `tails`, 0 < tails < 1; by bisection, to the last bits. */
export function studentQuantile(tails: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentTails(high, freedom) > tails && high < 1e300) high *= 2;
  for (let i = 0; i < 200 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentTails(middle, freedom) > tails) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
