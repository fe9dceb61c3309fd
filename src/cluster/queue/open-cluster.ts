import type { Plan } from '../plan.ts';
import type { Store } from '../store.ts';
import { openBackend } from './open.ts';
import { attach, submit } from './submit.ts';
import type { SubmitOptions } from './submit-options.ts';

/** A queue that workers listen to, and the store that they share. */
export interface Cluster {
  /** Of the queue, without user and password. */
  readonly name: string;
  /**
   * Hands in a plan, and waits for its result. Jobs that the store has records of are not done again.
   * @throws M3RecError if a job failed for good, with its reason, or the run was cancelled; AbortedError when stopped
   * through the signal: the run then goes on without this program.
   */
  submit(plan: Plan, options?: SubmitOptions): Promise<Uint8Array>;
  /**
   * Waits for the result of a run that was handed in before, and hands in again what a server has lost.
   * @throws M3RecError as `submit`, and for a name without a run.
   */
  attach(run: string, options?: SubmitOptions): Promise<Uint8Array>;
}

/**
 * @param queue `redis://`, `rediss://` (TLS) or `postgres://`
 * @param options.insecure whether a server beyond this machine may be spoken to without TLS
 * @throws ArgumentError for another address, or one without TLS; M3RecError with the line that installs what is
 * missing.
 */
export async function openCluster(queue: string, store: Store, options: { insecure?: boolean } = {}): Promise<Cluster> {
  const backend = await openBackend(queue, options.insecure);
  return {
    name: backend.name,
    submit: (plan, given) => submit(backend, store, plan, given),
    attach: (run, given) => attach(backend, store, run, given),
  };
}
