import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateMarkets } from '../../src/data/generate.ts';
import { writeDirectory } from '../../src/node/files.ts';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-cli-'));
const data = join(folder, 'data');
const model = join(folder, 'ease.m3rec');
const generated = generateMarkets({ users: 300, items: 250, interactions: 2400, seed: 3 });
const market = generated.markets[0];
/** A user of that market and three items of the user's history. */
const user = market.users[0];
const history = [...market.train.items.subarray(0, 3)].map((item) => generated.items[item]);

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(args: string[]) {
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const outcome = new Promise<Outcome>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return { child, outcome };
}

const run = (...args: string[]) => start(args).outcome;

/** Runs what should succeed; returns its stdout. */
async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** One line, no stack trace, nothing on stdout. */
function expectFailure(outcome: Outcome, code: number, text: string): void {
  expect(outcome.stderr).toContain(text);
  expect(outcome.stderr).toMatch(/^m3rec: [^\n]+\n$/);
  expect(outcome).toMatchObject({ code, stdout: '' });
}

beforeAll(async () => {
  if (!existsSync(cli)) throw new Error('dist/cli.js is not there: run `npm run build` first');
  await writeDirectory(data, generated);
  writeFileSync(join(folder, 'one.tsv'), `${user}\t${history.join()}\n`);
  await output('train', data, '-o', model, '--model', 'ease');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Options of every command that reads data. */
const ROWS =
  '--markets --min-rating --where --event --since --until --columns --no-header --delimiter --quote --encoding --dates --skip-bad-rows --max-bad-rows --max-expansion --strict --quiet';

describe('help', () => {
  const commands = [
    'stats',
    'train',
    'update',
    'export',
    'evaluate',
    'compare',
    'experiment',
    'tune',
    'gain',
    'recommend',
    'similar',
    'rank',
    'serve',
    'app',
    'inspect',
    'formats',
    'plan',
    'job',
    'worker',
    'cluster',
    'demo',
  ];

  test('of the program names every command', async () => {
    const text = await output('--help');
    for (const command of commands) expect(text).toContain(`\n  ${command} `);
  });

  test.each([
    ['stats', `<data...> --write-config --json --market ${ROWS}`],
    [
      'train',
      `<data...> -o --model --preset --seed --lambda --borrow --closest --lambda-f --epsilon --dim --walks --walk-length --window --negatives --gamma --temperature --l2 --dropout --learning-rate --walk-learning-rate --batch --epochs --without --ease-solver --updatable --threads --relaxed --json --market ${ROWS}`,
    ],
    ['update', `<file> --data -o --threads --relaxed --json --market ${ROWS}`],
    ['export', `<file> -o --market --without-users --vectors --neighbours --data --held-out --json ${ROWS}`],
    [
      'evaluate',
      `<file...> --data --held-out --protocol --negatives --seed -k --repeat --by --per-user --json --market ${ROWS}`,
    ],
    [
      'recommend',
      '<file> --market --user --items --item --items-file --all --users -k --include-seen --only --only-file --without --without-file --explain -o --threads --json',
    ],
    ['compare', `<a> <b> --data --metric -k --protocol --held-out --negatives --seed --json --market ${ROWS}`],
    ['experiment', '<file> -o --data --only --dry-run --report --threads --json'],
    ['tune', '<file> --budget -o --data --only --keep --rungs --threads --json'],
    ['similar', '<file> --market --item --all -k -o --json'],
    ['rank', '<file> --market --candidates --top --without-seen --json'],
    ['serve', '<file> --port --host --token --allow-host --watch --drain --log --prefix --cache-control --cors'],
    ['app', '[path] --port --host --no-open'],
    ['inspect', '<file> --json'],
    ['formats', '--json'],
    ['plan', 'train recommend evaluate'],
    ['job', 'run list'],
    ['worker', '--queue --store --threads --insecure --json'],
    ['cluster', 'status attach cancel verify gc'],
  ])('of %s names every option', async (command, options) => {
    const text = await output(command, '--help');
    for (const option of options.split(' ')) expect(text).toContain(option);
  });

  test('the version is the package’s', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await output('--version')).toBe(`${version}\n`);
  });
});

