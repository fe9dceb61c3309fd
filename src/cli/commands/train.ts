import { type Command, Option } from 'commander';
import { formatBytes } from '../../engine/memory.ts';
import { encodeModel } from '../../model/file.ts';
import { RANGES, resolveOptions, type TrainOptions } from '../../train/options.ts';
import { train } from '../../train/train.ts';
import type { Context } from '../context.ts';
import {
  type DataOptions,
  jsonOption,
  marketsOption,
  minRatingOption,
  nonEmpty,
  number,
  relaxedOption,
  threadsOption,
} from '../options.ts';
import { StageTable } from '../stage-table.ts';

interface TrainCommandOptions extends DataOptions, TrainOptions {
  output: string;
  updatable?: boolean;
  threads?: number;
  relaxed?: boolean;
  json?: boolean;
}

export function addTrain(program: Command, context: Context): void {
  program
    .command('train')
    .description('train a model and write it to a file')
    .argument('<dir>', 'the data')
    .requiredOption('-o, --output <file>', 'the model file', nonEmpty)
    .addOption(new Option('--model <kind>', 'what to train').choices(['m3rec', 'ease', 'popularity']).default('m3rec'))
    .addOption(
      new Option('--preset <name>', 'paper: the method as published; default: what ranks best')
        .choices(['paper', 'default'])
        .default('default'),
    )
    .addOption(setting('seed', '--seed <n>', 'the same seed, data and options give the same file'))
    .addOption(setting('lambdaF', '--lambda-f <x>', 'intra-market ridge'))
    .addOption(setting('epsilon', '--epsilon <x>', 'least intra-market similarity kept'))
    .addOption(setting('dim', '--dim <n>', 'size of an embedding, a multiple of 16'))
    .addOption(setting('walks', '--walks <n>', 'random walks per item'))
    .addOption(setting('walkLength', '--walk-length <n>', 'items of a walk'))
    .addOption(setting('window', '--window <n>', 'skip-gram window'))
    .addOption(setting('negatives', '--negatives <n>', 'negative samples'))
    .addOption(setting('gamma', '--gamma <x>', 'margin of the cosine loss, preset paper only'))
    .addOption(setting('l2', '--l2 <x>', 'weight of the local embeddings’ norm'))
    .addOption(setting('dropout', '--dropout <x>', 'share dropped in adaptation'))
    .addOption(setting('learningRate', '--learning-rate <x>', 'Adam’s, of the adaptation'))
    .addOption(setting('batch', '--batch <n>', 'interactions of a mini-batch'))
    .addOption(setting('epochs', '--epochs <n>', 'epochs of the adaptation'))
    .addOption(new Option('--without <part>', 'ablation: leave out a similarity').choices(['intra', 'inter', 'both']))
    .addOption(
      new Option(
        '--ease-solver <way>',
        'intra-market similarity: exact; iterative: to about 0.003, in little memory; auto: exact up to 20,000 items',
      )
        .choices(['auto', 'exact', 'iterative'])
        .default('auto'),
    )
    .addOption(new Option('--updatable', 'keep in the file what `update` needs (2 n² bytes for n items)'))
    .addOption(threadsOption())
    .addOption(relaxedOption())
    .addOption(marketsOption())
    .addOption(minRatingOption())
    .addOption(jsonOption())
    .action((path, options) => runTrain(context, path, options));
}

async function runTrain(
  context: Context,
  path: string,
  { output, json, minRating, markets, updatable, threads, relaxed, ...hyper }: TrainCommandOptions,
): Promise<void> {
  resolveOptions(hyper);
  await context.checkOutput(output);
  const how = await context.threads(threads, relaxed);
  const data = await context.readData(path, { minRating, markets });
  const table = new StageTable(context.view, json);
  const model = await train(data, {
    ...context.job,
    ...how,
    ...hyper,
    updatable,
    onStage: table.onStage,
    onNote: (text) => context.message(text),
  });
  const bytes = await context.save(output, encodeModel(model));
  await table.finish({ file: output, bytes });
  context.message(`wrote ${output}: ${formatBytes(bytes)}`);
}

/** An option of `train`, with its range and the value that each preset gives it. */
function setting(name: keyof typeof RANGES, flags: string, description: string): Option {
  const value = resolveOptions()[name];
  const paper = resolveOptions({ preset: 'paper' })[name];
  return new Option(
    flags,
    `${description} (default: ${value}${paper === value ? '' : `; preset paper: ${paper}`})`,
  ).argParser(number(RANGES[name]));
}
