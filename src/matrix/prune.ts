import type { Kernels } from '../engine/types.ts';
import type { SparseMatrix } from './sparse.ts';
import { transpose } from './transpose.ts';

/** Of each row the `most` largest entries, of equal ones those of lower columns; and which entries these are. */
export function pruneRows(matrix: SparseMatrix, most: number): { matrix: SparseMatrix; entries: Int32Array } {
  const { rows, cols, indptr, indices, values } = matrix;
  const ends = new Int32Array(rows + 1);
  for (let r = 0; r < rows; r++) ends[r + 1] = ends[r] + Math.min(most, indptr[r + 1] - indptr[r]);
  const pruned: SparseMatrix = {
    rows,
    cols,
    indptr: ends,
    indices: new Int32Array(ends[rows]),
    values: new Float32Array(ends[rows]),
  };
  const all = new Int32Array(ends[rows]);
  for (let r = 0; r < rows; r++) {
    const entries = Int32Array.from({ length: indptr[r + 1] - indptr[r] }, (_, i) => indptr[r] + i);
    if (entries.length > most)
      entries
        .sort((a, b) => values[b] - values[a] || a - b)
        .subarray(0, most)
        .sort();
    for (let i = 0; i < ends[r + 1] - ends[r]; i++) {
      pruned.indices[ends[r] + i] = indices[entries[i]];
      pruned.values[ends[r] + i] = values[entries[i]];
      all[ends[r] + i] = entries[i];
    }
  }
  return { matrix: pruned, entries: all };
}

/**
 * Of each column the `most` largest entries, of equal ones those of lower rows.
 * @throws MemoryError if both transposes do not fit.
 */
export function pruneColumns(kernels: Kernels, matrix: SparseMatrix, most: number): SparseMatrix {
  return transpose(kernels, pruneRows(transpose(kernels, matrix), most).matrix);
}
