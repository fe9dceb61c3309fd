#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { AbortedError, ArgumentError, DataError, M3RecError, ModelFileError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import type { Markets } from '../data/markets.ts';
import type { DataWarning } from '../data/read-markets.ts';
import { computeStats, type MarketStats } from '../data/stats.ts';
import { formatBytes } from '../engine/memory.ts';
import { evaluate, type Metrics } from '../evaluate/evaluate.ts';
import { exportModel } from '../model/export.ts';
import { decodeModel, encodeModel, inspectModel, type ModelInfo } from '../model/file.ts';
import type { Model } from '../model/model.ts';
import { TABLE_TYPES, type TableType } from '../model/table.ts';
import {
  checkWritable,
  nodeWorkers,
  readBytes,
  readDirectory,
  relaxedKernels,
  writeFileAtomically,
} from '../node/files.ts';
import { type Contribution, loadModel, type Recommender } from '../recommend/recommender.ts';
import { createHandler } from '../serve/handler.ts';
import { type Availability, MAX_THREADS } from '../threads/pool.ts';
import { RANGES, type Range, resolveOptions, type TrainOptions } from '../train/options.ts';
import { train } from '../train/train.ts';
import { update } from '../train/update.ts';
import { fileParts } from './file-parts.ts';
import { serveHttp } from './http.ts';
import {
  formatCount,
  formatCounted,
  formatJson,
  formatPercent,
  formatTable,
  quietOnClosedPipe,
  write,
} from './output.ts';
import { ProgressView } from './progress.ts';
import { readRun } from './run-file.ts';
import { StageTable } from './stage-table.ts';

const FAILED = 1;
const WRONG_USAGE = 2;
const INTERRUPTED = 130;
/** History items that `--explain` names for each result. */
const REASONS = 3;

const view = new ProgressView();
const controller = new AbortController();
const { signal } = controller;
const job = { signal, onProgress: view.onProgress };

function message(text: string): void {
  view.clear();
  process.stderr.write(`m3rec: ${printable(text)}\n`);
}

// --- option values -----------------------------------------------------------------------------------------------

function number({ min, max, whole: integer, multipleOf = 1 }: Range): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= min && value <= max) || (integer && value % multipleOf !== 0)) {
      const kind = multipleOf > 1 ? `multiple of ${multipleOf}` : integer ? 'whole number' : 'number';
      throw new InvalidArgumentError(`Expected a ${kind} from ${min} to ${max}.`);
    }
    return value;
  };
}

const whole = (min: number, max: number) => number({ min, max, whole: true });

/** An option of `train`, with its range and the value that each preset gives it. */
function setting(name: keyof typeof RANGES, flags: string, description: string): Option {
  const value = resolveOptions()[name];
  const paper = resolveOptions({ preset: 'paper' })[name];
  return new Option(
    flags,
    `${description} (default: ${value}${paper === value ? '' : `; preset paper: ${paper}`})`,
  ).argParser(number(RANGES[name]));
}

/** Ids with commas between them; none in an empty text. */
function ids(text: string): string[] {
  if (text === '') return [];
  const list = text.split(',').map((id) => id.trim());
  if (list.includes('')) throw new InvalidArgumentError('Expected ids with commas between them.');
  return list;
}

function nonEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected some text.');
  return text;
}

const jsonOption = () => new Option('--json', 'print JSON instead of a table');
const marketOption = () => new Option('--market <name>', 'the market').argParser(nonEmpty).makeOptionMandatory();
const countOption = () => new Option('-k <n>', 'how many').argParser(whole(1, 1_000_000)).default(10);
const minRatingOption = () =>
  new Option('--min-rating <r>', 'leave out rows with a lower rating').argParser(number({ min: -1e9, max: 1e9 }));
const threadsOption = () =>
  new Option('--threads <n>', 'threads to run on; the result is the same (default: one for each core)').argParser(
    whole(1, MAX_THREADS),
  );
const marketsOption = () => new Option('--markets <a,b>', 'use these markets only').argParser(ids);

const relaxedOption = () =>
  new Option('--relaxed', 'relaxed SIMD: faster, but the bytes of the file depend on the processor');

