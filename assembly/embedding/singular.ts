// The products of singular vectors: Y = diag(w)^½ X diag(s) for a pattern X (users × items), of which only X, w and s
// are kept.

import { bytesOf, f32At, i32At } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { madd } from '../core/madd';
import { LINE_BYTES } from '../layout';

const LINE: usize = <usize>LINE_BYTES;

/**
 * Z += Yᵀ Y Q for a panel of 16 columns: the items of each user are summed, and the sum is added to each of them. Users
 * and their items in order, so a panel is the same whichever thread takes it; one rounding per product and one per sum.
 * @param users number of users
 * @param indptr (users + 1) × i32
 * @param indices indptr[users] × i32, the items of each user
 * @param weights w: users × f32
 * @param scales s: items × f32
 * @param q the panel of Q, items × 16 f32 (cutColumns)
 * @param z the panel of Z, likewise; must not overlap q
 */
export function addGramProduct(
  users: i32,
  indptr: usize,
  indices: usize,
  weights: usize,
  scales: usize,
  q: usize,
  z: usize,
): void {
  for (let u = 0; u < users; u++) {
    const begin = rowBegin(indptr, u);
    const end = rowEnd(indptr, u);
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    for (let e = begin; e < end; e++) {
      const item = i32At(indices, e);
      const s = f32x4.splat(f32At(scales, item));
      const row = q + <usize>item * LINE;
      a0 = madd(a0, s, v128.load(row));
      a1 = madd(a1, s, v128.load(row, 16));
      a2 = madd(a2, s, v128.load(row, 32));
      a3 = madd(a3, s, v128.load(row, 48));
    }
    const w = f32x4.splat(f32At(weights, u));
    a0 = f32x4.mul(w, a0);
    a1 = f32x4.mul(w, a1);
    a2 = f32x4.mul(w, a2);
    a3 = f32x4.mul(w, a3);
    for (let e = begin; e < end; e++) {
      const item = i32At(indices, e);
      const s = f32x4.splat(f32At(scales, item));
      const row = z + <usize>item * LINE;
      v128.store(row, madd(v128.load(row), s, a0));
      v128.store(row, madd(v128.load(row, 16), s, a1), 16);
      v128.store(row, madd(v128.load(row, 32), s, a2), 32);
      v128.store(row, madd(v128.load(row, 48), s, a3), 48);
    }
  }
}

/** What cutColumns does, back: rows [begin, end) of X (n × d) from panels of 16 columns. */
export function joinPanels(begin: i32, end: i32, n: i32, d: i32, panels: usize, out: usize): void {
  const stride = bytesOf(d);
  for (let c: usize = 0; c < stride; c += LINE) {
    let from = panels + <usize>n * c + <usize>begin * LINE;
    const stop = panels + <usize>n * c + <usize>end * LINE;
    let to = out + <usize>begin * stride + c;
    for (; from < stop; from += LINE) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      v128.store(to, v128.load(from, 48), 48);
      to += stride;
    }
  }
}
