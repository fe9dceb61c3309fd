import { type Command, Option } from 'commander';
import { type Rung, tuneTrials } from '../../lab/halving.ts';
import type { TrialLine } from '../../lab/run.ts';
import { type Results, resultsOf } from '../../lab/summary.ts';
import { metricTitle } from '../../lab/tables.ts';
import { openTrials } from '../../node/trial-folder.ts';
import { type ClusterOptions, executorOf } from '../cluster.ts';
import type { Context } from '../context.ts';
import { dataOption } from '../data-options.ts';
import { ExperimentView, formatTime, optionsShown } from '../lab/experiment-view.ts';
import { namesOf, type OpenOptions, openExperiment } from '../lab/open-experiment.ts';
import { writeResults } from '../lab/write-results.ts';
import { jsonOption, nonEmpty, number, threadsOption, trialsElsewhereOptions, whole } from '../options.ts';
import { formatJson, formatPercent, formatTable, write } from '../output.ts';

interface TuneCommandOptions extends OpenOptions, Omit<ClusterOptions, 'verify' | keyof OpenOptions> {
  budget: number;
  keep: number;
  rungs: number;
  json?: boolean;
}

export function addTune(program: Command, context: Context): void {
  const command = program
    .command('tune')
    .description('choose options within a budget of time: all with little training, the best of each model with more')
    .argument('<file>', 'the experiment: .yaml or .json')
    .requiredOption('--budget <minutes>', 'time for all of it', number({ min: 0, max: 1e6 }))
    .option(
      '-o, --output <folder>',
      'where trials and the report go, as of experiment (default: FILE-results)',
      nonEmpty,
    )
    .addOption(dataOption('the data, instead of what the file names'))
    .addOption(new Option('--only <a,b>', 'these models of the file only').argParser(namesOf))
    .addOption(new Option('--keep <n>', 'one of so many options goes on').argParser(whole(2, 100)).default(3))
    .addOption(new Option('--rungs <n>', 'how often; the last trains in full').argParser(whole(1, 10)).default(3))
    .addOption(threadsOption())
    .addOption(jsonOption())
    .optionsGroup('Several machines:');
  for (const option of trialsElsewhereOptions()) command.addOption(option);
  command.action((file, options) => runTune(context, file, options));
}

async function runTune(context: Context, file: string, options: TuneCommandOptions): Promise<void> {
  const { budget, keep, rungs, json } = options;
  const elsewhere = executorOf(options, context.version);
  const { prepared, chosen, executor, folder } = await openExperiment(context, file, options, elsewhere);
  const store = await openTrials<TrialLine>(folder, (text) => context.message(text));
  try {
    const { experiment, tune } = prepared;
    const view = new ExperimentView(context, experiment, chosen, tune);
    const tuned = await tuneTrials(
      { ...prepared, trials: chosen },
      {
        ...context.job,
        ...{ store, executor, build: context.version, budget: 60 * budget, keep, rungs },
        onTrial: view.onTrial,
        onRung: (share, trials) => {
          context.view.clear();
          context.message(
            `${trials} trials with ${share === 1 ? 'all' : `1/${Math.round(1 / share)}`} of the training`,
          );
          view.startAgain(trials);
        },
      },
    );
    context.view.clear();
    const keys = tuned.lines.map(({ key }) => key);
    const trials = prepared.trials.filter(({ key }) => keys.includes(key));
    const written = await writeResults(folder, { ...prepared, trials }, tuned.lines, store.blobs);
    const results = resultsOf(experiment, tuned.lines);
    if (json)
      await write(
        formatJson({ rungs: tuned.rungs.map(rungOf), seconds: tuned.seconds, ...(written.summary as object) }),
      );
    else await write(tableOf(results, tuned.rungs));
    context.message(`${formatTime(tuned.seconds)}; wrote ${folder}: ${written.files.join(', ')}`);
  } finally {
    await store.close();
  }
}

const rungOf = ({ share, lines, dropped }: Rung) => ({
  share,
  dropped,
  trials: lines.map(({ name, given, key, seconds }) => ({ name, given, key, seconds })),
});

function tableOf({ models, experiment, tune }: Results, rungs: readonly Rung[]): string {
  const { metric, k } = experiment.select;
  const tried = (name: string) =>
    rungs.map(({ lines }) => lines.filter((line) => line.name === name).length).join(' → ');
  const left = (name: string) => rungs.reduce((sum, { dropped }) => sum + (dropped[name] ?? 0), 0);
  const rows = models.map(({ name, best, seconds }) => [
    name,
    optionsShown(best.given) || 'defaults',
    formatPercent(best.chosenBy),
    tried(name),
    left(name),
    seconds.toFixed(1),
  ]);
  const header = [
    'model',
    'best options',
    `${metricTitle(metric, k)} of ${tune}`,
    'tried',
    'no time for',
    'training s',
  ];
  return formatTable(header, rows, [0, 1]);
}
