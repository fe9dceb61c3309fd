// The mini-batches of stage 3: which users they hold, and their linear memory.
import { type Address, NOWHERE, type Pointer } from '../engine/address.ts';
import { Adam, Csr, Pull } from '../engine/kernel-layout.ts';
import { allocateStructs, putStruct } from '../engine/struct.ts';
import type { Kernels } from '../engine/types.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';

/** Items of a task: their vectors and moments pass through an L2 cache. */
export const ITEMS_PER_TASK = 1024;

/** What the largest batch of an epoch holds. */
export interface BatchSizes {
  /** Users. */
  count: number;
  /** Entries of X̂. */
  entries: number;
  /** Pulls of the margin loss. */
  pulls: number;
  /** Items of the market, and ranges of them. */
  items: number;
  itemRanges: number;
  /** Tasks of users. */
  userTasks: number;
  dim: number;
  softmax: boolean;
}

/** Memory for the batches of an epoch; those of even and of odd steps alternate. */
export class BatchMemory {
  /** X̂ (count × n). */
  readonly histories: { matrix: Csr; at: Pointer<Csr> };
  /** X̂ᵀ. */
  readonly lists: { matrix: Csr; at: Pointer<Csr> }[];
  /** Of the step: U_loc's, and V's. */
  readonly userAdam: Pointer<Adam>;
  readonly itemAdam: Pointer<Adam>;
  readonly keys: Address;
  readonly starts: Address;
  readonly u: Address;
  readonly du: Address;
  readonly parts: Address;
  readonly partBytes: number;
  readonly userTasks: number;
  readonly totals: Address;
  /** Of the margin loss. */
  readonly pulls: Address;
  readonly pullCounts: Address;
  readonly pullLists: Address;
  readonly pullListBytes: number;
  /** Of the softmax. */
  readonly ld: number;
  readonly scores: Address = NOWHERE;
  readonly unitU: Address = NOWHERE;
  readonly normsU: Address = NOWHERE;
  readonly unitGradientU: Address = NOWHERE;
  readonly workspaces: Address = NOWHERE;
  readonly workspaceBytes: number = 0;

  constructor(
    { exports, memory }: Kernels,
    { count, entries, pulls, items, itemRanges, userTasks, dim, softmax }: BatchSizes,
  ) {
    const room = (length: number) => memory.allocate(4 * length, 'the market adaptation');
    const sparse = (rows: number) => {
      const matrix = { indptr: room(rows + 1), indices: room(entries), values: room(entries) };
      return { matrix, at: putStruct(memory, Csr, matrix) };
    };
    this.histories = sparse(count);
    this.lists = [sparse(items), sparse(items)];
    this.userAdam = allocateStructs(memory, Adam, 1);
    this.itemAdam = allocateStructs(memory, Adam, 1);
    this.keys = room(count);
    this.starts = room(count);
    this.u = room(count * dim);
    this.du = room(count * dim);
    this.partBytes = 4 * count * dim;
    this.parts = room(itemRanges * count * dim);
    this.userTasks = userTasks;
    this.totals = room(4 * userTasks);
    this.pulls = room((pulls * Pull.bytes) / 4);
    this.pullCounts = room(count);
    this.pullListBytes = 4 * (ITEMS_PER_TASK + 1) + pulls * Pull.bytes;
    this.pullLists = memory.allocate(softmax ? 0 : itemRanges * this.pullListBytes, 'the market adaptation');
    this.ld = Math.ceil(items / 4) * 4;
    if (!softmax) return;
    this.scores = room(count * this.ld);
    this.unitU = room(count * dim);
    this.normsU = room(count);
    this.unitGradientU = room(count * dim);
    this.workspaceBytes = exports.gemmWorkspaceBytes();
    this.workspaces = memory.allocate(Math.max(userTasks, itemRanges) * this.workspaceBytes, 'the market adaptation');
  }
}

/** Bounds on the entries of each user's row of X B. */
export function rowLengths(x: SparsePattern, b: SparseMatrix): Int32Array {
  return Int32Array.from({ length: x.rows }, (_, user) => {
    let sum = 0;
    for (let e = x.indptr[user]; e < x.indptr[user + 1]; e++)
      sum += b.indptr[x.indices[e] + 1] - b.indptr[x.indices[e]];
    return Math.min(sum, b.cols);
  });
}

/**
 * Cuts a list of users into `steps` ranges of about as many interactions each; a range may be empty. (steps + 1) ends.
 */
export function cutUsers(order: Int32Array, indptr: Int32Array, steps: number): Int32Array {
  const cuts = new Int32Array(steps + 1);
  const total = indptr[indptr.length - 1];
  let passed = 0;
  let step = 1;
  for (let k = 0; k < order.length; k++) {
    passed += indptr[order[k] + 1] - indptr[order[k]];
    while (step <= steps && passed * steps >= step * total) cuts[step++] = k + 1;
  }
  return cuts.fill(order.length, step);
}
