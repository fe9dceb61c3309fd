// The pairs inside one walk (skipgram.ts). The rows of V and V̄ of its positions are in L1. The errors of the pairs are
// in a band: row t holds those of centre t by the distance of the other position; cell `middle` is distance 0.
import { at32, bytesOf } from '../core/arrays';
import { madd } from '../core/madd';
import { sigmoid4 } from '../core/math';
import { sumLanes4 } from '../core/vector';

/**
 * Writes the scores of all pairs at most `reach` apart to the band, and of some farther ones: it takes two centres and
 * four targets at a time. own, around: the rows of V and V̄ of the walk's positions, `stride` bytes each.
 */
// @ts-ignore: decorator
@inline
export function scoreWindow(
  length: i32,
  reach: i32,
  middle: i32,
  width: i32,
  stride: usize,
  own: usize,
  around: usize,
  band: usize,
): void {
  for (let t = 0; t < length; t += 2) {
    const to = min<i32>(length - 1, t + 1 + reach);
    const x0 = own + <usize>t * stride;
    const x1 = x0 + stride;
    for (let s = max<i32>(0, t - reach); s <= to; s += 4) {
      const r0 = around + <usize>s * stride;
      const r1 = r0 + stride;
      const r2 = r1 + stride;
      const r3 = r2 + stride;
      let a0 = f32x4.splat(0);
      let a1 = f32x4.splat(0);
      let a2 = f32x4.splat(0);
      let a3 = f32x4.splat(0);
      let b0 = f32x4.splat(0);
      let b1 = f32x4.splat(0);
      let b2 = f32x4.splat(0);
      let b3 = f32x4.splat(0);
      for (let c: usize = 0; c < stride; c += 16) {
        const x = v128.load(x0 + c);
        const y = v128.load(x1 + c);
        const s0 = v128.load(r0 + c);
        a0 = madd(a0, x, s0);
        b0 = madd(b0, y, s0);
        const s1 = v128.load(r1 + c);
        a1 = madd(a1, x, s1);
        b1 = madd(b1, y, s1);
        const s2 = v128.load(r2 + c);
        a2 = madd(a2, x, s2);
        b2 = madd(b2, y, s2);
        const s3 = v128.load(r3 + c);
        a3 = madd(a3, x, s3);
        b3 = madd(b3, y, s3);
      }
      const cell = at32(band, t * width + s - t + middle);
      v128.store(cell, sumLanes4(a0, a1, a2, a3));
      v128.store(at32(cell, width - 1), sumLanes4(b0, b1, b2, b3));
    }
  }
}

/**
 * Replaces a row of the band: the scores of its pairs, in cells [from, to] except `middle`, become the errors 1 − σ,
 * and all other cells 0. Returns the product of σ over the pairs, none below 1e-7: that of each cell mod 4 in order,
 * then (0 · 2) · (1 · 3).
 */
// @ts-ignore: decorator
@inline
export function errorsOf(row: usize, from: i32, to: i32, middle: i32, width: i32): f64 {
  const one = f32x4.splat(1.0);
  const lanes = i32x4(0, 1, 2, 3);
  let product0 = f64x2.splat(1);
  let product1 = f64x2.splat(1);
  const begins = from & ~3;
  for (let c = 0; c < begins; c += 4) v128.store(at32(row, c), f32x4.splat(0));
  for (let c = (to + 4) & ~3; c < width; c += 4) v128.store(at32(row, c), f32x4.splat(0));
  for (let c = begins; c <= to; c += 4) {
    const at = i32x4.add(i32x4.splat(c), lanes);
    const paired = v128.and(
      v128.and(i32x4.ge_s(at, i32x4.splat(from)), i32x4.le_s(at, i32x4.splat(to))),
      i32x4.ne(at, i32x4.splat(middle)),
    );
    const cell = at32(row, c);
    const likely = v128.bitselect(sigmoid4(v128.load(cell)), one, paired);
    v128.store(cell, f32x4.sub(one, likely));
    const bounded = f32x4.max(likely, f32x4.splat(1e-7));
    product0 = f64x2.mul(product0, f64x2.promote_low_f32x4(bounded));
    product1 = f64x2.mul(product1, f64x2.promote_low_f32x4(v128.shuffle<i32>(bounded, bounded, 2, 3, 2, 3)));
  }
  const product = f64x2.mul(product0, product1);
  return f64x2.extract_lane(product, 0) * f64x2.extract_lane(product, 1);
}

/**
 * Adds to the gradients of v of four positions from t on those of their pairs as centres: position t + i reads error (t
 * + i, s). Past the last position errors are 0. centres: rows of gradients, which hold those of the negatives.
 */
