import { HIDDEN_OPTIONS, LEARNING_OPTIONS } from '../network/options.ts';
import { type NetworkSpec, servedNetwork } from '../network/served.ts';
import { widthsOf } from '../network/towers.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';
import { mmoeNetwork } from './network.ts';

export const MMOE_OPTIONS = {
  ...LEARNING_OPTIONS,
  ...HIDDEN_OPTIONS,
  experts: {
    type: 'number',
    min: 1,
    max: 8,
    integer: true,
    default: 5,
    flag: '--experts <n>',
    text: 'Expert networks that all markets share',
  },
} as const satisfies OptionTable;
export type MmoeOptions = ResolvedValues<typeof MMOE_OPTIONS>;

export const spec = {
  name: 'mmoe',
  code: 20,
  resolve: (given) => resolveTable(MMOE_OPTIONS, given),
  network: (options, sizes) => mmoeNetwork(sizes, options.experts, widthsOf(options)),
} as const satisfies NetworkSpec<MmoeOptions>;

export const mmoe = servedNetwork(spec);
