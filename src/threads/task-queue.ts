import type { Call, Task } from '../engine/types.ts';

/** Words of the header: the first three are numbers of tasks since the start, modulo 2³². */
const PUBLISHED = 0;
const CLAIMED = 1;
const FINISHED = 2;
/** 1 while the coordinator sleeps until all that is published is finished. */
const WAITING = 3;
/** 1 once no more tasks will come. */
const CLOSED = 4;
const HEADER = 16;

/** Tasks of a round at most, a power of two. */
const SLOTS = 4096;
/** Most numbers that the calls of a round take, 8 bytes each. */
const NUMBERS = 1 << 16;

/**
 * The list from which the threads of a pool take their tasks, in shared memory. One coordinator publishes a round of
 * tasks, and every thread claims one after the other until none is left. A round is published when the one before is
 * finished, so no task is overwritten while a thread may read it. A thread that sleeps through a whole round sees that
 * the counters have moved on.
 *
 * A task is a count of calls, then for each call the kernel's number, the count of its arguments and the arguments.
 */
export class TaskQueue {
  private readonly header: Int32Array;
  private readonly starts: Int32Array;
  private readonly numbers: Float64Array;

  /** Bytes of the buffer that the queues of all threads of a pool share. */
  static readonly bytes = 4 * (HEADER + SLOTS) + 8 * NUMBERS;

  /**
   * @param names the kernels by number, the same on every thread.
   * @param looks spins of a thread without a task before it sleeps.
   */
  constructor(
    readonly buffer: SharedArrayBuffer,
    private readonly names: readonly string[],
    private readonly looks: number,
  ) {
    this.header = new Int32Array(buffer, 0, HEADER);
    this.starts = new Int32Array(buffer, 4 * HEADER, SLOTS);
    this.numbers = new Float64Array(buffer, 4 * (HEADER + SLOTS), NUMBERS);
  }

  /** Publishes as many of tasks[from …] as fit, wakes the workers, and returns their number. */
  publish(tasks: readonly Task[], from: number): number {
    const first = this.header[PUBLISHED];
    let filled = 0;
    let count = 0;
    while (from + count < tasks.length && count < SLOTS) {
      const task = tasks[from + count];
      const size = task.reduce((sum, call) => sum + call.length + 1, 1);
      if (filled + size > NUMBERS) break;
      this.starts[(first + count) & (SLOTS - 1)] = filled;
      this.numbers[filled++] = task.length;
      for (const [name, ...args] of task) {
        this.numbers[filled++] = this.names.indexOf(name);
        this.numbers[filled++] = args.length;
        this.numbers.set(args, filled);
        filled += args.length;
      }
      count++;
    }
    if (count === 0) throw new RangeError(`a task of more than ${NUMBERS} numbers`);
    Atomics.store(this.header, PUBLISHED, (first + count) | 0);
    Atomics.notify(this.header, PUBLISHED);
    return count;
  }

  /** Claims a task: its ticket, or undefined if none is left. */
  claim(): number | undefined {
    while (true) {
      const ticket = Atomics.load(this.header, CLAIMED);
      if (ticket === Atomics.load(this.header, PUBLISHED)) return undefined;
      if (Atomics.compareExchange(this.header, CLAIMED, ticket, (ticket + 1) | 0) === ticket) return ticket;
    }
  }

  /** The calls of a claimed task. */
  read(ticket: number): Task {
    let at = this.starts[ticket & (SLOTS - 1)];
    return Array.from({ length: this.numbers[at++] }, () => {
      const name = this.names[this.numbers[at++]];
      const count = this.numbers[at++];
      const args = this.numbers.subarray(at, at + count);
      at += count;
      return [name, ...args] as unknown as Call;
    });
  }

  /**
   * Reports a claimed task as done. Returns true if this was the last one and the coordinator sleeps: wake it then.
   */
  finish(): boolean {
    const finished = (Atomics.add(this.header, FINISHED, 1) + 1) | 0;
    return finished === Atomics.load(this.header, PUBLISHED) && Atomics.exchange(this.header, WAITING, 0) === 1;
  }

  /** Tasks of the round of `count` that are done. */
  finishedOf(count: number): number {
    return count - ((this.header[PUBLISHED] - Atomics.load(this.header, FINISHED)) | 0);
  }

  /**
   * Whether all published tasks are done, or finish while the coordinator spins. If not, the thread that finishes the
   * last task will see that the coordinator sleeps.
   */
  sleepUnlessDone(): boolean {
    for (let look = 0; look < this.looks; look++)
      if (Atomics.load(this.header, FINISHED) === this.header[PUBLISHED]) return true;
    Atomics.store(this.header, WAITING, 1);
    if (Atomics.load(this.header, FINISHED) !== this.header[PUBLISHED]) return false;
    // Exactly one side clears the flag: this one, or the worker, which then calls.
    return Atomics.exchange(this.header, WAITING, 0) === 1;
  }

  /** Whether workers should return. Ask after each claim: a claim on a closed queue is not a task. */
  get closed(): boolean {
    return Atomics.load(this.header, CLOSED) === 1;
  }

  /** Wakes the workers for the last time. */
  close(): void {
    Atomics.store(this.header, CLOSED, 1);
    Atomics.add(this.header, PUBLISHED, 1); // a worker that is about to sleep sees that it should not
    Atomics.notify(this.header, PUBLISHED);
  }

  /** Blocks a worker until tasks are published, or the queue is closed. */
  waitForTasks(): void {
    for (let look = 0; look < this.looks; look++)
      if (Atomics.load(this.header, PUBLISHED) !== Atomics.load(this.header, CLAIMED)) return;
    Atomics.wait(this.header, PUBLISHED, Atomics.load(this.header, CLAIMED));
  }
}
