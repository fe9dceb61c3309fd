// Signals stop a command within a second whatever it reads; no way of starting ends in a stack trace.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLI, commandIn } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-signals-'));
const { start, output } = commandIn(folder);

beforeAll(async () => {
  mkdirSync(join(folder, 'data', 'de'), { recursive: true });
  writeFileSync(join(folder, 'data', 'de', 'train.csv'), 'user,item\nu,a\nu,b\nv,a\n');
  await output('train', 'data', '-o', 'm.m3rec', '--model', 'popularity');
  if (process.platform !== 'win32') execFileSync('mkfifo', [join(folder, 'pipe')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(process.platform !== 'win32')('a pipe that nobody writes to', () => {
  test.each([
    [['stats', 'pipe']],
    [['train', 'pipe', '-o', 'x']],
    [['inspect', 'pipe']],
    [['rank', 'm.m3rec', '--market', 'de', '--candidates', 'pipe']],
    [['rank', 'm.m3rec', '--market', 'de', '--candidates', '-']],
    [['recommend', 'm.m3rec', '--users', 'pipe']],
  ])('%j stops at SIGINT', { timeout: 60_000 }, async (args) => {
    const { child, outcome } = start(args);
    // Standard input stays open, and nothing comes. Too early, nobody listens yet: then the signal ends it as well.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    child.kill('SIGINT');
    const { code, signal, stderr } = await outcome;
    expect(signal === 'SIGINT' || code === 130).toBe(true);
    if (code === 130) expect(stderr).toMatch(/m3rec: stopped\n$/);
    expect(readdirSync(folder).filter((name) => name.startsWith('.') || name === 'x')).toEqual([]);
  });

  test('that somebody writes to later is read', async () => {
    const { outcome } = start(['stats', 'pipe', '--json']);
    const writer = spawn('sh', ['-c', "printf 'user,item,market\\nu,a,de\\nv,b,de\\n' > pipe"], { cwd: folder });
    await new Promise((resolve) => writer.once('close', resolve));
    const { code, stdout } = await outcome;
    expect([code, JSON.parse(stdout).merged.users]).toEqual([0, 2]);
  });
});

test.runIf(process.platform !== 'win32')('no way of starting ends in a stack trace', () => {
  const of = (command: string) => spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
  const node = JSON.stringify(process.execPath);
  const limited = `ulimit -v 2000000; ${node} ${CLI}`;
  for (const [command, status] of [
    [`${limited} --version`, 0],
    [`${limited} inspect m.m3rec`, 0],
    [`${limited} recommend m.m3rec --market de --items a`, 1],
    [`${node} --jitless ${CLI} --version`, 0],
    [`${node} --jitless ${CLI} recommend m.m3rec --market de --items a`, 1],
  ] as const) {
    const outcome = of(command);
    expect(`${outcome.stdout}${outcome.stderr}`).not.toMatch(/^ +at /m);
    expect(outcome.status, `${command}: ${outcome.stderr}`).toBe(status);
  }
});
