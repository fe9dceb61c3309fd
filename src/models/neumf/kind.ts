import type { ModelKind } from '../kind.ts';
import { learningStage, networkKind, trained } from '../network/kind.ts';
import { sizesOf } from '../network/network.ts';
import { AFTER_PRETRAINING, pretrainedParts, pretrainingCosts } from '../network/pretraining.ts';
import { widthsOf } from '../network/towers.ts';
import { NEUMF_OPTIONS, type NeumfOptions, neumf as served, spec } from './served.ts';

const kind = networkKind(spec, served, 'NeuMF: GMF and MLP as one network');

/** NeuMF: GMF and MLP as one network; from scratch, or from the two trained by themselves. */
export const neumf = {
  ...kind,
  options: NEUMF_OPTIONS,
  costs: (_, { pretraining, epochs }) => (pretraining === undefined ? [1] : pretrainingCosts(epochs)),
  async train(data, options, run) {
    if (options.pretraining === undefined) return kind.train(data, options, run);
    return trained(data, async () => {
      const start = await pretrainedParts(data, options, widthsOf(options), run, false);
      const after = { ...options, learningRate: AFTER_PRETRAINING * options.learningRate };
      const network = spec.network(options, sizesOf(data));
      return (await run.run(learningStage('neumf', network, after, run.selectBy, start), data)).values;
    });
  },
} as const satisfies ModelKind<NeumfOptions>;
