// Which entries of B̂ to keep: those of ε and more, or the nearest of each column or row, or both: NDCG@10, entries and bytes, on the real
// markets and on two generated catalogues, with users of 20 items and of 6.
import { assembleGenerated, encodeModel, evaluate, generateMarkets, loadModel, train } from '../../dist/index.js';
import { loadMarkets } from '../harness/data.mjs';
import { restrict } from '../harness/halves.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const LEAST = 0.002;
const RULES = [
  { name: 'ε = 0.002', keep: () => () => true },
  { name: 'ε = 0.005', keep: above(0.005) },
  { name: 'ε = 0.01', keep: above(0.01) },
  { name: 'ε = 0.02', keep: above(0.02) },
  ...[50, 100, 200].flatMap((k) => [
    { name: `${k} nearest of each column`, keep: nearest('column', k) },
    { name: `${k} nearest of each row`, keep: nearest('row', k) },
  ]),
  { name: 'ε = 0.01, and 200 nearest of each column', keep: both(above(0.01), nearest('column', 200)) },
];
const GENERATED = [
  { items: 12_000, users: 60_000, interactions: 1_360_000 },
  { items: 30_000, users: 75_000, interactions: 600_000 },
];
const EVERYWHERE = { everywhere: true };

function above(epsilon) {
  return (matrix) => (entry) => matrix.values[entry] >= epsilon;
}

/** The k largest of each row or column, of equal ones the first. */
function nearest(by, k) {
  return ({ rows, cols, indptr, indices, values }) => {
    const lists = Array.from({ length: by === 'row' ? rows : cols }, () => []);
    for (let i = 0; i < rows; i++)
      for (let e = indptr[i]; e < indptr[i + 1]; e++) lists[by === 'row' ? i : indices[e]].push(e);
    const kept = new Uint8Array(values.length);
    for (const list of lists)
      for (const e of list.sort((a, b) => values[b] - values[a] || a - b).slice(0, k)) kept[e] = 1;
    return (entry) => kept[entry] === 1;
  };
}

function both(...rules) {
  return (matrix) => {
    const tests = rules.map((rule) => rule(matrix));
    return (entry) => tests.every((test) => test(entry));
  };
}

export async function entries() {
  const { name, markets } = await loadMarkets();
  const runs = [];
  for (const [data, on] of [
    [name, () => markets],
    ...GENERATED.map((options) => [
      `${options.items.toLocaleString('en-US')} generated items, ${Math.round(options.interactions / options.users)} rows a user`,
      () => assembleGenerated(generateMarkets({ seed: 1, ...options })),
    ]),
  ]) {
    const all = on();
    const model = await train(all, { model: 'ease', epsilon: LEAST });
    for (const { name: rule, keep } of RULES) {
      const pruned = {
        ...model,
        markets: model.markets.map((market) => ({ ...market, linear: prune(market.linear, keep) })),
      };
      const bytes = encodeModel(pruned);
      const recommender = await loadModel(bytes);
      const found = await evaluate(recommender, all, { seed: 1, perUser: true });
      recommender.close();
      const ndcg = (half) => mean(restrict(found, half).markets.map((market) => market.ndcg));
      const count = pruned.markets.reduce((sum, { linear }) => sum + linear.values.length, 0);
      runs.push({ data, rule, tune: ndcg('tune'), report: ndcg('report'), entries: count, bytes: bytes.length });
      note(`${data}, ${rule}: ${(100 * ndcg('tune')).toFixed(2)}`);
      report(runs);
    }
  }
  for (const block of report(runs)) show(block);
}

function prune({ rows, cols, indptr, indices, values }, keep) {
  const test = keep({ rows, cols, indptr, indices, values });
  const starts = new Int32Array(rows + 1);
  const kept = [];
  for (let i = 0; i < rows; i++) {
    for (let e = indptr[i]; e < indptr[i + 1]; e++) if (test(e)) kept.push(e);
    starts[i + 1] = kept.length;
  }
  return {
    rows,
    cols,
    indptr: starts,
    indices: Int32Array.from(kept, (e) => indices[e]),
    values: Float32Array.from(kept, (e) => values[e]),
  };
}

const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;

function report(runs) {
  const blocks = [
    `EASE of all markets as one by groups, λ = 25, entries of ${LEAST} and more, then pruned by each rule. Mean NDCG@10 of the markets in % on valid among 999 negatives (clean, seed 1), by half of the users.`,
    table(
      ['data', 'kept', 'tune', 'report', 'entries', 'MB'],
      runs.map((run) => [
        run.data,
        run.rule,
        (100 * run.tune).toFixed(2),
        (100 * run.report).toFixed(2),
        run.entries.toLocaleString('en-US'),
        (run.bytes / 1e6).toFixed(1),
      ]),
      2,
    ),
  ];
  save('entries', 'Which entries of B̂ to keep', blocks, { runs }, EVERYWHERE);
  return blocks;
}
