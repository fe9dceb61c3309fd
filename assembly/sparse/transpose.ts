// Transpose of a matrix in compressed rows, by counting. Rows are read in ascending order, so the columns of the
// result are strictly increasing whatever order the input's were in.

/**
 * Transposes a pattern (rows × cols): indptr (rows + 1) i32, indices (indptr[rows]) i32 → outIndptr (cols + 1) i32,
 * outIndices (indptr[rows]) i32.
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

/** As transposePattern, with values and outValues (indptr[rows]) f32. */
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

// While it scatters, outIndptr[c] is the next free place of column c; at the end that is where c + 1 starts, so the
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
  const end = load<i32>(indptr + ((<usize>rows) << 2));
  for (let p = 0; p < end; p++) {
    const count = outIndptr + ((<usize>load<i32>(indices + ((<usize>p) << 2))) << 2);
    store<i32>(count, load<i32>(count) + 1);
  }
  let sum = 0;
  for (let c = 0; c <= cols; c++) {
    const at = outIndptr + ((<usize>c) << 2);
    const count = load<i32>(at);
    store<i32>(at, sum);
    sum += count;
  }
  for (let r = 0; r < rows; r++) {
    const stop = load<i32>(indptr + ((<usize>r) << 2), 4);
    for (let p = load<i32>(indptr + ((<usize>r) << 2)); p < stop; p++) {
      const next = outIndptr + ((<usize>load<i32>(indices + ((<usize>p) << 2))) << 2);
      const to = load<i32>(next);
      store<i32>(next, to + 1);
      store<i32>(outIndices + ((<usize>to) << 2), r);
      if (values != 0) store<f32>(outValues + ((<usize>to) << 2), load<f32>(values + ((<usize>p) << 2)));
    }
  }
  memory.copy(outIndptr + 4, outIndptr, (<usize>cols) << 2);
  store<i32>(outIndptr, 0);
}
