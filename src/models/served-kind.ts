import type { FileKind } from '../model/fields.ts';
import type { ScoredKind } from '../recommend/scorer.ts';

/** What serving knows of a kind of model: what its files hold, and how it scores. */
export interface ServedKind extends FileKind, ScoredKind {}
