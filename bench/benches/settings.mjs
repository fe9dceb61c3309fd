// M3Rec as published, with settings that the paper leaves open or takes from a grid: which of them its figures on M5 depend
// on. MRR@10 in % of both halves of valid's users; a variant is trained when its result is not there yet.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeModel, evaluate, loadModel, train } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';
import { loadMarkets } from '../harness/data.mjs';
import { restrict } from '../harness/halves.mjs';
import { PAPER_M3REC, PAPER_NAMES } from '../harness/published.mjs';
import { note, resultFile, save, show, table } from '../harness/report.mjs';
import { processorSeconds } from '../harness/timer.mjs';

const VARIANTS = {
  published: {},
  'walk-rate': { walkLearningRate: 0.01 },
  'walk-rate-window': { walkLearningRate: 0.03, window: 3 },
  gamma: { gamma: 0.4 },
  'no-dropout': { dropout: 0 },
};

export async function settings({ parts = Object.keys(VARIANTS), threads = 1 }) {
  const { name: data, markets } = await loadMarkets();
  for (const part of parts) {
    if (known().some(({ variant }) => variant === part)) continue;
    note(`${part} …`);
    const before = processorSeconds();
    const run = { threads, ...(threads > 1 && { workers: nodeWorkers }) };
    const model = await train(markets, { preset: 'paper', ...VARIANTS[part], ...run });
    const seconds = processorSeconds() - before;
    const recommender = await loadModel(encodeModel(model));
    const found = await evaluate(recommender, markets, { protocol: 'clean', negatives: 999, seed: 1, perUser: true });
    recommender.close();
    const mrr = (half) =>
      Object.fromEntries(restrict(found, half).markets.map(({ market, mrr: value }) => [market, 100 * value]));
    report(data, [...known(), { variant: part, seconds, tune: mrr('tune'), report: mrr('report') }]);
  }
}

function known() {
  const file = `${fileURLToPath(resultFile('settings', { everywhere: true }))}.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).runs : [];
}

function report(data, runs) {
  const names = Object.keys(runs[0].tune).sort();
  const ordered = names.every((name) => PAPER_NAMES[name]) ? Object.keys(PAPER_NAMES) : names;
  const shown = (options) =>
    Object.entries(options)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ') || 'as it is';
  const rows = runs.map(({ variant, seconds, tune, report: other }) => [
    shown(VARIANTS[variant]),
    ...ordered.map((name) => `${tune[name].toFixed(2)} / ${other[name].toFixed(2)}`),
    seconds.toFixed(0),
  ]);
  const blocks = [
    `Data: ${data}. Preset \`paper\`, 999 others that the user has not had (clean), seed 1: MRR@10 in % of the half of the users that chooses / of the other; processor seconds of the training.`,
    table(
      ['settings', ...ordered.map((name) => PAPER_NAMES[name] ?? name), 's'],
      [...rows, ...(ordered === names ? [] : [['printed', ...PAPER_M3REC.map(([mrr]) => mrr.toFixed(2)), '']])],
    ),
  ];
  for (const block of blocks) show(block);
  save('settings', 'M3Rec as published, with other settings', blocks, { data, runs }, { everywhere: true });
}
