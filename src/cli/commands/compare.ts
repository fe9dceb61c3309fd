import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { ArgumentError } from '../../common/errors.ts';
import type { Markets } from '../../data/markets.ts';
import { evaluate } from '../../evaluate/evaluate.ts';
import { METRICS } from '../../evaluate/metrics.ts';
import { compareRanks, type MarketRanks, type PairedDifference } from '../../lab/compare-ranks.ts';
import { partOf } from '../../lab/ranks.ts';
import { metricTitle } from '../../lab/tables.ts';
import type { Context } from '../context.ts';
import { addDataOptions, type DataOptions, dataOption, takeDataOptions } from '../data-options.ts';
import { isTable, readRankTable, readTrialRanks } from '../lab/read-ranks.ts';
import { heldOutOption, jsonOption, nonEmpty, whole } from '../options.ts';
import { formatJson, formatPercent, formatTable, write } from '../output.ts';
import { readData } from '../read-data.ts';

interface CompareCommandOptions extends DataOptions {
  data?: string[];
  metric: string;
  k: number;
  protocol?: string;
  heldOut: string;
  negatives: number | 'all';
  seed: number;
  json?: boolean;
}

export function addCompare(program: Command, context: Context): void {
  const command = program
    .command('compare')
    .description('how much better b ranks than a, by market: difference, interval, p values, effect sizes')
    .argument('<a>', 'a model file, a table that `evaluate --per-user` wrote, or FOLDER:MODEL of an experiment')
    .argument('<b>', 'another of these')
    .addOption(dataOption('the data, where models are compared'))
    .addOption(
      new Option('--metric <name>', 'what to compare by').choices(METRICS.map(({ name }) => name)).default('mrr'),
    )
    .addOption(new Option('-k <n>', 'where the metric is cut').argParser(whole(1, 1_000_000)).default(10))
    .addOption(
      new Option(
        '--protocol <name>',
        'of models: clean (the default) or as-published; of an experiment: one of its protocols',
      ).argParser(nonEmpty),
    )
    .addOption(heldOutOption())
    .addOption(
      new Option('--negatives <n>', 'sampled items that models rank against, or "all"')
        .argParser((text) => (text === 'all' ? text : whole(1, 10_000_000)(text)))
        .default(999),
    )
    .addOption(
      new Option('--seed <n>', 'of the sampled items and of the bootstrap').argParser(whole(0, 0xffffffff)).default(0),
    )
    .addOption(jsonOption())
    .action((a, b, options) => runCompare(context, a, b, options));
  addDataOptions(command);
}

async function runCompare(context: Context, a: string, b: string, given: CompareCommandOptions): Promise<void> {
  const [reading, options] = takeDataOptions(given);
  const { data, metric, k, seed, json } = options;
  let markets: Markets | undefined;
  const open = async (side: string, path: string): Promise<MarketRanks[]> => {
    if (!isModel(path)) return readSide(context, path, options.protocol);
    if (data === undefined)
      throw ArgumentError.because('--data', `${side} is a model: give the data whose held-out rows are to be ranked`);
    markets ??= (await readData(context, data, reading)).markets;
    return rankBy(context, path, markets, options);
  };
  const first = await open('a', a);
  const second = await open('b', b);
  context.view.clear();
  const differences = compareRanks(first, second, { metric, k, seed });
  const left = first.filter(({ market }) => !differences.some((each) => each.market === market));
  if (left.length > 0)
    context.message(`warning: markets that both do not have, left out: ${left.map(({ market }) => market).join(', ')}`);
  const unpaired = differences.reduce((sum, each) => sum + each.unpaired, 0);
  if (unpaired > 0) context.message(`warning: ${unpaired} held-out rows that only one of the two ranked, left out`);
  if (json) return write(formatJson({ a, b, metric, k, markets: differences }));
  await write(tableOf(a, b, metricTitle(metric, k), differences));
}

/** A path of a model is none of the others. */
const isModel = (path: string) => existsSync(path) && !isTable(path);

/** FILE, FILE:MODEL of a table, or FOLDER:MODEL. */
async function readSide(context: Context, path: string, protocol: string | undefined): Promise<MarketRanks[]> {
  if (isTable(path)) return readRankTable(path, undefined, context.signal);
  const colon = path.lastIndexOf(':');
  const [where, model] = [path.slice(0, colon), path.slice(colon + 1)];
  if (colon > 0 && model !== '') {
    if (isTable(where)) return readRankTable(where, model, context.signal);
    if (existsSync(where)) return (await readTrialRanks(where, model, protocol)).ranks;
  }
  throw new ArgumentError('file', path, 'a model file, a table of ranks, or FOLDER:MODEL of an experiment');
}

async function rankBy(
  context: Context,
  path: string,
  markets: Markets,
  { heldOut, negatives, seed, protocol = 'clean' }: CompareCommandOptions,
): Promise<MarketRanks[]> {
  if (protocol !== 'clean' && protocol !== 'as-published')
    throw new ArgumentError('--protocol', protocol, 'clean, as-published');
  const recommender = await context.openRecommender(path);
  const found = await evaluate(recommender, markets, {
    ...context.job,
    ...{ heldOut, negatives, seed, protocol, perUser: true },
  });
  recommender.close();
  return found.markets.map(({ market, perUser }) => partOf(protocol, heldOut, market, perUser!));
}

function tableOf(a: string, b: string, title: string, differences: readonly PairedDifference[]): string {
  const signed = (value: number) => `${value < 0 ? '-' : '+'}${formatPercent(Math.abs(value))}`;
  const probability = (p: number) => (p < 0.0001 ? '<0.0001' : p.toFixed(4));
  const rows = differences.map(({ market, users, a: one, b: other, t, interval, wilcoxon, adjusted }) => [
    market,
    users,
    formatPercent(one),
    formatPercent(other),
    signed(t.mean),
    `${signed(interval[0])} to ${signed(interval[1])}`,
    probability(adjusted.t),
    probability(adjusted.wilcoxon),
    t.effect === undefined ? '' : t.effect.toFixed(3),
    wilcoxon.effect.toFixed(3),
  ]);
  const header = [
    'market',
    'users',
    'a',
    'b',
    'b - a',
    '95 % interval',
    't-test p',
    'Wilcoxon p',
    "Cohen's d",
    'rank-biserial',
  ];
  return `${title} in %, paired by user; a is ${a}, b is ${b}; p values corrected by Holm over the markets\n${formatTable(header, rows)}`;
}
