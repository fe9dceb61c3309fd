// The skip-gram stage, with its propagation and Adam, beside gensim: the same graph, as many walks, the same window and negatives.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataDirectory, loadMarkets, mergeMarkets } from './data.mjs';
import { describe, machine } from './machine.mjs';
import { pythonWith, runPython } from './peers/python.mjs';
import { note, save, show, table } from './report.mjs';
import { Stream } from './splitmix64.mjs';
import { trainOnce } from './training.mjs';

const WALKS = 10;
const LENGTH = 40;
const WINDOW = 10;
const NEGATIVES = 10;
const DIM = 128;
/** Adam's rate for plain embeddings, the best of 0.01, 0.02, 0.05 and 0.1 by loss; the preset's 0.001 is for parameters that B spreads. */
const PLAIN_RATE = 0.02;

export async function skipgram() {
  const { name, markets } = await loadMarkets();
  const { interactions } = mergeMarkets(markets).markets[0];
  const walks = walkAll(interactions, 1);
  const count = walks.length / LENGTH;
  const pairs = count * pairsOfWalk();
  const sides = [];
  // plain embeddings as gensim trains them, then the paper's, whose every step goes through B and back
  for (const [label, options] of [
    ['m3rec, plain embeddings', { preset: 'paper', without: 'intra', epochs: 0, walkLearningRate: PLAIN_RATE }],
    ['m3rec, V = B V_init + V_init', { preset: 'paper', epochs: 0 }],
  ]) {
    note(`${label} …`);
    const { stages } = await trainOnce({ path: dataDirectory(), options }, () => {});
    const { seconds, loss } = stages.find(({ stage }) => stage === 'skip-gram');
    sides.push({ label, seconds, loss });
  }
  const python = pythonWith('gensim', 'numpy');
  let version;
  if (!python) note('gensim is not installed (Debian: python3-gensim): not compared with');
  else {
    const folder = mkdtempSync(join(tmpdir(), 'm3rec-walks-'));
    try {
      const file = join(folder, 'walks');
      writeFileSync(file, new Uint8Array(walks.buffer));
      const fresh = walkAll(interactions, 2);
      writeFileSync(`${file}-fresh`, new Uint8Array(fresh.buffer, 0, 4 * LENGTH * Math.ceil(count / 100)));
      for (const workers of [1, 2]) {
        note(`gensim, ${workers} …`);
        const result = await runPython(python, 'skipgram.py', { walks: file, count, length: LENGTH, dim: DIM, window: WINDOW, negatives: NEGATIVES, workers, fresh: `${file}-fresh`, seed: 1 }, 1);
        version = result.version;
        sides.push({ label: `gensim, ${workers} worker${workers > 1 ? 's' : ''}`, seconds: result.seconds, loss: result.loss });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const rows = sides.map(({ label, seconds, loss }) => [label, seconds.toFixed(1), (pairs / seconds / 1e6).toFixed(2), (sides[0].seconds > 0 ? seconds / sides[0].seconds : 0).toFixed(2), loss.toFixed(3)]);
  const blocks = [
    `Data: ${name}. ${count.toLocaleString('en-US')} walks of ${LENGTH}, ${pairs.toLocaleString('en-US')} pairs, window ${WINDOW}, ${NEGATIVES} negatives, d = ${DIM}, one pass. m3rec: the whole stage on one thread, steps of Adam included; its loss is the mean of the last tenth of the steps, each measured before its step. gensim${version ? ` ${version}` : ''} (shrink_windows off) walks the same graph; its loss is measured with the finished vectors on as many fresh walks as a hundredth of those that it was trained on.`,
    table(['', 'seconds', 'M pairs/s', 'time beside the first', 'loss of a pair'], rows),
  ];
  show(`skipgram: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('skipgram', 'Skip-gram beside gensim', blocks, { data: name, pairs, sides, gensim: version });
}

/** Pairs (centre, context) of one walk. */
function pairsOfWalk() {
  let pairs = 0;
  for (let i = 0; i < LENGTH; i++) pairs += Math.min(LENGTH - 1, i + WINDOW) - Math.max(0, i - WINDOW);
  return pairs;
}

/** WALKS walks from each item that has a neighbour, over p(j|i) = A_ij / Σ_j A_ij: a user of i by |x_u| − 1, then another item of theirs. */
function walkAll({ rows, cols, indptr, indices }, seed) {
  const stream = new Stream(seed, 98, 0);
  let drawn = 0;
  const random = () => {
    stream.draw(drawn++);
    return stream.unit();
  };
  const usersOf = Array.from({ length: cols }, () => []);
  for (let u = 0; u < rows; u++) if (indptr[u + 1] - indptr[u] > 1) for (let e = indptr[u]; e < indptr[u + 1]; e++) usersOf[indices[e]].push(u);
  const sums = usersOf.map((users) => {
    let sum = 0;
    return users.map((u) => {
      sum += indptr[u + 1] - indptr[u] - 1;
      return sum;
    });
  });
  const next = (item) => {
    const at = random() * sums[item].at(-1);
    const user = usersOf[item][sums[item].findIndex((sum) => at < sum)];
    while (true) {
      const other = indices[indptr[user] + Math.floor(random() * (indptr[user + 1] - indptr[user]))];
      if (other !== item) return other;
    }
  };
  const starts = [];
  for (let k = 0; k < WALKS; k++) for (let item = 0; item < cols; item++) if (usersOf[item].length > 0) starts.push(item);
  for (let i = starts.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [starts[i], starts[j]] = [starts[j], starts[i]];
  }
  const walks = new Int32Array(starts.length * LENGTH);
  for (let w = 0; w < starts.length; w++) {
    let item = starts[w];
    for (let k = 0; k < LENGTH; k++) {
      walks[w * LENGTH + k] = item;
      item = next(item);
    }
  }
  return walks;
}
