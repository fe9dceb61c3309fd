// Networks on the markets of the data: trained on the training rows, the best epoch chosen by the tune half of the
// held-out rows, MRR/NDCG@10/HR@10 of the report half. `narrow` trains each with small layers, for a look, `narrow-KIND` one of them; a kind's name
// trains that one as it is by default. Runs are added to those that the result has already.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeModel, evaluate, loadModel, train } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';
import { loadMarkets } from '../harness/data.mjs';
import { halfOf } from '../harness/halves.mjs';
import { note, resultFile, save, show, table } from '../harness/report.mjs';

/** d = 32 and hidden layers of 64 and 128 units: about 1/50 of the work. */
const NARROW = { dim: 32, hidden: 64 };
const KINDS = {
  gmf: { dim: 32 },
  mlp: NARROW,
  neumf: NARROW,
  marketneumf: NARROW,
  crossstitch: NARROW,
  mmoe: NARROW,
  star: NARROW,
  forec: { ...NARROW, metaEpochs: 4, forkEpochs: 6 },
  multvae: { dim: 32, hidden: 128 },
};
/** Epochs at most: the training stops when ten have brought nothing. */
const EPOCHS = 60;
const SEED = 1;

export async function networks({ parts = ['narrow'], epochs = EPOCHS, threads = 2 }) {
  const { name: data, markets } = await loadMarkets();
  const halves = withHalves(markets);
  for (const part of parts)
    for (const [model, narrow] of chosen(part)) {
      const options = { model, epochs, seed: SEED, ...narrow };
      add(data, await run(halves, options, threads));
    }
}

/** The kinds of a part of this bench, each with its options. */
function chosen(part) {
  if (part === 'narrow') return Object.entries(KINDS);
  const kind = part.replace('narrow-', '');
  return [[kind, kind === part ? {} : KINDS[kind]]];
}

/** The held-out rows of `valid` in two files: one to choose by, one to report. */
function withHalves(markets) {
  return {
    ...markets,
    markets: markets.markets.map((market) => {
      const rows = market.heldOut.valid ?? [];
      const half = (name) => rows.filter(({ userId }) => halfOf(userId) === name);
      return { ...market, heldOut: { tune: half('tune'), report: half('report') } };
    }),
  };
}

async function run(markets, options, threads) {
  note(`${JSON.stringify(options)} …`);
  const start = process.cpuUsage();
  const began = performance.now();
  let last = 0;
  const model = await train(markets, {
    ...options,
    selectBy: 'tune',
    workers: nodeWorkers,
    threads,
    onProgress: ({ done, total, loss }) => {
      if (loss === undefined || performance.now() - last < 20_000) return;
      last = performance.now();
      note(`  step ${done} of ${total}, loss ${loss.toFixed(4)}, ${((last - began) / 1000).toFixed(0)} s`);
    },
  });
  const { user, system } = process.cpuUsage(start);
  // of several stages the last says which epoch was best
  const facts = model.training.stages.at(-1);
  const bytes = encodeModel(model);
  const recommender = await loadModel(bytes);
  const evaluations = {};
  for (const heldOut of ['tune', 'report']) {
    const found = await evaluate(recommender, markets, { heldOut, seed: 1 });
    evaluations[heldOut] = found.markets.map(({ market, users, mrr, ndcg, hr, mrrStandardError }) => ({
      market,
      users,
      mrr,
      ndcg,
      hr,
      mrrStandardError,
    }));
  }
  return {
    options,
    facts,
    cpuSeconds: (user + system) / 1e6,
    seconds: (performance.now() - began) / 1000,
    bytes: bytes.length,
    evaluations,
  };
}

/** Adds a run to the results, in place of an earlier one with the same options. */
function add(data, found) {
  const file = `${fileURLToPath(resultFile('networks', { everywhere: true }))}.json`;
  const key = ({ options }) => JSON.stringify(options);
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).runs : [];
  const runs = [...before.filter((run) => key(run) !== key(found)), found];
  const percent = (x) => (100 * x).toFixed(2);
  const names = found.evaluations.report.map(({ market }) => market);
  const rows = runs.map(({ options: { model, epochs, seed, ...rest }, facts, cpuSeconds, bytes, evaluations }) => [
    model,
    Object.entries(rest)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ') || 'as it is by default',
    ...evaluations.report.map(({ mrr, ndcg, hr }) => [mrr, ndcg, hr].map(percent).join('/')),
    percent(evaluations.report.reduce((sum, { mrr }) => sum + mrr, 0) / names.length),
    `${facts.bestEpoch} of ${facts.epochs}`,
    cpuSeconds.toFixed(0),
    (bytes / 1e6).toFixed(1),
  ]);
  const header = ['model', 'options', ...names, 'mean MRR', 'best epoch', 'processor s', 'MB'];
  const text = `Data: ${data}. The best epoch was chosen by the tune half of valid; MRR/NDCG@10/HR@10 in % of the report half, 999 negatives, protocol clean, seed 1. Processor seconds of training on two threads, the choice of the epoch among them.`;
  show(table(header, rows, 2));
  save('networks', 'Networks', [text, table(header, rows, 2)], { data, runs }, { everywhere: true });
}
