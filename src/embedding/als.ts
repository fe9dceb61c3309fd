// iALS (Hu et al., 2008, in the form of Rendle et al., 2022): half-steps that solve all users, then all items
// (assembly/embedding/als.ts). Peak linear memory, with N users and n items of d numbers and e interactions: 4d (N + n) + 16e
// bytes, 4d² for each Gram matrix (one for each market, and one for each set of markets that sell an item), and for each
// task under way 4d² + 36d.
import { ArgumentError } from '../common/errors.ts';
import type { Address, Pointer } from '../engine/address.ts';
import { plus } from '../engine/address.ts';
import { Als } from '../engine/kernel-layout.ts';
import type { StageContext } from '../engine/stage.ts';
import { STREAM } from '../engine/streams.ts';
import { putStruct } from '../engine/struct.ts';
import { ranges, runTasks } from '../engine/tasks.ts';
import type { KernelExports, Kernels, Task } from '../engine/types.ts';
import { inPanels } from '../matrix/panels.ts';
import type { SparsePattern } from '../matrix/sparse.ts';

/** Rows of a task, and tasks under way for each thread. */
const ROWS = 64;
const TASKS_PER_THREAD = 4;
/** Vectors start uniform with the deviation 0.1 / √d. */
const DEVIATION = 0.1;

export interface AlsOptions {
  /** d, a multiple of 16. */
  dim: number;
  epochs: number;
  /** α₀: what a pair weighs that was not seen. */
  alpha0: number;
  /** λ. */
  ridge: number;
  /** ν: the power of its size that a row's λ is multiplied by. */
  power: number;
  seed: number;
}

/** Users and items, and which pairs of them count as not seen. */
export interface AlsInput {
  /** X (users × items), and its transpose. */
  X: SparsePattern;
  transposed: SparsePattern;
  /** Users are one market's after the other's. A user meets the items of their own market alone. */
  markets: readonly { users: number; items: Int32Array }[];
}

export interface AlsFactors {
  /** H (items × d). */
  items: Float32Array;
  /** Of each market α₀ Σ h hᵀ over its items (d × d). */
  grams: Float32Array[];
}

/** λ (size + α₀ others)^ν, of a row with `size` entries that could have been `others`. */
export function ridgeOf(exports: KernelExports, { ridge, alpha0, power }: AlsOptions, size: number, others: number) {
  const whole = size + alpha0 * others;
  return whole > 0 && power !== 0 ? ridge * exports.pow(whole, power) : ridge;
}

/** Linear memory, in bytes, that `als` asks for on one thread. */
export function alsBytes({ X, markets }: AlsInput, { dim }: AlsOptions, exports: KernelExports): number {
  const sets = 2 ** Math.min(markets.length, 12);
  const tables = 4 * dim * (2 * X.rows + 2 * X.cols) + 16 * X.indices.length;
  return tables + 4 * dim * dim * (markets.length + sets) + placeBytes(dim, exports);
}

const placeBytes = (dim: number, exports: KernelExports) =>
  4 * dim * (dim + 8) + 4 * dim + exports.solveScratchBytes() + 256;

/**
 * Minimises Σ_{(u,i)∈X} (w_u·h_i − 1)² + α₀ Σ_u Σ_{i∈V_m} (w_u·h_i)² + λ Σ_u (|x_u| + α₀|V_m|)^ν ‖w_u‖² + λ Σ_i (D_i +
 * α₀|U_i|)^ν ‖h_i‖², V_m the items of the user's market and U_i the users of the item's markets, by half-steps. The same
 * bytes on any number of threads.
 *
 * @throws ArgumentError if a system is not positive definite in single precision.
 * @throws MemoryError if it does not fit; AbortedError when the job is stopped. Progress counts half-steps.
 */
