// Item co-occurrence: G = XᵀX. Peak memory: 8 bytes per entry of X, 8 per entry of G, 4 (rows + 5 · cols).
import { MemoryError } from '../common/errors.ts';
import type { Kernels } from '../engine/types.ts';
import type { SparseMatrix, SparsePattern } from './sparse.ts';
import { transpose } from './transpose.ts';

/** Positions in compressed rows are i32. */
const MAX_ENTRIES = 2 ** 31 - 1;

/** Linear memory, in bytes, that `gram` asks for besides the entries of G. */
export function gramBytes(X: SparsePattern): number {
  return 8 * X.indices.length + 4 * (X.rows + 5 * X.cols);
}

/**
 * G = XᵀX (cols × cols) of the binary X (rows × cols): G_ij counts the rows that have both i and j, and the diagonal
 * counts the rows that have i. Symmetric; columns strictly increasing; exact below 2²⁴.
 *
 * @param transposed Xᵀ, if the caller has it already.
 * @throws MemoryError if it does not fit.
 */
export function gram(kernels: Kernels, X: SparsePattern, transposed = transpose(kernels, X)): SparseMatrix {
  const { exports, memory } = kernels;
  const n = X.cols;
  const entries = X.indptr[X.rows];
  const mark = memory.mark();
  try {
    const indptr = memory.put(X.indptr, 'gram');
    const indices = memory.put(X.indices.subarray(0, entries), 'gram');
    const columnIndptr = memory.put(transposed.indptr, 'gram');
    const columnIndices = memory.put(transposed.indices.subarray(0, entries), 'gram');
    const scratch = memory.allocate(12 * n, 'gram');
    const counts = memory.allocate(4 * (n + 1), 'gram');
    exports.gramCount(n, indptr, indices, columnIndptr, columnIndices, scratch, counts);
    const outIndptr = new Int32Array(n + 1);
    let total = 0;
    for (const [i, count] of memory.i32(counts, n).entries()) {
      total += count;
      if (total > MAX_ENTRIES)
        throw new MemoryError(`gram has more than ${MAX_ENTRIES} entries, the most that compressed rows hold`);
      outIndptr[i + 1] = total;
    }
    memory.i32(counts, n + 1).set(outIndptr);
    memory.require(8 * total, 'gram');
    const outIndices = memory.allocate(4 * total, 'gram');
    const outValues = memory.allocate(4 * total, 'gram');
    exports.gramFill(n, indptr, indices, columnIndptr, columnIndices, scratch, counts, outIndices, outValues);
    return {
      rows: n,
      cols: n,
      indptr: outIndptr,
      indices: memory.i32(outIndices, total).slice(),
      values: memory.f32(outValues, total).slice(),
    };
  } finally {
    memory.release(mark);
  }
}
