import { hostname } from 'node:os';
import { M3RecError } from '../common/errors.ts';
import type { JobOptions } from '../common/job.ts';
import { BlobError, DeterminismError, InputMissingError } from './errors.ts';
import type { JobInput } from './job-kind.ts';
import { kindOf } from './jobs/registry.ts';
import { jobNames, type Plan, runName } from './plan.ts';
import { blobsOf, checkSame, type JobRecord, type Store } from './store.ts';
import type { Warm } from './warm.ts';

/** Records that are asked for at once. */
const AT_ONCE = 32;

/** A plan with what follows from it. */
export class Run {
  /** Of the run, and of each job. */
  readonly name: string;
  readonly names: readonly string[];
  private readonly graph: { before: number[]; readers: number[] }[];

  constructor(readonly plan: Plan) {
    this.name = runName(plan);
    this.names = jobNames(plan);
    this.graph = plan.jobs.map(({ inputs }) => ({
      before: [...new Set(inputs.flatMap((input) => (typeof input === 'string' ? [] : [input[0]])))],
      readers: [],
    }));
    for (const [job, { before }] of this.graph.entries())
      for (const input of before) this.graph[input].readers.push(job);
  }

  get last(): number {
    return this.plan.jobs.length - 1;
  }

  /** Jobs that a job reads. */
  before(job: number): readonly number[] {
    return this.graph[job].before;
  }

  /** Jobs that read a job. */
  readers(job: number): readonly number[] {
    return this.graph[job].readers;
  }

  /** "solve 17 of 230", for people. */
  describe(job: number): string {
    return `${this.plan.jobs[job].kind} ${job} of ${this.plan.jobs.length}`;
  }
}

export interface RunJobOptions extends JobOptions {
  /** Who does it, for the record. Default: this machine and process. */
  host?: string;
}

/** What became of a job. */
export interface JobOutcome {
  record: JobRecord;
  /** False where its record was there already. */
  computed: boolean;
}

/**
 * Does one job of a plan, unless its record is in the store: the only thing that queues and schedulers call.
 *
 * @throws InputMissingError if another job has to run first, whose number it has; damaged outputs of that one are
 * removed.
 * @throws BlobError if the store has lost an input that no job makes.
 * @throws DeterminismError if the job gave other bytes elsewhere; what the job throws.
 */
export async function runJob(
  run: Run,
  number: number,
  store: Store,
  warm: Warm,
  options: RunJobOptions = {},
): Promise<JobOutcome> {
  const name = run.names[number];
  const done = await store.record(name);
  if (done) return { record: done, computed: false };
  const record = await compute(run, number, store, warm, options);
  await store.setRecord(name, record);
  return { record, computed: true };
}

/**
 * Does a job again, and compares with its record.
 * @throws DeterminismError if they differ, as `runJob` otherwise.
 */
export async function verifyJob(
  run: Run,
  number: number,
  store: Store,
  warm: Warm,
  options: RunJobOptions = {},
): Promise<void> {
  const first = await store.record(run.names[number]);
  if (!first) throw new InputMissingError(number, `${run.describe(number)}: it was not run yet`);
  checkSame(run.names[number], first, await compute(run, number, store, warm, options));
}

async function compute(run: Run, number: number, store: Store, warm: Warm, options: RunJobOptions): Promise<JobRecord> {
  const { kind: name, version, params, inputs, outputs: count } = run.plan.jobs[number];
  const kind = kindOf(name, version);
  const resolved: JobInput[] = [];
  for (const input of inputs) {
    if (typeof input === 'string') resolved.push({ digest: input, bytes: () => store.get(input) });
    else resolved.push(await outputOf(run, input, store));
  }
  const start = performance.now();
  let outputs: Uint8Array[];
  const measured: Record<string, number> = {};
  try {
    const context = {
      ...options,
      blobs: blobsOf(store),
      measured: (key: string, value: number) => (measured[key] = value),
    };
    outputs = await kind.run(params, resolved, warm.context(context));
  } catch (error) {
    await warm.close(); // it may have left linear memory as it is
    throw error;
  }
  if (outputs.length !== count)
    throw new M3RecError(`${run.describe(number)}: found ${outputs.length} outputs, expected ${count}`);
  const refs = [];
  for (const bytes of outputs) refs.push({ blob: await store.put(bytes), bytes: bytes.length });
  return {
    outputs: refs,
    seconds: Number(((performance.now() - start) / 1000).toFixed(3)),
    host: options.host ?? `${hostname()}:${process.pid}`,
    ...(Object.keys(measured).length > 0 && { measured }),
  };
}

