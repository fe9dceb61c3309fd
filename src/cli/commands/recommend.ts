import { type Command, Option } from 'commander';
import { ArgumentError } from '../../common/errors.ts';
import type { Recommender } from '../../models/recommender.ts';
import type { Contribution } from '../../recommend/query.ts';
import { addClusterOptions, onCluster } from '../cluster.ts';
import type { Context } from '../context.ts';
import { checkMarket, checkUser, describeUnknownItems } from '../hints.ts';
import { type Filter, filterOf, resolveFilter } from '../id-filter.ts';
import { resolveList } from '../id-lists.ts';
import { propertiesOption, shownProperties } from '../item-data.ts';
import { readIds } from '../lines.ts';
import { countOption, idLists, jsonOption, nonEmpty, outputOption, texts, threadsOption } from '../options.ts';
import { formatCount, formatJson, formatTable, write } from '../output.ts';
import { type RecommendAllOptions, recommendAll } from '../recommend-all.ts';

/** History items that `--explain` names for each result. */
const REASONS = 3;

interface FilterOptions {
  only?: string[];
  onlyFile?: string;
  without?: string[];
  withoutFile?: string;
}

interface RecommendCommandOptions extends FilterOptions, Omit<RecommendAllOptions, 'only' | 'without'> {
  user?: string;
  items?: string[];
  item?: string[];
  itemsFile?: string;
  all?: boolean;
  explain?: boolean;
  properties?: string[];
}

export function addRecommend(program: Command, context: Context): void {
  const command = program.command('recommend');
  command

    .description('recommend items to a user, known or unseen, or to all users into a file')
    .argument('<file>', 'the model file')
    .addOption(new Option('--market <name>', 'the market; with --all, the only one').argParser(nonEmpty))
    .addOption(new Option('--user <id>', 'a user of the training data').argParser(nonEmpty))
    .addOption(
      new Option('--items <a,b,c>', 'the history of an unseen user; quote an id with a comma: \'"a, b",c\'').argParser(
        idLists,
      ),
    )
    .addOption(
      new Option('--item <id>', 'one item of the history, commas included; may be given again').argParser(texts),
    )
    .addOption(
      new Option('--items-file <file>', 'a file with the history, an item on each line; - is stdin').argParser(
        nonEmpty,
      ),
    )
    .addOption(new Option('--all', 'for every user of the model, or of --market, on all threads'))
    .addOption(
      new Option(
        '--users <file>',
        'for these users: a file with an id, or market<TAB>id, on each line; - is stdin',
      ).argParser(nonEmpty),
    )
    .addOption(countOption())
    .addOption(new Option('--include-seen', 'also recommend items of the history'))
    .addOption(new Option('--only <ids>', 'only these items; may be given again').argParser(idLists))
    .addOption(new Option('--only-file <file>', 'only the items of this file, one on each line').argParser(nonEmpty))
    .addOption(new Option('--without <ids>', 'not these items; may be given again').argParser(idLists))
    .addOption(new Option('--without-file <file>', 'not the items of this file, one on each line').argParser(nonEmpty))
    .addOption(propertiesOption())
    .addOption(new Option('--explain', 'name the history items that contributed most'))
    .addOption(outputOption('with --all or --users: a file in .csv, .tsv, .jsonl or .parquet (CSV on stdout)'))
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action((path, options, command) => runRecommend(context, path, options, command));
  addClusterOptions(command);
}

