// The kinds of models as they are served. Training is in registry.ts, so that a page that only recommends bundles none
// of it.

import type { ServedKind } from './served-kind.ts';
import * as networks from './served-networks.ts';
import { TERM_KINDS } from './served-terms.ts';

export const SERVED_KINDS: readonly ServedKind[] = [...TERM_KINDS, ...Object.values(networks)];
