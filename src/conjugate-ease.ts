// EASE for catalogues too large for an exact inverse: the columns of C = (G + λI)⁻¹ by conjugate gradients, 16 at a time, G never
// built beyond its most popular items (assembly/conjugate.ts). A step of 16 columns goes through all interactions one and a half
// times: 0.2 to 0.3 s of one thread at 10⁷ of them, so that time grows with their number times that of the items.
// Peak linear memory, with n items, u users, e interactions and a core of c items: 4e + 8u + 8n bytes of X, 4c² of the core's
// inverse (17 MB), and for each block of 16 columns under way 256 (n + 16) bytes and 64c of workspace, in at most 1 GB; before
// that, 20e bytes of transposes, or 12c² of the core. The result takes 16 bytes an entry at the end. X once, and the result twice,
// are on the host.
import { checkNumber } from './errors.ts';
import { gram } from './gram.ts';
import type { Job } from './job.ts';
import type { Kernels } from './kernels.ts';
import { joinColumns, readColumns, type SimilarColumn } from './similar-columns.ts';
import type { SparseMatrix, SparsePattern } from './sparse.ts';
import type { Block } from './sparse-inverse.ts';
import { putTiles, sweep, sweepBytes } from './sweep.ts';
import { type Call, runTasks, type Task } from './tasks.ts';
import { tileIndex, tileValues } from './tiles.ts';
import { transpose } from './transpose.ts';

/** Columns of a block, and f32 of one of its rows; see assembly/conjugate.ts. */
const LANES = 16;
/** Most items of the core. A step takes 2c² operations a column for it; fewer make for more steps. */
export const CORE = 2048;
/**
 * A column j is done when no |residual|_i / (A_ii C_jj) of A C_j − e_j is larger: that is about how far an entry of B̂ is off. On
 * five real markets (12,015 items) 99.6 % of the 50 nearest neighbours in a row were the exact ones; at 3e-3, 99.0 %.
 */
export const TOLERANCE = 1e-3;
/** Steps after which a column is left as it is: it took 4 on the five real markets and about 10 on 100,000 generated items. */
const MAX_STEPS = 100;
/** Blocks under way at once, and most bytes of them. */
const SLOTS = 8;
const SLOT_BYTES = 1e9;
/** Every so many blocks one's residual is worked out afresh. */
const CHECKED = 16;

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
  /** Mean steps of a column. */
  steps: number;
  /** As TOLERANCE, the largest over one block of columns in 16, worked out afresh through all interactions. */
  residual: number;
}

/** Linear memory, in bytes, that `conjugateEase` asks for before its first column. */
export function conjugateBytes(items: number, users: number, entries: number, core = CORE): number {
  const c = Math.min(core, items);
  return 4 * entries + 12 * users + 12 * items + 4 * c * c + 4 * tileValues(c) + sweepBytes(c) + slotBytes(items, c) + 1e5;
}

function slotBytes(items: number, core: number): number {
  return 4 * LANES * (4 * (items + LANES) + core) + 1024;
}

/**
 * B̂ as `ease` has it, from X itself, to within about `tolerance` in each entry. Where all items fit in the core it is exact but
 * for rounding. The order of accumulation follows from X alone.
 *
 * @param X users × items. @param transposed Xᵀ.
 * @param options λ > 0; ε; the smaller ε, the more entries there are, up to n².
 * @param job hears `stage` with the columns done.
 * @throws ArgumentError for wrong options.
 * @throws MemoryError where it does not fit, or the entries kept do not.
 */
