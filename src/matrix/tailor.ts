import type { SparseMatrix } from './sparse.ts';

/**
 * The rows and columns of a global item × item matrix that belong to a market's items: `items` are global positions,
 * rising. Values are kept as they are; the columns of a row stay in order.
 */
export function tailor(matrix: SparseMatrix, items: Int32Array): SparseMatrix {
  const n = items.length;
  const local = new Int32Array(matrix.cols).fill(-1);
  for (let i = 0; i < n; i++) local[items[i]] = i;
  const indptr = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) {
    let kept = 0;
    for (let e = matrix.indptr[items[i]]; e < matrix.indptr[items[i] + 1]; e++)
      if (local[matrix.indices[e]] >= 0) kept++;
    indptr[i + 1] = indptr[i] + kept;
  }
  const indices = new Int32Array(indptr[n]);
  const values = new Float32Array(indptr[n]);
  let filled = 0;
  for (let i = 0; i < n; i++) {
    for (let e = matrix.indptr[items[i]]; e < matrix.indptr[items[i] + 1]; e++) {
      const column = local[matrix.indices[e]];
      if (column < 0) continue;
      indices[filled] = column;
      values[filled++] = matrix.values[e];
    }
  }
  return { rows: n, cols: n, indptr, indices, values };
}
