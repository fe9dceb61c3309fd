// EASE by groups: items that matter to the same columns stand in groups, and for each group there is one exact solve
// over the hundred or so items that matter most to it (assembly/sparse/groups.ts). It ranks as the exact inverse does,
// at a small part of its cost. What is done to a range of items or groups is in solve-groups.ts. Peak linear memory,
// with n items, u users, systems of S rows and groups of g: what co-purchases.ts says, and for each task under way 6n +
// u/8 + 4S² bytes and 12 g S for each of its groups (with a prior 4 g S more, and 8 g times the entries of its longest
// column). The result takes 16 bytes an entry at the end.
import type { StageContext } from '../engine/stage.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { findNearest } from './co-purchases.ts';
import { groupAlike } from './grouping.ts';
import { joinColumns, type SimilarColumn } from './similar-columns.ts';
import { type GroupEaseOptions, groupCount, openGroups, solveGroups } from './solve-groups.ts';

export { type GroupEaseOptions, groupEaseBytes } from './solve-groups.ts';

export interface GroupEase {
  /** B̂ (n × n), columns strictly increasing. */
  similarity: SparseMatrix;
  /**
   * (n) C_jj of each item, from the system of its own group. With it C_ij = −B̂_ij C_jj for the entries that are kept
   * (without a prior), which is what exact leave-one-out scores need: h = C x over a user's items.
   */
  diagonal: Float32Array;
  groups: number;
}

/**
 * EASEᴿ (Steck, 2019), B̂_ij = −C_ij / C_jj with C = (G + λI)⁻¹, column by column from small systems: for the columns
 * of a group of items J, C is taken over J and the items that matter most to them, those with the largest sums of G_ij²
 * / ((G_ii + λ)(G_jj + λ)). With one group of all items it is exact. Single precision; the same bytes on any number of
 * threads.
 *
 * @param X users × items; @param transposed Xᵀ.
 * @throws ArgumentError for wrong options, or G + λI not positive definite in single precision.
 * @throws MemoryError if it does not fit; AbortedError when the job is stopped. Progress counts groups.
 * @example
 * const { similarity } = await groupEase(context, X, transpose(context.kernels, X), { lambda: 25, epsilon: 0.01 });
 */
export async function groupEase(
  context: StageContext,
  X: SparsePattern,
  transposed: SparsePattern,
  options: GroupEaseOptions,
): Promise<GroupEase> {
  const { kernels, name } = context;
  const { memory } = kernels;
  const n = X.cols;
  const mark = memory.mark();
  try {
    await context.part('catalogue').tick(0, 1);
    const open = await openGroups(context, X, transposed, options);
    const { catalogue, counted } = open;
    await findNearest(context, catalogue, [0, n], counted.slots);
    const grouped = groupAlike(
      n,
      counted.width,
      memory.u32(catalogue.nearest, n * counted.width),
      memory.f32(catalogue.gains, n * counted.width),
      open.shape.group,
    );
    await context.part('groups').tick(1, 1);
    const columns: SimilarColumn[] = new Array(n);
    const diagonal = memory.allocate(4 * n, name);
    const groups = groupCount(open);
    await solveGroups(context, open, grouped, [0, groups], diagonal, columns);
    const byRank = memory.f32(diagonal, n);
    const byItem = Float32Array.from(catalogue.ranks, (rank) => byRank[rank]);
    memory.release(mark);
    return { similarity: joinColumns(kernels, columns), diagonal: byItem, groups };
  } finally {
    memory.release(mark);
  }
}
