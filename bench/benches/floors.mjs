// Networks on narrow layers that rank below what the paper prints for its wide ones: the same model with the same
// settings by PyTorch, on as many epochs, with the same candidates. Beside it the trials of experiments/paper/networks.yaml.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Recommender, train } from '../../dist/index.js';
import { instantiateKernels } from '../../dist/kernels.js';
import { drawCandidates } from '../harness/candidates.mjs';
import { loadMarkets } from '../harness/data.mjs';
import { halfOf } from '../harness/halves.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { PAPER_NAMES } from '../harness/published.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';
import { put, writeMarkets } from './peers.mjs';

const TRIALS = new URL('../../experiments/results/paper/networks/trials.jsonl', import.meta.url);
const PARTS = ['mlp', 'neumf', 'mmoe'];
const CANDIDATES = 1000;

export async function floors({ parts = PARTS, threads = 1 }) {
  const python = pythonWith('torch', 'numpy');
  if (!python) {
    note('floors: PyTorch is not installed (Debian: python3-torch)');
    return;
  }
  const { name: data, markets } = await loadMarkets();
  const lines = readFileSync(TRIALS, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ name, error }) => name.endsWith('(narrow)') && error === undefined);
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-floors-'));
  const rows = [];
  let version;
  try {
    writeMarkets(folder, markets);
    await writeRows(folder, markets);
    for (const kind of parts)
      for (const line of lines.filter((each) => each.kind === kind)) {
        const { dim, hidden, batch, negatives, dropout, learningRate, experts } = line.options;
        const epochs = line.facts.bestEpoch;
        note(`${kind}, ${epochs} epochs …`);
        const found = await runPython(
          python,
          'networks.py',
          {
            ...{ folder, kind, threads, dim, hidden, batch, negatives, dropout, learningRate, experts, epochs },
            ...{ items: markets.items.length, markets: markets.markets.map(({ users }) => ({ users: users.length })) },
          },
          threads,
        );
        version = found.version;
        const mine = Object.fromEntries(line.found.clean.report.map(({ market, at }) => [market, 100 * at[10].mrr[0]]));
        const theirs = Object.fromEntries(markets.markets.map(({ name }, m) => [name, 100 * found.mrr[m]]));
        const settings = `batch ${batch}, learning rate ${learningRate}`;
        rows.push({ kind, settings, epochs, mine, theirs, processor: [line.measured.processor, found.processor] });
        report(data, version, rows);
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  show(`floors: ${describe(machine())}`);
}

/** The rows of the half that is reported: the user, then what is ranked, the held-out item first. */
async function writeRows(folder, markets) {
  const kernels = await instantiateKernels(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
  const popular = Recommender.from(await train(markets, { model: 'popularity' }), kernels);
  const drawn = await drawCandidates(popular, markets);
  popular.close();
  for (const [m, { rows }] of drawn.entries()) {
    const chosen = rows.filter(({ user, at }) => at >= 0 && halfOf(user) === 'report');
    const all = new Int32Array(chosen.length * (1 + CANDIDATES)).fill(-1);
    for (const [r, { at, target, others }] of chosen.entries()) all.set([at, target, ...others], r * (1 + CANDIDATES));
    put(folder, `${m}.rows`, all);
  }
}

function report(data, version, rows) {
  const names = Object.keys(PAPER_NAMES).filter((name) => rows[0].mine[name] !== undefined);
  const cells = (found) => names.map((name) => found[name].toFixed(2));
  const blocks = [
    `Data: ${data}. MRR@10 in %, clean, of the half of valid's users that chose nothing; PyTorch ${version} trains as many epochs as the best one of ours has, from other random numbers.`,
    table(
      ['network', 'settings', 'epochs', '', ...names.map((name) => PAPER_NAMES[name])],
      rows.flatMap(({ kind, settings, epochs, mine, theirs }) => [
        [`\`${kind}\``, settings, epochs, 'm3rec', ...cells(mine)],
        ['', '', '', 'PyTorch', ...cells(theirs)],
      ]),
      4,
    ),
  ];
  show(blocks[1]);
  save(
    'floors',
    'Networks on narrow layers, by two implementations',
    blocks,
    { data, version, rows },
    { everywhere: true },
  );
}
