import { type Command, Option } from 'commander';
import { AbortedError } from '../../common/errors.ts';
import type { Context } from '../context.ts';
import { jsonOption, marketOption, nonEmpty, whole } from '../options.ts';
import { formatCounted, formatJson, write } from '../output.ts';
import { readRun } from '../run-file.ts';

export function addRank(program: Command, context: Context): void {
  program
    .command('rank')
    .description('put the candidates of a run file in order')
    .argument('<file>', 'the model file')
    .addOption(marketOption())
    .requiredOption('--candidates <run>', 'a file with user<TAB>item,item,... a line', nonEmpty)
    .addOption(new Option('--top <k>', 'only the best of each user').argParser(whole(1, 10_000_000)))
    .addOption(jsonOption())
    .action((path, options) => runRank(context, path, options));
}

async function runRank(
  context: Context,
  path: string,
  { market, candidates, top, json }: { market: string; candidates: string; top?: number; json?: boolean },
): Promise<void> {
  const recommender = await context.openRecommender(path);
  // Printed with the first user, so that a query that fails prints nothing.
  let header = 'userId\titemId\tscore\n';
  const all: { user: string; items: { item: string; score: number; known: boolean }[] }[] = [];
  let unknown = 0;
  let strangers = 0;
  let firstStranger = '';
  for await (const { user, candidates: items, line } of readRun(candidates)) {
    if (context.signal.aborted) throw new AbortedError(`rank was stopped at line ${line}`);
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
    context.message(
      `warning: ${candidates}: ${formatCounted(strangers, 'line')} with a user whom market ${market} does not know, ranked by popularity, the first ${firstStranger}`,
    );
  if (unknown > 0)
    context.message(`warning: ${formatCounted(unknown, 'candidate')} that market ${market} does not know, put last`);
}
