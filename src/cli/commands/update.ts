import type { Command } from 'commander';
import { formatBytes } from '../../engine/memory.ts';
import { decodeModel, encodeModel } from '../../models/file.ts';
import { update } from '../../train/update.ts';
import type { Context } from '../context.ts';
import { addDataOptions, type DataOptions, dataOption, takeDataOptions } from '../data-options.ts';
import { addItemData, itemDataOption, readItemFile } from '../item-data.ts';
import { jsonOption, nonEmpty, relaxedOption, threadsOption } from '../options.ts';
import { formatCounted } from '../output.ts';
import { readData } from '../read-data.ts';
import { StageTable } from '../stage-table.ts';

interface UpdateCommandOptions extends DataOptions {
  data: string[];
  output: string;
  itemData?: string;
  threads?: number;
  relaxed?: boolean;
  json?: boolean;
}

export function addUpdate(program: Command, context: Context): void {
  const command = program
    .command('update')
    .description('add interactions to a model that was trained with --updatable')
    .argument('<file>', 'the model file')
    .addOption(dataOption('the new interactions: training rows of known or new users and items').makeOptionMandatory())
    .requiredOption('-o, --output <file>', 'the updated model file; may be <file>', nonEmpty)
    .addOption(itemDataOption())
    .addOption(threadsOption())
    .addOption(relaxedOption())
    .addOption(jsonOption())
    .action((path, options) => runUpdate(context, path, options));
  addDataOptions(command);
}

async function runUpdate(context: Context, path: string, options: UpdateCommandOptions): Promise<void> {
  const { data, output, json, itemData, threads, relaxed } = options;
  const result = await context.openResult(output);
  const how = await context.threads(threads, relaxed);
  const itemFile = await readItemFile(context, itemData);
  const model = await context.openModel(path, decodeModel);
  const { markets: rows } = await readData(context, data, takeDataOptions(options)[0], { trainingOnly: true });
  const table = new StageTable(context.view, json);
  const { model: updated, ...facts } = await update(model, rows, { ...context.job, ...how, onStage: table.onStage });
  const bytes = await context.save(result, encodeModel(addItemData(context, updated, itemFile)));
  await table.finish({ file: output, bytes, ...facts });
  context.message(`wrote ${output}: ${formatBytes(bytes)}`);
  const { users, items, interactions } = facts.added;
  context.message(
    updated === model
      ? 'no new interactions: the model is unchanged'
      : `added ${formatCounted(users, 'user')}, ${formatCounted(items, 'item')}, ${formatCounted(interactions, 'interaction')}`,
  );
  for (const reason of facts.refit) context.message(`retraining is recommended: ${reason}`);
}
