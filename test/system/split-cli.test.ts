// `m3rec split`: what it writes, what it refuses, and that nothing is left behind.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDirectory } from '../../src/node/directory.ts';
import { commandIn, expectFailure } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-split-'));
const { run, output, start } = commandIn(folder);
const path = (name: string) => join(folder, name);
const filesIn = (name: string) =>
  readdirSync(path(name), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.\w+$/.test(file))
    .sort();

beforeAll(() => {
  const rows = ['market,userId,itemId,time'];
  for (let u = 0; u < 60; u++)
    for (let i = 0; i < 6; i++)
      rows.push(`${u % 2 ? 'de' : 'fr'},u${u},p${(u * 5 + i * i) % 17},2024-0${1 + i}-1${u % 9}`);
  rows.push('de,rare,p1,2024-01-01');
  writeFileSync(path('orders.csv'), `${rows.join('\n')}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('writes a folder that every command reads, with a manifest', async () => {
  const { code, stdout, stderr } = await run(
    'split',
    'orders.csv',
    '-o',
    'last',
    '--last',
    '--test',
    '--min-user',
    '3',
  );
  expect({ code, stdout: stdout.split('\n')[0] }).toEqual({
    code: 0,
    stdout: 'market  interactions  in the core  users  items  train  valid  test',
  });
  expect(stderr).toMatch(/m3rec: wrote last: 7 files and split\.json\n$/);
  expect(filesIn('last')).toEqual(
    [
      ...['de', 'fr'].flatMap((market) => ['test', 'train', 'valid'].map((split) => `${market}/${split}.csv`)),
      'm3rec.json',
      'split.json',
    ].sort(),
  );
  const manifest = JSON.parse(readFileSync(path('last/split.json'), 'utf8'));
  expect(manifest).toMatchObject({
    tool: 'm3rec split',
    data: ['orders.csv'],
    method: 'last',
    seed: 0,
    minUser: 3,
    minItem: 1,
  });
  expect(manifest.markets[0]).toMatchObject({ market: 'de', given: { users: 31 }, core: { users: 30 } });
  const { markets } = await readDirectory(path('last'));
  for (const [m, { heldOut, interactions, users }] of markets.entries()) {
    const counts = manifest.markets[m];
    expect(counts.train).toMatchObject({ interactions: interactions.indices.length, users: users.length });
    expect([counts.valid.interactions, counts.test.interactions]).toEqual([heldOut.valid.length, heldOut.test.length]);
  }
  expect(await output('train', 'last', '-o', 'model.m3rec', '--model', 'ease')).toContain('all');
  const { markets: evaluated } = JSON.parse(await output('evaluate', 'model.m3rec', '--data', 'last', '--json'));
  expect(evaluated).toHaveLength(2);
  for (const { leakedRows, trainedRows } of evaluated) expect([leakedRows, trainedRows]).toEqual([0, 0]);
});

test('the same seed gives the same bytes, whatever the order of rows; a split is replaced by the next', async () => {
  const [header, ...rows] = readFileSync(path('orders.csv'), 'utf8').trim().split('\n');
  writeFileSync(path('reversed.csv'), `${[header, ...rows.reverse()].join('\n')}\n`);
  const runs = [];
  for (const [data, seed] of [
    ['orders.csv', '1'],
    ['reversed.csv', '1'],
    ['orders.csv', '2'],
  ]) {
    const { stdout, code } = await run('split', data, '-o', 'again', '--ratio', '0.2', '--seed', seed, '--json');
    expect(code).toBe(0);
    runs.push(JSON.parse(stdout).files);
  }
  expect(runs[1]).toEqual(runs[0]);
  expect(runs[2]).not.toEqual(runs[0]);
  expect(filesIn('.').filter((file) => file.endsWith('.tmp'))).toEqual([]);
});

test('refuses what leaks, and what it did not write', async () => {
  expect(await run('split', 'orders.csv', '-o', 'last', '--last')).toMatchObject({ code: 0 });
  expectFailure(
    await run('split', 'last', '-o', 'twice', '--leave-one-out'),
    2,
    'market de has valid rows already, which are held out from training',
  );
  const merged = await run('split', 'last', '-o', 'twice', '--leave-one-out', '--merge');
  expect(merged).toMatchObject({ code: 0 });
  for (const [data, to] of [
    ['last', 'last/split'],
    ['last', 'last'],
    ['last/de', 'last'],
    ['.', 'inside'],
  ])
    expectFailure(
      await run('split', data, '-o', to, '--last'),
      1,
      `${to}: lies in the data, or the data in it (${data})`,
    );
  mkdirSync(path('mine/de'), { recursive: true });
  writeFileSync(path('mine/de/notes.txt'), 'mine');
  expectFailure(await run('split', 'orders.csv', '-o', 'mine', '--last'), 1, 'mine: the folder has de/notes.txt');
  writeFileSync(path('twice/notes.txt'), 'mine');
  expectFailure(
    await run('split', 'orders.csv', '-o', 'twice', '--last'),
    1,
    'twice: the folder has notes.txt, which is not of this split',
  );
  expect(readFileSync(path('twice/notes.txt'), 'utf8')).toBe('mine');
  expectFailure(await run('split', 'orders.csv', '-o', 'orders.csv/x', '--last'), 1, 'orders.csv');
  expectFailure(await run('split', 'orders.csv', '-o', 'no/where', '--last'), 1, 'no folder no');
});

test('says what is missing or too much in one line', async () => {
  expectFailure(
    await run('split', 'orders.csv', '-o', 'x'),
    2,
    '--last, --leave-one-out, --before, --ratio: give one of them',
  );
  expectFailure(
    await run('split', 'orders.csv', '-o', 'x', '--last', '--ratio', '0.1'),
    2,
    '--last, --ratio: give one of them',
  );
  expectFailure(
    await run('split', 'orders.csv', '-o', 'x', '--before', 'noon'),
    2,
    'before: found "noon", expected a time',
  );
  expectFailure(await run('split', 'orders.csv', '-o', 'x', '--ratio', '1.5'), 2, 'Expected a number from 0 to 1');
  writeFileSync(path('timeless.csv'), 'userId,itemId\nu1,a\nu1,b\n');
  expectFailure(await run('split', 'timeless.csv', '-o', 'x', '--last'), 1, 'timeless.csv:1: no column timestamp');
  expect(existsSync(path('x'))).toBe(false);
});

test('a signal leaves neither a folder nor a temporary one', async () => {
  const { child, outcome } = start(['split', '-', '-o', 'stopped', '--leave-one-out']);
  child.stdin!.write('userId,itemId\nu1,a\n');
  // The temporary folder is there once reading begins.
  const isThere = () => readdirSync(folder).some((name) => /^\.stopped\..*\.tmp$/.test(name));
  while (!isThere() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  expect(await outcome).toMatchObject({ code: 130 });
  expect(readdirSync(folder).filter((name) => name.includes('stopped'))).toEqual([]);
});
