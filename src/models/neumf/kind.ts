import type { ModelKind } from '../kind.ts';
import { networkKind } from '../network/kind.ts';
import { NEUMF_OPTIONS, type NeumfOptions, neumf as served, spec } from './served.ts';

/** NeuMF: GMF and MLP as one network. */
export const neumf = {
  ...networkKind(spec, served, 'NeuMF: GMF and MLP as one network'),
  options: NEUMF_OPTIONS,
} as const satisfies ModelKind<NeumfOptions>;
