// How a long request shares the thread with others: in slices, and one such request at a time.

import { yieldThen } from '../common/job.ts';

/** Longer work pauses after this time, so that other requests are answered soon. */
const SLICE_MS = 8;

/** The time slices of one request. */
export class Slices {
  private begun = performance.now();

  /** Call between pieces of work. Lets the event loop run if the slice is over. */
  async pause(): Promise<void> {
    if (performance.now() - this.begun < SLICE_MS) return;
    await new Promise<void>(yieldThen);
    this.begun = performance.now();
  }
}

/** Runs long requests one after the other: several at once would each add a slice to the wait of others. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => {});
    return mine;
  }
}
