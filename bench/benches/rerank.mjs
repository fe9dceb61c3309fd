// What a learned re-ranking adds to the default: one purchase of each user with three or more is taken out, the models are trained on the
// rest, and a small network learns to put it first among the 40 best of 1,000; then the same network re-orders what the models of all rows
// answer on held-out rows. Only training rows choose its weights.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { train } from '../../dist/index.js';
import { loadMarkets } from '../harness/data.mjs';
import { halfOf } from '../harness/halves.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { Stream } from '../harness/splitmix64.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';

const BEST = 40;
const NEGATIVES = 999;
const LEAST_HISTORY = 3;
const SEEDS = [0, 1, 2, 3];
const EVERYWHERE = { everywhere: true };
const HALVES = ['tune', 'report'];

export async function rerank() {
  const python = pythonWith('numpy');
  if (!python) {
    note('rerank: NumPy is not installed (Debian: python3-numpy)');
    return;
  }
  const { name, markets } = await loadMarkets();
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-rerank-'));
  try {
    const { data, targets } = withoutOne(markets);
    note('rerank: candidates of training rows …');
    writeQueries(
      folder,
      'train',
      await queriesOf(
        data,
        rowsOf(data, (user, m) => targets[m][user]),
      ),
    );
    note('rerank: candidates of held-out rows …');
    writeQueries(folder, 'valid', await queriesOf(markets, heldOutRows(markets)));
    note('rerank: the network …');
    const found = await runPython(python, 'rerank.py', { folder, best: BEST, seeds: SEEDS, halves: HALVES.length }, 1);
    const blocks = [
      `Data: ${name}. One purchase of each user with ${LEAST_HISTORY} or more is taken out, the default, EASE of all markets and EASE of each market alone are trained on the rest, and a network (24, 24, listwise softmax, ${SEEDS.length} seeds added up) learns from sums, maxima, cosines and counts to put it first among the ${BEST} best of ${NEGATIVES + 1} sampled items, beside the logarithm of the default's score. Held-out rows of \`valid\` among ${NEGATIVES} sampled items, models of all rows: the default, and the same with its ${BEST} best re-ordered; t is that of the paired difference in MRR. ${found.used.toLocaleString('en-US')} of ${found.queries.toLocaleString('en-US')} purchases were among their ${BEST} best, so that the network learnt from them.`,
      table(
        ['half', 'market', 'rows', 'default MRR/NDCG/HR', 're-ranked', 't of MRR'],
        found.rows.map(({ half, market, rows, before, after, t }) => [
          HALVES[half],
          markets.markets[market].name,
          rows,
          three(before),
          three(after),
          t.toFixed(1),
        ]),
        2,
      ),
      table(
        ['half', 'mean gain in MRR/NDCG/HR, %'],
        found.gains.map((gains, half) => [HALVES[half], gains.map((gain) => signed(100 * gain)).join('/')]),
      ),
    ];
    for (const block of blocks) show(block);
    save('rerank', 'Learned re-ranking on top of the default', blocks, found, EVERYWHERE);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const three = (metrics) => metrics.map((value) => (100 * value).toFixed(2)).join('/');
const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

/** Draws integers from 0 to below, the same in each run. */
function drawer(seed) {
  const stream = new Stream(seed, 0, 0);
  let counter = 0;
  return (below) => {
    stream.draw(counter++);
    return stream.below(below);
  };
}

function withoutOne(markets) {
  const draw = drawer(1);
  const targets = [];
  const rest = markets.markets.map((market) => {
    const { rows, cols, indptr, indices } = market.interactions;
    const target = new Int32Array(rows).fill(-1);
    const starts = new Int32Array(rows + 1);
    const kept = [];
    for (let user = 0; user < rows; user++) {
      const length = indptr[user + 1] - indptr[user];
      const out = length >= LEAST_HISTORY ? indptr[user] + draw(length) : -1;
      for (let e = indptr[user]; e < indptr[user + 1]; e++) {
        if (e === out) target[user] = indices[e];
        else kept.push(indices[e]);
      }
      starts[user + 1] = kept.length;
    }
    targets.push(target);
    return { ...market, interactions: { rows, cols, indptr: starts, indices: Int32Array.from(kept) } };
  });
  return { data: { ...markets, markets: rest }, targets };
}

const rowOf = ({ interactions: { indptr, indices } }, user) => indices.subarray(indptr[user], indptr[user + 1]);

/** By market: each user's history and the item to find. */
const rowsOf = ({ markets }, targetOf) =>
  markets.map((market, m) =>
    market.users.flatMap((_, user) => {
      const target = targetOf(user, m);
      return target < 0 ? [] : [{ history: rowOf(market, user), target, half: 0 }];
    }),
  );

const heldOutRows = ({ markets }) =>
  markets.map((market) =>
    market.heldOut.valid.flatMap(({ user, item }) => {
      if (user < 0 || item < 0) return [];
      const history = rowOf(market, user);
      return history.includes(item)
        ? []
        : [{ history, target: item, half: HALVES.indexOf(halfOf(market.users[user])) }];
    }),
  );

/** Trains, and computes of each row what the network sees of the best candidates. */
async function queriesOf(data, rows) {
  const models = {
    default: await train(data, {}),
    merged: await train(data, { model: 'ease', lambdaF: 50 }),
    alone: await train(data, { borrow: 0, lambda: 10, singularVectors: 0 }),
  };
  const counts = data.markets.map(({ items, interactions }) => {
    const count = new Int32Array(items.length);
    for (const item of interactions.indices) count[item]++;
    return count;
  });
  const everywhere = new Float64Array(data.items.length);
  for (const [m, { items }] of data.markets.entries())
    for (const [i, item] of items.entries()) everywhere[item] += counts[m][i];
  const draw = drawer(2);
  const head = [];
  const features = [];
  for (const [m, market] of data.markets.entries()) {
    const of = Object.fromEntries(Object.entries(models).map(([key, model]) => [key, model.markets[m]]));
    const { linear, maxima } = of.default;
    of.jaccard = { ...linear, values: maxima.map((value, e) => 2 * value - linear.values[e]) };
    for (const { history, target, half } of rows[m]) {
      const scored = candidates(market.items.length, history, target, draw, of, models.default.dim);
      const rank = 1 + scored.reduce((above, { score }) => above + (score > scored[0].score ? 1 : 0), 0);
      const order = scored.map((_, i) => i).sort((a, b) => scored[b].score - scored[a].score);
      head.push(m, order.slice(0, BEST).indexOf(0), rank, half);
      for (let place = 0; place < BEST; place++) {
        const { item, score, parts } = scored[order[place] ?? order[0]];
        const own = counts[m][item];
        const other = everywhere[market.items[item]] - own;
        features.push(
          order[place] === undefined ? -9 : score,
          ...parts,
          Math.log(history.length),
          Math.log(1 + own),
          Math.log(1 + other),
        );
      }
    }
  }
  return { head, features };
}

/** The item to find and others, each with its score and the terms that the network sees. */
function candidates(n, history, target, draw, of, dim) {
  const taken = new Set([...history, target]);
  const items = [target];
  while (items.length < Math.min(NEGATIVES + 1, n - history.length)) {
    const item = draw(n);
    if (!taken.has(item)) items.push(item);
    taken.add(item);
  }
  const [all, merged, alone] = [of.default, of.merged, of.alone].map(({ linear }) => sums(n, history, linear));
  const maxima = sums(n, history, { ...of.default.linear, values: of.default.maxima });
  const jaccard = sums(n, history, of.jaccard);
  const V = of.default.vectors;
  const u = new Float64Array(dim);
  for (const i of history) for (let q = 0; q < dim; q++) u[q] += V[i * dim + q];
  const length = Math.hypot(...u) || 1;
  return items.map((item) => {
    let cosine = 0;
    for (let q = 0; q < dim; q++) cosine += (u[q] * V[item * dim + q]) / length;
    const score = all.sum[item] + maxima.most[item] + of.default.cosineWeight * cosine + of.default.bias[item];
    const own = [
      all.sum,
      all.square,
      all.most,
      all.second,
      jaccard.most,
      merged.sum,
      merged.most,
      alone.sum,
      alone.most,
    ];
    return { item, score, parts: [...own.map((values) => values[item]), cosine] };
  });
}

/** Over a history, of each item: the sum of similarities, the root of their squares' sum, the largest and the second. */
function sums(n, history, { indptr, indices, values }) {
  const [sum, square, most, second] = Array.from({ length: 4 }, () => new Float64Array(n));
  for (const i of history)
    for (let e = indptr[i]; e < indptr[i + 1]; e++) {
      const [j, value] = [indices[e], values[e]];
      sum[j] += value;
      square[j] += value * value;
      if (value > most[j]) [second[j], most[j]] = [most[j], value];
      else if (value > second[j]) second[j] = value;
    }
  return { sum, square: square.map(Math.sqrt), most, second };
}

function writeQueries(folder, name, { head, features }) {
  writeFileSync(join(folder, `${name}.i32`), Int32Array.from(head));
  writeFileSync(join(folder, `${name}.f32`), Float32Array.from(features));
}
