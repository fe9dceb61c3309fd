import { at64, f64At, i32At, setF32, setI32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
/**
 * Row i of RP3β (Paudel et al., 2017) with α = 1: W_ij = Σ_u (1 / |x_i|) (1 / |x_u|) |x_j|^−β over the users u of both
 * items, without the diagonal, entries ≥ threshold only.
 *
 * itemIndptr/itemUsers: Xᵀ; userIndptr/userItems: X; columnScale (items f64): |x_j|^−β; dense (items f64, zero before
 * and after); columns (items i32) and values (items f32) are written, in the order first met.
 * @returns the number of entries written.
 */
export function rp3betaRow(
  item: i32,
  itemIndptr: usize,
  itemUsers: usize,
  userIndptr: usize,
  userItems: usize,
  columnScale: usize,
  threshold: f32,
  dense: usize,
  columns: usize,
  values: usize,
): i32 {
  const first = rowBegin(itemIndptr, item);
  const last = rowEnd(itemIndptr, item);
  let touched = 0;
  for (let e = first; e < last; e++) {
    const user = i32At(itemUsers, e);
    const start = rowBegin(userIndptr, user);
    const end = rowEnd(userIndptr, user);
    const share = 1 / (<f64>(last - first) * <f64>(end - start));
    for (let f = start; f < end; f++) {
      const column = i32At(userItems, f);
      if (column == item) continue;
      const cell = at64(dense, column);
      const old = load<f64>(cell);
      if (old == 0) setI32(columns, touched++, column);
      store<f64>(cell, old + share);
    }
  }
  let kept = 0;
  for (let t = 0; t < touched; t++) {
    const column = i32At(columns, t);
    const cell = at64(dense, column);
    const value = <f32>(load<f64>(cell) * f64At(columnScale, column));
    store<f64>(cell, 0);
    if (value < threshold) continue;
    setI32(columns, kept, column);
    setF32(values, kept++, value);
  }
  return kept;
}
