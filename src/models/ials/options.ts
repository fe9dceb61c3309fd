import { M3REC_OPTIONS } from '../m3rec/options.ts';
import { type OptionTable, withDefault } from '../options.ts';
import { SHARED_OPTIONS } from '../shared-options.ts';

export const IALS_OPTIONS = {
  ...SHARED_OPTIONS,
  dim: withDefault(M3REC_OPTIONS.dim, 64),
  epochs: withDefault(M3REC_OPTIONS.epochs, 16),
  alpha0: {
    type: 'number',
    min: 0,
    max: 1e6,
    default: 0.1,
    flag: '--alpha0 <x>',
    text: 'α₀: what a pair of a user and an item weighs that was not seen, beside 1 for one that was',
  },
  regularisation: {
    type: 'number',
    min: 1e-9,
    max: 1e6,
    default: 0.01,
    flag: '--regularisation <x>',
    text: 'λ: a larger one keeps vectors shorter',
  },
  power: {
    type: 'number',
    min: 0,
    max: 2,
    default: 1,
    flag: '--power <x>',
    text: 'ν: the λ of a user or an item grows with this power of what it has',
  },
  unobserved: {
    type: 'choice',
    choices: ['market', 'merged'],
    default: 'market',
    flag: '--unobserved <name>',
    text: 'Which items a user has not seen: market, those of their own market; merged, those of all markets',
  },
} as const satisfies OptionTable;
