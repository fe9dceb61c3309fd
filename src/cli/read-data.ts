// How a command reads data, and what it says about it on stderr.
import { M3RecError } from '../common/errors.ts';
import type { Markets } from '../data/markets.ts';
import { describe, isUsual, type Recognised } from '../data/recognised.ts';
import type { DataWarning } from '../data/warnings.ts';
import { readDirectory } from '../node/directory.ts';
import type { Context } from './context.ts';
import { type DataOptions, readOptionsOf } from './data-options.ts';
import { formatCounted } from './output.ts';

/** Where a command reads no held-out rows, warnings about them would mislead. */
const HELD_OUT_WARNINGS: readonly DataWarning['kind'][] = ['cold-item', 'unknown-user'];

export interface Reading {
  markets: Markets;
  recognised: Recognised[];
  warnings: DataWarning[];
}

/**
 * Reads data. Says how its files are written, a line for each way, unless that is the usual one; each warning, a line;
 * and what is normal in one line.
 * @param only.trainingOnly whether the command uses no held-out rows. @param only.times whether rows have times.
 * @param only.describeAll whether the usual way of writing is said too.
 * @throws M3RecError for a warning where `--strict` is given, after all of them were said.
 */
export async function readData(
  context: Context,
  paths: string | readonly string[],
  options: DataOptions,
  only: { trainingOnly?: boolean; times?: boolean | 'first'; describeAll?: boolean } = {},
): Promise<Reading> {
  const { strict, quiet } = options;
  const recognised: Recognised[] = [];
  const warnings: DataWarning[] = [];
  const say = (text: string) => {
    if (!quiet) context.message(text);
  };
  let markets: Markets | undefined;
  try {
    markets = await readDirectory(paths, {
      ...context.job,
      ...readOptionsOf(options),
      times: only.times,
      onRecognised: (found) => recognised.push(found),
      onWarning: (warning) => {
        if (!(only.trainingOnly && HELD_OUT_WARNINGS.includes(warning.kind))) warnings.push(warning);
      },
    });
  } finally {
    context.view.clear();
    const all = only.describeAll && markets !== undefined;
    for (const line of waysOf(recognised.filter((found) => all || !isUsual(found)))) say(line);
    for (const { file, message, normal } of warnings) if (!normal) say(`warning: ${file}: ${message}`);
  }
  const normal = normalLine(warnings.filter((warning) => warning.normal));
  if (normal !== undefined) say(normal);
  const odd = warnings.filter((warning) => !warning.normal);
  if (strict && odd.length > 0)
    throw new M3RecError(
      `${odd.length === 1 ? 'a warning is an error' : `${odd.length} warnings are errors`} (--strict); the first: ${odd[0].file}: ${odd[0].message}`,
    );
  return { markets, recognised, warnings };
}

/** `de/train.csv and 4 more: ',' between columns, header: userId, itemId`, a line for each way. */
function waysOf(files: readonly Recognised[]): string[] {
  const ways = new Map<string, string[]>();
  for (const file of files) {
    const way = describe(file);
    ways.set(way, [...(ways.get(way) ?? []), file.file]);
  }
  return [...ways].map(
    ([way, [first, ...more]]) => `${first}${more.length > 0 ? ` and ${more.length} more` : ''}: ${way}`,
  );
}

const NORMAL: Partial<Record<DataWarning['kind'], (count: number) => string>> = {
  duplicate: (count) => `${formatCounted(count, 'duplicate')}, counted once`,
  'low-rating': (count) => `${formatCounted(count, 'row')} below the least rating, left out`,
  filtered: (count) => `${formatCounted(count, 'row')} filtered out`,
};

/** One line for what is normal, with the count of each kind. */
function normalLine(warnings: readonly DataWarning[]): string | undefined {
  const counts = new Map<DataWarning['kind'], number>();
  for (const { kind, count } of warnings) counts.set(kind, (counts.get(kind) ?? 0) + count);
  if (counts.size === 0) return undefined;
  return [...counts].map(([kind, count]) => NORMAL[kind]!(count)).join('; ');
}