export async function als(context: StageContext, input: AlsInput, options: AlsOptions): Promise<AlsFactors> {
  const { kernels } = context;
  const { exports, memory } = kernels;
  const { X, transposed, markets } = input;
  const { dim: d, epochs, seed } = options;
  const mark = memory.mark();
  try {
    const users = memory.allocateZeroed(4 * d * X.rows);
    const items = memory.allocate(4 * d * X.cols);
    exports.fillUniform(items, d * X.cols, (Math.sqrt(3) * DEVIATION) / Math.sqrt(d), seed, STREAM.initialFactors, 0);
    const spaces = new GramSpaces(kernels, d, options.alpha0);
    const tables = { users, items };
    const bases = markets.map(({ users }, m) => ({
      first: markets.slice(0, m).reduce((sum, each) => sum + each.users, 0),
      count: users,
    }));
    const sold = markets.map(({ items }) => items);
    const userSide = makeSide(kernels, X, items, users, d, {
      kinds: Int32Array.from(bases.flatMap(({ count }, m) => new Array<number>(count).fill(m))),
      ridges: Float32Array.from(
        bases.flatMap(({ first, count }, m) =>
          Array.from({ length: count }, (_, u) =>
            ridgeOf(exports, options, X.indptr[first + u + 1] - X.indptr[first + u], sold[m].length),
          ),
        ),
      ),
      grams: markets.length,
    });
    const { sets, kindOf } = marketSets(sold, X.cols);
    const itemSide = makeSide(kernels, transposed, users, items, d, {
      kinds: kindOf,
      ridges: Float32Array.from(kindOf, (kind, item) => {
        const met = sets[kind].reduce((sum, m) => sum + markets[m].users, 0);
        return ridgeOf(exports, options, transposed.indptr[item + 1] - transposed.indptr[item], met);
      }),
      grams: sets.length,
    });
    const places = allocatePlaces(kernels, d);
    const steps = 2 * epochs;
    for (let step = 0; step < steps; step++) {
      const forUsers = step % 2 === 0;
      if (forUsers) await spaces.ofItems(tables.items, sold, userSide.grams);
      else await spaces.ofUsers(tables.users, bases, sets, itemSide.grams);
      await solve(context, forUsers ? userSide : itemSide, places);
      await context.tick(step + 1, steps);
    }
    return {
      items: memory.f32(items, d * X.cols).slice(),
      grams: await spaces.squares(sold.map((positions) => ({ table: items, positions }))),
    };
  } finally {
    memory.release(mark);
  }
}

/** For each item the number of the set of markets that sell it. */
function marketSets(sold: readonly Int32Array[], n: number): { sets: number[][]; kindOf: Int32Array } {
  const ofItem: number[][] = Array.from({ length: n }, () => []);
  for (const [m, positions] of sold.entries()) for (const item of positions) ofItem[item].push(m);
  const numbers = new Map<string, number>();
  const sets: number[][] = [];
  const kindOf = Int32Array.from(ofItem, (set) => {
    const key = set.join(' ');
    if (!numbers.has(key)) numbers.set(key, sets.push(set) - 1);
    return numbers.get(key)!;
  });
  return { sets, kindOf };
}

/** The rows that a half-step solves. */
interface Side {
  rows: number;
  x: Pointer<Als>;
  out: Address;
  /** Panels of the Gram matrices. */
  grams: Address;
}

function makeSide(
  { memory }: Kernels,
  pattern: SparsePattern,
  fixed: Address,
  out: Address,
  d: number,
  { kinds, ridges, grams: count }: { kinds: Int32Array; ridges: Float32Array; grams: number },
): Side {
  const grams = memory.allocate(4 * d * d * Math.max(1, count));
  const x = putStruct(memory, Als, {
    indptr: memory.put(pattern.indptr),
    items: memory.put(pattern.indices),
    vectors: fixed,
    stride: d,
    d,
    kinds: memory.put(kinds),
    grams,
    ridges: memory.put(ridges),
  });
  return { rows: pattern.rows, x, out, grams };
}