/** The options of a job that may run on several threads, with relaxed SIMD or without. */
const onThreads = async (threads: number | undefined, relaxed: boolean | undefined) => ({
  threads,
  ...(relaxed ? await relaxedKernels() : { workers: nodeWorkers }),
  onThreads: ({ threads: running, reason }: Availability) =>
    message(running === 1 ? `1 thread: ${reason}` : `${running} threads`),
});

// --- data and models ---------------------------------------------------------------------------------------------

interface DataOptions {
  minRating?: number;
  markets?: string[];
}

/** Where a command reads no held-out rows, warnings about them would mislead. */
const HELD_OUT_WARNINGS: readonly DataWarning['kind'][] = ['cold-item', 'unknown-user'];

async function readData(
  path: string,
  { minRating, markets, trainingOnly }: DataOptions & { trainingOnly?: boolean },
  onWarning?: (warning: DataWarning) => void,
): Promise<Markets> {
  const data = await readDirectory(path, {
    ...job,
    minRating,
    markets,
    onWarning: (warning) => {
      if (trainingOnly && HELD_OUT_WARNINGS.includes(warning.kind)) return;
      message(`warning: ${warning.file}: ${warning.message}`);
      onWarning?.(warning);
    },
  });
  view.clear();
  return data;
}

/** A bad model file is named by its path. */
async function openModel<T>(path: string, open: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
  const bytes = await readBytes(path);
  try {
    return await open(bytes);
  } catch (error) {
    if (error instanceof ModelFileError) throw new ModelFileError(`${path}: ${error.message}`);
    throw error;
  }
}

const openRecommender = (path: string): Promise<Recommender> => openModel(path, (bytes) => loadModel(bytes));

/** Before the long work, not after it: can a file be written there? */
async function checkOutput(path: string): Promise<void> {
  const folder = dirname(path);
  const kind = await stat(folder).catch(() => undefined);
  if (!kind?.isDirectory()) throw new DataError(path, undefined, `no folder ${folder}`);
  if ((await stat(path).catch(() => undefined))?.isDirectory())
    throw new DataError(path, undefined, 'this is a folder');
  await checkWritable(path);
}

// --- commands ----------------------------------------------------------------------------------------------------

async function statsCommand(path: string, options: DataOptions & { json?: boolean }): Promise<void> {
  const duplicates = new Map<string, number>();
  const data = await readData(path, options, ({ kind, market, count }) => {
    if (kind === 'duplicate' && market !== undefined) duplicates.set(market, count);
  });
  const { markets, merged } = computeStats(data);
  const withRead = markets.map((market) => ({
    ...market,
    rowsRead: market.rows + (duplicates.get(market.market) ?? 0),
  }));
  const total = { ...merged, rowsRead: withRead.reduce((sum, market) => sum + market.rowsRead, 0) };
  if (options.json) return write(formatJson({ markets: withRead, merged: total }));
  const splits = Object.keys(merged.heldOut);
  const row = (name: string, s: MarketStats & { rowsRead: number }) => [
    name,
    formatCount(s.users),
    formatCount(s.items),
    formatCount(s.rowsRead),
    formatCount(s.rows),
    formatPercent(s.sharedShare, 1),
    formatPercent(s.density, 3),
    ...splits.map((split) => formatCount(s.heldOut[split] ?? 0)),
  ];
  const table = [...withRead.map((market) => row(market.market, market)), row('merged', total)];
  await write(
    formatTable(['market', 'users', 'items', 'rows', 'unique rows', 'shared %', 'density %', ...splits], table),
  );
}

interface TrainCommandOptions extends DataOptions, TrainOptions {
  output: string;
  updatable?: boolean;
  threads?: number;
  relaxed?: boolean;
  json?: boolean;
}

async function trainCommand(
  path: string,
  { output, json, minRating, markets, updatable, threads, relaxed, ...hyper }: TrainCommandOptions,
): Promise<void> {
  resolveOptions(hyper);
  await checkOutput(output);
  const how = await onThreads(threads, relaxed);
  const data = await readData(path, { minRating, markets });
  const table = new StageTable(view, json);
  const bytes = await save(
    output,
    await train(data, { ...job, ...how, ...hyper, updatable, onStage: table.onStage, onNote: message }),
  );
  await table.finish({ file: output, bytes });
  message(`wrote ${output}: ${formatBytes(bytes)}`);
}

