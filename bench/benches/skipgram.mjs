// The skip-gram stage, with its propagation and Adam, compared with gensim: the same walks, window and negatives, and
// one measure of loss.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { resolveOptions } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';
import { loadMarkets, mergedSimilarity, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { Stream } from '../harness/splitmix64.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';

/**
 * Adam's rate, which falls to 0 as gensim's does, its steps and the start of plain embeddings; the preset's are for
 * parameters that B spreads.
 */
const PLAIN = { learningRate: 0.03, cooling: true, steps: 240, initial: 0.05 };
/** Fresh walks that the loss is measured on: every so many'th of as many as were trained on. */
const SHARE = 100;
const SEED = 1;

const {
  dim,
  walks: WALKS,
  walkLength: LENGTH,
  window: WINDOW,
  negatives: NEGATIVES,
  walkLearningRate,
} = resolveOptions({ preset: 'paper' });

export async function skipgram() {
  const { name, markets } = await loadMarkets();
  const merged = mergeMarkets(markets);
  const { interactions } = merged.markets[0];
  const n = interactions.cols;
  const similarity = await mergedSimilarity(name, merged);
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-skipgram-'));
  try {
    const source = await bundle(join(folder, 'skipgram.mjs'));
    const walks = await makeWalks(source, interactions, SEED);
    const fresh = (await makeWalks(source, interactions, SEED + 1)).filter(
      (_, i) => Math.floor(i / LENGTH) % SHARE === 0,
    );
    const pairs = pairsOf(walks);
    const lossOf = measure(walks, fresh, n);
    const sides = [];
    const add = (label, threads, { seconds, vectors, contexts }) => {
      sides.push({ label, threads, seconds, rate: pairs / seconds / 1e6, loss: lossOf(vectors, contexts) });
      note(`${label}: ${seconds.toFixed(1)} s, loss ${sides.at(-1).loss.toFixed(3)}`);
    };
    const empty = {
      rows: n,
      cols: n,
      indptr: new Int32Array(n + 1),
      indices: new Int32Array(0),
      values: new Float32Array(0),
    };
    for (const threads of [1, 2])
      add(`m3rec, plain embeddings, ${threaded(threads)}`, threads, await m3rec(source, walks, empty, PLAIN, threads));
    for (const threads of [1, 2])
      add(
        `m3rec, V = B V_init + V_init, ${threaded(threads)}`,
        threads,
        await m3rec(
          source,
          walks,
          normalised(similarity),
          { learningRate: walkLearningRate, steps: source.SKIPGRAM_STEPS },
          threads,
        ),
      );

    const python = pythonWith('gensim', 'numpy');
    let version;
    if (!python) note('gensim is not installed (Debian: python3-gensim): not compared with');
    else {
      const file = join(folder, 'walks');
      writeFileSync(file, walks);
      for (const workers of [1, 2]) {
        const out = join(folder, 'gensim');
        const { seconds, version: found } = await runPython(
          python,
          'skipgram.py',
          {
            walks: file,
            length: LENGTH,
            dim,
            window: WINDOW,
            negatives: NEGATIVES,
            workers,
            seed: SEED,
            items: n,
            out,
          },
          1,
        );
        version = found;
        add(`gensim, ${threaded(workers)}`, workers, {
          seconds,
          vectors: floats(`${out}.vectors`),
          contexts: floats(`${out}.contexts`),
        });
      }
    }
    report(name, walks.length / LENGTH, pairs, sides, version);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(name, count, pairs, sides, version) {
  const peer = sides.find(({ label }) => label.startsWith('gensim'));
  const rows = sides.map(({ label, threads, seconds, rate, loss }) => {
    const each = rate / threads;
    return [
      label,
      seconds.toFixed(1),
      rate.toFixed(2),
      each.toFixed(2),
      peer ? `${(each / peer.rate).toFixed(1)} ×` : '–',
      loss.toFixed(3),
    ];
  });
  const blocks = [
    `Data: ${name}. ${count.toLocaleString('en-US')} walks of ${LENGTH}, ${pairs.toLocaleString('en-US')} pairs (centre, context), window ${WINDOW}, ${NEGATIVES} negatives of visits^0.75, d = ${dim}; each side goes over the same walks once. m3rec: the whole stage, propagation and steps of Adam included (plain embeddings: rate ${PLAIN.learningRate} falling to 0, ${PLAIN.steps} steps, from ±${PLAIN.initial}; with B the preset's). gensim${version ? ` ${version}` : ''}: \`train\` alone, its own rates, shrink_windows off. Loss: −log σ(v·v̄) − Σ log σ(−v·v̄ of a negative), the mean over the pairs of every ${SHARE}th walk of another seed, with the finished vectors and the same negatives for all sides.`,
    table(['', 'seconds', 'M pairs/s', 'a thread', 'beside gensim', 'loss of a pair'], rows),
  ];
  show(`skipgram: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('skipgram', 'Skip-gram compared with gensim', blocks, {
    data: name,
    pairs,
    plain: PLAIN,
    sides,
    gensim: version,
  });
}

const threaded = (threads) => `${threads} thread${threads > 1 ? 's' : ''}`;
const floats = (file) => new Float32Array(Uint8Array.from(readFileSync(file)).buffer);

/** The library exports no step of training alone, so the sources are bundled. */
async function bundle(outfile) {
  const from = fileURLToPath(new URL('../../src/', import.meta.url));
  const contents = `export { stageContext } from './engine/stage.ts'; export { startThreads } from './threads/pool.ts'; export { skipgram } from './embedding/skipgram.ts'; export { SKIPGRAM_STEPS } from './models/m3rec/train.ts'; export { transpose } from './matrix/transpose.ts'; export { makeWalks } from './embedding/walks.ts';`;
  await build({
    stdin: { contents, resolveDir: from },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    loader: { '.wasm': 'binary' },
    outfile,
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

async function makeWalks({ stageContext, makeWalks: walk, transpose, startThreads }, interactions, seed) {
  const kernels = await startThreads();
  const options = { walks: WALKS, walkLength: LENGTH, seed };
  return walk(stageContext(kernels, 'walks'), interactions, transpose(kernels, interactions), options);
}

/** The stage on this number of threads. */
async function m3rec({ stageContext, skipgram: stage, startThreads }, walks, similarity, rates, threads) {
  const kernels = await startThreads({ threads, workers: nodeWorkers });
  const start = performance.now();
  const { vectors, contexts } = await stage(
    stageContext(kernels, 'skip-gram'),
    { walks, similarity },
    { dim, walkLength: LENGTH, window: WINDOW, negatives: NEGATIVES, seed: SEED, ...rates },
  );
  const seconds = (performance.now() - start) / 1000;
  await kernels.close();
  return { seconds, vectors, contexts };
}

/** Rows that sum to 1. */
function normalised(matrix) {
  const values = matrix.values.slice();
  for (let row = 0; row < matrix.rows; row++) {
    const of = values.subarray(matrix.indptr[row], matrix.indptr[row + 1]);
    const sum = of.reduce((total, value) => total + value, 0);
    for (let e = 0; e < of.length; e++) of[e] /= sum;
  }
  return { ...matrix, values };
}

/** Pairs (centre, context) of all walks. */
function pairsOf(walks) {
  let pairs = 0;
  for (let t = 0; t < LENGTH; t++) pairs += Math.min(LENGTH - 1, t + WINDOW) - Math.max(0, t - WINDOW);
  return (pairs * walks.length) / LENGTH;
}

/**
 * The loss of a pair on the fresh walks: its negatives are drawn by the visits of the walks that were trained on, once
 * for all sides.
 */
function measure(walks, fresh, n) {
  const visits = new Float64Array(n);
  for (const item of walks) visits[item]++;
  let sum = 0;
  const sums = visits.map((visit) => {
    sum += visit ** 0.75;
    return sum;
  });
  const stream = new Stream(SEED, 98, 0);
  const drawn = Int32Array.from({ length: fresh.length * NEGATIVES }, (_, i) => {
    stream.draw(i);
    return firstAbove(sums, stream.unit() * sum);
  });
  return (vectors, contexts) => {
    let loss = 0;
    for (let i = 0; i < fresh.length; i++) {
      const t = i % LENGTH;
      const [from, to] = [Math.max(0, t - WINDOW), Math.min(LENGTH - 1, t + WINDOW)];
      for (let s = from; s <= to; s++)
        if (s !== t) loss += softplus(-dot(vectors, fresh[i], contexts, fresh[i - t + s]));
      for (let k = 0; k < NEGATIVES; k++)
        loss += (to - from) * softplus(dot(vectors, fresh[i], contexts, drawn[i * NEGATIVES + k]));
    }
    return loss / pairsOf(fresh);
  };
}

/** The first position of rising sums that is above x. */
function firstAbove(sums, x) {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** −log σ(−x). */
const softplus = (x) => Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));

function dot(a, i, b, j) {
  let sum = 0;
  for (let c = 0; c < dim; c++) sum += a[i * dim + c] * b[j * dim + c];
  return sum;
}
