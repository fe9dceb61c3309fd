// A linear way from a history to a vector, where a model has learned vectors of users by themselves.
import { ArgumentError } from '../common/errors.ts';
import type { Kernels } from '../engine/types.ts';
import type { SparsePattern } from '../matrix/sparse.ts';

/** The share of the mean diagonal of ZᵀZ that is added to it. */
const RIDGE = 1e-3;

/**
 * P = V M (items × d), M = argmin Σ_u ‖z_u M − e_u‖² + ρ‖M‖² with z_u the mean of the history's rows of V and ρ a
 * thousandth of the mean of diag(ZᵀZ): the mean of P over a history comes nearest to the vectors that users have.
 *
 * @param X users × items @param users (users × d) e @param items (items × d) V
 * @throws MemoryError if 4d (|U| + |U| + |V| + |V|) bytes do not fit.
 */
export function learnedFoldIn(
  { exports, memory }: Kernels,
  X: SparsePattern,
  users: Float32Array,
  items: Float32Array,
  d: number,
): Float32Array {
  const means = new Float32Array(users.length);
  const sum = new Float64Array(d);
  for (let u = 0; u < X.rows; u++) {
    const count = X.indptr[u + 1] - X.indptr[u];
    sum.fill(0);
    for (let e = X.indptr[u]; e < X.indptr[u + 1]; e++)
      for (let k = 0; k < d; k++) sum[k] += items[X.indices[e] * d + k];
    if (count > 0) for (let k = 0; k < d; k++) means[u * d + k] = sum[k] / count;
  }
  const mark = memory.mark();
  try {
    const z = memory.put(means);
    const e = memory.put(users);
    const v = memory.put(items);
    const workspace = memory.allocate(exports.gemmWorkspaceBytes());
    const square = memory.allocateZeroed(4 * d * d);
    exports.gemmTN(d, d, X.rows, 1, z, d, z, d, square, d, workspace);
    const diagonal = (k: number) => k * d + k;
    const matrix = memory.f32(square, d * d);
    let mean = 0;
    for (let k = 0; k < d; k++) mean += matrix[diagonal(k)] / d;
    if (!(mean > 0)) return new Float32Array(items.length);
    for (let k = 0; k < d; k++) matrix[diagonal(k)] += RIDGE * mean;
    if (exports.choleskyInverse(d, square, memory.allocate(exports.choleskyWorkspaceBytes(d))) !== 0)
      throw ArgumentError.because('learningRate', 'the vectors of items are not finite; take a smaller one');
    const right = memory.allocateZeroed(4 * d * d);
    exports.gemmTN(d, d, X.rows, 1, z, d, e, d, right, d, workspace);
    const map = memory.allocateZeroed(4 * d * d);
    exports.gemmNN(d, d, d, 1, square, d, right, d, map, d, workspace);
    const out = memory.allocateZeroed(4 * items.length);
    exports.gemmNN(X.cols, d, d, 1, v, d, map, d, out, d, workspace);
    return memory.f32(out, items.length).slice();
  } finally {
    memory.release(mark);
  }
}
