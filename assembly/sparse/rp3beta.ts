/**
 * Row i of RP3β (Paudel et al., 2017) with α = 1: W_ij = Σ_u (1 / |x_i|) (1 / |x_u|) |x_j|^−β over the users u of both items,
 * without the diagonal, entries ≥ threshold only.
 *
 * itemIndptr/itemUsers: Xᵀ; userIndptr/userItems: X; columnScale (items f64): |x_j|^−β; dense (items f64, zero before and after);
 * columns (items i32) and values (items f32) are written, in the order first met.
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
  const first = load<i32>(itemIndptr + ((<usize>item) << 2));
  const last = load<i32>(itemIndptr + ((<usize>item) << 2), 4);
  let touched = 0;
  for (let e = first; e < last; e++) {
    const user = userIndptr + ((<usize>load<i32>(itemUsers + ((<usize>e) << 2))) << 2);
    const rowStart = load<i32>(user);
    const rowEnd = load<i32>(user, 4);
    const share = 1 / (<f64>(last - first) * <f64>(rowEnd - rowStart));
    for (let f = rowStart; f < rowEnd; f++) {
      const column = load<i32>(userItems + ((<usize>f) << 2));
      if (column == item) continue;
      const cell = dense + ((<usize>column) << 3);
      const old = load<f64>(cell);
      if (old == 0) store<i32>(columns + ((touched++ as usize) << 2), column);
      store<f64>(cell, old + share);
    }
  }
  let kept = 0;
  for (let t = 0; t < touched; t++) {
    const column = load<i32>(columns + ((<usize>t) << 2));
    const cell = dense + ((<usize>column) << 3);
    const value = <f32>(load<f64>(cell) * load<f64>(columnScale + ((<usize>column) << 3)));
    store<f64>(cell, 0);
    if (value < threshold) continue;
    store<i32>(columns + ((<usize>kept) << 2), column);
    store<f32>(values + ((kept++ as usize) << 2), value);
  }
  return kept;
}
