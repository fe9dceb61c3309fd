// Scores by random walks over items (assembly/sparse/walk-scores.ts). Peak linear memory, with n items, u users and e
// interactions: 8e + 12n + 4u bytes; for each task under way 36n + 12u, and 8 for each entry that its rows keep.
import { WalkPlace, WalkScores } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { putStruct } from '../engine/struct.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import { collectRows, rowPlaceBytes } from './collect-rows.ts';

/** Rows of a task. */
const ROWS = 16;

export interface WalkScoreOptions {
  /** τ, the steps that are counted. */
  steps: number;
  /** c, how much each further step counts. */
  damping: number;
  /** Entries of a row that are kept, the largest. */
  most: number;
}

/** Linear memory, in bytes, that `walkScores` asks for on one thread. */
export function walkScoresBytes(X: SparsePattern, { most }: WalkScoreOptions): number {
  const { rows: users, cols: n, indices } = X;
  return 8 * indices.length + 48 * n + 16 * users + rowPlaceBytes(ROWS, ROWS * Math.min(most, n));
}

/**
 * S = Σ_{t=1…τ} c^(t−1) P^t without its diagonal, P = D⁻¹A, A = XᵀX without its diagonal and D its row sums. The same
 * bytes on any number of threads.
 *
 * @param X users × items; @param transposed Xᵀ
 * @throws MemoryError if it does not fit; AbortedError when the job is stopped. Progress counts rows.
 */
export async function walkScores(
  context: StageContext,
  X: SparsePattern,
  transposed: SparsePattern,
  { steps, damping, most }: WalkScoreOptions,
): Promise<SparseMatrix> {
  const { kernels } = context;
  const { memory } = kernels;
  const { rows: users, cols: n, indptr, indices } = X;
  const sums = new Float64Array(n);
  for (let u = 0; u < users; u++)
    for (let e = indptr[u]; e < indptr[u + 1]; e++) sums[indices[e]] += indptr[u + 1] - indptr[u] - 1;
  const kept = Math.min(most, n);
  const mark = memory.mark();
  let rows: SparseMatrix;
  try {
    const x = putStruct(memory, WalkScores, {
      n,
      itemIndptr: memory.put(transposed.indptr),
      itemUsers: memory.put(transposed.indices),
      userIndptr: memory.put(indptr),
      userItems: memory.put(indices),
      sums: memory.put(sums),
      steps,
      damping,
      most: kept,
    });
    rows = await collectRows(context, {
      n,
      rows: ROWS,
      room: ROWS * kept,
      work: () =>
        putStruct(memory, WalkPlace, {
          now: memory.allocateZeroed(8 * n),
          next: memory.allocateZeroed(8 * n),
          total: memory.allocateZeroed(8 * n),
          through: memory.allocateZeroed(8 * users),
          items: memory.allocate(4 * n),
          nextItems: memory.allocate(4 * n),
          users: memory.allocate(4 * users),
          scores: memory.allocate(4 * n),
        }),
      call: (first, last, { ends, columns, values }, place) => [
        'walkScoreRows',
        first,
        last,
        x,
        place,
        ends,
        columns,
        values,
      ],
    });
  } finally {
    memory.release(mark);
  }
  // transposing twice puts every row's columns in order
  return transpose(kernels, transpose(kernels, rows));
}
