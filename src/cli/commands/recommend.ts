import { type Command, Option } from 'commander';
import { ArgumentError } from '../../common/errors.ts';
import type { Contribution } from '../../recommend/recommender.ts';
import type { Context } from '../context.ts';
import { countOption, ids, jsonOption, marketOption, nonEmpty } from '../options.ts';
import { formatCount, formatJson, formatTable, write } from '../output.ts';

/** History items that `--explain` names for each result. */
const REASONS = 3;

interface RecommendCommandOptions {
  market: string;
  user?: string;
  items?: string[];
  k: number;
  includeSeen?: boolean;
  only?: string[];
  without?: string[];
  explain?: boolean;
  json?: boolean;
}

export function addRecommend(program: Command, context: Context): void {
  program
    .command('recommend')
    .description('the best items for a user, known or unseen')
    .argument('<file>', 'the model file')
    .addOption(marketOption())
    .addOption(new Option('--user <id>', 'a user of the training data').argParser(nonEmpty))
    .addOption(new Option('--items <a,b,c>', 'the history of an unseen user').argParser(ids))
    .addOption(countOption())
    .addOption(new Option('--include-seen', 'also items that the user has had'))
    .addOption(new Option('--only <ids>', 'only these items').argParser(ids))
    .addOption(new Option('--without <ids>', 'not these items').argParser(ids))
    .addOption(new Option('--explain', 'name the history items that contributed most'))
    .addOption(jsonOption())
    .action((path, options) => runRecommend(context, path, options));
}

async function runRecommend(
  context: Context,
  path: string,
  { json, user, items, explain, ...rest }: RecommendCommandOptions,
): Promise<void> {
  if ((user === undefined) === (items === undefined))
    throw ArgumentError.because(
      '--user, --items',
      user === undefined ? 'give one of them: a user, or the items of a history' : 'give one of them, not both',
    );
  const query = { ...rest, ...(user === undefined ? { items: items! } : { user }), explain: explain ? REASONS : false };
  const recommender = await context.openRecommender(path);
  const result = recommender.recommend(query);
  const unknown = [
    ...result.unknownItems,
    ...[...(rest.only ?? []), ...(rest.without ?? [])].filter((item) => !recommender.hasItem(rest.market, item)),
  ];
  if (unknown.length > 0)
    context.message(`warning: items that market ${rest.market} does not know: ${unknown.join(', ')}`);
  if (result.items.length === 0) context.message('no item is left to recommend');
  else if (result.fallback)
    context.message('this history tells the model nothing: the most popular items of the market follow');
  if (json) return write(formatJson(result));
  const reasons = (because: Contribution[] = []) =>
    because
      .filter(({ contribution }) => contribution > 0)
      .map(({ item, contribution }) => `${item} (${contribution.toFixed(4)})`)
      .join(', ');
  // Popularity is a count.
  const format = (score: number) => (result.fallback ? formatCount(score) : score.toFixed(5));
  const table = result.items.map(({ item, score, because }, i) => [
    String(i + 1),
    item,
    format(score),
    ...(explain ? [reasons(because)] : []),
  ]);
  await write(formatTable(['rank', 'item', 'score', ...(explain ? ['because of'] : [])], table, [0, 1, 3]));
}
