// Every promise of docs/internals/promises.md names tests that are there, by their titles, and none that is left out.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = join(root, 'docs/internals/promises.md');
const LINK = /\[((?:[^[\]]|\[[^\]]*\])+)\]\(([^)\s]+)\)/g;

/** The rows of the page's tables: what is promised, and the tests that it names. */
const rows = readFileSync(page, 'utf8')
  .split(/^\| fault \| promise \| held by \|\n\|[-|]+\|\n/m)
  .slice(1)
  .flatMap((table) => table.split('\n\n')[0].trimEnd().split('\n'))
  .map((row) => {
    const cells = row.slice(2, -2).split(' | ');
    const named = [...cells[2].matchAll(LINK)].map(([, title, target]) => ({
      title,
      file: join(dirname(page), target),
    }));
    return { fault: cells[0], cells: cells.length, named };
  });

/** Whether a file's text has a test, a group of tests or a case of this title that is not left out. */
function has(text: string, title: string): boolean {
  const quoted = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  // as the first argument of a call, as a case's name, or as the key of a row
  const place = /(?:(?<call>[\w.]+(?:<.*?>)?|\))\(\s*|name: |^ {2})(?<quote>['"`])/.source;
  const found = new RegExp(`${place}${quoted}\\k<quote>`, 'm').exec(text);
  return found !== null && !/\.(skip|todo)$/.test(found.groups!.call ?? '');
}

test('there are promises', () => expect(rows.length).toBeGreaterThan(40));

test('each row has a fault, a promise, and at least one test', () => {
  for (const { fault, cells, named } of rows) expect([cells, named.length > 0], fault).toEqual([3, true]);
});

const named = rows.flatMap(({ named: tests }) => tests);
test.each([...new Map(named.map((each) => [`${each.title}, ${relative(root, each.file)}`, each])).entries()])(
  '%s',
  (_, { title, file }) => expect(existsSync(file) && has(readFileSync(file, 'utf8'), title)).toBe(true),
);

test('a title that is not there is found out, one that is left out too', () => {
  for (const [text, found] of [
    ["test('one', () => {});", true],
    ["test.each<[string, number]>([\n['a', 1]])('one', () => {});", true],
    ["  it.runIf(posix)('one', async () => {", true],
    ["test.skipIf(windows)(\n  'one',", true],
    ["    name: 'one',", true],
    ["test.skip('one', () => {});", false],
    ["test.todo('one');", false],
    ["test('one more', () => {});", false],
    ["// test of 'one'", false],
  ] as const)
    expect(has(text, 'one'), text).toBe(found);
});
