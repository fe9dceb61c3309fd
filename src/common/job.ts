import { AbortedError, ArgumentError, checkCallback, checkObject } from './errors.ts';

/** What a long call is doing. */
export interface Step {
  /** In English. */
  stage: string;
  /** For programs, which may translate it. A part of a step adds its own id after a dot. */
  id: string;
  /** The market that the step is about, if it is about one. */
  market?: string;
}

/** One report of progress. `done` of `total` units of the step are finished. */
export interface Progress extends Step {
  done: number;
  /** 0 if it is not known. */
  total: number;
  /** Mean loss since the last report, if the step has one. */
  loss?: number;
}

/** What every long call takes. */
export interface JobOptions {
  onProgress?: (progress: Progress) => void;
  /** Stops the job within a fraction of a second; it then throws AbortedError. */
  signal?: AbortSignal;
}

const YIELD_EVERY_MS = 100;
/**
 * Calls back once the event loop has turned: setImmediate if the host has it, since a timer of 0 ms takes 1 ms or more.
 */
export const yieldThen: (callback: () => void) => void =
  (globalThis as { setImmediate?: (callback: () => void) => void }).setImmediate ??
  ((callback) => setTimeout(callback, 0));

/** Progress, cancellation and yielding for one long call. */
export class Job {
  private lastYield = performance.now();

  /** @throws ArgumentError unless the options are an object with a function and an AbortSignal, each if given. */
  constructor(private readonly options: JobOptions = {}) {
    const { onProgress, signal } = checkObject('options', options);
    checkCallback('onProgress', onProgress);
    if (signal !== undefined && !(typeof signal === 'object' && signal !== null && 'aborted' in signal))
      throw new ArgumentError('signal', signal, 'an AbortSignal');
  }

  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  /**
   * Call between kernel calls; keep each of those well under 200 ms.
   * @param step or a name that is its own id.
   * @throws AbortedError if the signal was aborted.
   */
  async tick(step: Step | string, done: number, total: number, loss?: number): Promise<void> {
    const at = typeof step === 'string' ? { stage: step, id: step } : step;
    this.options.onProgress?.({ ...at, done, total, loss });
    if (performance.now() - this.lastYield > YIELD_EVERY_MS) {
      await new Promise<void>(yieldThen);
      this.lastYield = performance.now();
    }
    if (this.signal?.aborted) throw new AbortedError(`${at.stage} was stopped at ${done} of ${total}`);
  }
}