describe('wrong usage is exit code 2 and one line', () => {
  test.each<[string[], string]>([
    [['nonsense'], "unknown command 'nonsense'"],
    [['stats'], "missing required argument 'data'"],
    [['inspect', 'ease.m3rec', 'more'], "too many arguments for 'inspect'"],
    [['stats', 'data', '--columns', 'user'], 'Expected a list such as user=customer_id,item=3'],
    [['stats', 'data', '--columns', 'buyer=x'], 'of user, item, rating, market, time, event'],
    [['stats', 'data', '--where', 'quantity'], 'where: found "quantity", expected a condition as quantity>0'],
    [['stats', 'data', '--since', 'yesterday'], 'since: found "yesterday"'],
    [['stats', 'data', '--max-bad-rows', 'few'], 'Expected a number of rows, or a share such as 1%'],
    [['stats', 'data', '--encoding', 'klingon'], 'encoding: found "klingon"'],
    [['stats', 'data', '--market', 'us'], 'market: found "us", expected --markets to choose from de, in, jp, uk, us'],
    [['stast'], "unknown command 'stast' (Did you mean stats?)"],
    [['stats', 'data', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
    [['update', 'ease.m3rec'], "required options '--data <path>', '-o, --output <file>' not specified"],
    [['stats', 'data', '--wide'], "unknown option '--wide'"],
    [['stats', 'data', '--min-rating', 'high'], '--min-rating'],
    [['stats', 'data', '--markets', 'us,,uk'], '--markets'],
    [['train', 'data'], "required option '-o, --output <file>' not specified"],
    [['train', 'data', '-o', ''], '--output'],
    [['train', 'data', '-o', 'x', '--model', 'svd'], 'Allowed choices are transfer, m3rec, ease, popularity'],
    [['train', 'data', '-o', 'x', '--preset', 'best'], 'Allowed choices are default, softmax, paper'],
    [['train', 'data', '-o', 'x', '--without', 'all'], 'Allowed choices are nothing, intra, inter, both'],
    [['train', 'data', '-o', 'x', '--ease-solver', 'quick'], 'Allowed choices are auto, groups, exact'],
    [['train', 'data', '-o', 'x', '--ease-solver', 'groups', '--updatable'], 'easeSolver: found "groups"'],
    [['train', 'data', '-o', 'x', '--seed', '1.5'], '--seed'],
    [['train', 'data', '-o', 'x', '--seed', '-1'], '--seed'],
    [['train', 'data', '-o', 'x', '--lambda-f', '0'], '--lambda-f'],
    [['train', 'data', '-o', 'x', '--epsilon', '2'], '--epsilon'],
    [
      ['train', 'data', '-o', 'x', '--dim', '100'],
      "option '--dim <n>' argument '100' is invalid. Expected a multiple of 16 from 16 to 1024",
    ],
    [['train', 'data', '-o', 'x', '--markets', 'us,atlantis'], '"atlantis"'],
    [['train', 'data', '-o', 'x', '--walks', '0'], '--walks'],
    [['train', 'data', '-o', 'x', '--walk-length', '1'], '--walk-length'],
    [['train', 'data', '-o', 'x', '--window', 'NaN'], '--window'],
    [['train', 'data', '-o', 'x', '--negatives', ''], '--negatives'],
    [['train', 'data', '-o', 'x', '--gamma', '3'], '--gamma'],
    [['train', 'data', '-o', 'x', '--l2', '-1'], '--l2'],
    [['train', 'data', '-o', 'x', '--dropout', '1'], '--dropout'],
    [['train', 'data', '-o', 'x', '--threads', '0'], '--threads'],
    [['train', 'data', '-o', 'x', '--threads', '65'], 'from 1 to 64'],
    [['train', 'data', '-o', 'x', '--learning-rate', '0'], '--learning-rate'],
    [['train', 'data', '-o', 'x', '--batch', '0'], '--batch'],
    [['train', 'data', '-o', 'x', '--epochs', 'many'], '--epochs'],
    [['update', 'ease.m3rec', '-o', 'x'], "required option '--data <path>' not specified"],
    [['update', 'ease.m3rec', '--data', 'data'], "required option '-o, --output <file>' not specified"],
    [
      ['update', 'ease.m3rec', '--data', 'data', '-o', 'x'],
      'train it with `updatable: true` (m3rec train --updatable)',
    ],
    [['train', 'data', '-o', 'x', '--preset', 'paper', '--updatable'], 'updatable: only a model with linear scores'],
    [['export', 'ease.m3rec'], "required option '-o, --output <file>' not specified"],
    [['export', 'ease.m3rec', '-o', 'x', '--vectors', 'int4'], 'Allowed choices are f32, f16, int8'],
    [
      ['export', 'ease.m3rec', '-o', 'x', '--vectors', 'int8'],
      'vectors: this model has no vectors; leave the option out',
    ],
    [['export', 'ease.m3rec', '-o', 'x', '--neighbours', '0'], '--neighbours'],
    [
      ['export', 'ease.m3rec', '-o', 'x', '--market', 'us', '--market', 'nowhere'],
      'markets: found "nowhere", expected markets of the model: de, in, jp, uk, us',
    ],
    [['export', 'ease.m3rec', '-o', 'x', '--data', 'data', '--held-out', 'train'], 'Allowed choices are valid, test'],
    [['evaluate', 'ease.m3rec'], "required option '--data <path>' not specified"],
    [['evaluate', 'ease.m3rec', '--data', 'data', '--held-out', 'train'], 'Allowed choices are valid, test'],
    [['evaluate', 'ease.m3rec', '--data', 'data', '--protocol', 'dirty'], 'Allowed choices are clean, as-published'],
    [['evaluate', 'ease.m3rec', '--data', 'data', '--negatives', 'some'], '--negatives'],
    [['evaluate', 'ease.m3rec', '--data', 'data', '-k', '0'], '-k'],
    [['recommend', 'ease.m3rec'], "required option '--market <name>' not specified"],
    [
      ['recommend', 'ease.m3rec', '--market', 'us'],
      '--user, --items: give one of them: a user, or the items of a history',
    ],
    [
      ['recommend', 'ease.m3rec', '--market', 'us', '--user', 'u', '--items', 'i'],
      '--user, --items: give one of them, not both',
    ],
    [['recommend', 'ease.m3rec', '--market', 'us', '--items', 'a,,b'], '--items'],
    [['recommend', 'ease.m3rec', '--market', 'nowhere', '--items', 'a'], '"nowhere"'],
    [['similar', 'ease.m3rec', '--market', 'us'], "required option '--item <id>' not specified"],
    [['similar', 'ease.m3rec', '--market', 'nowhere', '--item', 'a'], '"nowhere"'],
    [['rank', 'ease.m3rec', '--market', 'us'], "required option '--candidates <run>' not specified"],
    [['rank', 'ease.m3rec', '--market', 'us', '--candidates', 'run', '--top', '0'], '--top'],
    [['rank', 'ease.m3rec', '--market', 'nowhere', '--candidates', 'one.tsv'], '"nowhere"'],
    [['inspect'], "missing required argument 'file'"],
  ])('m3rec %j', async (args, text) => {
    expectFailure(await run(...args), 2, text);
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });

  test('no command at all shows the help', async () => {
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: m3rec');
  });
});

describe('failures are exit code 1 and one line that names the file', () => {
  test('of data', async () => {
    expectFailure(await run('stats', 'nowhere'), 1, 'nowhere: no such file or folder');
    mkdirSync(join(folder, 'bad', 'a'), { recursive: true });
    const train = join(folder, 'bad', 'a', 'train.csv');
    for (const [text, problem] of [
      ['', 'the file is empty'],
      ['user,thing\n', ':1: no column itemId'],
      ['user,item\nu\n', ':2: the row has 1 field'],
      ['user,item\n', 'market "a" has no users'],
      ['user,item\nu,\0\n', 'itemId has a zero byte'],
    ] as const) {
      writeFileSync(train, text);
      expectFailure(await run('stats', 'bad'), 1, problem);
      expectFailure(await run('train', 'bad', '-o', 'bad.m3rec'), 1, `${join('bad', 'a', 'train.csv')}`);
    }
    expect(readdirSync(folder).filter((name) => name.includes('bad.m3rec'))).toEqual([]);
  });

  test('of output, before the work starts', async () => {
    expectFailure(await run('train', 'data', '-o', join('none', 'x.m3rec')), 1, 'no folder none');
    expectFailure(await run('train', 'data', '-o', 'data'), 1, 'data: this is a folder');
    expectFailure(
      await run('train', 'data', '-o', 'x'.repeat(256)),
      1,
      'the name is longer than the file system takes',
    );
  });

  test('of models', async () => {
    writeFileSync(join(folder, 'junk.m3rec'), 'this is no model');
    for (const rest of [
      ['inspect', 'junk.m3rec'],
      ['recommend', 'junk.m3rec', '--market', 'us', '--items', 'a'],
      ['evaluate', 'junk.m3rec', '--data', 'data'],
    ]) {
      expectFailure(await run(...rest), 1, 'junk.m3rec: ');
    }
    expectFailure(await run('inspect', 'nothing.m3rec'), 1, 'nothing.m3rec: no such file or folder');
  });

  test('of run files', async () => {
    const path = join(folder, 'bad-run.tsv');
    for (const [text, problem] of [
      ['', 'bad-run.tsv: the file is empty'],
      [`${user}\tP1\nno tab\n`, 'bad-run.tsv:2: no tab'],
      ['\tP1\n', 'bad-run.tsv:1: the user is empty'],
      [`${user}\tP1,,P2\n`, 'bad-run.tsv:1: an item is empty'],
      [Uint8Array.of(0x75, 9, 0xff, 10), 'bad-run.tsv:1: invalid UTF-8'],
    ] as const) {
      writeFileSync(path, text);
      const { code, stderr } = await run('rank', 'ease.m3rec', '--market', market.name, '--candidates', 'bad-run.tsv');
      expect(code).toBe(1);
      expect(stderr.split('\n').at(-2)).toContain(problem);
    }
  });
});

describe('stats', () => {
  test('as a table and as JSON', async () => {
    const { markets, merged } = JSON.parse(await output('stats', 'data', '--json'));
    expect(markets.map((row: { market: string }) => row.market)).toEqual(['de', 'in', 'jp', 'uk', 'us']);
    expect(merged).toMatchObject({ users: 300, items: 250, heldOut: { valid: 300, test: 300 } });
    const lines = (await output('stats', 'data')).trimEnd().split('\n');
    expect(lines).toHaveLength(7);
    expect(lines[0]).toMatch(/^market +users +items +rows +unique rows +shared % +density % +valid +test$/);
    expect(lines[6]).toMatch(/^merged +300 +250 /);
  });

  test('markets can be chosen, warnings go to stderr', async () => {
    mkdirSync(join(folder, 'odd', 'a'), { recursive: true });
    writeFileSync(join(folder, 'odd', 'a', 'train.csv'), 'user,item\nu,x\nu,x\n');
    writeFileSync(join(folder, 'odd', 'a', 'valid.csv'), 'user,item\nv,new\n');
    const { code, stdout, stderr } = await run('stats', 'odd', '--json', '--markets', 'a');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).markets[0]).toMatchObject({ market: 'a', rows: 1, rowsRead: 2 });
    expect(stderr.trimEnd().split('\n')).toEqual([
      `m3rec: ${join('odd', 'a', 'train.csv')} and 1 more: ',' between columns, header: user, item`,
      `m3rec: warning: ${join('odd', 'a', 'valid.csv')}: 1 held-out row with an item that no training row of market a has, the first "new" at line 2`,
      `m3rec: warning: ${join('odd', 'a', 'valid.csv')}: 1 held-out row with a user without history in market a, the first "v" at line 2`,
      'm3rec: 1 duplicate, counted once',
    ]);
  });
});

