// (G + λI)⁻¹ of a sparse G, column by column. The columns that leave little fill are eliminated first, panel by panel;
// the dense rest is swept (ease.ts); then each column of the inverse is completed backwards through the panels, 16
// columns to a block, several blocks to a batch, and handed on: the inverse is never there whole. Peak memory, with t
// columns swept and s = n − t eliminated: 2t (t + 256) bytes of tiles, 2s (n + t) of inverse rows that later columns
// need, the panels (under 30 MB at n = 12,015), and either 12t · 256 of the sweep or 1 kB a row for a batch.

import { type Address, type Pointer, plus } from '../engine/address.ts';
import {
  Csr,
  FactoredPanel,
  KeptBlock,
  LANES,
  Panels,
  SPARE_ROWS,
  UPDATE_SCRATCH_BYTES,
} from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { putStruct, putStructs } from '../engine/struct.ts';
import { runTasks } from '../engine/tasks.ts';
import type { Call, Task } from '../engine/types.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { TILE, tileCount, tileRows, tileValues } from '../matrix/tiles.ts';
import { type Elimination, invertPermutation, MAX_WIDTH, type Panel } from './elimination.ts';
import { notPositive, padTiles, sweep, sweepBytes } from './sweep.ts';

/** Most blocks of a batch: a multiple of any likely number of threads. */
export const BATCH = 16;

/** Up to 16 neighbouring columns of C, by position. */
export interface Block {
  column: number;
  width: number;
  /** Address of its values: position × 16 f32. */
  x: Address;
}

/** What becomes of the columns. */
export interface ColumnVisitor {
  /** Calls on the b-th block of a batch, made in the task that makes the block, while it is in a cache. */
  calls(block: Block, b: number): Call[];
  /** Gets the batch then; its blocks hold until it returns. */
  visit(blocks: Block[]): Promise<void>;
}

/**
 * Linear memory, in bytes, that `invertSparse` asks for with this number of entries of G, besides what its visitor
 * allocates.
 */
export function sparseInverseBytes(plan: Elimination, entries: number): number {
  const n = plan.order.length;
  const size = n - plan.leading;
  const factor = sum(plan.panels, ({ width, rows }) => 4 * (width * width + width * rows.length + rows.length + 8));
  const eliminating =
    sum(plan.panels, ({ width, rows }) => 4 * (width * rows.length + tileRows(size) + 20)) +
    UPDATE_SCRATCH_BYTES * tileCount(size) +
    8 * entries +
    16 * n +
    1e6;
  const working = Math.max(eliminating, sweepBytes(size), BATCH * blockBytes(n));
  return (
    factor + 4 * tileValues(size) + sum(blocksOf(plan), ({ keptRows }) => 4 * LANES * keptRows + 12) + working + 1e5
  );
}

/**
 * Hands the visitor the columns of C = (G + λI)⁻¹, each once, up to BATCH blocks at a time; positions are those of
 * plan.order. The order of accumulation follows from the plan alone.
 *
 * @param plan of G's pattern.
 * @throws ArgumentError for G + λI not positive definite.
 * @throws MemoryError if sparseInverseBytes do not fit.
 */
export async function invertSparse(
  context: StageContext,
  gram: SparseMatrix,
  lambda: number,
  plan: Elimination,
  visitor: ColumnVisitor,
): Promise<void> {
  const { kernels, name } = context;
  const { memory } = kernels;
  memory.reserve(sparseInverseBytes(plan, gram.indptr[gram.rows]), `${name} on ${gram.rows} items`);
  const mark = memory.mark();
  try {
    const panels = allocatePanels(context, plan);
    const size = gram.rows - plan.leading;
    const tiles = memory.allocateZeroed(4 * tileValues(size), name);
    await eliminate(context, gram, lambda, plan, panels, tiles);
    await sweep(context, tiles, size, (row) => plan.order[plan.leading + row]);
    await complete(context, plan, panels.table, tiles, visitor);
  } finally {
    memory.release(mark);
  }
}

/** Where the panels are in linear memory. */
interface PanelMemory {
  /** Their descriptions. */
  table: Pointer<FactoredPanel>;
  pivots: Address[];
  factors: Address[];
}

function allocatePanels({ kernels: { memory }, name }: StageContext, { panels }: Elimination): PanelMemory {
  const placed = panels.map(
    ({ first, width, rows }): FactoredPanel => ({
      first,
      width,
      height: rows.length,
      rows: memory.put(rows, name),
      factor: memory.allocateZeroed(4 * width * rows.length, name),
      inverse: memory.allocateZeroed(4 * width * width, name),
    }),
  );
  return {
    table: putStructs(memory, FactoredPanel, placed, name),
    pivots: placed.map(({ inverse }) => inverse),
    factors: placed.map(({ factor }) => factor),
  };
}

