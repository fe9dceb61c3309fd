// Epochs of training, whatever learns: rates of Adam, progress, and the choice of the best epoch.

import { AdamRate } from '../../embedding/optimiser.ts';
import type { Address } from '../../engine/address.ts';
import type { StageContext } from '../../engine/stage.ts';
import type { Kernels, OnTask } from '../../engine/types.ts';

/** Epochs between two looks at the held-out rows, and looks without a gain before the training ends. */
const LOOK_EVERY = 2;
const PATIENCE = 5;

/** What can be trained: its parameters lie in linear memory in one piece. */
export interface Trainable {
  readonly parameters: { readonly at: Address; readonly size: number };
  /** Steps of an epoch. */
  readonly steps: number;
  begin(epoch: number): void;
  step(epoch: number, step: number, rate: number, onTask: OnTask): Promise<[loss: number, counted: number]>;
  /** How well it ranks held-out rows; absent where there are none to choose by. */
  look?(onTask: OnTask): Promise<number>;
}

/** What an epoch was like. */
export interface Fitted {
  /** The parameters of the best epoch, of the last one where none was chosen. */
  values: Float32Array;
  fact: Record<string, number>;
}

/**
 * Trains for that number of epochs; where there are rows to choose by, until they rank no better for ten epochs.
 * @throws AbortedError if the job was stopped.
 */
export async function fit(
  trainable: Trainable,
  epochs: number,
  learningRate: number,
  context: StageContext,
): Promise<Fitted> {
  const { steps, parameters } = trainable;
  const rates = new AdamRate(learningRate);
  const take = () => valuesOf(context.kernels, parameters);
  let best: { values: Float32Array; mrr: number; epoch: number } | undefined;
  let loss = 0;
  let epoch = 0;
  for (; epoch < epochs; epoch++) {
    trainable.begin(epoch);
    let sum = 0;
    let counted = 0;
    for (let step = 0; step < steps; step++) {
      const done = epoch * steps + step;
      const [own, count] = await trainable.step(epoch, step, rates.next(), () => context.tick(done, epochs * steps));
      sum += own;
      counted += count;
      await context.tick(done + 1, epochs * steps, own / count);
    }
    loss = sum / counted;
    if (!trainable.look || (epoch % LOOK_EVERY !== LOOK_EVERY - 1 && epoch !== epochs - 1)) continue;
    const done = (epoch + 1) * steps;
    const mrr = await trainable.look(() => context.tick(done, epochs * steps, loss));
    if (!best || mrr > best.mrr) best = { values: take(), mrr, epoch };
    else if (epoch - best.epoch >= PATIENCE * LOOK_EVERY) {
      epoch++;
      break;
    }
  }
  const chosen = best && { bestEpoch: best.epoch + 1, mrr: best.mrr };
  return { values: best?.values ?? take(), fact: { epochs: epoch, loss, ...chosen } };
}

function valuesOf({ memory }: Kernels, { at, size }: Trainable['parameters']): Float32Array {
  return memory.f32(at, size).slice();
}
