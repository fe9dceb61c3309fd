import type { Kernels } from '../engine/types.ts';
import type { SparseMatrix } from './sparse.ts';

/** A copy whose rows sum to 1; empty rows stay empty. */
export function normaliseRows({ exports, memory }: Kernels, matrix: SparseMatrix): SparseMatrix {
  const mark = memory.mark();
  try {
    const indptr = memory.put(matrix.indptr);
    const values = memory.put(matrix.values);
    exports.normaliseRows(matrix.rows, indptr, values);
    return { ...matrix, values: memory.f32(values, matrix.values.length).slice() };
  } finally {
    memory.release(mark);
  }
}
