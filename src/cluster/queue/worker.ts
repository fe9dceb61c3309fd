// A machine that does jobs: it takes them from the queue, has its child process compute them, and hands out what can
// run
// next.
import { hostname } from 'node:os';
import type { Job as QueueJob, Worker } from 'bullmq';
import { DataError, M3RecError } from '../../common/errors.ts';
import { kernelsDigest } from '../digest.ts';
import type { Run } from '../run-job.ts';
import { isCancelled, openRun } from '../runs.ts';
import type { WorkerDoes } from '../status.ts';
import type { Store } from '../store.ts';
import { openStoreAt, type StoreOptions } from '../stores/open-store.ts';
import { advance } from './advance.ts';
import { JobProcess } from './child-process.ts';
import { drive } from './driver.ts';
import { type Backend, checkQueued, type JobQueue, openBackend, type QueuedJob } from './open.ts';

export interface WorkerOptions extends StoreOptions {
  /** `redis://`, `rediss://` or `postgres://`. */
  queue: string;
  /** The store: a folder, or an address as `openStoreAt` takes it. */
  store: string;
  /** Threads of a job. Default: one for each core. */
  threads?: number;
  /** Called with what happens, a line of a log each. */
  onEvent?: (event: WorkerEvent) => void;
}

/** What a worker says. */
export interface WorkerEvent {
  event: 'ready' | 'start' | 'done' | 'was-done' | 'waits' | 'failed' | 'stopped' | 'lost' | 'drives';
  time: string;
  host: string;
  run?: string;
  job?: number;
  kind?: string;
  /** Whether it is done again, to compare. */
  verify?: true;
  seconds?: number;
  /** Bytes from and to the store, and from this machine's cache. */
  read?: number;
  written?: number;
  cached?: number;
  message?: string;
}

/**
 * A lock is renewed every half of its life; what a lost worker did is taken back within `lockDuration` + 2 ·
 * `stalledInterval`. The process that holds locks computes nothing, so its timers are in time.
 */
const LOCK = { lockDuration: 20_000, stalledInterval: 5_000 };
/** A job may lose its machine this often, its process this often, and be started this often, before it is given up. */
const MAX_STALLED = 10;
const MAX_LOST = 5;
const MAX_STARTED = 24;
/** How often a job under way is looked at: whether the run was stopped, or another machine was first. */
const LOOK_MS = 1000;
const ALIVE_MS = 10_000;

/** A worker that runs. */
export interface StartedWorker {
  /** `hostname:pid`. */
  readonly host: string;
  /** Lets the job under way end, or, with `now`, gives it back to the queue. */
  close(now?: boolean): Promise<void>;
}

/**
 * Takes jobs from a queue until it is closed.
 * @throws ArgumentError, M3RecError as `openBackend` and `openStoreAt`.
 * @example
 * const worker = await startWorker({ queue: 'redis://127.0.0.1:6379', store: '/srv/m3rec' });
 */
export async function startWorker(options: WorkerOptions): Promise<StartedWorker> {
  const backend = await openBackend(options.queue, options.insecure);
  const store = await openStoreAt(options.store, options);
  const worker = new JobWorker(backend, store, options);
  await worker.start();
  return worker;
}

class JobWorker implements StartedWorker {
  readonly host = `${hostname()}:${process.pid}`;
  private readonly jobs: JobQueue;
  private readonly computing: JobProcess;
  private readonly stopping = new AbortController();
  private readonly known = new Map<string, { run: Run; done: Set<number> }>();
  private workers: Worker<QueuedJob, unknown, string>[] = [];
  private alive: NodeJS.Timeout | undefined;
  /** The job under way, for who watches. */
  private doing: WorkerDoes | undefined;
  private readonly driven = new Set<string>();

  constructor(
    private readonly backend: Backend,
    private readonly store: Store,
    private readonly options: WorkerOptions,
  ) {
    this.jobs = backend.queue('jobs');
    const { store: place, threads, insecure, cache, cacheBytes } = options;
    this.computing = new JobProcess({ store: place, threads, worker: process.pid, insecure, cache, cacheBytes });
  }

