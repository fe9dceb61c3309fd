import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type PreparedExperiment, runTrials, secondsOf, type TrialLine } from '../../lab/run.ts';
import { metricTitle } from '../../lab/tables.ts';
import { openTrials, readTrials, TRIALS } from '../../node/trial-folder.ts';
import { type ClusterOptions, executorOf } from '../cluster.ts';
import type { Context } from '../context.ts';
import { dataOption } from '../data-options.ts';
import { ExperimentView, formatTime } from '../lab/experiment-view.ts';
import { namesOf, type OpenOptions, openExperiment } from '../lab/open-experiment.ts';
import { writeResults } from '../lab/write-results.ts';
import { jsonOption, nonEmpty, threadsOption, trialsElsewhereOptions } from '../options.ts';
import { formatCounted, formatJson, formatTable, write } from '../output.ts';

interface ExperimentCommandOptions extends OpenOptions, Omit<ClusterOptions, 'verify' | keyof OpenOptions> {
  dryRun?: boolean;
  report?: boolean;
  json?: boolean;
}

export function addExperiment(program: Command, context: Context): void {
  const command = program
    .command('experiment')
    .description('train models over grids and seeds, choose on one half of the users, report on the other half')
    .argument('<file>', 'the experiment: .yaml or .json')
    .option(
      '-o, --output <folder>',
      'where trials and the report go; a run goes on from there (default: FILE-results)',
      nonEmpty,
    )
    .addOption(dataOption('the data, instead of what the file names'))
    .addOption(new Option('--only <a,b>', 'these models of the file only').argParser(namesOf))
    .addOption(new Option('--dry-run', 'say how many trials there are and about how long they take; train nothing'))
    .addOption(new Option('--report', 'write the report of the trials that are there; train nothing'))
    .addOption(threadsOption())
    .addOption(jsonOption())
    .optionsGroup('Several machines:');
  for (const option of trialsElsewhereOptions()) command.addOption(option);
  command.action((file, options) => runExperiment(context, file, options));
}

async function runExperiment(context: Context, file: string, options: ExperimentCommandOptions): Promise<void> {
  const { dryRun, report, json } = options;
  const elsewhere = executorOf(options, context.version);
  const { prepared, chosen, executor, folder } = await openExperiment(context, file, options, elsewhere);
  if (dryRun) {
    const stored = join(folder, TRIALS);
    return tellPlan(
      { ...prepared, trials: chosen },
      existsSync(stored) ? await readTrials<TrialLine>(stored) : [],
      json,
    );
  }
  const store = await openTrials<TrialLine>(folder, (text) => context.message(text));
  try {
    const view = new ExperimentView(context, prepared.experiment, chosen, prepared.tune);
    if (!report)
      await runTrials(chosen, {
        ...context.job,
        ...{ store, executor, build: context.version, onTrial: view.onTrial },
      });
    view.say();
    context.view.clear();
    const written = await writeResults(folder, prepared, linesOf(prepared, await store.lines()), store.blobs);
    await write(json ? formatJson(written.summary) : written.table);
    context.message(`wrote ${folder}: ${written.files.join(', ')}`);
  } finally {
    await store.close();
  }
}

/** Of the plan, what is there. */
function linesOf({ trials }: PreparedExperiment, stored: readonly TrialLine[]): TrialLine[] {
  const known = new Map(stored.map((line) => [line.key, line]));
  return trials.flatMap(({ key, name, given }) => {
    const line = known.get(key);
    return line ? [{ ...line, name, given }] : [];
  });
}

async function tellPlan(
  { trials, experiment, tune, report, data }: PreparedExperiment,
  stored: readonly TrialLine[],
  json: boolean | undefined,
): Promise<void> {
  const known = new Set(stored.filter(({ error }) => error === undefined).map(({ key }) => key));
  const todo = trials.filter(({ key }) => !known.has(key));
  const costs = Object.fromEntries(experiment.models.map(({ name, cost }) => [name, cost]));
  const guess = secondsOf(todo, stored, 1, costs);
  const { metric, k, protocol } = experiment.select;
  const rows = experiment.models.flatMap(({ name, model }) => {
    const mine = trials.filter((trial) => trial.name === name);
    if (mine.length === 0) return [];
    const left = mine.filter(({ key }) => !known.has(key));
    const time = left.length === 0 ? undefined : secondsOf(left, stored, 1, costs);
    const about = time ? formatTime(time.seconds) : left.length === 0 ? '' : 'unknown';
    return [[name, model, mine.length, left.length, about]];
  });
  if (json)
    return write(
      formatJson({
        trials: trials.map(({ name, kind, given, seed, key }) => ({
          name,
          kind,
          given,
          seed,
          key,
          done: known.has(key),
        })),
        toDo: todo.length,
        data,
        ...(guess && { seconds: guess.seconds, unknown: guess.unknown }),
      }),
    );
  await write(formatTable(['name', 'model', 'trials', 'to do', 'about'], rows, [0, 1]));
  const time =
    guess === undefined
      ? 'no time is known yet'
      : `about ${formatTime(guess.seconds)} on this machine, if the recorded times are of it`;
  const unknown =
    guess && guess.unknown.length > 0
      ? `, without ${guess.unknown.join(', ')}, of which no time is known (say \`cost\`)`
      : '';
  await write(
    `\n${formatCounted(todo.length, 'trial')} to do: ${time}${unknown}.\nThe data is read${Object.keys(experiment.split).length > 0 ? ', split' : ''} and parted once for all trials, each trial trains once${experiment.protocols.length > 1 ? ` for all ${experiment.protocols.length} protocols` : ''}, and trials made before are taken from the folder.\nChosen by ${metricTitle(metric, k)} of ${tune} (${protocol}), reported on ${report}.\n`,
  );
}
