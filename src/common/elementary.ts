// exp and log from IEEE operations only (+ − × ÷), which every host rounds alike; Math.exp, Math.log and ** differ by
// host.

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/**
 * Natural logarithm of a finite x > 0, relative error below 1e-15: ln(m · 2^e) = e ln 2 + 2 artanh((m − 1) / (m + 1)).
 */
export function ln(x: number): number {
  let exponent = 0;
  let m = x;
  for (; m > 4 / 3; m /= 2) exponent++;
  for (; m < 2 / 3; m *= 2) exponent--;
  const s = (m - 1) / (m + 1);
  const square = s * s;
  // |s| ≤ 1/5, so the first term left out is below 1e-18 of the first.
  let series = 0;
  for (let k = 23; k >= 1; k -= 2) series = series * square + 1 / k;
  return exponent * LN2_HIGH + (exponent * LN2_LOW + 2 * s * series);
}

/** e^x for |x| ≤ 700, relative error below 1e-15: 2^n times the Taylor series of the rest. */
export function exp(x: number): number {
  const n = Math.round(x / (LN2_HIGH + LN2_LOW));
  const r = x - n * LN2_HIGH - n * LN2_LOW;
  // |r| ≤ 0.347, so the first term left out is below 1e-17.
  let series = 1;
  for (let k = 14; k >= 1; k--) series = 1 + (series * r) / k;
  for (let k = 0; k < n; k++) series *= 2;
  for (let k = 0; k > n; k--) series /= 2;
  return series;
}

/** Logarithm to base 2 of a finite x > 0. */
export function log2(x: number): number {
  return ln(x) / (LN2_HIGH + LN2_LOW);
}

/** x^p of a finite x ≥ 1; 0 and infinity where the result leaves the range of a double. */
export function power(x: number, p: number): number {
  if (p === 0 || x === 1) return 1;
  const y = p * ln(x);
  if (y > 700) return Infinity;
  return y < -700 ? 0 : exp(y);
}
