import { HIDDEN_OPTIONS, LEARNING_OPTIONS } from '../network/options.ts';
import { type NetworkSpec, servedNetwork } from '../network/served.ts';
import { widthsOf } from '../network/towers.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';
import { crossStitchNetwork } from './network.ts';

export const CROSS_STITCH_OPTIONS = { ...LEARNING_OPTIONS, ...HIDDEN_OPTIONS } as const satisfies OptionTable;
export type CrossStitchOptions = ResolvedValues<typeof CROSS_STITCH_OPTIONS>;

export const spec = {
  name: 'crossstitch',
  code: 19,
  resolve: (given) => resolveTable(CROSS_STITCH_OPTIONS, given),
  network: (options, sizes) => crossStitchNetwork(sizes, options.dim, widthsOf(options)),
} as const satisfies NetworkSpec<CrossStitchOptions>;

export const crossstitch = servedNetwork(spec);
