import type { OptionTable } from './options.ts';

/** Options that mean the same in every kind that has them. */
export const SHARED_OPTIONS = {
  seed: {
    type: 'number',
    min: 0,
    max: 2 ** 32 - 1,
    integer: true,
    default: 1,
    flag: '--seed <n>',
    text: 'Seed of all randomness: the same seed, data and options give the same file',
  },
} as const satisfies OptionTable;
