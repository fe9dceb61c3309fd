// Several updates of one file at once: one is refused, or what it brought is in.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeModel, encodeModel, readMarkets, train } from '../../dist/index.js';

export const about =
  'three `m3rec update` of one file at once, each with a user of its own: whoever succeeded is in the file, the others were refused in a line';
export const rounds = 20;
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export async function attack({ round, random, found, count, folder }) {
  const home = join(folder, String(round));
  const source = `userId,itemId\n${Array.from({ length: 60 }, (_, i) => `u${i % 20},i${(i * 7) % 30}`).join('\n')}\n`;
  const markets = await readMarkets([{ market: 'de', split: 'train', name: 'de', source }]);
  mkdirSync(home);
  writeFileSync(join(home, 'm.m3rec'), encodeModel(await train(markets, { model: 'ease', updatable: true })));
  const users = ['x', 'y', 'z'].map((letter) => `${letter}${round}`);
  for (const user of users) {
    mkdirSync(join(home, user, 'de'), { recursive: true });
    writeFileSync(join(home, user, 'de/train.csv'), `userId,itemId\n${user},i1\n${user},i2\n`);
  }
  const outcomes = await Promise.all(
    users.map(async (user) => {
      await new Promise((resolve) => setTimeout(resolve, random.below(600)));
      return run(home, ['update', 'm.m3rec', '--data', user, '-o', 'm.m3rec']);
    }),
  );
  const there = decodeModel(readFileSync(join(home, 'm.m3rec'))).markets[0].users;
  for (const [u, { code, stderr }] of outcomes.entries()) {
    count(code === 0 ? 'updates that are in' : 'updates refused');
    if (code === 0 && !there.includes(users[u])) found.push(`round ${round}: an update was lost`);
    if (
      code !== 0 &&
      (there.includes(users[u]) ||
        !/^(m3rec: \d+ threads?\n)?m3rec: [^\n]*another m3rec is writing this file[^\n]*\n$/.test(stderr))
    )
      found.push(`round ${round}: code ${code}: ${stderr}`);
  }
  if (!outcomes.some(({ code }) => code === 0)) found.push(`round ${round}: all were refused`);
}

function run(cwd, args) {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr })));
}
