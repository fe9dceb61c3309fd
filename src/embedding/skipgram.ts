import type { Address } from '../engine/address.ts';
import type { StageContext } from '../engine/stage.ts';
import { STREAM } from '../engine/streams.ts';
import { runTasks } from '../engine/tasks.ts';
import type { KernelExports, Kernels } from '../engine/types.ts';
import type { SparseMatrix } from '../matrix/sparse.ts';
import { AdamRate } from './optimiser.ts';
import { makePropagatedTable, Propagation, propagatedTableBytes, propagationBytes } from './propagation.ts';
import { type PairOptions, Rounds, roundShape } from './skipgram-rounds.ts';

export interface SkipGramOptions extends PairOptions {
  learningRate: number;
  /** Whether the rate falls to 0, by the same amount at each step. */
  cooling?: boolean;
  /** V_init and V̄_init start uniform in ± this; INITIAL by default. */
  initial?: number;
  /** Steps of Adam that the walks are divided among. */
  steps: number;
}

/**
 * V_init and V̄_init start uniform in ±0.5. That is large compared with what Adam moves them by, so V = B V_init +
 * V_init keeps distant items apart. Walks of 40 steps forget much of where they began: ±0.04 left the paper's preset at
 * 30 % MRR on M2, ±0.5 at 36 %.
 */
const INITIAL = 0.5;

/** The walks, and the matrix that their embeddings are propagated by. */
export interface SkipGramInput {
  /** (count × walkLength) item positions. */
  walks: Int32Array;
  /** B (n × n), rows normalised; without entries, plain embeddings are trained. */
  similarity: SparseMatrix;
}

/** What the stage learns. */
export interface SkipGramTables {
  /** V_glob (n × d). */
  vectors: Float32Array;
  /** V̄ (n × d). */
  contexts: Float32Array;
  /** Mean loss of a pair over the last tenth of the steps, each measured before its step. */
  loss: number;
}

/** Linear memory, in bytes, that `skipgram` asks for. */
export function skipgramBytes(
  { walks, similarity }: SkipGramInput,
  options: SkipGramOptions,
  exports: KernelExports,
): number {
  const n = similarity.rows;
  const { walksOfStep } = stepsOf(walks, options);
  return (
    roundShape(walksOfStep, n, options, exports).bytes +
    2 * propagatedTableBytes(n, options.dim) +
    propagationBytes(similarity) +
    4 * walks.length +
    24 * n
  );
}

/** How many walks there are, and how they are divided among steps. */
function stepsOf(walks: Int32Array, options: SkipGramOptions): { count: number; steps: number; walksOfStep: number } {
  const count = walks.length / options.walkLength;
  const steps = Math.max(1, Math.min(count, options.steps));
  return { count, steps, walksOfStep: Math.ceil(count / steps) };
}

/**
 * Stage 2, part two: global item embeddings by skip-gram with negative sampling over the walks. The tables that meet
 * the loss are propagated ones, V = B V_init + V_init and V̄ = B V̄_init + V̄_init, and the gradient goes back through
 * B (propagation.ts).
 *
 * Each step takes its share of the walks in rounds (skipgram-rounds.ts), then Adam steps V_init and V̄_init.
 *
 * Peak memory: twelve tables of n × d f32 (V, V̄, their parameters, gradients, these in panels, and Adam's moments), B
 * both ways, the walks; for each position of a round (20,480 at most in the presets) 8 d + 20 · negatives + 12 bytes,
 * and for each of its 32 tasks n / 64 bytes and a walk's rows of V and V̄.
 */
export async function skipgram(
  context: StageContext,
  { walks, similarity }: SkipGramInput,
  options: SkipGramOptions,
): Promise<SkipGramTables> {
  const { kernels } = context;
  const { exports, memory } = kernels;
  const { dim, seed, initial = INITIAL, cooling = false } = options;
  const n = similarity.rows;
  const { count, steps, walksOfStep } = stepsOf(walks, options);
  const mark = memory.mark();
  try {
    const shape = roundShape(walksOfStep, n, options, exports);
    const propagation = new Propagation(kernels, similarity, dim);
    const walkAddress = memory.put(walks);
    const negatives = putNegativeTable(kernels, walkAddress, walks.length, n);
    const centres = makePropagatedTable(kernels, n, dim, { initial, seed, stream: STREAM.initialCentres });
    const contexts = makePropagatedTable(kernels, n, dim, { initial, seed, stream: STREAM.initialContexts });
    const tables = [centres, contexts];
    const rounds = new Rounds(kernels, shape, n, options, { walks: walkAddress, ...negatives, centres, contexts });
    const rates = new AdamRate(options.learningRate);
    let lastLoss = 0;
    let lastPairs = 0;
    await runTasks(kernels, propagation.forward(tables));
    for (let step = 0; step < steps; step++) {
      // steps of equal size to within one walk
      const first = Math.floor((step * count) / steps);
      const last = Math.floor(((step + 1) * count) / steps);
      let loss = 0;
      let pairs = 0;
      for (let begin = first; begin < last; begin += shape.walks) {
        if (begin > first) await context.tick(step, steps, pairs > 0 ? loss / pairs : 0);
        const end = Math.min(last, begin + shape.walks);
        await runTasks(kernels, rounds.walkTasks(begin, end));
        await runTasks(kernels, rounds.gatherTasks(begin, end, begin === first, end === last));
        const [someLoss, somePairs] = rounds.totals(begin, end);
        loss += someLoss;
        pairs += somePairs;
      }
      const rate = rates.next() * (cooling ? 1 - step / steps : 1);
      await runTasks(kernels, propagation.stepBack(tables, rate));
      await runTasks(kernels, propagation.forward(tables));
      if (step >= Math.floor(steps * 0.9)) {
        lastLoss += loss;
        lastPairs += pairs;
      }
      await context.tick(step + 1, steps, pairs > 0 ? loss / pairs : 0);
    }
    return {
      vectors: memory.f32(centres.propagated, n * dim).slice(),
      contexts: memory.f32(contexts.propagated, n * dim).slice(),
      loss: lastPairs > 0 ? lastLoss / lastPairs : 0,
    };
  } finally {
    memory.release(mark);
  }
}

/** The alias table of visits^0.75: the chance of each item to be drawn as a negative. */
function putNegativeTable(
  { exports, memory }: Kernels,
  walks: Address,
  positions: number,
  n: number,
): { thresholds: Address; aliases: Address } {
  const thresholds = memory.allocate(4 * n);
  const aliases = memory.allocate(4 * n);
  const mark = memory.mark();
  const visits = memory.allocateZeroed(4 * n);
  exports.countVisits(positions, walks, visits);
  if (positions > 0) exports.buildUnigramTable(n, visits, thresholds, aliases, memory.allocate(12 * n));
  memory.release(mark);
  return { thresholds, aliases };
}
