import { baseNetwork } from '../network/base.ts';
import { HIDDEN_OPTIONS, LEARNING_OPTIONS } from '../network/options.ts';
import { type NetworkSpec, servedNetwork } from '../network/served.ts';
import { widthsOf } from '../network/towers.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';

export const NEUMF_OPTIONS = {
  ...LEARNING_OPTIONS,
  ...HIDDEN_OPTIONS,
  pretraining: {
    type: 'choice',
    choices: ['none', 'parts'],
    default: 'none',
    unrecorded: true,
    flag: '--pretraining <name>',
    text: 'What NeuMF starts from: none, from scratch; parts, from GMF and MLP, which are trained first',
  },
} as const satisfies OptionTable;
export type NeumfOptions = ResolvedValues<typeof NEUMF_OPTIONS>;

export const spec = {
  name: 'neumf',
  code: 17,
  resolve: (given) => resolveTable(NEUMF_OPTIONS, given),
  network: (options, sizes) => baseNetwork(['product', 'tower'], sizes, options.dim, widthsOf(options)),
} as const satisfies NetworkSpec<NeumfOptions>;

export const neumf = servedNetwork(spec);
