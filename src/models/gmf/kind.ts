import type { ModelKind } from '../kind.ts';
import { networkKind } from '../network/kind.ts';
import { GMF_OPTIONS, type GmfOptions, gmf as served, spec } from './served.ts';

/** GMF: a weighed product of embeddings of users and items, learned by sampled negatives. */
export const gmf = {
  ...networkKind(spec, served, 'GMF: a weighed product of embeddings of users and items, learned by sampled negatives'),
  options: GMF_OPTIONS,
} as const satisfies ModelKind<GmfOptions>;
