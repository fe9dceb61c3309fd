// What all kinds of networks have in common while they train.
import { ArgumentError } from '../../common/errors.ts';
import type { Markets } from '../../data/markets.ts';
import type { Stage } from '../../engine/stage.ts';
import type { Kernels, OnTask } from '../../engine/types.ts';
import { marketBasics } from '../interactions.ts';
import type { ModelKind, TrainRun } from '../kind.ts';
import type { ServedKind } from '../served-kind.ts';
import { type Fitted, fit, type Trainable } from './fit.ts';
import { Learner } from './learner.ts';
import { arraysOf, type Network, sizesOf } from './network.ts';
import { valuesIn } from './parameters.ts';
import { Pairs, type RankedMarket, rowsToRank } from './selection.ts';
import { diverged, type NetworkOptions, type NetworkSpec } from './served.ts';

/** A kind of network. @param text in the terms of `ModelKind.title` */
export function networkKind<Options extends NetworkOptions, const Served extends ServedKind>(
  spec: NetworkSpec<Options>,
  served: Served,
  title: string,
) {
  return {
    ...served,
    title,
    personal: true,
    foldsIn: false,
    explains: false,
    selects: true,
    resolve: spec.resolve,
    async train(data: Markets, options: Options, { run, selectBy }: TrainRun) {
      checkHasInteractions(data);
      const { values } = await run(learning(spec, options, selectBy), data);
      return { parameters: checkLearned(values), markets: data.markets.map(marketBasics) };
    },
  } satisfies Omit<ModelKind<Options>, 'options'>;
}

/** @throws ArgumentError unless somebody lacks an item, so that there is something to learn. */
export function checkHasInteractions({ markets }: Markets): void {
  if (!markets.some(({ interactions: { rows, cols, indptr } }) => indptr[rows] > 0 && indptr[rows] < rows * cols))
    throw ArgumentError.because('markets', 'a network needs interactions, and users who do not have every item');
}

/** @throws ArgumentError if the training has diverged. */
export function checkLearned(values: Float32Array): Float32Array {
  if (diverged(values))
    throw ArgumentError.because('learningRate', 'the training has diverged with it: give a lower one');
  return values;
}

/** The stage that trains a network, from an initial state of its own. */
function learning<Options extends NetworkOptions>(
  { name, network }: NetworkSpec<Options>,
  options: Options,
  selectBy: string | undefined,
): Stage<Markets, Fitted> {
  return {
    name: `training of ${name}`,
    id: `${name}-training`,
    bytes: (data) => learningBytes(network(options, sizesOf(data)), options, data),
    async run(data, context) {
      const { kernels } = context;
      const mark = kernels.memory.mark();
      try {
        const learner = new Learner(kernels, network(options, sizesOf(data)), data, learningOptions(options));
        learner.parameters.initialise(kernels, options.seed);
        const ranked = selectBy === undefined ? undefined : rowsToRank(kernels, data, selectBy, options.seed);
        const trainable = trainableOf(kernels, learner, data, ranked);
        const value = await fit(trainable, options.epochs, options.learningRate, context);
        return { value, fact: { parameters: learner.parameters.size, ...value.fact } };
      } finally {
        kernels.memory.release(mark);
      }
    },
  };
}

const learningOptions = ({ batch, negatives, dropout = 0, l2, seed }: NetworkOptions) => ({
  batch,
  negatives,
  dropout,
  decay: l2,
  seed,
});

/** A learner as `fit` takes it. */
export function trainableOf(
  kernels: Kernels,
  learner: Learner,
  data: Markets,
  ranked: readonly RankedMarket[] | undefined,
): Trainable {
  const pairs = ranked && new Pairs(kernels, data, ranked);
  return {
    parameters: learner.parameters,
    steps: learner.batches.steps,
    begin: (epoch: number) => learner.batches.begin(epoch),
    step: learner.step.bind(learner),
    ...(pairs && {
      look: async (onTask: OnTask) => {
        await learner.score(pairs.samples, pairs.out, onTask);
        return pairs.meanReciprocalRank();
      },
    }),
  };
}

/** Linear memory of a training, in bytes, without the activations of its parts. */
function learningBytes(network: Network, { batch, negatives }: NetworkOptions, { markets }: Markets): number {
  const interactions = markets.reduce((sum, { interactions: { indices } }) => sum + indices.length, 0);
  const samples = Math.min(batch + markets.length, interactions) * (1 + negatives);
  const embedded = network.tables.reduce((sum, { cols }) => sum + cols, 0);
  const dense = valuesIn(network.layers);
  return 12 * valuesIn(arraysOf(network)) + 32 * dense + 12 * interactions + 4 * samples * (embedded + 5);
}
