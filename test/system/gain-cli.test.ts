// `m3rec gain`, and what markets sell, from files to answers.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandIn, expectFailure } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-gain-'));
const { run, output } = commandIn(folder);
const put = (file: string, rows: readonly string[]) => {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), `${rows.join('\n')}\n`);
};

beforeAll(() => {
  for (const [m, market] of ['de', 'fr'].entries()) {
    const train = ['userId,itemId'];
    const valid = ['userId,itemId'];
    for (let u = 0; u < 40 - 20 * m; u++) {
      const from = 5 * (u % 4);
      for (let i = 0; i < 4; i++) train.push(`u${u},p${from + ((u + i) % 5)}`);
      valid.push(`u${u},p${from + ((u + 4) % 5)}`);
    }
    put(`data/${market}/train.csv`, train);
    put(`data/${market}/valid.csv`, valid);
  }
  put('data/fr/items.csv', ['itemId,title', 'p0,Hat', 'unheard,Cap']);
  put('data/nl/items.csv', ['itemId', 'p0', 'p1', 'p2', 'p7']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('tables, and a plot that only its own kind replaces', async () => {
  const text = await output('gain', 'data', '--shares', '0.5', '--plot', 'gain.svg', '--threads', '1');
  const [, beside, few, without] = /^(Each market.*?\n)\n(With a share.*?\n)\n(What leaving.*)$/s.exec(text)!;
  expect(beside).toMatch(/\nmarket {2}users {2}rows .*\nde +40 +40 .*\nfr +20 +20 /);
  expect(few).toMatch(/\nde +50 +20 .*\nfr +50 +10 /);
  expect(without).toMatch(/\nwithout +de +fr\nde +[+-][\d.]+ ± [\d.]+\nfr +[+-][\d.]+ ± [\d.]+\nnl /);
  expect(readFileSync(join(folder, 'gain.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
  await output('gain', 'data', '--shares', '', '--plot', 'gain.svg', '--threads', '1');
  writeFileSync(join(folder, 'own.svg'), '<svg/>');
  expectFailure(await run('gain', 'data', '--plot', 'own.svg'), 1, 'own.svg');
  expect(readFileSync(join(folder, 'own.svg'), 'utf8')).toBe('<svg/>');
});

test('the same as JSON, with the options that were trained with', async () => {
  const { options, markets } = JSON.parse(
    await output(
      'gain',
      'data',
      '--markets',
      'de,fr',
      '--preset',
      'default',
      '--shares',
      '',
      '--threads',
      '1',
      '--json',
    ),
  );
  expect(options).toMatchObject({ model: 'transfer', preset: 'default', borrow: 0.35 });
  expect(markets.map(({ market, curve }: { market: string; curve: unknown[] }) => [market, curve.length])).toEqual([
    ['de', 1],
    ['fr', 1],
  ]);
});

test.each([
  [['--shares', '1.5'], 2, 'Expected shares above 0 and below 1'],
  [['--shares', 'few'], 2, 'Expected shares above 0 and below 1'],
  [['--markets', 'de'], 2, 'markets: there is one; what markets give each other needs two or more'],
  [['--held-out', 'test'], 2, 'markets: none has held-out rows named test'],
])('gain %j is refused in one line', async (args, code, message) => {
  const outcome = await run('gain', 'data', '--threads', '1', ...args);
  expect(
    outcome.stderr
      .split('\n')
      .filter((line) => line.startsWith('m3rec: '))
      .at(-1),
  ).toContain(message);
  expect(outcome).toMatchObject({ code, stdout: '' });
});

test('what a market sells and nobody there has bought is recommended, and said so', async () => {
  await output('train', 'data', '-o', 'shop.m3rec', '--threads', '1');
  const stats = await output('stats', 'data');
  expect(stats).toMatch(/ items {2}bought elsewhere {2}never bought /);
  expect(stats).toMatch(/\nnl +0 +0 +4 +0 /);
  const fresh = await output('recommend', 'shop.m3rec', '--market', 'nl', '--items', 'p1', '-k', '2', '--explain');
  expect(fresh).toMatch(/^rank {2}item +score {2}known +because of\n1 +p[02] +[\d.]+ {2}from de, fr {2}p1 \(/);
  const all = await output('recommend', 'shop.m3rec', '--market', 'fr', '--items', 'p1', '-k', '30');
  expect(all.trimEnd().split('\n').at(-1)).toMatch(/ unheard .* nobody yet$/);
  const union = await output('stats', 'data', '--catalogue', 'union', '--json');
  expect(JSON.parse(union).markets.map((each: { neverBought: number }) => each.neverBought)).toEqual([1, 1, 1]);
  const sold = await output('stats', 'data', '--catalogue', 'sold', '--json');
  expect(JSON.parse(sold).markets.map((each: { market: string }) => each.market)).toEqual(['de', 'fr']);
});
