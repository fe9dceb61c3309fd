import { EASE_OPTIONS } from '../ease/options.ts';
import { M3REC_OPTIONS } from '../m3rec/options.ts';
import { type OptionTable, withDefault } from '../options.ts';
import { LINEAR_OPTIONS } from '../shared-options.ts';

export const EDLAE_OPTIONS = {
  scope: LINEAR_OPTIONS.scope,
  lambdaF: EASE_OPTIONS.lambdaF,
  dropout: withDefault(M3REC_OPTIONS.dropout, 0.25),
  epsilon: EASE_OPTIONS.epsilon,
} as const satisfies OptionTable;
