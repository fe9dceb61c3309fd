import { ArgumentError, DataError } from '../common/errors.ts';
import type { Recommender } from '../models/recommender.ts';
import { nameOfInput } from '../node/input.ts';
import { inChunks, TableOutput } from './batch.ts';
import type { Context } from './context.ts';
import { checkMarket } from './hints.ts';
import { type Filter, resolveFilter } from './id-filter.ts';
import { readIds } from './lines.ts';
import { formatCounted, formatJson, write } from './output.ts';
import type { TableKind } from './table-kind.ts';

export interface RecommendAllOptions {
  market?: string;
  users?: string;
  k: number;
  includeSeen?: boolean;
  only?: Filter;
  without?: Filter;
  output?: string;
  threads?: number;
  json?: boolean;
}

const RECOMMENDATIONS: TableKind = {
  name: 'recommendations',
  columns: [
    { name: 'market', type: 'text' },
    { name: 'userId', type: 'text' },
    { name: 'rank', type: 'integer' },
    { name: 'itemId', type: 'text' },
    { name: 'score', type: 'score' },
    { name: 'fallback', type: 'text' },
  ],
};

/** Number of users whose answers are in memory at once. */
const CHUNK = 4096;

interface Subject {
  market: string;
  user: string;
}

/** Recommends to many users: a table with a row for each item. */
export async function recommendAll(
  context: Context,
  path: string,
  { market, users, k, includeSeen, only, without, output, threads, json }: RecommendAllOptions,
): Promise<void> {
  const table = await TableOutput.open(context, RECOMMENDATIONS, output, json);
  await context.withRecommender(path, threads, async (recommender) => {
    if (market !== undefined) checkMarket(recommender, market);
    const markets = market === undefined ? recommender.markets : [market];
    const subjects =
      users === undefined
        ? markets.flatMap((name) => usersOf(recommender, name).map((user) => ({ market: name, user })))
        : await readSubjects(context, users, recommender, markets);
    const filters = new Map(
      markets.map((name) => {
        const known = (id: string) => recommender.hasItem(name, id);
        return [
          name,
          { only: only && resolveFilter(only, known), without: without && resolveFilter(without, known) },
        ] as const;
      }),
    );
    const counts = { users: subjects.length, strangers: 0, fallback: 0, without: 0 };
    await inChunks(context, 'recommend', subjects, CHUNK, async (chunk) => {
      const queries = chunk.map(({ market, user }) => {
        const known = recommender.hasUser(market, user);
        if (!known) counts.strangers++;
        return { market, ...(known ? { user } : { items: [] }), k, includeSeen, ...filters.get(market) };
      });
      const columns: [string[], string[], number[], string[], number[], (string | undefined)[]] = [
        [],
        [],
        [],
        [],
        [],
        [],
      ];
      for (const [i, { items, fallback }] of (await recommender.recommendAll(queries)).entries()) {
        if (fallback) counts.fallback++;
        if (items.length === 0) counts.without++;
        for (const [rank, { item, score }] of items.entries()) {
          columns[0].push(chunk[i].market);
          columns[1].push(chunk[i].user);
          columns[2].push(rank + 1);
          columns[3].push(item);
          columns[4].push(score);
          columns[5].push(fallback);
        }
      }
      await table.write(columns);
    });
    const bytes = await table.finish();
    if (counts.strangers > 0)
      context.message(
        `warning: ${nameOfInput(users!)}: ${formatCounted(counts.strangers, 'user')} that the model does not know, given the most popular items`,
      );
    if (counts.without > 0) context.message(`${formatCounted(counts.without, 'user')} with no item left to recommend`);
    if (output === undefined) return;
    if (json) await write(formatJson({ file: output, bytes, rows: table.rows, ...counts }));
    const byPopularity = counts.fallback > 0 ? `, ${formatCounted(counts.fallback, 'user')} by popularity` : '';
    context.message(
      `wrote ${output}: ${formatCounted(table.rows, 'recommendation')} for ${formatCounted(counts.users, 'user')}${byPopularity}`,
    );
  });
}

function usersOf({ model }: Recommender, market: string): readonly string[] {
  const { users } = model.markets.find(({ name }) => name === market)!;
  if (users) return users;
  throw ArgumentError.because('--all', 'this model was saved without users; give a model with users, or --items');
}

/** The users of a file. A user without a market is looked up in every market that is asked for. */
async function readSubjects(
  context: Context,
  path: string,
  recommender: Recommender,
  markets: readonly string[],
): Promise<Subject[]> {
  const subjects: Subject[] = [];
  const missing: string[] = [];
  const [single] = markets;
  for (const line of await readIds(path, context.signal)) {
    const tab = line.indexOf('\t');
    if (tab >= 0) {
      const market = line.slice(0, tab);
      if (!recommender.markets.includes(market)) checkMarket(recommender, market);
      if (markets.includes(market)) subjects.push({ market, user: line.slice(tab + 1) });
      continue;
    }
    const found = markets.filter((market) => recommender.hasUser(market, line));
    if (found.length > 0) subjects.push(...found.map((market) => ({ market, user: line })));
    else if (markets.length === 1) subjects.push({ market: single, user: line });
    else missing.push(line);
  }
  if (missing.length > 0)
    context.message(
      `warning: ${nameOfInput(path)}: ${formatCounted(missing.length, 'user')} that no market knows, left out, the first ${JSON.stringify(missing[0])}; give --market, or market<TAB>id, to recommend what is popular`,
    );
  if (subjects.length === 0)
    throw new DataError(
      nameOfInput(path),
      undefined,
      'the model knows none of its users; check the ids, or give --market for recommendations by popularity',
    );
  return subjects;
}
