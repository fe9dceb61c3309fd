// Jobs of a plan, one by one: what a scheduler of a cluster calls, without a queue.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputMissingError } from '../../cluster/errors.ts';
import { isKnown } from '../../cluster/jobs/registry.ts';
import { parsePlan } from '../../cluster/plan.ts';
import { Run, readyJobs, resultOf, runJob } from '../../cluster/run-job.ts';
import type { Store } from '../../cluster/store.ts';
import { openStoreAt } from '../../cluster/stores/open-store.ts';
import { Warm } from '../../cluster/warm.ts';
import { ArgumentError } from '../../common/errors.ts';
import { nodeWorkers, readBytes } from '../../node/files.ts';
import type { Context } from '../context.ts';
import { jsonOption, outputOption, storeOption, threadsOption } from '../options.ts';
import { formatJson, write } from '../output.ts';
import { storeOf } from './plan.ts';

/** How often a job that waits for others looks for them. */
const LOOK_MS = 500;

interface JobCommandOptions {
  store?: string;
  wait?: boolean;
  output?: string;
  threads?: number;
  json?: boolean;
}

export function addJob(program: Command, context: Context): void {
  const job = program.command('job').description('do jobs of a plan: for Slurm, Kubernetes and GNU parallel');
  job
    .command('run')
    .description('do one job of a plan, or all that are left; what was done is done')
    .argument('<plan>', 'the plan')
    .argument('<number>', 'of the job, from 0; "last"; or "all"', numberOf)
    .addOption(storeOption())
    .addOption(new Option('--wait', 'wait for the jobs that it reads'))
    .addOption(outputOption('write the result of the plan, once its last job is done'))
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action((path, number, options) => run(context, path, number, options));
  job
    .command('list')
    .description('the jobs of a plan, and which are done')
    .argument('<plan>', 'the plan')
    .addOption(storeOption())
    .action(async (path, { store: folder }) => {
      const plan = await openPlan(context, path);
      const store = await openStoreAt(storeOf(path, folder));
      for (const [number, { kind, cost, inputs }] of plan.plan.jobs.entries()) {
        const record = await store.record(plan.names[number]);
        const reads = inputs.flatMap((input) => (typeof input === 'string' ? [] : [input[0]]));
        await write(
          `${JSON.stringify({ job: number, kind, cost, reads, done: record !== undefined, ...(record && { seconds: record.seconds, host: record.host }) })}\n`,
        );
      }
    });
}

const numberOf = (text: string): number | 'last' | 'all' => {
  if (text === 'last' || text === 'all') return text;
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected the number of a job, "last" or "all".');
  return Number(text);
};

export async function openPlan(context: Context, path: string): Promise<Run> {
  const bytes = await readBytes(path, context.signal);
  return new Run(parsePlan(new TextDecoder().decode(bytes), path, isKnown));
}

async function run(
  context: Context,
  path: string,
  which: number | 'last' | 'all',
  { store: folder, wait, output, threads, json }: JobCommandOptions,
): Promise<void> {
  const plan = await openPlan(context, path);
  const number = which === 'last' || which === 'all' ? plan.last : which;
  if (number > plan.last) throw new ArgumentError('number', number, `a job of the plan, 0 to ${plan.last}`);
  const result = output === undefined ? undefined : await context.openResult(output, RESULT_FILE);
  const store = await openStoreAt(storeOf(path, folder));
  const warm = new Warm({ threads, workers: nodeWorkers });
  try {
    for (const job of which === 'all' ? ALL : [number]) {
      if (job === undefined) await runAll(context, plan, store, warm, json);
      else await one(context, plan, job, store, warm, wait, json);
    }
  } finally {
    await warm.close();
  }
  if (result) {
    const bytes = await context.save(result, await resultOf(plan, store));
    context.message(`wrote ${output}: ${bytes} bytes`);
  }
}

const ALL = [undefined];

/** A result is a model, a table or JSON; whatever it is, a file of another kind is not replaced. */
export const RESULT_FILE = {
  what: 'a result of m3rec',
  isOurs: (start: Buffer) => /^(M3REC|market[,\t]|\{)/.test(start.toString('latin1')),
};

async function runAll(context: Context, plan: Run, store: Store, warm: Warm, json: boolean | undefined): Promise<void> {
  const done = new Set<number>();
  for (let ready = await readyJobs(plan, store, done); ready.length > 0; ready = await readyJobs(plan, store, done))
    for (const job of ready) await one(context, plan, job, store, warm, false, json);
}

/** Does a job; waits for what it reads, or fails with exit code 1, so that schedulers try again. */
async function one(
  context: Context,
  plan: Run,
  job: number,
  store: Store,
  warm: Warm,
  wait: boolean | undefined,
  json: boolean | undefined,
): Promise<void> {
  for (;;) {
    try {
      const { record, computed } = await runJob(plan, job, store, warm, context.job);
      context.view.clear();
      if (json) await write(formatJson({ job, ...record, computed }));
      context.message(`${plan.describe(job)}: ${computed ? `done in ${record.seconds} s` : 'was done before'}`);
      return;
    } catch (error) {
      if (!(wait && error instanceof InputMissingError)) throw error;
      context.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
