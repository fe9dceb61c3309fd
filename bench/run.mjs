// npm run bench [-- NAME …]: runs the benches, prints their tables and writes bench/results/.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const USAGE = `npm run bench -- [NAME] [options]

  kernels [dense|sparse|groups|walks|gradients|scoring]  each kernel's rate compared with plain JavaScript
  gemm                        the matrix product compared with NumPy (OpenBLAS) and tfjs
  limits                      each kernel compared with the machine's limits; where the time of a training goes
  ease [groups|exact]         EASE on all markets as one compared with SciPy: time, memory
  groups [systems|small|large|million|growth]  EASE by groups on generated catalogues of 10,000 to 1,000,000 items, exact EASE next to it: time, memory, NDCG@10
  solver                      NDCG@10 of EASE by groups with systems of several sizes, compared with the exact inverse: each market, merged, presets
  entries                     which entries of B̂ to keep: NDCG@10, entries, bytes
  vectors                     the default's singular vectors: gain by their number and weight
  rerank                      what a learned re-ranking of the best candidates adds to the default
  ridge                       whether a ridge by popularity ranks better than one for all items
  skipgram                    the skip-gram stage compared with gensim: pairs a second and loss
  adaptation                  an epoch of the adaptation compared with the same step in PyTorch
  read                        10⁷ rows of CSV to Markets compared with papaparse alone: time, memory
  recommend                   top-10 for every user compared with plain JavaScript and NumPy; latency of one fold-in
  large                       serving a million items: file, time to open, one visitor's top 10
  stages                      time, loss and memory of each stage of training
  trainings                   whole trainings by the command line, preset default and paper, compared with an earlier build's
  earns                       which stages of preset softmax earn their time on 30,000 generated items: NDCG@10, processor time
  quality [ease|paper|default]  MRR, NDCG@10 and HR@10 per market, compared with the published figures
  features [slim|slim-merged|lightgcn|multvae]  what other models add to the default as features of its ranking
  settings [published|…]      M3Rec as published, with settings that the paper leaves open or takes from a grid: MRR
  readings [market|merged|m3rec]  under which protocol the paper's Table 2 may have been measured: EASE and M3Rec ranked in several ways
  networks [narrow|gmf|…]     networks on the markets: MRR, NDCG@10 and HR@10 of the half of the users that chose no epoch
  gain [markets|ablation|constants]  what markets give each other: alone compared with all, by users, without one; what adds what; the constants
  lab [KIND]                  every kind of model over its small grid: MRR, NDCG@10, HR@10 by market, training time, size; takes up where it ended
  peers [KIND]                the laboratory's kinds compared with second implementations: steps with PyTorch, iALS with NumPy, SLIM with scikit-learn
  floors [mlp|neumf|mmoe]     the narrow networks of the paper's experiment trained by PyTorch too, with the same candidates: MRR
  cluster [digests|speed|recovery|simulate]  plans on 1, 2, 3 and 6 workers: the same SHA-256; how they are cut; what a second worker brings, bytes,
                              memory; how long a loss takes; 10 and 100 machines, reckoned from measured jobs
  statistics                  tests, corrections and metrics held against SciPy and scikit-learn
  update [exact|stale]        EASE updated with its last users compared with a refit: time and difference; preset softmax, of which an update
                              leaves most as it was: MRR
  export                      exported variants: size, NDCG@10 before and after, load time, memory
  scale                       growth with the items and with the interactions: time and memory of each stage, fitted exponents, plots
  growth [rows|users|items|markets|columns|ids|histories]  time and memory along each dimension of the input, with exponents and constants
  huge [vectors|updatable]    model files around and beyond 2 GiB: every command that writes or opens one, time and memory
  sizes                       kernels and bundles, raw and gzipped
  worst-request               small requests compared with the worst that one client may ask for
  main-thread                 training on the main thread of a page in Chromium: its longest tasks
  app                         the page in Chromium: bytes, first answer, clicks, main thread; training compared with Node

Without a name: all of them. A peer that is not installed is named and left out: Debian's python3-numpy, python3-scipy, python3-gensim and
python3-torch and
python3-sklearn, and npm ci --prefix bench/peers for tfjs and for the plots of scale (echarts). Data: the folder that M3REC_DATA names, else ../shared/xmarket.

  --epochs N    fewer epochs of the market adaptation (stages, quality, limits)
  --trials N    trainings at most (lab); the next run takes up there
  --preset P    only this preset (stages, limits): paper or softmax
  --threads N   threads of the trainings (scale: all cores without it; stages: 1 and 2)
  --before DIR  an earlier checkout, built, whose runs alternate with this one's (read, trainings)
  --help        this text
