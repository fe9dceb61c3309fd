// Sparse Gram matrix G = XᵀX of a binary X: G_ij is the number of rows that have both i and j. Row i is gathered from
// the rows of X that hold i. Two passes: the host allocates between count and fill.

import { at32, bytesOf, i32At, setI32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';

/**
 * Counts the entries of each row of G, the diagonal included.
 * @param cols columns of X
 * @param indptr, indices X (rows × cols), i32, without duplicates
 * @param columnIndptr, columnIndices Xᵀ, i32
 * @param seen cols × i32 of scratch
 * @param counts cols × i32, written
 */
export function gramCount(
  cols: i32,
  indptr: usize,
  indices: usize,
  columnIndptr: usize,
  columnIndices: usize,
  seen: usize,
  counts: usize,
): void {
  memory.fill(seen, 0, bytesOf(cols));
  for (let i = 0; i < cols; i++) {
    let count = 0;
    const stop = rowEnd(columnIndptr, i);
    for (let p = rowBegin(columnIndptr, i); p < stop; p++) {
      const row = i32At(columnIndices, p);
      const end = rowEnd(indptr, row);
      for (let q = rowBegin(indptr, row); q < end; q++) {
        const mark = at32(seen, i32At(indices, q));
        if (load<i32>(mark) == i + 1) continue;
        store<i32>(mark, i + 1);
        count++;
      }
    }
    setI32(counts, i, count);
  }
}

/**
 * Fills in G, columns strictly increasing. Other arguments as in gramCount.
 * @param scratch 3 × cols × i32
 * @param outIndptr (cols + 1) × i32, the running sum of the counts; unchanged at the end
 * @param outIndices outIndptr[cols] × i32, written
 * @param outValues outIndptr[cols] × f32, written
 */
export function gramFill(
  cols: i32,
  indptr: usize,
  indices: usize,
  columnIndptr: usize,
  columnIndices: usize,
  scratch: usize,
  outIndptr: usize,
  outIndices: usize,
  outValues: usize,
): void {
  const length = bytesOf(cols);
  const counts = scratch;
  const touched = scratch + length;
  const cursors = touched + length;
  memory.fill(counts, 0, length);
  memory.copy(cursors, outIndptr, length);
  for (let i = 0; i < cols; i++) {
    let reach = touched;
    const stop = rowEnd(columnIndptr, i);
    for (let p = rowBegin(columnIndptr, i); p < stop; p++) {
      const row = i32At(columnIndices, p);
      const end = rowEnd(indptr, row);
      for (let q = rowBegin(indptr, row); q < end; q++) {
        const j = i32At(indices, q);
        const count = i32At(counts, j);
        if (count == 0) {
          store<i32>(reach, j);
          reach += 4;
        }
        setI32(counts, j, count + 1);
      }
    }
    for (let each = touched; each < reach; each += 4) {
      const j = bytesOf(load<i32>(each));
      const at = bytesOf(load<i32>(cursors + j));
      store<i32>(cursors + j, load<i32>(cursors + j) + 1);
      store<i32>(outIndices + at, i);
      store<f32>(outValues + at, <f32>load<i32>(counts + j));
      store<i32>(counts + j, 0);
    }
  }
}
