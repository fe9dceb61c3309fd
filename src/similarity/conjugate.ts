// EASE for catalogues too large for an exact inverse: columns of C = (G + λI)⁻¹, 16 at a time. What goes through the most popular
// items, the core, is exact dense products; the rest are a few steps of conjugate gradients over the other items alone, the tail,
// where little couples, preconditioned by groups of items bought together (alike.ts, assembly/sparse/conjugate.ts). G is never built. A
// step of 16 columns goes twice through the tail's interactions, and the core's share takes 2c flops an entry of C.
// Peak linear memory, with n items, u users, e interactions and a core of c items: 8e + 12u + 268n bytes of X, Xᵀ and the groups,
// at most 10e of the tail's interactions by chunks of users, 4c² of the core's inverse (17 MB), 4c (n − c) of the tail's coupling
// with it, in at most 1 GB, and for each block of 16 columns under way 256 (n + 16) bytes, 64c and up to 2 MB of sums, in at most
// 1 GB; before that, 20e bytes of transposes, or 14c² of the core. The result takes 16 bytes an entry at the end. X and Xᵀ once,
// the result twice, and, for a while, 4n bytes for each 32,768 users are on the host.

import { checkNumber } from '../common/errors.ts';
import { type Address, plus } from '../engine/address.ts';
import type { Kernels } from '../engine/instantiate.ts';
import type { StageContext } from '../engine/stage.ts';
import { type Call, ranges, runTasks, type Task } from '../engine/tasks.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { tileIndex, tileValues } from '../matrix/tiles.ts';
import { transpose } from '../matrix/transpose.ts';
import { alikeOrder, GROUP, tailStart, usersByGroup } from './alike.ts';
import { invertPermutation } from './elimination.ts';
import { ColumnReader, joinColumns } from './similar-columns.ts';
import type { Block } from './sparse-inverse.ts';
import { notPositive, padTiles, sweep, sweepBytes } from './sweep.ts';

/** Columns of a block, and f32 of one of its rows; see assembly/sparse/conjugate.ts. */
const LANES = 16;
/** Most items of the core, and most bytes of the tail's coupling with it. Fewer items make for more steps. */
export const CORE = 2048;
const COUPLING_BYTES = 1e9;
/** Rows of a slab of that coupling, and users of a chunk, as in assembly/sparse/conjugate.ts. */
const SLAB = 64;
const CHUNK = 32_768;
/** Rows of the coupling that a task works through: about 30 ms. */
const ROWS_PER_TASK = 1024;
/**
 * No |residual|_i / (A_ii C_jj) of a column j of the tail is larger: about how far an entry of B̂ is off, before Jacobi's step makes
 * it less.
 */
export const TOLERANCE = 2e-3;
/** A column of the tail has had its steps when no more than one row in so many is over it: relaxing these alone takes less time than more steps. */
const ROWS_LEFT = 64;
/** The core's columns have their steps until all rows are below this share of it: they are few, and all others pass through them. */
const CORE_SHARE = 0.25;
/** Steps after which a column is left as it is. */
const MAX_STEPS = 100;
/** Blocks under way at once, and most bytes of them: the coupling is read once for all of them. */
const SLOTS = 16;
const SLOT_BYTES = 1e9;
/** Every so many blocks one's residual is worked out afresh, the tail's first block among them. */
const CHECKED = 64;

export interface ConjugateOptions {
  lambda: number;
  epsilon: number;
  /** Items of the core, a multiple of 16. */
  core?: number;
  tolerance?: number;
}

export interface ConjugateSimilarity {
  similarity: SparseMatrix;
  /** Items of the core. */
  core: number;
  /** Mean steps of a column of the tail; 0 where there is none. */
  steps: number;
  /** The largest |residual|_i / (A_ii C_jj) of A C_j − e_j over one block of columns in 64, worked out afresh through all interactions. */
  residual: number;
}

/** Linear memory, in bytes, that `conjugateEase` asks for before its first column. */
export function conjugateBytes(items: number, users: number, entries: number, most = CORE): number {
  const core = coreOf(items, most);
  return (
    8 * entries +
    12 * users +
    16 * items +
    8 * core * core +
    4 * tileValues(core) +
    sweepBytes(core) +
    couplingBytes(items, core) +
    4 * GROUP * (items + GROUP) +
    segmentBytes(items, users, entries) +
    slotBytes(items, core, users) +
    2e5
  );
}

