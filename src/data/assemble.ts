import type { SparsePattern } from '../matrix/sparse.ts';
import { Int32List } from './lists.ts';
import type { HeldOut, Market, Markets } from './markets.ts';
import { sortByIds } from './sort-ids.ts';

/** The rows of one market as they came, by numbers in lists of ids. */
export interface RawMarket {
  name: string;
  /** User ids by number, in any order, each once. */
  users: readonly string[];
  /** (rows) user and item number of each training row. */
  trainUsers: Int32Array;
  trainItems: Int32Array;
  /** (rows) times of training rows, where they were asked for. */
  trainTimes?: Float64Array;
  /** Held-out rows by the name of their file: numbers as above. */
  heldOut: Record<string, { users: Int32Array; items: Int32Array; times?: Float64Array }>;
}

/**
 * Rows of at most this many entries are sorted in place: most are shorter, and a call of the engine's sort costs about
 * a microsecond.
 */
const BY_INSERTION = 40;

/**
 * Puts raw rows in the order that `Markets` promises, so that the result does not depend on the order of the rows.
 * Time and memory are linear in the rows, but for sorting the ids: nothing a row beside the rows and the result, and
 * the result twice where there are duplicates.
 *
 * @param itemIds item ids by number, in any order, each once; those without a training row only serve held-out rows.
 * @param first whether the time of an interaction is that of the earliest of its rows, not the latest.
 */