/** The size of the file written. */
async function save(path: string, model: Model): Promise<number> {
  const bytes = encodeModel(model);
  if (signal.aborted) throw new AbortedError('stopped');
  await writeFileAtomically(path, bytes);
  return bytes.length;
}

interface UpdateCommandOptions extends DataOptions {
  data: string;
  output: string;
  threads?: number;
  relaxed?: boolean;
  json?: boolean;
}

async function updateCommand(
  path: string,
  { data, output, json, minRating, markets, threads, relaxed }: UpdateCommandOptions,
): Promise<void> {
  await checkOutput(output);
  const how = await onThreads(threads, relaxed);
  const model = await openModel(path, decodeModel);
  const rows = await readData(data, { minRating, markets, trainingOnly: true });
  const table = new StageTable(view, json);
  const { model: updated, ...result } = await update(model, rows, { ...job, ...how, onStage: table.onStage });
  const bytes = await save(output, updated);
  await table.finish({ file: output, bytes, ...result });
  message(`wrote ${output}: ${formatBytes(bytes)}`);
  const { users, items, interactions } = result.added;
  message(
    updated === model
      ? 'nothing new: the model is as it was'
      : `added ${formatCounted(users, 'user')}, ${formatCounted(items, 'item')}, ${formatCounted(interactions, 'interaction')}`,
  );
  for (const reason of result.refit) message(`a refit is due: ${reason}`);
}

interface ExportCommandOptions {
  output: string;
  market?: string[];
  withoutUsers?: boolean;
  vectors?: TableType;
  neighbours?: number;
  data?: string;
  heldOut: string;
  minRating?: number;
  json?: boolean;
}

async function exportCommand(
  path: string,
  { output, market, withoutUsers, vectors, neighbours, data, heldOut, minRating, json }: ExportCommandOptions,
): Promise<void> {
  await checkOutput(output);
  const original = await openModel(path, async (bytes) => ({
    info: inspectModel(bytes),
    recommender: await loadModel(bytes),
  }));
  const model = exportModel(original.recommender.model, { markets: market, users: !withoutUsers, vectors, neighbours });
  const bytes = encodeModel(model);
  const quality =
    data === undefined
      ? undefined
      : await measureLoss(original.recommender, bytes, await readData(data, { minRating }), heldOut);
  if (signal.aborted) throw new AbortedError('stopped');
  await writeFileAtomically(output, bytes);
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
  message(`wrote ${output}: ${formatBytes(bytes.length)}, ${describeVariant(info)}`);
  if (!quality) message('give --data DIR with held-out rows to measure what the export loses');
}

interface Loss {
  before: number;
  after: number;
  loss: number;
}

