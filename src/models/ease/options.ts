import type { OptionTable } from '../options.ts';

/** Options of EASE, alone or as the intra-market similarity of another kind. */
export const EASE_OPTIONS = {
  lambdaF: {
    type: 'number',
    min: 1e-3,
    max: 1e9,
    default: 25,
    flag: '--lambda-f <x>',
    text: 'λ_F of EASE: a larger one trusts small counts less',
  },
  epsilon: {
    type: 'number',
    min: -1,
    max: 1,
    default: 0.01,
    flag: '--epsilon <x>',
    text: 'ε: smaller similarities are dropped; −1 keeps them all, 8 n² bytes for n items',
  },
  easeSolver: {
    type: 'choice',
    choices: ['auto', 'exact', 'iterative'],
    default: 'auto',
    unrecorded: true,
    flag: '--ease-solver <name>',
    text: 'How B̂ is solved: exact, up to about 45,000 items; iterative, to within about 0.003 and in little memory; auto, exact up to 20,000 items and in updatable models',
  },
} as const satisfies OptionTable;