describe('a trained model', () => {
  test('training again gives the same bytes, and reports its stages', async () => {
    const { stages, file, bytes } = JSON.parse(
      await output('train', 'data', '-o', 'again.m3rec', '--model', 'ease', '--json'),
    );
    const again = readFileSync(join(folder, 'again.m3rec'));
    expect(again.equals(readFileSync(model))).toBe(true);
    expect([file, bytes]).toEqual(['again.m3rec', again.length]);
    for (const stage of stages)
      expect(stage).toMatchObject({
        stage: expect.any(String),
        seconds: expect.any(Number),
        peakBytes: expect.any(Number),
      });
    expect(await output('train', 'data', '-o', 'again.m3rec', '--model', 'ease')).toMatch(
      /^stage +seconds +loss +peak\n/,
    );
  });

  test('evaluate', async () => {
    const { markets } = JSON.parse(
      await output('evaluate', 'ease.m3rec', '--data', 'data', '--negatives', '30', '--json'),
    );
    expect(markets.map((row: { market: string }) => row.market)).toEqual(['de', 'in', 'jp', 'uk', 'us']);
    const table = await output(
      'evaluate',
      'ease.m3rec',
      '--data',
      'data',
      '--held-out',
      'test',
      '--protocol',
      'as-published',
      '--negatives',
      'all',
      '-k',
      '5',
    );
    expect(table).toMatch(
      /^market +MRR@5 % +± +NDCG@5 % +± +HR@5 % +± +rows +users +ranked +cold items +unknown users\n/,
    );
    expect(table.trimEnd().split('\n')).toHaveLength(7);
  });

  test('recommend for a user and for an unseen one', async () => {
    const known = JSON.parse(
      await output('recommend', 'ease.m3rec', '--market', market.name, '--user', user, '-k', '4', '--json'),
    );
    expect(known.items).toHaveLength(4);
    const nobody = await run('recommend', 'ease.m3rec', '--market', market.name, '--items', '', '-k', '3');
    expect(nobody).toMatchObject({ code: 0, stderr: expect.stringContaining('most popular') });
    const unseen = await run(
      'recommend',
      'ease.m3rec',
      '--market',
      market.name,
      '--items',
      [...history, 'no-such-item'].join(),
      '--explain',
      '-k',
      '3',
    );
    expect(unseen.code).toBe(0);
    expect(unseen.stderr).toMatch(/^m3rec: warning: items that market us does not know: no-such-item\n$/);
    expect(unseen.stdout.trimEnd().split('\n')).toHaveLength(4);
    expect(unseen.stdout).toMatch(/^rank +item +score +because of\n/);
    expect(unseen.stdout).not.toContain('(0.0000)');
    const filtered = await run(
      'recommend',
      'ease.m3rec',
      '--market',
      market.name,
      '--user',
      user,
      '--only',
      'no-such-item',
    );
    expect(filtered).toEqual({
      code: 0,
      stdout: 'rank  item  score\n',
      stderr:
        'm3rec: warning: items that market us does not know: no-such-item\nm3rec: no item is left to recommend: the filters and the history leave none\n',
    });
  });

  test('export of one market without users: smaller, says what it loses, answers anyone but a user', async () => {
    const args = [
      'export',
      'ease.m3rec',
      '--market',
      market.name,
      '--without-users',
      '--neighbours',
      '5',
      '-o',
      'edge.m3rec',
    ];
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^part +before +after\nitems .*\nsimilarities .*\nvectors +0 B +0 B\nusers +[\d.]+ kB +0 B\nfor update +0 B +0 B\nother .*\nall /,
    );
    const size = statSync(join(folder, 'edge.m3rec')).size;
    expect(size).toBeLessThan(statSync(model).size / 2);
    expect(stderr).toMatch(
      /^m3rec: wrote edge\.m3rec: [\d.]+ kB, no vectors, at most 5 similarities of an item, without users\nm3rec: give --data DIR [^\n]+\n$/,
    );

    const result = JSON.parse(
      await output(
        'export',
        'ease.m3rec',
        '--market',
        market.name,
        '--without-users',
        '--neighbours',
        '5',
        '-o',
        'edge.m3rec',
        '--data',
        'data',
        '--held-out',
        'test',
        '--json',
      ),
    );
    expect(result).toMatchObject({
      file: 'edge.m3rec',
      bytes: size,
      bytesBefore: statSync(model).size,
      variant: { users: false, vectors: null, neighbours: 5 },
      quality: { heldOut: 'test', k: 10 },
    });
    for (const key of ['before', 'after'])
      expect(result.parts.slice(0, -1).reduce((sum: number, part: Record<string, number>) => sum + part[key], 0)).toBe(
        result.parts.at(-1)[key],
      );
    const ndcg = async (file: string) =>
      JSON.parse(
        await output('evaluate', file, '--data', 'data', '--held-out', 'test', '--markets', market.name, '--json'),
      ).markets[0].ndcg;
    const [before, after] = [await ndcg('ease.m3rec'), await ndcg('edge.m3rec')];
    expect(result.quality.markets).toEqual([
      { market: market.name, users: expect.any(Number), before, after, loss: before - after },
    ]);

    const unseen = JSON.parse(
      await output('recommend', 'edge.m3rec', '--market', market.name, '--items', history.join(), '-k', '4', '--json'),
    );
    expect(unseen.items).toHaveLength(4);
    expectFailure(
      await run('recommend', 'edge.m3rec', '--market', market.name, '--user', user),
      2,
      'this model was saved without users',
    );
    expectFailure(
      await run('update', 'edge.m3rec', '--data', 'data', '-o', 'x'),
      2,
      'model: an exported model cannot be updated; update the model it was exported from, then export again',
    );
    expect(await output('inspect', 'edge.m3rec')).toMatch(
      /^ease model, format version 1, [\d.]+ kB\nno vectors, at most 5 similarities of an item, without users\n/,
    );
  });

  test('export of data without the market, or without held-out rows, writes nothing', async () => {
    for (const name of ['elsewhere', market.name]) {
      mkdirSync(join(folder, `only-${name}`, name), { recursive: true });
      writeFileSync(join(folder, `only-${name}`, name, 'train.csv'), 'user,item\nu,x\n');
    }
    expectFailure(
      await run('export', 'edge.m3rec', '-o', 'x', '--data', `only-${market.name}`),
      2,
      'heldOut: found "valid", expected data with held-out rows',
    );
    expectFailure(
      await run('export', 'edge.m3rec', '-o', 'x', '--data', 'only-elsewhere'),
      2,
      `--data: has none of the exported markets: it has "elsewhere", the export "${market.name}"`,
    );
    expectFailure(await run('export', 'edge.m3rec', '-o', join('none', 'x')), 1, 'no folder none');
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });

  test('similar', async () => {
    const items = JSON.parse(
      await output('similar', 'ease.m3rec', '--market', market.name, '--item', history[0], '-k', '3', '--json'),
    );
    expect(items).toHaveLength(3);
    expect(await output('similar', 'ease.m3rec', '--market', market.name, '--item', history[0])).toMatch(
      /^rank +item +score\n1 /,
    );
  });

  test('rank prints every candidate, unknown ones last, scores in full', async () => {
    writeFileSync(
      join(folder, 'run.tsv'),
      `${user}\tunknown-1,${history.join()},unknown-2\r\n\n${market.users[1]}\t${history[0]}\nstranger\t${history[1]}\n`,
    );
    const { code, stdout, stderr } = await run(
      'rank',
      'ease.m3rec',
      '--market',
      market.name,
      '--candidates',
      'run.tsv',
    );
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(lines[0]).toEqual(['userId', 'itemId', 'score']);
    expect(lines.slice(1).map(([id]) => id)).toEqual([user, user, user, user, user, market.users[1], 'stranger']);
    expect(
      lines
        .slice(1, 4)
        .map(([, item]) => item)
        .sort(),
    ).toEqual([...history].sort());
    expect(
      lines
        .slice(4, 6)
        .map(([, item]) => item)
        .sort(),
    ).toEqual(['unknown-1', 'unknown-2']);
    const scores = lines.slice(1, 4).map(([, , score]) => Number(score));
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(stderr).toContain('2 candidates that market us does not know');
    expect(stderr).toContain(
      'run.tsv: 1 line with a user whom market us does not know, ranked by popularity, the first "stranger" at line 4',
    );
    const top = JSON.parse(
      await output('rank', 'ease.m3rec', '--market', market.name, '--candidates', 'run.tsv', '--top', '1', '--json'),
    );
    expect(top.map((each: { items: unknown[] }) => each.items.length)).toEqual([1, 1, 1]);
  });

  test('inspect', async () => {
    const info = JSON.parse(await output('inspect', 'ease.m3rec', '--json'));
    expect(info).toMatchObject({ kind: 'ease', bytes: readFileSync(model).length });
    expect(info.markets.map((each: { name: string }) => each.name)).toEqual(['de', 'in', 'jp', 'uk', 'us']);
    expect(await output('inspect', 'ease.m3rec')).toContain('ease model, format version');
  });
});

