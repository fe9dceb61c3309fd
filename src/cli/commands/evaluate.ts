import { type Command, Option } from 'commander';
import { type PlanEvaluateOptions, planEvaluate } from '../../cluster/plans/evaluate.ts';
import { ArgumentError } from '../../common/errors.ts';
import type { Markets } from '../../data/markets.ts';
import { compare, type Difference, meanDifference } from '../../evaluate/compare.ts';
import { type Evaluation, evaluate, type MarketEvaluation } from '../../evaluate/evaluate.ts';
import { GROUPINGS, type GroupingName } from '../../evaluate/groups.ts';
import { readBytes } from '../../node/files.ts';
import type { TableKind } from '../../node/table-kind.ts';
import { addClusterOptions, type ClusterOptions, onCluster, runOnCluster } from '../cluster.ts';
import type { Context } from '../context.ts';
import { addDataOptions, type DataOptions, dataOption, takeDataOptions } from '../data-options.ts';
import { candidatesOf, type Evaluated, intervalTable, leading, listsProtocol, listTable } from '../evaluate-more.ts';
import { heldOutOption, jsonOption, nonEmpty, threadsOption, whole, wholes } from '../options.ts';
import { formatCount, formatCounted, formatJson, formatPercent, formatTable, write } from '../output.ts';
import { readData } from '../read-data.ts';
import { runScarce, SHOWN, sharesOf, shown } from '../scarce.ts';
import { openTable, tableFile } from '../tables.ts';

const RANKS: TableKind = {
  name: 'ranks',
  columns: [
    { name: 'model', type: 'text' },
    { name: 'market', type: 'text' },
    { name: 'userId', type: 'text' },
    { name: 'itemId', type: 'text' },
    { name: 'rank', type: 'score' },
    { name: 'candidates', type: 'integer' },
  ],
};

interface EvaluateCommandOptions extends DataOptions, ClusterOptions {
  data: string[];
  heldOut: string;
  protocol: 'clean' | 'as-published';
  negatives: number | 'all';
  seed?: number;
  k: number[];
  repeat?: boolean;
  by?: GroupingName;
  intervals?: boolean;
  lists?: number;
  candidates?: Record<string, string>;
  perUser?: string;
  scarce?: number[];
  threads?: number;
  json?: boolean;
}

export function addEvaluate(program: Command, context: Context): void {
  const command = program
    .command('evaluate')
    .description('MRR, NDCG and HR per market on held-out rows, of one model or several compared')
    .argument('<file...>', 'the model files; the others are compared with the first')
    .addOption(dataOption('the data').makeOptionMandatory());
  addEvaluateSettings(command);
  command
    .addOption(
      new Option(
        '--by <what>',
        'also by group: shared or own items of a market; head, tail or cold items; length of the history',
      ).choices(GROUPINGS),
    )
    .addOption(new Option('--intervals', 'also the 95 % interval of each metric, by a bootstrap over users'))
    .addOption(
      new Option(
        '--lists <n>',
        'also coverage, popularity and Gini of what this many users of each market are recommended',
      ).argParser(whole(1, 1_000_000_000)),
    )
    .addOption(
      new Option(
        '--candidates <market=file>',
        'rank against the items of a run file (user<TAB>item,item,…), not sampled ones; once for each market',
      ).argParser(candidatesOf),
    )
    .addOption(
      new Option(
        '--per-user <file>',
        'write the rank of each held-out row to FILE.csv, .tsv, .jsonl or .parquet',
      ).argParser(nonEmpty),
    )
    .addOption(
      new Option(
        '--scarce <a,...>',
        'train again as each model was, with these shares of a market’s users and all of the others, as 0,0.03,0.1,1; 0 is a new market',
      ).argParser(sharesOf),
    )
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action((paths, options) => runEvaluate(context, paths, options));
  addDataOptions(command);
  addClusterOptions(command);
}

/** The options that ranks and means depend on. */
export function addEvaluateSettings(command: Command): void {
  command
    .addOption(heldOutOption())
    .addOption(
      new Option(
        '--protocol <name>',
        'clean: the user’s items are never negatives; as-published: any item but the held-out one may be',
      )
        .choices(['clean', 'as-published'])
        .default('clean'),
    )
    .addOption(
      new Option('--negatives <n>', 'sampled items to rank against, or "all"')
        .argParser((text) => (text === 'all' ? text : whole(1, 10_000_000)(text)))
        .default(999),
    )
    .addOption(
      new Option('--seed <n>', 'seed of the sampled items; the same seed gives the same result')
        .argParser(whole(0, 0xffffffff))
        .default(0),
    )
    .addOption(
      new Option('-k <n,...>', 'cut-off of the metrics, or several, separated by commas')
        .argParser(wholes(1, 1_000_000))
        .default([10], '10'),
    )
    .addOption(
      new Option(
        '--repeat',
        'for customers who buy again: also rank held-out rows that are training rows, and against the user’s items too',
      ),
    );
}