// @ts-ignore: decorator
@inline
export function centreGradients(
  t: i32,
  from: i32,
  to: i32,
  rows: i32,
  middle: i32,
  width: i32,
  stride: usize,
  band: usize,
  around: usize,
  centres: usize,
): void {
  const diagonal = bytesOf(width - 1);
  const first = at32(band, t * width + from - t + middle);
  const out = centres + <usize>t * stride;
  for (let c: usize = 0; c < stride; c += 32) {
    let a0 = v128.load(out + c);
    let a1 = v128.load(out + c, 16);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    let d0 = f32x4.splat(0);
    let d1 = f32x4.splat(0);
    let at = out + stride + c;
    if (rows > 1) {
      b0 = v128.load(at);
      b1 = v128.load(at, 16);
    }
    at += stride;
    if (rows > 2) {
      c0 = v128.load(at);
      c1 = v128.load(at, 16);
    }
    at += stride;
    if (rows > 3) {
      d0 = v128.load(at);
      d1 = v128.load(at, 16);
    }
    let e0 = first;
    let y = around + <usize>from * stride + c;
    for (let s = from; s <= to; s++) {
      const y0 = v128.load(y);
      const y1 = v128.load(y, 16);
      let e = v128.load32_splat(e0);
      a0 = f32x4.sub(a0, f32x4.mul(e, y0));
      a1 = f32x4.sub(a1, f32x4.mul(e, y1));
      e = v128.load32_splat(e0 + diagonal);
      b0 = f32x4.sub(b0, f32x4.mul(e, y0));
      b1 = f32x4.sub(b1, f32x4.mul(e, y1));
      e = v128.load32_splat(e0 + 2 * diagonal);
      c0 = f32x4.sub(c0, f32x4.mul(e, y0));
      c1 = f32x4.sub(c1, f32x4.mul(e, y1));
      e = v128.load32_splat(e0 + 3 * diagonal);
      d0 = f32x4.sub(d0, f32x4.mul(e, y0));
      d1 = f32x4.sub(d1, f32x4.mul(e, y1));
      y += stride;
      e0 += 4;
    }
    storeRows(out + c, stride, rows, a0, a1, b0, b1, c0, c1, d0, d1);
  }
}

/** The gradients of v̄ of four positions from t on, as contexts of others: position t + i reads error (s, t + i). */
// @ts-ignore: decorator
@inline
export function contextGradients(
  t: i32,
  from: i32,
  to: i32,
  rows: i32,
  middle: i32,
  width: i32,
  stride: usize,
  band: usize,
  own: usize,
  contexts: usize,
): void {
  const diagonal = bytesOf(width - 1);
  const column = at32(band, from * width + t - from + middle);
  for (let c: usize = 0; c < stride; c += 32) {
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    let d0 = f32x4.splat(0);
    let d1 = f32x4.splat(0);
    let e0 = column;
    let y = own + <usize>from * stride + c;
    for (let s = from; s <= to; s++) {
      const y0 = v128.load(y);
      const y1 = v128.load(y, 16);
      let e = v128.load32_splat(e0);
      a0 = f32x4.sub(a0, f32x4.mul(e, y0));
      a1 = f32x4.sub(a1, f32x4.mul(e, y1));
      e = v128.load32_splat(e0, 4);
      b0 = f32x4.sub(b0, f32x4.mul(e, y0));
      b1 = f32x4.sub(b1, f32x4.mul(e, y1));
      e = v128.load32_splat(e0, 8);
      c0 = f32x4.sub(c0, f32x4.mul(e, y0));
      c1 = f32x4.sub(c1, f32x4.mul(e, y1));
      e = v128.load32_splat(e0, 12);
      d0 = f32x4.sub(d0, f32x4.mul(e, y0));
      d1 = f32x4.sub(d1, f32x4.mul(e, y1));
      y += stride;
      e0 += diagonal;
    }
    storeRows(contexts + <usize>t * stride + c, stride, rows, a0, a1, b0, b1, c0, c1, d0, d1);
  }
}

// @ts-ignore: decorator
@inline
function storeRows(
  out: usize,
  stride: usize,
  rows: i32,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
): void {
  v128.store(out, a0);
  v128.store(out, a1, 16);
  if (rows > 1) {
    v128.store(out + stride, b0);
    v128.store(out + stride, b1, 16);
  }
  if (rows > 2) {
    v128.store(out + 2 * stride, c0);
    v128.store(out + 2 * stride, c1, 16);
  }
  if (rows > 3) {
    v128.store(out + 3 * stride, d0);
    v128.store(out + 3 * stride, d1, 16);
  }
}
