// Transpose of a matrix in compressed rows, by counting. Rows are read in ascending order, so the columns of the result
// are strictly increasing for any order of the input's.

import { at32, bytesOf, f32At, i32At, setF32, setI32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';

/**
 * Transposes a pattern.
 * @param rows of the input
 * @param cols columns of the input
 * @param indptr (rows + 1) × i32
 * @param indices indptr[rows] × i32
 * @param outIndptr (cols + 1) × i32, written
 * @param outIndices indptr[rows] × i32, written
 */
export function transposePattern(
  rows: i32,
  cols: i32,
  indptr: usize,
  indices: usize,
  outIndptr: usize,
  outIndices: usize,
): void {
  transpose(rows, cols, indptr, indices, 0, outIndptr, outIndices, 0);
}

/** As transposePattern, with values: indptr[rows] × f32 in `values` and in `outValues`. */
export function transposeMatrix(
  rows: i32,
  cols: i32,
  indptr: usize,
  indices: usize,
  values: usize,
  outIndptr: usize,
  outIndices: usize,
  outValues: usize,
): void {
  transpose(rows, cols, indptr, indices, values, outIndptr, outIndices, outValues);
}

// While scattering, outIndptr[c] is the next free place of column c. At the end that is the start of c + 1, so the
// array is shifted back by one.
function transpose(
  rows: i32,
  cols: i32,
  indptr: usize,
  indices: usize,
  values: usize,
  outIndptr: usize,
  outIndices: usize,
  outValues: usize,
): void {
  memory.fill(outIndptr, 0, (<usize>cols + 1) << 2);
  const end = rowBegin(indptr, rows);
  for (let p = 0; p < end; p++) {
    const count = at32(outIndptr, i32At(indices, p));
    store<i32>(count, load<i32>(count) + 1);
  }
  let sum = 0;
  for (let c = 0; c <= cols; c++) {
    const at = at32(outIndptr, c);
    const count = load<i32>(at);
    store<i32>(at, sum);
    sum += count;
  }
  for (let r = 0; r < rows; r++) {
    const stop = rowEnd(indptr, r);
    for (let p = rowBegin(indptr, r); p < stop; p++) {
      const next = at32(outIndptr, i32At(indices, p));
      const to = load<i32>(next);
      store<i32>(next, to + 1);
      setI32(outIndices, to, r);
      if (values != 0) setF32(outValues, to, f32At(values, p));
    }
  }
  memory.copy(outIndptr + 4, outIndptr, bytesOf(cols));
  store<i32>(outIndptr, 0);
}
