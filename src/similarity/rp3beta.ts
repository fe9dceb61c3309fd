import type { StageContext } from '../engine/stage.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';

export interface Rp3BetaOptions {
  /** Popular items are divided by their degree to this power. */
  beta: number;
  /** Smaller entries are dropped. */
  threshold: number;
}

/** Linear memory, in bytes, that `rp3beta` asks for besides the entries of W. */
export function rp3betaBytes(X: SparsePattern): number {
  return 8 * X.indices.length + 4 * X.rows + 28 * X.cols;
}

/**
 * RP3β with α = 1: the chance that a walk of three steps over users and items goes from item i to item j,
 * W = D_items⁻¹ Xᵀ D_users⁻¹ X, its columns divided by |x_j|^β, without its diagonal.
 *
 * @param interactions X (users × items), @param transposed Xᵀ.
 * Peak memory: X both ways, then W both ways while its columns are put in order.
 */
export async function rp3beta(
  context: StageContext,
  interactions: SparsePattern,
  transposed: SparsePattern,
  options: Rp3BetaOptions,
): Promise<SparseMatrix> {
  const { kernels } = context;
  const { exports, memory } = kernels;
  const mark = memory.mark();
  const n = transposed.rows;
  const columnParts: Int32Array[] = [];
  const valueParts: Float32Array[] = [];
  const indptr = new Int32Array(n + 1);
  try {
    const itemIndptr = memory.put(transposed.indptr);
    const itemUsers = memory.put(transposed.indices);
    const userIndptr = memory.put(interactions.indptr);
    const userItems = memory.put(interactions.indices);
    const degree = (item: number) => transposed.indptr[item + 1] - transposed.indptr[item];
    const scale = memory.put(
      Float64Array.from({ length: n }, (_, item) => (degree(item) > 0 ? exports.pow(degree(item), -options.beta) : 0)),
    );
    const dense = memory.allocateZeroed(8 * n);
    const columns = memory.allocate(4 * n);
    const values = memory.allocate(4 * n);
    for (let item = 0; item < n; item++) {
      const kept = exports.rp3betaRow(
        item,
        itemIndptr,
        itemUsers,
        userIndptr,
        userItems,
        scale,
        options.threshold,
        dense,
        columns,
        values,
      );
      columnParts.push(memory.i32(columns, kept).slice());
      valueParts.push(memory.f32(values, kept).slice());
      indptr[item + 1] = indptr[item] + kept;
      if (item % 256 === 255 || item === n - 1) await context.tick(item + 1, n);
    }
  } finally {
    memory.release(mark);
  }
  const indices = new Int32Array(indptr[n]);
  const values = new Float32Array(indptr[n]);
  for (let item = 0; item < n; item++) {
    indices.set(columnParts[item], indptr[item]);
    values.set(valueParts[item], indptr[item]);
  }
  // transposing twice puts every row's columns in order
  return transpose(kernels, transpose(kernels, { rows: n, cols: n, indptr, indices, values }));
}
