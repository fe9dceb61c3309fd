import { type Command, Option } from 'commander';
import { evaluate, type Metrics } from '../../evaluate/evaluate.ts';
import type { Context } from '../context.ts';
import {
  type DataOptions,
  heldOutOption,
  jsonOption,
  marketsOption,
  minRatingOption,
  nonEmpty,
  whole,
} from '../options.ts';
import { formatCount, formatCounted, formatJson, formatPercent, formatTable, write } from '../output.ts';

interface EvaluateCommandOptions extends DataOptions {
  data: string;
  heldOut: string;
  protocol: 'clean' | 'as-published';
  negatives: number | 'all';
  seed?: number;
  k: number;
  json?: boolean;
}

export function addEvaluate(program: Command, context: Context): void {
  program
    .command('evaluate')
    .description('MRR, NDCG and HR per market on held-out rows')
    .argument('<file>', 'the model file')
    .requiredOption('--data <dir>', 'the data', nonEmpty)
    .addOption(heldOutOption())
    .addOption(
      new Option('--protocol <name>', 'clean: a user’s own items are never negatives')
        .choices(['clean', 'as-published'])
        .default('clean'),
    )
    .addOption(
      new Option('--negatives <n>', 'sampled items to rank against, or "all"')
        .argParser((text) => (text === 'all' ? text : whole(1, 10_000_000)(text)))
        .default(999),
    )
    .addOption(
      new Option('--seed <n>', 'of the sampled items: the same seed gives the same result')
        .argParser(whole(0, 0xffffffff))
        .default(0),
    )
    .addOption(new Option('-k <n>', 'cut-off of the metrics').argParser(whole(1, 1_000_000)).default(10))
    .addOption(marketsOption())
    .addOption(minRatingOption())
    .addOption(jsonOption())
    .action((path, options) => runEvaluate(context, path, options));
}

async function runEvaluate(
  context: Context,
  path: string,
  { data, json, minRating, markets, ...options }: EvaluateCommandOptions,
): Promise<void> {
  const recommender = await context.openRecommender(path);
  const rows = await context.readData(data, { minRating, markets });
  const result = await evaluate(recommender, rows, { ...context.job, ...options });
  context.view.clear();
  if (result.unknownMarkets.length > 0)
    context.message(
      `warning: ${formatCounted(result.unknownMarkets.length, 'market')} that the model does not have, left out: ${result.unknownMarkets.join(', ')}`,
    );
  if (json) return write(formatJson(result));
  const { k } = result;
  const metrics = ({ mrr, ndcg, hr }: Metrics) => [mrr, ndcg, hr].map((metric) => formatPercent(metric));
  const table = result.markets.map((row) => [
    row.market,
    ...metrics(row),
    formatPercent(row.mrrStandardError),
    formatCount(row.users),
    formatCount(row.coldItems),
    formatCount(row.unknownUsers),
  ]);
  table.push(['mean', ...metrics(result.mean), '', '', '', '']);
  await write(
    formatTable(
      ['market', `MRR@${k} %`, `NDCG@${k} %`, `HR@${k} %`, '± MRR', 'users', 'cold items', 'unknown users'],
      table,
    ),
  );
}