  async start(): Promise<void> {
    await this.computing.ready();
    const settings = { ...LOCK, maxStalledCount: MAX_STALLED };
    const backoff = { settings: { backoffStrategy: backoffOf } };
    this.workers = [
      this.backend.worker('jobs', (job, token) => this.work(job, token).catch((error) => this.fail(error)), {
        ...settings,
        ...backoff,
        concurrency: 1,
        maxStartedAttempts: MAX_STARTED,
      }),
      this.backend.worker(
        'runs',
        (job, token) => {
          this.sayDrives(job.data.run);
          const driving = drive(job, token, this.backend, this.store, this.jobs, (name) => this.open(name));
          return driving.catch((error) => this.fail(error));
        },
        { ...settings, concurrency: 8, ...backoff },
      ),
    ];
    for (const worker of this.workers) await worker.waitUntilReady();
    await this.sayAlive();
    this.alive = setInterval(() => this.sayAlive().catch(() => {}), ALIVE_MS);
    this.say({ event: 'ready' });
  }

  async close(now = false): Promise<void> {
    clearInterval(this.alive);
    if (now) this.stopping.abort();
    for (const worker of this.workers) await worker.close();
    this.computing.end();
    await this.jobs.close();
    await this.store.files.remove(this.path).catch(() => {});
    this.say({ event: 'stopped' });
  }

  private get path(): string {
    return `workers/${this.host.replaceAll(/[^\w.-]/g, '-')}.json`;
  }

  private sayAlive(): Promise<void> {
    const { host } = this;
    return this.store.setDocument(this.path, {
      host,
      kernels: kernelsDigest(),
      threads: this.options.threads ?? null,
      seen: Date.now(),
      ...(this.doing && { doing: this.doing }),
    });
  }

  /** Once for each run: a driver is taken up again every second or two. */
  private sayDrives(run: string): void {
    if (this.driven.has(run)) return;
    this.driven.add(run);
    this.say({ event: 'drives', run });
  }

  private say(event: Omit<WorkerEvent, 'time' | 'host'>): void {
    this.options.onEvent?.({ time: new Date().toISOString(), host: this.host, ...event });
  }

  /** A run, and which of its jobs this process knows to be done. */
  private async open(name: string): Promise<{ run: Run; done: Set<number> }> {
    let known = this.known.get(name);
    if (!known) {
      known = { run: await openRun(this.store, name), done: new Set() };
      if (this.known.size > 16) this.known.clear();
      this.known.set(name, known);
    }
    return known;
  }

  private async work(queued: QueueJob<QueuedJob, unknown, string>, token: string | undefined): Promise<string> {
    const { UnrecoverableError, DelayedError } = this.backend.bullmq;
    const data = checkQueued(queued.data);
    const { run: name, job: number } = data;
    const { run, done } = await this.open(name);
    if (number === undefined || number > run.last) throw new UnrecoverableError('the run has no such job');
    const about = {
      run: name,
      job: number,
      kind: run.plan.jobs[number].kind,
      ...(data.verify && { verify: data.verify }),
    };
    if (await isCancelled(this.store, name)) throw new UnrecoverableError('the run was cancelled');
    const { record } = data.verify
      ? await this.toVerify(run, number, queued, token)
      : { record: await this.store.record(run.names[number]) };
    if (record && !data.verify) {
      this.say({ event: 'was-done', ...about });
      await this.next(run, done, number);
      return 'was done';
    }
    this.say({ event: 'start', ...about });
    const ended = await this.compute(queued, data, run, number);
    if (ended.type === 'done') {
      const { seconds } = ended.record ?? {};
      this.say({
        event: ended.computed ? 'done' : 'was-done',
        ...about,
        seconds,
        read: ended.read,
        written: ended.written,
        cached: ended.cached,
      });
      if (!data.verify) await this.next(run, done, number);
      return 'done';
    }
    const { failure, message, input } = ended;
    if (failure === 'missing') {
      this.say({ event: 'waits', ...about, message });
      done.delete(input!);
      await this.next(run, done);
      return 'another job first';
    }
    if (failure === 'aborted' && this.stopping.signal.aborted) {
      this.say({ event: 'stopped', ...about });
      await queued.moveToDelayed(Date.now(), token);
      throw new DelayedError();
    }
    if (failure === 'aborted' && (await this.store.record(run.names[number]))) {
      this.say({ event: 'was-done', ...about, message: 'another machine was first' });
      await this.next(run, done, number);
      return 'was done';
    }
    this.say({ event: 'failed', ...about, message });
    if (failure === 'later') throw new StoreError(message);
    throw new UnrecoverableError(message);
  }

