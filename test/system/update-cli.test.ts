// `m3rec update` as a command, and what a process that is killed during a save leaves behind.
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeModel, generateMarkets, loadModel } from '../../src/index.ts';
import { writeDirectory, writeFileAtomically } from '../../src/node/files.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

const dist = (name: string) => fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-update-'));
const path = (name: string) => join(folder, name);
const LEFTOVER = /^\.shop\.m3rec\.[0-9a-f]{12}\.tmp$/;

function start(...args: string[]) {
  const child = spawn(process.execPath, [dist('cli.js'), ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  const ended = new Promise<typeof output & { code: number | null; signal: string | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ ...output, code, signal })),
  );
  return { child, ended };
}
const run = (...args: string[]) => start(...args).ended;

/** New rows as a folder of data. */
function writeRows(name: string, market: string, rows: [user: string, item: string][]): void {
  mkdirSync(join(folder, name, market), { recursive: true });
  writeFileSync(
    join(folder, name, market, 'train.tsv'),
    `userId\titemId\n${rows.map((row) => `${row.join('\t')}\n`).join('')}`,
  );
}

const generated = generateMarkets({ users: 1200, items: 1000, interactions: 8000, seed: 6 });
const [market] = generated.markets;
const [user] = market.users;

beforeAll(async () => {
  if (!existsSync(dist('cli.js'))) throw new Error('dist/cli.js is not there: run `npm run build` first');
  await writeDirectory(path('data'), generated);
  const few = generated.items.slice(0, 20).map((item, i): [string, string] => [`new user ${i % 5}`, item]);
  writeRows('more', market.name, [...few, [user, 'new item'], ['new user 0', 'new item']]);
  writeFileSync(join(folder, 'more', market.name, 'valid.tsv'), 'userId\titemId\nnobody\tnothing\n');
  expect(await run('train', 'data', '-o', 'old.m3rec', '--model', 'ease', '--updatable')).toMatchObject({ code: 0 });
  expect(
    await run('train', 'data', '-o', 'other.m3rec', '--model', 'ease', '--updatable', '--lambda-f', '50'),
  ).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('m3rec update', () => {
  test('writes another file or its own, the same bytes, and prints what it did', async () => {
    const first = await run('update', 'old.m3rec', '--data', 'more', '-o', 'new.m3rec');
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(
      /^stage +seconds +loss +peak\nsimilarity of all markets +\d+\.\d\d +\d+\.\d MB +1,001 items, 7 changed rows, [\d,]+ entries\nall +\d+\.\d\d +\d+\.\d MB\n$/,
    );
    expect(first.stderr).toMatch(
      /^m3rec: (1 thread: this machine has one core|\d+ threads)\nm3rec: wrote new\.m3rec: \d+\.\d MB\nm3rec: added 5 users, 1 item, 22 interactions\n$/,
    );

    copyFileSync(path('old.m3rec'), path('place.m3rec'));
    const { code, stdout, stderr } = await run(
      'update',
      'place.m3rec',
      '--data',
      'more',
      '-o',
      'place.m3rec',
      '--json',
    );
    expect(code).toBe(0);
    expect(stderr).toContain('added 5 users');
    expect(JSON.parse(stdout)).toMatchObject({
      file: 'place.m3rec',
      bytes: readFileSync(path('place.m3rec')).length,
      seconds: expect.any(Number),
      peakBytes: expect.any(Number),
      stages: [{ stage: 'similarity of all markets' }],
      added: { users: 5, items: 1, interactions: 22 },
      sinceFit: { updates: 1, users: 5, items: 1, interactions: 22 },
      residual: expect.any(Number),
      refit: [],
    });
    expect(readFileSync(path('place.m3rec')).equals(readFileSync(path('new.m3rec')))).toBe(true);

    const again = await run('update', 'place.m3rec', '--data', 'more', '-o', 'again.m3rec');
    expect(again).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no new interactions: the model is unchanged'),
    });
    expect(readFileSync(path('again.m3rec')).equals(readFileSync(path('new.m3rec')))).toBe(true);

    const recommender = await loadModel(readFileSync(path('new.m3rec')));
    expect(recommender.recommend({ market: market.name, user: 'new user 3', k: 5 }).items).toHaveLength(5);
    expect(recommender.similar({ market: market.name, item: 'new item' }).length).toBeGreaterThan(0);
    expect(JSON.parse((await run('inspect', 'new.m3rec', '--json')).stdout).training.updates).toMatchObject({
      updates: 1,
      items: 1,
    });
  });

  test('refuses before it writes anything', async () => {
    writeRows('elsewhere', 'fr', [['u', 'P1']]);
    for (const [args, code, text] of [
      [['old.m3rec', '--data', 'elsewhere', '-o', 'x'], 2, 'a new market needs a new training'],
      [['old.m3rec', '--data', 'nowhere', '-o', 'x'], 1, 'nowhere: no such file or folder'],
      [['nothing.m3rec', '--data', 'more', '-o', 'x'], 1, 'nothing.m3rec: no such file or folder'],
      [['old.m3rec', '--data', 'more', '-o', 'none/x'], 1, 'no folder none'],
    ] as const) {
      const outcome = await run('update', ...args);
      expect(outcome).toMatchObject({ code, stdout: '' });
      expect(outcome.stderr).toMatch(/^m3rec: [^\n]+\n$/);
      expect(outcome.stderr).toContain(text);
    }
    expect(existsSync(path('x'))).toBe(false);
  });

  test('Ctrl-C ends it, the file is as it was', { timeout: 120_000 }, async () => {
    // more changed rows than the kernels can take in a moment
    const rows = market.users.flatMap((each, u): [string, string][] =>
      [0, 1, 2].map((i) => [`${each} again`, generated.items[(37 * u + i) % generated.items.length]]),
    );
    writeRows('much', market.name, rows);
    copyFileSync(path('old.m3rec'), path('place.m3rec'));
    const before = readdirSync(folder);
    // too early, there is nobody yet who listens: later then
    let heard = false;
    for (let delay = 100; !heard && delay < 30_000; delay *= 1.4) {
      const { child, ended } = start('update', 'place.m3rec', '--data', 'much', '-o', 'place.m3rec');
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGINT');
      const { code, signal, stderr } = await ended;
      heard = code === 130;
      if (heard)
        expect(stderr).toMatch(/^(m3rec: (1 thread: this machine has one core|\d+ threads)\n)?m3rec: stopped\n$/);
      else expect(signal).toBe('SIGINT');
      expect(readFileSync(path('place.m3rec')).equals(readFileSync(path('old.m3rec')))).toBe(true);
      expect(readdirSync(folder)).toEqual(before);
    }
    expect(heard).toBe(true);
  });
});

