// The laboratory: each kind of model over its small grid. One half of the held-out users chooses, the other half
// reports, next to popularity and EASE. Every training is a line of bench/results/lab.jsonl as soon as it has ended; a
// line that is there is not made again, so an interrupted run goes on.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeModel, evaluate, KINDS, Recommender, train } from '../../dist/index.js';
import { instantiateKernels } from '../../dist/kernels.js';
import { nodeWorkers, readDirectory } from '../../dist/node.js';
import { fingerprintOf } from '../harness/cached.mjs';
import { dataDirectory } from '../harness/data.mjs';
import { restrict } from '../harness/halves.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { PAPER_NAMES, PAPER_TABLE_2 } from '../harness/published.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const LINES = fileURLToPath(new URL('../results/lab.jsonl', import.meta.url));

/** Every combination of some values. */
const grid = (values) =>
  Object.entries(values).reduce(
    (all, [name, each]) => all.flatMap((options) => each.map((value) => ({ ...options, [name]: value }))),
    [{}],
  );

/** What is tried of each kind; small, since machines are. Similarities of each market alone came first in all. */
const GRIDS = {
  popularity: [{}],
  ease: grid({ lambdaF: [10, 25, 50, 100] }),
  itemknn: [
    ...grid({ measure: ['cosine', 'jaccard'], shrinkage: [0, 5, 20, 100], neighbours: [20, 100, 0] }),
    ...grid({ scope: ['market'], measure: ['cosine', 'jaccard'], shrinkage: [0, 5, 20] }),
  ],
  p3alpha: [
    ...grid({ alpha: [0.6, 0.8, 1, 1.3], neighbours: [100, 500, 0] }),
    ...grid({ scope: ['market'], alpha: [0.6, 0.8, 1, 1.3] }),
  ],
  rp3beta: [
    ...grid({ scope: ['market'], alpha: [1], beta: [0.4, 0.2, 0.6] }),
    ...grid({ scope: ['merged'], alpha: [1], beta: [0.4] }),
  ],
  randomwalk: [
    ...grid({ scope: ['market', 'merged'], steps: [1], damping: [0.5] }),
    ...grid({ scope: ['market'], steps: [2], damping: [0.3, 0.5] }),
  ],
  item2vec: [{}, ...grid({ walkLearningRate: [0.01, 0.03] }), ...grid({ walkLearningRate: [0.03], window: [3] })],
  slim: [
    ...grid({ scope: ['market'], ridge: [3, 10, 30, 100], lasso: [0.1, 1] }),
    ...grid({ scope: ['market'], ridge: [3, 10], lasso: [3] }),
    ...grid({ scope: ['merged'], ridge: [30, 100], lasso: [1] }),
  ],
  edlae: [
    ...grid({ scope: ['market'], dropout: [0.25, 0.1], lambdaF: [25, 5] }),
    ...grid({ scope: ['merged'], dropout: [0.25], lambdaF: [25] }),
  ],
  ials: [
    ...grid({ dim: [64], alpha0: [0.1, 0.03, 0.3], regularisation: [0.01, 0.03] }),
    ...grid({ dim: [128], alpha0: [0.1], regularisation: [0.03] }),
  ],
  bpr: grid({ decay: [0.01, 0.03], epochs: [30] }),
  lightgcn: grid({ depth: [3, 2], decay: [0.001], epochs: [20] }),
  bitgcf: grid({ depth: [2, 3], dropout: [0], loss: ['pairs', 'cross-entropy'], epochs: [20] }),
};

