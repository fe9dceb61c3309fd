import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProgressView } from '../../src/cli/progress.ts';
import { readDirectory } from '../../src/node/directory.ts';

let folder: string;
let written: string;
const { isTTY } = process.stderr;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'm3rec-progress-'));
  for (const market of ['a', 'b']) {
    mkdirSync(join(folder, market));
    writeFileSync(join(folder, market, 'train.csv'), `userId,itemId\n${'u,i\n'.repeat(160_000)}`);
  }
  written = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += text;
    return true;
  });
  // a clock that goes on by half a second whenever it is asked, so that reports are seconds apart
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 500;
    return now;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.stderr.isTTY = isTTY;
  rmSync(folder, { recursive: true, force: true });
});

test('a long read says every few seconds how much of all files is read', async () => {
  process.stderr.isTTY = false;
  await readDirectory(folder, { onProgress: new ProgressView().onProgress });
  const lines = written.split('\n').filter((line) => line.startsWith('read'));
  const shares = lines.map((line) => Number(/^read 2 files: (\d+) %$/.exec(line)?.[1]));
  expect(shares.length).toBeGreaterThan(1);
  for (const [i, share] of shares.entries()) expect(share).toBeGreaterThan(i === 0 ? 0 : shares[i - 1]);
  expect(shares.at(-1)).toBeLessThanOrEqual(100);
});

test('a terminal has a bar of it', async () => {
  process.stderr.isTTY = true;
  const view = new ProgressView();
  await readDirectory(folder, { onProgress: view.onProgress });
  view.clear();
  expect(written).toContain('read 2 files');
  expect(written).toMatch(/\d+ %/);
});
