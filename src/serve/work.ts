// How a long request shares the thread with others: in slices, and one such request at a time.

import { yieldThen } from '../common/job.ts';

/** Work that takes longer is cut here, so that what comes meanwhile is answered soon. */
const SLICE_MS = 8;

/** The time slices of one request. */
export class Slices {
  private begun = performance.now();

  /** Call between pieces of work: lets the event loop turn if the slice is over. */
  async pause(): Promise<void> {
    if (performance.now() - this.begun < SLICE_MS) return;
    await new Promise<void>(yieldThen);
    this.begun = performance.now();
  }
}

/** Hands out turns: several long requests at once would each add a slice to what others wait for. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => {});
    return mine;
  }
}
