// Answers for everybody into a file, ids with commas, run files in every form, and what is said of names that nobody
// has.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandIn, expectFailure } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-batch-'));
const at = (name: string) => join(folder, name);
const { run, runWith, output } = commandIn(folder);
const ITEMS = ['Portal', 'Warhammer 40,000', 'Half-Life', 'Quake', 'Doom', 'Myst', 'p1 '];
const GAME = '"Warhammer 40,000"';

beforeAll(async () => {
  for (const [market, users] of [
    ['de', 12],
    ['fr', 6],
  ] as const) {
    mkdirSync(join(at('data'), market), { recursive: true });
    const rows = Array.from({ length: users }, (_, u) =>
      [0, 1, 2].map((i) => {
        const item = ITEMS[(u + i * (1 + (u % 2))) % ITEMS.length];
        return `${market}${u},"${item}"`;
      }),
    ).flat();
    writeFileSync(join(at('data'), market, 'train.csv'), `user,item\n${rows.join('\n')}\n`);
  }
  await output('train', 'data', '-o', 'm.m3rec', '--model', 'ease');
  await output('export', 'm.m3rec', '-o', 'edge.m3rec', '--without-users');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('recommend --all', () => {
  test('gives every user what recommend gives one', async () => {
    const { code, stderr } = await run('recommend', 'm.m3rec', '--all', '-k', '3', '-o', 'recs.csv', '--threads', '2');
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^m3rec: wrote recs\.csv: \d+ recommendations for 18 users\n$/),
    ]);
    const [header, ...lines] = readFileSync(at('recs.csv'), 'utf8').trimEnd().split('\n');
    expect(header).toBe('market,userId,rank,itemId,score,fallback');
    const { items } = JSON.parse(
      await output('recommend', 'm.m3rec', '--market', 'fr', '--user', 'fr2', '-k', '3', '--json'),
    );
    const quoted = (item: string) => (item.includes(',') ? `"${item}"` : item);
    expect(lines.filter((line) => line.startsWith('fr,fr2,'))).toEqual(
      items.map(
        ({ item, score }: { item: string; score: number }, i: number) => `fr,fr2,${i + 1},${quoted(item)},${score},`,
      ),
    );
    await output('recommend', 'm.m3rec', '--all', '-k', '3', '-o', 'recs.parquet');
    const file = readFileSync(at('recs.parquet'));
    const rows = await parquetReadObjects({
      file: file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer,
    });
    expect(rows).toHaveLength(lines.length);
    expect(await output('recommend', 'm.m3rec', '--all', '-k', '3')).toBe(readFileSync(at('recs.csv'), 'utf8'));
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('for one market, for users of a file, with filters; strangers get what is popular', async () => {
    const de = (await output('recommend', 'm.m3rec', '--all', '--market', 'de', '-k', '1', '--json'))
      .trimEnd()
      .split('\n');
    expect(new Set(de.map((line) => JSON.parse(line).market))).toEqual(new Set(['de']));
    const { stdout, stderr } = await runWith(
      'userId\nde1\nstranger\n\n',
      ...['recommend', 'm.m3rec', '--users', '-', '--market', 'de', '-k', '9', '--without', `Quake,${GAME}`, '--json'],
    );
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.every(({ itemId }) => !['Quake', 'Warhammer 40,000'].includes(itemId))).toBe(true);
    const fallbacks = new Map(rows.map(({ userId, fallback }) => [userId, fallback]));
    expect([...fallbacks]).toEqual([
      ['de1', undefined],
      ['stranger', 'popularity'],
    ]);
    expect(stderr).toContain('standard input: 1 user that the model does not know, given the most popular items');
    writeFileSync(at('users.tsv'), 'market\tuserId\nfr\tfr1\nde\tde3\n');
    const both = (await output('recommend', 'm.m3rec', '--users', 'users.tsv', '-k', '1')).trimEnd().split('\n');
    expect(both.slice(1).map((line) => line.split(',').slice(0, 2))).toEqual([
      ['fr', 'fr1'],
      ['de', 'de3'],
    ]);
  });

  test('is refused where it cannot be meant, before any work', async () => {
    for (const [args, code, text] of [
      [['--all', '--user', 'de1'], 2, '--user, --all: give one of them, not both'],
      [['--all', '--explain'], 2, '--explain: explains the answer to one user'],
      [['--all', '-o', 'recs.xls'], 2, '-o: "recs.xls" should end in .csv, .tsv, .jsonl, .parquet'],
      [['--market', 'de', '--user', 'de1', '-o', 'r.csv'], 2, '-o: is for --all and --users'],
      [['--all', '-o', 'none/r.csv'], 1, 'no folder none'],
      [['--users', 'nothing'], 1, 'nothing: no such file or folder'],
      [[], 2, "required option '--market <name>' not specified, nor one of '--user <id>'"],
    ] as const)
      expectFailure(await run('recommend', 'm.m3rec', ...args), code, text);
    expectFailure(await run('recommend', 'edge.m3rec', '--all'), 2, 'this model was saved without users');
  });
});

