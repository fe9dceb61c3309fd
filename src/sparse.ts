/**
 * A sparse matrix in compressed rows, held on the host.
 * `indices[indptr[r] .. indptr[r + 1])` are the columns of row r, strictly increasing.
 */
export interface SparsePattern {
  rows: number;
  cols: number;
  /** (rows + 1), starts at 0, never falls. */
  indptr: Int32Array;
  /** (indptr[rows]) */
  indices: Int32Array;
}

/** As SparsePattern, with a value per entry. */
export interface SparseMatrix extends SparsePattern {
  /** (indptr[rows]) */
  values: Float32Array;
}
