// P3α (Cooper et al., 2014) and RP3β (Paudel et al., 2017): W_ij = Σ_u |x_i|^−α |x_u|^−α |x_j|^−β over the users u of both
// items, without the diagonal, entries ≥ threshold only. Order: of an entry, in f64, the users of i in ascending order,
// each 1 / (|x_i|^α |x_u|^α); then times the scale, one rounding to f32.
import { at32, at64, f64At, i32At, setF32, setI32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { Struct } from '../core/struct';

/** X both ways and what the columns are scaled by. */
@unmanaged
export class ThreeSteps extends Struct {
  /** Xᵀ: (items + 1) × i32, and the users of each item, ascending */
  itemIndptr: usize;
  itemUsers: usize;
  /** X: (users + 1) × i32, and the items of each user */
  userIndptr: usize;
  userItems: usize;
  /** items × f64: |x_i|^α */
  itemDivisor: usize;
  /** users × f64: |x_u|^α */
  userDivisor: usize;
  /** items × f64: |x_j|^−β */
  columnScale: usize;
  threshold: f32;
}

/**
 * Rows [first, last) of W, one after another, each in the order in which its columns were first met.
 *
 * @param dense items × f64, zero before and after
 * @param touched items × i32 of scratch
 * @param ends (last − first) × i32: where each row ends
 * @param columns i32, @param values f32: room for all entries, of which a row has
 * 1 + max |x_j|^−β / threshold at most
 */
export function rp3betaRows(
  x: ThreeSteps,
  first: i32,
  last: i32,
  dense: usize,
  touched: usize,
  ends: usize,
  columns: usize,
  values: usize,
): void {
  const userIndptr = x.userIndptr;
  const userItems = x.userItems;
  const columnScale = x.columnScale;
  const threshold = x.threshold;
  let kept = 0;
  for (let item = first; item < last; item++) {
    const stop = rowEnd(x.itemIndptr, item);
    const begin = rowBegin(x.itemIndptr, item);
    const own = f64At(x.itemDivisor, item);
    let count = 0;
    for (let e = begin; e < stop; e++) {
      const user = i32At(x.itemUsers, e);
      const start = rowBegin(userIndptr, user);
      const end = rowEnd(userIndptr, user);
      const share = 1 / (own * f64At(x.userDivisor, user));
      for (let f = start; f < end; f++) {
        const column = i32At(userItems, f);
        if (column == item) continue;
        const cell = at64(dense, column);
        const old = load<f64>(cell);
        if (old == 0) setI32(touched, count++, column);
        store<f64>(cell, old + share);
      }
    }
    for (let t = 0; t < count; t++) {
      const column = i32At(touched, t);
      const cell = at64(dense, column);
      const value = <f32>(load<f64>(cell) * f64At(columnScale, column));
      store<f64>(cell, 0);
      if (value < threshold) continue;
      setI32(columns, kept, column);
      setF32(values, kept++, value);
    }
    store<i32>(at32(ends, item - first), kept);
  }
}
