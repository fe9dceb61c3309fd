import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { type Command, Option } from 'commander';
import { AbortedError, ArgumentError, M3RecError } from '../../common/errors.ts';
import { marketFiles } from '../../data/market-files.ts';
import { type MarketSplit, type SplitMethod, splitMarkets } from '../../data/split.ts';
import { type ListOfFiles, OutputFolder } from '../../node/output-folder.ts';
import type { Context } from '../context.ts';
import { addDataOptions, DATA_ARGUMENT, type DataOptions, takeDataOptions } from '../data-options.ts';
import { jsonOption, nonEmpty, number, whole } from '../options.ts';
import { formatCount, formatCounted, formatJson, formatTable, write } from '../output.ts';
import { readData } from '../read-data.ts';

interface SplitCommandOptions extends DataOptions {
  output: string;
  last?: boolean;
  leaveOneOut?: boolean;
  before?: string[];
  ratio?: number[];
  test?: boolean;
  minUser?: number;
  minItem?: number;
  seed?: number;
  keepCold?: boolean;
  merge?: boolean;
  json?: boolean;
}

/** The manifest of a split, which says what may be replaced by the next. */
const MANIFEST: ListOfFiles = {
  name: 'split.json',
  filesOf: (text) => {
    try {
      const { tool, files } = JSON.parse(text) as { tool?: unknown; files?: { path: string }[] };
      return tool === 'm3rec split' ? files?.map(({ path }) => path) : undefined;
    } catch {
      return undefined;
    }
  },
};

const list =
  <T>(parse: (text: string) => T) =>
  (text: string): T[] =>
    text.split(',').map((part) => parse(part.trim()));

export function addSplit(program: Command, context: Context): void {
  const command = program
    .command('split')
    .description('training rows and held-out rows of each market, into a folder that every command reads')
    .argument('<data...>', DATA_ARGUMENT)
    .requiredOption('-o, --output <folder>', 'the folder, with train.csv and valid.csv for each market', nonEmpty)
    .addOption(new Option('--last', "hold out each user's last interaction"))
    .addOption(new Option('--leave-one-out', "hold out one of each user's interactions at random"))
    .addOption(
      new Option(
        '--before <time,...>',
        'hold out what is not before the time, as 2024-12-01; from a second time on as test',
      ).argParser(list(nonEmpty)),
    )
    .addOption(
      new Option(
        '--ratio <share,...>',
        'hold out each interaction with this probability, as 0.1; a second for test',
      ).argParser(list(number({ min: 0, max: 1 }))),
    )
    .addOption(new Option('--test', 'with --last and --leave-one-out: a test row of each user too'))
    .addOption(
      new Option('--min-user <n>', 'leave out users with fewer interactions, again and again (k-core)').argParser(
        whole(1, 1_000_000_000),
      ),
    )
    .addOption(
      new Option('--min-item <n>', 'leave out items with fewer interactions in the market').argParser(
        whole(1, 1_000_000_000),
      ),
    )
    .addOption(new Option('--seed <n>', 'of what is drawn').argParser(whole(0, 0xffffffff)).default(0))
    .addOption(new Option('--keep-cold', 'hold out rows, too, whose user or item has no training row'))
    .addOption(new Option('--merge', 'split held-out rows of the data again, as if they were training rows'))
    .addOption(jsonOption())
    .action((paths, options) => runSplit(context, paths, options));
  addDataOptions(command);
}

