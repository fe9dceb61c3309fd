import type { Markets } from '../../data/markets.ts';
import type { Stage } from '../../engine/stage.ts';
import type { OnTask } from '../../engine/types.ts';
import { marketBasics } from '../interactions.ts';
import type { ModelKind } from '../kind.ts';
import { type Fitted, fit } from '../network/fit.ts';
import { checkHasInteractions, checkLearned } from '../network/kind.ts';
import { valuesIn } from '../network/parameters.ts';
import { rowsToRank } from '../network/selection.ts';
import { arraysOfVae } from './layers.ts';
import { VaeLearner } from './learner.ts';
import { MULTVAE_OPTIONS, type MultVaeOptions } from './options.ts';
import { resolveMultVae, multvae as served } from './served.ts';

/** The autoencoder of layers.ts: it has no parameters of users, so that it answers for anybody. */
export const multvae = {
  ...served,
  title: 'MultVAE: a variational autoencoder of histories',
  personal: true,
  foldsIn: true,
  explains: false,
  selects: true,
  options: MULTVAE_OPTIONS,
  resolve: resolveMultVae,
  async train(data, options, { run, selectBy }) {
    checkHasInteractions(data);
    const { values } = await run(learning(options, selectBy), data);
    return { parameters: checkLearned(values), markets: data.markets.map(marketBasics) };
  },
} as const satisfies ModelKind<MultVaeOptions>;

function learning(options: MultVaeOptions, selectBy: string | undefined): Stage<Markets, Fitted> {
  return {
    name: 'training of multvae',
    id: 'multvae-training',
    bytes: ({ items, markets }) => {
      const stacked = markets.reduce((sum, market) => sum + market.items.length, 0);
      const scores = options.batch * markets.reduce((most, market) => Math.max(most, market.items.length), 0);
      return 12 * valuesIn(arraysOfVae(options, items.length)) + 8 * options.hidden * stacked + 4 * scores;
    },
    async run(data, context) {
      const { kernels } = context;
      const mark = kernels.memory.mark();
      try {
        const learner = new VaeLearner(kernels, data, options);
        learner.parameters.initialise(kernels, options.seed);
        const ranked = selectBy === undefined ? undefined : rowsToRank(kernels, data, selectBy, options.seed);
        const trainable = {
          parameters: learner.parameters,
          steps: learner.steps,
          begin: learner.begin.bind(learner),
          step: learner.step.bind(learner),
          ...(ranked && { look: (onTask: OnTask) => learner.look(ranked, onTask) }),
        };
        const value = await fit(trainable, options.epochs, options.learningRate, context);
        return { value, fact: { parameters: learner.parameters.size, ...value.fact } };
      } finally {
        kernels.memory.release(mark);
      }
    },
  };
}
