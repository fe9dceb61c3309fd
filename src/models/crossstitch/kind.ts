import type { ModelKind } from '../kind.ts';
import { networkKind } from '../network/kind.ts';
import { CROSS_STITCH_OPTIONS, type CrossStitchOptions, crossstitch as served, spec } from './served.ts';

/** Cross-stitch: NeuMF with a tower for each market, which lend each other their layers. */
export const crossstitch = {
  ...networkKind(spec, served, 'Cross-stitch: NeuMF with a tower for each market, which lend each other their layers'),
  options: CROSS_STITCH_OPTIONS,
} as const satisfies ModelKind<CrossStitchOptions>;