export function assemble(itemIds: readonly string[], raw: readonly RawMarket[], first = false): Markets {
  const steps = assembling(itemIds, raw, first);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** How often `assembling` yields. */
export const assemblingSteps = (markets: number): number => 1 + STEPS_OF_MARKET * markets;
const STEPS_OF_MARKET = 4;

/** As `assemble`, in steps, so that a job can report and stop between them: 10⁷ rows take seconds. */
export function* assembling(
  itemIds: readonly string[],
  raw: readonly RawMarket[],
  first = false,
): Generator<void, Markets> {
  const trained = new Uint8Array(itemIds.length);
  for (const { trainItems } of raw) for (let row = 0; row < trainItems.length; row++) trained[trainItems[row]] = 1;
  const order = sortedNumbers(itemIds, trained);
  const rank = inverse(order, itemIds.length);
  yield;
  const markets: Market[] = [];
  for (const market of raw) markets.push(yield* assembleMarket(market, itemIds, order, rank, first));
  markets.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { items: pick(itemIds, order), markets };
}

function* assembleMarket(
  raw: RawMarket,
  itemIds: readonly string[],
  order: Int32Array,
  rank: Int32Array,
  first: boolean,
): Generator<void, Market> {
  const hasItem = new Uint8Array(order.length);
  const { trainUsers, trainItems } = raw;
  for (let row = 0; row < trainItems.length; row++) hasItem[rank[trainItems[row]]] = 1;
  const items = new Int32List();
  const local = new Int32Array(order.length).fill(-1);
  for (let item = 0; item < order.length; item++) {
    if (hasItem[item] === 0) continue;
    local[item] = items.length;
    items.push(item);
  }

  const hasRow = new Uint8Array(raw.users.length);
  for (let row = 0; row < trainUsers.length; row++) hasRow[trainUsers[row]] = 1;
  const userOrder = sortedNumbers(raw.users, hasRow);
  const userRank = inverse(userOrder, raw.users.length);
  yield;

  const columnOf = new Int32Array(itemIds.length).fill(-1);
  for (let item = 0; item < itemIds.length; item++) if (rank[item] >= 0) columnOf[item] = local[rank[item]];
  const interactions = yield* compress(trainUsers, trainItems, userRank, columnOf, userOrder.length, items.length);
  yield;
  const times = raw.trainTimes && timesOf(raw, raw.trainTimes, userRank, columnOf, interactions, first);
  const heldOut: Record<string, HeldOut[]> = {};
  for (const [name, rows] of Object.entries(raw.heldOut)) {
    heldOut[name] = Array.from(rows.users, (user, row) => {
      const item = rows.items[row];
      const global = rank[item];
      return {
        user: userRank[user],
        userId: raw.users[user],
        item: global < 0 ? -1 : local[global],
        itemId: itemIds[item],
        ...(rows.times && { time: rows.times[row] }),
      };
    });
  }
  return {
    name: raw.name,
    users: pick(raw.users, userOrder),
    items: items.view().slice(),
    interactions,
    ...(times && { times }),
    heldOut,
  };
}

/** (entries) the time of each interaction, the latest of its rows, or the first. */
function timesOf(
  { trainUsers, trainItems }: RawMarket,
  rowTimes: Float64Array,
  userRank: Int32Array,
  columnOf: Int32Array,
  { indptr, indices }: SparsePattern,
  first: boolean,
): Float64Array {
  const sign = first ? -1 : 1;
  const times = new Float64Array(indices.length).fill(-sign * Number.POSITIVE_INFINITY);
  for (let row = 0; row < rowTimes.length; row++) {
    const user = userRank[trainUsers[row]];
    const column = columnOf[trainItems[row]];
    let low = indptr[user];
    for (let high = indptr[user + 1]; low < high; ) {
      const middle = (low + high) >> 1;
      if (indices[middle] < column) low = middle + 1;
      else high = middle;
    }
    if (sign * (rowTimes[row] - times[low]) > 0) times[low] = rowTimes[row];
  }
  return times;
}

/** CSR of the (user, item) pairs at rows rowOf[user] and columns columnOf[item], each pair counted once. */
function* compress(
  users: Int32Array,
  items: Int32Array,
  rowOf: Int32Array,
  columnOf: Int32Array,
  rows: number,
  cols: number,
): Generator<void, SparsePattern> {
  const indptr = new Int32Array(rows + 1);
  for (let pair = 0; pair < users.length; pair++) indptr[rowOf[users[pair]] + 1]++;
  for (let row = 0; row < rows; row++) indptr[row + 1] += indptr[row];
  yield;
  const cursors = indptr.slice(0, rows);
  const indices = new Int32Array(users.length);
  for (let pair = 0; pair < users.length; pair++) indices[cursors[rowOf[users[pair]]]++] = columnOf[items[pair]];
  yield;

  let entries = 0;
  for (let row = 0, start = 0; row < rows; row++) {
    const end = indptr[row + 1];
    sort(indices, start, end);
    for (let at = start; at < end; at++)
      if (at === start || indices[at] !== indices[at - 1]) indices[entries++] = indices[at];
    indptr[row + 1] = entries;
    start = end;
  }
  return { rows, cols, indptr, indices: entries === indices.length ? indices : indices.slice(0, entries) };
}

/** In place, from `start` to before `end`. */
function sort(values: Int32Array, start: number, end: number): void {
  if (end - start > BY_INSERTION) {
    values.subarray(start, end).sort();
    return;
  }
  for (let at = start + 1; at < end; at++) {
    const value = values[at];
    let to = at;
    for (; to > start && values[to - 1] > value; to--) values[to] = values[to - 1];
    values[to] = value;
  }
}

/** The numbers of the ids that are present, in order of the ids' UTF-16 code units. */
function sortedNumbers(ids: readonly string[], present: Uint8Array): Int32Array {
  const numbers = Int32Array.from(ids.keys()).filter((i) => present[i] === 1);
  sortByIds(numbers, ids);
  return numbers;
}

/** rank[order[i]] = i, and -1 for what is not in `order`. */
function inverse(order: Int32Array, size: number): Int32Array {
  const rank = new Int32Array(size).fill(-1);
  for (let i = 0; i < order.length; i++) rank[order[i]] = i;
  return rank;
}

function pick(ids: readonly string[], order: Int32Array): string[] {
  return Array.from(order, (i) => ids[i]);
}
