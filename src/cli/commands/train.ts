import { type Command, Option } from 'commander';
import { planTraining } from '../../cluster/plans/train.ts';
import { ArgumentError } from '../../common/errors.ts';
import { formatBytes } from '../../engine/memory.ts';
import { decodeModel, encodeModel } from '../../models/file.ts';
import { KINDS } from '../../models/registry.ts';
import { resolveOptions, type TrainOptions } from '../../train/options.ts';
import { train } from '../../train/train.ts';
import { buildOf } from '../build.ts';
import { addClusterOptions, type ClusterOptions, onCluster, runOnCluster } from '../cluster.ts';
import type { Context } from '../context.ts';
import { addDataOptions, DATA_ARGUMENT, type DataOptions, takeDataOptions } from '../data-options.ts';
import { addItemData, itemDataOption, readItemFile } from '../item-data.ts';
import { jsonOption, kindOptions, nonEmpty, relaxedOption, threadsOption } from '../options.ts';
import { formatJson, write } from '../output.ts';
import { readData } from '../read-data.ts';
import { StageTable } from '../stage-table.ts';
import { REPORT, trainReport } from '../train-report.ts';

type TrainCommandOptions = DataOptions &
  TrainOptions &
  ClusterOptions & {
    output: string;
    updatable?: boolean;
    itemData?: string;
    report?: string;
    selectBy?: string;
    threads?: number;
    relaxed?: boolean;
    json?: boolean;
  };

export function addTrain(program: Command, context: Context): void {
  const command = program
    .command('train')
    .description('train a model and write it to a file')
    .argument('<data...>', DATA_ARGUMENT)
    .requiredOption('-o, --output <file>', 'the model file', nonEmpty);
  addTrainSettings(command);
  command
    .addOption(itemDataOption())
    .addOption(
      new Option(
        '--report <file>',
        'also write a report as Markdown: the data, the stages, and from held-out rows what the markets give each other, for which it trains each alone and all without each',
      ).argParser(nonEmpty),
    )
    .addOption(threadsOption())
    .addOption(relaxedOption())
    .addOption(jsonOption())
    .action((paths, options) => runTrain(context, paths, options, buildOf(program)));
  addClusterOptions(command);
  addDataOptions(command);
}

/** The options that the model depends on. */
export function addTrainSettings(command: Command): void {
  command.addOption(
    new Option(
      '--model <kind>',
      `what to train (default: ${KINDS[0].name}, or what the other options are of): ${KINDS.map(({ name, title }) => `${name}, ${title}`).join('; ')}`,
    ).choices(KINDS.map(({ name }) => name)),
  );
  for (const option of kindOptions(KINDS)) command.addOption(option);
  command
    .addOption(new Option('--updatable', 'also store what `update` needs (2 n² bytes for n items)'))
    .addOption(
      new Option(
        '--select-by <file>',
        'the held-out rows (valid, test) that choose the best epoch of a network, and when to stop',
      ).argParser(nonEmpty),
    );
}

async function runTrain(
  context: Context,
  paths: readonly string[],
  given: TrainCommandOptions,
  build: string,
): Promise<void> {
  const [rows, { cluster, store, insecure, verify, ...options }] = takeDataOptions(given);
  const { output, json, updatable, itemData, report, selectBy, threads, relaxed, ...hyper } = options;
  resolveOptions(hyper);
  const machines = { cluster, store, insecure, verify };
  if (onCluster(machines)) {
    if (threads !== undefined || relaxed || report !== undefined)
      throw ArgumentError.because(
        '--cluster',
        'leave out --threads and --relaxed, which are for workers, and --report',
      );
    const result = await context.openResult(output);
    const itemFile = await readItemFile(context, itemData);
    const { markets } = await readData(context, paths, rows);
    const model = await runOnCluster(context, machines, (store) =>
      planTraining(store, markets, hyper, { updatable, selectBy }, build),
    );
    const named = itemFile ? encodeModel(addItemData(context, decodeModel(model), itemFile)) : model;
    const bytes = await context.save(result, named);
    context.message(`wrote ${output}: ${formatBytes(bytes)}`);
    if (json) await write(formatJson({ file: output, bytes }));
    return;
  }
  const result = await context.openResult(output);
  const reportFile = report === undefined ? undefined : await context.openResult(report, REPORT);
  const how = await context.threads(threads, relaxed);
  const itemFile = await readItemFile(context, itemData);
  const { markets } = await readData(context, paths, rows);
  const table = new StageTable(context.view, json);
  const model = await train(markets, {
    ...context.job,
    ...how,
    ...hyper,
    updatable,
    selectBy,
    onStage: table.onStage,
    onNote: (text) => context.message(text),
  });
  const encoded = encodeModel(addItemData(context, model, itemFile));
  const bytes = await context.save(result, encoded);
  await table.finish({ file: output, bytes });
  context.message(`wrote ${output}: ${formatBytes(bytes)}`);
  if (!reportFile) return;
  const { stages, seconds } = table;
  const heldOut = selectBy === 'valid' ? 'test' : 'valid';
  const trained = { data: markets, model, stages, seconds, file: output, encoded, heldOut };
  await reportFile.write(await trainReport(trained, { ...context.job, ...how, train: hyper }));
  await reportFile.commit();
  context.message(`wrote ${report}`);
}
