import { type Command, Option } from 'commander';
import { ArgumentError } from '../../common/errors.ts';
import type { TableKind } from '../../node/table-kind.ts';
import { inChunks, TableOutput } from '../batch.ts';
import type { Context } from '../context.ts';
import { checkItem, checkMarket } from '../hints.ts';
import { propertiesOption, shownProperties } from '../item-data.ts';
import { countOption, jsonOption, nonEmpty, outputOption, threadsOption } from '../options.ts';
import { formatCounted, formatJson, formatTable, write } from '../output.ts';

const SIMILAR: TableKind = {
  name: 'similar items',
  columns: [
    { name: 'market', type: 'text' },
    { name: 'itemId', type: 'text' },
    { name: 'rank', type: 'integer' },
    { name: 'similarItemId', type: 'text' },
    { name: 'score', type: 'score' },
  ],
};

/** Number of items whose lists are in memory at once. */
const CHUNK = 2048;

interface SimilarCommandOptions {
  market?: string;
  item?: string;
  all?: boolean;
  k: number;
  properties?: string[];
  output?: string;
  threads?: number;
  json?: boolean;
}

export function addSimilar(program: Command, context: Context): void {
  program
    .command('similar')
    .description('list the items most similar to an item in a market, or to each item into a file')
    .argument('<file>', 'the model file')
    .addOption(new Option('--market <name>', 'the market; with --all, the only one').argParser(nonEmpty))
    .addOption(new Option('--item <id>', 'the item').argParser(nonEmpty))
    .addOption(new Option('--all', 'for every item of every market, or of --market'))
    .addOption(countOption())
    .addOption(propertiesOption())
    .addOption(threadsOption())
    .addOption(outputOption('with --all: a file in .csv, .tsv, .jsonl or .parquet (CSV on stdout)'))
    .addOption(jsonOption())
    .action((path, options, command) => runSimilar(context, path, options, command));
}

async function runSimilar(
  context: Context,
  path: string,
  { all, item, output, ...options }: SimilarCommandOptions,
  command: Command,
): Promise<void> {
  if (all) {
    if (item !== undefined) throw ArgumentError.because('--item, --all', 'give one of them, not both');
    if (options.properties)
      throw ArgumentError.because('--properties', 'is for --item; a file of all pairs has ids alone');
    return similarAll(context, path, { output, ...options });
  }
  const { market, k, json, properties } = options;
  const missing = [
    ...(market === undefined ? ["'--market <name>'"] : []),
    ...(item === undefined ? ["'--item <id>'"] : []),
  ];
  if (market === undefined || item === undefined)
    return command.error(`error: required option${missing.length > 1 ? 's' : ''} ${missing.join(', ')} not specified`);
  if (output !== undefined)
    throw ArgumentError.because('-o', 'is for --all; the items similar to one item go to stdout');
  const recommender = await context.openRecommender(path);
  checkMarket(recommender, market);
  checkItem(recommender, market, item);
  const items = recommender.similar({ market, item, k });
  const shown = shownProperties(recommender, properties);
  if (json) return write(formatJson(items.map(shown.with)));
  await write(
    formatTable(
      ['rank', 'item', 'score', ...shown.names],
      items.map(({ item, score }, i) => [String(i + 1), item, score.toFixed(5), ...shown.cells(item)]),
      [0, 1, ...shown.names.map((_, i) => 3 + i)],
    ),
  );
}

/** The items most similar to each item, as a table with a row for each pair. */
async function similarAll(
  context: Context,
  path: string,
  { market, k, output, threads, json }: SimilarCommandOptions,
): Promise<void> {
  const table = await TableOutput.open(context, SIMILAR, output, json);
  await context.withRecommender(path, threads, async (recommender) => {
    if (market !== undefined) checkMarket(recommender, market);
    const { model } = recommender;
    const asked = model.markets
      .filter(({ name }) => market === undefined || name === market)
      .flatMap(({ name, items }) => Array.from(items, (item) => ({ market: name, item: model.items[item], k })));
    await inChunks(context, 'similar', asked, CHUNK, async (chunk) => {
      const columns: [string[], string[], number[], string[], number[]] = [[], [], [], [], []];
      for (const [i, found] of (await recommender.similarAll(chunk)).entries()) {
        for (const [rank, { item, score }] of found.entries()) {
          columns[0].push(chunk[i].market);
          columns[1].push(chunk[i].item);
          columns[2].push(rank + 1);
          columns[3].push(item);
          columns[4].push(score);
        }
      }
      await table.write(columns);
    });
    const bytes = await table.finish();
    if (output === undefined) return;
    if (json) await write(formatJson({ file: output, bytes, rows: table.rows, items: asked.length }));
    context.message(`wrote ${output}: ${formatCounted(table.rows, 'pair')} for ${formatCounted(asked.length, 'item')}`);
  });
}
