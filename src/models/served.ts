// The kinds of models as they are served. Training is in registry.ts, so that a page that only recommends bundles none
// of it.
import { ease } from './ease/served.ts';
import { itemknn } from './itemknn/served.ts';
import { m3rec } from './m3rec/served.ts';
import { popularity } from './popularity/served.ts';
import type { ServedKind } from './served-kind.ts';
import { transfer } from './transfer/served.ts';

export const SERVED_KINDS: readonly ServedKind[] = [m3rec, transfer, ease, popularity, itemknn];
