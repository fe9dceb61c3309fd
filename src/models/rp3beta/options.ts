import type { OptionTable } from '../options.ts';
import { P3ALPHA_OPTIONS } from '../p3alpha/options.ts';

export const RP3BETA_OPTIONS = {
  ...P3ALPHA_OPTIONS,
  beta: {
    type: 'number',
    min: 0,
    max: 10,
    default: 0.2,
    flag: '--beta <x>',
    text: 'β: similarities to an item are divided by its users to this power, so that popular items come less often',
  },
} as const satisfies OptionTable;
