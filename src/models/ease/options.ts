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
    choices: ['auto', 'groups', 'exact'],
    default: 'auto',
    unrecorded: true,
    flag: '--ease-solver <name>',
    text: 'How B̂ is solved: groups, a small system for each group of items bought together; exact, up to about 45,000 items; auto, groups, and exact in updatable models',
  },
  systemItems: {
    type: 'number',
    min: 64,
    max: 4096,
    integer: true,
    multipleOf: 64,
    default: 256,
    flag: '--system-items <n>',
    text: 'Items of a system of EASE by groups: its group is an eighth of them, the others those that matter most to it; more take longer and rank hardly better',
  },
} as const satisfies OptionTable;