/** Items of the core: all of them where they are no more than `most`, else a multiple of 16. */
function coreOf(items: number, most: number): number {
  return items <= most ? items : Math.min(most, LANES * Math.max(1, Math.floor(COUPLING_BYTES / (4 * LANES * items))));
}

function couplingBytes(items: number, core: number): number {
  return 4 * core * SLAB * Math.ceil((items - core) / SLAB);
}

function slotBytes(items: number, core: number, users: number): number {
  return 4 * LANES * (4 * (items + LANES) + core + Math.max(core, GROUP, Math.min(CHUNK, users))) + 1024;
}

/** At most; see segmentsOf. */
function segmentBytes(items: number, users: number, entries: number): number {
  const chunks = Math.ceil(users / CHUNK);
  return 8 * Math.min(entries, chunks * items) + 2 * entries + 4 * chunks;
}

/**
 * B̂ as `ease` has it, from X itself, to within about `tolerance` in each entry. Where all items fit in the core it is exact but
 * for rounding. The order of accumulation follows from X alone.
 *
 * @param X users × items. @param transposed Xᵀ.
 * @param options λ > 0; ε; the smaller ε, the more entries there are, up to n².
 * @throws ArgumentError for wrong options, or a core or a group that is not positive definite in single precision.
 * @throws MemoryError where it does not fit, or the entries kept do not.
 */
