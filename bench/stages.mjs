// Time, loss and memory of each stage of training, for both presets.
import { basename } from 'node:path';
import { dataDirectory } from './data.mjs';
import { describe, machine } from './machine.mjs';
import { note, save, show, table } from './report.mjs';
import { trainOnce } from './training.mjs';

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

export async function stages({ epochs, preset }) {
  const path = dataDirectory();
  if (!path) note('no data: neither M3REC_DATA nor ../shared/xmarket names a folder; using generated markets');
  const data = path ? basename(path) : 'generated';
  const blocks = [`Data: ${data}. One thread; each preset in a process of its own. Linear memory: the most in use at once during the stage.`];
  const results = [];
  show(`stages: ${describe(machine())}`);
  show(blocks[0]);
  for (const each of preset ? [preset] : ['paper', 'default']) {
    const { seconds, maxRSS, stages: reports } = await trainOnce({ path, options: { preset: each, epochs } }, ({ stage, seconds: time }) => note(`${each}: ${stage}, ${time.toFixed(1)} s`));
    const rows = reports.map(({ stage, seconds: time, loss, peakBytes, detail }) => [stage, detail, time.toFixed(2), loss?.toFixed(4) ?? '–', megabytes(peakBytes)]);
    const peak = Math.max(...reports.map(({ peakBytes }) => peakBytes));
    const block = `## preset ${each}${epochs === undefined ? '' : `, ${epochs} epochs`}\n\n${table(['stage', 'made', 'seconds', 'loss', 'linear memory, MB'], [...rows, ['all', `process: ${megabytes(maxRSS)} MB at most`, seconds.toFixed(2), '–', megabytes(peak)]], 2)}`;
    show(block);
    blocks.push(block);
    results.push({ preset: each, epochs, seconds, peakBytes: peak, maxRSS, stages: reports });
    save('stages', 'Stages of training', blocks, { data, results });
  }
}
