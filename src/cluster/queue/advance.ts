// Hands out the jobs of a run that can run now. Whoever finishes a job calls it, and so do the run's driver and the
// program that submitted it: it only adds what is missing, so it may be called at any time, by any number.
import { type Run, readyAfter, readyJobs } from '../run-job.ts';
import type { Store } from '../store.ts';
import { type JobQueue, jobId } from './open.ts';

/** Most jobs that are added at once. */
const AT_ONCE = 1000;

/**
 * @param done numbers of jobs that are known to be done @param ended looks only at what waited for this one
 * @returns the numbers of the jobs that can run or are running.
 */
export async function advance(
  run: Run,
  store: Store,
  queue: JobQueue,
  done: Set<number>,
  ended?: number,
): Promise<number[]> {
  const ready = ended === undefined ? await readyJobs(run, store, done) : await readyAfter(run, store, done, ended);
  for (let from = 0; from < ready.length; from += AT_ONCE)
    await queue.addBulk(
      ready.slice(from, from + AT_ONCE).map((job) => ({
        name: run.plan.jobs[job].kind,
        data: { v: 1, run: run.name, job },
        opts: { jobId: jobId(run.name, run.names[job]) },
      })),
    );
  return ready;
}

/** A job that failed for good, with its reason; undefined if none did. */
export async function failedOf(
  run: Run,
  queue: JobQueue,
  jobs: readonly number[],
): Promise<{ job: number; reason: string } | undefined> {
  for (const job of jobs) {
    const queued = await queue.getJob(jobId(run.name, run.names[job]));
    if (queued && (await queued.isFailed())) return { job, reason: queued.failedReason ?? 'no reason given' };
  }
  return undefined;
}

/** Lets jobs that failed for good be added again. */
export async function forgetFailed(run: Run, queue: JobQueue, jobs: readonly number[]): Promise<void> {
  for (const job of jobs) {
    const queued = await queue.getJob(jobId(run.name, run.names[job]));
    if (queued && (await queued.isFailed())) await queued.remove();
  }
}