describe('a process that is killed', () => {
  test.each([
    [
      'train',
      'other.m3rec',
      ['train', '../data', '-o', 'shop.m3rec', '--model', 'ease', '--updatable', '--lambda-f', '50'],
    ],
    ['update', 'new.m3rec', ['update', 'shop.m3rec', '--data', '../more', '-o', 'shop.m3rec']],
  ])('during %s in place leaves the old file whole, or the new one', async (name, whole, args) => {
    const home = path(`home of ${name}`);
    mkdirSync(home);
    const shop = join(home, 'shop.m3rec');
    const [old, fresh] = [readFileSync(path('old.m3rec')), readFileSync(path(whole))];
    expect(old.equals(fresh)).toBe(false);
    // The lock of a process that was killed is taken over by the next one.
    const leftovers = () => readdirSync(home).filter((file) => file !== 'shop.m3rec' && !file.endsWith('.lock'));
    const spawnIt = () => spawn(process.execPath, [dist('cli.js'), ...args], { cwd: home, stdio: 'ignore' });

    writeFileSync(shop, old);
    const started = performance.now();
    await new Promise((resolve) => spawnIt().once('close', resolve));
    const duration = performance.now() - started;
    expect(readFileSync(shop).equals(fresh)).toBe(true);

    const random = new SplitMix(Math.round(started));
    for (let round = 0; round < 8; round++) {
      writeFileSync(shop, old);
      const before = leftovers().length;
      const child = spawnIt();
      const closed = new Promise((resolve) => child.once('close', resolve));
      const due = performance.now() + duration * random.next();
      // every other time as soon as the save has begun, for the moments around it are the ones that matter
      while (child.exitCode === null && (round % 2 === 0 ? performance.now() < due : leftovers().length === before))
        await new Promise((resolve) => setImmediate(resolve));
      // also the later moments of the save
      if (round % 2 === 1 && round > 3) await new Promise((resolve) => setTimeout(resolve, 20 * random.next()));
      child.kill('SIGKILL');
      await closed;
      const found = readFileSync(shop);
      expect(found.equals(old) || found.equals(fresh), `round ${round}: neither the old file nor the new one`).toBe(
        true,
      );
      decodeModel(found);
      for (const file of leftovers()) expect(file).toMatch(LEFTOVER);
    }
  });

  test('during a long write leaves a temporary file, which a save an hour later removes', async () => {
    const home = path('long');
    mkdirSync(home);
    const shop = join(home, 'shop.m3rec');
    writeFileSync(shop, 'old');
    writeFileSync(join(home, '.shop.m3rec.notours.tmp'), 'kept');
    const script = `const { writeFileAtomically } = await import(${JSON.stringify(pathToFileURL(dist('node.js')).href)}); await writeFileAtomically('shop.m3rec', new Uint8Array(256e6).fill(1));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: home, stdio: 'inherit' });
    const closed = new Promise((resolve) => child.once('close', resolve));
    const leftovers = () => readdirSync(home).filter((file) => LEFTOVER.test(file));
    while (child.exitCode === null && leftovers().length === 0) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await closed;
    expect(readFileSync(shop, 'utf8')).toBe('old');
    const [left] = leftovers();
    expect(left).toBeDefined();

    // it may be that of a save that is under way
    await writeFileAtomically(shop, new TextEncoder().encode('new'));
    expect(leftovers()).toEqual([left]);
    const then = Date.now() / 1000 - 3700;
    utimesSync(join(home, left), then, then);
    utimesSync(join(home, '.shop.m3rec.notours.tmp'), then, then);
    await writeFileAtomically(shop, new TextEncoder().encode('newer'));
    expect(readdirSync(home).sort()).toEqual(['.shop.m3rec.notours.tmp', 'shop.m3rec']);
    expect(readFileSync(shop, 'utf8')).toBe('newer');
  });
});
