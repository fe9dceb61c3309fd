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

/** Options of kinds whose scores are similarities of items alone. */
export const LINEAR_OPTIONS = {
  scope: {
    type: 'choice',
    choices: ['market', 'merged'],
    default: 'market',
    flag: '--scope <name>',
    text: 'Whose users similarities are made of: market, those of each market alone; merged, those of all markets together',
  },
  neighbours: {
    type: 'number',
    min: 0,
    max: 1_000_000,
    integer: true,
    default: 0,
    flag: '--neighbours <n>',
    text: 'Similarities that are kept for each item that may be recommended, the largest; 0 keeps all',
  },
} as const satisfies OptionTable;
