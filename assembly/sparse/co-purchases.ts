// What EASE by groups (groups.ts) knows of a catalogue: counts of the core, and the list of the items that matter most to each. Items are
// numbered by popularity, the most popular first ("ranks"); the first `core` of them are the core. With A = G + λI and shares
// r_ij = G_ij + P_ij (P: a prior, groups.ts),
//   gain_ij = r_ij² / (A_ii A_jj)
// says how much item i matters to the column of j.
//
// G is never built. Its entries are counted as integers by stepping users and their items, so any order gives the same bits: core ×
// core once, into a table; each row of G once, for the lists.
import { f32At, u32At } from '../core/arrays';
import { Struct } from '../core/struct';
import { rise, sink } from '../serving/topk';

/** What all groups share: X by rank, G of the core, a prior, and the lists of the items that matter to each. */
@unmanaged
export class CoPurchases extends Struct {
  /** Items. */
  n: u32;
  users: u32;
  core: u32;
  /** X: (users + 1) × u32, and the items of each user by ascending rank */
  userStarts: usize;
  userItems: usize;
  /** users × u32: where in userItems the items outside the core begin */
  userTails: usize;
  /** Xᵀ: (n + 1) × u32, and the users of each item */
  itemStarts: usize;
  itemUsers: usize;
  /** core × core u32: G's. */
  table: usize;
  lambda: f32;
  /** P by columns: (n + 1) × u32, the ranks of the rows (u32) and the values (f32); 0 without a prior */
  priorStarts: usize;
  priorItems: usize;
  priorValues: usize;
  /** Entries of a list. */
  width: u32;
  /** n × width u32 and f32: ranks in no order, and their gains; 0 and 0 where a list is shorter */
  nearest: usize;
  gains: usize;
}

/** How many users the item of a rank has. */
// @ts-ignore: decorator
@inline
export function degree(all: CoPurchases, rank: u32): u32 {
  return u32At(all.itemStarts, rank + 1) - u32At(all.itemStarts, rank);
}

/** userTails of the users [first, last). */
export function findTails(all: CoPurchases, first: u32, last: u32): void {
  const core = all.core;
  for (let user = first; user < last; user++) {
    let p = u32At(all.userStarts, user);
    const end = u32At(all.userStarts, user + 1);
    while (p < end && u32At(all.userItems, p) < core) p++;
    store<u32>(all.userTails + ((<usize>user) << 2), p);
  }
}

/** Rows [first, last) of the table of G's core, both triangles. */
export function countCore(all: CoPurchases, first: u32, last: u32): void {
  const items = all.userItems;
  for (let i = first; i < last; i++) {
    const row = all.table + ((<usize>i * <usize>all.core) << 2);
    memory.fill(row, 0, (<usize>all.core) << 2);
    const stop = u32At(all.itemStarts, i + 1);
    for (let b = u32At(all.itemStarts, i); b < stop; b++) {
      const user = u32At(all.itemUsers, b);
      const end = items + ((<usize>u32At(all.userTails, user)) << 2);
      for (let p = items + ((<usize>u32At(all.userStarts, user)) << 2); p < end; p += 4) {
        const at = row + ((<usize>load<u32>(p)) << 2);
        store<u32>(at, load<u32>(at) + 1);
      }
    }
  }
}

/**
 * `nearest` and `gains` of the items [first, last): those with the largest gains, in no order, equal ones by rank. A
 * gain is r_ij² / (A_ii A_jj) in f32, r_ij² / A_jj first.
 * counts: n u32, zero before and after. touched: n + 1 u32 of scratch.
 */
export function findNearest(all: CoPurchases, first: u32, last: u32, counts: usize, touched: usize): void {
  const width = <i32>all.width;
  for (let j = first; j < last; j++) {
    const indices = all.nearest + ((<usize>j * <usize>width) << 2);
    const gains = all.gains + ((<usize>j * <usize>width) << 2);
    const weight: f32 = 1 / (<f32>degree(all, j) + all.lambda);
    const end = countRow(all, j, counts, touched);
    let kept = 0;
    if (all.priorStarts != 0) {
      const stop = u32At(all.priorStarts, j + 1);
      for (let p = u32At(all.priorStarts, j); p < stop; p++) {
        const i = u32At(all.priorItems, p);
        const at = counts + ((<usize>i) << 2);
        const share = <f32>load<u32>(at) + f32At(all.priorValues, p);
        if (i != j) kept = keepGain(all, indices, gains, kept, i, share * share * weight);
        store<u32>(at, 0);
      }
    }
    for (let t = touched; t < end; t += 4) {
      const i = load<u32>(t);
      const at = counts + ((<usize>i) << 2);
      const share = <f32>load<u32>(at);
      store<u32>(at, 0);
      if (share > 0 && i != j) kept = keepGain(all, indices, gains, kept, i, share * share * weight);
    }
    for (; kept < width; kept++) {
      store<u32>(indices + ((<usize>kept) << 2), 0);
      store<f32>(gains + ((<usize>kept) << 2), 0);
    }
  }
}

// @ts-ignore: decorator
@inline
function keepGain(all: CoPurchases, indices: usize, gains: usize, kept: i32, i: u32, gain: f32): i32 {
  return <i32>keep(indices, gains, kept, all.width, i, gain / (<f32>degree(all, i) + all.lambda));
}

/**
 * counts (n u32, zero before) gets row j of G; touched gets the ranks that it is not zero at, up to the address that is
 * returned.
 */
function countRow(all: CoPurchases, j: u32, counts: usize, touched: usize): usize {
  const items = all.userItems;
  const inCore = j < all.core;
  const starts = inCore ? all.userTails : all.userStarts;
  let end = touched;
  if (inCore) {
    const row = all.table + ((<usize>j * <usize>all.core) << 2);
    for (let i: u32 = 0; i < all.core; i++) {
      const count = u32At(row, i);
      store<u32>(counts + ((<usize>i) << 2), count);
      store<u32>(end, i);
      end += count == 0 ? 0 : 4;
    }
  }
  const stop = u32At(all.itemStarts, j + 1);
  for (let b = u32At(all.itemStarts, j); b < stop; b++) {
    const user = u32At(all.itemUsers, b);
    const last = items + ((<usize>u32At(all.userStarts, user + 1)) << 2);
    for (let p = items + ((<usize>u32At(starts, user)) << 2); p < last; p += 4) {
      const i = load<u32>(p);
      const at = counts + ((<usize>i) << 2);
      const count = load<u32>(at);
      store<u32>(end, i);
      end += count == 0 ? 4 : 0;
      store<u32>(at, count + 1);
    }
  }
  return end;
}

/**
 * Adds an entry to the `count` that are kept, where there is room or it is larger than the smallest; returns how many
 * there are.
 */
// @ts-ignore: decorator
@inline
export function keep(indices: usize, values: usize, count: u32, nearest: u32, rank: u32, value: f32): u32 {
  if (count < nearest) {
    rise(indices, values, <i32>count, <i32>rank, value);
    return count + 1;
  }
  const worst = load<f32>(values);
  if (nearest > 0 && (value > worst || (value == worst && rank < load<u32>(indices))))
    sink(indices, values, <i32>nearest, <i32>rank, value);
  return count;
}
