// SLIM, LightGCN and MultVAE as features of the default: what their score adds to its ranking. Of each user the feature
// is made comparable over the market's items (mean 0, deviation 1; SLIM's, which is a similarity as the default's are, is
// taken as it is), and its weight chosen on one half of the users; the other half says what it brings.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeModel, loadModel, train } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';
import { drawCandidates } from '../harness/candidates.mjs';
import { loadMarkets } from '../harness/data.mjs';
import { halfOf } from '../harness/halves.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, resultFile, save, show, table } from '../harness/report.mjs';

const FEATURES = {
  slim: [{ model: 'slim', scope: 'market', ridge: 3, lasso: 1 }, [0.1, 0.3, 1, 3]],
  'slim-merged': [{ model: 'slim', scope: 'merged', ridge: 30, lasso: 1 }, [0.1, 0.3, 1, 3]],
  lightgcn: [{ model: 'lightgcn', epochs: 20 }, [0.003, 0.01, 0.03, 0.1]],
  multvae: [
    { model: 'multvae', dim: 64, hidden: 256, batch: 256, epochs: 8, learningRate: 0.003 },
    [0.003, 0.01, 0.03, 0.1],
  ],
};
const K = 10;

export async function features({ parts = Object.keys(FEATURES), threads = 1 }) {
  const { name: data, markets } = await loadMarkets();
  const run = { threads, ...(threads > 1 && { workers: nodeWorkers }) };
  const base = await open(await train(markets, run));
  const drawn = await drawCandidates(base, markets);
  const blocks = [
    `Data: ${data}, valid, 999 others that the user has not had (clean), seed 1. The weight with the best mean MRR of one half of the users was chosen. Gains over the default are means over the markets in %, MRR/NDCG@10/HR@10; t is that of the paired differences of reciprocal ranks on the other half, by market.`,
  ];
  const header = ['feature', 'weight', 'tuning half', 'other half', 't on the other half'];
  for (const part of parts) {
    const [options, weights] = FEATURES[part];
    note(`${part} …`);
    const other = await open(await train(markets, { ...options, ...run }));
    const ranks = ranksOf(drawn, base, other, [0, ...weights], part.startsWith('slim'));
    other.close();
    const own = weights.map((weight, w) => ({ feature: part, options, weight, ...gainsOf(drawn, ranks, w + 1) }));
    const rows = [...known(part), ...own];
    show(table(header, own.map(lineOf)));
    save(
      'features',
      'Other models as features of the default',
      [...blocks, table(header, best(rows).map(lineOf)), table(header, rows.map(lineOf))],
      { data, rows },
      { everywhere: true },
    );
  }
  base.close();
  show(describe(machine()));
}

/** What earlier runs found of the other features. */
function known(part) {
  const file = `${fileURLToPath(resultFile('features', { everywhere: true }))}.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).rows.filter(({ feature }) => feature !== part) : [];
}

const open = async (model) => loadModel(encodeModel(model));

/** By market, by row, the rank with each weight. */
function ranksOf(drawn, base, other, weights, asItIs) {
  return drawn.map(({ name, rows }) =>
    rows.map(({ at, history, target, others }) => {
      const scores = base.scores(name, history, at);
      const more = other.scores(name, history, at);
      const [mean, deviation] = asItIs ? [0, 1] : momentsOf(more);
      return weights.map((weight) => {
        const of = (place) => (place < 0 ? -Infinity : scores[place] + (weight * (more[place] - mean)) / deviation);
        const own = of(target);
        let above = 0;
        let equal = 0;
        for (const place of others) {
          const score = of(place);
          if (score > own) above++;
          else if (score === own) equal++;
        }
        return 1 + above + equal / 2;
      });
    }),
  );
}

function momentsOf(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return [mean, Math.sqrt(variance) || 1];
}

/** Relative gains of a weight over none, on both halves, and t by market. */
function gainsOf(drawn, ranks, w) {
  const metrics = [(rank) => 1 / rank, (rank) => 1 / Math.log2(1 + rank), () => 1];
  const value = (metric, rank) => (rank <= K ? metric(rank) : 0);
  const halves = {};
  for (const half of ['tune', 'report'])
    halves[half] = metrics.map((metric) => {
      const each = drawn.map(({ rows }, m) => {
        const mine = ranks[m].filter((_, i) => halfOf(rows[i].user) === half);
        const sum = (which) => mine.reduce((total, row) => total + value(metric, row[which]), 0);
        return 100 * (sum(w) / sum(0) - 1);
      });
      return each.reduce((total, gain) => total + gain, 0) / each.length;
    });
  const t = drawn.map(({ rows }, m) => {
    const differences = ranks[m]
      .filter((_, i) => halfOf(rows[i].user) === 'report')
      .map((row) => value(metrics[0], row[w]) - value(metrics[0], row[0]));
    const [mean, deviation] = momentsOf(differences);
    return (mean / deviation) * Math.sqrt(differences.length);
  });
  return { ...halves, t: Object.fromEntries(drawn.map(({ name }, m) => [name, t[m]])) };
}

/** Of each feature the weight that the tuning half has best. */
const best = (rows) =>
  [...new Set(rows.map(({ feature }) => feature))].map((feature) =>
    rows.filter((row) => row.feature === feature).reduce((a, b) => (b.tune[0] > a.tune[0] ? b : a)),
  );

const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
const lineOf = ({ feature, weight, tune, report, t }) => [
  `\`${feature}\``,
  weight,
  tune.map(signed).join('/'),
  report.map(signed).join('/'),
  Object.entries(t)
    .map(([market, each]) => `${market} ${each.toFixed(1)}`)
    .join(', '),
];
