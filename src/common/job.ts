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
  /** Of all steps of a training or an update, from 0 to 1; it never falls. Absent for other jobs. */
  share?: number;
  /** About how long a training or an update still takes, in seconds; absent while there is little to tell it from. */
  secondsLeft?: number;
}

/** What every long call takes. */
export interface JobOptions {
  onProgress?: (progress: Progress) => void;
  /** Stops the job within a fraction of a second; it then throws AbortedError. */
  signal?: AbortSignal;
}

/** How long a job may hold the event loop: a page must draw and listen, elsewhere signals and requests wait. */
const YIELD_EVERY_MS = 100;
const YIELD_EVERY_MS_ON_A_PAGE = 10;

/**
 * Calls back once the event loop has turned: by setImmediate or a message if the host has it, since timers of 0 ms take 4
 * ms in browsers.
 */
export function yieldThen(callback: () => void): void {
  for (const turn of TURNS) {
    try {
      if (turn(callback)) return;
    } catch {
      // Next's edge runtime has both, and they throw
    }
  }
  setTimeout(callback, 0);
}

/** Ways to let the event loop turn; false where the host does not have it. */
const TURNS: readonly ((callback: () => void) => boolean)[] = [
  (callback) => {
    const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
    setImmediate?.(callback);
    return setImmediate !== undefined;
  },
  (callback) => {
    if (typeof MessageChannel !== 'function') return false;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      callback();
    };
    port2.postMessage(undefined);
    return true;
  },
];

/** Progress, cancellation and yielding for one long call. */
export class Job {
  private lastYield = performance.now();
  private readonly yieldEvery = typeof document === 'undefined' ? YIELD_EVERY_MS : YIELD_EVERY_MS_ON_A_PAGE;

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
    await this.turn();
    if (this.signal?.aborted) throw new AbortedError(`${at.stage} was stopped at ${done} of ${total}`);
  }

  /** Lets the event loop run if it has waited long, and never throws: for between tasks of threads that others use too. */
  async turn(): Promise<void> {
    if (performance.now() - this.lastYield <= this.yieldEvery) return;
    await new Promise<void>(yieldThen);
    this.lastYield = performance.now();
  }
}