async function runRecommend(
  context: Context,
  path: string,
  { user, items, item, itemsFile, all, explain, properties, ...rest }: RecommendCommandOptions,
  command: Command,
): Promise<void> {
  const batch = all || rest.users !== undefined;
  const subjects = [
    ['--user', user !== undefined],
    ['--items', items !== undefined || item !== undefined || itemsFile !== undefined],
    ['--all', batch],
  ] as const;
  const given = subjects.filter(([, there]) => there).map(([name]) => name);
  if (!batch && rest.market === undefined)
    command.error(
      `error: required option '--market <name>' not specified${given.length === 0 ? ", nor one of '--user <id>', '--items <a,b,c>' and '--all'" : ''}`,
    );
  if (given.length === 0)
    throw ArgumentError.because('--user, --items', 'give one of them: a user, or the items of a history, or --all');
  if (given.length > 1) throw ArgumentError.because(given.join(', '), 'give one of them, not both');
  const filters = {
    only: await filterOf(context, rest.only, rest.onlyFile),
    without: await filterOf(context, rest.without, rest.withoutFile),
  };
  if (batch) {
    if (explain) throw ArgumentError.because('--explain', 'explains the answer to one user: give --user or --items');
    if (properties)
      throw ArgumentError.because('--properties', 'is for --user and --items; a file for all users has ids alone');
    return recommendAll(context, path, { ...rest, ...filters });
  }
  if (onCluster(rest)) throw ArgumentError.because('--cluster', 'is for --all');
  if (rest.output !== undefined)
    throw ArgumentError.because('-o', 'is for --all and --users; the answer to one user goes to stdout');
  const file = itemsFile === undefined ? [] : await readIds(itemsFile, context.signal);
  const recommender = await context.openRecommender(path);
  const market = rest.market!;
  checkMarket(recommender, market);
  stateCost(context, recommender, market);
  const known = (id: string) => recommender.hasItem(market, id);
  const resolve = (filter: Filter | undefined) => filter && resolveFilter(filter, known);
  const history = [...(items ?? []).flatMap((text) => resolveList(text, known)), ...(item ?? []), ...file];
  if (user !== undefined) checkUser(recommender, market, user);
  const only = resolve(filters.only);
  const without = resolve(filters.without);
  const result = recommender.recommend({
    market,
    ...(user === undefined ? { items: history } : { user }),
    k: rest.k,
    includeSeen: rest.includeSeen,
    only,
    without,
    explain: explain ? REASONS : false,
  });
  warnOfUnknown(context, recommender, market, [...result.unknownItems, ...(only ?? []), ...(without ?? [])]);
  if (result.items.length === 0)
    context.message('no item is left to recommend: the filters and the history leave none');
  else if (result.fallback)
    context.message('this history tells the model nothing: the most popular items of the market follow');
  const shown = shownProperties(recommender, properties);
  if (rest.json) return write(formatJson({ ...result, items: result.items.map(shown.with) }));
  const reasons = (because: Contribution[] = []) =>
    because
      .filter(({ contribution }) => contribution > 0)
      .map(({ item, contribution }) => `${item} (${contribution.toFixed(4)})`)
      .join(', ');
  // Scores by popularity are counts.
  const format = (score: number) => (result.fallback ? formatCount(score) : score.toFixed(5));
  // Items that nobody in the market has bought: which markets have.
  const elsewhere = result.items.some(({ boughtIn }) => boughtIn !== undefined);
  const table = result.items.map(({ item, score, boughtIn, because }, i) => [
    String(i + 1),
    item,
    boughtIn?.length === 0 ? '–' : format(score),
    ...shown.cells(item),
    ...(elsewhere
      ? [boughtIn === undefined ? '' : boughtIn.length === 0 ? 'nobody yet' : `from ${boughtIn.join(', ')}`]
      : []),
    ...(explain ? [reasons(because)] : []),
  ]);
  const further = [...shown.names, ...(elsewhere ? ['known'] : []), ...(explain ? ['because of'] : [])];
  await write(
    formatTable(['rank', 'item', 'score', ...further], table, [0, 1, ...further.map((_, column) => 3 + column)]),
  );
}

/** Says what an answer costs where every item takes a network. */
function stateCost(context: Context, { model, scorer }: Recommender, market: string): void {
  const number = model.markets.findIndex(({ name }) => name === market);
  const cost = scorer.cost?.(number);
  if (cost !== undefined)
    context.message(
      `${model.kind} computes a network for each of ${formatCount(model.markets[number].items.length)} items: ${formatCount(Math.round(cost / 1e6))} million multiplications a user`,
    );
}

function warnOfUnknown(context: Context, recommender: Recommender, market: string, items: readonly string[]): void {
  const unknown = items.filter((item) => !recommender.hasItem(market, item));
  if (unknown.length > 0) context.message(`warning: ${describeUnknownItems(recommender, market, unknown)}`);
}
