// What all kinds of networks have in common while they train.
import { ArgumentError } from '../../common/errors.ts';
import type { Markets } from '../../data/markets.ts';
import type { Stage } from '../../engine/stage.ts';
import type { Kernels, OnTask } from '../../engine/types.ts';
import { marketBasics } from '../interactions.ts';
import type { ModelKind, TrainedParts, TrainRun } from '../kind.ts';
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
    train: (data: Markets, options: Options, { run, selectBy }: TrainRun) =>
      trained(data, async () => {
        const network = spec.network(options, sizesOf(data));
        return (await run(learningStage(spec.name, network, options, selectBy), data)).values;
      }),
  } satisfies Omit<ModelKind<Options>, 'options'>;
}

/** The parts of the model that a training leaves. @throws ArgumentError if nothing can be learned, or it has diverged. */
export async function trained(data: Markets, train: () => Promise<Float32Array>): Promise<TrainedParts> {
  checkHasInteractions(data);
  return { parameters: checkLearned(await train()), markets: data.markets.map(marketBasics) };
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

/** Arrays of a network by name, without what lies between them. */
export type NamedArrays = ReadonlyMap<string, Float32Array>;

/** The arrays of a network in what `fit` has left of it. */
export function namedArrays(network: Network, values: Float32Array): Map<string, Float32Array> {
  let offset = 0;
  return new Map(
    arraysOf(network).map((array) => {
      const own = values.slice(offset, offset + array.rows * array.cols);
      offset += valuesIn([array]);
      return [array.name, own];
    }),
  );
}

/**
 * The stage that trains a network, from an initial state of its own.
 * @param name of the network, which is that of a kind or of a part of its training
 * @param start arrays that begin as something else has left them
 */
export function learningStage(
  name: string,
  network: Network,
  options: NetworkOptions,
  selectBy: string | undefined,
  start: NamedArrays = new Map(),
): Stage<Markets, Fitted> {
  return {
    name: `training of ${name}`,
    id: `${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-training`,
    bytes: (data) => learningBytes(network, options, data),
    async run(data, context) {
      const { kernels } = context;
      const mark = kernels.memory.mark();
      try {
        const learner = new Learner(kernels, network, data, learningOptions(options));
        begin(kernels, learner, options.seed, start);
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

/** Fills the parameters of a learner: with what they start from, or with what is given. */
export function begin(kernels: Kernels, { parameters }: Learner, seed: number, start: NamedArrays): void {
  parameters.initialise(kernels, seed);
  for (const [name, values] of start) kernels.memory.f32(parameters.address(name), values.length).set(values);
}

export const learningOptions = ({ batch, negatives, dropout = 0, l2, seed }: NetworkOptions) => ({
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
export function learningBytes(network: Network, { batch, negatives }: NetworkOptions, { markets }: Markets): number {
  const interactions = markets.reduce((sum, { interactions: { indices } }) => sum + indices.length, 0);
  const samples = Math.min(batch + markets.length, interactions) * (1 + negatives);
  const embedded = network.tables.reduce((sum, { cols }) => sum + cols, 0);
  const dense = valuesIn(network.layers);
  return 12 * valuesIn(arraysOf(network)) + 32 * dense + 12 * interactions + 4 * samples * (embedded + 5);
}
