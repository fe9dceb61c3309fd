// `m3rec experiment`, `tune` and `compare`: from a file to a report, stopped and gone on with, and what is refused.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateMarkets } from '../../src/data/generate.ts';
import { writeDirectory } from '../../src/node/files.ts';
import { commandIn, expectFailure } from '../support/command.ts';

const smoke = fileURLToPath(new URL('../../experiments/smoke.yaml', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-experiment-'));
const { start, run, output } = commandIn(folder);
const file = (name: string) => readFileSync(join(folder, name), 'utf8');
const trials = (name: string) =>
  file(`${name}/trials.jsonl`)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  await writeDirectory(join(folder, 'shop'), generateMarkets({ users: 400, items: 250, interactions: 3000, seed: 3 }));
  writeFileSync(
    join(folder, 'small.json'),
    JSON.stringify({
      data: 'shop',
      models: [{ model: 'popularity' }, { model: 'ease', grid: { lambdaF: [5, 50] } }],
      lists: 20,
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('experiments/smoke.yaml', () => {
  test('runs from its file to its report', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await run('experiment', smoke, '-o', 'smoke');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^MRR@10 in %, protocol clean; \* the best\nmodel +de +in +jp +uk +us +mean\n/);
    expect(trials('smoke')).toHaveLength(12);
    expect(readdirSync(join(folder, 'smoke')).sort()).toEqual([
      'cas',
      'experiment.json',
      'figures',
      'report.html',
      'results.csv',
      'tables.md',
      'tables.tex',
      'trials.jsonl',
    ]);
    expect(readdirSync(join(folder, 'smoke/figures')).sort()).toEqual(
      ['differences-as-published', 'differences-clean', 'markets', 'ranks', 'time', 'tuning'].map(
        (name) => `${name}.svg`,
      ),
    );
    const report = file('smoke/report.html');
    // nothing from elsewhere, and no figure that is none
    expect(report.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|src=|NaN|undefined|Infinity/);
    expect(report.match(/<svg /g)).toHaveLength(6);
    for (const name of readdirSync(join(folder, 'smoke/figures')))
      expect(file(`smoke/figures/${name}`), name).not.toMatch(/NaN|undefined|Infinity/);
    const [header, ...rows] = file('smoke/results.csv').trimEnd().split('\n');
    // of each trial: protocols, halves, markets, cut-offs, metrics
    expect(rows).toHaveLength(12 * 2 * 2 * 5 * 2 * 5);
    expect(new Set(rows.map((row) => row.split(',').length))).toEqual(new Set([header.split(',').length]));
    expect(file('smoke/tables.md')).toMatch(/\*\*\d+\.\d\d ± \d+\.\d\d\*\*/);
    expect(file('smoke/tables.tex').match(/\\begin\{tabular\}/g)!.length).toBeGreaterThan(10);
  });

  test('is there the second time, and its plan says so', async () => {
    const { stderr } = await run('experiment', smoke, '-o', 'smoke');
    expect(stderr).toContain('m3rec: 12 trials were made before, and are not made again\n');
    expect(trials('smoke')).toHaveLength(12);
    const plan = await output('experiment', smoke, '-o', 'smoke', '--dry-run');
    expect(plan).toContain('0 trials to do');
    expect(JSON.parse(await output('experiment', smoke, '-o', 'smoke', '--dry-run', '--json'))).toMatchObject({
      toDo: 0,
    });
  });

  test('compares two of its models', async () => {
    const { markets } = JSON.parse(await output('compare', 'smoke:popularity', 'smoke:ease', '--json'));
    expect(markets.map(({ market }: { market: string }) => market)).toEqual(['de', 'in', 'jp', 'uk', 'us']);
    for (const { t, interval, adjusted } of markets) {
      expect(t.mean).toBeGreaterThan(0);
      expect(interval[0]).toBeLessThan(t.mean);
      expect(adjusted.t).toBeGreaterThanOrEqual(t.p);
    }
  });
});

test('a plan makes nothing', async () => {
  const plan = await output('experiment', 'small.json', '-o', 'planned', '--dry-run');
  expect(plan).toContain('3 trials to do: no time is known yet.');
  expect(readdirSync(folder)).not.toContain('planned');
});

test.runIf(process.platform !== 'win32')(
  'stopped by Ctrl-C it goes on where it was',
  { timeout: 120_000 },
  async () => {
    const models = [{ model: 'ials', options: { dim: 16 }, grid: { epochs: [2, 3, 4, 5, 6, 7, 8, 9] } }];
    writeFileSync(join(folder, 'long.json'), JSON.stringify({ data: 'shop', models, lists: 0 }));
    const { child, outcome } = start(['experiment', 'long.json', '-o', 'long']);
    await new Promise<void>((resolve) =>
      child.stderr!.on('data', (text: string) => {
        if (/^m3rec: [23] of 8/m.test(text)) resolve();
      }),
    );
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    expect({ code, stopped: stderr.endsWith('m3rec: stopped\n') }).toEqual({ code: 130, stopped: true });
    const before = trials('long');
    expect(before.length).toBeGreaterThanOrEqual(2);
    expect(before.length).toBeLessThan(8);
    // as if it had been killed while it wrote
    writeFileSync(join(folder, 'long/trials.jsonl'), `${file('long/trials.jsonl')}{"key":"half`);
    const again = await run('experiment', 'long.json', '-o', 'long');
    expect(again.code).toBe(0);
    expect(again.stderr).toContain('the last line was cut off');
    expect(again.stderr).toMatch(new RegExp(`${before.length} trials? w(as|ere) made before`));
    const all = trials('long');
    expect(all).toHaveLength(8);
    expect(all.slice(0, before.length)).toEqual(before);
    expect(new Set(all.map(({ key }) => key)).size).toBe(8);
  },
);

test('tune ends with one trial of each model in full, however little time there is', async () => {
  const { code, stdout, stderr } = await run('tune', 'small.json', '--budget', '0', '-o', 'tuned', '--json');
  expect(code, stderr).toBe(0);
  const { rungs, models } = JSON.parse(stdout);
  expect(rungs.at(-1).share).toBe(1);
  expect(models.map(({ name }: { name: string }) => name)).toEqual(['popularity', 'ease']);
  const long = await run('tune', 'small.json', '--budget', '5', '-o', 'tuned', '--json');
  const { rungs: all } = JSON.parse(long.stdout);
  expect(all.map(({ trials: each }: { trials: unknown[] }) => each.length)).toEqual([2, 2]);
  expect(all.every(({ dropped }: { dropped: object }) => Object.keys(dropped).length === 0)).toBe(true);
});

describe('compare', () => {
  test('takes models and tables of ranks, and finds the same', async () => {
    await run('train', 'shop', '-o', 'a.m3rec', '--model', 'popularity');
    await run('train', 'shop', '-o', 'b.m3rec', '--model', 'ease');
    await run('evaluate', 'a.m3rec', 'b.m3rec', '--data', 'shop', '--per-user', 'ranks.csv');
    const models = JSON.parse(await output('compare', 'a.m3rec', 'b.m3rec', '--data', 'shop', '--json'));
    const tables = JSON.parse(await output('compare', 'ranks.csv:a.m3rec', 'ranks.csv:b.m3rec', '--json'));
    expect(tables.markets).toEqual(models.markets);
    for (const kind of ['tsv', 'jsonl', 'parquet']) {
      await run('evaluate', 'a.m3rec', 'b.m3rec', '--data', 'shop', '--per-user', `ranks.${kind}`);
      const same = await output('compare', `ranks.${kind}:a.m3rec`, `ranks.${kind}:b.m3rec`, '--json');
      expect(JSON.parse(same).markets, kind).toEqual(models.markets);
    }
    writeFileSync(join(folder, 'bad.csv'), 'market,userId,itemId,rank\nde,u1,i1,2\nde,u2,i1,0\n');
    writeFileSync(join(folder, 'none.csv'), 'market,userId,itemId\nde,u1,i1\n');
    const text = await output('compare', 'ranks.csv:a.m3rec', 'ranks.csv:b.m3rec', '--metric', 'ndcg', '-k', '5');
    expect(text).toMatch(/^NDCG@5 in %, paired by user; a is ranks\.csv:a\.m3rec/);
  });

  test.each([
    [['nothing', 'a.m3rec'], 2, 'file: found "nothing", expected a model file'],
    [['a.m3rec', 'b.m3rec'], 2, '--data: a is a model: give the data'],
    [['ranks.csv', 'ranks.csv'], 2, 'file: ranks.csv has the ranks of a.m3rec, b.m3rec; say which'],
    [['bad.csv', 'ranks.csv'], 1, 'bad.csv:3: expected a market, a user, an item and a rank from 1 on'],
    [['none.csv', 'ranks.csv'], 1, 'none.csv:'],
    [['ranks.csv:c', 'ranks.csv'], 2, 'model: found "c", expected one of a.m3rec, b.m3rec'],
    [['smoke:none', 'smoke:ease'], 2, 'model: found "none", expected one of popularity, itemknn'],
    [['shop:ease', 'smoke:ease'], 1, 'no experiment.json: not a folder of m3rec experiment'],
  ])('%j is refused', async (args, code, message) => {
    expectFailure(await run('compare', ...args), code, message);
  });
});

describe('what is wrong is one line that names the file and the place', () => {
  const wrong = (name: string, text: string) => writeFileSync(join(folder, name), text);

  test.each<[string, string, number, string]>([
    ['a.txt', '', 2, 'file: "a.txt" should end in .yaml, .yml or .json'],
    ['a.json', '{', 1, 'a.json: no JSON: '],
    ['a.yaml', 'models: [\n', 1, 'a.yaml:2: no YAML: '],
    ['b.yaml', 'models:\n  - model: ease\n    model: slim\n', 1, 'b.yaml:3: no YAML: Map keys must be unique'],
    ['c.yaml', 'models: [{ model: best }]', 1, 'c.yaml: models[0].model: found "best", expected transfer'],
    ['d.yaml', 'models: [{ model: ease, grid: { lambdaF: [-1] } }]', 1, 'd.yaml: models[0]: lambdaF: found -1'],
    ['e.yaml', 'models: [{ model: ease }]', 1, 'e.yaml: it names no data: add `data`, or give --data'],
    ['f.yaml', 'data: nowhere\nmodels: [{ model: ease }]', 1, 'nowhere: no such file or folder'],
    [
      'g.yaml',
      'data: shop\nheldOut: dev\nmodels: [{ model: ease }]',
      1,
      'g.yaml: heldOut: found "dev", expected a file',
    ],
    [
      'h.yaml',
      `a: &a [x,x]\nb: &b [${'*a,'.repeat(90)}]\nc: [${'*b,'.repeat(90)}]\n`,
      1,
      'h.yaml: no YAML: Excessive alias',
    ],
  ])('%s', async (name, text, code, message) => {
    wrong(name, text);
    expectFailure(await run('experiment', name, '-o', 'wrong'), code, message);
  });

  test('a folder of something else', async () => {
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other/notes.txt'), 'mine');
    expectFailure(
      await run('experiment', 'small.json', '-o', 'other'),
      1,
      'other: the folder has notes.txt and no trials.jsonl',
    );
    expectFailure(
      await run('experiment', 'small.json', '--only', 'slim'),
      2,
      '--only: found "slim", expected popularity, ease',
    );
  });
});

test('candidates that are given are ranked against', async () => {
  mkdirSync(join(folder, 'kit/de'), { recursive: true });
  const rows = Array.from({ length: 60 }, (_, i) => `u${i % 12}\ti${(i * 7) % 20}`);
  const held = Array.from({ length: 12 }, (_, i) => [`u${i}`, `i${(i * 3 + 1) % 20}`]);
  writeFileSync(join(folder, 'kit/de/train.tsv'), ['userId\titemId', ...rows, ''].join('\n'));
  writeFileSync(
    join(folder, 'kit/de/valid.tsv'),
    ['userId\titemId', ...held.map((row) => row.join('\t')), ''].join('\n'),
  );
  const lists = held.map(([user, item]) => `${user}\t${item},i0,i5,i10,gone,i0`);
  writeFileSync(join(folder, 'run.tsv'), `${lists.join('\n')}\n`);
  const experiment = {
    data: 'kit',
    halves: false,
    models: [{ model: 'popularity' }],
    protocols: [{ name: 'kit', protocol: 'lists', lists: { de: 'run.tsv' } }],
  };
  writeFileSync(join(folder, 'kit.json'), JSON.stringify(experiment));
  const { code, stderr } = await run('experiment', 'kit.json', '-o', 'kit-results');
  expect(code, stderr).toBe(0);
  const [line] = trials('kit-results');
  // at most four candidates, so nothing is beyond the first ten
  expect(line.found.kit.valid[0].at[10].hr[0]).toBe(1);
  writeFileSync(join(folder, 'run.tsv'), `${lists.slice(1).join('\n')}\n`);
  const missing = await run('experiment', 'kit.json', '-o', 'kit-results');
  expect(missing.stderr).toContain('candidates: there is no list for user');
});