async function runEvaluate(context: Context, paths: string[], given: EvaluateCommandOptions): Promise<void> {
  const [reading, { data, json, by, perUser, scarce, threads, cluster, store, insecure, verify, ...others }] =
    takeDataOptions(given);
  const { candidates, ...rest } = others;
  const machines = { cluster, store, insecure, verify };
  const more = [candidates, rest.intervals, rest.lists];
  if (scarce && onCluster(machines)) throw ArgumentError.because('--cluster', 'is not for --scarce');
  if (more.some((other) => other !== undefined) && onCluster(machines))
    throw ArgumentError.because('--cluster', 'is not for --intervals, --lists and --candidates');
  if (scarce && [by, perUser, ...more].some((other) => other !== undefined))
    throw ArgumentError.because(
      '--scarce',
      'it has tables of its own; leave out --by, --intervals, --lists, --candidates and --per-user',
    );
  if (candidates && (rest.protocol !== 'clean' || rest.negatives !== 999))
    throw ArgumentError.because('--candidates', 'it says what to rank against; leave out --protocol and --negatives');
  if (!scarce && threads !== undefined) throw ArgumentError.because('--threads', 'only --scarce trains; leave it out');
  const twice = paths.find((path, i) => paths.indexOf(path) < i);
  if (twice !== undefined) throw ArgumentError.because('file', `${JSON.stringify(twice)} is given twice`);
  const ranks =
    perUser === undefined ? undefined : await context.openResult(perUser, tableFile('--per-user', perUser, RANKS));
  const { markets: rows } = await readData(context, data, reading);
  if (scarce) return runScarce(context, paths, rows, { ...rest, shares: scarce }, threads, json);
  const options = candidates ? { ...rest, protocol: await listsProtocol(context, candidates, rows) } : rest;
  const common = await commonMarkets(context, paths, rows, options.heldOut);
  // of markets without lists nothing is asked
  const known = candidates
    ? (common ?? rows.markets.map(({ name }) => name)).filter((name) => candidates[name])
    : common;
  const all: Evaluated[] = [];
  for (const model of paths) {
    const job = { ...context.job, ...options, markets: known, perUser: true };
    const result = onCluster(machines)
      ? await evaluateOnCluster(context, machines, model, rows, { ...rest, markets: known })
      : await evaluate(await context.openRecommender(model), rows, job);
    context.view.clear();
    warn(context, data.join(', '), paths.length > 1 ? `${model}: ` : '', result);
    all.push({ model, result });
  }
  if (ranks) {
    const table = await openTable(ranks, RANKS);
    for (const { model, result } of all)
      for (const { market, perUser = [] } of result.markets)
        await table.write([
          perUser.map(() => model),
          perUser.map(() => market),
          perUser.map(({ user }) => user),
          perUser.map(({ item }) => item),
          perUser.map(({ rank }) => rank),
          perUser.map(({ candidates }) => candidates),
        ]);
    await table.finish();
    await ranks.commit();
  }
  const differences = all.slice(1).map(({ model, result }) => ({ model, ...compareAll(all[0].result, result) }));
  if (json) {
    const printed = all.map(({ model, result }) => ({
      model,
      ...result,
      markets: result.markets.map(({ perUser, ...market }) => market),
    }));
    const { model, ...single } = printed[0];
    return write(formatJson(all.length === 1 ? single : { models: printed, differencesFrom: model, differences }));
  }
  const tables = [evaluationTable(all)];
  if (by) tables.push(groupTable(all, by));
  if (rest.intervals) tables.push(intervalTable(all));
  if (rest.lists) tables.push(listTable(all));
  if (differences.length > 0) tables.push(differenceTable(paths[0], differences));
  await write(tables.join('\n'));
}

/** The same evaluation, by the machines of a cluster. */
async function evaluateOnCluster(
  context: Context,
  machines: ClusterOptions,
  path: string,
  rows: Markets,
  options: PlanEvaluateOptions,
): Promise<Evaluation> {
  const model = await readBytes(path, context.signal);
  const found = await runOnCluster(context, machines, (store) =>
    planEvaluate(store, model, rows, options, context.version),
  );
  return JSON.parse(new TextDecoder().decode(found));
}

/**
 * The markets with held-out rows that all models have. Undefined means all: a single model reports itself which it
 * lacks.
 */
