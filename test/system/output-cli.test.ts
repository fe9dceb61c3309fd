// What `-o` does with what is there already, and with another command that writes the same file.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateMarkets } from '../../src/data/generate.ts';
import { writeDirectory } from '../../src/node/files.ts';
import { commandIn, expectFailure } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-output-cli-'));
const at = (name: string) => join(folder, name);
const { run, start, output } = commandIn(folder);
const LOCK = /^\.slow\.m3rec\.[0-9a-f]{12}\.lock$/;
const train = (file: string) => ['train', 'data', '-o', file, '--model', 'popularity'];

beforeAll(async () => {
  await writeDirectory(at('data'), generateMarkets({ users: 300, items: 250, interactions: 2400, seed: 3 }));
  await output(...train('shop.m3rec'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what is no model is never replaced', async () => {
  writeFileSync(at('notes.txt'), 'a year of work');
  mkdirSync(at('folder'));
  symlinkSync('notes.txt', at('link.m3rec'));
  const notOurs =
    'this file exists and is not a model of m3rec, so it is not replaced; give another name, or remove it';
  for (const name of ['notes.txt', 'link.m3rec']) {
    expectFailure(await run(...train(name)), 1, `${name}: ${notOurs}`);
    expectFailure(await run('export', 'shop.m3rec', '-o', name), 1, `${name}: ${notOurs}`);
    expectFailure(await run('update', 'shop.m3rec', '--data', 'data', '-o', name), 1, `${name}: ${notOurs}`);
  }
  expect(readFileSync(at('notes.txt'), 'utf8')).toBe('a year of work');
  expectFailure(await run(...train('folder')), 1, 'folder: this is a folder');
  if (process.platform !== 'win32')
    expectFailure(await run(...train('/dev/null')), 1, '/dev/null: this is a device, pipe or socket');
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a model, and an empty file, are replaced, with the mode they had', async () => {
  copyFileSync(at('shop.m3rec'), at('old.m3rec'));
  writeFileSync(at('empty'), '');
  for (const name of ['old.m3rec', 'empty']) {
    chmodSync(at(name), 0o600);
    await output(...train(name));
    expect(readFileSync(at(name)).equals(readFileSync(at('shop.m3rec')))).toBe(true);
    if (process.platform !== 'win32') expect(statSync(at(name)).mode & 0o777).toBe(0o600);
  }
});

test('of two commands that write one file at once, one is refused and the file is whole', async () => {
  copyFileSync(at('shop.m3rec'), at('both.m3rec'));
  const updates = Array.from({ length: 4 }, () => run('update', 'both.m3rec', '--data', 'data', '-o', 'both.m3rec'));
  const outcomes = await Promise.all(updates);
  expect(outcomes.filter(({ code }) => code === 0).length).toBeGreaterThan(0);
  for (const outcome of outcomes)
    if (outcome.code !== 0) expectFailure(outcome, 1, 'another m3rec is writing this file');
  await output('inspect', 'both.m3rec');

  // As long as one holds it, the other is refused before its work, and the first goes on.
  const lock = `.both.m3rec.${'0'.repeat(12)}.lock`;
  writeFileSync(at(lock), `${process.pid} ${hostname()}\nheld\n`);
  expectFailure(
    await run('update', 'both.m3rec', '--data', 'data', '-o', 'both.m3rec'),
    1,
    `both.m3rec: another m3rec is writing this file (process ${process.pid} on ${hostname()})`,
  );
  rmSync(at(lock));
});

test.runIf(process.platform !== 'win32')('a command that is stopped gives its file free', async () => {
  const { child, outcome } = start(['train', 'data', '-o', 'slow.m3rec', '--preset', 'paper', '--epochs', '1000']);
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  expect(readdirSync(folder).filter((name) => LOCK.test(name))).toHaveLength(1);
  child.kill('SIGINT');
  expect((await outcome).code).toBe(130);
  expect(readdirSync(folder).filter((name) => name.includes('slow'))).toEqual([]);

  const other = start(['train', 'data', '-o', 'slow.m3rec', '--preset', 'paper', '--epochs', '1000']);
  await new Promise((resolve) => other.child.stdout!.once('data', resolve));
  other.child.kill('SIGKILL');
  await other.outcome;
  expect(readdirSync(folder).filter((name) => LOCK.test(name))).toHaveLength(1);
  await output(...train('slow.m3rec'));
  expect(readdirSync(folder).filter((name) => name.includes('slow'))).toEqual(['slow.m3rec']);
});
