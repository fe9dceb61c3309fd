// EASE by groups: one small exact solve for the columns of each group of items J, items by rank (co-purchases.ts). With A = G + λI:
//   S = J and the items with the largest sums of gains over the lists of J;
//   A_SS C = I_SJ,  A_SS E = P_SJ          are solved in f32 (assembly/dense/solve.ts);
//   B̂_ij = E_ij − C_ij (1 + E_jj) / C_jj  for j ∈ J and i ∈ S, i ≠ j.
// P is λ s times a prior B̂, the columns' mean in min ‖X − XB‖² + λ‖B − s B̂‖², diag B = 0; without one E is 0 and
// B̂_ij = −C_ij / C_jj, EASE's own. With S = all items it is exact.
//
// G_SS is counted as integers: pairs of the core from the table, every other pair by stepping users and their items.
//
// Rows of S in the system, its size a multiple of 8: the others by rank, rows that nothing couples with, then J by rank, last.
import { f32At, u32At } from '../core/arrays';
import { Struct } from '../core/struct';
import { solvePanels } from '../dense/solve';
import { CoPurchases, degree, keep } from './co-purchases';

/** One group, its results, and the scratch of its task. */
@unmanaged
export class ItemGroup extends Struct {
  /** `count` × u32: J by rank. */
  members: usize;
  count: u32;
  /** How many other items S may have. */
  most: u32;
  /** `most` × u32: their ranks, ascending; set by `chooseItems` like the following two. */
  chosen: usize;
  /** How many there are, and how many of them are in the core. */
  others: u32;
  coreOthers: u32;
  /** 0, or 1 + the rank of the item whose pivot was not positive; set by `solveGroup`. */
  failed: u32;
  /** (count · width + 1) × u32: scratch. */
  reached: usize;
  /** n × f32: zero. */
  sums: usize;
  /** n × u16: zero. */
  places: usize;
  /** ⌈users / 32⌉ × u32: scratch. */
  seen: usize;
  /**
   * Room for (S / 8 + p ⌈count / 8⌉) panels of 8 × S f32 with S ≤ `most` + `count` rounded up to a multiple of 8; p =
   * 1, with a prior 2.
   */
  panels: usize;
  /** solveScratchBytes(), and 4 (most + 2 count + 1) at least. */
  scratch: usize;
}

/** Bytes of one column of a panel. */
const COLUMN: usize = 32;

/**
 * Chooses the other items of S: those with the largest sums of gains over the lists of J, equal ones by rank; items
 * that are in no list are never chosen. Sums run over J by rank, in f32.
 */
export function chooseItems(all: CoPurchases, own: ItemGroup): void {
  const sums = own.sums;
  let reach = own.reached;
  for (let m: u32 = 0; m < own.count; m++) {
    const list = (<usize>u32At(own.members, m) * <usize>all.width) << 2;
    for (let t: usize = list; t < list + ((<usize>all.width) << 2); t += 4) {
      const gain = load<f32>(all.gains + t);
      const i = load<u32>(all.nearest + t);
      const at = sums + ((<usize>i) << 2);
      const sum = load<f32>(at);
      store<u32>(reach, i);
      reach += sum == 0 && gain > 0 ? 4 : 0;
      store<f32>(at, sum + gain);
    }
  }
  for (let m: u32 = 0; m < own.count; m++) store<f32>(sums + ((<usize>u32At(own.members, m)) << 2), 0);
  let kept: u32 = 0;
  for (let t = own.reached; t < reach; t += 4) {
    const i = load<u32>(t);
    const at = sums + ((<usize>i) << 2);
    const sum = load<f32>(at);
    store<f32>(at, 0);
    if (sum > 0) kept = keep(own.chosen, own.scratch, kept, own.most, i, sum);
  }
  own.others = kept;
  sortRanks(own.chosen, <i32>kept);
  let coreOthers: u32 = 0;
  while (coreOthers < own.others && u32At(own.chosen, coreOthers) < all.core) coreOthers++;
  own.coreOthers = coreOthers;
}

