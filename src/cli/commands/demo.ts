import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { DataError } from '../../common/errors.ts';
import { assembleGenerated, generateMarkets } from '../../data/generate.ts';
import type { Markets } from '../../data/markets.ts';
import { computeStats } from '../../data/stats.ts';
import { formatBytes } from '../../engine/memory.ts';
import { evaluate } from '../../evaluate/evaluate.ts';
import { encodeModel } from '../../models/file.ts';
import { loadModel } from '../../models/load.ts';
import type { Recommender } from '../../models/recommender.ts';
import { writeDirectory } from '../../node/files.ts';
import { train } from '../../train/train.ts';
import type { Context } from '../context.ts';
import { formatPercent, formatTable, write, writeLine } from '../output.ts';

const MODEL = 'demo.m3rec';

export function addDemo(program: Command, context: Context): void {
  program
    .command('demo')
    .description('generate five markets, train three models, compare them and recommend; keeps the data and a model')
    .argument('[folder]', 'the folder to keep them in', 'm3rec-demo')
    .action((folder) => runDemo(context, folder));
}

async function runDemo(context: Context, folder: string): Promise<void> {
  const started = performance.now();
  const left = await readdir(folder).catch((): string[] => []);
  if (left.length > 0 && !left.includes(MODEL))
    throw new DataError(folder, undefined, 'this folder holds something else; give another name');
  const generated = generateMarkets({ seed: 1 });
  const data = join(folder, 'data');
  await writeDirectory(data, generated);
  const file = join(folder, MODEL);
  const result = await context.openResult(file);
  const markets = assembleGenerated(generated);
  const { markets: stats } = computeStats(markets);
  await write('Five generated markets, with their own users and interactions. They share some items.\n\n');
  await write(
    formatTable(
      ['market', 'users', 'items', 'rows', 'shared %'],
      stats.map((row) => [row.market, row.users, row.items, row.rows, formatPercent(row.sharedShare, 0)]),
    ),
  );

  const rows: string[][] = [];
  let m3rec: Recommender | undefined;
  for (const model of ['popularity', 'ease', 'm3rec'] as const) {
    writeLine('');
    writeLine(model);
    const { recommender, bytes, seconds } = await makeModel(context, markets, model);
    const { markets: results, mean } = await evaluate(recommender, markets, context.job);
    context.view.clear();
    rows.push([
      model,
      ...results.map((market) => formatPercent(market.ndcg, 1)),
      ...[mean.mrr, mean.ndcg, mean.hr].map((value) => formatPercent(value, 1)),
      seconds.toFixed(1),
    ]);
    if (model === 'm3rec') {
      await context.save(result, bytes);
      m3rec = recommender;
    }
  }
  await write(
    '\nOne held-out item of each user against 999 others of the market, % (NDCG@10 by market, then the means):\n\n',
  );
  await write(formatTable(['model', ...stats.map((row) => row.market), 'MRR', 'NDCG', 'HR', 'train s'], rows));

  const smallest = stats.reduce((a, b) => (b.rows < a.rows ? b : a)).market;
  const market = markets.markets.find(({ name }) => name === smallest)!;
  const user = market.users[0];
  const unseen = [...market.interactions.indices.slice(0, 3)].map((item) => markets.items[market.items[item]]);
  for (const [who, query] of [
    [`user ${user}`, { user }],
    [`an unseen user who liked ${unseen.join(', ')}`, { items: unseen }],
  ] as const) {
    const { items } = m3rec!.recommend({ market: smallest, ...query, k: 10, explain: 1 });
    await write(`\nTen recommendations in ${smallest}, the smallest market, for ${who}:\n\n`);
    await write(
      formatTable(
        ['', 'item', 'score', 'mostly because of'],
        items.map(({ item, score, because }, i) => [String(i + 1), item, score.toFixed(3), because?.[0]?.item ?? '']),
        [0, 1, 3],
      ),
    );
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  await write(`\nWrote ${data} and ${file}. Total time: ${seconds} s. Next:\n`);
  await write(`  npx m3rec recommend ${file} --market ${smallest} --items ${unseen.join(',')} --explain\n`);
  await write(`  npx m3rec evaluate ${file} --data ${data}\n`);
}

async function makeModel(
  context: Context,
  markets: Markets,
  model: 'popularity' | 'ease' | 'm3rec',
): Promise<{ recommender: Recommender; bytes: Uint8Array; seconds: number }> {
  const start = performance.now();
  const trained = await train(markets, {
    ...context.job,
    model,
    onStage: ({ stage, seconds, loss, peakBytes }) => {
      context.view.clear();
      const shown = loss === undefined ? '' : `  loss ${loss.toPrecision(4)}`;
      writeLine(
        `  ${stage.padEnd(28)} ${seconds.toFixed(2).padStart(6)} s  ${formatBytes(peakBytes).padStart(9)}${shown}`,
      );
    },
  });
  context.view.clear();
  const bytes = encodeModel(trained);
  return { recommender: await loadModel(bytes), bytes, seconds: (performance.now() - start) / 1000 };
}
