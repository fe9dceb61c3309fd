import { Command } from 'commander';
import { printable } from '../common/printable.ts';
import { addApp } from './commands/app.ts';
import { addCluster } from './commands/cluster.ts';
import { addCompare } from './commands/compare.ts';
import { addDemo } from './commands/demo.ts';
import { addEvaluate } from './commands/evaluate.ts';
import { addExperiment } from './commands/experiment.ts';
import { addExport } from './commands/export.ts';
import { addFormats } from './commands/formats.ts';
import { addGain } from './commands/gain.ts';
import { addInspect } from './commands/inspect.ts';
import { addJob } from './commands/job.ts';
import { addPlan } from './commands/plan.ts';
import { addRank } from './commands/rank.ts';
import { addRecommend } from './commands/recommend.ts';
import { addServe } from './commands/serve.ts';
import { addSimilar } from './commands/similar.ts';
import { addSplit } from './commands/split.ts';
import { addStats } from './commands/stats.ts';
import { addTrain } from './commands/train.ts';
import { addTune } from './commands/tune.ts';
import { addUpdate } from './commands/update.ts';
import { addWorker } from './commands/worker.ts';
import type { Context } from './context.ts';

/** The commands, in the order that `--help` lists them. */
const COMMANDS = [
  addStats,
  addSplit,
  addTrain,
  addUpdate,
  addExport,
  addEvaluate,
  addCompare,
  addExperiment,
  addTune,
  addGain,
  addRecommend,
  addSimilar,
  addRank,
  addServe,
  addApp,
  addInspect,
  addFormats,
  addPlan,
  addJob,
  addWorker,
  addCluster,
  addDemo,
];

/** Names all options that are missing at once, not the first alone. */
class Program extends Command {
  override createCommand(name?: string): Command {
    return new Program(name);
  }

  /** Called by commander with the first option that is missing. */
  missingMandatoryOptionValue(): void {
    const missing = this.options.filter(
      (option) => option.mandatory && this.getOptionValue(option.attributeName()) === undefined,
    );
    const flags = missing.map((option) => `'${option.flags}'`);
    this.error(`error: required option${flags.length > 1 ? 's' : ''} ${flags.join(', ')} not specified`);
  }
}

/** The command line: `m3rec <command> …`. */
export function makeProgram(context: Context, version: string): Command {
  const program = new Program('m3rec')
    .description('Multi-market recommender: trains on several markets at once, recommends offline.')
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      // Commander writes an error and then the usage: one line is enough.
      outputError: (text, writeError) =>
        writeError(
          `m3rec: ${printable(
            text
              .replace(/^error: /, '')
              .trim()
              .replace(/\s*\n\s*/g, ' '),
          )}\n`,
        ),
    })
    .addHelpText(
      'after',
      '\nData is a folder with a folder for each market (train.csv, and held out valid.csv, test.csv), files named by market, or a file;\n`m3rec formats` lists what is read.\nExit code: 0, or 1 failed, 2 wrong usage, 130 interrupted.',
    );
  for (const add of COMMANDS) add(program, context);
  return program;
}
