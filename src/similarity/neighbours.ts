// Similarities of items by the users that they share, from G = XᵀX.
import type { SparseMatrix } from '../matrix/sparse.ts';

/** G_ij / (√(G_ii G_jj) + h), without the diagonal: in f64, one rounding to f32. */
export const cosines = (gram: SparseMatrix, shrinkage: number) =>
  scaled(gram, (shared, own, other) => shared / (Math.sqrt(own * other) + shrinkage));

/** G_ij / (G_ii + G_jj − G_ij + h), without the diagonal: in f64, one rounding to f32. */
export const jaccards = (gram: SparseMatrix, shrinkage: number) =>
  scaled(gram, (shared, own, other) => shared / (own + other - shared + shrinkage));

/** @param scale of G_ij, G_ii and G_jj, none of which is 0 */
function scaled(
  { rows, cols, indptr, indices, values }: SparseMatrix,
  scale: (shared: number, own: number, other: number) => number,
): SparseMatrix {
  const users = new Float64Array(rows);
  for (let i = 0; i < rows; i++)
    for (let e = indptr[i]; e < indptr[i + 1]; e++) if (indices[e] === i) users[i] = values[e];
  const kept: SparseMatrix = {
    rows,
    cols,
    indptr: new Int32Array(rows + 1),
    indices: new Int32Array(indices.length),
    values: new Float32Array(indices.length),
  };
  let filled = 0;
  for (let i = 0; i < rows; i++) {
    for (let e = indptr[i]; e < indptr[i + 1]; e++) {
      const j = indices[e];
      if (j === i) continue;
      kept.indices[filled] = j;
      kept.values[filled++] = scale(values[e], users[i], users[j]);
    }
    kept.indptr[i + 1] = filled;
  }
  return { ...kept, indices: kept.indices.slice(0, filled), values: kept.values.slice(0, filled) };
}