/** Sorts u32 in ascending order: heap sort, since they are a heap by another order when they come. */
function sortRanks(list: usize, length: i32): void {
  for (let start = (length >> 1) - 1; start >= 0; start--) settle(list, start, length);
  for (let last = length - 1; last > 0; last--) {
    const at = list + ((<usize>last) << 2);
    const first = load<u32>(list);
    store<u32>(list, load<u32>(at));
    store<u32>(at, first);
    settle(list, 0, last);
  }
}

/** Lets the entry at `hole` down in a heap of u32 whose root is the largest. */
function settle(list: usize, hole: i32, length: i32): void {
  const value = u32At(list, hole);
  while (true) {
    let child = 2 * hole + 1;
    if (child >= length) break;
    if (child + 1 < length && u32At(list, child + 1) > u32At(list, child)) child++;
    if (u32At(list, child) <= value) break;
    store<u32>(list + ((<usize>hole) << 2), u32At(list, child));
    hole = child;
  }
  store<u32>(list + ((<usize>hole) << 2), value);
}

/** Rows of the group's system. */
// @ts-ignore: decorator
@inline
function sizeOf(own: ItemGroup): u32 {
  return (own.others + own.count + 7) & ~7;
}

/**
 * Counts G_SS, adds λ to its diagonal and solves for J's columns: the last panels then hold C_SJ (8 columns of C a
 * panel), and after these, with a prior, E_SJ.
 */
export function solveGroup(all: CoPurchases, own: ItemGroup): void {
  const size = sizeOf(own);
  const corner = size - own.count;
  const length = <usize>size * COLUMN;
  const panels = own.panels;
  const sides = panels + <usize>(size >> 3) * length;
  const unit = (own.count + 7) >> 3;
  for (let p = panels, columns: usize = 8; p < sides; p += length, columns += 8) memory.fill(p, 0, columns * COLUMN);
  countCorePairs(all, own, corner);
  countTailPairs(all, own, corner);
  addDiagonal(panels, size, all.lambda);
  memory.fill(sides, 0, <usize>unit * length);
  for (let m: u32 = 0; m < own.count; m++)
    store<f32>(sides + <usize>(m >> 3) * length + <usize>(corner + m) * COLUMN + ((<usize>(m & 7)) << 2), 1);
  let full: u32 = 0;
  if (all.priorStarts != 0) {
    full = unit;
    const rest = sides + <usize>unit * length;
    memory.fill(rest, 0, <usize>full * length);
    for (let m: u32 = 0; m < own.count; m++) {
      const j = u32At(own.members, m);
      const column = rest + <usize>(m >> 3) * length + ((<usize>(m & 7)) << 2);
      const stop = u32At(all.priorStarts, j + 1);
      for (let p = u32At(all.priorStarts, j); p < stop; p++) {
        const place = <u32>load<u16>(own.places + ((<usize>u32At(all.priorItems, p)) << 1));
        if (place != 0) store<f32>(column + <usize>(place - 1) * COLUMN, f32At(all.priorValues, p));
      }
    }
  }
  markPlaces(own, corner, false);
  const failed = <u32>solvePanels(<i32>size, <i32>corner, <i32>unit, <i32>full, panels, own.scratch);
  own.failed = failed == 0 ? 0 : 1 + rankOf(own, corner, failed - 1);
}

/** The rank of the item in a row. */
function rankOf(own: ItemGroup, corner: u32, row: u32): u32 {
  return row < own.others ? u32At(own.chosen, row) : u32At(own.members, max(row, corner) - corner);
}

/** places of the items in S: 1 + their row; or 0 again. */
function markPlaces(own: ItemGroup, corner: u32, on: bool): void {
  for (let i: u32 = 0; i < own.others; i++)
    store<u16>(own.places + ((<usize>u32At(own.chosen, i)) << 1), on ? <u16>(i + 1) : 0);
  for (let m: u32 = 0; m < own.count; m++)
    store<u16>(own.places + ((<usize>u32At(own.members, m)) << 1), on ? <u16>(corner + m + 1) : 0);
}

