import { at32, bytesOf, f32At, i32At, setF32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { exp4, log } from '../core/math';
import { sumLanes } from '../core/vector';

/**
 * Loss and gradient of the softmax over all n items of a market, for a batch of users:
 *
 *   L = −Σ_b (1 / |x_b|) Σ_{j ∈ x_b} log softmax(s_b)_j
 *
 * A user without items has no loss.
 * @param count users of the batch
 * @param users count × i32, rows of X
 * @param xIndptr X: (users + 1) × i32
 * @param xItems X: the items of each user, i32
 * @param n items
 * @param ld length of a row of scores, a multiple of 4
 * @param scores count × ld × f32, the first n of row b are s_b; becomes dL/ds, 0 after the first n
 * @param totals 2 × f64: adds the loss and the number of users
 */
export function softmax(
  count: i32,
  users: usize,
  xIndptr: usize,
  xItems: usize,
  n: i32,
  ld: i32,
  scores: usize,
  totals: usize,
): void {
  let loss = load<f64>(totals);
  let counted = load<f64>(totals, 8);
  const end = bytesOf(ld);
  for (let b = 0; b < count; b++) {
    const user = i32At(users, b);
    const first = rowBegin(xIndptr, user);
    const last = rowEnd(xIndptr, user);
    for (let j = n; j < ld; j++) setF32(scores, j, <f32>-Infinity);
    let top = f32x4.splat(<f32>-Infinity);
    for (let c: usize = 0; c < end; c += 16) top = f32x4.max(top, v128.load(scores + c));
    const highest = max<f32>(
      max<f32>(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)),
      max<f32>(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)),
    );
    const shift = f32x4.splat(highest);
    let own: f64 = 0;
    for (let h = first; h < last; h++) own += <f64>(f32At(scores, i32At(xItems, h)) - highest);
    let sums = f32x4.splat(0);
    for (let c: usize = 0; c < end; c += 16) {
      const e = exp4(f32x4.sub(v128.load(scores + c), shift));
      v128.store(scores + c, e);
      sums = f32x4.add(sums, e);
    }
    // the padding lanes hold e^−87, too small to change an f32 sum of n ≥ 1 lanes
    const sum = sumLanes(sums);
    const items = last - first;
    const scale = f32x4.splat(items > 0 ? <f32>1 / sum : <f32>0);
    for (let c: usize = 0; c < end; c += 16) v128.store(scores + c, f32x4.mul(v128.load(scores + c), scale));
    for (let j = n; j < ld; j++) setF32(scores, j, <f32>0);
    if (items > 0) {
      const share = <f32>1 / <f32>items;
      for (let h = first; h < last; h++) {
        const at = at32(scores, i32At(xItems, h));
        store<f32>(at, load<f32>(at) - share);
      }
      loss += log(<f64>sum) - own / <f64>items;
      counted += 1;
    }
    scores += end;
  }
  store<f64>(totals, loss);
  store<f64>(totals, counted, 8);
}