export async function conjugateEase(
  context: StageContext,
  X: SparsePattern,
  transposed: SparsePattern,
  { lambda, epsilon, core: most = CORE, tolerance = TOLERANCE }: ConjugateOptions,
): Promise<ConjugateSimilarity> {
  const { kernels, name: stage } = context;
  checkNumber('lambda', lambda, 1e-6, 1e9);
  checkNumber('epsilon', epsilon, -1e9, 1e9);
  const { memory } = kernels;
  const n = X.cols;
  const users = X.rows;
  const core = coreOf(n, most);
  memory.require(conjugateBytes(n, users, X.indptr[users], most), `${stage} on ${n} items`);
  const { order, sorted, permuted } = await arrange(context, transposed, core);
  const mark = memory.mark();
  try {
    const inverse = memory.allocate(16 * core * Math.ceil(core / 4), stage);
    const coupling = memory.allocateZeroed(couplingBytes(n, core), stage);
    const starts = memory.put(sorted.indptr, stage);
    const x = {
      starts,
      middles: memory.put(
        Int32Array.from({ length: users }, (_, user) => tailStart(sorted, user, core)),
        stage,
      ),
      ends: plus(starts, 4),
      indices: memory.put(sorted.indices, stage),
    };
    const items = { starts: memory.put(permuted.indptr, stage), buyers: memory.put(permuted.indices, stage) };
    const [segmentStarts, segmentItems, segmentEnds, chunkUsers] = segmentsOf(permuted, core).map((part) =>
      memory.put(part, stage),
    );
    const weights = memory.put(
      Float32Array.from(order, (item) => 1 / (transposed.indptr[item + 1] - transposed.indptr[item] + lambda)),
      stage,
    );
    const places = memory.put(invertPermutation(order), stage);
    const groups = await invertGroups(context, sorted, permuted, core, lambda, order);
    const slots = allocateSlots(kernels, n, core, users, stage);

    const schurMark = memory.mark();
    const schur = memory.allocate(4 * core * core, stage);
    const coreBatches = ranges(Math.ceil(core / LANES), slots.length);
    const coreProgress = context.part('core');
    for (const [begin, end] of coreBatches) {
      const batch = take(begin, end, core);
      await solve(batch, tolerance * CORE_SHARE, 0, () => coreProgress.tick(LANES * begin, core));
      await runTasks(
        kernels,
        batch.map(({ column, width, slot }): Task => [['storeCore', n, core, column, width, slot.x, coupling]]),
      );
    }
    const products = context.part('products of the core');
    for (const [begin, end] of coreBatches) {
      await runTasks(
        kernels,
        take(begin, end, core).map(
          ({ column, width, slot }): Task => [
            [
              'schurColumns',
              n,
              core,
              column,
              width,
              users,
              x.starts,
              x.ends,
              x.indices,
              lambda,
              coupling,
              slot.x,
              slot.w,
              schur,
            ],
          ],
        ),
        () => products.tick(LANES * begin, core),
      );
    }
    await invertCore(context, schur, core, order, inverse);
    memory.release(schurMark);

    const reader = new ColumnReader(kernels, order, places, epsilon, slots.length);
    let entries = 0;
    let done = 0;
    let residual = 0;
    let steps = 0;
    const columns = context.part('columns');
    const tick = () => columns.tick(done, n);
    for (const [begin, end] of ranges(Math.ceil(n / LANES), slots.length)) {
      const batch = take(begin, end, n);
      const tail = batch.filter(({ column }) => column >= core);
      steps += await solve(tail, tolerance, Math.floor((n - core) / ROWS_LEFT), tick);
      await runTasks(
        kernels,
        batch.map(
          ({ column, width, slot }): Task => [
            ['coupleColumns', n, core, column, width, inverse, coupling, slot.x, slot.packed, slot.work],
          ],
        ),
        tick,
      );
      const { x: to, packed } = slots[0];
      await runTasks(
        kernels,
        ranges(n - core, ROWS_PER_TASK).map(
          ([from, until], t): Task => [
            [
              'addCore',
              from,
              until,
              core,
              batch.length,
              coupling,
              packed,
              to,
              lineBytes(n),
              plus(slots.edges, 128 * t),
            ],
          ],
        ),
        tick,
      );
      await check(batch.filter(({ column }) => (column - (core < n ? core : 0)) % (LANES * CHECKED) === 0));
      const blocks = batch.map(({ column, width, slot }): Block => ({ column, width, x: slot.x }));
      await runTasks(
        kernels,
        blocks.map((block, b): Task => [reader.marks(block, b)]),
      );
      await reader.read(blocks);
      for (const { column, width } of batch) {
        for (let c = column; c < column + width; c++) entries += reader.columns[order[c]].indices.length;
        done += width;
      }
      // what joining them will take
      memory.require(16 * entries, `${stage} with ${entries} entries or more`);
      await tick();
    }
    memory.release(mark);
    return {
      similarity: joinColumns(kernels, reader.columns),
      core,
      steps: n > core ? steps / (n - core) : 0,
      residual,
    };

    /** The blocks [begin, end) of the columns before `limit`, each with a slot. */
    function take(begin: number, end: number, limit: number): Columns[] {
      return slots
        .slice(0, end - begin)
        .map((slot, s) => ({ column: LANES * (begin + s), width: Math.min(LANES, limit - LANES * (begin + s)), slot }));
    }

    /** x_T of the blocks; how many steps their columns took in all. A block's steps are one task, so that it stays in a cache. */
    async function solve(
      batch: Columns[],
      tolerance: number,
      left: number,
      tick: () => Promise<void>,
    ): Promise<number> {
      await runTasks(
        kernels,
        batch.map(({ column, width, slot: { x: to, r, q, w, previous, work, report } }): Task => {
          const start: Call = [
            'startColumns',
            n,
            core,
            column,
            width,
            users,
            x.starts,
            x.middles,
            x.ends,
            x.indices,
            to,
            r,
            q,
            previous,
          ];
          if (n === core) return [start];
          const tail = [
            users,
            x.middles,
            x.ends,
            x.indices,
            items.starts,
            items.buyers,
            segmentStarts,
            segmentItems,
            segmentEnds,
            chunkUsers,
          ] as const;
          return [
            start,
            [
              'stepColumns',
              n,
              core,
              column,
              width,
              1,
              MAX_STEPS,
              left,
              ...tail,
              groups,
              weights,
              lambda,
              tolerance,
              to,
              r,
              q,
              w,
              previous,
              work,
              report,
            ],
            [
              'relaxRows',
              n,
              core,
              column,
              width,
              x.middles,
              x.ends,
              x.indices,
              items.starts,
              items.buyers,
              weights,
              lambda,
              tolerance,
              to,
              r,
              work,
            ],
            ['relaxColumns', n, core, groups, r, to, work],
          ];
        }),
        tick,
      );
      return n === core ? 0 : batch.reduce((sum, { width, slot }) => sum + width * memory.u32(slot.report, 2)[1], 0);
    }

    async function check(batch: Columns[]): Promise<void> {
      await runTasks(
        kernels,
        batch.map(
          ({ column, width, slot }): Task => [
            [
              'columnResidual',
              n,
              column,
              width,
              users,
              x.starts,
              x.ends,
              x.indices,
              weights,
              lambda,
              slot.x,
              slot.w,
              slot.work,
              slot.report,
            ],
          ],
        ),
        tick,
      );
      for (const { slot } of batch) residual = Math.max(residual, memory.f32(slot.report, 1)[0]);
    }
  } finally {
    memory.release(mark);
  }
}

