import type { OptionTable } from '../options.ts';
import { LINEAR_OPTIONS } from '../shared-options.ts';

export const SLIM_OPTIONS = {
  ...LINEAR_OPTIONS,
  lasso: {
    type: 'number',
    min: 0,
    max: 1e9,
    default: 1,
    flag: '--lasso <x>',
    text: 'λ₁‖w‖₁: a larger one leaves fewer similarities',
  },
  ridge: {
    type: 'number',
    min: 0,
    max: 1e9,
    default: 10,
    flag: '--ridge <x>',
    text: '½ λ₂‖w‖²: a larger one trusts small counts less',
  },
} as const satisfies OptionTable;
