import { baseNetwork } from '../network/base.ts';
import { HIDDEN_OPTIONS, LEARNING_OPTIONS } from '../network/options.ts';
import { type NetworkSpec, servedNetwork } from '../network/served.ts';
import { widthsOf } from '../network/towers.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';

export const MLP_OPTIONS = { ...LEARNING_OPTIONS, ...HIDDEN_OPTIONS } as const satisfies OptionTable;
export type MlpOptions = ResolvedValues<typeof MLP_OPTIONS>;

export const spec = {
  name: 'mlp',
  code: 16,
  resolve: (given) => resolveTable(MLP_OPTIONS, given),
  network: (options, sizes) => baseNetwork(['tower'], sizes, options.dim, widthsOf(options)),
} as const satisfies NetworkSpec<MlpOptions>;

export const mlp = servedNetwork(spec);