async function commonMarkets(context: Context, paths: string[], rows: Markets, heldOut: string) {
  if (paths.length === 1) return undefined;
  const names: string[][] = [];
  for (const path of paths) names.push((await context.openRecommender(path)).markets);
  const chosen = rows.markets.filter((market) => (market.heldOut[heldOut] ?? []).length > 0).map(({ name }) => name);
  const common = chosen.filter((name) => names.every((each) => each.includes(name)));
  if (common.length === 0 && chosen.length > 0)
    throw ArgumentError.because(
      'file',
      'the models have no market with held-out rows in common: give models of the same markets',
    );
  const left = chosen.filter((name) => !common.includes(name));
  if (left.length > 0)
    context.message(
      `warning: ${formatCounted(left.length, 'market')} that not all models have, left out: ${left.join(', ')}`,
    );
  return chosen.length > 0 ? common : undefined;
}

function warn(
  context: Context,
  data: string,
  prefix: string,
  { heldOut, unknownMarkets, ...result }: Evaluation,
): void {
  if (unknownMarkets.length > 0)
    context.message(
      `warning: ${prefix}${formatCounted(unknownMarkets.length, 'market')} that the model does not have, left out: ${unknownMarkets.join(', ')}`,
    );
  const rows = (count: number) => formatCounted(count, `${heldOut} row`);
  const about = (market: string, text: string) =>
    context.message(`warning: ${prefix}${data}: market ${market}: ${text}`);
  for (const { market, leakedRows, trainedRows } of [...result.markets, ...result.emptyMarkets]) {
    if (leakedRows > 0 && !result.repeat)
      about(
        market,
        `${rows(leakedRows)} that are training rows too, left out; hold other rows out, or, where customers buy again, use --repeat`,
      );
    if (trainedRows > 0)
      about(
        market,
        `${rows(trainedRows)} that the model was trained on, left out; train it on the training rows alone`,
      );
  }
  for (const { market, repeatedRows } of result.markets)
    if (repeatedRows > 0) about(market, `${rows(repeatedRows)} given twice, counted once`);
  for (const { market } of result.emptyMarkets) about(market, `no ${heldOut} row is left to rank`);
}

function evaluationTable(all: Evaluated[]): string {
  const { names, metrics, cells, left } = leading(all);
  const rows = all.flatMap(({ model, result }) => [
    ...result.markets.flatMap((market) =>
      market.cutoffs.map((cutoff) => [...cells(model, market.market, cutoff.k), ...shown(cutoff), ...counts(market)]),
    ),
    ...result.cutoffs.map((cutoff) => [...cells(model, 'mean', cutoff.k), ...shown(cutoff), '', '', '', '', '']),
  ]);
  const header = [...names, ...metrics, 'rows', 'users', 'ranked', 'cold items', 'unknown users'];
  return formatTable(header, rows, left);
}

const counts = ({ rows, users, candidates, coldItems, unknownUsers }: MarketEvaluation) => [
  formatCount(rows),
  formatCount(users),
  candidates.least === candidates.most
    ? formatCount(candidates.most)
    : `${formatCount(candidates.least)}-${formatCount(candidates.most)}`,
  formatCount(coldItems),
  formatCount(unknownUsers),
];

function groupTable(all: Evaluated[], by: GroupingName): string {
  const { names, metrics, cells, left } = leading(all);
  const rows = all.flatMap(({ model, result }) =>
    result.markets.flatMap(({ market, groups }) =>
      groups
        .filter((group) => group.by === by)
        .flatMap((group) =>
          group.cutoffs.map((cutoff) => [
            ...cells(model, market, cutoff.k),
            group.group,
            ...shown(cutoff),
            formatCount(group.rows),
            formatCount(group.users),
          ]),
        ),
    ),
  );
  const header = [...names, by, ...metrics, 'rows', 'users'];
  return formatTable(header, rows, [...left, names.length]);
}

function compareAll(first: Evaluation, other: Evaluation) {
  const cutoffs = first.ks.map((k) => ({
    k,
    metrics: SHOWN.map((metric) => {
      const markets = compare(first, other, { metric, k });
      return { metric, markets, mean: meanDifference(markets) };
    }),
  }));
  return { cutoffs };
}

function differenceTable(first: string, differences: ({ model: string } & ReturnType<typeof compareAll>)[]): string {
  const rows = differences.flatMap(({ model, cutoffs }) =>
    cutoffs.flatMap(({ k, metrics }) => {
      const cells = (market: string, of: (metric: (typeof metrics)[number]) => Difference) => [
        model,
        market,
        String(k),
        ...metrics.flatMap((metric) => {
          const { difference, standardError, t } = of(metric);
          return [signed(difference), formatPercent(standardError), t === undefined ? '' : t.toFixed(1)];
        }),
      ];
      const markets = metrics[0].markets.map(({ market }, m) => cells(market, (metric) => metric.markets[m]));
      return [...markets, cells('mean', ({ mean }) => mean)];
    }),
  );
  const header = [`minus ${first}`, 'market', 'k', ...SHOWN.flatMap((name) => [`${name.toUpperCase()} %`, '±', 't'])];
  return formatTable(header, rows, [0, 1]);
}

const signed = (share: number) => `${share > 0 ? '+' : ''}${formatPercent(share)}`;
