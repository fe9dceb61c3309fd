// Time, loss and memory of each stage of training, for both presets.
import { fingerprintOf, result } from './cached.mjs';
import { dataDirectory, loadMarkets } from './data.mjs';
import { describe, machine } from './machine.mjs';
import { save, show, table } from './report.mjs';

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

export async function stages({ epochs, preset }) {
  const { name: data, markets } = await loadMarkets();
  const context = { path: dataDirectory(), fingerprint: fingerprintOf(markets.markets) };
  const blocks = [`Data: ${data}. One thread; each preset in a process of its own. Linear memory: the most in use at once during the stage.`];
  const results = [];
  show(`stages: ${describe(machine())}`);
  show(blocks[0]);
  for (const each of preset ? [preset] : ['paper', 'default']) {
    const { seconds, maxRSS, stages: reports, date } = await result(context, { preset: each, epochs });
    const rows = reports.map(({ stage, seconds: time, loss, peakBytes, detail }) => [stage, detail, time.toFixed(2), loss?.toFixed(4) ?? '–', megabytes(peakBytes)]);
    const peak = Math.max(...reports.map(({ peakBytes }) => peakBytes));
    const block = `## preset ${each}${epochs === undefined ? '' : `, ${epochs} epochs`} (trained ${date} UTC)\n\n${table(['stage', 'made', 'seconds', 'loss', 'linear memory, MB'], [...rows, ['all', `process: ${megabytes(maxRSS)} MB at most`, seconds.toFixed(2), '–', megabytes(peak)]], 2)}`;
    show(block);
    blocks.push(block);
    results.push({ preset: each, epochs, date, seconds, peakBytes: peak, maxRSS, stages: reports });
    save('stages', 'Stages of training', blocks, { data, results });
  }
}
