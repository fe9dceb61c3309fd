import type { ModelKind } from '../kind.ts';
import { networkKind } from '../network/kind.ts';
import { STAR_OPTIONS, type StarOptions, star as served, spec } from './served.ts';

/** STAR: one network whose layers each market scales. */
export const star = {
  ...networkKind(spec, served, 'STAR: one network whose layers each market scales'),
  options: STAR_OPTIONS,
} as const satisfies ModelKind<StarOptions>;
