// What becomes of the columns of C = (G + λI)⁻¹ as they are computed (sparse-inverse.ts): B̂'s columns and, for a model
// that is to be updated, C's tiles.
import { type Address, plus } from '../engine/address.ts';
import { LANES } from '../engine/kernel-layout.ts';
import { runTasks } from '../engine/tasks.ts';
import type { Call, Kernels, Task } from '../engine/types.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { TILE, tileIndex, tileRows, tileValues } from '../matrix/tiles.ts';
import { transpose } from '../matrix/transpose.ts';
import type { Block } from './sparse-inverse.ts';

/** The kept entries of one column of B̂, by item. */
export interface SimilarColumn {
  indices: Int32Array;
  values: Float32Array;
}

/**
 * Takes what B̂ keeps of the columns in blocks, up to `most` at a time: first `marks` each block, in a task, then
 * `read`.
 */
export class ColumnReader {
  /** B̂'s column of each item. */
  readonly columns: SimilarColumn[];
  private readonly cursors: Address;
  private readonly masks: Address;

  /**
   * Linear memory: 2n + 64 bytes a block, released with the caller's mark.
   * @param order item by position.
   * @param positions address of the position (u32) of each item.
   */
  constructor(
    private readonly kernels: Kernels,
    private readonly order: Int32Array,
    private readonly positions: Address,
    private readonly epsilon: number,
    most: number,
  ) {
    this.columns = new Array(order.length);
    this.cursors = kernels.memory.allocate(4 * LANES * most);
    this.masks = kernels.memory.allocate(2 * order.length * most);
  }

  /** Finds what is kept of the block that will be the b-th of those to be read. */
  marks({ x, column, width }: Block, b: number): Call {
    return ['markColumns', this.order.length, x, column, width, this.epsilon, this.masksOf(b), this.cursorsOf(b)];
  }

  /** columns[item] becomes B̂'s column of each item in the blocks. */
  async read(blocks: Block[]): Promise<void> {
    const { memory } = this.kernels;
    const n = this.order.length;
    const mark = memory.mark();
    const ends = memory.i32(this.cursors, LANES * blocks.length);
    let entries = 0;
    for (const [c, count] of ends.entries()) {
      ends[c] = entries;
      entries += count;
    }
    const starts = ends.slice();
    const indices = memory.allocate(4 * entries, 'the similarities of some items');
    const values = memory.allocate(4 * entries, 'the similarities of some items');
    await runTasks(
      this.kernels,
      blocks.map(
        ({ x, column }, b): Task => [
          ['fillColumns', n, this.positions, x, column, this.masksOf(b), this.cursorsOf(b), indices, values],
        ],
      ),
    );
    const allIndices = memory.i32(indices, entries).slice();
    const allValues = memory.f32(values, entries).slice();
    for (const [b, { column, width }] of blocks.entries()) {
      for (let lane = 0; lane < width; lane++) {
        const start = starts[LANES * b + lane];
        const end = starts[LANES * b + lane + 1] ?? entries;
        this.columns[this.order[column + lane]] = {
          indices: allIndices.subarray(start, end),
          values: allValues.subarray(start, end),
        };
      }
    }
    memory.release(mark);
  }

  private masksOf(b: number): Address {
    return plus(this.masks, 2 * this.order.length * b);
  }

  private cursorsOf(b: number): Address {
    return plus(this.cursors, 4 * LANES * b);
  }
}

/** B̂ (n × n) from its n columns. */
export function joinColumns(kernels: Kernels, columns: SimilarColumn[]): SparseMatrix {
  const n = columns.length;
  const indptr = new Int32Array(n + 1);
  for (const [j, { indices }] of columns.entries()) indptr[j + 1] = indptr[j] + indices.length;
  const indices = new Int32Array(indptr[n]);
  const values = new Float32Array(indptr[n]);
  for (const [j, column] of columns.entries()) {
    indices.set(column.indices, indptr[j]);
    values.set(column.values, indptr[j]);
  }
  return transpose(kernels, { rows: n, cols: n, indptr, indices, values });
}

/** Tiles that have their padding only. */
export function emptyTiles(n: number): Float32Array {
  const tiles = new Float32Array(tileValues(n));
  for (let i = n; i < tileRows(n) * TILE; i++) tiles[tileIndex(i, i)] = -1;
  return tiles;
}

/** The tiles get −C in the rows of the items in the blocks. */
export function copyColumns(
  { exports, memory }: Kernels,
  blocks: Block[],
  order: Int32Array,
  positions: Address,
  tiles: Float32Array,
): void {
  const n = order.length;
  const mark = memory.mark();
  const line = memory.allocate(4 * n);
  const row = memory.f32(line, n);
  for (const { x, column, width } of blocks) {
    for (let lane = 0; lane < width; lane++) {
      exports.unpermute(n, positions, x, lane, line);
      const item = order[column + lane];
      for (let start = 0; start <= item; start += TILE)
        tiles.set(row.subarray(start, start + TILE), tileIndex(item, start));
    }
  }
  memory.release(mark);
}
