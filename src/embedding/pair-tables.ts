// The tables of pairwise factorisation: parameters, gradients and Adam's moments lie in panels of 16 columns, one task
// each; what is made of the parameters, and meets the loss, lies row by row. Rows: all users, then all items.
import { type Address, NOWHERE, type Pointer, plus } from '../engine/address.ts';
import { Adam, Dropping, LANES } from '../engine/kernel-layout.ts';
import { STREAM } from '../engine/streams.ts';
import { allocateStructs, putStruct, writeStruct } from '../engine/struct.ts';
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

/** What a layer mixes of the rows of all users and items, T, and Tᵀ. */
export interface Transfer {
  there: SparseMatrix;
  back: SparseMatrix;
}

/** A sparse matrix in linear memory. */
interface Edges {
  indptr: Address;
  indices: Address;
  values: Address;
}

/** Edges that one task hides. */
const EDGES_PER_TASK = 65_536;

/** Sixteen columns. */
interface Panel {
  column: number;
  parameters: Address;
  gradient: Address;
  m: Address;
  v: Address;
  /** Room for steps over the graph, from the one to the other; with a transfer, two more. */
  work: readonly Address[];
}

export class PairTables {
  /** rows × d × f32: 1/(L+1) Σ_{l≤L} Ã^l E of the parameters E. */
  readonly vectors: Address;
  private readonly kernels: Kernels;
  private readonly rows: number;
  private readonly panels: Panel[];
  private readonly graph: Edges;
  private readonly transfer?: { there: Edges; back: Edges };
  /** What edges weigh where some are hidden, and the number of the interaction of each. */
  private readonly dropped?: { values: Address; ids: Address; count: number };
  /** The number of the step whose dropout is under way; absent where nothing is hidden. */
  private round?: number;
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
    private readonly options: TableOptions,
    transfer?: Transfer,
  ) {
    const { exports, memory } = kernels;
    const { dim, depth, biased, dropout, seed } = options;
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
    const work = roomOf(options, transfer).map((has) => memory.allocate(has ? 4 * size : 0));
    this.panels = ranges(dim, LANES).map(([column]): Panel => {
      const of = (table: Address) => plus(table, 4 * this.rows * column);
      return {
        column,
        parameters: of(parameters),
        gradient: of(gradient),
        m: of(m),
        v: of(v),
        work: work.map(of),
      };
    });
    this.noEdges = memory.allocateZeroed(4 * (this.rows + 1));
    const put = ({ indptr, indices, values }: Omit<SparseMatrix, 'rows' | 'cols'>): Edges => ({
      indptr: memory.put(indptr),
      indices: memory.put(indices),
      values: memory.put(values),
    });
    const graph = graphOf(X, transposed, depth > 0);
    this.graph = put(graph);
    if (transfer) this.transfer = { there: put(transfer.there), back: put(transfer.back) };
    else if (dropout > 0) {
      const count = graph.values.length;
      this.dropped = { values: memory.allocate(4 * count), ids: memory.put(graph.ids), count };
    }
    this.adam = allocateStructs(memory, Adam, 1);
  }

  /** Linear memory, in bytes. */
  static bytes(
    X: SparsePattern,
    options: Pick<TableOptions, 'dim' | 'depth' | 'dropout'>,
    transfer?: Transfer,
  ): number {
    const { dim, depth, dropout } = options;
    const rows = X.rows + X.cols;
    const tables = 5 + roomOf(options, transfer).filter(Boolean).length;
    const perEdge = transfer || dropout === 0 ? 16 : 32;
    const mixed = transfer ? 16 * transfer.there.values.length + 8 * rows : 0;
    return 4 * rows * dim * tables + 8 * (rows + 1) + (depth > 0 ? perEdge * X.indices.length : 0) + mixed;
  }

  /** Draws what a step hides, and makes its vectors: tasks one list after the other. */
  drop(round: number): Task[][] {
    this.round = round;
    const { dropped, graph } = this;
    if (!dropped) return [this.forward()];
    const numbers = this.dropping(STREAM.edgeDropout, round);
    const { ids, values, count } = dropped;
    const hide = ranges(count, EDGES_PER_TASK).map(
      ([from, to]): Task => [['dropEdges', from, to, ids, graph.values, values, numbers]],
    );
    return [hide, this.forward()];
  }

  /** Makes the vectors with nothing hidden, from now on. */
  keep(): Task[] {
    this.round = undefined;
    return this.forward();
  }

  private dropping(stage: number, first: number): Pointer<Dropping> {
    const { dropout: rate, seed } = this.options;
    return putStruct(this.kernels.memory, Dropping, { rate, seed, stage, first: first >>> 0 });
  }

  /** Makes the vectors, of the first `depth` steps alone where it is given; divided by L + 1 in any case. */
  forward(depth = this.options.depth): Task[] {
    return this.panels.map((panel) => this.forwardCalls(panel, depth));
  }

  /** The gradients of a batch, a step of Adam, and the vectors after it unless something is hidden at each step. */
  step({ rows, weights, negatives, size }: ScoredBatch, rate: number): Task[] {
    const { dim, depth, decay, biased } = this.options;
    writeStruct(this.kernels.memory, Adam, this.adam, { rate, beta1: BETA1, beta2: BETA2, epsilon: EPSILON });
    return this.panels.map((panel): Task => {
      const { column, parameters, gradient, m, v } = panel;
      const fixed = Number(biased && column + LANES === dim);
      const from = plus(this.vectors, 4 * column);
      const { calls, out } = this.sum(gradient, panel, depth, 1 / (depth + 1), true);
      return [
        ['clear', this.rows * LANES, gradient],
        ['pairGradients', size, negatives, rows, weights, from, 4 * dim, gradient, fixed],
        ...calls,
        ['pairDecay', size, negatives, rows, parameters, out, decay / size, fixed],
        ['adam', this.rows * LANES, parameters, out, m, v, this.adam],
        ...(this.round === undefined ? this.forwardCalls(panel, depth) : []),
      ];
    });
  }

  private forwardCalls(panel: Panel, depth: number): Call[] {
    const { column, parameters } = panel;
    const to = plus(this.vectors, 4 * column);
    const stride = 4 * this.options.dim;
    const scale = 1 / (this.options.depth + 1);
    if (this.transfer && depth > 0 && this.round !== undefined)
      return [...this.layers(panel, depth), this.onto(undefined, NOWHERE, panel.work[1], to, stride, scale)];
    const { calls, out } = this.sum(parameters, panel, depth - 1, 1, false);
    if (depth === 0) return [...calls, this.onto(undefined, NOWHERE, out, to, stride, scale)];
    return [...calls, ...this.layer(panel, out, parameters, depth, to, stride, scale, false)];
  }

  /**
   * scale · Σ_{l≤steps} A^l of a panel's table by Horner's rule, A the graph and the transfer; the table itself without a
   * step. The way back is the same with Aᵀ.
   */
  private sum(table: Address, panel: Panel, steps: number, scale: number, back: boolean) {
    const calls: Call[] = [];
    let out = table;
    for (let l = 1; l <= steps; l++) {
      const to = panel.work[(l + 1) % 2];
      // back from the last layer to the first
      const number = back ? steps + 1 - l : l;
      calls.push(...this.layer(panel, out, table, number, to, LINE, l === steps ? scale : 1, back));
      out = to;
    }
    return { calls, out };
  }

  /** to = scale · (base + A x), or with Aᵀ. @param number of the layer, by which its messages are hidden */
  private layer(
    panel: Panel,
    x: Address,
    base: Address,
    number: number,
    to: Address,
    stride: number,
    scale: number,
    back: boolean,
  ): Call[] {
    const { graph, transfer, dropped, round } = this;
    if (!transfer) {
      const edges = round === undefined || !dropped ? graph : { ...graph, values: dropped.values };
      return [this.onto(edges, x, base, to, stride, scale)];
    }
    const [first, second] = back ? [transfer.back, graph] : [graph, transfer.there];
    const { calls, out } = this.message(panel, first, x, number);
    return [...calls, this.onto(second, out, base, to, stride, scale)];
  }

  /** Σ_{l≤L} A_l ⋯ A_1 of the parameters, where each layer hides messages of its own. */
  private layers(panel: Panel, depth: number): Call[] {
    const [current, sum] = panel.work;
    const size = this.rows * LANES;
    const { indptr, indices, values } = this.transfer!.there;
    const calls: Call[] = [
      ['clear', size, sum],
      ['addInto', size, panel.parameters, sum],
    ];
    for (let l = 1; l <= depth; l++) {
      const message = this.message(panel, this.graph, l === 1 ? panel.parameters : current, l);
      calls.push(
        ...message.calls,
        ['propagate', 0, this.rows, indptr, indices, values, message.out, current, LINE, 0],
        ['addInto', size, current, sum],
      );
    }
    return calls;
  }

  /** The product of a matrix with a panel's table, with dropout where a step hides something. */
  private message({ column, work }: Panel, { indptr, indices, values }: Edges, x: Address, layer: number) {
    const { rows, round } = this;
    const [, , message, kept] = work;
    const calls: Call[] = [['propagate', 0, rows, indptr, indices, values, x, message, LINE, 0]];
    if (round === undefined) return { calls, out: message };
    const first = (round * this.options.depth + layer - 1) * rows;
    const numbers = this.dropping(STREAM.messageDropout + column / LANES, first % 2 ** 32);
    calls.push(['clear', rows * LANES, kept], ['addDropped', rows, LANES, message, LANES, kept, LANES, numbers]);
    return { calls, out: kept };
  }

  /** to = scale · (base + the matrix times x), or scale · base without one. */
  private onto(edges: Edges | undefined, x: Address, base: Address, to: Address, stride: number, scale: number): Call {
    const { indices, values } = this.graph;
    const matrix = edges ?? { indptr: this.noEdges, indices, values };
    return ['propagateOnto', 0, this.rows, matrix.indptr, matrix.indices, matrix.values, x, base, to, stride, scale];
  }
}

