import { isCancelled, openRun, runsOf } from './runs.ts';
import type { Store } from './store.ts';

export interface RunStatus {
  run: string;
  what: string;
  state: 'done' | 'running' | 'cancelled' | 'failed' | 'of another build';
  done: number;
  jobs: number;
  /** Of all jobs that are done, together. */
  seconds: number;
  /** Jobs done and in all, by kind. */
  kinds: Record<string, { done: number; jobs: number; seconds: number }>;
  /** Why it failed. */
  reason?: string;
}

export interface ClusterStatus {
  runs: RunStatus[];
  /** Workers that were seen in the last minute and a half. */
  workers: { host: string; kernels: string; threads: number | null; ago: number }[];
}

/** Runs that are told of. */
const LATEST = 20;
const SEEN_MS = 90_000;

/** What the store tells of runs and workers; no queue is needed. */
export async function statusOf(store: Store): Promise<ClusterStatus> {
  const runs: RunStatus[] = [];
  for (const { name } of (await runsOf(store)).slice(-LATEST)) runs.push(await statusOfRun(store, name));
  const workers: ClusterStatus['workers'] = [];
  for (const { path } of await store.files.list('workers')) {
    const { host, kernels, threads, seen } = ((await store.document(path)) ?? {}) as Record<string, unknown>;
    if (typeof host !== 'string' || typeof kernels !== 'string' || typeof seen !== 'number') continue;
    if (Date.now() - seen < SEEN_MS)
      workers.push({
        host,
        kernels,
        threads: typeof threads === 'number' ? threads : null,
        ago: Math.round((Date.now() - seen) / 1000),
      });
  }
  return { runs, workers };
}

async function statusOfRun(store: Store, name: string): Promise<RunStatus> {
  let run: Awaited<ReturnType<typeof openRun>>;
  try {
    run = await openRun(store, name);
  } catch {
    return { run: name, what: '', state: 'of another build', done: 0, jobs: 0, seconds: 0, kinds: {} };
  }
  const { jobs, what } = run.plan;
  const kinds: RunStatus['kinds'] = {};
  let done = 0;
  let seconds = 0;
  let last = false;
  for (const [job, { kind }] of jobs.entries()) {
    kinds[kind] ??= { done: 0, jobs: 0, seconds: 0 };
    const own = kinds[kind];
    own.jobs++;
    const record = await store.record(run.names[job]);
    if (!record) continue;
    done++;
    own.done++;
    own.seconds += record.seconds;
    seconds += record.seconds;
    last = job === run.last;
  }
  const failed = (await store.document(`runs/${name}/failed.json`)) as { reason?: string } | undefined;
  const state = last ? 'done' : (await isCancelled(store, name)) ? 'cancelled' : failed ? 'failed' : 'running';
  return {
    run: name,
    what,
    state,
    done,
    jobs: jobs.length,
    seconds,
    kinds,
    ...(state === 'failed' && { reason: failed?.reason }),
  };
}