`;
const NAMES = [
  'kernels',
  'gemm',
  'limits',
  'ease',
  'groups',
  'solver',
  'entries',
  'vectors',
  'rerank',
  'ridge',
  'skipgram',
  'adaptation',
  'read',
  'recommend',
  'large',
  'stages',
  'trainings',
  'earns',
  'quality',
  'features',
  'settings',
  'readings',
  'networks',
  'gain',
  'lab',
  'peers',
  'floors',
  'cluster',
  'statistics',
  'update',
  'export',
  'scale',
  'growth',
  'huge',
  'sizes',
  'worst-request',
  'main-thread',
  'app',
];
const NETWORKS = ['gmf', 'mlp', 'neumf', 'marketneumf', 'crossstitch', 'mmoe', 'star', 'forec', 'multvae'];
const PARTS = {
  kernels: ['dense', 'sparse', 'groups', 'walks', 'gradients', 'networks', 'scoring'],
  ease: ['groups', 'exact'],
  groups: ['systems', 'small', 'large', 'million', 'growth'],
  quality: ['ease', 'paper', 'default'],
  networks: ['narrow', ...NETWORKS, ...NETWORKS.map((kind) => `narrow-${kind}`)],
  gain: ['markets', 'ablation', 'constants'],
  lab: [
    'popularity',
    'ease',
    'itemknn',
    'p3alpha',
    'rp3beta',
    'randomwalk',
    'item2vec',
    'slim',
    'edlae',
    'ials',
    'bpr',
    'lightgcn',
    'bitgcf',
  ],
  peers: ['ials', 'slim', 'bpr', 'gmf', 'lightgcn', 'bitgcf', 'multvae', 'mlp', 'neumf', 'star', 'mmoe', 'crossstitch'],
  readings: ['market', 'merged', 'm3rec'],
  floors: ['mlp', 'neumf', 'mmoe'],
  settings: ['published', 'walk-rate', 'walk-rate-window', 'gamma', 'no-dropout'],
  features: ['slim', 'slim-merged', 'lightgcn', 'multvae'],
  huge: ['vectors', 'updatable'],
  growth: ['rows', 'users', 'items', 'markets', 'columns', 'ids', 'histories'],
  cluster: ['digests', 'speed', 'recovery', 'simulate'],
  update: ['exact', 'stale'],
};
const PRESETS = ['paper', 'softmax'];

process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const options = {};
  const names = [];
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (argument === '--epochs') {
      options.epochs = Number(args[++i]);
      if (!Number.isInteger(options.epochs) || options.epochs < 0)
        return wrong(`--epochs: found ${args[i]}, expected an integer from 0`);
    } else if (argument === '--trials') {
      options.trials = Number(args[++i]);
      if (!Number.isInteger(options.trials) || options.trials < 1)
        return wrong(`--trials: found ${args[i]}, expected an integer from 1`);
    } else if (argument === '--preset') {
      options.preset = args[++i];
      if (!PRESETS.includes(options.preset))
        return wrong(`--preset: found ${args[i]}, expected one of ${PRESETS.join(', ')}`);
    } else if (argument === '--before') {
      options.before = args[++i];
      if (options.before === undefined || !existsSync(join(options.before, 'dist/node.js')))
        return wrong(`--before: found ${options.before}, expected a checkout that is built`);
    } else if (argument === '--threads') {
      options.threads = Number(args[++i]);
      if (!Number.isInteger(options.threads) || options.threads < 1 || options.threads > 64)
        return wrong(`--threads: found ${args[i]}, expected an integer from 1 to 64`);
    } else if (argument.startsWith('-')) return wrong(`${argument}: no such option`);
    else names.push(argument);
  }
  const [name, ...parts] = names;
  if (name !== undefined && !NAMES.includes(name))
    return wrong(`${name}: no such bench, expected one of ${NAMES.join(', ')}`);
  const wrongPart = parts.find((part) => !PARTS[name]?.includes(part));
  if (wrongPart !== undefined)
    return wrong(
      `${wrongPart}: no such part${PARTS[name] ? `, expected one of ${PARTS[name].join(', ')}` : ` of ${name}`}`,
    );
  if (parts.length > 0) options.parts = parts;

  let passed = true;
  for (const each of name ? [name] : NAMES) {
    const bench = (await import(`./benches/${each}.mjs`))[each];
    if ((await bench(options)) === false) passed = false;
  }
  return passed ? 0 : 1;
}

function wrong(message) {
  process.stderr.write(`${message}\n`);
  return 2;
}
