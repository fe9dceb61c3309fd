// Products in 16-bit fixed point, which take half the instructions of those in single precision: i32x4.dot_i16x8_s
// multiplies eight pairs where f32x4.mul multiplies four. Each row of an operand is cut into lengths of 128. A length
// holds integers and one step; integer times step is within half a step of the value.
//
// A step is at least the length's norm / 46,000 and its largest value / 32,766. So integers fit 16 bits and, by
// Cauchy–Schwarz, sums of products of two lengths fit 32 bits. Integer sums are exact: their order does not matter.

import { at32, bytesOf } from '../core/arrays';

const MR: i32 = 4;
const NR: i32 = 8;
/** Values that share a step, an even number. */
const LENGTH: i32 = 128;
/** A length with a smaller step than this counts as zeros. */
const LEAST_STEP: f32 = 1e-30;
/** Added to a number below 2²², this leaves the nearest integer in the low bits. */
const ROUNDER: f32 = 12582912;

/** Lengths in a row of k values. */
// @ts-ignore: decorator
@inline
export function lengths(k: i32): i32 {
  return (k + LENGTH - 1) / LENGTH;
}

/**
 * Packed panels (k × width f32 each, see packRows) become panels of pairs: k/2 × width × two 16-bit integers.
 *
 * width: 4 or 8. count: rows, a multiple of width. k: even. to: count × k × 2 bytes. steps (count × lengths(k) f32):
 * panel by panel, length by length, those of the panel's rows. squares (count f32): each row's sum of squares.
 */
export function packFixed(width: i32, count: i32, k: i32, from: usize, to: usize, steps: usize, squares: usize): void {
  const line = bytesOf(width);
  memory.fill(squares, 0, bytesOf(count));
  for (let first = 0; first < count; first += width) {
    for (let start = 0; start < k; start += LENGTH) {
      const pairs = min(LENGTH, k - start) >> 1;
      for (let lane: usize = 0; lane < line; lane += 16)
        packFour(pairs, from + lane, line, to + lane, steps + lane, squares + lane);
      from += <usize>pairs * line * 2;
      to += <usize>pairs * line;
      steps += line;
    }
    squares += line;
  }
}

/** One length of four rows; quadruples of values and of pairs are `line` bytes apart. */
function packFour(pairs: i32, from: usize, line: usize, to: usize, steps: usize, squares: usize): void {
  const end = from + <usize>pairs * line * 2;
  let sums = f32x4.splat(0);
  let oddSums = f32x4.splat(0);
  let largest = f32x4.splat(0);
  for (let p = from; p < end; p += 2 * line) {
    const even = v128.load(p);
    const odd = v128.load(p + line);
    sums = f32x4.add(sums, f32x4.mul(even, even));
    oddSums = f32x4.add(oddSums, f32x4.mul(odd, odd));
    largest = f32x4.pmax(largest, f32x4.pmax(f32x4.abs(even), f32x4.abs(odd)));
  }
  const sum = f32x4.add(sums, oddSums);
  v128.store(squares, f32x4.add(v128.load(squares), sum));
  const step = f32x4.max(
    f32x4.max(f32x4.div(f32x4.sqrt(sum), f32x4.splat(46000)), f32x4.div(largest, f32x4.splat(32766))),
    f32x4.splat(LEAST_STEP),
  );
  v128.store(steps, step);
  const perStep = f32x4.div(f32x4.splat(1), step);
  const rounder = f32x4.splat(ROUNDER);
  for (let p = from; p < end; p += 2 * line) {
    const even = f32x4.add(f32x4.mul(v128.load(p), perStep), rounder);
    const odd = f32x4.add(f32x4.mul(v128.load(p + line), perStep), rounder);
    v128.store(to, v128.or(v128.and(even, i32x4.splat(0xffff)), i32x4.shl(odd, 16)));
    to += line;
  }
}

/**
 * C −= A · B on operands that packFixed packed: a of width 4, b of width 8. Lengths of zeros, of four rows or of eight
 * columns, are skipped. m, n: multiples of 4 and 8. c (m × n f32, ldc). The loops keep m ≤ 64 rows of a in L1. Up to 2
 * m n ⌈k / LENGTH⌉ bytes beyond row m of c are read, a cache line for each tile of the result: this prefetches the next
 * rows of c, if they lie there.
 */
