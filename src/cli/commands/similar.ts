import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { countOption, jsonOption, marketOption, nonEmpty } from '../options.ts';
import { formatJson, formatTable, write } from '../output.ts';

export function addSimilar(program: Command, context: Context): void {
  program
    .command('similar')
    .description('the items most like an item, as seen from one market')
    .argument('<file>', 'the model file')
    .addOption(marketOption())
    .addOption(new Option('--item <id>', 'the item').argParser(nonEmpty).makeOptionMandatory())
    .addOption(countOption())
    .addOption(jsonOption())
    .action((path, options) => runSimilar(context, path, options));
}

async function runSimilar(
  context: Context,
  path: string,
  { json, ...query }: { market: string; item: string; k: number; json?: boolean },
): Promise<void> {
  const recommender = await context.openRecommender(path);
  const items = recommender.similar(query);
  if (json) return write(formatJson(items));
  await write(
    formatTable(
      ['rank', 'item', 'score'],
      items.map(({ item, score }, i) => [String(i + 1), item, score.toFixed(5)]),
      [0, 1],
    ),
  );
}
