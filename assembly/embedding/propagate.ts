// Sparse × dense products. The sum of each element of the output runs over its row's entries in order, so threads can
// take any ranges of rows. A transposed product is the same kernel on the transposed matrix.

import { at32, bytesOf } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { madd } from '../core/madd';
import { LINE_BYTES } from '../layout';

const LINE: usize = <usize>LINE_BYTES;

/**
 * Copies rows [begin, end) of X (n × d f32, d a multiple of 16) to panels of 16 columns: panel p is n × 16 f32 from out
 * + 64 n p on. The rows of a panel are contiguous, so the cache holds more of them than of the same columns of X.
 */
export function cutColumns(begin: i32, end: i32, n: i32, d: i32, x: usize, out: usize): void {
  const stride = bytesOf(d);
  for (let c: usize = 0; c < stride; c += LINE) {
    let from = x + <usize>begin * stride + c;
    let to = out + <usize>n * c + <usize>begin * LINE;
    const stop = out + <usize>n * c + <usize>end * LINE;
    for (; to < stop; to += LINE) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      v128.store(to, v128.load(from, 48), 48);
      from += stride;
    }
  }
}

/**
 * Y[r] = keep · X[r] + Σ_e values[e] · X[indices[e]] for the 16 columns of a panel. With keep = 1 and B this is the
 * propagation V = B V_init + V_init. With keep = 0 it is a plain product, and X may have more rows than Y.
 * @param begin first row
 * @param end the row after the last
 * @param indptr (end + 1) × i32
 * @param indices indptr[end] × i32
 * @param values indptr[end] × f32
 * @param x rows of the panel, 16 f32 each
 * @param y rows of 16 f32, `stride` bytes apart; must not overlap x
 * @param stride see `y`
 * @param keep 0 or 1
 */
export function propagate(
  begin: i32,
  end: i32,
  indptr: usize,
  indices: usize,
  values: usize,
  x: usize,
  y: usize,
  stride: u32,
  keep: f32,
): void {
  const toValue = values - indices;
  for (let r = begin; r < end; r++) {
    const last = at32(indices, rowEnd(indptr, r));
    const out = y + <usize>r * stride;
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    if (keep != 0) {
      const own = x + <usize>r * LINE;
      const k = f32x4.splat(keep);
      a0 = f32x4.mul(k, v128.load(own));
      a1 = f32x4.mul(k, v128.load(own, 16));
      a2 = f32x4.mul(k, v128.load(own, 32));
      a3 = f32x4.mul(k, v128.load(own, 48));
    }
    for (let e = at32(indices, rowBegin(indptr, r)); e < last; e += 4) {
      const w = v128.load32_splat(e + toValue);
      const row = x + <usize>load<i32>(e) * LINE;
      a0 = madd(a0, w, v128.load(row));
      a1 = madd(a1, w, v128.load(row, 16));
      a2 = madd(a2, w, v128.load(row, 32));
      a3 = madd(a3, w, v128.load(row, 48));
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
  }
}

/** Divides each row's values by their sum, summed in order. A row whose sum is not above 0 stays unchanged. */
export function normaliseRows(rows: i32, indptr: usize, values: usize): void {
  for (let r = 0; r < rows; r++) {
    const first = at32(values, rowBegin(indptr, r));
    const last = at32(values, rowEnd(indptr, r));
    let sum: f64 = 0;
    for (let e = first; e < last; e += 4) sum += <f64>load<f32>(e);
    if (!(sum > 0)) continue;
    const scale = 1 / sum;
    for (let e = first; e < last; e += 4) store<f32>(e, <f32>(<f64>load<f32>(e) * scale));
  }
}
