import type { Job } from '../common/job.ts';
import { type Address, NOWHERE, plus } from '../engine/address.ts';
import type { KernelExports, Kernels } from '../engine/instantiate.ts';
import { STREAM } from '../engine/streams.ts';
import { type Call, ranges, runTasks, type Task } from '../engine/tasks.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { transpose } from '../matrix/transpose.ts';
import { AdamRate, BETA1, BETA2, EPSILON } from './optimiser.ts';

export interface SkipGramOptions {
  /** d, a multiple of 16. */
  dim: number;
  walkLength: number;
  window: number;
  negatives: number;
  learningRate: number;
  /** Whether the rate falls to 0, by the same amount at each step. */
  cooling?: boolean;
  /** V_init and V̄_init start uniform in ± this; INITIAL by default. */
  initial?: number;
  /** Steps of Adam that the walks are shared out to. */
  steps: number;
  seed: number;
}

/**
 * V_init and V̄_init start uniform in ±0.5: large beside what Adam moves them by, so that V = B V_init + V_init keeps distant items
 * apart. Walks of 40 steps forget much of where they began; ±0.04 left the paper's preset at 30 % MRR on M2, ±0.5 at 36 %.
 */
const INITIAL = 0.5;
/** Targets (contexts and negatives) of the centres of a task, in whole walks: about a millisecond of work at d = 128. */
const TARGETS_PER_TASK = 19_200;
/** Tasks between which gradients are kept by position. */
const TASKS_PER_ROUND = 32;
/** Items of a task that gathers gradients are 2^this; so many rows of both tables' gradients pass through a second-level cache. */
const GATHERED_SHIFT = 9;
/** Bytes of an entry of the kernel `partition`. */
const ENTRY_BYTES = 12;
/** Columns of a panel of the propagation (assembly/embedding/propagate.ts), and most rows of one of its tasks: the more, the more often a row is met again in a cache. */
export const PANEL = 16;
const ROWS_PER_TASK = 16_384;

/**
 * Stage 2, part two: global item embeddings by skip-gram with negative sampling over the walks, where the tables that meet the
 * loss are propagated ones, V = B V_init + V_init and V̄ = B V̄_init + V̄_init, and the gradient goes back through B.
 *
 * A step goes through its walks in rounds of tasks: the pairs inside some walks, whose gradients are left by position, then the
 * gradients of a range of items from all positions. Walks and items are cut the same way on any number of threads, and what is
 * added is added in the order of walks.
 *
 * @param walks (count × walkLength) item positions.
 * @param similarity B (n × n), rows normalised; an empty one trains plain embeddings.
 * @returns V_glob and V̄ (n × d) and the mean loss of a pair over the last tenth of the steps, each measured before its step.
 *
 * Peak memory: twelve tables of n × d f32 (V, V̄, their parameters, gradients, these in panels, and Adam's moments), B both ways, the
 * walks; for each position of a round (20,480 at most in the presets) 8 d + 20 · negatives + 12 bytes, and for each of its 32 tasks
 * n / 64 bytes and a walk's rows of V and V̄.
 */
