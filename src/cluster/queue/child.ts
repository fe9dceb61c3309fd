// The process that computes. Its worker holds the lock of the job, and lives on if this one runs out of memory or
// traps;
// linear memory, which never shrinks, goes with it.
import { hostname } from 'node:os';
import { AbortedError, DataError } from '../../common/errors.ts';
import { nodeWorkers } from '../../node/threads.ts';
import { InputMissingError } from '../errors.ts';
import { type Run, runJob, verifyJob } from '../run-job.ts';
import { openRun } from '../runs.ts';
import { selfTest } from '../self-test.ts';
import type { Store } from '../store.ts';
import { openStoreAt, type StoreOptions } from '../stores/open-store.ts';
import { Warm } from '../warm.ts';
import type { FromChild, ToChild } from './messages.ts';

/** Time between two reports of progress. */
const REPORT_MS = 1000;

export interface ChildArguments extends StoreOptions {
  store: string;
  /** Of the jobs; undefined: one for each core. */
  threads?: number;
  /** Number of the process that holds the lock. */
  worker: number;
}

/** Serves the worker that started this process, until that ends. */
export async function serveJobs(): Promise<void> {
  const { store: place, threads, worker, ...how } = JSON.parse(process.env.M3REC_JOBS ?? '{}') as ChildArguments;
  const send = (message: FromChild) => process.send?.(message);
  // whoever holds the lock is gone: another one will be given the job
  process.on('disconnect', () => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}); // the worker decides
  const store = await openStoreAt(place, how);
  const warm = new Warm({ threads, workers: nodeWorkers });
  try {
    await selfTest(warm);
  } catch (error) {
    send({ type: 'unfit', message: (error as Error).message });
    process.exit(1);
  }
  const host = `${hostname()}:${worker}`;
  const runs = new Map<string, Run>();
  let controller = new AbortController();
  process.on('message', (message: ToChild) => {
    if (message.type === 'abort') return controller.abort();
    controller = new AbortController();
    void work(message, controller.signal);
  });
  send({ type: 'ready' });

  async function work({ run: name, job, verify }: Extract<ToChild, { type: 'job' }>, signal: AbortSignal) {
    const before = trafficOf(store);
    try {
      let run = runs.get(name);
      if (!run) {
        run = await openRun(store, name);
        runs.clear();
        runs.set(name, run);
      }
      let reported = 0;
      const options = {
        signal,
        host,
        onProgress: ({ stage, done, total }: { stage: string; done: number; total: number }) => {
          if (Date.now() - reported < REPORT_MS) return;
          reported = Date.now();
          send({ type: 'progress', stage, done, total });
        },
      };
      const outcome = verify
        ? await verifyJob(run, job, store, warm, options).then(() => ({ computed: true }))
        : await runJob(run, job, store, warm, options);
      const { read, written, cached } = trafficOf(store);
      const moved = {
        read: read - before.read,
        written: written - before.written,
        cached: cached - before.cached,
      };
      send({ type: 'done', ...outcome, ...moved });
    } catch (error) {
      send({ type: 'failed', ...failureOf(error) });
    }
  }
}

/** Bytes so far; those of this machine's cache apart. */
const trafficOf = ({ traffic: { read, written }, files: { cached = 0 } }: Store) => ({
  read: read - cached,
  written,
  cached,
});

function failureOf(error: unknown): Omit<Extract<FromChild, { type: 'failed' }>, 'type'> {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof InputMissingError) return { failure: 'missing', message, input: error.job };
  if (error instanceof AbortedError) return { failure: 'aborted', message };
  // a store that is full, away or slow; all else depends on the job alone
  return { failure: error instanceof DataError ? 'later' : 'final', message };
}