/** Factors the panels; the tiles become what is left of G + λI for the columns after them. */
async function eliminate(
  context: StageContext,
  gram: SparseMatrix,
  lambda: number,
  plan: Elimination,
  { table, pivots, factors }: PanelMemory,
  tiles: Address,
): Promise<void> {
  const { kernels, name } = context;
  const { exports, memory } = kernels;
  const progress = context.part('eliminate');
  const { panels, leading, order } = plan;
  const mark = memory.mark();
  const blocks = panels.map(({ width, rows }) => memory.allocateZeroed(4 * width * rows.length, name));
  const positions = invertPermutation(order);
  putPanels(context, gram, lambda, plan, positions, pivots, blocks);
  await putTileRows(context, gram, lambda, plan, positions, tiles);
  const blockTable = memory.put(Uint32Array.from(blocks), name);
  const pivotTable = memory.put(Uint32Array.from(pivots), name);
  const owner = memory.allocate(4 * leading, name);
  for (const [p, { first, width }] of panels.entries()) memory.u32(owner, leading).fill(p, first, first + width);
  const count = tileRows(order.length - leading);
  const scratch = memory.allocate(UPDATE_SCRATCH_BYTES, name);
  const workspace = memory.allocate(exports.gemmWorkspaceBytes(), name);
  const work = memory.allocate(exports.choleskyWorkspaceBytes(MAX_WIDTH), name);
  const total = panels.length + tileCount(order.length - leading);
  for (const [p, { first, width, rows }] of panels.entries()) {
    const r = rows.length;
    const failed = exports.choleskyInverse(width, pivots[p], work);
    if (failed !== 0) throw notPositive(order[first + failed - 1]);
    exports.gemmNN(width, r, width, 1, pivots[p], width, blocks[p], r, factors[p], r, workspace);
    exports.updatePanels(table, p, countBelow(rows, leading), owner, blockTable, pivotTable, scratch);
    await progress.tick(p + 1, total);
  }
  const starts = memory.put(startsOf(panels, leading, count), name);
  const places = Array.from({ length: count }, (_, i) => Array.from({ length: i + 1 }, (_, j) => [i, j])).flat();
  const scratches = memory.allocate(UPDATE_SCRATCH_BYTES * places.length, name);
  const all = putStruct(memory, Panels, {
    panels: table,
    count: panels.length,
    blocks: blockTable,
    starts,
    leading,
    tiles,
    t: TILE,
    tileRows: count,
  });
  const tasks = places.map(([i, j], t): Task => [['updateTile', all, i, j, plus(scratches, UPDATE_SCRATCH_BYTES * t)]]);
  await runTasks(kernels, tasks, (finished) => progress.tick(panels.length + finished, total));
  memory.release(mark);
}

/** How many of the rising values are below a bound. */
function countBelow(values: Int32Array, bound: number): number {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle] < bound) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Panel by panel, how many of its rows are before each row of tiles, and how many there are: `count` + 1 numbers. */
function startsOf(panels: Panel[], leading: number, count: number): Uint32Array {
  const starts = new Uint32Array(panels.length * (count + 1));
  let at = 0;
  for (const { rows } of panels) {
    let before = countBelow(rows, leading);
    for (let i = 0; i <= count; i++) {
      while (before < rows.length && rows[before] < leading + i * TILE) before++;
      starts[at++] = before;
    }
  }
  return starts;
}

/** The entries of G + λI that belong to panels, in their lower triangle and below. */
function putPanels(
  { kernels: { memory } }: StageContext,
  gram: SparseMatrix,
  lambda: number,
  { order, panels }: Elimination,
  positions: Int32Array,
  pivots: Address[],
  blocks: Address[],
): void {
  const place = new Int32Array(order.length);
  for (const [p, { first, width, rows }] of panels.entries()) {
    const pivot = memory.f32(pivots[p], width * width);
    const block = memory.f32(blocks[p], width * rows.length);
    for (const [at, row] of rows.entries()) place[row] = at;
    for (let j = 0; j < width; j++) {
      pivot[j * (width + 1)] = lambda;
      const item = order[first + j];
      for (let e = gram.indptr[item]; e < gram.indptr[item + 1]; e++) {
        const row = positions[gram.indices[e]];
        if (row >= first + width) block[j * rows.length + place[row]] = gram.values[e];
        else if (row >= first + j) pivot[(row - first) * width + j] += gram.values[e];
      }
    }
  }
}

