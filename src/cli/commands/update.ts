import type { Command } from 'commander';
import { formatBytes } from '../../engine/memory.ts';
import { decodeModel, encodeModel } from '../../model/file.ts';
import { update } from '../../train/update.ts';
import type { Context } from '../context.ts';
import {
  type DataOptions,
  jsonOption,
  marketsOption,
  minRatingOption,
  nonEmpty,
  relaxedOption,
  threadsOption,
} from '../options.ts';
import { formatCounted } from '../output.ts';
import { StageTable } from '../stage-table.ts';

interface UpdateCommandOptions extends DataOptions {
  data: string;
  output: string;
  threads?: number;
  relaxed?: boolean;
  json?: boolean;
}

export function addUpdate(program: Command, context: Context): void {
  program
    .command('update')
    .description('add interactions to a model that was trained with --updatable')
    .argument('<file>', 'the model file')
    .requiredOption('--data <dir>', 'the new interactions: training rows of known or new users and items', nonEmpty)
    .requiredOption('-o, --output <file>', 'the updated model file; may be <file>', nonEmpty)
    .addOption(threadsOption())
    .addOption(relaxedOption())
    .addOption(marketsOption())
    .addOption(minRatingOption())
    .addOption(jsonOption())
    .action((path, options) => runUpdate(context, path, options));
}

async function runUpdate(
  context: Context,
  path: string,
  { data, output, json, minRating, markets, threads, relaxed }: UpdateCommandOptions,
): Promise<void> {
  const result = await context.openResult(output);
  const how = await context.threads(threads, relaxed);
  const model = await context.openModel(path, decodeModel);
  const rows = await context.readData(data, { minRating, markets, trainingOnly: true });
  const table = new StageTable(context.view, json);
  const { model: updated, ...facts } = await update(model, rows, { ...context.job, ...how, onStage: table.onStage });
  const bytes = await context.save(result, encodeModel(updated));
  await table.finish({ file: output, bytes, ...facts });
  context.message(`wrote ${output}: ${formatBytes(bytes)}`);
  const { users, items, interactions } = facts.added;
  context.message(
    updated === model
      ? 'nothing new: the model is as it was'
      : `added ${formatCounted(users, 'user')}, ${formatCounted(items, 'item')}, ${formatCounted(interactions, 'interaction')}`,
  );
  for (const reason of facts.refit) context.message(`a refit is due: ${reason}`);
}
