// Exported variants of trained models: size, NDCG@10 before and after, time to load; and what a process that serves one
// needs.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeModel, encodeModel, evaluate, exportModel, loadModel, train } from '../../dist/index.js';
import { fingerprintOf } from '../harness/cached.mjs';
import { cache, loadMarkets } from '../harness/data.mjs';
import { buildHash, describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const VECTORS = ['f32', 'f16', 'int8'];
const NEIGHBOURS = [undefined, 200, 100, 50, 20];
const LOADS = 7;
const EVALUATION = { heldOut: 'valid', protocol: 'clean', negatives: 999, seed: 1, k: 10 };

const megabytes = (bytes) => (bytes / 1e6).toFixed(2);
const percent = (share) => (100 * share).toFixed(2);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** The model file of a training, kept in the cache. */
async function trained(markets, options) {
  const key = createHash('sha256')
    .update(JSON.stringify([buildHash(), fingerprintOf(markets.markets), options]))
    .digest('hex')
    .slice(0, 24);
  const file = join(cache, `model-${key}.m3rec`);
  if (!existsSync(file)) {
    note(`training ${JSON.stringify(options)} …`);
    const bytes = encodeModel(
      await train(markets, {
        ...options,
        onStage: ({ stage, seconds }) => note(`  ${stage}: ${seconds.toFixed(1)} s`),
      }),
    );
    mkdirSync(cache, { recursive: true });
    writeFileSync(file, bytes);
  }
  return new Uint8Array(readFileSync(file));
}

/** NDCG by market and in the mean, on the markets that the model has. */
async function measure(recommender, markets) {
  const chosen = { ...markets, markets: markets.markets.filter(({ name }) => recommender.markets.includes(name)) };
  const { markets: rows, mean } = await evaluate(recommender, chosen, EVALUATION);
  return {
    mean: mean.ndcg,
    markets: Object.fromEntries(rows.map(({ market, ndcg }) => [market, ndcg])),
    errors: rows.map(({ mrrStandardError }) => mrrStandardError),
  };
}

async function variant(context, options) {
  const { markets, model, before } = context;
  const exported = exportModel(model, options);
  const bytes = encodeModel(exported);
  const times = [];
  let recommender;
  for (let i = 0; i < LOADS; i++) {
    const start = performance.now();
    recommender = await loadModel(bytes);
    times.push(performance.now() - start);
  }
  const ndcg = await measure(recommender, markets);
  const names = Object.keys(ndcg.markets);
  const original = names.reduce((sum, name) => sum + before.markets[name], 0) / names.length;
  const result = {
    model: context.name,
    ...options,
    bytes: bytes.length,
    loadMs: median(times),
    ndcg: ndcg.mean,
    ndcgBefore: original,
    loss: original - ndcg.mean,
    ndcgByMarket: ndcg.markets,
  };
  note(
    `${context.name} ${JSON.stringify(options)}: ${megabytes(bytes.length)} MB, NDCG ${percent(original)} to ${percent(ndcg.mean)}`,
  );
  context.results.push(result);
  return result;
}

const HEADER = ['vectors', 'similarities an item', 'size, MB', 'load, ms', 'NDCG@10 before', 'after', 'loss'];
const rowOf = (type, { neighbours, bytes, loadMs, ndcgBefore, ndcg, loss }) => [
  type ?? '–',
  neighbours ?? 'all',
  megabytes(bytes),
  loadMs.toFixed(1),
  percent(ndcgBefore),
  percent(ndcg),
  percent(loss),
];

async function grid(context, vectors, neighbours, options) {
  const rows = [];
  for (const type of vectors) {
    for (const most of neighbours) {
      rows.push(
        rowOf(
          type,
          await variant(context, { ...options, ...(type && { vectors: type }), ...(most && { neighbours: most }) }),
        ),
      );
    }
  }
  return table(HEADER, rows);
}

/**
 * As `exportModel` prunes the rows of S, its columns: what recommended item j is like, not what history item i leads
 * to.
 */
function pruneColumns({ rows, cols, indptr, indices, values }, most) {
  const columns = Array.from({ length: cols }, () => []);
  for (let row = 0; row < rows; row++)
    for (let e = indptr[row]; e < indptr[row + 1]; e++) columns[indices[e]].push({ e, row });
  const kept = new Uint8Array(values.length);
  for (const column of columns) {
    column.sort((a, b) => values[b.e] - values[a.e] || a.row - b.row);
    for (const { e } of column.slice(0, most)) kept[e] = 1;
  }
  const ends = new Int32Array(rows + 1);
  for (let row = 0; row < rows; row++)
    ends[row + 1] = ends[row] + kept.subarray(indptr[row], indptr[row + 1]).reduce((sum, flag) => sum + flag, 0);
  return {
    rows,
    cols,
    indptr: ends,
    indices: indices.filter((_, e) => kept[e] === 1),
    values: values.filter((_, e) => kept[e] === 1),
  };
}

async function sides({ name, model, markets, before }) {
  const rows = [];
  const results = [];
  const entries = (each) => each.markets.reduce((sum, { linear }) => sum + linear.indices.length, 0);
  for (const most of NEIGHBOURS.slice(1)) {
    for (const [side, pruned] of [
      ['history item (rows)', exportModel(model, { neighbours: most })],
      [
        'recommended item (columns)',
        {
          ...model,
          markets: model.markets.map((market) => ({ ...market, linear: pruneColumns(market.linear, most) })),
        },
      ],
    ]) {
      const ndcg = await measure(await loadModel(encodeModel(pruned)), markets);
      results.push({
        model: name,
        side,
        most,
        entries: entries(pruned),
        ndcg: ndcg.mean,
        loss: before.mean - ndcg.mean,
      });
      rows.push([
        name,
        side,
        most,
        entries(pruned).toLocaleString('en-US'),
        percent(ndcg.mean),
        percent(before.mean - ndcg.mean),
      ]);
    }
  }
  return { rows, results };
}

/**
 * Memory of a process that loads a file and answers, over that of a process that does nothing; the least of three runs
 * each.
 */
function processMemory(file) {
  const run = (...args) =>
    JSON.parse(
      execFileSync(process.execPath, [fileURLToPath(new URL('../processes/serve.mjs', import.meta.url)), ...args], {
        encoding: 'utf8',
      }),
    );
  const runs = (...args) => Array.from({ length: 3 }, () => run(...args)).sort((a, b) => a.peakRSS - b.peakRSS)[0];
  const bare = runs();
  const serving = runs(file);
  return { ...serving, bareRSS: bare.peakRSS, overBare: serving.peakRSS - bare.peakRSS };
}

async function exportBench() {
  const { name, markets } = await loadMarkets();
  const largest = markets.markets.reduce((a, b) => (b.items.length > a.items.length ? b : a));
  const results = [];
  const blocks = [
    `Data: ${name}. NDCG@10 in % on the held-out rows of \`valid\`, clean protocol, 999 negatives, mean over the markets in the file; losses are in points. Before and after are measured on the same users and negatives. Load: bytes to a recommender that is ready, median of ${LOADS}, one thread.`,
  ];
  show(`export: ${describe(machine())}`);
  const add = (block) => {
    blocks.push(block);
    show(block);
  };
  show(blocks[0]);
  const open = async (label, options) => {
    const bytes = await trained(markets, options);
    const before = await measure(await loadModel(bytes), markets);
    return { name: label, model: decodeModel(bytes), bytes, before, markets, results };
  };

  const standard = await open('default', { preset: 'softmax' });
  const { errors } = standard.before;
  add(
    `For scale: the standard error of a market's MRR is ${percent(Math.min(...errors))} to ${percent(Math.max(...errors))} points.`,
  );
  add(
    `## preset softmax (the file that training wrote: ${megabytes(standard.bytes.length)} MB)\n\nAll markets, with users:\n\n${await grid(standard, VECTORS, NEIGHBOURS, {})}`,
  );
  add(`All markets, without users:\n\n${await grid(standard, VECTORS, NEIGHBOURS, { users: false })}`);
  const edge = { markets: [largest.name], users: false };
  add(
    `Market ${largest.name} alone (${largest.items.length.toLocaleString('en-US')} items), without users:\n\n${await grid(standard, VECTORS, NEIGHBOURS, edge)}`,
  );

  const ease = await open('ease', { model: 'ease' });
  add(
    `## ease (${megabytes(ease.bytes.length)} MB)\n\nAll markets, with users:\n\n${await grid(ease, [undefined], NEIGHBOURS, {})}`,
  );
  add(`Market ${largest.name} alone, without users:\n\n${await grid(ease, [undefined], NEIGHBOURS, edge)}`);

  const paper = await open('paper', { preset: 'paper' });
  add(
    `## preset paper (${megabytes(paper.bytes.length)} MB)\n\nIts users have vectors of their own. All markets, with users:\n\n${await grid(paper, VECTORS, [undefined], {})}`,
  );
  add(`All markets, without users:\n\n${await grid(paper, VECTORS, [undefined], { users: false })}`);

  const bySide = [await sides(standard), await sides(ease)];
  add(
    `## Which similarities to keep\n\nThe N largest of each history item or of each recommended item, f32, all markets:\n\n${table(
      ['model', 'N of each', 'N', 'entries', 'NDCG@10', 'loss'],
      bySide.flatMap(({ rows }) => rows),
      2,
    )}`,
  );

  mkdirSync(cache, { recursive: true });
  const memory = [];
  for (const vectors of VECTORS) {
    for (const neighbours of [undefined, 50]) {
      const bytes = encodeModel(exportModel(standard.model, { ...edge, vectors, neighbours }));
      const file = join(cache, 'served.m3rec');
      writeFileSync(file, bytes);
      memory.push({ vectors, neighbours: neighbours ?? 'all', ...processMemory(file) });
    }
  }
  add(
    `## Memory of a process that serves market ${largest.name}\n\nPreset default without users, 1,000 answers for histories of 20 items. In MB: linear memory of the kernels, the file that the model's arrays are views of, and the most resident memory of the process over that of a process that only starts Node (the least of three runs).\n\n${table(
      ['vectors', 'similarities an item', 'file', 'linear memory', 'both', 'process, peak', 'bare Node', 'difference'],
      memory.map((row) => [
        row.vectors,
        row.neighbours,
        megabytes(row.file),
        megabytes(row.linear),
        megabytes(row.file + row.linear),
        megabytes(row.peakRSS),
        megabytes(row.bareRSS),
        megabytes(row.overBare),
      ]),
    )}`,
  );
  save('export', 'Export variants', blocks, {
    data: name,
    evaluation: EVALUATION,
    market: largest.name,
    results,
    sides: bySide.flatMap(({ results: each }) => each),
    memory,
  });
}

export { exportBench as export };