/**
 * The entries of G + λI that belong to the tiles, which are zeros before; the last ones are padded with the identity.
 */
async function putTileRows(
  { kernels, name }: StageContext,
  gram: SparseMatrix,
  lambda: number,
  { order, leading }: Elimination,
  positions: Int32Array,
  tiles: Address,
): Promise<void> {
  const { memory } = kernels;
  const size = order.length - leading;
  const mark = memory.mark();
  const entries = gram.indptr[gram.rows];
  const [indptr, indices, values, orders, places] = [
    gram.indptr,
    gram.indices.subarray(0, entries),
    gram.values.subarray(0, entries),
    order,
    positions,
  ].map((array) => memory.put(array, name));
  const matrix = putStruct(memory, Csr, { indptr, indices, values }, name);
  await runTasks(
    kernels,
    Array.from(
      { length: tileRows(size) },
      (_, i): Task => [['putTileRow', i, matrix, orders, places, leading, lambda, tiles, TILE, size]],
    ),
  );
  padTiles(memory.f32(tiles, tileValues(size)), size);
  memory.release(mark);
}

/** The columns of C, the dense ones first, then level by level backwards. */
async function complete(
  context: StageContext,
  plan: Elimination,
  table: Pointer<FactoredPanel>,
  tiles: Address,
  visitor: ColumnVisitor,
): Promise<void> {
  const { kernels, name } = context;
  const progress = context.part('columns');
  const { memory } = kernels;
  const { order, leading, panels } = plan;
  const n = order.length;
  const all = blocksOf(plan);
  const kept = all.map(({ keptRows }) => memory.allocate(4 * LANES * keptRows, name));
  const keptBlocks = all.map(({ column, width }, b): KeptBlock => ({ column, width, rows: kept[b] }));
  const keptTable = putStructs(memory, KeptBlock, keptBlocks, name);
  const x = Array.from({ length: Math.min(BATCH, all.length) }, () => memory.allocateZeroed(blockBytes(n), name));
  let end = all.length;
  while (end > 0) {
    let start = end - 1;
    while (start > 0 && end - start < BATCH && all[start - 1].level === all[start].level) start--;
    const batch = all.slice(start, end);
    const blocks = batch.map(({ column, width }, b): Block => ({ column, width, x: x[b] }));
    const tasks = batch.map(({ column, width, level, levelEnd, keptRows }, b): Task => {
      const invert: Call =
        level === plan.levels.length - 1
          ? [
              'invertSwept',
              table,
              panels.length,
              tiles,
              TILE,
              n - leading,
              leading,
              column - leading,
              x[b],
              kept[start + b],
            ]
          : [
              'invertLeading',
              table,
              plan.levels[level + 1],
              keptTable,
              levelEnd,
              all.length,
              column,
              width,
              x[b],
              kept[start + b],
              keptRows,
            ];
      return [invert, ...visitor.calls(blocks[b], b)];
    });
    await runTasks(kernels, tasks);
    await visitor.visit(blocks);
    end = start;
    await progress.tick(n - batch[0].column, n);
  }
}

interface PlannedBlock {
  column: number;
  width: number;
  /** Its level; the dense columns are the last. */
  level: number;
  /** Blocks up to the end of its level. */
  levelEnd: number;
  /** Rows before its level: what columns of earlier levels need of it. */
  keptRows: number;
}

/** Every block, by column. */
function blocksOf({ order, leading, panels, levels }: Elimination): PlannedBlock[] {
  const starts = levels.map((panel) => (panel < panels.length ? panels[panel].first : leading));
  starts.push(order.length);
  const blocks: PlannedBlock[] = [];
  for (let level = 0; level < levels.length; level++) {
    const levelEnd = blocks.length + Math.ceil((starts[level + 1] - starts[level]) / LANES);
    for (let column = starts[level]; column < starts[level + 1]; column += LANES) {
      blocks.push({
        column,
        width: Math.min(LANES, starts[level + 1] - column),
        level,
        levelEnd,
        keptRows: starts[level],
      });
    }
  }
  return blocks;
}

/** Bytes of a block of n rows. */
function blockBytes(n: number): number {
  return 4 * LANES * (n + SPARE_ROWS);
}

function sum<T>(list: T[], value: (each: T) => number): number {
  return list.reduce((total, each) => total + value(each), 0);
}
