import { SOLVED_DOT } from '../../model/fields.ts';
import { solvedDot } from '../../recommend/solved-dot.ts';
import type { ServedKind } from '../served-kind.ts';

export const ials = {
  name: 'ials',
  code: 12,
  since: 4,
  fields: SOLVED_DOT,
  scorer: solvedDot,
} as const satisfies ServedKind;
