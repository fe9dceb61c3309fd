import { EASE_OPTIONS } from '../ease/options.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';
import { SHARED_OPTIONS } from '../shared-options.ts';

/**
 * Found by exact leave-one-out on training rows and on the tuning half of held-out rows; docs/internals/accuracy.md has
 * the grids.
 */
export const TRANSFER_OPTIONS = {
  preset: {
    type: 'choice',
    choices: ['default'],
    default: 'default',
    flag: '--preset <name>',
    text: 'default: EASE of each market, started from what the others know, in closed form',
  },
  ...SHARED_OPTIONS,
  lambda: {
    type: 'number',
    min: 1e-3,
    max: 1e9,
    default: 40,
    flag: '--lambda <x>',
    text: 'λ of a market’s EASE: with a larger one a market holds longer to what it takes from the others',
  },
  borrow: {
    type: 'number',
    min: 0,
    max: 10,
    default: 0.35,
    flag: '--borrow <x>',
    text: 'How much of what the other markets know a market starts from, before its own users speak; 0 trains each market alone',
  },
  othersLambda: {
    type: 'number',
    min: 1e-3,
    max: 1e9,
    default: 10,
    flag: '--others-lambda <x>',
    text: 'λ of the EASE over the other markets',
  },
  epsilon: EASE_OPTIONS.epsilon,
  singularVectors: {
    type: 'number',
    min: 0,
    max: 1024,
    integer: true,
    multipleOf: 16,
    default: 256,
    flag: '--singular-vectors <n>',
    text: 'd, how many singular vectors item vectors have; fewer where d times the items would pass 33 million; 0 leaves item vectors out',
  },
  cosineWeight: {
    type: 'number',
    min: 0,
    max: 100,
    default: 0.15,
    flag: '--cosine-weight <x>',
    text: 'Weight of the cosine of item vectors, which orders items that no similarity reaches',
  },
  closest: {
    type: 'number',
    min: 0,
    max: 100,
    default: 0.5,
    flag: '--closest <x>',
    text: 'Weight of the closest item of the history, added to the sum over all of it',
  },
  shrinkage: {
    type: 'number',
    min: 0,
    max: 1e9,
    default: 10,
    flag: '--shrinkage <x>',
    text: 'Users that Jaccard’s similarity adds to its denominator, so that few shared users say little',
  },
} as const satisfies OptionTable;

export type TransferOptions = ResolvedValues<typeof TRANSFER_OPTIONS>;

/** @throws ArgumentError naming the option, what was found and what it may be. */
export const resolveTransferOptions = (given: Readonly<Record<string, unknown>>): TransferOptions =>
  resolveTable(TRANSFER_OPTIONS, given);
