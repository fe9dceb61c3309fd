// A file imports its own folder and lower floors; Node built-ins and third parties are imported where they are named
// here.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { FLOORS } from '../../scripts/floors.mjs';
import { circlesOf, functionsOf, kernelsOf, sourcesOf } from '../../scripts/sources.mjs';

const root = fileURLToPath(new URL('../../src/', import.meta.url));

const WITH_NODE = ['node', 'cli', 'cluster'];
/** Who may import which package; dynamic imports count too. */
const THIRD_PARTIES: Record<string, string[]> = {
  '@assemblyscript/loader': ['engine'],
  fflate: ['data'],
  fzstd: ['data'],
  hyparquet: ['data'],
  'hyparquet-compressors': ['data'],
  'idb-keyval': ['browser', 'app'],
  preact: ['app'],
  'preact-render-to-string': ['app'],
  '@preact/signals': ['app'],
  commander: ['cli'],
  'cli-progress': ['cli'],
  '@hono/node-server': ['cli'],
  'hyparquet-writer': ['cli'],
  'prom-client': ['cli'],
  yaml: ['cli'],
  pg: ['node'],
  aws4fetch: ['cluster'],
  bullmq: ['cluster'],
  '@duckdb/node-api': ['node'],
};

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'));
const folderOf = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '');
const floorOf = (folder: string) => FLOORS.findIndex((names) => names.includes(folder));
const IMPORT = /\b(?:from|import)\s*\(?\s*'([^']+)'/g;
const importsOf = (file: string) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(IMPORT)].map(([, target]) => target);
const packageOf = (target: string) => target.split('/', target.startsWith('@') ? 2 : 1).join('/');

test('the sources are found, and imports in them', () => {
  expect(files.length).toBeGreaterThan(60);
  expect(files.flatMap(importsOf).length).toBeGreaterThan(300);
});

describe.each(files)('%s', (file) => {
  const from = folderOf(file);

  test('lies on a floor', () => {
    expect(floorOf(from), `the folder ${from} is on no floor of this test`).toBeGreaterThanOrEqual(0);
  });

  test('imports its own folder and lower floors', () => {
    for (const target of importsOf(file)) {
      if (!target.startsWith('.') || target.includes('/dist/')) continue;
      const to = folderOf(posix.normalize(posix.join(dirname(file), target)));
      if (to !== from) expect(floorOf(to), `${file} → ${target}`).toBeLessThan(floorOf(from));
    }
  });

  test('imports Node and third parties where they belong', () => {
    for (const target of importsOf(file)) {
      if (target.startsWith('.')) continue;
      if (target.startsWith('node:')) expect(WITH_NODE, `${file} → ${target}`).toContain(from);
      else expect(THIRD_PARTIES[packageOf(target)] ?? [], `${file} → ${target}`).toContain(from);
    }
  });
});

describe('what npm run house counts', () => {
  const checkout = fileURLToPath(new URL('../../', import.meta.url));
  const host = sourcesOf(checkout, 'src');
  const assembly = sourcesOf(checkout, 'assembly');

  test('no files import each other in a circle', () => {
    expect(circlesOf(host)).toEqual([]);
  });

  test('no file of src has over 400 lines, no function over 100, under 1 % of lines over 120 columns', () => {
    const lines = host.flatMap(({ file, text }) => text.split('\n').map((line) => ({ file, line })));
    expect(host.filter(({ text }) => text.split('\n').length > 401).map(({ file }) => file)).toEqual([]);
    expect([...host, ...assembly].flatMap(({ text }) => functionsOf(text)).filter(({ lines }) => lines > 100)).toEqual(
      [],
    );
    expect(lines.filter(({ line }) => line.length > 120).length / lines.length).toBeLessThan(0.01);
  });

  test('no kernel has over ten positional arguments but the matrix products, in the order of BLAS', () => {
    const many = kernelsOf(assembly).filter(({ parameters }) => parameters > 10);
    expect(many.map(({ name }) => name).sort()).toEqual(['gemmNN', 'gemmNT', 'gemmTN']);
  });
});
