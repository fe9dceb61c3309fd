import { HIDDEN_OPTIONS, LEARNING_OPTIONS } from '../network/options.ts';
import { type OptionTable, type ResolvedValues, withDefault } from '../options.ts';

const { seed, dim, epochs, batch, learningRate, l2 } = LEARNING_OPTIONS;

export const MULTVAE_OPTIONS = {
  seed,
  dim,
  epochs: withDefault(epochs, 50),
  batch: withDefault(batch, 512),
  learningRate,
  l2,
  hidden: HIDDEN_OPTIONS.hidden,
  dropout: withDefault(HIDDEN_OPTIONS.dropout, 0.5),
  divergence: {
    type: 'number',
    min: 0,
    max: 10,
    default: 0.2,
    flag: '--divergence <x>',
    text: 'Weight of the divergence of latent vectors from normal ones, which rises to it over the first half of the steps',
  },
} as const satisfies OptionTable;

export type MultVaeOptions = ResolvedValues<typeof MULTVAE_OPTIONS>;
