// What `evaluate` shows if it is asked for: intervals, what is recommended, candidates that are given.
import { InvalidArgumentError } from 'commander';
import { ArgumentError } from '../common/errors.ts';
import type { Markets } from '../data/markets.ts';
import type { Evaluation } from '../evaluate/evaluate.ts';
import type { Estimate } from '../evaluate/metrics.ts';
import { candidateLists, type Protocol } from '../evaluate/protocols.ts';
import type { Context } from './context.ts';
import { listsOf } from './lab/experiment-file.ts';
import { formatCount, formatPercent, formatTable } from './output.ts';
import { SHOWN } from './scarce.ts';

/** A model to evaluate. */
export interface Evaluated {
  model: string;
  result: Evaluation;
}

/** The columns that only some tables need: the model if there are several, k if there are several. */
export function leading(all: Evaluated[]) {
  const models = all.length > 1;
  const { ks } = all[0].result;
  const at = ks.length > 1 ? '' : `@${ks[0]}`;
  return {
    names: [...(models ? ['model'] : []), 'market', ...(ks.length > 1 ? ['k'] : [])],
    metrics: SHOWN.flatMap((name) => [`${name.toUpperCase()}${at} %`, '±']),
    cells: (model: string, market: string, k: number) => [
      ...(models ? [model] : []),
      market,
      ...(ks.length > 1 ? [String(k)] : []),
    ],
    left: models ? [0, 1] : [0],
  };
}

/** The 95 % intervals of the metrics, by market. */
export function intervalTable(all: Evaluated[]): string {
  const { names, cells, left } = leading(all);
  const text = ({ interval }: Estimate) => (interval ? interval.map((end) => formatPercent(end)).join(' to ') : '');
  const rows = all.flatMap(({ model, result }) =>
    result.markets.flatMap(({ market, cutoffs }) =>
      cutoffs.map((cutoff) => [...cells(model, market, cutoff.k), ...SHOWN.map((name) => text(cutoff[name]))]),
    ),
  );
  return formatTable([...names, ...SHOWN.map((name) => `${name.toUpperCase()} %, 95 % interval`)], rows, left);
}

/** Coverage, popularity and Gini's coefficient of what is recommended, by market. */
export function listTable(all: Evaluated[]): string {
  const { names, cells, left } = leading(all);
  const rows = all.flatMap(({ model, result }) =>
    result.markets.flatMap(({ market, lists = [] }) =>
      lists.map(({ k, users, coverage, popularity, gini }) => [
        ...cells(model, market, k),
        formatCount(users),
        formatPercent(coverage, 1),
        formatPercent(popularity),
        gini.toFixed(3),
      ]),
    ),
  );
  return formatTable([...names, 'lists', 'coverage %', 'popularity %', 'Gini'], rows, left);
}

/** `market=file`, which may be given again. */
export function candidatesOf(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf('=');
  const [market, path] = [text.slice(0, equals), text.slice(equals + 1)];
  if (equals < 1 || path === '')
    throw new InvalidArgumentError('Expected a market and a file, as de=de/valid_run.tsv.');
  if (Object.hasOwn(before, market)) throw new InvalidArgumentError(`Market ${market} has a file already.`);
  return { ...before, [market]: path };
}

/** Reads run files. @throws ArgumentError for a market that the data does not have; DataError as `readRun`. */
export async function listsProtocol(
  context: Context,
  files: Readonly<Record<string, string>>,
  markets: Markets,
): Promise<Protocol> {
  const items = new Set(markets.items);
  const lists: Record<string, Map<string, string[]>> = {};
  for (const [market, path] of Object.entries(files)) {
    const names = markets.markets.map(({ name }) => name);
    if (!names.includes(market)) throw new ArgumentError('--candidates', market, `a market: ${names.join(', ')}`);
    lists[market] = new Map(Object.entries(await listsOf(context, path, items)));
  }
  return candidateLists(lists);
}
