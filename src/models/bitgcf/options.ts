import { LIGHTGCN_OPTIONS } from '../lightgcn/options.ts';
import { type OptionTable, withDefault } from '../options.ts';

export const BITGCF_OPTIONS = {
  ...LIGHTGCN_OPTIONS,
  epochs: withDefault(LIGHTGCN_OPTIONS.epochs, 20),
  depth: withDefault(LIGHTGCN_OPTIONS.depth, 2),
  transfer: {
    type: 'number',
    min: 0,
    max: 1,
    default: 0.8,
    flag: '--transfer <x>',
    text: 'λ: what a layer keeps of the own market’s vector of an item, 1 − λ being the share of the other markets',
  },
  loss: {
    type: 'choice',
    choices: ['cross-entropy', 'pairs'],
    default: 'pairs',
    flag: '--loss <name>',
    text: 'Loss: cross-entropy of seen and unseen items, or of pairs of a seen and an unseen item',
  },
} as const satisfies OptionTable;
