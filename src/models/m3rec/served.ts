import { LINEAR_COSINE } from '../../model/fields.ts';
import { linearCosine } from '../../recommend/linear-cosine.ts';
import type { ServedKind } from '../served-kind.ts';

export const m3rec = {
  name: 'm3rec',
  code: 1,
  fields: LINEAR_COSINE,
  scorer: linearCosine,
} as const satisfies ServedKind;
