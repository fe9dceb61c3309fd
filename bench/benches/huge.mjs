// Models around and beyond 2 GiB, by the command line: what `train --updatable` writes at its limit and what it refuses,
// and a file of more than 2 GiB, opened by the commands. Time and memory of each command in its own process.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateMarkets } from '../../dist/index.js';
import { writeDirectory } from '../../dist/node.js';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
/** Items of which an updatable model can just be stored, and cannot any more. */
const FITS = 30_500;
const TOO_MANY = 31_500;
/** Of the file of vectors: above 2 GiB = 2,147,483,648. */
const BYTES = 2.3e9;

export async function huge({ parts }) {
  if (process.platform !== 'linux') throw new Error('the memory of a process is read from /proc, which only Linux has');
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-huge-'));
  const rows = [];
  const facts = [];
  const step = async (name, program, args, { fails = false, file } = {}) => {
    note(`${name} …`);
    const { code, seconds, peak, stderr } = await run(folder, program, args);
    if ((code !== 0) !== fails) throw new Error(`${name}: exit code ${code}: ${stderr}`);
    const bytes = file && !fails ? statSync(join(folder, file)).size : undefined;
    const line = fails ? stderr.trim() : undefined;
    rows.push({ name, seconds, peak, bytes, line });
    if (line) note(line);
    return rows.at(-1);
  };
  const command = (name, args, more) => step(name, CLI, args, more);
  const count = (number) => number.toLocaleString('en-US');
  /** The commands that open a model of this name. */
  const open = async (about, file, market, item) => {
    await command(`inspect, ${about}`, ['inspect', file]);
    await command(`recommend, ${about}`, ['recommend', file, '--market', market, '--items', item]);
    const narrow = about === 'vectors' ? ['--vectors', 'int8'] : [];
    const args = ['export', file, '--market', market, '-o', 'small.m3rec', ...narrow];
    await command(`export of one market, ${about}`, args, { file: 'small.m3rec' });
  };
  const wanted = (part) => parts === undefined || parts.includes(part);
  try {
    if (wanted('vectors')) {
      const writer = fileURLToPath(new URL('../processes/write-large.mjs', import.meta.url));
      const made = await step('encodeModel and a save, vectors', writer, ['large.m3rec', String(BYTES)], {
        file: 'large.m3rec',
      });
      facts.push(`The file of vectors has ${count(made.bytes)} bytes; 2 GiB are ${count(2 ** 31)}.`);
      await open('vectors', 'large.m3rec', 'm0', 'P0000001');
    }
    if (wanted('updatable')) {
      const write = (name, items, users = items) =>
        writeDirectory(join(folder, name), generateMarkets({ seed: 1, users, items, interactions: 10 * users }));
      await write('many', TOO_MANY);
      await write('fits', FITS);
      await write('news', 200, 50);
      const ease = (data) => ['train', data, '-o', `${data}.m3rec`, '--model', 'ease', '--updatable'];
      await command(`train --updatable, ${count(TOO_MANY)} items`, ease('many'), { fails: true });
      await command(`train --updatable, ${count(FITS)} items`, ease('fits'), { file: 'fits.m3rec' });
      await open('updatable', 'fits.m3rec', 'de', 'P1000001');
      const update = ['update', 'fits.m3rec', '--data', 'news', '-o', 'newer.m3rec'];
      await command('update, updatable', update, { file: 'newer.m3rec' });
    }
    const blocks = [
      `Each command in its own process. ${facts.join(' ')}`,
      table(
        ['command', 'seconds', 'peak of the process, GB', 'file written, GB'],
        rows.map(({ name, seconds, peak, bytes, line }) => [
          name,
          seconds.toFixed(1),
          (peak / 1e9).toFixed(2),
          line ? 'refused' : bytes === undefined ? '–' : (bytes / 1e9).toFixed(3),
        ]),
      ),
      ...rows.filter(({ line }) => line).map(({ line }) => `Refused before the training: ${line}`),
    ];
    show(`huge: ${describe(machine())}`);
    for (const block of blocks) show(block);
    save('huge', 'Model files around and beyond 2 GiB', blocks, { rows });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a program of Node; its peak memory comes on file descriptor 3. */
function run(cwd, program, args) {
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', new URL('../processes/peak.mjs', import.meta.url).href, program, ...args],
    {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    },
  );
  const texts = { stderr: '', peak: '' };
  for (const [name, stream] of [
    ['stderr', child.stderr],
    ['peak', child.stdio[3]],
  ])
    stream.setEncoding('utf8').on('data', (text) => {
      texts[name] += text;
    });
  return new Promise((resolve) => {
    child.on('close', (code) =>
      resolve({
        code,
        seconds: (performance.now() - begun) / 1000,
        peak: 1024 * Number(texts.peak),
        stderr: texts.stderr,
      }),
    );
  });
}