/** Where a row of the system is in the panels: its column k is 32 k bytes on. */
// @ts-ignore: decorator
@inline
function rowAt(panels: usize, length: usize, row: u32): usize {
  return panels + <usize>(row >> 3) * length + ((<usize>(row & 7)) << 2);
}

/** Pairs of the core, from the table. */
function countCorePairs(all: CoPurchases, own: ItemGroup, corner: u32): void {
  const length = <usize>sizeOf(own) * COLUMN;
  for (let r: u32 = 0; r < own.coreOthers; r++) {
    const from = all.table + ((<usize>u32At(own.chosen, r) * <usize>all.core) << 2);
    let to = rowAt(own.panels, length, r);
    for (let c: u32 = 0; c <= r; c++) {
      store<u32>(to, u32At(from, u32At(own.chosen, c)));
      to += COLUMN;
    }
  }
  for (let m: u32 = 0; m < own.count; m++) {
    const rank = u32At(own.members, m);
    if (rank >= all.core) break;
    const from = all.table + ((<usize>rank * <usize>all.core) << 2);
    const row = rowAt(own.panels, length, corner + m);
    let to = row;
    for (let c: u32 = 0; c < own.coreOthers; c++) {
      store<u32>(to, u32At(from, u32At(own.chosen, c)));
      to += COLUMN;
    }
    to = row + <usize>corner * COLUMN;
    for (let c: u32 = 0; c <= m; c++) {
      store<u32>(to, u32At(from, u32At(own.members, c)));
      to += COLUMN;
    }
  }
}

/**
 * Pairs of which one is not in the core: by the users of S's items outside the core, each user once. Marks the places.
 */
function countTailPairs(all: CoPurchases, own: ItemGroup, corner: u32): void {
  markPlaces(own, corner, true);
  const length = <usize>sizeOf(own) * COLUMN;
  memory.fill(own.seen, 0, (<usize>((all.users + 31) >> 5)) << 2);
  let coreMembers: u32 = 0;
  while (coreMembers < own.count && u32At(own.members, coreMembers) < all.core) coreMembers++;
  const coreEnd = corner + coreMembers;
  for (let i = own.coreOthers; i < own.others; i++) countUsers(all, own, length, corner, coreEnd, u32At(own.chosen, i));
  for (let m = coreMembers; m < own.count; m++) countUsers(all, own, length, corner, coreEnd, u32At(own.members, m));
}

/** The pairs of the users of one item who were not seen before. */
function countUsers(all: CoPurchases, own: ItemGroup, length: usize, corner: u32, coreEnd: u32, rank: u32): void {
  const rows = own.scratch;
  const places = own.places;
  const panels = own.panels;
  const coreOthers = own.coreOthers;
  const others = rows + ((<usize>(own.others + own.count + 1)) << 2);
  const stop = u32At(all.itemStarts, rank + 1);
  for (let b = u32At(all.itemStarts, rank); b < stop; b++) {
    const user = u32At(all.itemUsers, b);
    const word = own.seen + ((<usize>(user >> 5)) << 2);
    const bit: u32 = 1 << (user & 31);
    const mask = load<u32>(word);
    if ((mask & bit) != 0) continue;
    store<u32>(word, mask | bit);
    // The user's places in S by rank; one store more than there are of them is harmless. Then the others' before J's:
    // both ascend.
    let end = rows;
    const last = all.userItems + ((<usize>u32At(all.userStarts, user + 1)) << 2);
    for (let p = all.userItems + ((<usize>u32At(all.userStarts, user)) << 2); p < last; p += 4) {
      const place = <u32>load<u16>(places + ((<usize>load<u32>(p)) << 1));
      store<u32>(end, place - 1);
      end += place != 0 ? 4 : 0;
    }
    let late = others;
    let early = rows;
    for (let q = rows; q < end; q += 4) {
      const row = load<u32>(q);
      const isLate = row >= corner;
      store<u32>(isLate ? late : early, row);
      if (isLate) late += 4;
      else early += 4;
    }
    memory.copy(early, others, late - others);
    let tail = rows;
    while (tail < end && load<u32>(tail) < coreOthers) tail += 4;
    for (let x = tail; x < end; x += 4) {
      const row = load<u32>(x);
      const at = rowAt(panels, length, row);
      // Two of the core are in the table already.
      const inCore = row >= corner && row < coreEnd;
      const to = inCore ? x : x + 4;
      for (let y = inCore ? tail : rows; y < to; y += 4) {
        const column = load<u32>(y);
        if (inCore && column >= corner) break;
        const cell = at + <usize>column * COLUMN;
        store<u32>(cell, load<u32>(cell) + 1);
      }
    }
  }
}