export function subtractFixed(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aSteps: usize,
  b: usize,
  bSteps: usize,
  c: usize,
  ldc: i32,
): void {
  const stride = bytesOf(ldc);
  const cuts = <usize>lengths(k);
  let ahead = c + <usize>m * stride;
  for (let start = 0; start < k; start += LENGTH) {
    const pairs = min(LENGTH, k - start) >> 1;
    let right = b;
    let column = bSteps;
    for (let j = 0; j < n; j += NR) {
      const s0 = v128.load(column);
      const s1 = v128.load(column, 16);
      if (!(isZero(s0) && isZero(s1))) {
        let left = a;
        let row = aSteps;
        let to = at32(c, j);
        for (let i = 0; i < m; i += MR) {
          const s = v128.load(row);
          load<i32>(ahead);
          ahead += 64;
          if (!isZero(s)) multiplyPairs(true, pairs, left, right, to, stride, s, s0, s1);
          left += (<usize>k) << 3;
          row += cuts << 4;
          to += stride << 2;
        }
      }
      right += (<usize>k) << 4;
      column += cuts << 5;
    }
    a += (<usize>pairs) << 4;
    aSteps += 16;
    b += (<usize>pairs) << 5;
    bSteps += 32;
  }
}

// @ts-ignore: decorator
@inline
function isZero(steps: v128): bool {
  return i32x4.all_true(f32x4.eq(steps, f32x4.splat(LEAST_STEP)));
}

/**
 * The products of four rows of pairs with eight, interleaved in pairs in `a` and `b`. C (4 × 8, rows `stride` bytes
 * apart) becomes their sums (i32). If `scaled`, these times the steps of a's and b's rows are subtracted from C (f32)
 * instead. As micro in gemm.ts.
 */
// @ts-ignore: decorator
@inline
export function multiplyPairs(
  scaled: bool,
  pairs: i32,
  a: usize,
  b: usize,
  c: usize,
  stride: usize,
  steps: v128,
  s0: v128,
  s1: v128,
): void {
  let c00 = i32x4.splat(0),
    c01 = i32x4.splat(0);
  let c10 = i32x4.splat(0),
    c11 = i32x4.splat(0);
  let c20 = i32x4.splat(0),
    c21 = i32x4.splat(0);
  let c30 = i32x4.splat(0),
    c31 = i32x4.splat(0);
  a -= 16;
  b -= 32;
  const last = a + ((<usize>pairs) << 4);
  while (a != last) {
    a += 16;
    b += 32;
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<i32>(a);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x, b0));
    c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x, b1));
    x = v128.load_splat<i32>(a, 4);
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(x, b0));
    c11 = i32x4.add(c11, i32x4.dot_i16x8_s(x, b1));
    x = v128.load_splat<i32>(a, 8);
    c20 = i32x4.add(c20, i32x4.dot_i16x8_s(x, b0));
    c21 = i32x4.add(c21, i32x4.dot_i16x8_s(x, b1));
    x = v128.load_splat<i32>(a, 12);
    c30 = i32x4.add(c30, i32x4.dot_i16x8_s(x, b0));
    c31 = i32x4.add(c31, i32x4.dot_i16x8_s(x, b1));
  }
  if (scaled) {
    subtractScaled(c, v128.shuffle<f32>(steps, steps, 0, 0, 0, 0), s0, s1, c00, c01);
    subtractScaled(c + stride, v128.shuffle<f32>(steps, steps, 1, 1, 1, 1), s0, s1, c10, c11);
    subtractScaled(c + 2 * stride, v128.shuffle<f32>(steps, steps, 2, 2, 2, 2), s0, s1, c20, c21);
    subtractScaled(c + 3 * stride, v128.shuffle<f32>(steps, steps, 3, 3, 3, 3), s0, s1, c30, c31);
  } else {
    storePair(c, c00, c01);
    storePair(c + stride, c10, c11);
    storePair(c + 2 * stride, c20, c21);
    storePair(c + 3 * stride, c30, c31);
  }
}

// @ts-ignore: decorator
@inline
function subtractScaled(c: usize, aStep: v128, s0: v128, s1: v128, low: v128, high: v128): void {
  v128.store(c, f32x4.sub(v128.load(c), f32x4.mul(f32x4.convert_i32x4_s(low), f32x4.mul(aStep, s0))));
  v128.store(c, f32x4.sub(v128.load(c, 16), f32x4.mul(f32x4.convert_i32x4_s(high), f32x4.mul(aStep, s1))), 16);
}

// @ts-ignore: decorator
@inline
function storePair(c: usize, low: v128, high: v128): void {
  v128.store(c, low);
  v128.store(c, high, 16);
}