export async function lab({ parts = Object.keys(GRIDS), trials = Infinity }) {
  const path = dataDirectory();
  if (!path) {
    note('lab: skipped, since neither M3REC_DATA nor ../shared/xmarket names a folder of data');
    return;
  }
  const markets = await readDirectory(path);
  const fingerprint = fingerprintOf(markets.markets).slice(0, 16);
  const kernels = await instantiateKernels(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
  let made = 0;
  for (const kind of parts)
    for (const options of GRIDS[kind]) {
      const known = readLines().some((line) => line.data === fingerprint && same(line, kind, options));
      if (known || made === trials) continue;
      await trial(markets, kernels, fingerprint, kind, options);
      made++;
    }
  report(basename(path), fingerprint);
}

const readLines = () =>
  existsSync(LINES)
    ? readFileSync(LINES, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    : [];

/** Every option with its value: what makes a trial the same. */
const resolved = (kind, options) => {
  const { model: _, ...values } = KINDS.find(({ name }) => name === kind).resolve(options);
  return values;
};

const same = (line, kind, options) =>
  line.kind === kind && JSON.stringify(line.options) === JSON.stringify(resolved(kind, options));

async function trial(markets, kernels, data, kind, given) {
  const before = process.cpuUsage();
  const options = resolved(kind, given);
  const model = await train(markets, { model: kind, ...given, threads: 2, workers: nodeWorkers });
  const { user, system } = process.cpuUsage(before);
  const bytes = encodeModel(model).length;
  const recommender = Recommender.from(model, kernels);
  const found = await evaluate(recommender, markets, { protocol: 'clean', negatives: 999, seed: 1, perUser: true });
  recommender.close();
  const half = (name) =>
    Object.fromEntries(
      restrict(found, name).markets.map(({ market, mrr, ndcg, hr }) => [market, [mrr, ndcg, hr].map(rounded)]),
    );
  const line = {
    data,
    kind,
    options,
    seconds: Number(((user + system) / 1e6).toFixed(2)),
    bytes,
    tune: half('tune'),
    report: half('report'),
  };
  appendFileSync(LINES, `${JSON.stringify(line)}\n`);
  note(`${kind} ${JSON.stringify(given)}: ${(100 * meanMrr(line)).toFixed(2)}, ${line.seconds} s`);
}

const rounded = (value) => Number(value.toFixed(6));
const meanMrr = ({ tune }) => Object.values(tune).reduce((sum, [mrr]) => sum + mrr, 0) / Object.keys(tune).length;

/** The best of each kind on the tune half, as the report half has it. */
function report(data, fingerprint) {
  const lines = readLines().filter((line) => line.data === fingerprint);
  const names = Object.keys(lines[0].report);
  const published = Object.keys(PAPER_NAMES).every((name) => names.includes(name));
  const order = published ? Object.keys(PAPER_NAMES) : names;
  const percent = (value) => (100 * value).toFixed(2);
  const rows = [];
  const best = [];
  for (const kind of Object.keys(GRIDS)) {
    const tried = lines.filter((line) => line.kind === kind);
    if (tried.length === 0) continue;
    const chosen = tried.reduce((a, b) => (meanMrr(b) > meanMrr(a) ? b : a));
    best.push(chosen);
    rows.push([
      `\`${kind}\``,
      ...order.map((name) => chosen.report[name].map(percent).join('/')),
      chosen.seconds,
      (chosen.bytes / 1e6).toFixed(1),
      tried.length,
    ]);
  }
  const head = ['model', ...order.map((name) => (published ? PAPER_NAMES[name] : name)), 's', 'MB', 'tried'];
  const blocks = [
    `Data: ${data}. For each user of valid one held-out item among 999 others of its market that the user has not had (clean), seed 1. Options are chosen by the mean MRR of the markets on one half of the users; these are the other half. MRR/NDCG@10/HR@10 in %; seconds of processor time of a training; size of the file.`,
    table(head, rows),
    `Chosen options:\n\n${best.map(({ kind, options }) => `- \`${kind}\`: ${shown(kind, options)}`).join('\n')}`,
  ];
  if (published) {
    const printed = Object.entries(PAPER_TABLE_2).map(([name, values]) => [
      name,
      ...values.map(([mrr]) => mrr.toFixed(2)),
    ]);
    blocks.push(
      `What the paper prints, MRR in %:\n\n${table(['system', ...order.map((name) => PAPER_NAMES[name])], printed)}`,
    );
  }
  for (const block of blocks) show(block);
  show(describe(machine()));
  save('lab', 'The laboratory: every model, tuned on one half of the users', blocks, { best }, { everywhere: true });
}

/** The values of the options that the kind's grid varies. */
const shown = (kind, options) =>
  [...new Set(GRIDS[kind].flatMap(Object.keys))].map((name) => `${name} ${options[name]}`).join(', ') || 'none';
