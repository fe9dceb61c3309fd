import type { Job } from './job.ts';
import type { Kernels } from './kernels.ts';
import { AdamRate, BETA1, BETA2, EPSILON } from './optimiser.ts';
import type { SparseMatrix } from './sparse.ts';
import { STREAM } from './streams.ts';
import { ranges, runTasks, type Task } from './tasks.ts';
import { transpose } from './transpose.ts';

export interface SkipGramOptions {
  /** d, a multiple of 16. */
  dim: number;
  walkLength: number;
  window: number;
  negatives: number;
  learningRate: number;
  /** Steps of Adam that the walks are shared out to. */
  steps: number;
  seed: number;
}

/**
 * V_init and V̄_init start uniform in ±0.5: large beside what Adam moves them by, so that V = B V_init + V_init keeps distant items
 * apart. Walks of 40 steps forget much of where they began; ±0.04 left the paper's preset at 30 % MRR on M2, ±0.5 at 36 %.
 */
const INITIAL = 0.5;
/** Walks per kernel call: about 20 ms of work. */
const WALKS_PER_CALL = 64;
/** Rows of a task of the propagation and of Adam’s step: the more, the more often a row is met again in a cache. */
const ROWS_PER_TASK = 2048;

/**
 * Stage 2, part two: global item embeddings by skip-gram with negative sampling over the walks, where the tables that meet the
 * loss are propagated ones, V = B V_init + V_init and V̄ = B V̄_init + V̄_init, and the gradient goes back through B.
 *
 * @param walks (count × walkLength) item positions.
 * @param similarity B (n × n), rows normalised; an empty one trains plain embeddings.
 * @returns V_glob (n × d) and the mean loss of a pair over the last tenth of the steps.
 *
 * Peak memory: twelve tables of n × d f32 (V, V̄, their parameters, gradients, these spread by B, and Adam's moments), B both ways, the walks.
 */
export async function skipgram(kernels: Kernels, walks: Int32Array, similarity: SparseMatrix, options: SkipGramOptions, job: Job): Promise<{ vectors: Float32Array; loss: number }> {
  const { exports, memory } = kernels;
  const { dim, walkLength, window, negatives, seed } = options;
  const n = similarity.rows;
  const size = n * dim;
  const count = walks.length / walkLength;
  const mark = memory.mark();
  try {
    memory.require(12 * size * 4 + 16 * similarity.values.length + 4 * walks.length + 32 * n, 'the skip-gram stage');
    const backward = transpose(kernels, similarity);
    const put = (matrix: SparseMatrix) => ({ indptr: memory.put(matrix.indptr), indices: memory.put(matrix.indices), values: memory.put(matrix.values) });
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

    const table = (initialStream?: number) => {
      const parameters = memory.allocateZeroed(4 * size);
      if (initialStream !== undefined) exports.fillUniform(parameters, size, INITIAL, seed, initialStream, 0);
      return { parameters, propagated: memory.allocate(4 * size), gradient: memory.allocateZeroed(4 * size), m: memory.allocateZeroed(4 * size), v: memory.allocateZeroed(4 * size) };
    };
    const centres = table(STREAM.initialCentres);
    const contexts = table(STREAM.initialContexts);
    const spread = memory.allocate(8 * size);
    const scratch = memory.allocate(8 * (2 * window + negatives + 4));
    const totals = memory.allocateZeroed(16);

    const tables = [centres, contexts];
    const rows = ranges(n, ROWS_PER_TASK);
    const forward = () => tables.flatMap(({ parameters, propagated }) => rows.map(([begin, end]): Task => [['propagate', begin, end, forwardB.indptr, forwardB.indices, forwardB.values, parameters, dim, propagated, 1]]));
    /** The gradient back through B, and Adam's step on the same rows. */
    const stepBack = (rate: number) =>
      tables.flatMap(({ parameters, gradient, m, v }, table) =>
        rows.map(([begin, end]): Task => {
          const at = 4 * begin * dim;
          const to = spread + 4 * size * table;
          return [
            ['propagate', begin, end, backwardB.indptr, backwardB.indices, backwardB.values, gradient, dim, to, 1],
            ['adam', (end - begin) * dim, parameters + at, to + at, m + at, v + at, rate, BETA1, BETA2, EPSILON],
          ];
        }),
      );
    const rates = new AdamRate(options.learningRate);
    const steps = Math.max(1, Math.min(count, options.steps));
    let lastLoss = 0;
    let lastPairs = 0;
    await runTasks(kernels, forward());
    for (let step = 0; step < steps; step++) {
      // steps of equal size to within one walk
      const first = Math.floor((step * count) / steps);
      const last = Math.floor(((step + 1) * count) / steps);
      memory.f64(totals, 2).fill(0);
      for (let begin = first; begin < last; begin += WALKS_PER_CALL) {
        const end = Math.min(last, begin + WALKS_PER_CALL);
        exports.skipgram(
          begin,
          end,
          walkAddress + 4 * begin * walkLength,
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
          centres.gradient,
          contexts.gradient,
          scratch,
          totals,
        );
      }
      await runTasks(kernels, stepBack(rates.next()));
      for (const { gradient } of tables) memory.f32(gradient, size).fill(0);
      await runTasks(kernels, forward());
      const [loss, pairs] = memory.f64(totals, 2);
      if (step >= steps * 0.9) {
        lastLoss += loss;
        lastPairs += pairs;
      }
      await job.tick('skip-gram', step + 1, steps, pairs > 0 ? loss / pairs : 0);
    }
    return { vectors: memory.f32(centres.propagated, size).slice(), loss: lastPairs > 0 ? lastLoss / lastPairs : 0 };
  } finally {
    memory.release(mark);
  }
}
