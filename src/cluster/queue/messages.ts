// What a worker and its child process say to each other.
import type { JobRecord } from '../store.ts';

/** From the worker. */
export type ToChild = { type: 'job'; run: string; job: number; verify: boolean } | { type: 'abort' };

/** Errors by what the worker does about them. */
export type Failure =
  /** Another job has to run first, or again. */
  | 'missing'
  /** It was stopped. */
  | 'aborted'
  /** It would fail again. */
  | 'final'
  /** It may succeed later: a store that is full or away. */
  | 'later';

/** From the child. */
export type FromChild =
  | { type: 'ready' }
  /** This machine computes other bytes than others do. */
  | { type: 'unfit'; message: string }
  | { type: 'progress'; stage: string; done: number; total: number }
  | { type: 'done'; computed: boolean; record?: JobRecord; read: number; written: number; cached: number }
  | { type: 'failed'; failure: Failure; message: string; input?: number };
