// Factorisation by pairs (assembly/embedding/bpr.ts): BPR (Rendle et al., 2009), and with a depth LightGCN (He et al.,
// 2020), whose vectors are means of what L steps over the graph of users and items make of them; with a transfer of items
// between markets after each step Bi-TGCF (Liu et al., 2020).
import type { StageContext } from '../engine/stage.ts';
import { runTasks } from '../engine/tasks.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import { AdamRate } from './optimiser.ts';
import { type BatchOptions, PairBatches, type PairMarket } from './pair-batches.ts';
import { PairTables, type Transfer } from './pair-tables.ts';

export interface PairOptions extends BatchOptions {
  epochs: number;
  /** L; 0 is BPR. */
  depth: number;
  /** Whether the last number of users is 1 and not learned, so that that of an item is its bias. */
  biased: boolean;
  /** Share of the edges of the graph that a step hides; of the messages along them, where items are transferred. */
  dropout: number;
  /** λ of the L2 term. */
  decay: number;
  learningRate: number;
}

export interface PairInput {
  /** X (users × items) of all markets. */
  X: SparsePattern;
  transposed: SparsePattern;
  markets: readonly PairMarket[];
  /** Bi-TGCF: what a layer mixes of the rows of all users and items, T, and Tᵀ. */
  transfer?: Transfer;
}

export interface PairVectors {
  /** (users × d) and (items × d): scores are their products. */
  users: Float32Array;
  items: Float32Array;
  /** (items × d) with a depth: 1/(L+1) Σ_{l<L} e^(l), from which the vector of an unseen user is made. */
  below?: Float32Array;
  /** Mean loss of a pair or a sample in the last epoch, each measured before its step. */
  loss: number;
}

/** Linear memory, in bytes, that `learnPairs` asks for. */
export const pairBytes = ({ X, markets, transfer }: PairInput, options: PairOptions): number =>
  PairTables.bytes(X, options, transfer) + PairBatches.bytes(X, markets, options);

/**
 * Minimises the loss by Adam: an epoch takes every interaction once, with negatives that are drawn anew from
 * what the user's market sells. The same bytes on any number of threads.
 *
 * @throws MemoryError if it does not fit; AbortedError when the job is stopped. Progress counts steps.
 */
export async function learnPairs(
  context: StageContext,
  { X, transposed, markets, transfer }: PairInput,
  options: PairOptions,
): Promise<PairVectors> {
  const { kernels } = context;
  const { memory } = kernels;
  const { dim, epochs, depth } = options;
  const dropping = depth > 0 && options.dropout > 0;
  const mark = memory.mark();
  try {
    const tables = new PairTables(kernels, X, transposed, options, transfer);
    const batches = new PairBatches(kernels, X, markets, tables.vectors, options);
    const rates = new AdamRate(options.learningRate);
    await runTasks(kernels, tables.forward());
    let loss = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      batches.shuffle(epoch);
      let sum = 0;
      for (let b = 0; b < batches.count; b++) {
        const own = memory.mark();
        if (dropping) for (const tasks of tables.drop(epoch * batches.count + b)) await runTasks(kernels, tasks);
        const { tasks, batch } = batches.score(b);
        await runTasks(kernels, tasks);
        const ofBatch = batches.loss(tasks.length);
        sum += ofBatch;
        await runTasks(kernels, tables.step(batch, rates.next()));
        memory.release(own);
        const done = epoch * batches.count + b + 1;
        await context.tick(done, epochs * batches.count, ofBatch / (batch.size * batches.counted));
      }
      loss = sum / Math.max(1, X.indices.length * batches.counted);
    }
    if (dropping) await runTasks(kernels, tables.keep());
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
