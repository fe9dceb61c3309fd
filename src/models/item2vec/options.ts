import { M3REC_OPTIONS } from '../m3rec/options.ts';
import { type OptionTable, withDefault } from '../options.ts';
import { SHARED_OPTIONS } from '../shared-options.ts';

export const ITEM2VEC_OPTIONS = {
  ...SHARED_OPTIONS,
  dim: M3REC_OPTIONS.dim,
  walks: M3REC_OPTIONS.walks,
  walkLength: M3REC_OPTIONS.walkLength,
  window: withDefault(M3REC_OPTIONS.window, 3),
  negatives: M3REC_OPTIONS.negatives,
  walkLearningRate: withDefault(M3REC_OPTIONS.walkLearningRate, 0.03),
} as const satisfies OptionTable;
