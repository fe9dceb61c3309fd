import { M3REC_OPTIONS } from '../m3rec/options.ts';
import type { OptionTable } from '../options.ts';
import { SHARED_OPTIONS } from '../shared-options.ts';

export const ITEM2VEC_OPTIONS = {
  ...SHARED_OPTIONS,
  dim: M3REC_OPTIONS.dim,
  walks: M3REC_OPTIONS.walks,
  walkLength: M3REC_OPTIONS.walkLength,
  window: M3REC_OPTIONS.window,
  negatives: M3REC_OPTIONS.negatives,
  walkLearningRate: M3REC_OPTIONS.walkLearningRate,
} as const satisfies OptionTable;
