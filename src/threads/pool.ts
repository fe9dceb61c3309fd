import { ArgumentError, checkCallback, checkInteger, checkObject, MemoryError, WorkerError } from '../common/errors.ts';
import { kernelSource } from '../engine/init.ts';
import { instantiateKernels } from '../engine/instantiate.ts';
import { LinearMemory } from '../engine/memory.ts';
import { type KernelSource, resolveKernels } from '../engine/source.ts';
import { runTask, runTasks } from '../engine/tasks.ts';
import type { Kernels, OnTask, Task, TaskPool } from '../engine/types.ts';
import { TaskQueue } from './task-queue.ts';
import type { WorkerMessage, WorkerStart } from './worker-loop.ts';

/** Most threads that can be asked for. */
export const MAX_THREADS = 64;

/**
 * How often a thread without a task looks for one before it sleeps: for less time than it takes to be woken.
 */
const LOOKS = 4000;

/** A worker that has not said by then that it is ready never will: some hosts never say that a script is missing. */
const START_MS = 30_000;

/** How a worker reports to whoever started it. */
export interface WorkerEvents {
  message(data: unknown): void;
  /** It has failed or ended, and why. */
  failure(reason: string): void;
}

/** A started worker. */
export interface WorkerHandle {
  post(data: unknown): void;
  /** Ends the worker, whatever it is doing. */
  terminate(): unknown;
}

/**
 * What a host offers to those who want threads: `nodeWorkers` of `m3rec/node`, or `webWorkers()` of `m3rec/workers`.
 */
export interface Workers {
  /** The module kernels-threads.wasm, or kernels-threads-relaxed.wasm. */
  kernels: KernelSource;
  /** How many threads are worth having here; 1 and the reason where there can be no others. */
  available(): Availability;
  /** Starts a worker that runs `serveTasks` on the first message. */
  spawn(events: WorkerEvents): WorkerHandle;
}

/** How many threads a host has, or why it has one. */
export interface Availability {
  threads: number;
  /** Why it is one thread. */
  reason?: string;
}

/** What a job takes that can run on several threads. */
export interface ThreadOptions {
  /** Where the kernels of one thread come from, if not from `init`. Several have those of `workers`. */
  kernels?: KernelSource;
  /**
   * How many threads to run on, 1 … MAX_THREADS; by default as many as `workers` finds worth having. The result is the
   * same.
   */
  threads?: number;
  /** Where threads come from; without, there is one. */
  workers?: Workers;
  /** Called with how many threads run, and why it is one: threads that cannot be had never end a job. */
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

/** Kernels that may have further threads, which live until they are closed. */
export interface ThreadedKernels extends Kernels {
  /**
   * Ends the threads; whatever still runs on them fails with a WorkerError, and so does what is asked of them later.
   */
  close(): Promise<void>;
}

/**
 * Kernels on several threads, for `Recommender.from` and its `recommendAll`.
 * If the host cannot start them, there is the calling thread alone, and `onThreads` is told why.
 * @throws ArgumentError for options out of their ranges; MemoryError if there is no memory.
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

/** How many threads a job gets that asked for `asked`, or left it open. */
export function planThreads(workers: Workers | undefined, asked: number | undefined): Availability {
  if (asked === 1) return { threads: 1, reason: 'as asked' };
  const { threads, reason } = workers?.available() ?? { threads: 1, reason: 'no workers were given' };
  if (threads === 1 && reason !== undefined) return { threads, reason };
  if (asked === undefined && threads === 1) return { threads, reason: 'this machine has one core' };
  return { threads: asked ?? Math.min(threads, MAX_THREADS) };
}

/**
 * Instantiates the kernels on a shared memory, on the calling thread and on `threads` − 1 workers.
 * @param looks of a thread without a task before it sleeps; none where threads have to share cores.
 * @throws WorkerError where a worker cannot be started; MemoryError where the host gives no shared memory.
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

const closed = () => new WorkerError('the pool is closed');

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

/** The calling thread and the workers that share its kernels' memory. To be closed, or its workers live on. */
export class Pool implements TaskPool {
  private workers: WorkerHandle[] = [];
  private error: WorkerError | undefined;
  private ready = 0;
  /** Settles what the calling thread awaits: that the workers are ready, or done. */
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
        const message = (data: unknown) => this.hear(data as WorkerMessage, failure);
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
        // a worker that was held up after the round before may say that one is done: so it is asked again
        while (!this.queue.sleepUnlessDone()) await this.nextEvent();
        from += count;
        await onTask?.(from);
      }
    } catch (error) {
      // Workers may still be at tasks whose memory the caller is about to give back.
      await this.close();
      throw error;
    }
  }

  /** Ends the workers; the pool takes no more tasks, and what runs on it fails. */
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

  private hear(message: WorkerMessage, failure: (reason: string) => void): void {
    if (message.kind === 'failed') failure(message.reason);
    if (message.kind === 'ready') this.ready++;
    this.awaited?.resolve();
    this.awaited = undefined;
  }

  /** The first failure counts; those that follow from closing the pool are none. */
  private fail(reason: string): void {
    if (this.error) return;
    this.error = new WorkerError(reason);
    this.awaited?.reject(this.error);
    this.awaited = undefined;
  }
}
