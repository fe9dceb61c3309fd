// Plans: what a command would do, as jobs for many machines.
import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { forecast } from '../../cluster/forecast.ts';
import { ENDINGS } from '../../cluster/jobs/recommend.ts';
import { levels, type Plan, planText } from '../../cluster/plan.ts';
import { type PlanEvaluateOptions, planEvaluate } from '../../cluster/plans/evaluate.ts';
import { planRecommend } from '../../cluster/plans/recommend.ts';
import { planTraining } from '../../cluster/plans/train.ts';
import { openStoreAt } from '../../cluster/stores/open-store.ts';

import { ArgumentError } from '../../common/errors.ts';
import { readBytes } from '../../node/files.ts';
import type { TrainOptions } from '../../train/options.ts';
import { resolveOptions } from '../../train/options.ts';
import { buildOf } from '../build.ts';
import type { Context } from '../context.ts';
import { addDataOptions, DATA_ARGUMENT, type DataOptions, dataOption, takeDataOptions } from '../data-options.ts';
import { countOption, nonEmpty, storeOption, whole } from '../options.ts';
import { formatCount } from '../output.ts';
import { readData } from '../read-data.ts';
import { addEvaluateSettings } from './evaluate.ts';
import { addTrainSettings } from './train.ts';

/** What `plan` writes, and may replace. */
const PLAN_FILE = {
  what: 'a plan of m3rec',
  isOurs: (start: Buffer) => start.toString('latin1', 0, 9) === '{"build":',
};

interface PlanOptions {
  output: string;
  store?: string;
}

/** The store of a plan: the one that was named, or a folder next to the plan. */
export const storeOf = (plan: string, store: string | undefined): string =>
  store ?? `${plan.replace(/\.json$/, '')}.store`;

const planOutput = () =>
  new Option('-o, --output <file>', 'the plan, a JSON file').argParser(nonEmpty).makeOptionMandatory();

export function addPlan(program: Command, context: Context): void {
  const plan = program
    .command('plan')
    .description('cut a training, a batch or an evaluation into jobs that any number of machines can do');
  const training = plan
    .command('train')
    .description('as `train`: the last job makes the model file')
    .argument('<data...>', DATA_ARGUMENT)
    .addOption(planOutput())
    .addOption(storeOption());
  addTrainSettings(training);
  training.addOption(jobSizeOption('--job-items <n>', 'items whose columns one job makes', 1000));
  training.action(async (paths, given) => {
    const [rows, { output, store, jobItems, updatable, selectBy, ...hyper }] = takeDataOptions(
      given as DataOptions & TrainOptions & PlanOptions & { jobItems: number; updatable?: boolean; selectBy?: string },
    );
    resolveOptions(hyper as TrainOptions);
    const { markets } = await readData(context, paths, rows);
    const opened = await openStoreAt(storeOf(output, store));
    const options = { jobItems, updatable, selectBy };
    await savePlan(
      context,
      output,
      await planTraining(opened, markets, hyper as TrainOptions, options, buildOf(program)),
    );
  });
  addDataOptions(training);

  plan
    .command('recommend')
    .description('as `recommend --all`: the last job makes the table')
    .argument('<file>', 'the model file')
    .addOption(planOutput())
    .addOption(storeOption())
    .addOption(new Option('--market <name>', 'the only market').argParser(nonEmpty))
    .addOption(countOption())
    .addOption(new Option('--include-seen', 'also recommend items of the history'))
    .addOption(
      new Option('--format <ending>', 'of the table').choices(ENDINGS.map((each) => each.slice(1))).default('csv'),
    )
    .addOption(jobSizeOption('--job-users <n>', 'users whom one job answers', 4096))
    .action(async (path, { output, store, format, ...options }) => {
      const opened = await openStoreAt(storeOf(output, store));
      const model = await context.openModel(path, (bytes) => bytes);
      const ending = `.${format}` as (typeof ENDINGS)[number];
      await savePlan(context, output, await planRecommend(opened, model, { ...options, ending }, buildOf(program)));
    });

  const evaluation = plan
    .command('evaluate')
    .description('as `evaluate --json --per-user`: the last job makes the JSON')
    .argument('<file>', 'the model file')
    .addOption(planOutput())
    .addOption(storeOption())
    .addOption(dataOption('the data').makeOptionMandatory());
  addEvaluateSettings(evaluation);
  evaluation.addOption(jobSizeOption('--job-rows <n>', 'held-out rows that one job ranks', 2000));
  evaluation.action(async (path, given) => {
    const [rows, { output, store, data, jobRows, ...options }] = takeDataOptions(
      given as DataOptions & PlanOptions & PlanEvaluateOptions & { data: string[]; jobRows: number },
    );
    const { markets } = await readData(context, data, rows);
    const opened = await openStoreAt(storeOf(output, store));
    const model = await readBytes(path, context.signal);
    await savePlan(context, output, await planEvaluate(opened, model, markets, options, buildOf(program), jobRows));
  });
  addDataOptions(evaluation);
}

const jobSizeOption = (flags: string, text: string, usual: number) =>
  new Option(flags, `${text}; the result does not depend on it`).argParser(whole(1, 1_000_000_000)).default(usual);

async function savePlan(context: Context, path: string, plan: Plan): Promise<void> {
  if (extname(path) !== '.json') throw ArgumentError.because('-o', `${JSON.stringify(path)} should end in .json`);
  const result = await context.openResult(path, PLAN_FILE);
  await context.save(result, new TextEncoder().encode(planText(plan)));
  for (const line of describePlan(plan)) context.message(line);
  context.message(`wrote ${path}: ${formatCount(plan.jobs.length)} jobs`);
}

/** What a plan has to do, and what machines will bring it. */
export function describePlan(plan: Plan): string[] {
  const lines = levels(plan).map(([begin, end]) => {
    const kinds = [...new Set(plan.jobs.slice(begin, end).map(({ kind }) => kind))].join(', ');
    return end - begin === 1 ? `job ${begin}: ${kinds}` : `jobs ${begin} to ${end - 1}, side by side: ${kinds}`;
  });
  const longest = plan.jobs.reduce((most, job) => (job.cost > most.cost ? job : most));
  const { work } = forecast(plan, 1);
  const gains = [2, 6, 20].map((machines) => `${machines} machines ${forecast(plan, machines).gain.toFixed(1)} ×`);
  const share = work > 0 ? longest.cost / work : 1;
  return [
    ...lines,
    `as planned: ${gains.join(', ')}; the longest job, ${longest.kind}, has ${(100 * share).toFixed(0)} % of the work`,
    ...plan.notes,
  ];
}