interface TableOptions {
  dim: number;
  depth: number;
  biased: boolean;
  dropout: number;
  decay: number;
  seed: number;
}

/** Which of the tables of room there are: for one step, for two or for hidden messages, for messages, for those kept. */
function roomOf({ depth, dropout }: Pick<TableOptions, 'depth' | 'dropout'>, transfer?: Transfer): boolean[] {
  const mixes = transfer !== undefined && depth > 0;
  const hides = mixes && dropout > 0;
  return [depth >= 1, depth >= 2 || hides, mixes, hides];
}

/**
 * Ã = [0 N; Nᵀ 0] with N_ui = 1 / √(D_u D_i), and the number of the interaction of each edge.
 * @param edges whether it has any
 */
function graphOf(X: SparsePattern, transposed: SparsePattern, edges: boolean) {
  const count = edges ? X.indices.length : 0;
  const indptr = new Int32Array(X.rows + X.cols + 1);
  const indices = new Int32Array(2 * count);
  const values = new Float32Array(2 * count);
  const ids = new Int32Array(2 * count);
  if (!edges) return { indptr, indices, values, ids };
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
  // both directions of an interaction have its number, and rows of Xᵀ have their users in order
  const next = transposed.indptr.slice();
  for (let e = 0; e < count; e++) {
    ids[e] = e;
    ids[count + next[X.indices[e]]++] = e;
  }
  return { indptr, indices, values, ids };
}
