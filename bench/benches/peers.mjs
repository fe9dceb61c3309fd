// The laboratory's systems compared with a second implementation of the same model: iALS with NumPy, SLIM with
// scikit-learn, steps of what learns by gradients with PyTorch. Both sides take turns, on the same data and sizes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KINDS, train } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';
import { loadMarkets, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { median, processorSeconds } from '../harness/timer.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';

const TURNS = 2;
/** Steps that are left out of the median: pages are touched and code is compiled. */
const WARM = 2;
/** Steps of a turn beyond the warm ones; fewer of what takes seconds. */
const STEPS = { crossstitch: 2, mmoe: 2, mlp: 3, neumf: 3, star: 3 };
const MOST_STEPS = 6;
/** Kinds that learn by gradients, each as it is by default, with the widths of the paper where it has hidden layers. */
const LEARNED = ['bpr', 'gmf', 'lightgcn', 'bitgcf', 'multvae', 'mlp', 'neumf', 'star', 'mmoe', 'crossstitch'];
const PARTS = ['ials', 'slim', ...LEARNED];
const IALS_EPOCHS = 3;
/** The market whose items SLIM is solved for: scikit-learn takes minutes for a large one. */
const SLIM_MARKET = 's3';

export async function peers({ parts = PARTS, threads = 1 }) {
  const { name: data, markets } = await loadMarkets();
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-peers-'));
  const found = { data, threads, rows: [], versions: {} };
  try {
    for (const part of parts) {
      const peer = { ials: ['ials.py', 'numpy'], slim: ['slim.py', 'sklearn', 'scipy'] }[part];
      const [script, ...modules] = peer ?? ['networks.py', 'torch', 'numpy'];
      const python = pythonWith(...modules);
      if (!python) {
        note(`${modules[0]} is not installed: ${part} not compared with`);
        continue;
      }
      note(`${part} …`);
      const compare = { ials, slim }[part] ?? learned;
      const row = await compare({ kind: part, markets, folder, python, script, threads });
      found.versions[script] = row.version;
      found.rows.push(row);
      report(found);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  show(`peers: ${describe(machine())}`);
}

function report({ data, threads, rows, versions }) {
  const clock = threads === 1 ? 'processor time' : 'time by the clock';
  const blocks = [
    `Data: ${data}. ${threads} thread${threads > 1 ? 's' : ''}, ${clock}; both sides ${TURNS} times in turns, the median step (of iALS an epoch, of SLIM all items of market ${SLIM_MARKET}). Peers: ${Object.values(versions).join(', ')}${versions['networks.py'] ? ' (PyTorch)' : ''}. They do not look whether a negative is one of the user's own. Loss: of the last step, from other random numbers; of iALS the objective after ${IALS_EPOCHS} epochs; of SLIM the largest difference of a weight.`,
    table(
      ['system', 'what', 'm3rec s', 'peer s', 'peer / m3rec', 'loss, m3rec', 'loss, peer'],
      rows.map(({ kind, what, ours, theirs, losses }) => [
        `\`${kind}\``,
        what,
        ours.toPrecision(3),
        theirs.toPrecision(3),
        `${(theirs / ours).toFixed(2)} ×`,
        ...losses,
      ]),
      2,
    ),
  ];
  show(blocks[1]);
  save('peers', 'The laboratory compared with second implementations', blocks, { data, threads, versions, rows });
}

const resolved = (kind, options = {}) => KINDS.find(({ name }) => name === kind).resolve(options);

/** Steps of a training in turns. */
async function learned({ kind, markets, folder, python, script, threads }) {
  writeMarkets(folder, markets);
  const options = resolved(kind);
  const steps = WARM + (STEPS[kind] ?? MOST_STEPS);
  const { dim, hidden, batch, negatives = 0, dropout = 0, decay, learningRate, depth, experts, transfer } = options;
  const task = {
    ...{ folder, kind, threads, steps, dim, hidden, batch, negatives, dropout, decay, learningRate, depth, experts },
    ...{
      transfer,
      items: markets.items.length,
      markets: markets.markets.map(({ users }) => ({ users: users.length })),
    },
  };
  const ours = [];
  const theirs = [];
  let mine;
  let other;
  for (let turn = 0; turn < TURNS; turn++) {
    mine = await stepsOf(markets, { model: kind, ...options }, steps, threads);
    other = await runPython(python, script, task, threads);
    ours.push(...mine.times.slice(WARM));
    theirs.push(...(threads === 1 ? other.processor : other.seconds).slice(WARM));
  }
  const sizes = [`d ${dim}`, hidden && `hidden ${hidden}`, depth && `depth ${depth}`, `batch ${batch}`];
  return {
    kind,
    what: `a step: ${sizes.filter(Boolean).join(', ')}`,
    ours: median(ours),
    theirs: median(theirs),
    losses: [mine.loss.toFixed(3), other.losses.at(-1).toFixed(3)],
    version: other.version,
  };
}

/** The time of each of the first steps of a training, which is then stopped. */
async function stepsOf(markets, options, steps, threads) {
  const now = () => (threads === 1 ? processorSeconds() : performance.now() / 1000);
  const controller = new AbortController();
  const times = [];
  let last;
  let loss;
  try {
    await train(markets, {
      ...options,
      ...(threads > 1 && { workers: nodeWorkers }),
      threads,
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.loss === undefined || times.length === steps) return;
        const time = now();
        // the first one starts with the stage, before anything is laid out
        times.push(last === undefined ? Number.NaN : time - last);
        last = time;
        loss = progress.loss;
        if (times.length === steps) controller.abort();
      },
    });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
  if (times.length < steps) throw new Error(`${options.model}: ${times.length} steps where ${steps} are measured`);
  return { times, loss };
}

async function ials({ kind, markets, folder, python, script, threads }) {
  writeMarkets(folder, markets);
  const { dim, alpha0, regularisation: ridge, power } = resolved(kind);
  const { interactions } = mergeMarkets(markets).markets[0];
  put(folder, 'indptr', interactions.indptr);
  put(folder, 'indices', interactions.indices);
  const back = transposed(interactions);
  put(folder, 'tindptr', back.indptr);
  put(folder, 'tindices', back.indices);
  const ours = [];
  const theirs = [];
  let other;
  for (let turn = 0; turn < TURNS; turn++) {
    const { model, seconds } = await epochsOf(markets, { model: kind, epochs: IALS_EPOCHS }, threads);
    ours.push(...seconds);
    put(folder, 'h', itemVectors(model, markets, { dim, ridge }));
    other = await runPython(
      python,
      script,
      {
        ...{ folder, users: interactions.rows, items: interactions.cols, dim, alpha0, ridge, power },
        epochs: IALS_EPOCHS,
        markets: markets.markets.map(({ users }) => ({ users: users.length })),
      },
      threads,
    );
    theirs.push(...other.seconds);
  }
  return {
    kind,
    what: `an epoch: d ${dim}`,
    ours: median(ours),
    theirs: median(theirs),
    losses: [other.given, other.loss].map((loss) => loss.toFixed(0)),
    version: other.version,
  };
}

/** A training of iALS, and the time of each epoch but the first: two half-steps. */
async function epochsOf(markets, options, threads) {
  const now = () => (threads === 1 ? processorSeconds() : performance.now() / 1000);
  const times = [];
  const model = await train(markets, {
    ...options,
    ...(threads > 1 && { workers: nodeWorkers }),
    threads,
    onProgress: ({ id, done }) => {
      if (id === 'factors' && done > 0 && done % 2 === 0) times[done / 2] ??= now();
    },
  });
  return { model, seconds: times.slice(2).map((time, i) => time - times[i + 1]) };
}

/** Item vectors of a model of iALS over the union, at the length that they had in training. */
function itemVectors({ dim: wide, markets: models }, { items, markets }, { dim, ridge }) {
  const all = new Float32Array(items.length * dim);
  for (const [m, { vectors, foldRidge }] of models.entries()) {
    const length = Math.sqrt(ridge / foldRidge);
    for (const [place, item] of markets[m].items.entries())
      for (let k = 0; k < dim; k++) all[item * dim + k] = length * vectors[place * wide + k];
  }
  return all;
}

async function slim({ kind, markets, folder, python, script, threads }) {
  const market = markets.markets.find(({ name }) => name === SLIM_MARKET) ?? markets.markets[0];
  const alone = { items: Array.from(market.items, (item) => markets.items[item]), markets: [asWhole(market)] };
  const { lasso, ridge } = resolved(kind);
  const { rows, cols, indptr, indices } = market.interactions;
  put(folder, 'indptr', indptr);
  put(folder, 'indices', indices);
  const ours = [];
  const theirs = [];
  let other;
  let kept;
  for (let turn = 0; turn < TURNS; turn++) {
    const before = processorSeconds();
    const model = await train(alone, {
      model: kind,
      threads,
      ...(threads > 1 && { workers: nodeWorkers }),
    });
    ours.push(processorSeconds() - before);
    kept = model.markets[0].linear;
    put(folder, 'windptr', kept.indptr);
    put(folder, 'windices', kept.indices);
    put(folder, 'wvalues', Float32Array.from(kept.values));
    other = await runPython(python, script, { folder, rows, cols, lasso, ridge, epsilon: 1e-4 }, threads);
    theirs.push(other.processor);
  }
  return {
    kind,
    what: `${cols} items, ${kept.values.length} weights (peer: ${other.entries})`,
    ours: median(ours),
    theirs: median(theirs),
    losses: [other.difference.toExponential(1), ''],
    version: other.version,
  };
}

/** The market as if there were no other. */
const asWhole = (market) => ({ ...market, items: Int32Array.from(market.items.keys()) });

export function writeMarkets(folder, { markets }) {
  for (const [m, { items, interactions }] of markets.entries()) {
    put(folder, `${m}.items`, Int32Array.from(items));
    put(folder, `${m}.indptr`, interactions.indptr);
    put(folder, `${m}.indices`, interactions.indices);
  }
}

function transposed({ rows, cols, indptr, indices }) {
  const starts = new Int32Array(cols + 1);
  for (const item of indices) starts[item + 1]++;
  for (let item = 0; item < cols; item++) starts[item + 1] += starts[item];
  const next = starts.slice();
  const users = new Int32Array(indices.length);
  for (let user = 0; user < rows; user++)
    for (let e = indptr[user]; e < indptr[user + 1]; e++) users[next[indices[e]]++] = user;
  return { indptr: starts, indices: users };
}

export const put = (folder, name, array) =>
  writeFileSync(join(folder, name), new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
