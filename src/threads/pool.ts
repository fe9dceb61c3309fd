import { ArgumentError, checkCallback, checkInteger, checkObject, MemoryError, WorkerError } from '../common/errors.ts';
import { kernelSource } from '../engine/init.ts';
import { instantiateKernels } from '../engine/instantiate.ts';
import { LinearMemory } from '../engine/memory.ts';
import { type KernelSource, resolveKernels } from '../engine/source.ts';
import { runTask, runTasks } from '../engine/tasks.ts';
import type { Kernels, OnTask, Task, TaskPool } from '../engine/types.ts';
import { TaskQueue } from './task-queue.ts';
import type { WorkerMessage, WorkerStart } from './worker-loop.ts';

/** Largest number of threads. */
export const MAX_THREADS = 64;

/**
 * Spins of a thread without a task before it sleeps; spinning costs less than a wake-up.
 */
const LOOKS = 4000;

/** Time in ms that a worker has to start: some hosts never report that its script is missing. */
const START_MS = 30_000;

/** How a worker reports to the thread that started it. */
export interface WorkerEvents {
  message(data: unknown): void;
  /** Called with the reason when it has failed or ended. */
  failure(reason: string): void;
}

/** A started worker. */
export interface WorkerHandle {
  post(data: unknown): void;
  /** Ends the worker at once. */
  terminate(): unknown;
}

/**
 * The threads of a host: `nodeWorkers` of `m3rec/node`, or `webWorkers()` of `m3rec/workers`.
 */
export interface Workers {
  /** The module kernels-threads.wasm, or kernels-threads-relaxed.wasm. */
  kernels: KernelSource;
  /** The useful number of threads on this host; 1, with the reason, if workers are unavailable. */
  available(): Availability;
  /** Starts a worker that runs `serveTasks` on the first message. */
  spawn(events: WorkerEvents): WorkerHandle;
}

/** The number of threads of a host, or why it has one. */
export interface Availability {
  threads: number;
  /** Why there is only one. */
  reason?: string;
}

/** The options of a job that can run on several threads. */
export interface ThreadOptions {
  /** Where the kernels of one thread come from, if not from `init`. Several threads use those of `workers`. */
  kernels?: KernelSource;
  /**
   * Number of threads, 1 … MAX_THREADS. Default: the useful number that `workers` reports. The result does not depend
   * on it.
   */
  threads?: number;
  /** Where threads come from. Default: one thread. */
  workers?: Workers;
  /**
   * Called with the number of threads that run, and the reason if it is one. If workers cannot be started, a job runs
   * on one thread.
   */
  onThreads?: (availability: Availability) => void;
}

/** @throws ArgumentError for options out of their ranges. */
export function checkThreads({ threads, workers, onThreads }: ThreadOptions): void {
  if (threads !== undefined) checkInteger('threads', threads, 1, MAX_THREADS);
  if (workers !== undefined) {
    const { available, spawn } = checkObject('workers', workers, WORKERS) as Partial<Workers>;
    if (typeof available !== 'function' || typeof spawn !== 'function')
      throw new ArgumentError('workers', workers, WORKERS);
  }
  checkCallback('onThreads', onThreads);
}

const WORKERS = 'nodeWorkers of m3rec/node, or webWorkers() of m3rec/workers';

/** Kernels that may have further threads. The threads live until the kernels are closed. */
export interface ThreadedKernels extends Kernels {
  /**
   * Ends the threads. Jobs that run on them fail with a WorkerError, and so do later ones.
   */
  close(): Promise<void>;
}

/**
 * Kernels on several threads, for `Recommender.from` and its `recommendAll`.
 * If the host cannot start them, the kernels run on the calling thread alone, and `onThreads` is called with the reason.
 * @throws ArgumentError for options out of their ranges; MemoryError if there is not enough memory.
 * @example
 * const kernels = await startThreads({ workers: nodeWorkers, threads: 2 });
 * const threaded = Recommender.from(decodeModel(bytes), kernels);
 * const answers = await threaded.recommendAll([{ market: 'de', items: ['P1000001'] }]);
 * await kernels.close();
 * answers.length; // → 1
 */
export async function startThreads(options: ThreadOptions = {}): Promise<ThreadedKernels> {
  checkThreads(checkObject('options', options) as ThreadOptions);
  return start(options);
}

async function start({ kernels, threads, workers, onThreads }: ThreadOptions): Promise<ThreadedKernels> {
  let plan = planThreads(workers, threads);
  if (workers && plan.threads > 1) {
    try {
      const shared = await startPool(workers, plan.threads);
      onThreads?.(plan);
      return { ...shared, close: () => shared.pool.close() };
    } catch (error) {
      if (!(error instanceof WorkerError || error instanceof MemoryError)) throw error;
      plan = { threads: 1, reason: error.message };
    }
  }
  onThreads?.(plan);
  const alone = await instantiateKernels(await kernelSource(kernels));
  const pool = new CallingThread(alone);
  return { ...alone, pool, close: async () => pool.close() };
}

/** The number of threads for a job that asked for `asked`, or did not ask. */
export function planThreads(workers: Workers | undefined, asked: number | undefined): Availability {
  if (asked === 1) return { threads: 1, reason: 'as asked' };
  const { threads, reason } = workers?.available() ?? { threads: 1, reason: 'no workers were given' };
  if (threads === 1 && reason !== undefined) return { threads, reason };
  if (asked === undefined && threads === 1) return { threads, reason: 'this machine has one core' };
  return { threads: asked ?? Math.min(threads, MAX_THREADS) };
}

