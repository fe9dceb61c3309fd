// Transpose in compressed rows. Peak memory: 16 bytes per entry (8 for a pattern) and 4 (rows + cols).
import type { Kernels } from '../engine/types.ts';
import type { SparseMatrix, SparsePattern } from './sparse.ts';

/**
 * The transpose (cols × rows) of X (rows × cols), columns strictly increasing; with values if X has them.
 *
 * @throws MemoryError if it does not fit.
 */
export function transpose(kernels: Kernels, X: SparseMatrix): SparseMatrix;
export function transpose(kernels: Kernels, X: SparsePattern): SparsePattern;
export function transpose(
  kernels: Kernels,
  X: SparsePattern & { values?: Float32Array },
): SparsePattern & { values?: Float32Array } {
  const { exports, memory } = kernels;
  const { rows, cols } = X;
  const entries = X.indptr[rows];
  const mark = memory.mark();
  try {
    const indptr = memory.put(X.indptr, 'transpose');
    const indices = memory.put(X.indices.subarray(0, entries), 'transpose');
    const outIndptr = memory.allocate(4 * (cols + 1), 'transpose');
    const outIndices = memory.allocate(4 * entries, 'transpose');
    const result = () => ({
      rows: cols,
      cols: rows,
      indptr: memory.i32(outIndptr, cols + 1).slice(),
      indices: memory.i32(outIndices, entries).slice(),
    });
    if (!X.values) {
      exports.transposePattern(rows, cols, indptr, indices, outIndptr, outIndices);
      return result();
    }
    const values = memory.put(X.values.subarray(0, entries), 'transpose');
    const outValues = memory.allocate(4 * entries, 'transpose');
    exports.transposeMatrix(rows, cols, indptr, indices, values, outIndptr, outIndices, outValues);
    return { ...result(), values: memory.f32(outValues, entries).slice() };
  } finally {
    memory.release(mark);
  }
}
