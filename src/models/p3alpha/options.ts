import type { OptionTable } from '../options.ts';
import { LINEAR_OPTIONS } from '../shared-options.ts';

export const P3ALPHA_OPTIONS = {
  ...LINEAR_OPTIONS,
  alpha: {
    type: 'number',
    min: 0,
    max: 10,
    default: 1,
    flag: '--alpha <x>',
    text: 'α: the chances of each step of a walk are taken to this power',
  },
} as const satisfies OptionTable;
