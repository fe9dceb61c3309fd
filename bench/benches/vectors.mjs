// The item vectors of the default: gains over EASE of all markets (λ = 50, exact) in MRR, NDCG@10 and HR@10, by the number of singular
// vectors and the weight of their cosine; on generated markets too, where only EASE by groups stands beside.
import { assembleGenerated, encodeModel, evaluate, generateMarkets, loadModel, train } from '../../dist/index.js';
import { loadMarkets } from '../harness/data.mjs';
import { restrict } from '../harness/halves.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const GRID = [
  [0, 0.15],
  [64, 0.15],
  [128, 0.1],
  [128, 0.15],
  [256, 0.05],
  [256, 0.1],
  [256, 0.15],
  [256, 0.2],
  [384, 0.15],
  [512, 0.15],
];
const GENERATED = { items: 30_000, users: 75_000, interactions: 600_000 };
const METRICS = ['mrr', 'ndcg', 'hr'];
const EVERYWHERE = { everywhere: true };

export async function vectors() {
  const { name, markets } = await loadMarkets();
  const generated = assembleGenerated(generateMarkets({ seed: 1, ...GENERATED }));
  const found = { name, real: [], generated: [] };
  const base = await measure(markets, { model: 'ease', lambdaF: 50, easeSolver: 'exact' });
  for (const [singularVectors, cosineWeight] of GRID) {
    note(`vectors: ${singularVectors}, ${cosineWeight} …`);
    found.real.push({
      singularVectors,
      cosineWeight,
      ...gains(base, await measure(markets, { singularVectors, cosineWeight })),
    });
    report(found);
  }
  const beside = await measure(generated, { model: 'ease' });
  for (const singularVectors of [0, 128, 256]) {
    note(`vectors: generated, ${singularVectors} …`);
    found.generated.push({ singularVectors, ...gains(beside, await measure(generated, { singularVectors })) });
    report(found);
  }
  for (const block of report(found)) show(block);
}

async function measure(data, options) {
  const bytes = encodeModel(await train(data, options));
  const recommender = await loadModel(bytes);
  const evaluation = await evaluate(recommender, data, { seed: 1, perUser: true });
  recommender.close();
  const halves = Object.fromEntries(['tune', 'report'].map((half) => [half, restrict(evaluation, half).markets]));
  return { halves, bytes: bytes.length };
}

/** Relative gains of each metric, the mean over the markets, and the least of all cells. */
function gains(base, { halves, bytes }) {
  const result = { bytes };
  for (const [half, markets] of Object.entries(halves)) {
    const cells = METRICS.map((metric) =>
      markets.map((market, m) => market[metric] / base.halves[half][m][metric] - 1),
    );
    result[half] = cells.map((list) => list.reduce((sum, x) => sum + x, 0) / list.length);
    result[`${half}Least`] = Math.min(...cells.flat());
  }
  return result;
}

const signed = (x) => `${x < 0 ? '−' : '+'}${(100 * Math.abs(x)).toFixed(1)}`;
const three = (list) => list.map(signed).join('/');

function report(found) {
  const rows = (list, names) =>
    list.map((run) => [
      ...names.map((name) => run[name]),
      three(run.tune),
      signed(run.tuneLeast),
      three(run.report),
      signed(run.reportLeast),
      (run.bytes / 1e6).toFixed(1),
    ]);
  const columns = ['tune half', 'least cell', 'report half', 'least cell', 'MB'];
  const blocks = [
    `Data: ${found.name}, held-out rows of valid among 999 negatives (clean, seed 1). Gains in MRR/NDCG@10/HR@10 over EASE of all markets (λ = 50, exact), %, the mean of the markets. Constants are chosen on the tune half.`,
    table(['singular vectors', 'weight', ...columns], rows(found.real, ['singularVectors', 'cosineWeight']), 2),
    ...(found.generated.length > 0
      ? [
          `Generated: ${GENERATED.items.toLocaleString('en-US')} items, ${GENERATED.users.toLocaleString('en-US')} users, ${GENERATED.interactions.toLocaleString('en-US')} interactions; gains over EASE of all markets (λ = 25, groups).`,
          table(['singular vectors', ...columns], rows(found.generated, ['singularVectors']), 1),
        ]
      : []),
  ];
  save('vectors', 'Singular vectors in the default', blocks, found, EVERYWHERE);
  return blocks;
}
