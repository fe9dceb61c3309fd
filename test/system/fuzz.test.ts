// The fuzzer (test/fuzz) as a test: a short run, the corpus of past failures, and proof that the fuzzer sees what it
// looks for.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { FAULTS } from '../fuzz/faulty-target.ts';

const script = fileURLToPath(new URL('../fuzz/run.mjs', import.meta.url));

function fuzz(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

/** What it printed of failures. */
const failuresIn = (stdout: string) => /FAILURE, .*/s.exec(stdout)?.[0] ?? '';

test('a short run finds nothing, and reaches nearly every refusal of the validator', async () => {
  const { code, stdout, stderr } = await fuzz('--count', '3000', '--seed', '1');
  expect({ code, failures: failuresIn(stdout), stderr: code === 0 ? '' : stderr }).toEqual({
    code: 0,
    failures: '',
    stderr: '',
  });
  expect(/\| model +\| +([\d,]+)/.exec(stdout)![1]).toBe('3,000');
  const sources = [...stdout.matchAll(/\| src\/model\/(\S+) +\| +(\d+) +\| +(\d+)/g)];
  expect(sources.map(([, file]) => file)).toEqual(['container.ts', 'read-fields.ts', 'write-fields.ts', 'file.ts']);
  const sum = (column: number) => sources.reduce((total, cells) => total + Number(cells[column]), 0);
  expect(sum(2)).toBeGreaterThan(55);
  expect(sum(3) / sum(2)).toBeGreaterThan(0.85);
});

test('every input of the corpus is refused properly, or right', async () => {
  const { code, stdout } = await fuzz('--replay');
  expect({ code, failures: failuresIn(stdout) }).toEqual({ code: 0, failures: '' });
  expect(stdout).toContain(
    `Replayed ${readdirSync(fileURLToPath(new URL('../fuzz/corpus', import.meta.url))).length} inputs`,
  );
});

test('the fuzzer reports a hang, a trap, exhausted memory, pollution and every other fault that it watches for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-faulty-'));
  try {
    for (const name of Object.keys(FAULTS)) writeFileSync(join(folder, `faulty-${name}`), name);
    const { code, stdout } = await fuzz('--replay', '--target', 'faulty', '--corpus', folder, '--patience', '15');
    const reported = Object.fromEntries(
      [...stdout.matchAll(/FAILURE, 1 times: faulty-([\w-]+)[,:] (.*)/g)].map(([, name, report]) => [name, report]),
    );
    expect(code).toBe(1);
    expect(reported).toEqual({
      hang: expect.stringContaining('no return within 15 s'),
      'never-settles': expect.stringContaining('never settled'),
      'out-of-memory': expect.stringMatching(/heap out of memory/),
      'large-array': expect.stringContaining('new Float64Array(1000000): 8000000 bytes where 65536 are allowed'),
      pollution: expect.stringContaining('Object.prototype was changed: polluted'),
      'changed-method': expect.stringContaining('Array.prototype.flat was changed'),
      'other-error': expect.stringContaining('TypeError: Cannot read properties of undefined'),
      trap: expect.stringContaining('RuntimeError: unreachable'),
      'rejected-elsewhere': expect.stringContaining('nobody listens'),
      'two-lines': expect.stringContaining('more than one line'),
      exit: expect.stringContaining('never settled (exit 0)'),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('wrong options are named', async () => {
  for (const args of [
    ['--count', 'many'],
    ['--seed', '-1'],
    ['--target', 'nothing'],
    ['--nonsense'],
    ['--patience', '0'],
  ]) {
    const { code, stderr } = await fuzz(...args);
    expect({ code, named: stderr.includes(args[0]) }).toEqual({ code: 2, named: true });
  }
});
