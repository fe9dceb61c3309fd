// `m3rec evaluate`: what is ranked, what is left out and said, several models and cut-offs, files of ranks.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateMarkets } from '../../src/data/generate.ts';
import { writeDirectory } from '../../src/node/files.ts';
import { commandIn, expectFailure } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-evaluate-'));
const { run, output } = commandIn(folder);
const generated = generateMarkets({ users: 300, items: 250, interactions: 2400, seed: 3 });

function writeMarket(name: string, files: Record<string, string[]>): void {
  mkdirSync(join(folder, name, 'de'), { recursive: true });
  for (const [file, rows] of Object.entries(files))
    writeFileSync(join(folder, name, 'de', `${file}.csv`), ['user,item', ...rows, ''].join('\n'));
}

beforeAll(async () => {
  await writeDirectory(join(folder, 'data'), generated);
  await output('train', 'data', '-o', 'ease.m3rec', '--model', 'ease');
  await output('train', 'data', '-o', 'popularity.m3rec', '--model', 'popularity');
  await output('train', 'data', '-o', 'de.m3rec', '--model', 'ease', '--markets', 'de');
  const train = Array.from({ length: 40 }, (_, i) => `u${i % 10},i${(i * 7) % 12}`);
  writeMarket('leaky', { train, valid: train.slice(0, 6) });
  writeMarket('half', { train, valid: [...train.slice(0, 2), 'u0,i5', 'u0,i9', 'u0,i9', 'u1,i4'] });
  await output('train', 'leaky', '-o', 'leaky.m3rec', '--model', 'ease');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('held-out rows that are training rows', () => {
  test('alone are nothing to evaluate on: not 100 %', async () => {
    expectFailure(
      await run('evaluate', 'leaky.m3rec', '--data', 'leaky'),
      2,
      'heldOut: no row of "valid" is left to rank: 6 are training rows',
    );
  });

  test('are left out, said and counted; rows and users are counted apart', async () => {
    const { stdout, stderr } = await run('evaluate', 'leaky.m3rec', '--data', 'half', '--json');
    expect(stderr.trimEnd().split('\n')).toEqual([
      'm3rec: warning: half: market de: 2 valid rows that are training rows too, left out; hold other rows out, or, where customers buy again, use --repeat',
      'm3rec: warning: half: market de: 1 valid row given twice, counted once',
    ]);
    const [de] = JSON.parse(stdout).markets;
    expect(de).toMatchObject({ market: 'de', rows: 3, users: 2, leakedRows: 2, trainedRows: 0, repeatedRows: 1 });
    const table = await output('evaluate', 'leaky.m3rec', '--data', 'half');
    expect(table).toMatch(/^market .* rows +users +ranked +cold items +unknown users\nde .* 3 +2 +\d+(-\d+)? +0 +0\n/);
  });

  test('are said by stats too', async () => {
    expect((await run('stats', 'half')).stderr).toContain(
      'm3rec: warning: half: market de: 2 valid rows of 6 that are training rows too; evaluate leaves them out\n',
    );
  });

  test('are ranked where customers buy again', async () => {
    const { code, stdout, stderr } = await run('evaluate', 'leaky.m3rec', '--data', 'leaky', '--repeat', '--json');
    expect([code, stderr]).toEqual([0, '']);
    const { repeat, markets } = JSON.parse(stdout);
    expect(repeat).toBe(true);
    expect(markets[0]).toMatchObject({ rows: 6, leakedRows: 6, candidates: { least: 12, most: 12 } });
  });

  test('of the model alone are left out and said', async () => {
    writeMarket('apart', { train: ['u0,i1', 'u0,i2', 'u1,i0'], valid: ['u0,i0', 'u0,i3', 'u1,i11'] });
    const { stdout, stderr } = await run('evaluate', 'leaky.m3rec', '--data', 'apart', '--json');
    const [{ rows, trainedRows }] = JSON.parse(stdout).markets;
    expect(rows + trainedRows).toBe(3);
    expect(trainedRows).toBeGreaterThan(0);
    expect(stderr).toContain('that the model was trained on, left out; train it on the training rows alone\n');
  });
});

test('several cut-offs, a group, several models with paired differences', async () => {
  const { code, stdout, stderr } = await run(
    ...['evaluate', 'ease.m3rec', 'popularity.m3rec', '--data', 'data', '-k', '5,10', '--by', 'shared'],
  );
  expect([code, stderr]).toEqual([0, '']);
  const tables = stdout.split('\n\n').map((table) => table.trimEnd().split('\n'));
  expect(tables.map((table) => table.length)).toEqual([1 + 2 * 2 * 6, 1 + 2 * 2 * 2 * 5, 1 + 2 * 6]);
  expect(tables[0][0]).toMatch(/^model +market +k +MRR % +± +NDCG % +± +HR % +± +rows +users +ranked /);
  expect(tables[1][0]).toMatch(/^model +market +k +shared +MRR % /);
  expect(tables[2][0]).toMatch(/^minus ease\.m3rec +market +k +MRR % +± +t +NDCG % +± +t +HR % +± +t$/);

  const report = JSON.parse(
    await output('evaluate', 'ease.m3rec', 'popularity.m3rec', '--data', 'data', '-k', '5,10', '--json'),
  );
  expect(report.models.map(({ model }: { model: string }) => model)).toEqual(['ease.m3rec', 'popularity.m3rec']);
  const [ease, popularity] = report.models;
  const [{ model, cutoffs }] = report.differences;
  expect([report.differencesFrom, model]).toEqual(['ease.m3rec', 'popularity.m3rec']);
  for (const [i, { k, metrics }] of cutoffs.entries()) {
    expect(k).toBe([5, 10][i]);
    for (const { metric, markets, mean } of metrics) {
      const gap = popularity.cutoffs[i][metric].mean - ease.cutoffs[i][metric].mean;
      expect(mean.difference).toBeCloseTo(gap, 12);
      expect(mean.t).toBeCloseTo(mean.difference / mean.standardError, 12);
      expect(markets.map(({ market }: { market: string }) => market)).toEqual(['de', 'in', 'jp', 'uk', 'us']);
    }
  }
  expect(ease.markets[0].perUser).toBeUndefined();
});

test('models are compared on the markets that all of them have', async () => {
  const { stdout, stderr } = await run('evaluate', 'ease.m3rec', 'de.m3rec', '--data', 'data', '--json');
  expect(stderr).toBe('m3rec: warning: 4 markets that not all models have, left out: in, jp, uk, us\n');
  for (const { markets } of JSON.parse(stdout).models)
    expect(markets.map(({ market }: { market: string }) => market)).toEqual(['de']);
  expectFailure(
    await run('evaluate', 'ease.m3rec', 'ease.m3rec', '--data', 'data'),
    2,
    'file: "ease.m3rec" is given twice',
  );
  expectFailure(await run('evaluate', 'de.m3rec', 'leaky.m3rec', '--data', 'leaky', '-k', '5,x'), 2, '-k');
});

test('a file of ranks has a line for each held-out row, and replaces no other file', async () => {
  const evaluation = ['evaluate', 'ease.m3rec', '--data', 'data', '--markets', 'de', '--negatives', '50'];
  await output(...evaluation, '--per-user', 'ranks.csv');
  const [header, ...lines] = readFileSync(join(folder, 'ranks.csv'), 'utf8').trimEnd().split('\n');
  expect(header).toBe('model,market,userId,itemId,rank,candidates');
  const ranks = lines.map((line) => Number(line.split(',')[4]));
  const { mrr, rows } = JSON.parse(await output(...evaluation, '--json')).markets[0];
  expect(ranks).toHaveLength(rows);
  expect(ranks.reduce((sum, rank) => sum + (rank <= 10 ? 1 / rank : 0), 0) / rows).toBeCloseTo(mrr, 12);
  await output(...evaluation, '--per-user', 'ranks.csv');
  writeFileSync(join(folder, 'mine.csv'), 'market,user\nde,u1\n');
  expectFailure(
    await run(...evaluation, '--per-user', 'mine.csv'),
    1,
    'mine.csv: this file exists and is not a table of ranks by m3rec, so it is not replaced',
  );
  expectFailure(await run(...evaluation, '--per-user', 'ranks.txt'), 2, '--per-user: "ranks.txt" should end in .csv');
});

test('intervals, lists and given candidates are shown where they are asked for', async () => {
  const args = ['evaluate', 'ease.m3rec', '--data', 'data', '--markets', 'de'];
  const text = await output(...args, '--intervals', '--lists', '20');
  expect(text).toMatch(/\nmarket +MRR %, 95 % interval +NDCG .*\nde +\d+\.\d\d to \d+\.\d\d /);
  expect(text).toMatch(/\nmarket +lists +coverage % +popularity % +Gini\nde +20 +\d+\.\d +\d+\.\d\d +0\.\d{3}\n/);
  const [de] = JSON.parse(await output(...args, '--intervals', '--lists', '20', '-k', '5,10', '--json')).markets;
  for (const { mrr } of de.cutoffs) {
    expect(mrr.interval[0]).toBeLessThan(mrr.mean);
    expect(mrr.interval[1]).toBeGreaterThan(mrr.mean);
  }
  expect(de.lists.map(({ k }: { k: number }) => k)).toEqual([5, 10]);
  const { markets: data, items } = generated;
  const { valid, users } = {
    ...data.find(({ name }) => name === 'de')!.valid,
    ...data.find(({ name }) => name === 'de')!,
  };
  const lines = users.map((user) => `${user}\t${items.slice(0, 3).join()}`);
  writeFileSync(join(folder, 'de.tsv'), `${lines.join('\n')}\n`);
  const [given] = JSON.parse(await output(...args, '--candidates', 'de=de.tsv', '--json')).markets;
  expect(valid.users.length).toBeGreaterThan(0);
  expect(given.candidates.most).toBeLessThanOrEqual(4);
  expectFailure(await run(...args, '--candidates', 'de=de.tsv', '--negatives', '5'), 2, '--candidates: it says what');
  expectFailure(await run(...args, '--candidates', 'xx=de.tsv'), 2, '--candidates: found "xx", expected a market: de');
  expectFailure(await run(...args, '--candidates', 'de'), 2, 'Expected a market and a file');
});
