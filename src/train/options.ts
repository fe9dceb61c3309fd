import { ArgumentError, checkChoice, checkInteger, checkNumber, checkObject } from '../common/errors.ts';

/** How to train; all optional, the defaults are those of the preset. */
export interface TrainOptions {
  /** `m3rec` (the default), `ease` (stage 1 alone, its filtered similarities as scores) or `popularity`. */
  model?: 'm3rec' | 'ease' | 'popularity';
  /**
   * `paper`: M3Rec as published, margin loss, cosine scores. `default`: softmax loss, and the cosine beside the linear scores of
   * the merged EASE, the market's own EASE and RP3β.
   */
  preset?: 'paper' | 'default';
  /** Of all randomness, 0 … 2³² − 1. */
  seed?: number;
  /** λ_F of EASE. */
  lambdaF?: number;
  /** ε: smaller similarities are dropped. −1 keeps them all: plain EASE, 8 n² bytes. */
  epsilon?: number;
  /** d, a multiple of 16. */
  dim?: number;
  /** Walks that start at each item. */
  walks?: number;
  /** Items of a walk. */
  walkLength?: number;
  /** Largest distance of a skip-gram pair in its walk. */
  window?: number;
  /** Negatives of a skip-gram pair and of an interaction. */
  negatives?: number;
  /** γ of the margin loss. */
  gamma?: number;
  /** τ of the softmax loss. */
  temperature?: number;
  /** λ of λ‖V_loc‖². */
  l2?: number;
  /** Share of the elements of u that an epoch hides. */
  dropout?: number;
  /** Adam's, of the market adaptation. */
  learningRate?: number;
  /** Adam's, of the skip-gram stage. */
  walkLearningRate?: number;
  /** Interactions of a mini-batch. */
  batch?: number;
  epochs?: number;
  /** Leaves out the intra-market similarity (B, and the EASE scores), the inter-market similarity (V_glob, and RP3β), or both. */
  without?: 'intra' | 'inter' | 'both';
  /**
   * How B̂ is worked out: `exact`, by elimination, which fits up to about 45,000 items; `iterative`, by conjugate gradients to within
   * about 0.003 beside an exact core, in little memory; `auto` (the default): exact up to 20,000 items, or where the model is to be updatable.
   */
  easeSolver?: 'auto' | 'exact' | 'iterative';
}

/** The weights of the linear score S = merged · B̂ + market · B̂_m + walk · RP3β; the cosine comes on top. */
export interface Mix {
  merged: number;
  market: number;
  walk: number;
  cosine: number;
}

/** Every option with its value. */
export interface ResolvedOptions extends Required<Omit<TrainOptions, 'without' | 'easeSolver'>> {
  without: 'intra' | 'inter' | 'both' | 'nothing';
  /** Absent: auto, so that files of models that never knew another are as they were. */
  easeSolver?: 'exact' | 'iterative';
  loss: 'margin' | 'softmax';
  userOffsets: boolean;
  /** Absent: the cosine alone is the score. */
  mix?: Mix;
  /** β of RP3β and the entries that it keeps. */
  rp3beta: number;
  rp3Threshold: number;
}

export interface Range {
  min: number;
  max: number;
  whole?: boolean;
  multipleOf?: number;
}

/** What each number may be. */
export const RANGES = {
  seed: { min: 0, max: 2 ** 32 - 1, whole: true },
  lambdaF: { min: 1e-3, max: 1e9 },
  epsilon: { min: -1, max: 1 },
  dim: { min: 16, max: 1024, whole: true, multipleOf: 16 },
  walks: { min: 1, max: 1000, whole: true },
  walkLength: { min: 2, max: 1000, whole: true },
  window: { min: 1, max: 1000, whole: true },
  negatives: { min: 1, max: 1000, whole: true },
  gamma: { min: -1, max: 1 },
  temperature: { min: 0.01, max: 100 },
  l2: { min: 0, max: 1 },
  dropout: { min: 0, max: 0.95 },
  learningRate: { min: 1e-8, max: 1 },
  walkLearningRate: { min: 1e-8, max: 1 },
  batch: { min: 1, max: 1_000_000, whole: true },
  epochs: { min: 0, max: 100_000, whole: true },
} as const satisfies Record<string, Range>;

const COMMON = {
  model: 'm3rec',
  seed: 1,
  lambdaF: 25,
  epsilon: 0.01,
  dim: 128,
  walks: 10,
  walkLength: 40,
  window: 10,
  negatives: 10,
  gamma: 0.2,
  temperature: 0.1,
  l2: 1e-7,
  walkLearningRate: 0.001,
  batch: 1024,
  rp3beta: 0.6,
  rp3Threshold: 3e-4,
} as const;

const PRESETS = {
  paper: {
    ...COMMON,
    preset: 'paper',
    loss: 'margin',
    userOffsets: true,
    dropout: 0.3,
    learningRate: 0.001,
    epochs: 100,
  },
  default: {
    ...COMMON,
    preset: 'default',
    loss: 'softmax',
    userOffsets: false,
    dropout: 0,
    learningRate: 0.003,
    epochs: 6,
    mix: { merged: 1, market: 1, walk: 3, cosine: 0.2 },
  },
} as const;

/** The options with every default filled in. @throws ArgumentError that names the option, what was found and what it may be. */
export function resolveOptions(options: TrainOptions = {}): ResolvedOptions {
  checkObject('options', options);
  const preset = checkChoice('preset', options.preset ?? 'default', ['default', 'paper']);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const name of Object.keys(given))
    if (!OPTION_NAMES.has(name)) throw new ArgumentError('options', name, `one of ${[...OPTION_NAMES].join(', ')}`);
  checkChoice('easeSolver', given.easeSolver ?? 'auto', ['auto', 'exact', 'iterative']);
  if (given.easeSolver === 'auto') delete given.easeSolver;
  const all: ResolvedOptions = { without: 'nothing', ...PRESETS[preset], ...given };
  const dropsIntra = all.without === 'intra' || all.without === 'both';
  const dropsInter = all.without === 'inter' || all.without === 'both';
  if (all.mix) all.mix = { ...all.mix, ...(dropsIntra && { merged: 0, market: 0 }), ...(dropsInter && { walk: 0 }) };
  checkChoice('model', all.model, ['m3rec', 'ease', 'popularity']);
  checkChoice('without', all.without, ['nothing', 'intra', 'inter', 'both']);
  for (const [name, range] of Object.entries(RANGES)) {
    const { min, max, whole, multipleOf } = range as Range;
    const value = (whole ? checkInteger : checkNumber)(name, all[name as keyof typeof RANGES], min, max);
    if (multipleOf && value % multipleOf !== 0)
      throw new ArgumentError(name, value, `a multiple of ${multipleOf} from ${min} to ${max}`);
  }
  return all;
}

/** The weights of the linear terms that a model of these options has: B̂ of all markets, B̂_m of its own market, RP3β. */
export function linearWeights({ model, mix }: Pick<ResolvedOptions, 'model' | 'mix'>): {
  merged: number;
  market: number;
  walk: number;
} {
  if (model === 'ease') return { merged: 1, market: 0, walk: 0 };
  return model === 'm3rec' && mix ? mix : { merged: 0, market: 0, walk: 0 };
}

const OPTION_NAMES = new Set(['model', 'preset', 'without', 'easeSolver', ...Object.keys(RANGES)]);
