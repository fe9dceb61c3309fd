import { LINEAR_COSINE } from '../../model/fields.ts';
import { linearCosine } from '../../recommend/linear-cosine.ts';
import type { ServedKind } from '../served-kind.ts';

export const transfer = {
  name: 'transfer',
  code: 4,
  since: 3,
  fields: LINEAR_COSINE,
  scorer: linearCosine,
} as const satisfies ServedKind;
