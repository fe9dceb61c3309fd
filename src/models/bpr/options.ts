import { M3REC_OPTIONS } from '../m3rec/options.ts';
import { type OptionTable, withDefault } from '../options.ts';
import { SHARED_OPTIONS } from '../shared-options.ts';

export const BPR_OPTIONS = {
  ...SHARED_OPTIONS,
  dim: withDefault(M3REC_OPTIONS.dim, 64),
  epochs: withDefault(M3REC_OPTIONS.epochs, 40),
  batch: withDefault(M3REC_OPTIONS.batch, 4096),
  negatives: M3REC_OPTIONS.negatives,
  learningRate: withDefault(M3REC_OPTIONS.learningRate, 0.01),
  decay: {
    type: 'number',
    min: 0,
    max: 1e3,
    default: 0.01,
    flag: '--decay <x>',
    text: 'λ of the L2 term on the vectors of a step’s pairs',
  },
} as const satisfies OptionTable;
