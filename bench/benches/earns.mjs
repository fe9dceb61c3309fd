// Which stages of preset softmax earn their time on a catalogue of 30,000 items: NDCG@10 and processor time of EASE alone, of the preset
// without its inter-market part, and of the whole.
import { note, save, show, table } from '../harness/report.mjs';
import { trainOnce } from '../harness/training.mjs';

const GENERATED = { items: 30_000, users: 75_000, interactions: 600_000 };
const WAYS = {
  'EASE of all markets': { model: 'ease' },
  'preset softmax without the inter-market part': { model: 'm3rec', preset: 'softmax', without: 'inter' },
  'preset softmax': { model: 'm3rec', preset: 'softmax' },
};

const percent = (x) => (100 * x).toFixed(2);
const whole = (x) => x.toLocaleString('en-US');

export async function earns({ threads = 1 }) {
  const runs = [];
  for (const [name, options] of Object.entries(WAYS)) {
    const { evaluations, stages, cpuSeconds } = await trainOnce(
      { generated: GENERATED, options, threads, protocols: ['clean'] },
      ({ stage, cpuSeconds: spent }) => note(`${name}, ${stage}: ${spent.toFixed(1)} s`),
    );
    const markets = evaluations.clean.markets.map(({ perUser, ...market }) => market);
    runs.push({ name, cpuSeconds, stages, markets });
    report(runs, threads);
  }
  for (const block of report(runs, threads)) show(block);
}

function report(runs, threads) {
  const names = runs[0].markets.map(({ market }) => market);
  const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const stageNames = [...new Set(runs.flatMap(({ stages }) => stages.map(({ stage }) => stage)))];
  const blocks = [
    `generateMarkets with seed 1, ${whole(GENERATED.items)} items, ${whole(GENERATED.users)} users, ${whole(GENERATED.interactions)} interactions, held-out rows included; NDCG@10 in % on valid among 999 negatives (clean). Processor seconds, ${threads} thread${threads > 1 ? 's' : ''}.`,
    table(
      ['model', ...names, 'mean', 'processor s'],
      runs.map(({ name, markets, cpuSeconds }) => [
        name,
        ...markets.map(({ ndcg }) => percent(ndcg)),
        percent(mean(markets.map(({ ndcg }) => ndcg))),
        cpuSeconds.toFixed(1),
      ]),
    ),
    table(
      ['processor s of', ...runs.map(({ name }) => name)],
      stageNames.map((stage) => [
        stage,
        ...runs.map(({ stages }) => stages.find((each) => each.stage === stage)?.cpuSeconds.toFixed(1) ?? '–'),
      ]),
    ),
  ];
  save('earns', 'Which stages earn their time', blocks, { generated: GENERATED, runs });
  return blocks;
}
