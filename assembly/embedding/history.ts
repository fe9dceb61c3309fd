import { Csr } from '../core/csr';

/**
 * X̂ = Normalize(X B) for a batch of users: row r is Σ_{i ∈ x_users[r]} B_i divided by its sum; no rows where that is empty.
 *
 * @param count users of the batch
 * @param users count × i32, rows of X
 * @param x X (users × items), a pattern
 * @param b B (items × n), positive values
 * @param dense n × f32, zero before and after
 * @param out X̂ (count × n), columns in the order first met; room for Σ_b min(n, Σ_{i∈x} |B_i|) entries
 */
export function historyRows(count: i32, users: usize, x: Csr, b: Csr, dense: usize, out: Csr): void {
  const xIndptr = x.indptr;
  const xItems = x.indices;
  const bIndptr = b.indptr;
  const bIndices = b.indices;
  const bValues = b.values;
  const outIndptr = out.indptr;
  const outIndices = out.indices;
  const outValues = out.values;
  let filled = 0;
  store<i32>(outIndptr, 0);
  for (let r = 0; r < count; r++) {
    const start = filled;
    const user = xIndptr + ((<usize>load<i32>(users + ((<usize>r) << 2))) << 2);
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
    store<i32>(outIndptr + ((<usize>r) << 2), filled, 4);
  }
}
