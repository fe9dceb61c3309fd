// `npm run demo`: generated markets, three models, one table, ten recommendations. Writes demo.m3rec.

import { assembleGenerated, generateMarkets } from '../data/generate.ts';
import { computeStats } from '../data/stats.ts';
import { formatBytes } from '../engine/memory.ts';
import { evaluate } from '../evaluate/evaluate.ts';
import { encodeModel } from '../model/file.ts';
import { writeFileAtomically } from '../node/files.ts';
import { loadModel, type Recommender } from '../recommend/recommender.ts';
import type { TrainOptions } from '../train/options.ts';
import { train } from '../train/train.ts';
import { formatPercent, formatTable, quietOnClosedPipe, write } from './output.ts';
import { ProgressView } from './progress.ts';

quietOnClosedPipe();
const FILE = 'demo.m3rec';
const started = performance.now();
const view = new ProgressView();
const { onProgress } = view;

const markets = assembleGenerated(generateMarkets({ seed: 1 }));
const { markets: stats } = computeStats(markets);
await write('Five generated markets: users, items and interactions of their own, items partly shared.\n\n');
await write(
  formatTable(
    ['market', 'users', 'items', 'rows', 'shared %'],
    stats.map((row) => [row.market, row.users, row.items, row.rows, formatPercent(row.sharedShare, 0)]),
  ),
);

async function makeModel(
  options: TrainOptions,
): Promise<{ recommender: Recommender; bytes: Uint8Array; seconds: number }> {
  const start = performance.now();
  const model = await train(markets, {
    ...options,
    onProgress,
    onStage: ({ stage, seconds, loss, peakBytes }) => {
      view.clear();
      process.stderr.write(
        `  ${stage.padEnd(28)} ${seconds.toFixed(2).padStart(6)} s  ${formatBytes(peakBytes).padStart(9)}${loss === undefined ? '' : `  loss ${loss.toPrecision(4)}`}\n`,
      );
    },
  });
  view.clear();
  const bytes = encodeModel(model);
  return { recommender: await loadModel(bytes), bytes, seconds: (performance.now() - start) / 1000 };
}

const rows: string[][] = [];
let m3rec: Recommender | undefined;
for (const model of ['popularity', 'ease', 'm3rec'] as const) {
  process.stderr.write(`\n${model}\n`);
  const { recommender, bytes, seconds } = await makeModel({ model });
  const result = await evaluate(recommender, markets, { onProgress });
  view.clear();
  rows.push([
    model,
    ...result.markets.map((market) => formatPercent(market.ndcg, 1)),
    ...[result.mean.mrr, result.mean.ndcg, result.mean.hr].map((value) => formatPercent(value, 1)),
    seconds.toFixed(1),
  ]);
  if (model === 'm3rec') {
    await writeFileAtomically(FILE, bytes);
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
await write(
  `\nWrote ${FILE}. All of it took ${((performance.now() - started) / 1000).toFixed(0)} s.\nNext: npx m3rec recommend ${FILE} --market ${smallest} --items ${unseen.join(',')} --explain\n`,
);
