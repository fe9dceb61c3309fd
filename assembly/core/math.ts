// exp, log and pow as polynomials: the same bits on every host, and no lookup table, since the module keeps no static
// data.

import { madd } from './madd';

/**
 * e^x of four lanes, for −87 ≤ x ≤ 88 (clamped); relative error below 3e-7. Cephes' degree-5 polynomial on [−ln2/2,
 * ln2/2].
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  x = f32x4.max(f32x4.min(x, f32x4.splat(88.0)), f32x4.splat(-87.0));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)));
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = madd(f32x4.splat(1.3981999507e-3), p, r);
  p = madd(f32x4.splat(8.3334519073e-3), p, r);
  p = madd(f32x4.splat(4.1665795894e-2), p, r);
  p = madd(f32x4.splat(1.6666665459e-1), p, r);
  p = madd(f32x4.splat(5.0000001201e-1), p, r);
  p = f32x4.add(madd(r, f32x4.mul(p, r), r), f32x4.splat(1.0));
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, scale);
}

/** 1 / (1 + e^−x) of four lanes. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1.0);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/** ln x for finite x > 0 (normal numbers); error below 1e-15 relative to max(1, |ln x|). */
export function log(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>((bits >> 52) & 0x7ff) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  // ln m = 2 artanh s, s = (m − 1) / (m + 1), |s| < 0.1716: the series to s^21 is exact to the last bits.
  const s = (m - 1) / (m + 1);
  const q = s * s;
  let series: f64 = 1.0 / 21;
  series = series * q + 1.0 / 19;
  series = series * q + 1.0 / 17;
  series = series * q + 1.0 / 15;
  series = series * q + 1.0 / 13;
  series = series * q + 1.0 / 11;
  series = series * q + 1.0 / 9;
  series = series * q + 1.0 / 7;
  series = series * q + 1.0 / 5;
  series = series * q + 1.0 / 3;
  series = series * q + 1.0;
  return 2 * s * series + <f64>exponent * 0.6931471805599453;
}

/** e^x for −700 ≤ x ≤ 700 (clamped); relative error below 1e-14. */
export function exp(x: f64): f64 {
  x = max<f64>(-700, min<f64>(700, x));
  const n = nearest<f64>(x * 1.4426950408889634);
  const r = x - n * 0.6931471803691238 - n * 1.9082149292705877e-10;
  let term: f64 = 1;
  let sum: f64 = 1;
  for (let i = 1; i <= 16; i++) {
    term = (term * r) / <f64>i;
    sum += term;
  }
  return sum * reinterpret<f64>((<u64>(<i64>n + 1023)) << 52);
}

/** x^p for x > 0. */
export function pow(x: f64, p: f64): f64 {
  return exp(p * log(x));
}
