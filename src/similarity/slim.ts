// SLIM (Ning and Karypis, 2011) by coordinate descent on G (assembly/sparse/slim.ts). Peak linear memory, with n items and
// g entries of G: 8g + 12n bytes; for each task under way 16n, and 8 for each entry of G in its rows.
import { Slim } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { putStruct } from '../engine/struct.ts';
import { ranges } from '../engine/tasks.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import { collectRows } from './collect-rows.ts';

/** Columns of a task. */
const COLUMNS = 32;
/** A column is done when no weight moves by more than this in a sweep, or after this many sweeps. */
const TOLERANCE = 1e-4;
const SWEEPS = 100;

export interface SlimOptions {
  /** λ₁. */
  lasso: number;
  /** λ₂. */
  ridge: number;
}

/**
 * W (n × n) ≥ 0 without a diagonal that minimises, column by column, ½ wᵀGw − G_jᵀw + λ₁‖w‖₁ + ½ λ₂‖w‖², to within
 * 10⁻⁴ a weight. The same bytes on any number of threads.
 *
 * @param gram G = XᵀX (n × n), symmetric, its diagonal included
 * @throws MemoryError if it does not fit; AbortedError when the job is stopped. Progress counts columns.
 */
export async function slim(context: StageContext, gram: SparseMatrix, options: SlimOptions): Promise<SparseMatrix> {
  const { kernels } = context;
  const { memory } = kernels;
  const { rows: n, indptr, indices, values } = gram;
  const diagonal = new Float64Array(n);
  for (let i = 0; i < n; i++)
    for (let e = indptr[i]; e < indptr[i + 1]; e++) if (indices[e] === i) diagonal[i] = values[e];
  const mark = memory.mark();
  let columns: SparseMatrix;
  try {
    const x = putStruct(memory, Slim, {
      indptr: memory.put(indptr),
      indices: memory.put(indices),
      values: memory.put(values),
      diagonal: memory.put(diagonal),
      ...options,
      tolerance: TOLERANCE,
      sweeps: SWEEPS,
    });
    columns = await collectRows(context, {
      n,
      rows: COLUMNS,
      room: ranges(n, COLUMNS).reduce((most, [from, to]) => Math.max(most, indptr[to] - indptr[from]), 0),
      work: () => ({ w: memory.allocate(8 * n), q: memory.allocate(8 * n) }),
      call: (first, last, place, { w, q }) => [
        'slimColumns',
        first,
        last,
        x,
        w,
        q,
        place.ends,
        place.columns,
        place.values,
      ],
    });
  } finally {
    memory.release(mark);
  }
  return transpose(kernels, columns);
}
