import { baseNetwork } from '../network/base.ts';
import { HIDDEN_OPTIONS, LEARNING_OPTIONS } from '../network/options.ts';
import { type NetworkSpec, servedNetwork } from '../network/served.ts';
import { widthsOf } from '../network/towers.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';

export const MARKET_NEUMF_OPTIONS = { ...LEARNING_OPTIONS, ...HIDDEN_OPTIONS } as const satisfies OptionTable;
export type MarketNeumfOptions = ResolvedValues<typeof MARKET_NEUMF_OPTIONS>;

export const spec = {
  name: 'marketneumf',
  code: 24,
  resolve: (given) => resolveTable(MARKET_NEUMF_OPTIONS, given),
  network: (options, sizes) => baseNetwork(['product', 'tower'], sizes, options.dim, widthsOf(options), true),
} as const satisfies NetworkSpec<MarketNeumfOptions>;

export const marketneumf = servedNetwork(spec);
