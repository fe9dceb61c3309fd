import { AbortedError, ArgumentError, checkCallback, checkObject } from './errors.ts';

/** One report of progress. `done` of `total` steps of `stage` are finished. */
export interface Progress {
  stage: string;
  done: number;
  total: number;
  /** Mean loss since the last report, where the stage has one. */
  loss?: number;
}

/** What every long call takes. */
export interface JobOptions {
  onProgress?: (progress: Progress) => void;
  /** Stops the job within a fraction of a second; it then throws AbortedError. */
  signal?: AbortSignal;
}

const YIELD_EVERY_MS = 100;
/** Calls back once the event loop has turned. A timer of 0 ms takes a millisecond or more, so setImmediate where the host has it. */
const yieldThen: (callback: () => void) => void =
  (globalThis as { setImmediate?: (callback: () => void) => void }).setImmediate ??
  ((callback) => setTimeout(callback, 0));

/** The thread of one long call: reports progress, hears the AbortSignal, and lets the host's event loop run. */
export class Job {
  private lastYield = performance.now();

  /** @throws ArgumentError for options that are no object, or hold something else than a function and a signal. */
  constructor(private readonly options: JobOptions = {}) {
    const { onProgress, signal } = checkObject('options', options);
    checkCallback('onProgress', onProgress);
    if (signal !== undefined && !(typeof signal === 'object' && signal !== null && 'aborted' in signal))
      throw new ArgumentError('signal', signal, 'an AbortSignal');
  }

  /** To be called between kernel calls, each of which should take well under 200 ms. */
  async tick(stage: string, done: number, total: number, loss?: number): Promise<void> {
    this.options.onProgress?.({ stage, done, total, loss });
    if (performance.now() - this.lastYield > YIELD_EVERY_MS) {
      await new Promise<void>(yieldThen);
      this.lastYield = performance.now();
    }
    if (this.options.signal?.aborted) throw new AbortedError(`${stage} was stopped at ${done} of ${total}`);
  }
}
