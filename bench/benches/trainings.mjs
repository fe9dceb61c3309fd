// Whole trainings of the real markets by the command line, from rows on disk to the file, compared with those of an earlier
// build in the same turns.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataDirectory } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { median } from '../harness/timer.mjs';

const PRESETS = { default: 3, paper: 2 };
const HERE = fileURLToPath(new URL('../..', import.meta.url));

/** @param before a built checkout, whose trainings are interleaved with this one's */
export async function trainings({ before, threads = 2 }) {
  const data = dataDirectory();
  if (!existsSync(data)) {
    note(`trainings: ${data} is not there (M3REC_DATA names another folder)`);
    return;
  }
  show(`trainings: ${describe(machine())}`);
  const builds = { now: HERE, ...(before && { before }) };
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-trainings-'));
  const found = [];
  try {
    for (const [preset, rounds] of Object.entries(PRESETS)) {
      const runs = Object.fromEntries(Object.keys(builds).map((build) => [build, []]));
      for (let round = 0; round < rounds; round++)
        for (const [build, checkout] of Object.entries(builds)) {
          const output = join(folder, `${preset}-${build}.m3rec`);
          const command = [join(checkout, 'dist/cli.js'), 'train', data, '-o', output, '--preset', preset];
          const run = await timed([...command, '--threads', String(threads)]);
          runs[build].push(run);
          note(`${preset}, ${build}: ${run.seconds.toFixed(1)} s, of processor time ${run.cpuSeconds.toFixed(1)}`);
        }
      found.push({ preset, runs });
      report(found, threads);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const block of report(found, threads)) show(block);
}

/** Runs Node with these arguments. Children's processor time is what the system adds to `times` when one has ended. */
function timed(args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const inner = `const { spawnSync } = require('node:child_process');
      const { status } = spawnSync(process.execPath, ${JSON.stringify(args)}, { stdio: 'ignore' });
      const fields = require('node:fs').readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
      process.stdout.write(JSON.stringify({ status, ticks: Number(fields[13]) + Number(fields[14]) }));`;
    const child = spawn(process.execPath, ['-e', inner], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('close', () => {
      const { status, ticks } = JSON.parse(text);
      if (status === 0) resolve({ seconds: (performance.now() - start) / 1000, cpuSeconds: ticks / 100 });
      else reject(new Error(`${args.join(' ')} ended with ${status}`));
    });
  });
}

function report(found, threads) {
  const of = (runs, value) => median(runs.map(value));
  const seconds = ({ seconds }) => seconds;
  const cpu = ({ cpuSeconds }) => cpuSeconds;
  const blocks = [
    `\`m3rec train\` of the five markets by the command line, from the files to the model file, ${threads} threads; medians of runs that alternate with those of an earlier build (b5197d3).`,
    table(
      ['preset', 's', 'before', 'ratio', 'processor s', 'before', 'ratio'],
      found.map(({ preset, runs: { now, before } }) => {
        const beside = (value) =>
          before ? [of(before, value).toFixed(1), (of(now, value) / of(before, value)).toFixed(2)] : ['–', '–'];
        return [preset, of(now, seconds).toFixed(1), ...beside(seconds), of(now, cpu).toFixed(1), ...beside(cpu)];
      }),
    ),
  ];
  save('trainings', 'Whole trainings', blocks, { threads, found });
  return blocks;
}
