// `m3rec train --report`: what a person reads after a training.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandIn, expectFailure } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-report-'));
const { run, output } = commandIn(folder);
const read = (file: string) => readFileSync(join(folder, file), 'utf8');

beforeAll(() => {
  for (const [m, market] of ['de', 'fr'].entries()) {
    mkdirSync(join(folder, 'shop', market), { recursive: true });
    const rows = ['userId,itemId'];
    const valid = ['userId,itemId'];
    for (let u = 0; u < 40 - 20 * m; u++) {
      for (let i = 0; i < 4; i++) rows.push(`u${u},p${5 * (u % 4) + ((u + i) % 5)}`);
      valid.push(`u${u},p${5 * (u % 4) + ((u + 4) % 5)}`);
    }
    writeFileSync(join(folder, 'shop', market, 'train.csv'), `${rows.join('\n')}\n`);
    writeFileSync(join(folder, 'shop', market, 'valid.csv'), `${valid.join('\n')}\n`);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (...more: string[]) => ['train', 'shop', '-o', 'shop.m3rec', '--threads', '1', ...more];

test('data, stages, what markets take and give, options', async () => {
  await output(...train('--report', 'report.md'));
  const report = read('report.md');
  expect(report).toMatch(/^# Training report of m3rec\n\nshop\.m3rec: model `transfer` \(EASE of each market/);
  expect(report).toMatch(/\nde +40 +20 +160 +100\.0\nfr +20 +20 +80 +100\.0\nall +60 /);
  expect(report).toMatch(/\nsimilarity of fr +[\d.]+ /);
  expect(report).toContain('- fr starts from de (40 users, 20 items).');
  expect(report).toMatch(/\nfr +20 +20 +[\d.]+\/[\d.]+\/[\d.]+ .* ± /);
  expect(report).toMatch(/What leaving a market out .*:\n\n```text\nwithout +de +fr\n/);
  expect(report).toMatch(/\nborrow +0\.35\n/);
  const withReport = readFileSync(join(folder, 'shop.m3rec'));
  await output(...train('--report', 'report.md'));
  await output(...train());
  expect(readFileSync(join(folder, 'shop.m3rec')).equals(withReport)).toBe(true);
});

test('one market: its metrics; without held-out rows: a sentence', async () => {
  await output(...train('--markets', 'de', '--report', 'one.md'));
  expect(read('one.md')).toMatch(/\nmarket +MRR@10 % .*\nde +[\d.]+ /);
  mkdirSync(join(folder, 'bare'));
  writeFileSync(join(folder, 'bare', 'rows.csv'), 'userId,itemId\nu1,a\nu1,b\nu2,a\nu2,c\n');
  await output('train', 'bare', '-o', 'bare.m3rec', '--threads', '1', '--report', 'bare.md');
  expect(read('bare.md')).toContain('no held-out rows named valid, so nothing was ranked: `m3rec split`');
});

test('only a report of its own is replaced, and nothing is trained otherwise', async () => {
  writeFileSync(join(folder, 'notes.md'), '# Notes\n');
  rmSync(join(folder, 'shop.m3rec'), { force: true });
  expectFailure(await run(...train('--report', 'notes.md')), 1, 'notes.md');
  expect(read('notes.md')).toBe('# Notes\n');
  expect(() => read('shop.m3rec')).toThrow('ENOENT');
});
