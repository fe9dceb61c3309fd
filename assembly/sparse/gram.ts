// Sparse Gram matrix G = XᵀX of a binary X: G_ij is the number of rows that have both i and j. Row i is gathered from
// the rows of X that hold i. Two passes: the host allocates between count and fill.

/**
 * counts (cols × i32) gets the number of entries of each row of G, the diagonal included.
 * X (rows × cols) as indptr, indices and Xᵀ as columnIndptr, columnIndices: i32, no duplicates. seen: cols × i32 of scratch.
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
  memory.fill(seen, 0, (<usize>cols) << 2);
  for (let i = 0; i < cols; i++) {
    let count = 0;
    const stop = load<i32>(columnIndptr + ((<usize>i) << 2), 4);
    for (let p = load<i32>(columnIndptr + ((<usize>i) << 2)); p < stop; p++) {
      const row = indptr + ((<usize>load<i32>(columnIndices + ((<usize>p) << 2))) << 2);
      const end = load<i32>(row, 4);
      for (let q = load<i32>(row); q < end; q++) {
        const mark = seen + ((<usize>load<i32>(indices + ((<usize>q) << 2))) << 2);
        if (load<i32>(mark) == i + 1) continue;
        store<i32>(mark, i + 1);
        count++;
      }
    }
    store<i32>(counts + ((<usize>i) << 2), count);
  }
}

/**
 * Fills G's outIndices (i32) and outValues (f32), (outIndptr[cols]) each; columns strictly increasing.
 * Arguments as in gramCount; outIndptr (cols + 1) holds the running sum of the counts, and is as it was at the end.
 * scratch: 3 × cols × i32.
 *
 * Nothing is sorted: G is symmetric, so column i is row i, and written in ascending i its entries arrive in every
 * row in ascending order.
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
  const length = (<usize>cols) << 2;
  const counts = scratch;
  const touched = scratch + length;
  const cursors = touched + length;
  memory.fill(counts, 0, length);
  memory.copy(cursors, outIndptr, length);
  for (let i = 0; i < cols; i++) {
    let reach = touched;
    const stop = load<i32>(columnIndptr + ((<usize>i) << 2), 4);
    for (let p = load<i32>(columnIndptr + ((<usize>i) << 2)); p < stop; p++) {
      const row = indptr + ((<usize>load<i32>(columnIndices + ((<usize>p) << 2))) << 2);
      const end = load<i32>(row, 4);
      for (let q = load<i32>(row); q < end; q++) {
        const j = load<i32>(indices + ((<usize>q) << 2));
        const count = load<i32>(counts + ((<usize>j) << 2));
        if (count == 0) {
          store<i32>(reach, j);
          reach += 4;
        }
        store<i32>(counts + ((<usize>j) << 2), count + 1);
      }
    }
    for (let each = touched; each < reach; each += 4) {
      const j = (<usize>load<i32>(each)) << 2;
      const at = (<usize>load<i32>(cursors + j)) << 2;
      store<i32>(cursors + j, load<i32>(cursors + j) + 1);
      store<i32>(outIndices + at, i);
      store<f32>(outValues + at, <f32>load<i32>(counts + j));
      store<i32>(counts + j, 0);
    }
  }
}
