import { type Command, Option } from 'commander';
import { formatBytes } from '../../engine/memory.ts';
import { encodeModel } from '../../model/file.ts';
import { KINDS } from '../../models/registry.ts';
import { resolveOptions, type TrainOptions } from '../../train/options.ts';
import { train } from '../../train/train.ts';
import type { Context } from '../context.ts';
import {
  type DataOptions,
  jsonOption,
  kindOptions,
  marketsOption,
  minRatingOption,
  nonEmpty,
  relaxedOption,
  threadsOption,
} from '../options.ts';
import { StageTable } from '../stage-table.ts';

type TrainCommandOptions = DataOptions &
  TrainOptions & {
    output: string;
    updatable?: boolean;
    threads?: number;
    relaxed?: boolean;
    json?: boolean;
  };

export function addTrain(program: Command, context: Context): void {
  const command = program
    .command('train')
    .description('train a model and write it to a file')
    .argument('<dir>', 'the data')
    .requiredOption('-o, --output <file>', 'the model file', nonEmpty)
    .addOption(
      new Option('--model <kind>', `what to train: ${KINDS.map(({ name, title }) => `${name}, ${title}`).join('; ')}`)
        .choices(KINDS.map(({ name }) => name))
        .default(KINDS[0].name),
    );
  for (const option of kindOptions(KINDS)) command.addOption(option);
  command
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
  const result = await context.openResult(output);
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
  const bytes = await context.save(result, encodeModel(model));
  await table.finish({ file: output, bytes });
  context.message(`wrote ${output}: ${formatBytes(bytes)}`);
}
