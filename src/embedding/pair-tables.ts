// The tables of pairwise factorisation: parameters, gradients and Adam's moments lie in panels of 16 columns, one task
// each; what is made of the parameters, and meets the loss, lies row by row. Rows: all users, then all items.
import { type Address, type Pointer, plus } from '../engine/address.ts';
import { Adam, LANES } from '../engine/kernel-layout.ts';
import { STREAM } from '../engine/streams.ts';
import { allocateStructs, writeStruct } from '../engine/struct.ts';
import { ranges } from '../engine/tasks.ts';
import type { Call, Kernels, Task } from '../engine/types.ts';
import type { SparseMatrix, SparsePattern } from '../matrix/sparse.ts';
import { BETA1, BETA2, EPSILON } from './optimiser.ts';

/** Vectors start uniform with this deviation. */
const DEVIATION = 0.1;
/** Bytes of a row of a panel. */
const LINE = 4 * LANES;

/** A batch that was scored: what pairWeights has left. */
export interface ScoredBatch {
  rows: Address;
  weights: Address;
  negatives: number;
  /** Its interactions. */
  size: number;
}

/** Sixteen columns. */
interface Panel {
  column: number;
  parameters: Address;
  gradient: Address;
  m: Address;
  v: Address;
  /** Room for a step over the graph, from the one to the other. */
  work: readonly [Address, Address];
}

export class PairTables {
  /** rows × d × f32: 1/(L+1) Σ_{l≤L} Ã^l E of the parameters E. */
  readonly vectors: Address;
  private readonly kernels: Kernels;
  private readonly rows: number;
  private readonly panels: Panel[];
  private readonly graph: { indptr: Address; indices: Address; values: Address };
  /** (rows + 1) × i32 zeros: the rows of a graph without edges. */
  private readonly noEdges: Address;
  private readonly adam: Pointer<Adam>;

  /**
   * Released with the caller's mark.
   * @param biased whether the last number of users is 1, and not learned
   */
  constructor(
    kernels: Kernels,
    X: SparsePattern,
    transposed: SparsePattern,
    private readonly options: { dim: number; depth: number; biased: boolean; decay: number; seed: number },
  ) {
    const { exports, memory } = kernels;
    const { dim, depth, biased, seed } = options;
    this.kernels = kernels;
    this.rows = X.rows + X.cols;
    const size = this.rows * dim;
    this.vectors = memory.allocate(4 * size);
    exports.fillUniform(this.vectors, size, Math.sqrt(3) * DEVIATION, seed, STREAM.initialFactors, 0);
    if (biased) {
      const table = memory.f32(this.vectors, size);
      for (let row = 0; row < this.rows; row++) table[row * dim + dim - 1] = row < X.rows ? 1 : 0;
    }
    const parameters = memory.allocate(4 * size);
    exports.cutColumns(0, this.rows, this.rows, dim, this.vectors, parameters);
    const gradient = memory.allocate(4 * size);
    const [m, v] = [memory.allocateZeroed(4 * size), memory.allocateZeroed(4 * size)];
    const work = [1, 2].map((steps) => memory.allocate(depth >= steps ? 4 * size : 0));
    this.panels = ranges(dim, LANES).map(([column]): Panel => {
      const of = (table: Address) => plus(table, 4 * this.rows * column);
      return {
        column,
        parameters: of(parameters),
        gradient: of(gradient),
        m: of(m),
        v: of(v),
        work: [of(work[0]), of(work[1])],
      };
    });
    this.noEdges = memory.allocateZeroed(4 * (this.rows + 1));
    const { indptr, indices, values } = graphOf(X, transposed, depth > 0);
    this.graph = { indptr: memory.put(indptr), indices: memory.put(indices), values: memory.put(values) };
    this.adam = allocateStructs(memory, Adam, 1);
  }

  /** Linear memory, in bytes. */
  static bytes(X: SparsePattern, { dim, depth }: { dim: number; depth: number }): number {
    const rows = X.rows + X.cols;
    return 4 * rows * dim * (5 + Math.min(2, depth)) + 8 * (rows + 1) + (depth > 0 ? 16 * X.indices.length : 0);
  }