/**
 * Instantiates the kernels on a shared memory, on the calling thread and on `threads` − 1 workers.
 * @param looks spins of a thread without a task before it sleeps; 0 if threads share cores.
 * @throws WorkerError if a worker cannot be started; MemoryError if the host gives no shared memory.
 */
export async function startPool(
  workers: Workers,
  threads: number,
  looks = threads > workers.available().threads ? 0 : LOOKS,
): Promise<Kernels & { pool: Pool }> {
  const memory = new LinearMemory(true);
  const source = await resolveKernels(workers.kernels);
  const { exports } = await instantiateKernels(source, memory);
  const names = Object.entries(exports)
    .filter(([, kernel]) => typeof kernel === 'function')
    .map(([name]) => name);
  const queue = new TaskQueue(new SharedArrayBuffer(TaskQueue.bytes), names, looks);
  const pool = new Pool({ exports, memory }, queue);
  await pool.start(workers, threads, { kernels: source, memory: memory.memory, queue: queue.buffer, names, looks });
  return { exports, memory, pool };
}

const closed = () => new WorkerError('the pool of threads is closed: start threads again');

/** A pool of the calling thread alone. */
class CallingThread implements TaskPool {
  readonly threads = 1;
  private open = true;

  constructor(private readonly kernels: Kernels) {}

  async run(tasks: readonly Task[], onTask?: OnTask): Promise<void> {
    const checkOpen = () => {
      if (!this.open) throw closed();
    };
    checkOpen();
    await runTasks(this.kernels, tasks, async (finished) => {
      await onTask?.(finished);
      checkOpen();
    });
  }

  close(): void {
    this.open = false;
  }
}

/** The calling thread and the workers that share its kernels' memory. Close it, or its workers live on. */
export class Pool implements TaskPool {
  private workers: WorkerHandle[] = [];
  private error: WorkerError | undefined;
  private ready = 0;
  /** Resolves the promise that the calling thread awaits: workers are ready, or done. */
  private awaited: { resolve(): void; reject(error: WorkerError): void } | undefined;
  /** Settles when all workers have ended. */
  private ended: Promise<void> | undefined;

  constructor(
    private readonly kernels: Kernels,
    private readonly queue: TaskQueue,
  ) {}

  get threads(): number {
    return this.workers.length + 1;
  }

  /** Starts the workers and waits until each has its kernels. */
  async start(workers: Workers, threads: number, data: WorkerStart, withinMs = START_MS): Promise<void> {
    const tooLate = () => this.fail(`the workers were not ready within ${withinMs / 1000} s`);
    const timer = setTimeout(tooLate, withinMs);
    try {
      for (let worker = 1; worker < threads; worker++) {
        const failure = (reason: string) => this.fail(`worker ${worker} of ${threads - 1}: ${reason}`);
        const message = (data: unknown) => this.receive(data as WorkerMessage, failure);
        let handle: WorkerHandle;
        try {
          handle = workers.spawn({ message, failure });
        } catch (error) {
          throw new WorkerError(
            `worker ${worker} of ${threads - 1} was not started: ${error instanceof Error ? error.message : error}`,
          );
        }
        this.workers.push(handle);
        handle.post(data);
      }
      while (this.ready < this.workers.length) await this.nextEvent();
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async run(tasks: readonly Task[], onTask?: OnTask): Promise<void> {
    try {
      for (let from = 0; from < tasks.length; ) {
        if (this.error) throw this.error;
        const count = this.queue.publish(tasks, from);
        for (let ticket = this.queue.claim(); ticket !== undefined; ticket = this.queue.claim()) {
          runTask(this.kernels.exports, this.queue.read(ticket));
          this.queue.finish();
          await onTask?.(from + this.queue.finishedOf(count));
          if (this.error) throw this.error;
        }
        // a worker that was delayed may report the round before as done, so look again
        while (!this.queue.sleepUnlessDone()) await this.nextEvent();
        from += count;
        await onTask?.(from);
      }
    } catch (error) {
      // Workers may still run tasks whose memory the caller is about to free.
      await this.close();
      throw error;
    }
  }

  /** Ends the workers. The pool takes no more tasks, and running jobs fail. */
  close(): Promise<void> {
    this.error ??= closed();
    this.awaited?.reject(this.error);
    this.awaited = undefined;
    this.queue.close(); // Deno never ends a process in which a worker was terminated in its sleep
    const workers = this.workers.splice(0);
    this.ended ??= Promise.all(workers.map((worker) => worker.terminate())).then(() => {});
    return this.ended;
  }

  private nextEvent(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.error) reject(this.error);
      else this.awaited = { resolve, reject };
    });
  }

  private receive(message: WorkerMessage, failure: (reason: string) => void): void {
    if (message.kind === 'failed') failure(message.reason);
    if (message.kind === 'ready') this.ready++;
    this.awaited?.resolve();
    this.awaited = undefined;
  }

  /** The first failure counts. Later ones only follow from closing the pool. */
  private fail(reason: string): void {
    if (this.error) return;
    this.error = new WorkerError(reason);
    this.awaited?.reject(this.error);
    this.awaited = undefined;
  }
}