/** The counts become f32, and λ is added to the diagonal; rows without an item get λ alone. */
function addDiagonal(panels: usize, size: u32, lambda: f32): void {
  const length = <usize>size * COLUMN;
  for (let first: u32 = 0; first < size; first += 8) {
    const panel = panels + <usize>(first >> 3) * length;
    const end = panel + <usize>(first + 8) * COLUMN;
    for (let p = panel; p < end; p += 16) v128.store(p, f32x4.convert_i32x4_u(v128.load(p)));
    for (let r: u32 = 0; r < 8; r++) {
      const at = panel + <usize>(first + r) * COLUMN + ((<usize>r) << 2);
      store<f32>(at, load<f32>(at) + lambda);
    }
  }
}

/**
 * The kept entries of J's columns of B̂: of each those with B̂_ij ≥ epsilon, the `nearest` largest where there are more
 * (equal ones by rank). Columns follow one another in out: indices (u32 ranks, in no order) and values (f32); ends
 * (count u32) gets where each ends, and diagonal (f32, by rank) the C_jj of each. Room for count · (S + the entries of
 * P in its column) entries.
 */
export function keepColumns(
  all: CoPurchases,
  own: ItemGroup,
  epsilon: f32,
  nearest: u32,
  indices: usize,
  values: usize,
  ends: usize,
  diagonal: usize,
): void {
  const size = sizeOf(own);
  const corner = size - own.count;
  const length = <usize>size * COLUMN;
  const sides = own.panels + <usize>(size >> 3) * length;
  const prior = all.priorStarts != 0;
  const unit = (own.count + 7) >> 3;
  if (prior) markPlaces(own, corner, true);
  let kept: u32 = 0;
  for (let m: u32 = 0; m < own.count; m++) {
    const j = u32At(own.members, m);
    const c = rowAt(sides, length, m);
    const e = c + <usize>unit * length;
    const at = <usize>(corner + m) * COLUMN;
    const pivot = load<f32>(c + at);
    store<f32>(diagonal + ((<usize>j) << 2), pivot);
    const factor: f32 = (prior ? 1 + load<f32>(e + at) : <f32>1) / pivot;
    const first = indices + ((<usize>kept) << 2);
    const firstValue = values + ((<usize>kept) << 2);
    let count: u32 = 0;
    for (let r: u32 = 0; r < size; r++) {
      if (r >= own.others && (r < corner || r == corner + m)) continue;
      const column = <usize>r * COLUMN;
      const value: f32 = (prior ? load<f32>(e + column) : <f32>0) - load<f32>(c + column) * factor;
      if (value >= epsilon) count = keep(first, firstValue, count, nearest, rankOf(own, corner, r), value);
    }
    if (prior) {
      const stop = u32At(all.priorStarts, j + 1);
      for (let p = u32At(all.priorStarts, j); p < stop; p++) {
        const i = u32At(all.priorItems, p);
        if (i == j || load<u16>(own.places + ((<usize>i) << 1)) != 0) continue;
        const value: f32 = f32At(all.priorValues, p) / (<f32>degree(all, i) + all.lambda);
        if (value >= epsilon) count = keep(first, firstValue, count, nearest, i, value);
      }
    }
    kept += count;
    store<u32>(ends + ((<usize>m) << 2), kept);
  }
  if (prior) markPlaces(own, corner, false);
}