export async function skipgram(
  kernels: Kernels,
  walks: Int32Array,
  similarity: SparseMatrix,
  options: SkipGramOptions,
  job: Job,
): Promise<{ vectors: Float32Array; contexts: Float32Array; loss: number }> {
  const { exports, memory } = kernels;
  const { dim, walkLength, seed, initial = INITIAL, cooling = false } = options;
  const n = similarity.rows;
  const size = n * dim;
  const count = walks.length / walkLength;
  const steps = Math.max(1, Math.min(count, options.steps));
  const mark = memory.mark();
  try {
    const shape = roundShape(Math.ceil(count / steps), n, options, exports);
    memory.require(
      shape.bytes + 12 * size * 4 + 16 * similarity.values.length + 4 * walks.length + 32 * n,
      'the skip-gram stage',
    );
    const backward = transpose(kernels, similarity);
    const put = (matrix: SparseMatrix) => ({
      indptr: memory.put(matrix.indptr),
      indices: memory.put(matrix.indices),
      values: memory.put(matrix.values),
    });
    const forwardB = put(similarity);
    const backwardB = put(backward);
    const walkAddress = memory.put(walks);

    const visits = memory.allocateZeroed(4 * n);
    exports.countVisits(walks.length, walkAddress, visits);
    const thresholds = memory.allocate(4 * n);
    const aliases = memory.allocate(4 * n);
    const tableMark = memory.mark();
    if (count > 0) exports.buildUnigramTable(n, visits, thresholds, aliases, memory.allocate(12 * n));
    memory.release(tableMark);

    // What meets the loss lies row by row; what goes through B, and Adam's moments, in panels.
    const table = (initialStream: number) => {
      const propagated = memory.allocate(4 * size);
      const parameters = memory.allocate(4 * size);
      exports.fillUniform(propagated, size, initial, seed, initialStream, 0);
      exports.cutColumns(0, n, n, dim, propagated, parameters);
      return {
        parameters,
        propagated,
        gradient: memory.allocateZeroed(4 * size),
        panels: memory.allocate(4 * size),
        m: memory.allocateZeroed(4 * size),
        v: memory.allocateZeroed(4 * size),
      };
    };
    const centres = table(STREAM.initialCentres);
    const contexts = table(STREAM.initialContexts);
    const rounds = new Rounds(kernels, shape, n, options, {
      walks: walkAddress,
      thresholds,
      aliases,
      centres,
      contexts,
    });
    const tables = [centres, contexts];
    const parts = ranges(dim, PANEL).flatMap(([column]) =>
      ranges(n, ROWS_PER_TASK).map(([begin, end]) => ({ begin, end, column, panel: 4 * n * column })),
    );
    const forward = () =>
      tables.flatMap(({ parameters, propagated }) =>
        parts.map(
          ({ begin, end, column, panel }): Task => [
            [
              'propagate',
              begin,
              end,
              forwardB.indptr,
              forwardB.indices,
              forwardB.values,
              plus(parameters, panel),
              plus(propagated, 4 * column),
              4 * dim,
              1,
            ],
          ],
        ),
      );
    /** The gradient's panels back through B, to where its rows were, and Adam's step. */
    const stepBack = (rate: number) =>
      tables.flatMap(({ parameters, gradient, panels, m, v }) =>
        parts.map(({ begin, end, panel }): Task => {
          const at = panel + 4 * PANEL * begin;
          return [
            [
              'propagate',
              begin,
              end,
              backwardB.indptr,
              backwardB.indices,
              backwardB.values,
              plus(panels, panel),
              plus(gradient, panel),
              4 * PANEL,
              1,
            ],
            [
              'adam',
              (end - begin) * PANEL,
              plus(parameters, at),
              plus(gradient, at),
              plus(m, at),
              plus(v, at),
              rate,
              BETA1,
              BETA2,
              EPSILON,
            ],
          ];
        }),
      );
    const rates = new AdamRate(options.learningRate);
    let lastLoss = 0;
    let lastPairs = 0;
    await runTasks(kernels, forward());
    for (let step = 0; step < steps; step++) {
      // steps of equal size to within one walk
      const first = Math.floor((step * count) / steps);
      const last = Math.floor(((step + 1) * count) / steps);
      let loss = 0;
      let pairs = 0;
      for (let begin = first; begin < last; begin += shape.walks) {
        if (begin > first) await job.tick('skip-gram', step, steps, pairs > 0 ? loss / pairs : 0);
        const end = Math.min(last, begin + shape.walks);
        await runTasks(kernels, rounds.walkTasks(begin, end));
        await runTasks(kernels, rounds.gatherTasks(begin, end, begin === first, end === last));
        const [someLoss, somePairs] = rounds.totals(begin, end);
        loss += someLoss;
        pairs += somePairs;
      }
      await runTasks(kernels, stepBack(rates.next() * (cooling ? 1 - step / steps : 1)));
      await runTasks(kernels, forward());
      if (step >= Math.floor(steps * 0.9)) {
        lastLoss += loss;
        lastPairs += pairs;
      }
      await job.tick('skip-gram', step + 1, steps, pairs > 0 ? loss / pairs : 0);
    }
    return {
      vectors: memory.f32(centres.propagated, size).slice(),
      contexts: memory.f32(contexts.propagated, size).slice(),
      loss: lastPairs > 0 ? lastLoss / lastPairs : 0,
    };
  } finally {
    memory.release(mark);
  }
}

/** How the walks of a step are cut, and what memory a round of them takes. */
interface RoundShape {
  /** Walks of a round at most. */
  walks: number;
  walksPerTask: number;
  /** Ranges of items. */
  ranges: number;
  /** Of all that a round takes. */
  bytes: number;
  /** Of a task, and where its parts are: entries of positions and of negatives, the negatives, their errors, loss and pairs, scratch. */
  blockBytes: number;
  parts: number[];
}

/** @param largest walks of a step at most. */
function roundShape(
  largest: number,
  n: number,
  { dim, walkLength, window, negatives }: SkipGramOptions,
  exports: KernelExports,
): RoundShape {
  const targets = Math.min(2 * window, walkLength - 1) + negatives;
  const walksPerTask = Math.max(1, Math.floor(TARGETS_PER_TASK / (walkLength * targets)));
  const walks = Math.min(largest, TASKS_PER_ROUND * walksPerTask);
  const positions = walksPerTask * walkLength;
  const ranges = Math.ceil(n / 2 ** GATHERED_SHIFT);
  const indptr = 4 * (ranges + 1);
  const sizes = [
    indptr + ENTRY_BYTES * positions,
    indptr + ENTRY_BYTES * positions * negatives,
    4 * positions * negatives,
    4 * positions * negatives,
    16,
    exports.skipgramScratchBytes(walkLength, window, dim, negatives),
  ];
  const parts: number[] = [];
  let blockBytes = 0;
  for (const bytes of sizes) {
    parts.push(blockBytes);
    blockBytes += Math.ceil(bytes / 64) * 64;
  }
  return {
    walks,
    walksPerTask,
    ranges,
    parts,
    blockBytes,
    bytes: 8 * walks * walkLength * dim + blockBytes * Math.ceil(walks / walksPerTask),
  };
}

