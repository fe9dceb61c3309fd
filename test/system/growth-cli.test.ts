// Tables of more than 10⁵ rows print: a list as long as the catalogue, a model of very many markets.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodeModel } from '../../src/models/file.ts';
import { commandIn } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-growth-'));
const { output, run } = commandIn(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A popularity model whose markets all sell all items, the first the most popular. */
function write(name: string, itemCount: number, marketCount: number): void {
  const items = Array.from({ length: itemCount }, (_, i) => `i${String(i).padStart(6, '0')}`);
  const own = Int32Array.from(items, (_, i) => i);
  const popularity = Uint32Array.from(items, (_, i) => itemCount - i);
  const markets = Array.from({ length: marketCount }, (_, m) => ({
    name: `m${String(m).padStart(6, '0')}`,
    items: own,
    popularity,
    bias: Float32Array.from(popularity),
    linearWeight: 0,
    linearPower: 0,
    cosineWeight: 0,
  }));
  writeFileSync(join(folder, name), encodeModel({ kind: 'popularity', dim: 0, items, markets, training: {} }));
}

test('recommend -k 150000 prints every item', { timeout: 300_000 }, async () => {
  write('wide.m3rec', 150_000, 1);
  const args = ['recommend', 'wide.m3rec', '--market', 'm000000', '--items', 'i000007', '-k', '150000'];
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr: stderr.split('\n').length }).toEqual({ code: 0, stderr: 2 });
  const lines = stdout.trimEnd().split('\n');
  // a header, and all items but that of the history
  expect(lines.length).toBe(150_000);
  expect(lines.at(-1)).toMatch(/^149999 +i149999 +1$/);
  const { items } = JSON.parse(await output(...args, '--json'));
  expect(items.length).toBe(149_999);
});

test('inspect of 25,000 markets prints its 150,000 sections', { timeout: 300_000 }, async () => {
  write('many.m3rec', 2, 25_000);
  const lines = (await output('inspect', 'many.m3rec')).trimEnd().split('\n');
  expect(lines.filter((line) => /^\S+ +m\d{6} /.test(line)).length).toBeGreaterThan(120_000);
  expect(JSON.parse(await output('inspect', 'many.m3rec', '--json')).markets.length).toBe(25_000);
});
