// Item vectors without gradients: the largest singular vectors of the interactions, by subspace iteration (Halko,
// Martinsson and Tropp, 2011). Only inner products of the vectors matter, so the basis of the subspace is never turned
// to the singular vectors themselves. Peak linear memory, with n items and vectors of d: X, 12 n d and 8 d² bytes, and
// a product's workspace for each task under way.
import { checkInteger } from '../common/errors.ts';
import { type Address, plus } from '../engine/address.ts';
import { LANES } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { Kernels, Task } from '../engine/types.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import { choleskyFactor, inverseOfTransposed } from './small-cholesky.ts';

/** Tasks of a product for each thread. */
const TASKS_PER_THREAD = 4;
/** The stream of the seed. */
const STREAM = 7;
/** Products with Yᵀ Y; more rank no better (docs/internals/accuracy.md). */
const ROUNDS = 5;

export interface SingularOptions {
  /** d, a multiple of 16. */
  dim: number;
  seed: number;
  rounds?: number;
}

/** Linear memory, in bytes, of `singularVectors` on one thread, without the workspaces of products. */
export function singularBytes(X: SparsePattern, { dim }: { dim: number }): number {
  return 12 * X.cols * dim + 8 * dim * dim + 4 * (X.indices.length + 2 * X.rows + X.cols);
}

/**
 * V diag(σ) (n × d) up to a rotation of its columns, which changes no inner product of rows; rows of length 1. V and σ
 * are the right singular vectors and the singular values of Y = D_u^−½ X D_i^−½, with D_u the items of each user and
 * D_i the users of each item: the d largest, as far as `rounds` of subspace iteration find them. Single precision; the
 * same bytes on any number of threads.
 *
 * @param X users × items
 * @returns (items × d); the row of an item without users is 0
 * @throws ArgumentError for a wrong d; MemoryError if it does not fit; AbortedError when the job is stopped.
 * @example
 * const vectors = await singularVectors(context, X, { dim: 256, seed: 1 });
 */
export async function singularVectors(
  context: StageContext,
  X: SparsePattern,
  { dim, seed, rounds = ROUNDS }: SingularOptions,
): Promise<Float32Array> {
  checkInteger('dim', dim, LANES, 4096);
  checkInteger('rounds', rounds, 1, 1000);
  const { kernels, name } = context;
  const { memory, exports } = kernels;
  const size = X.cols * dim;
  const mark = memory.mark();
  try {
    let round = 0;
    const tick = () => context.tick(round, rounds + 1);
    const products = new Products(kernels, X, dim, name, tick);
    let [Q, other, third] = Array.from({ length: 3 }, () => memory.allocate(4 * size, name));
    const orthonormalise = async () => {
      const factor = await choleskyFactor(await products.inner(Q, Q), dim, tick);
      await products.times(Q, await inverseOfTransposed(factor, dim, tick), other);
      [Q, other] = [other, Q];
    };
    await tick();
    exports.fillUniform(Q, size, 1, seed, STREAM, 0);
    await tick();
    await orthonormalise();
    for (; round < rounds; round++) {
      await products.gram(Q, other, third);
      await products.join(third, Q);
      await orthonormalise();
    }
    // with Qᵀ(YᵀY)Q = LLᵀ, the rows of QL have the inner products of those of V diag(σ)
    await products.gram(Q, other, third);
    await products.join(third, other);
    await products.times(Q, await choleskyFactor(await products.inner(Q, other), dim, tick), third);
    exports.unitRows(X.cols, dim, third, third, other);
    round++;
    await tick();
    return memory.f32(third, size).slice();
  } finally {
    memory.release(mark);
  }
}

/** Products with tables of n × d f32 in linear memory. */
class Products {
  private readonly n: number;
  private readonly users: number;
  private readonly indptr: Address;
  private readonly indices: Address;
  /** 1 / items of each user, and 1 / √users of each item. */
  private readonly weights: Address;
  private readonly scales: Address;
  /** d × d. */
  private readonly square: Address;
  private readonly workspaces: Address[];

  constructor(
    private readonly kernels: Kernels,
    X: SparsePattern,
    private readonly d: number,
    job: string,
    private readonly tick: () => Promise<void>,
  ) {
    const { memory, exports, pool } = kernels;
    this.n = X.cols;
    this.users = X.rows;
    const counts = new Float32Array(X.cols);
    for (const item of X.indices) counts[item]++;
    this.indptr = memory.put(X.indptr, job);
    this.indices = memory.put(X.indices, job);
    this.weights = memory.put(
      Float32Array.from({ length: X.rows }, (_, u) => 1 / Math.max(1, X.indptr[u + 1] - X.indptr[u])),
      job,
    );
    this.scales = memory.put(
      counts.map((users) => 1 / Math.sqrt(Math.max(1, users))),
      job,
    );
    this.square = memory.allocate(4 * d * d, job);
    this.workspaces = Array.from({ length: TASKS_PER_THREAD * (pool?.threads ?? 1) }, () =>
      memory.allocate(exports.gemmWorkspaceBytes(), job),
    );
  }

  /** Z = YᵀY Q, in panels of 16 columns; `panels` is overwritten. */
  async gram(Q: Address, panels: Address, Z: Address): Promise<void> {
    const { n, d, users, indptr, indices, weights, scales } = this;
    await this.eachRange(n, (begin, end) => ['cutColumns', begin, end, n, d, Q, panels]);
    await runTasks(
      this.kernels,
      ranges(d, LANES).map(([column]): Task => {
        const [from, to] = [panels, Z].map((table) => plus(table, 4 * n * column));
        return [
          ['clear', n * LANES, to],
          ['addGramProduct', users, indptr, indices, weights, scales, from, to],
        ];
      }),
      this.tick,
    );
  }

  /** Rows from panels of 16 columns. */
  async join(panels: Address, rows: Address): Promise<void> {
    const { n, d } = this;
    await this.eachRange(n, (begin, end) => ['joinPanels', begin, end, n, d, panels, rows]);
  }

  /** AᵀB (d × d). */
  async inner(A: Address, B: Address): Promise<Float32Array> {
    const { n, d, square, kernels } = this;
    kernels.exports.clear(d * d, square);
    await this.eachRange(d, (begin, end, workspace) => {
      const [columns, out] = [plus(A, 4 * begin), plus(square, 4 * d * begin)];
      return ['gemmTN', end - begin, d, n, 1, columns, d, B, d, out, d, workspace];
    });
    return kernels.memory.f32(square, d * d).slice();
  }

  /** out = A M. @param M d × d */
  async times(A: Address, M: Float32Array, out: Address): Promise<void> {
    const { n, d, square, kernels } = this;
    kernels.memory.f32(square, d * d).set(M);
    kernels.exports.clear(n * d, out);
    await this.eachRange(n, (begin, end, workspace) => {
      const [rows, to] = [A, out].map((table) => plus(table, 4 * d * begin));
      return ['gemmNN', end - begin, d, d, 1, rows, d, square, d, to, d, workspace];
    });
  }

  /** Makes a call for each of a few ranges of [0, count), each with a workspace of its own. */
  private async eachRange(
    count: number,
    call: (begin: number, end: number, workspace: Address) => Task[number],
  ): Promise<void> {
    const { kernels, workspaces } = this;
    const parts = ranges(count, Math.ceil(count / workspaces.length));
    await runTasks(
      kernels,
      parts.map(([begin, end], p): Task => [call(begin, end, workspaces[p])]),
      this.tick,
    );
  }
}
