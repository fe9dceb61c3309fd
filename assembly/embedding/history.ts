/**
 * X̂ = Normalize(X B) for a batch of users: row b is Σ_{i ∈ x_users[b]} B_i divided by its sum; no rows where that is empty.
 *
 * users (count i32); X (indptr, items) and B (indptr, indices, positive values, n columns); dense (n f32, zero before and after);
 * out: outIndptr (count + 1), outIndices and outValues (room for Σ_b min(n, Σ_{i∈x} |B_i|)), columns in the order first met.
 */
export function historyRows(
  count: i32,
  users: usize,
  xIndptr: usize,
  xItems: usize,
  bIndptr: usize,
  bIndices: usize,
  bValues: usize,
  dense: usize,
  outIndptr: usize,
  outIndices: usize,
  outValues: usize,
): void {
  let filled = 0;
  store<i32>(outIndptr, 0);
  for (let b = 0; b < count; b++) {
    const start = filled;
    const user = xIndptr + ((<usize>load<i32>(users + ((<usize>b) << 2))) << 2);
    const last = load<i32>(user, 4);
    let sum: f64 = 0;
    for (let h = load<i32>(user); h < last; h++) {
      const row = bIndptr + ((<usize>load<i32>(xItems + ((<usize>h) << 2))) << 2);
      const rowEnd = load<i32>(row, 4);
      for (let e = load<i32>(row); e < rowEnd; e++) {
        const column = load<i32>(bIndices + ((<usize>e) << 2));
        const value = load<f32>(bValues + ((<usize>e) << 2));
        const cell = dense + ((<usize>column) << 2);
        const old = load<f32>(cell);
        if (old == 0) store<i32>(outIndices + ((filled++ as usize) << 2), column);
        store<f32>(cell, old + value);
        sum += <f64>value;
      }
    }
    const scale = sum > 0 ? <f32>(1 / sum) : <f32>0;
    for (let e = start; e < filled; e++) {
      const cell = dense + ((<usize>load<i32>(outIndices + ((<usize>e) << 2))) << 2);
      store<f32>(outValues + ((<usize>e) << 2), load<f32>(cell) * scale);
      store<f32>(cell, 0);
    }
    store<i32>(outIndptr + ((<usize>b) << 2), filled, 4);
  }
}