test('similar --all gives every item what similar gives one', async () => {
  await output('similar', 'm.m3rec', '--all', '-k', '2', '-o', 'similar.jsonl');
  const rows = readFileSync(at('similar.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const one = JSON.parse(await output('similar', 'm.m3rec', '--market', 'de', '--item', 'Portal', '-k', '2', '--json'));
  expect(rows.filter(({ market, itemId }) => market === 'de' && itemId === 'Portal')).toEqual(
    one.map(({ item, score }: { item: string; score: number }, i: number) => ({
      market: 'de',
      itemId: 'Portal',
      rank: i + 1,
      similarItemId: item,
      score,
    })),
  );
  expectFailure(await run('similar', 'm.m3rec'), 2, "required options '--market <name>', '--item <id>' not specified");
});

describe('an id with a comma', () => {
  const recommended = async (...args: string[]) => {
    const { stdout, stderr } = await run('recommend', 'm.m3rec', '--market', 'de', '-k', '9', '--json', ...args);
    return { items: JSON.parse(stdout).items.map(({ item }: { item: string }) => item) as string[], stderr };
  };

  test.each([
    [['--items', 'Warhammer 40,000']],
    [['--items', `Portal,${GAME}`]],
    [['--items', 'Portal,Warhammer 40\\,000']],
    [['--items', 'Portal', '--items', 'Warhammer 40,000']],
    [['--item', 'Warhammer 40,000', '--item', 'Portal']],
  ])('can be in a history: %j', async (args) => {
    const { items, stderr } = await recommended(...args);
    expect([items.includes('Warhammer 40,000'), stderr]).toEqual([false, '']);
  });

  test('can be left out, and come from a file', async () => {
    const { items, stderr } = await recommended('--items', 'Portal', '--without', 'Warhammer 40,000');
    expect([items.includes('Warhammer 40,000'), stderr]).toEqual([false, '']);
    writeFileSync(at('items.txt'), 'Portal\nWarhammer 40,000\n');
    expect((await recommended('--items-file', 'items.txt')).stderr).toBe('');
    expect((await recommended('--items', 'p1 ')).stderr).toBe('');
  });
});

describe('a run file', () => {
  const ranked = async (text: string, ...args: string[]) => {
    const outcome = await runWith(text, 'rank', 'm.m3rec', '--market', 'de', '--candidates', '-', ...args);
    const rows = outcome.stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t').slice(0, 2));
    return { ...outcome, rows };
  };

  test('holds ids with commas by tabs, by JSON, and where they are known', async () => {
    for (const line of [
      'de1\tWarhammer 40,000\tPortal',
      'de1\tPortal,Warhammer 40,000',
      '{"user":"de1","candidates":["Portal","Warhammer 40,000"]}',
    ]) {
      const { code, stderr, rows } = await ranked(`${line}\n`);
      expect([code, stderr]).toEqual([0, '']);
      expect(rows.map(([, item]) => item).sort()).toEqual(['Portal', 'Warhammer 40,000']);
    }
  });

  test('may have users without candidates, and commas at the end of a line', async () => {
    const { code, stderr, rows } = await ranked('de1\tPortal,Quake,\nde2\t\nde3\tDoom\n');
    expect([code, stderr]).toEqual([0, '']);
    expect(rows.map(([user]) => user)).toEqual(['de1', 'de1', 'de3']);
    const { stdout } = await ranked('de2\t\n', '--json');
    expect(JSON.parse(stdout)).toEqual([{ user: 'de2', items: [] }]);
    expectFailure(await ranked('{"user":1}\n'), 1, 'standard input:1: expected {"user": "id", "candidates"');
  });

  test('is ranked without what the user has', async () => {
    const { rows } = await ranked(`de0\t${ITEMS.join('\t')}\n`);
    const left = (await ranked(`de0\t${ITEMS.join('\t')}\n`, '--without-seen')).rows;
    expect(rows).toHaveLength(ITEMS.length);
    expect(left).toEqual(rows.filter(([, item]) => !['Portal', 'Warhammer 40,000', 'Half-Life'].includes(item)));
  });

  test('sends no control sequence to a terminal', async () => {
    const { stdout } = await ranked('de\u001b[31m1\tPortal,\u009b31mx\u202e\n');
    expect(stdout).toContain('de\\x1b[31m1\t\\x9b31mx\\u202e');
    const json = (await ranked('de1\t\u009b31mx\n', '--json')).stdout;
    expect([json.includes('\u009b'), JSON.parse(json)[0].items[0].item]).toEqual([false, '\u009b31mx']);
  });
});

test('a name that nobody has: the message says what to do', async () => {
  for (const [args, text] of [
    [
      ['--market', 'DE', '--user', 'de1'],
      '--market: the model has no market "DE"; did you mean "de"?; it has "de", "fr"',
    ],
    [
      ['--market', 'de', '--user', 'fr1'],
      '--user: "fr1" is not a user of market "de", but of "fr": give --market "fr"',
    ],
    [['--market', 'de', '--user', ' DE1'], '--user: market "de" has no user " DE1"; did you mean "de1"?'],
    [['--market', 'de', '--user', 'nobody'], 'market "de" has no user "nobody"; give --items with what the user had'],
  ] as const)
    expectFailure(await run('recommend', 'm.m3rec', ...args), 2, text);
  expectFailure(
    await run('similar', 'm.m3rec', '--market', 'de', '--item', 'portal'),
    2,
    '--item: items that market de does not know: portal (did you mean "Portal"?)',
  );
  const { stderr } = await run('recommend', 'm.m3rec', '--market', 'de', '--items', 'PORTAL, Quake');
  expect(stderr).toContain('warning: items that market de does not know: PORTAL (did you mean "Portal"?)\n');
});
