// Factorisation by pairs (assembly/embedding/bpr.ts): BPR (Rendle et al., 2009), and with a depth LightGCN (He et al.,
// 2020), whose vectors are means of what L steps over the graph of users and items make of them.
import type { StageContext } from '../engine/stage.ts';
import { runTasks } from '../engine/tasks.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import { AdamRate } from './optimiser.ts';
import { type BatchOptions, PairBatches, type PairMarket } from './pair-batches.ts';
import { PairTables } from './pair-tables.ts';

export interface PairOptions extends BatchOptions {
  epochs: number;
  /** L; 0 is BPR. */
  depth: number;
  /** Whether the last number of users is 1 and not learned, so that that of an item is its bias. */
  biased: boolean;
  /** λ of the L2 term. */
  decay: number;
  learningRate: number;
}

export interface PairInput {
  /** X (users × items) of all markets. */
  X: SparsePattern;
  transposed: SparsePattern;
  markets: readonly PairMarket[];
}

export interface PairVectors {
  /** (users × d) and (items × d): scores are their products. */
  users: Float32Array;
  items: Float32Array;
  /** (items × d) with a depth: 1/(L+1) Σ_{l<L} e^(l), from which the vector of an unseen user is made. */
  below?: Float32Array;
  /** Mean loss of a pair in the last epoch, each measured before its step. */
  loss: number;
}

/** Linear memory, in bytes, that `learnPairs` asks for. */
export const pairBytes = ({ X, markets }: PairInput, options: PairOptions): number =>
  PairTables.bytes(X, options) + PairBatches.bytes(X, markets, options);

/**
 * Minimises the pairwise loss by Adam: an epoch takes every interaction once, with negatives that are drawn anew from
 * what the user's market sells. The same bytes on any number of threads.
 *
 * @throws MemoryError if it does not fit; AbortedError when the job is stopped. Progress counts steps.
 */
export async function learnPairs(
  context: StageContext,
  { X, transposed, markets }: PairInput,
  options: PairOptions,
): Promise<PairVectors> {
  const { kernels } = context;
  const { memory } = kernels;
  const { dim, epochs, depth, negatives } = options;
  const mark = memory.mark();
  try {
    const tables = new PairTables(kernels, X, transposed, options);
    const batches = new PairBatches(kernels, X, markets, tables.vectors, options);
    const rates = new AdamRate(options.learningRate);
    await runTasks(kernels, tables.forward());
    let loss = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      batches.shuffle(epoch);
      let sum = 0;
      for (let b = 0; b < batches.count; b++) {
        const { tasks, batch } = batches.score(b);
        await runTasks(kernels, tasks);
        const ofBatch = batches.loss(tasks.length);
        sum += ofBatch;
        await runTasks(kernels, tables.step(batch, rates.next()));
        const done = epoch * batches.count + b + 1;
        await context.tick(done, epochs * batches.count, ofBatch / (batch.size * negatives));
      }
      loss = sum / Math.max(1, X.indices.length * negatives);
    }
    const found = () => memory.f32(tables.vectors, (X.rows + X.cols) * dim);
    const users = found().slice(0, X.rows * dim);
    const items = found().slice(X.rows * dim);
    if (depth === 0) return { users, items, loss };
    await runTasks(kernels, tables.forward(depth - 1));
    return { users, items, below: found().slice(X.rows * dim), loss };
  } finally {
    memory.release(mark);
  }
}
