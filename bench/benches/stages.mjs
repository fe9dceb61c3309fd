// Time, loss and memory of each stage of training, for both presets.
import { fingerprintOf, result } from '../harness/cached.mjs';
import { dataDirectory, loadMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { save, show, table } from '../harness/report.mjs';

const THREADS = [1, 2];

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

export async function stages({ epochs, preset, threads: asked }) {
  const counts = asked === undefined ? THREADS : [asked];
  const { name: data, markets } = await loadMarkets();
  const context = { path: dataDirectory(), fingerprint: fingerprintOf(markets.markets) };
  const blocks = [
    `Data: ${data}. Each training in a process of its own. Linear memory: the most in use at once during the stage. Processor time: of all threads, from the end of the stage before.`,
  ];
  const results = [];
  show(`stages: ${describe(machine())}`);
  show(blocks[0]);
  for (const each of preset ? [preset] : ['paper', 'softmax']) {
    const runs = [];
    for (const threads of counts)
      runs.push({
        threads,
        ...(await result(context, { preset: each, epochs }, { protocols: threads === 1 ? undefined : [], threads })),
      });
    const stage = (i, value) => runs.map(({ stages: reports }) => value(reports[i]));
    const rows = runs[0].stages.map(({ stage: name, detail, loss }, i) => [
      name,
      detail,
      ...stage(i, ({ seconds }) => seconds.toFixed(2)),
      ...stage(i, ({ cpuSeconds }) => cpuSeconds.toFixed(2)),
      loss?.toFixed(4) ?? '–',
      ...stage(i, ({ peakBytes }) => megabytes(peakBytes)),
    ]);
    const all = [
      'all',
      `process: ${runs.map(({ maxRSS }) => megabytes(maxRSS)).join(' and ')} MB at most`,
      ...runs.map(({ seconds }) => seconds.toFixed(2)),
      ...runs.map(({ cpuSeconds }) => cpuSeconds.toFixed(2)),
      '–',
      ...runs.map(({ stages: reports }) => megabytes(Math.max(...reports.map(({ peakBytes }) => peakBytes)))),
    ];
    const header = [
      'stage',
      'made',
      ...counts.map((threads) => `s, ${threads} thread${threads > 1 ? 's' : ''}`),
      ...counts.map((threads) => `processor s, ${threads} thread${threads > 1 ? 's' : ''}`),
      'loss',
      ...counts.map((threads) => `linear memory, MB, ${threads} thread${threads > 1 ? 's' : ''}`),
    ];
    const dates = [...new Set(runs.map(({ date }) => date))].join(' and ');
    const block = `## preset ${each}${epochs === undefined ? '' : `, ${epochs} epochs`} (trained ${dates} UTC)\n\n${table(header, [...rows, all], 2)}`;
    show(block);
    blocks.push(block);
    results.push({ preset: each, epochs, runs: runs.map(({ evaluations, ...run }) => run) });
    save('stages', 'Stages of training', blocks, { data, results });
  }
}
