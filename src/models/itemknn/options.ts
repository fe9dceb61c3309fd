import { type OptionTable, withDefault } from '../options.ts';
import { LINEAR_OPTIONS } from '../shared-options.ts';
import { TRANSFER_OPTIONS } from '../transfer/options.ts';

export const ITEMKNN_OPTIONS = {
  ...LINEAR_OPTIONS,
  measure: {
    type: 'choice',
    choices: ['cosine', 'jaccard'],
    default: 'cosine',
    flag: '--measure <name>',
    text: 'How alike two items are: cosine, their shared users over the geometric mean of their users; jaccard, over the users of either',
  },
  shrinkage: withDefault(TRANSFER_OPTIONS.shrinkage, 5),
} as const satisfies OptionTable;