  /** Makes the vectors, of the first `depth` steps alone where it is given; divided by L + 1 in any case. */
  forward(depth = this.options.depth): Task[] {
    return this.panels.map((panel) => this.forwardCalls(panel, depth));
  }

  /** The gradients of a batch, a step of Adam, and the vectors after it. */
  step({ rows, weights, negatives, size }: ScoredBatch, rate: number): Task[] {
    const { dim, depth, decay, biased } = this.options;
    writeStruct(this.kernels.memory, Adam, this.adam, { rate, beta1: BETA1, beta2: BETA2, epsilon: EPSILON });
    return this.panels.map((panel): Task => {
      const { column, parameters, gradient, m, v } = panel;
      const fixed = Number(biased && column + LANES === dim);
      const from = plus(this.vectors, 4 * column);
      const { calls, out } = this.sum(gradient, panel, depth, 1 / (depth + 1));
      return [
        ['clear', this.rows * LANES, gradient],
        ['pairGradients', size, negatives, rows, weights, from, 4 * dim, gradient, fixed],
        ...calls,
        ['pairDecay', size, negatives, rows, parameters, out, decay / size, fixed],
        ['adam', this.rows * LANES, parameters, out, m, v, this.adam],
        ...this.forwardCalls(panel, depth),
      ];
    });
  }

  private forwardCalls(panel: Panel, depth: number): Call[] {
    const { column, parameters } = panel;
    const { calls, out } = this.sum(parameters, panel, depth - 1, 1);
    const to = plus(this.vectors, 4 * column);
    const scale = 1 / (this.options.depth + 1);
    return [...calls, this.onto(out, parameters, to, 4 * this.options.dim, scale, depth > 0)];
  }

  /** scale · Σ_{l≤steps} Ã^l of a panel's table by Horner's rule; the table itself without a step. */
  private sum(table: Address, { work }: Panel, steps: number, scale: number): { calls: Call[]; out: Address } {
    const calls: Call[] = [];
    let out = table;
    for (let l = 1; l <= steps; l++) {
      const to = work[(l + 1) % 2];
      calls.push(this.onto(out, table, to, LINE, l === steps ? scale : 1, true));
      out = to;
    }
    return { calls, out };
  }

  /** to = scale · (base + Ã x), or scale · base without the graph. */
  private onto(x: Address, base: Address, to: Address, stride: number, scale: number, graph: boolean): Call {
    const { indptr, indices, values } = this.graph;
    const edges = graph ? indptr : this.noEdges;
    return ['propagateOnto', 0, this.rows, edges, indices, values, x, base, to, stride, scale];
  }
}

/** Ã = [0 N; Nᵀ 0] with N_ui = 1 / √(D_u D_i). @param edges whether it has any */
function graphOf(X: SparsePattern, transposed: SparsePattern, edges: boolean): Omit<SparseMatrix, 'rows' | 'cols'> {
  const count = edges ? X.indices.length : 0;
  const indptr = new Int32Array(X.rows + X.cols + 1);
  const indices = new Int32Array(2 * count);
  const values = new Float32Array(2 * count);
  if (!edges) return { indptr, indices, values };
  const degree = ({ indptr }: SparsePattern, row: number) => indptr[row + 1] - indptr[row];
  let filled = 0;
  const append = (from: SparsePattern, to: SparsePattern, first: number, base: number) => {
    for (let row = 0; row < from.rows; row++) {
      for (let e = from.indptr[row]; e < from.indptr[row + 1]; e++) {
        const other = from.indices[e];
        indices[filled] = base + other;
        values[filled++] = 1 / Math.sqrt(degree(from, row) * degree(to, other));
      }
      indptr[first + row + 1] = filled;
    }
  };
  append(X, transposed, 0, X.rows);
  append(transposed, X, X.rows, 0);
  return { indptr, indices, values };
}
