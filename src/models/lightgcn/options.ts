import { BPR_OPTIONS } from '../bpr/options.ts';
import { M3REC_OPTIONS } from '../m3rec/options.ts';
import { type OptionTable, withDefault } from '../options.ts';

export const LIGHTGCN_OPTIONS = {
  ...BPR_OPTIONS,
  decay: withDefault(BPR_OPTIONS.decay, 0.001),
  depth: {
    type: 'number',
    min: 0,
    max: 10,
    integer: true,
    default: 3,
    flag: '--depth <n>',
    text: 'L, the steps over the graph of users and items that vectors are means of',
  },
  dropout: withDefault(M3REC_OPTIONS.dropout, 0),
} as const satisfies OptionTable;