/** Addresses of what the tasks of a round read and write. */
interface Operands {
  walks: Address;
  thresholds: Address;
  aliases: Address;
  centres: { propagated: Address; gradient: Address; panels: Address };
  contexts: { propagated: Address; gradient: Address; panels: Address };
}

/** The tasks of a round, and what they leave for each other. */
class Rounds {
  private readonly centreGradients: Address;
  private readonly contextGradients: Address;
  private readonly blocks: Address;

  constructor(
    private readonly kernels: Kernels,
    private readonly shape: RoundShape,
    private readonly n: number,
    private readonly options: SkipGramOptions,
    private readonly operands: Operands,
  ) {
    const { memory } = kernels;
    const bytes = 4 * shape.walks * options.walkLength * options.dim;
    this.centreGradients = memory.allocate(bytes);
    this.contextGradients = memory.allocate(bytes);
    this.blocks = memory.allocate(shape.blockBytes * Math.ceil(shape.walks / shape.walksPerTask));
  }

  /** The gradients of the walks [begin, end) by position, and lists of what they are the gradients of, by range of items. */
  walkTasks(begin: number, end: number): Task[] {
    const { shape, n } = this;
    const { walks, thresholds, aliases, centres, contexts } = this.operands;
    const { dim, walkLength, window, negatives, seed } = this.options;
    return ranges(end - begin, shape.walksPerTask).map(([first, last], block): Task => {
      const count = last - first;
      const position = first * walkLength;
      const row = 4 * position * dim;
      const own = plus(walks, 4 * (begin + first) * walkLength);
      const [positions, drawn, items, errors, totals, scratch] = this.partsOf(block);
      this.kernels.memory.f64(totals, 2).fill(0);
      const lists = 4 * (shape.ranges + 1);
      return [
        [
          'skipgram',
          begin + first,
          begin + last,
          own,
          walkLength,
          window,
          dim,
          negatives,
          n,
          thresholds,
          aliases,
          seed,
          STREAM.skipgramNegatives,
          centres.propagated,
          contexts.propagated,
          plus(this.centreGradients, row),
          plus(this.contextGradients, row),
          items,
          errors,
          scratch,
          totals,
        ],
        [
          'partition',
          count * walkLength,
          own,
          NOWHERE,
          position,
          1,
          GATHERED_SHIFT,
          shape.ranges,
          positions,
          plus(positions, lists),
        ],
        [
          'partition',
          count * walkLength * negatives,
          items,
          errors,
          position,
          negatives,
          GATHERED_SHIFT,
          shape.ranges,
          drawn,
          plus(drawn, lists),
        ],
      ];
    });
  }

  /** The gradients of V and V̄ from those of the walks [begin, end), which they are set to or have added; where that is the whole gradient, its panels too. */
  gatherTasks(begin: number, end: number, set: boolean, whole: boolean): Task[] {
    const { shape, n } = this;
    const { walks, centres, contexts } = this.operands;
    const { dim, walkLength } = this.options;
    const blocks = Math.ceil((end - begin) / shape.walksPerTask);
    const [positions, drawn] = this.partsOf(0);
    return ranges(n, 2 ** GATHERED_SHIFT).map(([first, last], range): Task => {
      const clear = [centres, contexts].map(
        ({ gradient }): Call => ['clear', (last - first) * dim, plus(gradient, 4 * first * dim)],
      );
      const cut = [centres, contexts].map(
        ({ gradient, panels }): Call => ['cutColumns', first, last, n, dim, gradient, panels],
      );
      return [
        ...(set ? clear : []),
        [
          'addGradients',
          range,
          shape.ranges,
          blocks,
          shape.blockBytes,
          plus(walks, 4 * begin * walkLength),
          dim,
          centres.propagated,
          this.centreGradients,
          this.contextGradients,
          positions,
          drawn,
          centres.gradient,
          contexts.gradient,
        ],
        ...(whole ? cut : []),
      ];
    });
  }

  /** Loss and pairs of the walks [begin, end), summed in their order. */
  totals(begin: number, end: number): [loss: number, pairs: number] {
    let loss = 0;
    let pairs = 0;
    for (let block = 0; block < Math.ceil((end - begin) / this.shape.walksPerTask); block++) {
      const [some, counted] = this.kernels.memory.f64(this.partsOf(block)[4], 2);
      loss += some;
      pairs += counted;
    }
    return [loss, pairs];
  }

  private partsOf(block: number): Address[] {
    return this.shape.parts.map((part) => plus(this.blocks, block * this.shape.blockBytes + part));
  }
}
