// The driver of a run: a job that looks after it every second or two, on whichever worker takes it. It only reads the
// store and adds what is missing, so it can be lost at any time. There is no other coordinator.
import type { Job as QueueJob } from 'bullmq';
import type { Run } from '../run-job.ts';
import { isCancelled } from '../runs.ts';
import type { Store } from '../store.ts';
import { advance, failedOf } from './advance.ts';
import { type Backend, checkQueued, type JobQueue, jobId, type QueuedJob } from './open.ts';

const EVERY_MS = 1500;
/** A job that takes this many times what its cost lets expect, near the end of a run, is done by another machine too. */
const STRAGGLES = 3;
const STRAGGLES_MS = 8000;
const LAST_SHARE = 0.05;

export const driverId = (run: string): string => `${run}-driver`;

/** @param open the run of a name, and which of its jobs are known to be done */
export async function drive(
  queued: QueueJob<QueuedJob, unknown, string>,
  token: string | undefined,
  { bullmq }: Backend,
  store: Store,
  jobs: JobQueue,
  open: (name: string) => Promise<{ run: Run; done: Set<number> }>,
): Promise<string> {
  const { run: name } = checkQueued(queued.data);
  const { run, done } = await open(name);
  if (await isCancelled(store, name)) return 'cancelled';
  const ready = await advance(run, store, jobs, done);
  if (ready.length === 0) return 'done';
  const failed = await failedOf(run, jobs, ready);
  if (failed) {
    await store.setDocument(`runs/${name}/failed.json`, { ...failed, what: run.describe(failed.job) });
    return 'failed';
  }
  if (ready.length <= Math.max(1, LAST_SHARE * run.plan.jobs.length)) await copySlow(run, store, jobs, ready, done);
  await queued.moveToDelayed(Date.now() + EVERY_MS, token);
  throw new bullmq.DelayedError();
}

/** Second copies of jobs that take far longer than others did for their cost. The first that ends is taken. */
async function copySlow(run: Run, store: Store, jobs: JobQueue, ready: readonly number[], done: ReadonlySet<number>) {
  let pace: number | undefined;
  for (const job of ready) {
    const started = (await jobs.getJob(jobId(run.name, run.names[job])))?.processedOn;
    if (started === undefined || Date.now() - started < STRAGGLES_MS) continue;
    pace ??= await paceOf(run, store, done);
    const { kind, cost } = run.plan.jobs[job];
    if (pace === undefined || Date.now() - started < STRAGGLES * 1000 * pace * cost) continue;
    await jobs.add(kind, { v: 1, run: run.name, job }, { jobId: jobId(run.name, run.names[job], '-copy') });
  }
}

/** Seconds that a unit of cost takes, the median of some jobs that are done; undefined while there are none. */
async function paceOf(run: Run, store: Store, done: ReadonlySet<number>): Promise<number | undefined> {
  const paces: number[] = [];
  for (const job of done) {
    const { cost } = run.plan.jobs[job];
    const record = cost > 0 ? await store.record(run.names[job]) : undefined;
    if (record) paces.push(record.seconds / cost);
    if (paces.length === 101) break;
  }
  return paces.sort((a, b) => a - b)[paces.length >> 1];
}
