import { EASE_OPTIONS } from '../ease/options.ts';
import type { LinearWeights } from '../linear-scores.ts';
import { type GivenOptions, type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';
import { SHARED_OPTIONS } from '../shared-options.ts';

export const M3REC_OPTIONS = {
  preset: {
    type: 'choice',
    choices: ['softmax', 'paper'],
    default: 'softmax',
    flag: '--preset <name>',
    text: 'paper: M3Rec as published, margin loss and cosine scores; softmax: softmax loss, and the cosine added to the linear scores of the merged EASE, of the market’s own EASE and of RP3β',
  },
  ...SHARED_OPTIONS,
  ...EASE_OPTIONS,
  dim: {
    type: 'number',
    min: 16,
    max: 1024,
    integer: true,
    multipleOf: 16,
    default: 128,
    flag: '--dim <n>',
    text: 'd, the length of a vector',
  },
  walks: {
    type: 'number',
    min: 1,
    max: 1000,
    integer: true,
    default: 10,
    flag: '--walks <n>',
    text: 'Random walks that start at each item',
  },
  walkLength: {
    type: 'number',
    min: 2,
    max: 1000,
    integer: true,
    default: 40,
    flag: '--walk-length <n>',
    text: 'Items of a walk',
  },
  window: {
    type: 'number',
    min: 1,
    max: 1000,
    integer: true,
    default: 10,
    flag: '--window <n>',
    text: 'Largest distance of a skip-gram pair in its walk',
  },
  negatives: {
    type: 'number',
    min: 1,
    max: 1000,
    integer: true,
    default: 10,
    flag: '--negatives <n>',
    text: 'Negatives of a skip-gram pair, and of an interaction in the margin loss',
  },
  gamma: {
    type: 'number',
    min: -1,
    max: 1,
    default: 0.2,
    flag: '--gamma <x>',
    text: 'γ of the margin loss (preset paper): negatives with a smaller cosine are left alone',
  },
  temperature: {
    type: 'number',
    min: 0.01,
    max: 100,
    default: 0.1,
    flag: '--temperature <x>',
    text: 'τ of the softmax loss (preset softmax), which cosines are divided by',
  },
  l2: {
    type: 'number',
    min: 0,
    max: 1,
    default: 1e-7,
    flag: '--l2 <x>',
    text: 'λ of λ‖V_loc‖², which keeps the vectors of a market near the global ones',
  },
  dropout: {
    type: 'number',
    min: 0,
    max: 0.95,
    default: { softmax: 0, paper: 0.3 },
    flag: '--dropout <x>',
    text: 'Share of the elements of a vector, or of the edges of a graph, that training hides, others each time',
  },
  learningRate: {
    type: 'number',
    min: 1e-8,
    max: 1,
    default: { softmax: 0.003, paper: 0.001 },
    flag: '--learning-rate <x>',
    text: 'Learning rate of Adam in the market adaptation',
  },
  walkLearningRate: {
    type: 'number',
    min: 1e-8,
    max: 1,
    default: 0.001,
    flag: '--walk-learning-rate <x>',
    text: 'Learning rate of Adam in the skip-gram stage',
  },
  batch: {
    type: 'number',
    min: 1,
    max: 1_000_000,
    integer: true,
    default: 1024,
    flag: '--batch <n>',
    text: 'Interactions of a mini-batch of the market adaptation',
  },
  epochs: {
    type: 'number',
    min: 0,
    max: 100_000,
    integer: true,
    default: { softmax: 6, paper: 100 },
    flag: '--epochs <n>',
    text: 'Epochs of the market adaptation',
  },
  without: {
    type: 'choice',
    choices: ['nothing', 'intra', 'inter', 'both'],
    default: 'nothing',
    flag: '--without <part>',
    text: 'Ablation: leaves out the intra-market similarity (B and the EASE scores), the inter-market similarity (V_glob and RP3β), or both',
  },
} as const satisfies OptionTable;

/** The weights of the scores of preset softmax: the linear ones, and the cosine on top. */
export interface Mix extends LinearWeights {
  cosine: number;
}

/** What a preset fixes and no option changes. */
interface Fixed {
  loss: 'margin' | 'softmax';
  userOffsets: boolean;
  /** Absent: the cosine alone is the score. */
  mix?: Mix;
  /** β of RP3β, and the least entry that it keeps. */
  rp3beta: number;
  rp3Threshold: number;
}

const FIXED: Readonly<Record<'softmax' | 'paper', Fixed>> = {
  paper: { loss: 'margin', userOffsets: true, rp3beta: 0.6, rp3Threshold: 3e-4 },
  softmax: {
    loss: 'softmax',
    userOffsets: false,
    mix: { merged: 1, market: 1, walk: 3, cosine: 0.2 },
    rp3beta: 0.6,
    rp3Threshold: 3e-4,
  },
};

export type GivenM3RecOptions = GivenOptions<typeof M3REC_OPTIONS>;

/** Every option of M3Rec with its value, and what the preset fixes. */
export type M3RecOptions = ResolvedValues<typeof M3REC_OPTIONS> & Fixed;

/** @throws ArgumentError naming the option, what was found and what it may be. */
export function resolveM3RecOptions(given: Readonly<Record<string, unknown>>): M3RecOptions {
  const values = resolveTable(M3REC_OPTIONS, given);
  const fixed = FIXED[values.preset];
  const { intra, inter } = similaritiesOf(values);
  const mix = fixed.mix && {
    ...fixed.mix,
    ...(!intra && { merged: 0, market: 0 }),
    ...(!inter && { walk: 0 }),
  };
  return { ...values, ...fixed, ...(mix && { mix }) };
}

/** Which of the two similarities take part. */
export function similaritiesOf({ without }: Pick<M3RecOptions, 'without'>): { intra: boolean; inter: boolean } {
  return {
    intra: without !== 'intra' && without !== 'both',
    inter: without !== 'inter' && without !== 'both',
  };
}

/** The weights of the linear scores; all 0 if the cosine alone is the score. */
export function linearWeightsOf({ mix }: Pick<M3RecOptions, 'mix'>): LinearWeights {
  return mix ?? { merged: 0, market: 0, walk: 0 };
}
