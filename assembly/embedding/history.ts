import { at32, f32At, i32At, setF32, setI32 } from '../core/arrays';
import { Csr, rowBegin, rowEnd } from '../core/csr';

/**
 * X̂ = Normalize(X B) for a batch of users: row r is Σ_{i ∈ x_users[r]} B_i divided by its sum; an empty sum gives an
 * empty row.
 *
 * @param count users of the batch
 * @param users count × i32, rows of X
 * @param x X (users × items), a pattern
 * @param b B (items × n), positive values
 * @param dense n × f32, zero before and after
 * @param out X̂ (count × n), columns in order of first occurrence; room for Σ_b min(n, Σ_{i∈x} |B_i|) entries
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
    const user = i32At(users, r);
    const last = rowEnd(xIndptr, user);
    let sum: f64 = 0;
    for (let h = rowBegin(xIndptr, user); h < last; h++) {
      const row = i32At(xItems, h);
      const end = rowEnd(bIndptr, row);
      for (let e = rowBegin(bIndptr, row); e < end; e++) {
        const column = i32At(bIndices, e);
        const value = f32At(bValues, e);
        const cell = at32(dense, column);
        const old = load<f32>(cell);
        if (old == 0) setI32(outIndices, filled++, column);
        store<f32>(cell, old + value);
        sum += <f64>value;
      }
    }
    const scale = sum > 0 ? <f32>(1 / sum) : <f32>0;
    for (let e = start; e < filled; e++) {
      const cell = at32(dense, i32At(outIndices, e));
      setF32(outValues, e, load<f32>(cell) * scale);
      store<f32>(cell, 0);
    }
    store<i32>(at32(outIndptr, r), filled, 4);
  }
}
