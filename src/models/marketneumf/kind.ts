import type { ModelKind } from '../kind.ts';
import { networkKind } from '../network/kind.ts';
import { MARKET_NEUMF_OPTIONS, type MarketNeumfOptions, marketneumf as served, spec } from './served.ts';

/** Market-aware NeuMF: NeuMF with items scaled by a vector of the market. */
export const marketneumf = {
  ...networkKind(spec, served, 'Market-aware NeuMF: NeuMF with items scaled by a vector of the market'),
  options: MARKET_NEUMF_OPTIONS,
} as const satisfies ModelKind<MarketNeumfOptions>;