interface Place {
  panels: Address;
  scratch: Address;
  failed: Address;
}

function allocatePlaces({ exports, memory, pool }: Kernels, d: number): Place[] {
  return Array.from({ length: pool ? TASKS_PER_THREAD * pool.threads : 1 }, () => ({
    panels: memory.allocate(4 * d * (d + 8)),
    scratch: memory.allocate(4 * d + exports.solveScratchBytes()),
    failed: memory.allocateZeroed(4),
  }));
}

async function solve(context: StageContext, { rows, x, out }: Side, places: readonly Place[]): Promise<void> {
  const { kernels } = context;
  const { memory } = kernels;
  for (const [begin, end] of ranges(Math.ceil(rows / ROWS), places.length)) {
    const tasks = Array.from({ length: end - begin }, (_, s): Task => {
      const first = ROWS * (begin + s);
      const { panels, scratch, failed } = places[s];
      return [['alsRows', first, Math.min(rows, first + ROWS), x, out, panels, scratch, failed]];
    });
    await runTasks(kernels, tasks);
  }
  if (places.some(({ failed }) => memory.i32(failed, 1)[0] > 0))
    throw ArgumentError.because(
      'lambda',
      'with it a system is not positive definite in single precision; take a larger one',
    );
}

/** α₀ Σ x xᵀ over rows of a table, as matrices and as the panels that the solver takes. */
class GramSpaces {
  constructor(
    private readonly kernels: Kernels,
    private readonly d: number,
    private readonly alpha0: number,
  ) {}

  /** Of the items of each market, in panels. */
  async ofItems(table: Address, sold: readonly Int32Array[], grams: Address): Promise<void> {
    const squares = await this.squares(sold.map((positions) => ({ table, positions })));
    this.pack(squares, grams);
  }

  /** Of the users of each set of markets, in panels. */
  async ofUsers(
    table: Address,
    bases: readonly { first: number; count: number }[],
    sets: readonly (readonly number[])[],
    grams: Address,
  ): Promise<void> {
    const squares = await this.squares(bases.map((rows) => ({ table, ...rows })));
    const sums = sets.map((set) => {
      const sum = new Float32Array(this.d * this.d);
      for (const m of set) for (const [e, value] of squares[m].entries()) sum[e] += value;
      return sum;
    });
    this.pack(sums, grams);
  }

  /** Of some rows, or of the rows at some positions. */
  async squares(
    parts: readonly ({ table: Address } & ({ first: number; count: number } | { positions: Int32Array }))[],
  ): Promise<Float32Array[]> {
    const { kernels, d, alpha0 } = this;
    const { exports, memory } = kernels;
    const mark = memory.mark();
    try {
      const outs: Address[] = [];
      const tasks = parts.map((part): Task => {
        const out = memory.allocateZeroed(4 * d * d);
        outs.push(out);
        const count = 'positions' in part ? part.positions.length : part.count;
        let rows: Address;
        if ('positions' in part) {
          rows = memory.allocate(4 * d * count);
          const to = memory.f32(rows, d * count);
          for (const [r, item] of part.positions.entries())
            to.set(memory.f32(plus(part.table, 4 * d * item), d), d * r);
        } else rows = plus(part.table, 4 * d * part.first);
        const workspace = memory.allocate(exports.gemmWorkspaceBytes());
        return [['gemmTN', d, d, count, alpha0, rows, d, rows, d, out, d, workspace]];
      });
      await runTasks(kernels, tasks);
      return outs.map((out) => memory.f32(out, d * d).slice());
    } finally {
      memory.release(mark);
    }
  }

  private pack(squares: readonly Float32Array[], grams: Address): void {
    const { d, kernels } = this;
    for (const [m, square] of squares.entries())
      kernels.memory.f32(plus(grams, 4 * d * d * m), d * d).set(inPanels(square, d, d));
  }
}
