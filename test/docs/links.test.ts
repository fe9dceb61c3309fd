// Every relative link in the repository's Markdown leads to a file, and to a heading where it names one.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LEFT_OUT = new Set(['node_modules', 'dist', 'build', 'site', '.git', 'cache']);

function* markdownFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (LEFT_OUT.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* markdownFiles(path);
    else if (entry.name.endsWith('.md')) yield path;
  }
}

/** The text without fenced and inline code, in which brackets are no links. */
const withoutCode = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
/** As GitHub names a heading: lower case, no punctuation, hyphens for spaces. */
const anchorsOf = (path: string) =>
  [...readFileSync(path, 'utf8').matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/ /g, '-'),
  );

const files = [...markdownFiles(root)].sort();

test('there is Markdown to check', () => expect(files.length).toBeGreaterThan(30));

test.each(files.map((file) => relative(root, file)))('links of %s', (name) => {
  const file = join(root, name);
  const broken: string[] = [];
  for (const [, target] of withoutCode(readFileSync(file, 'utf8')).matchAll(LINK)) {
    if (/^[a-z]+:/i.test(target)) continue;
    const [path, anchor] = target.split('#');
    const to = path === '' ? file : join(dirname(file), decodeURIComponent(path));
    if (!existsSync(to)) broken.push(target);
    else if (anchor !== undefined && statSync(to).isFile() && !anchorsOf(to).includes(anchor)) broken.push(target);
  }
  expect(broken).toEqual([]);
});