/** Neighbouring positions, and the slot that their columns are worked out in. */
interface Columns {
  column: number;
  width: number;
  slot: Slot;
}

/** Addresses of a block's arrays; x and packed of all slots lie one behind the other. */
interface Slot {
  x: Address;
  r: Address;
  q: Address;
  w: Address;
  previous: Address;
  work: Address;
  packed: Address;
  /** What a kernel says of the block: 8 bytes. */
  report: Address;
}

function lineBytes(n: number): number {
  return 4 * LANES * (n + LANES);
}

/** As many slots as there is work and room for, and a tile of scratch for each task of addCore. */
function allocateSlots(
  { exports, memory }: Kernels,
  n: number,
  core: number,
  users: number,
  stage: string,
): Slot[] & { edges: Address } {
  const count = Math.max(1, Math.min(SLOTS, Math.ceil(n / LANES), Math.floor(SLOT_BYTES / slotBytes(n, core, users))));
  const xs = memory.allocate(count * lineBytes(n), stage);
  const packed = memory.allocate(count * 4 * LANES * core, stage);
  const lines = () => memory.allocate(lineBytes(n), stage);
  const slots = Array.from(
    { length: count },
    (_, s): Slot => ({
      x: plus(xs, s * lineBytes(n)),
      r: lines(),
      q: lines(),
      w: lines(),
      previous: memory.allocate(8 * LANES, stage),
      work: memory.allocate(exports.conjugateWorkspaceBytes(core, users), stage),
      packed: plus(packed, s * 4 * LANES * core),
      report: memory.allocate(8, stage),
    }),
  );
  return Object.assign(slots, { edges: memory.allocate(128 * Math.ceil((n - core) / ROWS_PER_TASK), stage) });
}

/** The items, those with most users first, else in order. */
function byPopularity({ rows, indptr }: SparsePattern): Int32Array {
  const users = (item: number) => indptr[item + 1] - indptr[item];
  return Int32Array.from({ length: rows }, (_, item) => item).sort((a, b) => users(b) - users(a) || a - b);
}

/** The rows of the pattern in this order. */
function permuteRows(pattern: SparsePattern, order: Int32Array): SparsePattern {
  const indptr = new Int32Array(order.length + 1);
  const indices = new Int32Array(pattern.indptr[pattern.rows]);
  for (const [row, from] of order.entries()) {
    const source = pattern.indices.subarray(pattern.indptr[from], pattern.indptr[from + 1]);
    indices.set(source, indptr[row]);
    indptr[row + 1] = indptr[row] + source.length;
  }
  return { ...pattern, indptr, indices };
}

/** The items' order, and X with items so and users by what they have: Xᵀ as `permuted`. */
async function arrange(
  context: StageContext,
  transposed: SparsePattern,
  core: number,
): Promise<{ order: Int32Array; sorted: SparsePattern; permuted: SparsePattern }> {
  const { kernels } = context;
  const popular = byPopularity(transposed);
  const byItem = permuteRows(transposed, popular);
  const alike = await alikeOrder(context, transpose(kernels, byItem), byItem, core);
  const byUser = transpose(kernels, permuteRows(byItem, alike));
  const sorted = permuteRows(byUser, usersByGroup(byUser, core));
  return { order: alike.map((position) => popular[position]), sorted, permuted: transpose(kernels, sorted) };
}

