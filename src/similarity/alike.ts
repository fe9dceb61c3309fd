// Puts items that are bought together next to each other, in groups. A group's columns are solved together, preconditioned by the
// group's own block of G + λI, and users who bought one of its items find the rest in the cache (conjugate.ts).
import type { StageContext } from '../engine/stage.ts';
import type { SparsePattern } from '../matrix/sparse.ts';

/** Items of a group; the last may have fewer. */
export const GROUP = 64;
/** Users with more items of the tail than this are left out: they say little about which items are alike, and take long. */
const MOST_ITEMS = 512;

/**
 * An order of the items: the first `core` as they are, then group after group. A group starts with the first item that is in none,
 * and takes in, one by one, the item i in none with the largest Σ_j G_ij / √(G_ii G_jj) over the j it has (the lowest of several;
 * the first in none if all are 0).
 *
 * @param X users × items. @param transposed Xᵀ.
 */
export async function alikeOrder(
  context: StageContext,
  X: SparsePattern,
  transposed: SparsePattern,
  core: number,
): Promise<Int32Array> {
  const progress = context.part('groups');
  const n = X.cols;
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const tails = Int32Array.from({ length: X.rows }, (_, user) => tailStart(X, user, core));
  const scales = Float64Array.from(
    { length: n },
    (_, i) => 1 / Math.sqrt(Math.max(1, transposed.indptr[i + 1] - transposed.indptr[i])),
  );
  const taken = new Uint8Array(n);
  const sums = new Float64Array(n);
  const touched = new Int32Array(n);
  let next = core;
  for (let begin = core; begin < n; begin += GROUP) {
    let reached = 0;
    const end = Math.min(n, begin + GROUP);
    for (let at = begin; at < end; at++) {
      let best = -1;
      let most = 0;
      for (let t = 0; t < reached; ) {
        const item = touched[t];
        if (taken[item] === 1) {
          sums[item] = 0;
          touched[t] = touched[--reached];
          continue;
        }
        const score = sums[item] * scales[item];
        if (score > most || (score === most && item < best)) {
          best = item;
          most = score;
        }
        t++;
      }
      if (best < 0) {
        while (taken[next] === 1) next++;
        best = next;
      }
      taken[best] = 1;
      order[at] = best;
      const scale = scales[best];
      for (let e = transposed.indptr[best]; e < transposed.indptr[best + 1]; e++) {
        const user = transposed.indices[e];
        if (X.indptr[user + 1] - tails[user] > MOST_ITEMS) continue;
        for (let p = tails[user]; p < X.indptr[user + 1]; p++) {
          const item = X.indices[p];
          if (taken[item] === 1) continue;
          if (sums[item] === 0) touched[reached++] = item;
          sums[item] += scale;
        }
      }
    }
    for (let t = 0; t < reached; t++) sums[touched[t]] = 0;
    await progress.tick(end - core, n - core);
  }
  return order;
}

/** The users, by the group that they have most items of (the first of several), those of none first; else in order. */
export function usersByGroup(X: SparsePattern, core: number): Int32Array {
  const keys = Int32Array.from({ length: X.rows }, (_, user) => {
    let best = -1;
    let most = 0;
    for (let p = tailStart(X, user, core); p < X.indptr[user + 1]; ) {
      const group = Math.floor((X.indices[p] - core) / GROUP);
      const from = p;
      while (p < X.indptr[user + 1] && Math.floor((X.indices[p] - core) / GROUP) === group) p++;
      if (p - from > most) {
        most = p - from;
        best = group;
      }
    }
    return best;
  });
  return Int32Array.from({ length: X.rows }, (_, user) => user).sort((a, b) => keys[a] - keys[b] || a - b);
}

/** Where the items from `core` on start in a user's row. */
export function tailStart({ indptr, indices }: SparsePattern, user: number, core: number): number {
  let at = indptr[user];
  while (at < indptr[user + 1] && indices[at] < core) at++;
  return at;
}
