import { extname } from 'node:path';
import { ENDINGS } from '../cluster/jobs/recommend.ts';
import { planRecommend } from '../cluster/plans/recommend.ts';
import { ArgumentError, checkChoice, DataError } from '../common/errors.ts';
import { formatBytes } from '../engine/memory.ts';
import type { Recommender } from '../models/recommender.ts';
import { readBytes } from '../node/files.ts';
import { nameOfInput } from '../node/input.ts';
import { RECOMMENDATIONS, recommendationRows, type Subject, USERS_AT_ONCE } from '../node/recommendation-table.ts';
import { inChunks, TableOutput } from './batch.ts';
import { type ClusterOptions, onCluster, runOnCluster } from './cluster.ts';
import type { Context } from './context.ts';
import { checkMarket } from './hints.ts';
import { type Filter, resolveFilter } from './id-filter.ts';
import { readIds } from './lines.ts';
import { formatCounted, formatJson, write } from './output.ts';
import { tableFile } from './tables.ts';

export interface RecommendAllOptions extends ClusterOptions {
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

/** Recommends to many users: a table with a row for each item. */
export async function recommendAll(context: Context, path: string, options: RecommendAllOptions): Promise<void> {
  if (onCluster(options)) return recommendOnCluster(context, path, options);
  const { market, users, k, includeSeen, only, without, output, threads, json } = options;
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
    await inChunks(context, 'recommend', subjects, USERS_AT_ONCE, async (chunk) => {
      const queries = chunk.map(({ market, user }) => {
        const known = recommender.hasUser(market, user);
        if (!known) counts.strangers++;
        return { market, ...(known ? { user } : { items: [] }), k, includeSeen, ...filters.get(market) };
      });
      const answers = await recommender.recommendAll(queries);
      counts.fallback += answers.filter(({ fallback }) => fallback).length;
      counts.without += answers.filter(({ items }) => items.length === 0).length;
      await table.write(recommendationRows(chunk, answers));
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

/** The same file, by the machines of a cluster. */
async function recommendOnCluster(
  context: Context,
  path: string,
  { market, users, k, includeSeen, only, without, output, threads, json, ...machines }: RecommendAllOptions,
): Promise<void> {
  if (users !== undefined || only || without || threads !== undefined)
    throw ArgumentError.because(
      '--cluster',
      'leave out --users, --only, --without and --threads, which it does not know',
    );
  const ending = checkChoice('-o', extname(output ?? ''), ENDINGS);
  const result = await context.openResult(output!, tableFile('-o', output!, RECOMMENDATIONS));
  const model = await readBytes(path, context.signal);
  const table = await runOnCluster(context, machines, (store) =>
    planRecommend(store, model, { market, k, includeSeen, ending }, context.version),
  );
  const bytes = await context.save(result, table);
  if (json) await write(formatJson({ file: output, bytes }));
  context.message(`wrote ${output}: ${formatBytes(bytes)}`);
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
