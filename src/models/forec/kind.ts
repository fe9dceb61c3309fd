import type { Markets } from '../../data/markets.ts';
import type { Address } from '../../engine/address.ts';
import type { Stage } from '../../engine/stage.ts';
import type { Kernels, OnTask } from '../../engine/types.ts';
import type { ModelKind } from '../kind.ts';
import { baseNetwork } from '../network/base.ts';
import { type Fitted, fit, type Trainable } from '../network/fit.ts';
import {
  begin,
  learningBytes,
  learningOptions,
  learningStage,
  type NamedArrays,
  namedArrays,
  networkKind,
  trainableOf,
  trained,
} from '../network/kind.ts';
import { Learner } from '../network/learner.ts';
import { arraysOf, type Network, sizesOf } from '../network/network.ts';
import { valuesIn } from '../network/parameters.ts';
import { AFTER_PRETRAINING, pretrainedParts, pretrainingCosts } from '../network/pretraining.ts';
import { rowsToRank } from '../network/selection.ts';
import { widthsOf } from '../network/towers.ts';
import { type Batch, type GradientOracle, MetaBatches, MetaGradient } from './meta.ts';
import { forkOf } from './network.ts';
import { FOREC_OPTIONS, type ForecOptions, isForked, forec as served, spec } from './served.ts';

/**
 * FOREC (Bonab et al., CIKM 2021): NeuMF from GMF and MLP, on all markets; meta-learning over the markets; and a fork, in
 * which each market goes on with layers of its own. Each phase is a stage, and `phases` says how far a training goes.
 */
export const forec = {
  ...networkKind(spec, served, 'FOREC: NeuMF, pre-trained and meta-learned on all markets, then forked for each'),
  options: FOREC_OPTIONS,
  costs: (_, options) => [
    ...pretrainingCosts(options.epochs),
    ...(isMeta(options) ? [META_COST * options.metaEpochs] : []),
    ...(isForked(options) ? [options.forkEpochs] : []),
  ],
  train: (data, options, { run, selectBy }) =>
    trained(data, async () => {
      const sizes = sizesOf(data);
      const widths = widthsOf(options);
      const network = baseNetwork(['product', 'tower'], sizes, options.dim, widths);
      const parts = await pretrainedParts(data, options, widths, { run, selectBy }, true);
      const after = { ...options, learningRate: AFTER_PRETRAINING * options.learningRate };
      let { values } = await run(learningStage('NeuMF', network, after, selectBy, parts), data);
      if (isMeta(options))
        ({ values } = await run(metaStage(network, options, selectBy, namedArrays(network, values)), data));
      if (!isForked(options)) return values;
      const start = forkOf(namedArrays(network, values), sizes.markets);
      const forked = { ...options, epochs: options.forkEpochs };
      return (await run(learningStage('the fork', spec.network(options, sizes), forked, selectBy, start), data)).values;
    }),
} as const satisfies ModelKind<ForecOptions>;

/** Whether a model of these options is meta-learned. */
const isMeta = ({ phases }: ForecOptions) => phases === 'meta' || phases === 'all';

/** What an epoch of meta-learning costs, in epochs of MLP: each market has two batches a step, as many as the largest needs. */
const META_COST = 2;

/** Interactions of a batch of meta-learning. */
const shotsOf = ({ shots, negatives }: ForecOptions) => Math.max(1, Math.round(shots / (1 + negatives)));

/** The stage of meta-learning, from where the pre-training ended. */
function metaStage(
  network: Network,
  options: ForecOptions,
  selectBy: string | undefined,
  start: NamedArrays,
): Stage<Markets, Fitted> {
  const batch = { ...options, batch: shotsOf(options) };
  return {
    name: 'meta-learning',
    id: 'meta-learning',
    bytes: (data) => learningBytes(network, batch, data) + MetaGradient.bytes(valuesIn(arraysOf(network)), options),
    async run(data, context) {
      const { kernels } = context;
      const mark = kernels.memory.mark();
      try {
        const learner = new Learner(kernels, network, data, {
          ...learningOptions(batch),
          dropout: 0,
          atOnce: shotsOf(options),
        });
        begin(kernels, learner, options.seed, start);
        const ranked = selectBy === undefined ? undefined : rowsToRank(kernels, data, selectBy, options.seed);
        const { look } = trainableOf(kernels, learner, data, ranked);
        const meta = { ...metaTrainable(kernels, learner, data.markets.length, options), ...(look && { look }) };
        const value = await fit(meta, options.metaEpochs, options.learningRate, context);
        return { value, fact: { ...value.fact } };
      } finally {
        kernels.memory.release(mark);
      }
    },
  };
}

/** Meta-learning of a learner's parameters as `fit` takes it. Markets without interactions that can be sampled stand aside. */
export function metaTrainable(kernels: Kernels, learner: Learner, all: number, options: ForecOptions): Trainable {
  const markets = Array.from({ length: all }, (_, m) => m).filter((m) => learner.batches.countOf(m) > 0);
  const batches = new MetaBatches(
    markets.map((m) => learner.batches.countOf(m)),
    shotsOf(options),
  );
  let now = 0;
  const oracle: GradientOracle = {
    at: learner.parameters.at,
    size: learner.parameters.size,
    markets: markets.length,
    addGradient(m: number, which: Batch, at: Address, factor: number, out: Address, onTask: OnTask) {
      const place = batches.at(m, now);
      const { batches: drawn } = learner;
      if (place.begins && which === 'support') drawn.order(markets[m], place.pass * all + markets[m]);
      const count = batches.sizes[m];
      // streams of negatives: two batches of a market and a step have numbers of their own
      const first = (2 * (now * all + markets[m]) + Number(which === 'query')) * shotsOf(options);
      return learner.addGradient({ market: markets[m], from: place[which], count, first }, at, factor, out, onTask);
    },
  };
  const gradient = new MetaGradient(kernels, oracle, options);
  return {
    parameters: learner.parameters,
    steps: batches.steps,
    begin: () => undefined,
    async step(epoch, step, rate, onTask) {
      now = epoch * batches.steps + step;
      const found = await gradient.add(onTask);
      await learner.stepBy(gradient.gradient, rate);
      return found;
    },
  };
}
