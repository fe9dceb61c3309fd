// Sparse × dense products: the sum of each element of the output runs over its row's entries in order, so rows can be cut
// between threads anywhere. A transposed product is the same kernel on the transposed matrix.

import { madd } from './madd';

/**
 * Y[r] = keep · X[r] + Σ_e values[e] · X[indices[e]] for r in [begin, end).
 *
 * indptr (end + 1) i32, indices and values (indptr[end]); X and Y rows of d f32, d a multiple of 4; X ≠ Y.
 * With keep = 1 and B this is the propagation V = B V_init + V_init; with keep = 0 a plain product (X may then have
 * more rows than Y).
 */
export function propagate(begin: i32, end: i32, indptr: usize, indices: usize, values: usize, x: usize, d: i32, y: usize, keep: f32): void {
  const stride = (<usize>d) << 2;
  const wide = stride & ~127;
  const toValue = values - indices;
  // 32 columns of all rows before the next 32: a quarter of a table of d = 128 is met again in a cache, the whole would not be
  for (let c: usize = 0; c < wide; c += 128) {
    for (let r = begin; r < end; r++) {
      const first = indices + ((<usize>load<i32>(indptr + ((<usize>r) << 2))) << 2);
      const last = indices + ((<usize>load<i32>(indptr + ((<usize>r) << 2), 4)) << 2);
      const own = x + <usize>r * stride;
      const out = y + <usize>r * stride;
      // eight accumulators of four lanes
      let a0 = f32x4.splat(0);
      let a1 = f32x4.splat(0);
      let a2 = f32x4.splat(0);
      let a3 = f32x4.splat(0);
      let a4 = f32x4.splat(0);
      let a5 = f32x4.splat(0);
      let a6 = f32x4.splat(0);
      let a7 = f32x4.splat(0);
      if (keep != 0) {
        const k = f32x4.splat(keep);
        a0 = f32x4.mul(k, v128.load(own + c));
        a1 = f32x4.mul(k, v128.load(own + c, 16));
        a2 = f32x4.mul(k, v128.load(own + c, 32));
        a3 = f32x4.mul(k, v128.load(own + c, 48));
        a4 = f32x4.mul(k, v128.load(own + c, 64));
        a5 = f32x4.mul(k, v128.load(own + c, 80));
        a6 = f32x4.mul(k, v128.load(own + c, 96));
        a7 = f32x4.mul(k, v128.load(own + c, 112));
      }
      for (let e = first; e < last; e += 4) {
        const w = v128.load32_splat(e + toValue);
        const row = x + <usize>load<i32>(e) * stride + c;
        a0 = madd(a0, w, v128.load(row));
        a1 = madd(a1, w, v128.load(row, 16));
        a2 = madd(a2, w, v128.load(row, 32));
        a3 = madd(a3, w, v128.load(row, 48));
        a4 = madd(a4, w, v128.load(row, 64));
        a5 = madd(a5, w, v128.load(row, 80));
        a6 = madd(a6, w, v128.load(row, 96));
        a7 = madd(a7, w, v128.load(row, 112));
      }
      v128.store(out + c, a0);
      v128.store(out + c, a1, 16);
      v128.store(out + c, a2, 32);
      v128.store(out + c, a3, 48);
      v128.store(out + c, a4, 64);
      v128.store(out + c, a5, 80);
      v128.store(out + c, a6, 96);
      v128.store(out + c, a7, 112);
    }
  }
  for (let r = begin; r < end && wide < stride; r++) {
    const first = indices + ((<usize>load<i32>(indptr + ((<usize>r) << 2))) << 2);
    const last = indices + ((<usize>load<i32>(indptr + ((<usize>r) << 2), 4)) << 2);
    const own = x + <usize>r * stride;
    const out = y + <usize>r * stride;
    for (let c = wide; c < stride; c += 16) {
      let a = f32x4.splat(0);
      if (keep != 0) a = f32x4.mul(f32x4.splat(keep), v128.load(own + c));
      for (let e = first; e < last; e += 4) {
        a = madd(a, v128.load32_splat(e + toValue), v128.load(x + <usize>load<i32>(e) * stride + c));
      }
      v128.store(out + c, a);
    }
  }
}

/** Each row's values are divided by their sum, summed in order; a row whose sum is not above 0 is left as it is. */
export function normaliseRows(rows: i32, indptr: usize, values: usize): void {
  for (let r = 0; r < rows; r++) {
    const first = values + ((<usize>load<i32>(indptr + ((<usize>r) << 2))) << 2);
    const last = values + ((<usize>load<i32>(indptr + ((<usize>r) << 2), 4)) << 2);
    let sum: f64 = 0;
    for (let e = first; e < last; e += 4) sum += <f64>load<f32>(e);
    if (!(sum > 0)) continue;
    const scale = 1 / sum;
    for (let e = first; e < last; e += 4) store<f32>(e, <f32>(<f64>load<f32>(e) * scale));
  }
}
