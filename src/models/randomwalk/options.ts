import type { OptionTable } from '../options.ts';
import { LINEAR_OPTIONS } from '../shared-options.ts';

export const RANDOMWALK_OPTIONS = {
  scope: LINEAR_OPTIONS.scope,
  steps: {
    type: 'number',
    min: 1,
    max: 10,
    integer: true,
    default: 1,
    flag: '--steps <n>',
    text: 'τ, the steps over items that a walk takes at most',
  },
  damping: {
    type: 'number',
    min: 0,
    max: 10,
    default: 0.5,
    flag: '--damping <x>',
    text: 'c: the t-th step counts c^(t−1)',
  },
  reach: {
    type: 'number',
    min: 1,
    max: 1_000_000,
    integer: true,
    default: 500,
    flag: '--reach <n>',
    text: 'Items that are kept of those that walks from an item reach, the likeliest',
  },
} as const satisfies OptionTable;