describe('stopping', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s during training ends it at once and leaves no file', async (name) => {
    const before = readdirSync(folder);
    const { child, outcome } = start([
      'train',
      'data',
      '-o',
      'stopped.m3rec',
      '--preset',
      'paper',
      '--dim',
      '16',
      '--epochs',
      '100000',
    ]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, 400));
    const asked = performance.now();
    child.kill(name);
    const { code, stderr } = await outcome;
    expect(performance.now() - asked).toBeLessThan(2000);
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: expect.stringMatching(/^m3rec: (1 thread: this machine has one core|\d+ threads)\nm3rec: stopped\n$/),
    });
    expect(readdirSync(folder)).toEqual(before);
  });

  test('a reader that goes away is no failure', async () => {
    writeFileSync(
      join(folder, 'long-run.tsv'),
      market.users
        .map((id) => `${id}\t${generated.items.join()}\n`)
        .join('')
        .repeat(3),
    );
    const { child, outcome } = start(['rank', 'ease.m3rec', '--market', market.name, '--candidates', 'long-run.tsv']);
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, stderr } = await outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('a reader that goes away does not keep a model from being written', async () => {
    const { child, outcome } = start([
      'train',
      'data',
      '-o',
      'unread.m3rec',
      '--preset',
      'paper',
      '--dim',
      '16',
      '--epochs',
      '2',
    ]);
    child.stdout.once('data', () => {
      child.stdout.destroy();
      child.stderr.destroy();
    });
    expect((await outcome).code).toBe(0);
    expect(JSON.parse(await output('inspect', 'unread.m3rec', '--json')).kind).toBe('m3rec');
  });

  test.runIf(existsSync('/dev/full'))('what cannot be written is a failure in one line', async () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [cli, 'inspect', 'ease.m3rec'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'm3rec: stdout: no space left\n' });
    expect(
      spawnSync(process.execPath, [cli, 'inspect', 'ease.m3rec'], { cwd: folder, stdio: ['ignore', 'ignore', full] })
        .status,
    ).toBe(0);
    expect(
      spawnSync(process.execPath, [cli, 'inspect', 'none.m3rec'], { cwd: folder, stdio: ['ignore', 'ignore', full] })
        .status,
    ).toBe(1);
    closeSync(full);
  });
});

test('demo leaves its data and a model, and touches no other folder', { timeout: 300_000 }, async () => {
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'other', 'mine'), '');
  expectFailure(await run('demo', 'other'), 1, 'other: this folder holds something else; give another name');
  const text = await output('demo');
  expect(text).toContain('npx m3rec evaluate m3rec-demo/demo.m3rec --data m3rec-demo/data\n');
  const next = /npx m3rec (recommend .*)\n/.exec(text)![1].split(' ');
  expect(await output(...next)).toMatch(/^rank +item +score +because of\n1 /);
  expect(readdirSync(join(folder, 'm3rec-demo')).sort()).toEqual(['data', 'demo.m3rec']);
});
