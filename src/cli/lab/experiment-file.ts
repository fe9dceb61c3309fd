// Reads an experiment from its file, and the data that it names.
import { dirname, extname, isAbsolute, join } from 'node:path';
import { ArgumentError, DataError, M3RecError } from '../../common/errors.ts';
import { assembleGenerated, type GenerateOptions, generateMarkets } from '../../data/generate.ts';
import type { Markets } from '../../data/markets.ts';
import { type SplitOptions, splitMarkets } from '../../data/split.ts';
import { type CheckedExperiment, checkExperiment } from '../../lab/experiment.ts';
import type { ListsByProtocol } from '../../lab/run.ts';
import { readBytes } from '../../node/files.ts';
import type { Context } from '../context.ts';
import type { DataOptions } from '../data-options.ts';
import { readData } from '../read-data.ts';
import { readRun } from '../run-file.ts';

/** @throws DataError for a file that is no YAML or JSON; ArgumentError, which names the file, for what it says. */
export async function readExperiment(path: string, signal: AbortSignal): Promise<CheckedExperiment> {
  const ending = extname(path).toLowerCase();
  if (!['.yaml', '.yml', '.json'].includes(ending))
    throw ArgumentError.because('file', `${JSON.stringify(path)} should end in .yaml, .yml or .json`);
  const text = new TextDecoder().decode(await readBytes(path, signal));
  const value = ending === '.json' ? parseJson(path, text) : (await import('./parse-yaml.ts')).parseYaml(path, text);
  try {
    return checkExperiment(value);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new DataError(path, undefined, error.message);
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(path, undefined, `no JSON: ${(error as Error).message}`);
  }
}

/** The markets of an experiment, read once and split once. @throws as `readData` and `splitMarkets`. */
export async function readExperimentData(
  context: Context,
  file: string,
  experiment: CheckedExperiment,
  given: readonly string[] | undefined,
): Promise<Markets> {
  const { rows, split, markets: names } = experiment;
  const data = given ?? experiment.data;
  if (data === undefined) throw new DataError(file, undefined, 'it names no data: add `data`, or give --data');
  const options = { ...rows, ...(names.length > 0 && { markets: names }) } as DataOptions;
  const markets =
    typeof data === 'object' && 'generated' in data
      ? chosen(assembleGenerated(generateMarkets(data.generated as GenerateOptions)), names)
      : (await readData(context, pathsOf(data, given ? '' : file), options, { times: timesOf(split) })).markets;
  if (Object.keys(split).length === 0) return markets;
  return (await splitMarkets(markets, { ...context.job, ...(split as unknown as SplitOptions) })).markets;
}

const timesOf = ({ method }: Record<string, unknown>) => (method === 'last' || method === 'before') && 'first';

function chosen({ items, markets }: Markets, names: readonly string[]): Markets {
  const unknown = names.find((name) => !markets.some((market) => market.name === name));
  if (unknown !== undefined) throw new ArgumentError('markets', unknown, markets.map(({ name }) => name).join(', '));
  return { items, markets: names.length > 0 ? markets.filter(({ name }) => names.includes(name)) : markets };
}

/** Paths in a file are from its place; those of the command line from where one is. */
function pathsOf(data: string | readonly string[], file: string): string[] {
  const paths = typeof data === 'string' ? [data] : [...data];
  return paths.map((path) =>
    file === '' || isAbsolute(path) || path.includes(':') ? path : join(dirname(file), path),
  );
}

/** The run files of protocols whose candidates are lists. */
export async function readLists(
  context: Context,
  file: string,
  { protocols }: CheckedExperiment,
  markets: Markets,
): Promise<ListsByProtocol> {
  const all: Record<string, Record<string, Record<string, string[]>>> = {};
  for (const { name, lists = {} } of protocols) {
    all[name] = {};
    for (const [market, path] of Object.entries(lists)) {
      const known = markets.markets.find((each) => each.name === market);
      if (!known)
        throw new DataError(file, undefined, `protocol ${name}: the data has no market ${JSON.stringify(market)}`);
      all[name][market] = await listsOf(context, pathsOf(path, file)[0], new Set(markets.items));
    }
  }
  return all;
}

/** The lists of a run file, by user. @throws DataError for a user with two. */
export async function listsOf(
  context: Context,
  path: string,
  items: ReadonlySet<string>,
): Promise<Record<string, string[]>> {
  const users: Record<string, string[]> = Object.create(null);
  for await (const { user, candidates, line } of readRun(path, context.signal, (id) => items.has(id))) {
    if (users[user]) throw new DataError(path, line, `user ${JSON.stringify(user)} has a list already`);
    users[user] = candidates;
  }
  return { ...users };
}

/** An error of an experiment's options names its file. */
export async function named<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new M3RecError(`${file}: ${error.message}`);
  }
}
