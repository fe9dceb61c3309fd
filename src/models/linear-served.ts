// What serving knows of kinds whose models hold similarities alone, or vectors alone: their name and their code.
import { LINEAR_COSINE } from '../model/fields.ts';
import { dotProduct, linearCosine } from '../recommend/linear-cosine.ts';
import type { ServedKind } from './served-kind.ts';

/** The first format version with kinds of the laboratory. */
export const SINCE = 4;

/** A kind whose scores are linear terms, a cosine and a bias. */
export const servedLinear = <const Name extends string, const Code extends number>(name: Name, code: Code) =>
  ({ name, code, since: SINCE, fields: LINEAR_COSINE, scorer: linearCosine }) as const satisfies ServedKind;

/** A kind whose scores are products of a user's vector with those of the items, and a bias. */
export const servedDot = <const Name extends string, const Code extends number>(name: Name, code: Code) =>
  ({ name, code, since: SINCE, fields: LINEAR_COSINE, scorer: dotProduct }) as const satisfies ServedKind;
