import type { ModelKind } from '../kind.ts';
import { networkKind } from '../network/kind.ts';
import { MMOE_OPTIONS, type MmoeOptions, mmoe as served, spec } from './served.ts';

/** MMoE: expert networks that all markets share, mixed by a gate of each market. */
export const mmoe = {
  ...networkKind(spec, served, 'MMoE: expert networks that all markets share, mixed by a gate of each market'),
  options: MMOE_OPTIONS,
} as const satisfies ModelKind<MmoeOptions>;