/** NDCG of a model and of the file made from it, on the held-out rows of the markets that the file has. */
async function measureLoss(original: Recommender, bytes: Uint8Array, { items, markets }: Markets, heldOut: string) {
  const exported = await loadModel(bytes);
  const chosen = { items, markets: markets.filter(({ name }) => exported.markets.includes(name)) };
  if (chosen.markets.length === 0)
    throw new ArgumentError(
      '--data',
      markets.map(({ name }) => name).join(', '),
      `rows of the markets that are exported: ${exported.markets.join(', ')}`,
    );
  const before = await evaluate(original, chosen, { ...job, heldOut });
  const after = await evaluate(exported, chosen, { ...job, heldOut });
  view.clear();
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

const variantOf = ({ users, vectors, neighbours }: ModelInfo) => ({ users, vectors, neighbours });

function describeVariant({ users, vectors, neighbours }: ModelInfo): string {
  return [
    vectors === null ? 'no vectors' : `vectors in ${vectors}`,
    neighbours === null ? 'no similarities' : `at most ${formatCount(neighbours)} similarities of an item`,
    users ? 'with users' : 'without users',
  ].join(', ');
}

interface EvaluateCommandOptions extends DataOptions {
  data: string;
  heldOut: string;
  protocol: 'clean' | 'as-published';
  negatives: number | 'all';
  seed?: number;
  k: number;
  json?: boolean;
}

async function evaluateCommand(
  path: string,
  { data, json, minRating, markets, ...options }: EvaluateCommandOptions,
): Promise<void> {
  const recommender = await openRecommender(path);
  const rows = await readData(data, { minRating, markets });
  const result = await evaluate(recommender, rows, { ...job, ...options });
  view.clear();
  if (result.unknownMarkets.length > 0)
    message(
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

async function recommendCommand(
  path: string,
  { json, user, items, explain, ...rest }: RecommendCommandOptions,
): Promise<void> {
  if ((user === undefined) === (items === undefined))
    throw new ArgumentError('--user, --items', user === undefined ? 'neither' : 'both', 'exactly one of them');
  const query = { ...rest, ...(user === undefined ? { items: items! } : { user }), explain: explain ? REASONS : false };
  const recommender = await openRecommender(path);
  const result = recommender.recommend(query);
  const unknown = [
    ...result.unknownItems,
    ...[...(rest.only ?? []), ...(rest.without ?? [])].filter((item) => !recommender.hasItem(rest.market, item)),
  ];
  if (unknown.length > 0) message(`warning: items that market ${rest.market} does not know: ${unknown.join(', ')}`);
  if (result.items.length === 0) message('no item is left to recommend');
  else if (result.fallback)
    message('this history tells the model nothing: the most popular items of the market follow');
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

async function similarCommand(
  path: string,
  { json, ...query }: { market: string; item: string; k: number; json?: boolean },
): Promise<void> {
  const recommender = await openRecommender(path);
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

async function rankCommand(
  path: string,
  { market, candidates, top, json }: { market: string; candidates: string; top?: number; json?: boolean },
): Promise<void> {
  const recommender = await openRecommender(path);
  // Printed with the first user, so that a query that fails prints nothing.
  let header = 'userId\titemId\tscore\n';
  const all: { user: string; items: { item: string; score: number; known: boolean }[] }[] = [];
  let unknown = 0;
  let strangers = 0;
  let firstStranger = '';
  for await (const { user, candidates: items, line } of readRun(candidates)) {
    if (signal.aborted) throw new AbortedError(`rank was stopped at line ${line}`);
    const known = recommender.hasUser(market, user);
    if (!known && strangers++ === 0) firstStranger = `${JSON.stringify(user)} at line ${line}`;
    // A user whom the model does not know has an empty history, for which popularity ranks.
    const ranked = recommender.rank({ market, ...(known ? { user } : { items: [] }), candidates: items });
    for (const each of ranked) if (!each.known) unknown++;
    const best = ranked.slice(0, top);
    if (json) all.push({ user, items: best });
    else {
      await write(header + best.map(({ item, score }) => `${user}\t${item}\t${score}\n`).join(''));
      header = '';
    }
    // Writing to a file does not wait: give Ctrl-C its turn.
    if (line % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (json) await write(formatJson(all));
  if (strangers > 0)
    message(
      `warning: ${candidates}: ${formatCounted(strangers, 'line')} with a user whom market ${market} does not know, ranked by popularity, the first ${firstStranger}`,
    );
  if (unknown > 0)
    message(`warning: ${formatCounted(unknown, 'candidate')} that market ${market} does not know, put last`);
}

async function serveCommand(
  path: string,
  { host, port, cors }: { host: string; port: number; cors?: string[] },
): Promise<void> {
  const handler = createHandler(await openRecommender(path), {
    cors: cors?.includes('*') ? '*' : cors,
    onError: (error) => message(`warning: ${String(error).split('\n')[0]}`),
  });
  await serveHttp(handler, {
    host,
    port,
    signal,
    onListening: (url) => message(`serving ${path} at ${url} until Ctrl-C; ${url}/openapi.json describes it`),
  });
  message('stopped');
}

async function inspectCommand(path: string, { json }: { json?: boolean }): Promise<void> {
  const info = await openModel(path, inspectModel);
  if (json) return write(formatJson(info));
  await write(
    `${info.kind} model, format version ${info.version}, ${info.dim > 0 ? `${info.dim} dimensions, ` : ''}${formatBytes(info.bytes)}\n${describeVariant(info)}\n\n`,
  );
  await write(
    formatTable(
      ['market', 'items', 'users'],
      info.markets.map((market) => [market.name, formatCount(market.items), formatCount(market.users)]),
    ),
  );
  await write('\n');
  await write(
    formatTable(
      ['section', 'market', 'dtype', 'rows', 'cols', 'bytes', 'checksum'],
      info.sections.map((section) => [
        section.kind,
        section.market ?? '',
        section.dtype,
        formatCount(section.rows),
        formatCount(section.cols),
        formatCount(section.bytes),
        section.checksum.toString(16).padStart(8, '0'),
      ]),
      [0, 1, 2],
    ),
  );
  const training = Object.entries(info.training).flatMap(([name, value]) => settings(name, value));
  if (training.length > 0) await write(`\n${formatTable(['training', ''], training, [0, 1])}`);
}

/** One line a value: the members of an object by their path, the elements of a list each on a line. */
function settings(name: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.map((element, i) => [`${name}[${i}]`, JSON.stringify(element)]);
  if (typeof value !== 'object' || value === null) return [[name, String(value)]];
  return Object.entries(value).flatMap(([member, inner]) => settings(`${name}.${member}`, inner));
}

// --- the program -------------------------------------------------------------------------------------------------

function makeProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('m3rec')
    .description('Multi-market recommender: trains on several markets at once, recommends offline.')
    .version(version)
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({
      // Commander writes an error and then the usage: one line is enough.
      outputError: (text, writeError) => writeError(`m3rec: ${printable(text.replace(/^error: /, '').trim())}\n`),
    })
    .addHelpText(
      'after',
      '\n<dir> holds one folder per market with train.tsv or train.csv and optionally valid.*, test.*; or is one file with a market column.\nExit code: 0, or 1 failed, 2 wrong usage, 130 interrupted.',
    );

  program
    .command('stats')
    .description('users, items, rows and shared items, per market and merged')
    .argument('<dir>', 'the data')
    .addOption(minRatingOption())
    .addOption(marketsOption())
    .addOption(jsonOption())
    .action(statsCommand);

  program
    .command('train')
    .description('train a model and write it to a file')
    .argument('<dir>', 'the data')
    .requiredOption('-o, --output <file>', 'the model file', nonEmpty)
    .addOption(new Option('--model <kind>', 'what to train').choices(['m3rec', 'ease', 'popularity']).default('m3rec'))
    .addOption(
      new Option('--preset <name>', 'paper: the method as published; default: what ranks best')
        .choices(['paper', 'default'])
        .default('default'),
    )
    .addOption(setting('seed', '--seed <n>', 'the same seed, data and options give the same file'))
    .addOption(setting('lambdaF', '--lambda-f <x>', 'intra-market ridge'))
    .addOption(setting('epsilon', '--epsilon <x>', 'least intra-market similarity kept'))
    .addOption(setting('dim', '--dim <n>', 'size of an embedding, a multiple of 16'))
    .addOption(setting('walks', '--walks <n>', 'random walks per item'))
    .addOption(setting('walkLength', '--walk-length <n>', 'items of a walk'))
    .addOption(setting('window', '--window <n>', 'skip-gram window'))
    .addOption(setting('negatives', '--negatives <n>', 'negative samples'))
    .addOption(setting('gamma', '--gamma <x>', 'margin of the cosine loss, preset paper only'))
    .addOption(setting('l2', '--l2 <x>', 'weight of the local embeddings’ norm'))
    .addOption(setting('dropout', '--dropout <x>', 'share dropped in adaptation'))
    .addOption(setting('learningRate', '--learning-rate <x>', 'Adam’s, of the adaptation'))
    .addOption(setting('batch', '--batch <n>', 'interactions of a mini-batch'))
    .addOption(setting('epochs', '--epochs <n>', 'epochs of the adaptation'))
    .addOption(new Option('--without <part>', 'ablation: leave out a similarity').choices(['intra', 'inter', 'both']))
    .addOption(
      new Option(
        '--ease-solver <way>',
        'intra-market similarity: exact; iterative: to about 0.003, in little memory; auto: exact up to 20,000 items',
      )
        .choices(['auto', 'exact', 'iterative'])
        .default('auto'),
    )
    .addOption(new Option('--updatable', 'keep in the file what `update` needs (2 n² bytes for n items)'))
    .addOption(threadsOption())
    .addOption(relaxedOption())
    .addOption(marketsOption())
    .addOption(minRatingOption())
    .addOption(jsonOption())
    .action(trainCommand);

  program
    .command('update')
    .description('add interactions to a model that was trained with --updatable')
    .argument('<file>', 'the model file')
    .requiredOption('--data <dir>', 'the new interactions: training rows of known or new users and items', nonEmpty)
    .requiredOption('-o, --output <file>', 'the updated model file; may be <file>', nonEmpty)
    .addOption(threadsOption())
    .addOption(relaxedOption())
    .addOption(marketsOption())
    .addOption(minRatingOption())
    .addOption(jsonOption())
    .action(updateCommand);

  program
    .command('export')
    .description('a smaller model file for serving, with what it loses')
    .argument('<file>', 'the model file')
    .requiredOption('-o, --output <file>', 'the file to write', nonEmpty)
    .addOption(
      new Option('--market <name>', 'keep this market only; may be given again').argParser(
        (text, before: string[] = []) => [...before, nonEmpty(text)],
      ),
    )
    .addOption(new Option('--without-users', 'leave out the users: their ids, histories and vectors'))
    .addOption(new Option('--vectors <type>', 'how to hold vectors (as they are)').choices(TABLE_TYPES))
    .addOption(
      new Option('--neighbours <n>', 'keep the n largest similarities of each item (all)').argParser(
        whole(1, 0x7fffffff),
      ),
    )
    .addOption(
      new Option('--data <dir>', 'measure NDCG@10 before and after on the held-out rows of this data').argParser(
        nonEmpty,
      ),
    )
    .addOption(new Option('--held-out <name>', 'which held-out rows').choices(['valid', 'test']).default('valid'))
    .addOption(minRatingOption())
    .addOption(jsonOption())
    .action(exportCommand);

  program
    .command('evaluate')
    .description('MRR, NDCG and HR per market on held-out rows')
    .argument('<file>', 'the model file')
    .requiredOption('--data <dir>', 'the data', nonEmpty)
    .addOption(new Option('--held-out <name>', 'which held-out rows').choices(['valid', 'test']).default('valid'))
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
    .action(evaluateCommand);

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
    .action(recommendCommand);

  program
    .command('similar')
    .description('the items most like an item, as seen from one market')
    .argument('<file>', 'the model file')
    .addOption(marketOption())
    .addOption(new Option('--item <id>', 'the item').argParser(nonEmpty).makeOptionMandatory())
    .addOption(countOption())
    .addOption(jsonOption())
    .action(similarCommand);

  program
    .command('rank')
    .description('put the candidates of a run file in order')
    .argument('<file>', 'the model file')
    .addOption(marketOption())
    .requiredOption('--candidates <run>', 'a file with user<TAB>item,item,... a line', nonEmpty)
    .addOption(new Option('--top <k>', 'only the best of each user').argParser(whole(1, 10_000_000)))
    .addOption(jsonOption())
    .action(rankCommand);

  program
    .command('serve')
    .description('answer recommend, similar and rank over HTTP')
    .argument('<file>', 'the model file')
    .addOption(new Option('--port <n>', 'the port; 0 takes a free one').argParser(whole(0, 65_535)).default(8080))
    .addOption(
      new Option('--host <name>', 'the address to listen at; 0.0.0.0 for every one')
        .argParser(nonEmpty)
        .default('127.0.0.1'),
    )
    .addOption(new Option('--cors <origins>', 'web origins whose pages may read the answers, or *').argParser(ids))
    .action(serveCommand);

  program
    .command('inspect')
    .description('what is in a model file')
    .argument('<file>', 'the model file')
    .addOption(jsonOption())
    .action(inspectCommand);
  return program;
}

/** The exit code; what went wrong is one line on stderr. */
async function main(argv: string[]): Promise<number> {
  try {
    await makeProgram().parseAsync(argv);
    return 0;
  } catch (error) {
    view.clear();
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    if (signal.aborted) {
      message('stopped');
      return INTERRUPTED;
    }
    if (error instanceof ArgumentError) {
      message(error.message);
      return WRONG_USAGE;
    }
    // Any other error is a fault of ours, but a user is no better off with a stack trace.
    message(error instanceof M3RecError ? error.message : `unexpected failure: ${String(error).split('\n')[0]}`);
    return FAILED;
  }
}

quietOnClosedPipe();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // A second time is for somebody who will not wait.
    if (signal.aborted) {
      view.clear();
      process.exit(INTERRUPTED);
    }
    controller.abort();
  });
}
process.exitCode = await main(process.argv);
