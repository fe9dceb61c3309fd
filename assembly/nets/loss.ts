// Losses of networks, and their gradients by the scores: f64 inside, rows in ascending order.

import { bytesOf, f32At, i32At, setF32 } from '../core/arrays';
import { Csr, rowBegin, rowEnd } from '../core/csr';
import { exp, exp4, log } from '../core/math';
import { sumLanes } from '../core/vector';

/**
 * Binary cross-entropy on logits, softplus(z) − y z, of samples whose first of every `each` is y = 1 and the others 0.
 * @param rows samples, beginning with a first one
 * @param each samples of an interaction
 * @param z rows × f32
 * @param scale factor of the gradient, 1 over the samples of the batch
 * @param dz rows × f32, becomes (σ(z) − y) · scale
 * @param totals 2 × f64: adds the loss and the number of samples
 */
export function crossEntropy(rows: i32, each: i32, z: usize, scale: f32, dz: usize, totals: usize): void {
  let loss = load<f64>(totals);
  for (let r = 0; r < rows; r++) {
    const x = <f64>f32At(z, r);
    const label: f64 = r % each == 0 ? 1 : 0;
    // e^−|x| does not overflow
    const e = exp(-abs<f64>(x));
    loss += max<f64>(x, 0) + log(1 + e) - label * x;
    const sigma = x >= 0 ? 1 / (1 + e) : e / (1 + e);
    setF32(dz, r, <f32>((sigma - label) * <f64>scale));
  }
  store<f64>(totals, loss);
  store<f64>(totals, load<f64>(totals, 8) + <f64>rows, 8);
}

/**
 * Multinomial log-likelihood of histories, −Σ_{i ∈ x_b} log softmax(s_b)_i. A user without items has neither loss nor
 * gradient. The sum of e^s adds every fourth item to one of four f32, then these as `sumLanes` does.
 * @param count users
 * @param users count × i32, rows of X
 * @param x the items of each user, a pattern
 * @param n items, at least 1
 * @param ld length of a row of scores, a multiple of 4
 * @param scores count × ld × f32, the first n of row b are s_b; becomes scale · (|x_b| softmax(s_b) − 1[x_b]), 0 after n
 * @param scale factor of the gradient, 1 over the users of the batch
 * @param totals 2 × f64: adds the loss and the number of users
 */
export function multinomial(
  count: i32,
  users: usize,
  x: Csr,
  n: i32,
  ld: i32,
  scores: usize,
  scale: f32,
  totals: usize,
): void {
  const indptr = x.indptr;
  const items = x.indices;
  const bytes = bytesOf(ld);
  let loss = load<f64>(totals);
  let counted = load<f64>(totals, 8);
  for (let b = 0; b < count; b++) {
    const user = i32At(users, b);
    const first = rowBegin(indptr, user);
    const last = rowEnd(indptr, user);
    for (let j = n; j < ld; j++) setF32(scores, j, <f32>-Infinity);
    let top = v128.load(scores);
    for (let c: usize = 16; c < bytes; c += 16) top = f32x4.max(top, v128.load(scores + c));
    const highest = max<f32>(
      max<f32>(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)),
      max<f32>(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)),
    );
    let own: f64 = 0;
    for (let h = first; h < last; h++) own += <f64>(f32At(scores, i32At(items, h)) - highest);
    const shift = f32x4.splat(highest);
    let sums = f32x4.splat(0);
    for (let c: usize = 0; c < bytes; c += 16) {
      const e = exp4(f32x4.sub(v128.load(scores + c), shift));
      v128.store(scores + c, e);
      sums = f32x4.add(sums, e);
    }
    // the padding holds e^−87, too small to change a sum of at least 1
    const sum = sumLanes(sums);
    const length = last - first;
    const factor = f32x4.splat((scale * <f32>length) / sum);
    for (let c: usize = 0; c < bytes; c += 16) v128.store(scores + c, f32x4.mul(v128.load(scores + c), factor));
    for (let j = n; j < ld; j++) setF32(scores, j, 0);
    for (let h = first; h < last; h++) {
      const item = i32At(items, h);
      setF32(scores, item, f32At(scores, item) - scale);
    }
    if (length > 0) {
      loss += <f64>length * log(<f64>sum) - own;
      counted += 1;
    }
    scores += bytes;
  }
  store<f64>(totals, loss);
  store<f64>(totals, counted, 8);
}