export async function conjugateEase(kernels: Kernels, X: SparsePattern, transposed: SparsePattern, { lambda, epsilon, core: most = CORE, tolerance = TOLERANCE }: ConjugateOptions, job: Job, stage: string): Promise<ConjugateSimilarity> {
  checkNumber('lambda', lambda, 1e-6, 1e9);
  checkNumber('epsilon', epsilon, -1e9, 1e9);
  const { memory } = kernels;
  const n = X.cols;
  const users = X.rows;
  const core = Math.min(most, n);
  const what = `${stage} on ${n} items`;
  memory.require(conjugateBytes(n, users, X.indptr[users], core), what);
  const order = byPopularity(transposed);
  const sorted = transpose(kernels, permuteRows(transposed, order));
  const middles = coreEnds(sorted, core);
  const mark = memory.mark();
  try {
    const inverse = memory.allocate(16 * core * Math.ceil(core / 4), stage);
    await invertCore(kernels, sorted, middles, core, lambda, order, inverse, job, stage);
    const starts = memory.put(sorted.indptr, stage);
    const x = { starts, middles: memory.put(middles, stage), ends: starts + 4, indices: memory.put(sorted.indices, stage) };
    const weights = memory.put(
      Float32Array.from(order, (item) => 1 / (transposed.indptr[item + 1] - transposed.indptr[item] + lambda)),
      stage,
    );
    const positions = new Uint32Array(n);
    for (const [position, item] of order.entries()) positions[item] = position;
    const places = memory.put(positions, stage);
    const blocks = Array.from({ length: Math.ceil(n / LANES) }, (_, b) => ({ column: b * LANES, width: Math.min(LANES, n - b * LANES) }));
    const slots = Array.from({ length: Math.max(1, Math.min(SLOTS, blocks.length, Math.floor(SLOT_BYTES / slotBytes(n, core)))) }, () => allocateSlot(kernels, n, core, stage));
    const columns: SimilarColumn[] = new Array(n);
    let entries = 0;
    let done = 0;
    let residual = 0;
    let next = 0;
    let steps = 0;
    for (;;) {
      for (const slot of slots) if (!slot.block && next < blocks.length) Object.assign(slot, { block: blocks[next++], steps: 0 });
      const busy = slots.filter(({ block }) => block);
      if (busy.length === 0) break;
      await run(busy.map((slot) => taskOf(slot, slot.block!)));
      for (const slot of busy) slot.steps++;
      const finished = busy.filter((slot) => slot.steps === MAX_STEPS || !(memory.f32(slot.residual, 1)[0] > tolerance));
      await hand(finished);
      for (const slot of finished) {
        steps += slot.steps * slot.block!.width;
        slot.block = undefined;
      }
    }
    memory.release(mark);
    return { similarity: joinColumns(kernels, columns), core, steps: n > 0 ? steps / n : 0, residual };

    /** The next step of a slot's block. */
    function taskOf(slot: Slot, { column, width }: Columns): Task {
      const step: Call = ['stepColumns', n, core, column, width, users, x.starts, x.middles, x.ends, x.indices, inverse, weights, lambda, slot.x, slot.r, slot.q, slot.w, slot.previous, slot.work, slot.residual];
      if (slot.steps > 0) return [step];
      return [['startColumns', n, core, column, width, users, x.starts, x.middles, x.ends, x.indices, inverse, slot.x, slot.r, slot.q, slot.previous], step];
    }

    /** B̂'s columns out of the slots' blocks. */
    async function hand(finished: Slot[]): Promise<void> {
      const checked = finished.filter(({ block }) => (block!.column / LANES) % CHECKED === 0);
      await run(checked.map(({ block, x: from, w, work, residual: out }): Task => [['columnResidual', n, block!.column, block!.width, users, x.starts, x.ends, x.indices, weights, lambda, from, w, work, out]]));
      for (const slot of checked) residual = Math.max(residual, memory.f32(slot.residual, 1)[0]);
      await readColumns(
        kernels,
        finished.map((slot): Block => ({ ...slot.block!, x: slot.x })),
        order,
        places,
        epsilon,
        columns,
      );
      for (const { block } of finished) {
        for (let c = block!.column; c < block!.column + block!.width; c++) entries += columns[order[c]].indices.length;
        done += block!.width;
      }
      // what joining them will take
      memory.require(16 * entries, `${stage} with ${entries} entries or more`);
      await job.tick(`${stage}: columns`, done, n);
    }

    function run(tasks: Task[]): Promise<void> {
      return runTasks(kernels, tasks, () => job.tick(`${stage}: columns`, done, n));
    }
  } finally {
    memory.release(mark);
  }
}

/** Neighbouring positions. */
interface Columns {
  column: number;
  width: number;
}

/** Addresses of a block's arrays, and which block it is. */
interface Slot {
  x: number;
  r: number;
  q: number;
  w: number;
  previous: number;
  work: number;
  residual: number;
  block: Columns | undefined;
  steps: number;
}

function allocateSlot({ exports, memory }: Kernels, n: number, core: number, stage: string): Slot {
  const lines = () => memory.allocate(4 * LANES * (n + LANES), stage);
  return { x: lines(), r: lines(), q: lines(), w: lines(), previous: memory.allocate(8 * LANES, stage), work: memory.allocate(exports.conjugateWorkspaceBytes(core), stage), residual: memory.allocate(4, stage), block: undefined, steps: 0 };
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

/** Where the columns from `core` on start in each row. */
function coreEnds({ rows, indptr, indices }: SparsePattern, core: number): Int32Array {
  const ends = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    let at = indptr[row];
    while (at < indptr[row + 1] && indices[at] < core) at++;
    ends[row] = at;
  }
  return ends;
}

/** H = (G + λI)_PP⁻¹ in panels of four rows, as `packRows` would make them, at `packed`. */
async function invertCore(kernels: Kernels, { rows, indptr, indices }: SparsePattern, middles: Int32Array, core: number, lambda: number, order: Int32Array, packed: number, job: Job, stage: string): Promise<void> {
  const { memory } = kernels;
  const headptr = new Int32Array(rows + 1);
  for (let row = 0; row < rows; row++) headptr[row + 1] = headptr[row] + middles[row] - indptr[row];
  const head = new Int32Array(headptr[rows]);
  for (let row = 0; row < rows; row++) head.set(indices.subarray(indptr[row], middles[row]), headptr[row]);
  const mark = memory.mark();
  const tiles = putTiles(kernels, gram(kernels, { rows, cols: core, indptr: headptr, indices: head }), lambda, stage);
  await sweep(kernels, tiles, core, job, `${stage}: core`, (row) => order[row]);
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
