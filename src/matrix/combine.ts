import type { SparseMatrix } from './sparse.ts';

/** Σ_k weight_k · matrix_k of n × n matrices, columns of each row in order. */
export function combine(n: number, terms: { weight: number; matrix: SparseMatrix }[]): SparseMatrix {
  const sums = new Float64Array(n);
  const seen = new Uint8Array(n);
  const row = new Int32Array(n);
  const room = terms.reduce((sum, { matrix }) => sum + matrix.values.length, 0);
  const indptr = new Int32Array(n + 1);
  const indices = new Int32Array(room);
  const values = new Float32Array(room);
  let filled = 0;
  for (let i = 0; i < n; i++) {
    let length = 0;
    for (const { weight, matrix } of terms) {
      for (let e = matrix.indptr[i]; e < matrix.indptr[i + 1]; e++) {
        const column = matrix.indices[e];
        if (!seen[column]) {
          seen[column] = 1;
          row[length++] = column;
        }
        sums[column] += weight * matrix.values[e];
      }
    }
    for (const column of row.subarray(0, length).sort()) {
      indices[filled] = column;
      values[filled++] = sums[column];
      sums[column] = 0;
      seen[column] = 0;
    }
    indptr[i + 1] = filled;
  }
  return { rows: n, cols: n, indptr, indices: indices.slice(0, filled), values: values.slice(0, filled) };
}
