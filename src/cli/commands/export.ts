import { type Command, Option } from 'commander';
import { ArgumentError } from '../../common/errors.ts';
import type { Markets } from '../../data/markets.ts';
import { formatBytes } from '../../engine/memory.ts';
import { evaluate, type Metrics } from '../../evaluate/evaluate.ts';
import { TABLE_TYPES, type TableType } from '../../model/table.ts';
import { exportModel } from '../../models/export.ts';
import { encodeModel, inspectModel } from '../../models/file.ts';
import { loadModel } from '../../models/load.ts';
import type { Recommender } from '../../models/recommender.ts';
import type { Context } from '../context.ts';
import { addDataOptions, type DataOptions, dataOption } from '../data-options.ts';
import { describeVariant, fileParts, variantOf } from '../file-parts.ts';
import { addItemData, itemDataOption, readItemFile } from '../item-data.ts';
import { heldOutOption, jsonOption, nonEmpty, whole } from '../options.ts';
import { formatCount, formatJson, formatPercent, formatTable, write } from '../output.ts';
import { readData } from '../read-data.ts';

interface ExportCommandOptions extends Omit<DataOptions, 'market'> {
  output: string;
  market?: string[];
  withoutUsers?: boolean;
  vectors?: TableType;
  neighbours?: number;
  itemData?: string;
  data?: string[];
  heldOut: string;
  json?: boolean;
}

export function addExport(program: Command, context: Context): void {
  const command = program
    .command('export')
    .description('write a smaller model file for serving, and measure what it loses')
    .argument('<file>', 'the model file')
    .requiredOption('-o, --output <file>', 'the file to write', nonEmpty)
    .addOption(
      new Option('--market <name>', 'keep this market only; may be given again').argParser(
        (text, before: string[] = []) => [...before, nonEmpty(text)],
      ),
    )
    .addOption(new Option('--without-users', 'leave out the users: their ids, histories and vectors'))
    .addOption(new Option('--vectors <type>', 'type of the vectors (default: unchanged)').choices(TABLE_TYPES))
    .addOption(
      new Option('--neighbours <n>', 'keep the n largest similarities of each item (default: all)').argParser(
        whole(1, 0x7fffffff),
      ),
    )
    .addOption(itemDataOption())
    .addOption(dataOption('measure NDCG@10 before and after on the held-out rows of this data'))
    .addOption(heldOutOption())
    .addOption(jsonOption())
    .action((path, options) => runExport(context, path, options));
  // Not --market: here it names the markets to keep.
  addDataOptions(command, false);
}

async function runExport(
  context: Context,
  path: string,
  {
    output,
    market,
    withoutUsers,
    vectors,
    neighbours,
    itemData,
    data,
    heldOut,
    json,
    ...options
  }: ExportCommandOptions,
): Promise<void> {
  const result = await context.openResult(output);
  const itemFile = await readItemFile(context, itemData);
  const original = await context.openModel(path, async (bytes) => ({
    info: inspectModel(bytes),
    recommender: await loadModel(bytes),
  }));
  const smaller = exportModel(original.recommender.model, {
    markets: market,
    users: !withoutUsers,
    vectors,
    neighbours,
  });
  const model = addItemData(context, smaller, itemFile);
  const bytes = encodeModel(model);
  const quality =
    data === undefined
      ? undefined
      : await measureLoss(
          context,
          original.recommender,
          bytes,
          (await readData(context, data, options)).markets,
          heldOut,
        );
  await context.save(result, bytes);
  const info = inspectModel(bytes);
  const before = fileParts(original.info);
  const parts = fileParts(info).map(({ part, bytes: after }, i) => ({ part, before: before[i].bytes, after }));
  parts.push({ part: 'all', before: original.info.bytes, after: info.bytes });
  if (json)
    await write(
      formatJson({
        file: output,
        bytes: bytes.length,
        bytesBefore: original.info.bytes,
        variant: variantOf(info),
        parts,
        ...(quality && { quality }),
      }),
    );
  else {
    await write(
      formatTable(
        ['part', 'before', 'after'],
        parts.map((part) => [part.part, formatBytes(part.before), formatBytes(part.after)]),
      ),
    );
    if (quality) {
      const row = (name: string, counted: string, ndcg: Loss) => [
        name,
        counted,
        formatPercent(ndcg.before),
        formatPercent(ndcg.after),
        formatPercent(ndcg.loss),
      ];
      const rows = quality.markets.map(({ market: name, users: ranked, ...ndcg }) =>
        row(name, formatCount(ranked), ndcg),
      );
      await write(
        `\n${formatTable(['market', 'users', `NDCG@${quality.k} %, before`, 'after', 'loss'], [...rows, row('mean', '', quality.mean)])}`,
      );
    }
  }
  context.message(`wrote ${output}: ${formatBytes(bytes.length)}, ${describeVariant(info)}`);
  if (!quality) context.message('give --data DIR with held-out rows to measure what the export loses');
}

interface Loss {
  before: number;
  after: number;
  loss: number;
}

/** NDCG of a model and of its export, on the held-out rows of the exported markets. */
async function measureLoss(
  context: Context,
  original: Recommender,
  bytes: Uint8Array,
  { items, markets }: Markets,
  heldOut: string,
) {
  const exported = await loadModel(bytes);
  const chosen = { items, markets: markets.filter(({ name }) => exported.markets.includes(name)) };
  if (chosen.markets.length === 0)
    throw ArgumentError.because(
      '--data',
      `has none of the exported markets: it has ${names(markets.map(({ name }) => name))}, the export ${names(exported.markets)}`,
    );
  const before = await evaluate(original, chosen, { ...context.job, heldOut });
  const after = await evaluate(exported, chosen, { ...context.job, heldOut });
  context.view.clear();
  const loss = (a: Metrics, b: Metrics): Loss => ({ before: a.ndcg, after: b.ndcg, loss: a.ndcg - b.ndcg });
  const { protocol, negatives, seed, k } = after;
  return {
    heldOut,
    protocol,
    negatives,
    seed,
    k,
    markets: after.markets.map((row, m) => ({ market: row.market, users: row.users, ...loss(before.markets[m], row) })),
    mean: loss(before.mean, after.mean),
  };
}

const names = (markets: readonly string[]) => markets.map((name) => JSON.stringify(name)).join(', ');
