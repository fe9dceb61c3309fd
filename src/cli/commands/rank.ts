import { type Command, Option } from 'commander';
import { printable } from '../../common/printable.ts';
import type { Recommender } from '../../models/recommender.ts';
import { nameOfInput } from '../../node/input.ts';
import type { Ranked } from '../../recommend/query.ts';
import type { Context } from '../context.ts';
import { checkMarket } from '../hints.ts';
import { propertiesOption, shownProperties } from '../item-data.ts';
import { jsonOption, marketOption, nonEmpty, whole } from '../options.ts';
import { formatCounted, formatJson, write } from '../output.ts';
import { readRun } from '../run-file.ts';

interface RankCommandOptions {
  market: string;
  candidates: string;
  top?: number;
  withoutSeen?: boolean;
  properties?: string[];
  json?: boolean;
}

export function addRank(program: Command, context: Context): void {
  program
    .command('rank')
    .description('rank the candidates of a run file')
    .argument('<file>', 'the model file')
    .addOption(marketOption())
    .requiredOption(
      '--candidates <run>',
      'a file with a line user<TAB>item,item,... for each user; for ids with commas, user<TAB>item<TAB>item... or {"user": ..., "candidates": [...]}; - is stdin',
      nonEmpty,
    )
    .addOption(new Option('--top <k>', 'only the best of each user').argParser(whole(1, 10_000_000)))
    .addOption(new Option('--without-seen', 'leave out candidates in the user’s history'))
    .addOption(propertiesOption())
    .addOption(jsonOption())
    .action((path, options) => runRank(context, path, options));
}

async function runRank(
  context: Context,
  path: string,
  { market, candidates, top, withoutSeen, properties = [], json }: RankCommandOptions,
): Promise<void> {
  const recommender = await context.openRecommender(path);
  checkMarket(recommender, market);
  const isItem = (id: string) => recommender.hasItem(market, id);
  const seenBy = withoutSeen ? histories(recommender, market) : () => undefined;
  // Printed with the first user, so that a query that fails prints nothing.
  const shown = shownProperties(recommender, properties);
  let header = `${['userId', 'itemId', 'score', ...properties].map(printable).join('\t')}\n`;
  const all: { user: string; items: Ranked[] }[] = [];
  let unknown = 0;
  let strangers = 0;
  let firstStranger = '';
  for await (const { user, candidates: items, line } of readRun(candidates, context.signal, isItem)) {
    const known = recommender.hasUser(market, user);
    if (!known && strangers++ === 0) firstStranger = `${JSON.stringify(user)} at line ${line}`;
    const seen = seenBy(user);
    const left = seen ? items.filter((item) => !seen.has(item)) : items;
    // A user whom the model does not know has an empty history, which is ranked by popularity.
    const ranked = recommender.rank({ market, ...(known ? { user } : { items: [] }), candidates: left });
    for (const each of ranked) if (!each.known) unknown++;
    const best = ranked.slice(0, top);
    if (json) all.push({ user, items: properties.length > 0 ? best.map(shown.with) : best });
    else {
      const lines = best.map(({ item, score }) => {
        const texts = shown.cells(item).map((text) => text.replaceAll('\t', ' '));
        return `${[user, item, String(score), ...texts].map(printable).join('\t')}\n`;
      });
      await write(header + lines.join(''));
      header = '';
    }
    // Writing to a file does not wait, so let signals through.
    if (line % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (json) await write(formatJson(all));
  if (strangers > 0)
    context.message(
      `warning: ${nameOfInput(candidates)}: ${formatCounted(strangers, 'line')} with a user whom market ${market} does not know, ranked by popularity, the first ${firstStranger}`,
    );
  if (unknown > 0)
    context.message(`warning: ${formatCounted(unknown, 'candidate')} that market ${market} does not know, put last`);
}

/** The items in the history of a user of the market. */
function histories({ model }: Recommender, market: string): (user: string) => Set<string> | undefined {
  const { users, items, seenItems } = model.markets.find(({ name }) => name === market)!;
  if (!users || !seenItems) return () => undefined;
  const index = new Map(users.map((user, i) => [user, i]));
  const { indptr, indices } = seenItems;
  return (user) => {
    const i = index.get(user);
    if (i === undefined) return undefined;
    return new Set(Array.from(indices.subarray(indptr[i], indptr[i + 1]), (position) => model.items[items[position]]));
  };
}
