// SIGKILL during saves: the file must be the old one or the new one, whole.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const about =
  'a process that saves two files of 3 and 5 MB in turns to one name is killed at a random moment: the name holds one of them, whole';
export const rounds = 150;

const NODE = new URL('../../dist/node.js', import.meta.url).href;
const SCRIPT = `const { writeFileAtomically } = await import(${JSON.stringify(NODE)});
const files = [new Uint8Array(3e6).fill(1), new Uint8Array(5e6).fill(2)];
for (let i = 0; ; i++) { await writeFileAtomically('saved', files[i % 2]); if (i === 0) process.stdout.write('saved'); }`;
const digestOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
const WHOLE = [
  [3e6, 1],
  [5e6, 2],
].map(([size, value]) => digestOf(new Uint8Array(size).fill(value)));

export async function attack({ round, random, found, count, folder }) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await new Promise((resolve) => setTimeout(resolve, random.below(60)));
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await closed;
  const which = WHOLE.indexOf(digestOf(readFileSync(join(folder, 'saved'))));
  if (which < 0) found.push(`round ${round}: the file is neither the old one nor the new one`);
  const left = readdirSync(folder).filter((name) => name !== 'saved');
  for (const name of left)
    if (!/^\.saved\.[0-9a-f]{12}\.tmp$/.test(name)) found.push(`round ${round}: ${name} was left`);
  count(left.length > round - count.of('kills between saves') ? 'kills during a save' : 'kills between saves');
}
