import { baseNetwork } from '../network/base.ts';
import { LEARNING_OPTIONS } from '../network/options.ts';
import { type NetworkSpec, servedNetwork } from '../network/served.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';

export const GMF_OPTIONS = { ...LEARNING_OPTIONS } as const satisfies OptionTable;
export type GmfOptions = ResolvedValues<typeof GMF_OPTIONS>;

export const spec = {
  name: 'gmf',
  code: 15,
  resolve: (given) => resolveTable(GMF_OPTIONS, given),
  network: (options, sizes) => baseNetwork(['product'], sizes, options.dim),
} as const satisfies NetworkSpec<GmfOptions>;

export const gmf = servedNetwork(spec);