async function runSplit(context: Context, paths: readonly string[], given: SplitCommandOptions): Promise<void> {
  const [rows, options] = takeDataOptions(given);
  const { output, json, last, leaveOneOut, before, ratio, ...rest } = options;
  const method = methodOf({ last, 'leave-one-out': leaveOneOut, before, ratio });
  await refuseInside(output, paths);
  const folder = await OutputFolder.create(output, MANIFEST);
  try {
    const timed = method === 'last' || method === 'before';
    const { markets: read } = await readData(context, paths, rows, {
      times: timed && 'first',
      trainingOnly: rest.merge,
    });
    const { markets, report } = await splitMarkets(read, { ...context.job, ...rest, method, before, ratio });
    const files: { path: string; rows: number; sha256: string }[] = [];
    for (const { path, rows, pieces } of marketFiles(markets)) {
      const hash = createHash('sha256');
      await folder.write(path, pieces(), async (piece) => {
        if (context.signal.aborted) throw new AbortedError('stopped');
        hash.update(piece);
      });
      files.push({ path, rows, sha256: hash.digest('hex') });
    }
    const filters = Object.keys(rows).length > 0 && { rows: definedOf(rows) };
    const manifest = { tool: 'm3rec split', data: paths, ...filters, ...report, files };
    await folder.write(MANIFEST.name, [formatJson(manifest)], async () => {});
    if (context.signal.aborted) throw new AbortedError('stopped');
    await folder.commit();
    context.view.clear();
    if (json) await write(formatJson(manifest));
    else await write(tableOf(report.markets));
    for (const line of remarksOn(report.markets)) context.message(line);
    context.message(`wrote ${output}: ${formatCounted(files.length, 'file')} and ${MANIFEST.name}`);
  } finally {
    await folder.close();
  }
}

/** Without --no-header commander says true, where nothing was said. */
function definedOf({ header, ...rows }: DataOptions): DataOptions {
  return header === false ? { ...rows, header } : rows;
}

/** @throws ArgumentError unless one of them is given. */
function methodOf(methods: Record<SplitMethod, unknown>): SplitMethod {
  const given = (Object.keys(methods) as SplitMethod[]).filter((name) => methods[name] !== undefined);
  if (given.length === 1) return given[0];
  const names = Object.keys(methods).map((name) => `--${name}`);
  throw ArgumentError.because(
    given.length === 0 ? names.join(', ') : given.map((name) => `--${name}`).join(', '),
    'give one of them',
  );
}

/**
 * @throws M3RecError where rows of the split would be read with the data the next time, or the data would be replaced.
 */
async function refuseInside(output: string, paths: readonly string[]): Promise<void> {
  const real = (path: string) => realpath(path).catch(() => resolve(path));
  const parent = await real(dirname(resolve(output)));
  const target = await real(join(parent, basename(resolve(output))));
  for (const path of paths) {
    const data = await real(path);
    if (target === data || target.startsWith(data + sep) || data.startsWith(target + sep))
      throw new M3RecError(`${output}: lies in the data, or the data in it (${path}); give a folder next to it`);
  }
}

function tableOf(markets: readonly MarketSplit[]): string {
  const test = markets.some((market) => market.test);
  const rows = markets.map(({ market, given, core, train, valid, test: testing }) => [
    market,
    formatCount(given.interactions),
    formatCount(core.interactions),
    formatCount(train.users),
    formatCount(train.items),
    formatCount(train.interactions),
    formatCount(valid.interactions),
    ...(test ? [formatCount(testing?.interactions ?? 0)] : []),
  ]);
  const header = [
    'market',
    'interactions',
    'in the core',
    'users',
    'items',
    'train',
    'valid',
    ...(test ? ['test'] : []),
  ];
  return formatTable(header, rows);
}

/** What a person should know of how rows were held out, in one line for each kind. */
function remarksOn(markets: readonly MarketSplit[]): string[] {
  const sum = (count: (market: MarketSplit) => number | undefined) =>
    markets.reduce((total, market) => total + (count(market) ?? 0), 0);
  const remarks: [count: number, what: string, then: string][] = [
    [sum(({ shortUsers }) => shortUsers), 'user', 'with too few interactions to hold one out'],
    [sum(({ tiedUsers }) => tiedUsers), 'user', 'with several interactions at the same last time: the seed chose'],
    [sum(({ returned }) => returned), 'row', 'kept in training, without which their item or user would have none'],
    [sum(({ coldUserRows }) => coldUserRows), 'row', 'in no file, of users without a training row (--keep-cold)'],
    [sum(({ coldItemRows }) => coldItemRows), 'row', 'in no file, of items without a training row (--keep-cold)'],
    [sum(({ laterRows }) => laterRows), 'training row', 'later than the first held-out row (--before has none)'],
  ];
  const empty = markets.filter(({ valid, test }) => valid.interactions + (test?.interactions ?? 0) === 0);
  return [
    ...remarks.filter(([count]) => count > 0).map(([count, what, then]) => `${formatCounted(count, what)} ${then}`),
    ...(empty.length > 0 ? [`warning: no row is held out of ${empty.map(({ market }) => market).join(', ')}`] : []),
  ];
}