  /** A store that is full or away may not be so later; a plan that cannot be read, or a queue's own error, stays. */
  private fail(error: unknown): never {
    if (error instanceof DataError) throw new StoreError(error.message);
    if (error instanceof M3RecError) throw new this.backend.bullmq.UnrecoverableError(error.message);
    throw error;
  }

  /** Has the child process do it, and stops it when there is no more need. */
  private async compute(queued: QueueJob, data: QueuedJob, run: Run, number: number) {
    const verify = data.verify === true;
    const stop = new AbortController();
    const { signal } = this.stopping;
    const stopAll = () => stop.abort();
    signal.addEventListener('abort', stopAll);
    this.doing = { run: run.name, job: number, kind: run.plan.jobs[number].kind, since: Date.now() };
    const isOver = async () =>
      (await isCancelled(this.store, run.name)) || (!verify && (await this.store.record(run.names[number])));
    // a store that is away is asked again
    const look = setInterval(
      () =>
        isOver().then(
          (over) => over && stop.abort(),
          () => {},
        ),
      LOOK_MS,
    );
    try {
      return await this.computing.run({ type: 'job', run: run.name, job: number, verify }, stop.signal, (progress) => {
        const { stage, done, total } = progress;
        queued.updateProgress({ stage, done, total, host: this.host }).catch(() => {});
      });
    } catch (error) {
      // the process ended: what it did may have been too much for it alone
      const { message } = error as Error;
      this.say({ event: 'lost', run: run.name, job: number, message });
      if (queued.attemptsMade + 1 >= MAX_LOST) throw new this.backend.bullmq.UnrecoverableError(message);
      throw new LostProcess(message);
    } finally {
      clearInterval(look);
      signal.removeEventListener('abort', stopAll);
      this.doing = undefined;
    }
  }

  /** Hands out what can run now. A failure here is mended by the driver. */
  private async next(run: Run, done: Set<number>, finished?: number): Promise<void> {
    if (finished !== undefined) done.add(finished);
    await advance(run, this.store, this.jobs, done, finished);
  }

  /** A job that is to be done again waits for another machine than did it, for a while. */
  private async toVerify(run: Run, number: number, queued: QueueJob, token: string | undefined) {
    const record = await this.store.record(run.names[number]);
    if (!record) throw new this.backend.bullmq.UnrecoverableError('it was not done yet');
    if (record.host === this.host && queued.timestamp + 9000 > Date.now()) {
      await queued.moveToDelayed(Date.now() + 1500, token);
      throw new this.backend.bullmq.DelayedError();
    }
    return { record };
  }
}

/** The store is full or away: later it may not be. */
class StoreError extends Error {
  override name = 'StoreError';
}

/** The process that computes has ended: another one tries. */
class LostProcess extends Error {
  override name = 'LostProcess';
}

/** At once where a process was lost; ever later where a store was. */
function backoffOf(attempts: number, _type?: string, error?: Error): number {
  return error?.name === 'StoreError' ? Math.min(60_000, 1000 * 2 ** attempts) : 0;
}
