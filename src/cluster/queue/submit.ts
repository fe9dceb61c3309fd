// A run from the side of who wants its result: hands it in, watches, and takes the bytes. The run does not need it: it
// can leave, and come back by `attach`.
import { AbortedError, DataError, M3RecError } from '../../common/errors.ts';
import { InputMissingError } from '../errors.ts';
import type { Plan } from '../plan.ts';
import { type Run, resultOf } from '../run-job.ts';
import { isCancelled, openRun, publish } from '../runs.ts';
import type { Store } from '../store.ts';
import { advance, failedOf, forgetFailed } from './advance.ts';
import { driverId } from './driver.ts';
import { type Backend, type JobQueue, jobId } from './open.ts';
import type { SubmitOptions } from './submit-options.ts';

const LOOK_MS = 250;
/** A store or a queue that is away is waited for this long. */
const PATIENCE_MS = 300_000;

/**
 * Hands in a plan, and waits for its result. Jobs that the store has records of are not done again.
 * @throws M3RecError if a job failed for good, with its reason, or the run was cancelled; AbortedError when stopped
 * through the signal: the run then goes on without this program.
 */
export async function submit(
  backend: Backend,
  store: Store,
  plan: Plan,
  options: SubmitOptions = {},
): Promise<Uint8Array> {
  const run = await publish(store, plan);
  options.onRun?.(run);
  return watch(backend, store, run, options, true);
}

/**
 * Waits for the result of a run that was handed in before, and hands in again what is missing.
 * @throws M3RecError as `submit`, and for a name without a run.
 */
export async function attach(
  backend: Backend,
  store: Store,
  name: string,
  options: SubmitOptions = {},
): Promise<Uint8Array> {
  const run = await openRun(store, name);
  options.onRun?.(run);
  return watch(backend, store, run, options, false);
}

async function watch(
  backend: Backend,
  store: Store,
  run: Run,
  { signal, onProgress, verify = 0, onJob }: SubmitOptions,
  again: boolean,
): Promise<Uint8Array> {
  const jobs = backend.queue('jobs');
  const runs = backend.queue('runs');
  const done = new Set<number>();
  const told = new Set<number>();
  let first = true;
  const tell = async (all: Iterable<number>) => {
    for (const job of all) {
      const record = told.has(job) ? undefined : await store.record(run.names[job]);
      if (!record) continue;
      told.add(job);
      await onJob?.(job, run.names[job], record, first);
    }
  };
  try {
    if (again) await patiently(() => forget(run, store, jobs, done), signal);
    for (;;) {
      if (signal?.aborted)
        throw new AbortedError(`stopped watching; the run goes on: m3rec cluster attach ${run.name}`);
      const { ready, cancelled, failed } = await patiently(() => look(run, store, jobs, runs, done), signal);
      if (onJob) await tell(ready.length === 0 ? run.names.keys() : done);
      first = false;
      const stage = ready.length > 0 ? run.plan.jobs[ready[0]].kind : run.plan.what;
      onProgress?.({ stage, id: stage, done: done.size, total: run.plan.jobs.length });
      if (ready.length === 0) {
        const result = await patiently(() => resultUnlessLost(run, store, done), signal);
        if (!result) continue;
        if (verify > 0) await verifyShare(run, store, jobs, verify, signal);
        return result;
      }
      if (cancelled) throw new M3RecError(`run ${run.name} was cancelled`);
      if (failed) throw new M3RecError(`${run.describe(failed.job)} failed: ${failed.reason}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } finally {
    await jobs.close();
    await runs.close();
  }
}

/** What failed before may be tried again. */
async function forget(run: Run, store: Store, jobs: JobQueue, done: Set<number>): Promise<void> {
  await store.files.remove(`runs/${run.name}/failed.json`);
  await forgetFailed(run, jobs, await advance(run, store, jobs, done));
}

/** Where a run is; hands in what is missing of it. */
async function look(run: Run, store: Store, jobs: JobQueue, runs: JobQueue, done: Set<number>) {
  const ready = await advance(run, store, jobs, done);
  if (ready.length === 0) return { ready };
  const cancelled = await isCancelled(store, run.name);
  const failed = await failedOf(run, jobs, ready);
  // where the server lost everything, this one too
  if (!cancelled && !failed)
    await runs.add('driver', { v: 1, run: run.name }, { jobId: driverId(run.name), removeOnFail: true });
  return { ready, cancelled, failed };
}

/** The result of what reads the store and the queue, which may be away for a while. */
async function patiently<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isAway(error) || Date.now() > until || signal?.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 4 * LOOK_MS));
    }
  }
}

/** Of a store; of PostgreSQL's client, which says at once what Redis's waits out: connections, and a server that starts. */
function isAway(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (
    error instanceof DataError ||
    /^(E[A-Z]+|08\w{3}|57P\d\d)$/.test(code ?? '') ||
    /^Connection terminated/.test(message)
  );
}

async function resultUnlessLost(run: Run, store: Store, done: Set<number>): Promise<Uint8Array | undefined> {
  try {
    return await resultOf(run, store);
  } catch (error) {
    if (!(error instanceof InputMissingError)) throw error;
    done.delete(error.job);
    return undefined;
  }
}

/**
 * Has a share of the jobs done again, chosen by their names. @throws M3RecError, naming both hosts, if bytes differ.
 */
async function verifyShare(run: Run, store: Store, jobs: JobQueue, share: number, signal?: AbortSignal): Promise<void> {
  const chosen: number[] = [];
  for (const [job, name] of run.names.entries())
    if (Number.parseInt(name.slice(0, 8), 16) < share * 2 ** 32 && (await store.record(name))) chosen.push(job);
  if (chosen.length === 0) chosen.push(run.last);
  const idOf = (job: number) => jobId(run.name, run.names[job], '-verify');
  for (const job of chosen)
    await jobs.add(run.plan.jobs[job].kind, { v: 1, run: run.name, job, verify: true }, { jobId: idOf(job) });
  for (const job of chosen)
    for (let queued = await jobs.getJob(idOf(job)); queued; queued = await jobs.getJob(idOf(job))) {
      if (await queued.isFailed()) {
        const { failedReason } = queued;
        await queued.remove();
        throw new M3RecError(`verifying ${run.describe(job)}: ${failedReason}`);
      }
      if (signal?.aborted) throw new AbortedError('stopped while jobs were verified');
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
}
