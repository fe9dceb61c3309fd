import { kernelsDigest } from './digest.ts';
import type { Plan } from './plan.ts';
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
  /** Seconds until the end, about, with the workers of now; absent before the first job is done. */
  left?: number;
  /** Jobs done and in all, by kind; `left`: seconds of work, for all workers together. */
  kinds: Record<string, { done: number; jobs: number; seconds: number; left?: number }>;
  /** Why it failed. */
  reason?: string;
}

export interface ClusterStatus {
  runs: RunStatus[];
  /** Workers that were seen in the last minute and a half. */
  workers: { host: string; kernels: string; threads: number | null; ago: number; doing?: WorkerDoes }[];
}

/** What a worker is at, as it says every ten seconds. */
export interface WorkerDoes {
  run: string;
  job: number;
  kind: string;
  /** ms since 1970. */
  since: number;
}

/** Runs that are told of. */
const LATEST = 20;
const SEEN_MS = 90_000;

/** What the store tells of runs and workers; no queue is needed. */
export async function statusOf(store: Store): Promise<ClusterStatus> {
  const workers: ClusterStatus['workers'] = [];
  for (const { path } of await store.files.list('workers')) {
    const { host, kernels, threads, seen, doing } = ((await store.document(path)) ?? {}) as Record<string, unknown>;
    if (typeof host !== 'string' || typeof kernels !== 'string' || typeof seen !== 'number') continue;
    if (Date.now() - seen < SEEN_MS)
      workers.push({
        host,
        kernels,
        threads: typeof threads === 'number' ? threads : null,
        ago: Math.round((Date.now() - seen) / 1000),
        ...(isDoing(doing) && { doing }),
      });
  }
  const machines = Math.max(1, workers.filter(({ kernels }) => kernels === kernelsDigest()).length);
  const runs: RunStatus[] = [];
  for (const { name } of (await runsOf(store)).slice(-LATEST)) runs.push(await statusOfRun(store, name, machines));
  return { runs, workers };
}

function isDoing(value: unknown): value is WorkerDoes {
  const { run, job, kind, since } = (value ?? {}) as Partial<WorkerDoes>;
  return typeof run === 'string' && typeof kind === 'string' && typeof job === 'number' && typeof since === 'number';
}

async function statusOfRun(store: Store, name: string, machines: number): Promise<RunStatus> {
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
  const missing = new Set<number>();
  let doneCost = 0;
  for (const [job, { kind }] of jobs.entries()) {
    kinds[kind] ??= { done: 0, jobs: 0, seconds: 0 };
    const own = kinds[kind];
    own.jobs++;
    const record = await store.record(run.names[job]);
    if (!record) {
      missing.add(job);
      continue;
    }
    doneCost += jobs[job].cost;
    done++;
    own.done++;
    own.seconds += record.seconds;
    seconds += record.seconds;
    last = job === run.last;
  }
  const failed = (await store.document(`runs/${name}/failed.json`)) as { reason?: string } | undefined;
  // seconds that a unit of cost took so far
  const pace = doneCost > 0 ? seconds / doneCost : undefined;
  if (pace !== undefined && !last)
    for (const [kind, own] of Object.entries(kinds))
      own.left = round(pace * costOf(run.plan, missing, (job) => jobs[job].kind === kind));
  const left = pace === undefined || last ? undefined : round(pace * timeLeft(run.plan, missing, machines));
  const state = last ? 'done' : (await isCancelled(store, name)) ? 'cancelled' : failed ? 'failed' : 'running';
  return {
    run: name,
    what,
    state,
    done,
    jobs: jobs.length,
    seconds,
    kinds,
    ...(left !== undefined && state === 'running' && { left }),
    ...(state === 'failed' && { reason: failed?.reason }),
  };
}

const round = (seconds: number) => Number(seconds.toFixed(1));

function costOf({ jobs }: Plan, some: Iterable<number>, counts: (job: number) => boolean = () => true): number {
  let sum = 0;
  for (const job of some) if (counts(job)) sum += jobs[job].cost;
  return sum;
}

/** Cost until the end: that of all jobs by the machines, or of the longest chain of them. */
function timeLeft(plan: Plan, missing: ReadonlySet<number>, machines: number): number {
  const chains: number[] = [];
  for (const [job, { cost, inputs }] of plan.jobs.entries())
    chains.push(
      inputs.reduce((most, input) => (typeof input === 'string' ? most : Math.max(most, chains[input[0]])), 0) +
        (missing.has(job) ? cost : 0),
    );
  return Math.max(chains.at(-1) ?? 0, costOf(plan, missing) / machines);
}
