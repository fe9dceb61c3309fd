import { M3REC_OPTIONS } from '../m3rec/options.ts';
import { type OptionTable, withDefault } from '../options.ts';
import { SHARED_OPTIONS } from '../shared-options.ts';

/** Options of every kind that learns by batches of samples. */
export const LEARNING_OPTIONS = {
  ...SHARED_OPTIONS,
  dim: M3REC_OPTIONS.dim,
  epochs: withDefault(M3REC_OPTIONS.epochs, 20),
  batch: withDefault(M3REC_OPTIONS.batch, 1024),
  negatives: M3REC_OPTIONS.negatives,
  learningRate: withDefault(M3REC_OPTIONS.learningRate, 0.001),
  l2: withDefault(M3REC_OPTIONS.l2, 0),
} as const satisfies OptionTable;

/** Options of networks with hidden layers. */
export const HIDDEN_OPTIONS = {
  hidden: {
    type: 'number',
    min: 16,
    max: 4096,
    integer: true,
    multipleOf: 16,
    default: 512,
    flag: '--hidden <n>',
    text: 'Units of the first hidden layer; where towers have a second one, it has twice as many',
  },
  dropout: withDefault(M3REC_OPTIONS.dropout, 0.3),
} as const satisfies OptionTable;