/** An output of an earlier job. Where its bytes are lost, its record goes too, so that it runs again. */
async function outputOf(run: Run, [job, output]: readonly [number, number], store: Store): Promise<JobInput> {
  const record = await store.record(run.names[job]);
  const missing = (why: string) => new InputMissingError(job, `${run.describe(job)}: ${why}`);
  if (!record) throw missing('it has to run first');
  const ref = record.outputs[output];
  if (!ref) throw new DeterminismError(`${run.describe(job)}: its record has no output ${output}`);
  return {
    digest: ref.blob,
    async bytes() {
      try {
        return await store.get(ref.blob);
      } catch (error) {
        if (!(error instanceof BlobError)) throw error;
        await store.discard(ref.blob);
        await store.dropRecord(run.names[job]);
        throw missing(`what it left is lost (${error.message}), so it runs again`);
      }
    },
  };
}

/** The result of a run. @throws InputMissingError unless the last job is done and its bytes are there. */
export async function resultOf(run: Run, store: Store): Promise<Uint8Array> {
  return (await outputOf(run, [run.last, 0], store)).bytes();
}

/**
 * Numbers of the jobs that can run now: not done, needed for the result, with all their inputs there.
 * @param done numbers that are known to be done; those that are found are added. Take out a number whose output was
 * lost.
 */
export async function readyJobs(run: Run, store: Store, done: Set<number>): Promise<number[]> {
  const waiting: number[] = [];
  const seen = new Set<number>();
  const open = [run.last];
  while (open.length > 0) {
    const now = [...new Set(open.splice(0, AT_ONCE))].filter((job) => !seen.has(job) && !done.has(job));
    const records = await Promise.all(now.map((job) => store.record(run.names[job])));
    for (const [i, job] of now.entries()) {
      seen.add(job);
      if (records[i]) done.add(job);
      else {
        waiting.push(job);
        open.push(...run.before(job));
      }
    }
  }
  return waiting.filter((job) => run.before(job).every((input) => done.has(input))).sort((a, b) => a - b);
}

/**
 * Of the jobs that read what one left, those that can run now: what `readyJobs` may find beyond what it found before,
 * without a look at all others.
 * @param done as of `readyJobs`; with the one that has ended.
 */
export async function readyAfter(run: Run, store: Store, done: Set<number>, ended: number): Promise<number[]> {
  const isDone = async (job: number) => {
    if (!done.has(job) && (await store.record(run.names[job]))) done.add(job);
    return done.has(job);
  };
  const ready: number[] = [];
  for (const job of run.readers(ended)) {
    let waits = false;
    for (const input of run.before(job)) {
      waits = !(await isDone(input));
      if (waits) break;
    }
    if (!waits && !(await isDone(job))) ready.push(job);
  }
  return ready;
}

/**
 * Does all jobs of a plan that are not done, in this process. @returns the bytes of the result, and how many it did.
 */
export async function runPlan(
  run: Run,
  store: Store,
  warm: Warm,
  options: JobOptions & { onJob?: (number: number, outcome: JobOutcome) => void } = {},
): Promise<{ result: Uint8Array; computed: number }> {
  const { onJob, ...job } = options;
  let computed = 0;
  const done = new Set<number>();
  for (;;) {
    const ready = await readyJobs(run, store, done);
    if (ready.length === 0) {
      try {
        return { result: await resultOf(run, store), computed };
      } catch (error) {
        if (!(error instanceof InputMissingError)) throw error;
        done.delete(error.job);
        continue;
      }
    }
    for (const number of ready) {
      try {
        const outcome = await runJob(run, number, store, warm, job);
        if (outcome.computed) computed++;
        done.add(number);
        onJob?.(number, outcome);
      } catch (error) {
        if (!(error instanceof InputMissingError)) throw error;
        done.delete(error.job);
        break;
      }
    }
  }
}
