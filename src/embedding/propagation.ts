// V = B W + W: item tables that are trained through B. V, which meets the loss, lies row by row; W, the gradient that
// goes back through B and Adam's moments lie in panels of 16 columns, so that a panel of W fits a cache
// (assembly/embedding/propagate.ts).
import { type Address, type Pointer, plus } from '../engine/address.ts';
import { Adam, LANES } from '../engine/kernel-layout.ts';
import type { LinearMemory } from '../engine/memory.ts';
import { allocateStructs, writeStruct } from '../engine/struct.ts';
import { ranges } from '../engine/tasks.ts';
import type { Kernels, Task } from '../engine/types.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import { BETA1, BETA2, EPSILON } from './optimiser.ts';

/** Most rows of a task: the more, the more often a row of W is met again in a cache. */
const ROWS_PER_TASK = 16_384;

/** Addresses of one table of n × d f32 and of what its training needs. */
export interface PropagatedTable {
  /** W, in panels. */
  parameters: Address;
  /** V, row by row. */
  propagated: Address;
  /** The loss's gradient by V: row by row as it is gathered, then B's product with it, in panels. */
  gradient: Address;
  /** The gradient by V, cut into panels. */
  panels: Address;
  /** Adam's moments, in panels. */
  m: Address;
  v: Address;
}

/** Linear memory, in bytes, of a table. */
export function propagatedTableBytes(n: number, dim: number): number {
  return 6 * 4 * n * dim;
}

/** Linear memory, in bytes, of B both ways. */
export function propagationBytes(similarity: SparseMatrix): number {
  return 16 * similarity.values.length + 8 * (similarity.rows + 1);
}

/** A table whose W is uniform in ± `initial`. Released with the caller's mark. */
export function makePropagatedTable(
  { exports, memory }: Kernels,
  n: number,
  dim: number,
  { initial, seed, stream }: { initial: number; seed: number; stream: number },
): PropagatedTable {
  const size = n * dim;
  const propagated = memory.allocate(4 * size);
  const parameters = memory.allocate(4 * size);
  exports.fillUniform(propagated, size, initial, seed, stream, 0);
  exports.cutColumns(0, n, n, dim, propagated, parameters);
  return {
    parameters,
    propagated,
    gradient: memory.allocateZeroed(4 * size),
    panels: memory.allocate(4 * size),
    m: memory.allocateZeroed(4 * size),
    v: memory.allocateZeroed(4 * size),
  };
}

/** B in linear memory both ways, and the tasks that take tables through it. */
export class Propagation {
  private readonly n: number;
  private readonly forwardB: MatrixAddresses;
  private readonly backwardB: MatrixAddresses;
  private readonly memory: LinearMemory;
  /** Of the last step. */
  private readonly adam: Pointer<Adam>;
  private readonly parts: { begin: number; end: number; column: number; panel: number }[];

  /** @param similarity B (n × n). Its memory is released with the caller's mark. */
  constructor(
    kernels: Kernels,
    similarity: SparseMatrix,
    private readonly dim: number,
  ) {
    const { memory } = kernels;
    this.n = similarity.rows;
    this.memory = memory;
    this.adam = allocateStructs(memory, Adam, 1);
    const backward = transpose(kernels, similarity);
    this.forwardB = putMatrix(memory, similarity);
    this.backwardB = putMatrix(memory, backward);
    this.parts = ranges(dim, LANES).flatMap(([column]) =>
      ranges(this.n, ROWS_PER_TASK).map(([begin, end]) => ({ begin, end, column, panel: 4 * this.n * column })),
    );
  }

  /** V = B W + W of each table. */
  forward(tables: readonly PropagatedTable[]): Task[] {
    const { indptr, indices, values } = this.forwardB;
    return tables.flatMap(({ parameters, propagated }) =>
      this.parts.map(({ begin, end, column, panel }): Task => {
        const to = plus(propagated, 4 * column);
        return [['propagate', begin, end, indptr, indices, values, plus(parameters, panel), to, 4 * this.dim, 1]];
      }),
    );
  }

  /**
   * The gradient by W is Bᵀ times the gradient by V and that itself; it takes the place of the latter's rows. Then
   * Adam's step.
   */
  stepBack(tables: readonly PropagatedTable[], rate: number): Task[] {
    const { indptr, indices, values } = this.backwardB;
    writeStruct(this.memory, Adam, this.adam, { rate, beta1: BETA1, beta2: BETA2, epsilon: EPSILON });
    return tables.flatMap(({ parameters, gradient, panels, m, v }) =>
      this.parts.map(({ begin, end, panel }): Task => {
        const at = panel + 4 * LANES * begin;
        const size = (end - begin) * LANES;
        return [
          ['propagate', begin, end, indptr, indices, values, plus(panels, panel), plus(gradient, panel), 4 * LANES, 1],
          ['adam', size, plus(parameters, at), plus(gradient, at), plus(m, at), plus(v, at), this.adam],
        ];
      }),
    );
  }
}

/** B V (n × d) of a table V (n × d). */
export function propagateTable(
  { exports, memory }: Kernels,
  similarity: SparseMatrix,
  table: Float32Array,
  dim: number,
): Float32Array {
  const n = similarity.rows;
  const mark = memory.mark();
  try {
    const panels = memory.allocate(4 * table.length);
    const out = memory.allocate(4 * table.length);
    exports.cutColumns(0, n, n, dim, memory.put(table), panels);
    const { indptr, indices, values } = putMatrix(memory, similarity);
    for (let column = 0; column < dim; column += LANES)
      exports.propagate(0, n, indptr, indices, values, plus(panels, 4 * n * column), plus(out, 4 * column), 4 * dim, 0);
    return memory.f32(out, table.length).slice();
  } finally {
    memory.release(mark);
  }
}

interface MatrixAddresses {
  indptr: Address;
  indices: Address;
  values: Address;
}

function putMatrix(memory: LinearMemory, { indptr, indices, values }: SparseMatrix): MatrixAddresses {
  return { indptr: memory.put(indptr), indices: memory.put(indices), values: memory.put(values) };
}
