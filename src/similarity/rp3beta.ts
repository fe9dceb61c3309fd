import { ThreeSteps } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { putStruct } from '../engine/struct.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import { collectRows, rowPlaceBytes } from './collect-rows.ts';

/** Rows of a task. */
const ROWS = 64;

export interface Rp3BetaOptions {
  /** Each step's chances are taken to this power; 1 by default. */
  alpha?: number;
  /** Popular items are divided by their degree to this power. */
  beta: number;
  /** Smaller entries are dropped. */
  threshold: number;
}

/** Linear memory, in bytes, that `rp3beta` with β ≥ 0 asks for on one thread besides the entries of W. */
export function rp3betaBytes(X: SparsePattern, options: Rp3BetaOptions): number {
  return 8 * X.indices.length + 12 * X.rows + 20 * X.cols + slotBytes(X.cols, longestRow(X.cols, options, 1));
}

/** Entries of a row, which with α = 1 sums to 1 at most before its columns are scaled. */
const longestRow = (n: number, { alpha = 1, threshold }: Rp3BetaOptions, scale: number) =>
  threshold > 0 && alpha === 1 ? Math.min(n, Math.ceil(scale / threshold) + 1) : n;

const slotBytes = (n: number, longest: number) => 12 * n + rowPlaceBytes(ROWS, ROWS * longest);

/**
 * RP3β: the chance that a walk of three steps over users and items goes from item i to item j, W = D_items⁻¹ Xᵀ
 * D_users⁻¹ X, each step's chances taken to the power α, its columns divided by |x_j|^β, without its diagonal. P3α is
 * β = 0. The same bytes on any number of threads.
 *
 * @param interactions X (users × items), @param transposed Xᵀ.
 * Peak memory: X both ways and for each task under way 12 bytes an item and 8 for each entry of its 64 rows, 1 / threshold a row at most;
 * then W both ways while its columns are put in order.
 */
export async function rp3beta(
  context: StageContext,
  interactions: SparsePattern,
  transposed: SparsePattern,
  options: Rp3BetaOptions,
): Promise<SparseMatrix> {
  const { kernels } = context;
  const { exports, memory } = kernels;
  const { alpha = 1 } = options;
  const mark = memory.mark();
  const n = transposed.rows;
  let rows: SparseMatrix;
  try {
    const degree = (item: number) => transposed.indptr[item + 1] - transposed.indptr[item];
    const scale = Float64Array.from({ length: n }, (_, item) =>
      degree(item) > 0 ? exports.pow(degree(item), -options.beta) : 0,
    );
    const power = (count: number) => (alpha === 1 || count === 0 ? count : exports.pow(count, alpha));
    const x = putStruct(memory, ThreeSteps, {
      itemIndptr: memory.put(transposed.indptr),
      itemUsers: memory.put(transposed.indices),
      userIndptr: memory.put(interactions.indptr),
      userItems: memory.put(interactions.indices),
      itemDivisor: memory.put(Float64Array.from({ length: n }, (_, item) => power(degree(item)))),
      userDivisor: memory.put(
        Float64Array.from({ length: interactions.rows }, (_, user) =>
          power(interactions.indptr[user + 1] - interactions.indptr[user]),
        ),
      ),
      columnScale: memory.put(scale),
      threshold: options.threshold,
    });
    const largest = scale.reduce((most, value) => Math.max(most, value), 0);
    rows = await collectRows(context, {
      n,
      rows: ROWS,
      room: ROWS * longestRow(n, options, largest),
      work: () => ({ dense: memory.allocateZeroed(8 * n), touched: memory.allocate(4 * n) }),
      call: (first, last, { ends, columns, values }, { dense, touched }) => [
        'rp3betaRows',
        x,
        first,
        last,
        dense,
        touched,
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
