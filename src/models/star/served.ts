import { HIDDEN_OPTIONS, LEARNING_OPTIONS } from '../network/options.ts';
import { type NetworkSpec, servedNetwork } from '../network/served.ts';
import { widthsOf } from '../network/towers.ts';
import { type OptionTable, type ResolvedValues, resolveTable } from '../options.ts';
import { type StarParts, starNetwork } from './network.ts';

export const STAR_OPTIONS = {
  ...LEARNING_OPTIONS,
  ...HIDDEN_OPTIONS,
  parts: {
    type: 'choice',
    choices: ['all', 'no-normalisation', 'no-auxiliary', 'neither'],
    default: 'all',
    flag: '--parts <name>',
    text: 'Parts of STAR beside its layers: all, or without the normalisation by market, without the auxiliary network, without both',
  },
} as const satisfies OptionTable;
export type StarOptions = ResolvedValues<typeof STAR_OPTIONS>;

const partsOf = (parts: StarOptions['parts']): StarParts => ({
  normalised: parts === 'all' || parts === 'no-auxiliary',
  auxiliary: parts === 'all' || parts === 'no-normalisation',
});

export const spec = {
  name: 'star',
  code: 21,
  resolve: (given) => resolveTable(STAR_OPTIONS, given),
  network: (options, sizes) => starNetwork(sizes, widthsOf(options), partsOf(options.parts)),
} as const satisfies NetworkSpec<StarOptions>;

export const star = servedNetwork(spec);