/** The tail's interactions by chunks of users, then by items: segmentStarts, segmentItems, segmentEnds and chunkUsers of assembly/sparse/conjugate.ts. */
export function segmentsOf(
  { rows: n, cols: users, indptr, indices }: SparsePattern,
  core: number,
): [Uint32Array, Uint32Array, Uint32Array, Uint16Array] {
  const chunks = Math.ceil(users / CHUNK);
  const tail = n - core;
  // Where the users of each chunk and item go: their counts first.
  const ends = new Uint32Array(chunks * tail);
  for (let item = 0; item < tail; item++) {
    for (let e = indptr[core + item]; e < indptr[core + item + 1]; e++)
      ends[Math.floor(indices[e] / CHUNK) * tail + item]++;
  }
  const segments = ends.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  const segmentStarts = new Uint32Array(chunks + 1);
  const segmentItems = new Uint32Array(segments);
  const segmentEnds = new Uint32Array(segments);
  let segment = 0;
  let end = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (let item = 0; item < tail; item++) {
      const count = ends[chunk * tail + item];
      ends[chunk * tail + item] = end;
      if (count === 0) continue;
      end += count;
      segmentItems[segment] = core + item;
      segmentEnds[segment++] = end;
    }
    segmentStarts[chunk + 1] = segment;
  }
  const chunkUsers = new Uint16Array(indptr[n] - indptr[core]);
  for (let item = 0; item < tail; item++) {
    for (let e = indptr[core + item]; e < indptr[core + item + 1]; e++)
      chunkUsers[ends[Math.floor(indices[e] / CHUNK) * tail + item]++] = indices[e] % CHUNK;
  }
  return [segmentStarts, segmentItems, segmentEnds, chunkUsers];
}

/** Inverses of the blocks of G + λI of each group, packed for `stepColumns`. */
async function invertGroups(
  context: StageContext,
  sorted: SparsePattern,
  permuted: SparsePattern,
  core: number,
  lambda: number,
  order: Int32Array,
): Promise<Address> {
  const { kernels, name: stage } = context;
  const { exports, memory } = kernels;
  const progress = context.part('inverses of the groups');
  const n = sorted.cols;
  const address = memory.allocateZeroed(4 * GROUP * GROUP * Math.ceil((n - core) / GROUP), stage);
  const mark = memory.mark();
  const block = memory.allocate(4 * GROUP * GROUP, stage);
  const work = memory.allocate(exports.choleskyWorkspaceBytes(GROUP), stage);
  const places = new Int32Array(sorted.rows).fill(-1);
  for (const [begin, end] of ranges(n - core, GROUP)) {
    const size = end - begin;
    const first = core + begin;
    const a = memory.f32(block, size * size);
    a.fill(0);
    const stop = permuted.indptr[first + size];
    for (let e = permuted.indptr[first]; e < stop; e++) {
      const user = permuted.indices[e];
      if (places[user] === begin) continue;
      places[user] = begin;
      const from = tailStart(sorted, user, first);
      const to = tailStart(sorted, user, first + size);
      for (let p = from; p < to; p++)
        for (let q = from; q < to; q++) a[(sorted.indices[p] - first) * size + sorted.indices[q] - first]++;
    }
    for (let i = 0; i < size; i++) a[i * (size + 1)] += lambda;
    const failed = exports.choleskyInverse(size, block, work);
    if (failed !== 0) throw notPositive(order[first + failed - 1]);
    exports.packColumns(4, block, size, size, size, plus(address, 4 * GROUP * begin));
    await progress.tick(end, n - core);
  }
  memory.release(mark);
  return address;
}

/** The inverse of the core's rows at `schur`, which rounding leaves not quite symmetric, in panels of four rows, as `packRows` would make them, at `packed`. */
async function invertCore(
  context: StageContext,
  schur: Address,
  core: number,
  order: Int32Array,
  packed: Address,
): Promise<void> {
  const { kernels, name: stage } = context;
  const { memory } = kernels;
  const mark = memory.mark();
  const tiles = memory.allocateZeroed(4 * tileValues(core), stage);
  const rows = memory.f32(schur, core * core);
  const lower = memory.f32(tiles, tileValues(core));
  for (let i = 0; i < core; i++)
    for (let j = 0; j <= i; j++) lower[tileIndex(i, j)] = (rows[i * core + j] + rows[j * core + i]) / 2;
  padTiles(lower, core);
  await sweep(context.part('inverse of the core'), tiles, core, (row) => order[row]);
  const a = memory.f32(tiles, tileValues(core));
  const out = memory.f32(packed, 4 * core * Math.ceil(core / 4));
  out.fill(0);
  for (let i = 0; i < core; i++) {
    for (let j = 0; j <= i; j++) {
      const value = -a[tileIndex(i, j)];
      out[(i >> 2) * 4 * core + 4 * j + (i & 3)] = value;
      out[(j >> 2) * 4 * core + 4 * i + (j & 3)] = value;
    }
  }
  memory.release(mark);
}
