import { baseNetwork } from '../network/base.ts';
import { HIDDEN_OPTIONS, LEARNING_OPTIONS } from '../network/options.ts';
import { type NetworkSpec, servedNetwork } from '../network/served.ts';
import { widthsOf } from '../network/towers.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';
import { forkedNetwork } from './network.ts';

const EPOCHS = { type: 'number', min: 0, max: 1000, integer: true, default: 10 } as const;

export const FOREC_OPTIONS = {
  ...LEARNING_OPTIONS,
  ...HIDDEN_OPTIONS,
  phases: {
    type: 'choice',
    choices: ['all', 'pretraining', 'meta', 'fork'],
    default: 'all',
    flag: '--phases <name>',
    text: 'How far FOREC goes: pretraining of NeuMF; meta, then meta-learning; fork, from the pre-training to a fork for each market; all, first meta-learning, then the fork',
  },
  metaEpochs: {
    ...EPOCHS,
    flag: '--meta-epochs <n>',
    text: 'Epochs of meta-learning, each with half of the batches of the largest market',
  },
  forkEpochs: {
    ...EPOCHS,
    flag: '--fork-epochs <n>',
    text: 'Epochs that the networks of the markets learn by themselves',
  },
  shots: {
    type: 'number',
    min: 2,
    max: 1_000_000,
    integer: true,
    default: 1024,
    flag: '--shots <n>',
    text: 'Samples that a step of meta-learning adapts to, and as many to judge it by, for each market',
  },
  innerRate: {
    type: 'number',
    min: 0,
    max: 10,
    default: 0.1,
    flag: '--inner-rate <x>',
    text: 'α, the step by which meta-learning adapts to a market',
  },
  order: {
    type: 'choice',
    choices: ['first', 'second'],
    default: 'first',
    flag: '--order <name>',
    text: 'Gradients of meta-learning: first order, or second, with the way back through the adaptation',
  },
} as const satisfies OptionTable;
export type ForecOptions = ResolvedValues<typeof FOREC_OPTIONS>;

/** Whether a model of these options has a network for each market. */
export const isForked = ({ phases }: Pick<ForecOptions, 'phases'>) => phases === 'all' || phases === 'fork';

export const spec = {
  name: 'forec',
  code: 23,
  resolve: (given) => resolveTable(FOREC_OPTIONS, given),
  network: (options, sizes) =>
    isForked(options)
      ? forkedNetwork(sizes, options.dim, widthsOf(options))
      : baseNetwork(['product', 'tower'], sizes, options.dim, widthsOf(options)),
} as const satisfies NetworkSpec<ForecOptions>;

export const forec = servedNetwork(spec);
