// The package as a user's bundler ships it: a small program, bundled by esbuild, finds what the package finds
// unbundled.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { firstLoad } from '../../bench/harness/first-load.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-bundle-'));
for (const part of ['package.json', 'dist'])
  cpSync(join(root, part), join(folder, 'node_modules/m3rec', part), { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = `import { assembleGenerated, encodeModel, generateMarkets, loadModel, train } from 'm3rec';
const markets = assembleGenerated(generateMarkets({ users: 200, items: 200, interactions: 1500 }));
const file = encodeModel(await train(markets, { model: 'ease' }));
const recommender = await loadModel(file);
const answers = markets.markets.map(({ name, users }) => recommender.recommend({ market: name, user: users[0], k: 5 }));
const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', file));
console.log(JSON.stringify({ hash: [...hash], answers }));
`;

/** The kernels as esbuild writes them into a bundle. */
const EMBEDDED = /[A-Za-z0-9+/=]{10000,}/;

test('a page that fetches kernels.wasm loads what the README says', async () => {
  const loaded = ['slim', 'index'].map((entry) =>
    firstLoad(`export { init, loadModel } from './${entry}.js';`, join(root, 'dist')),
  );
  const [{ first: slim }, { first: whole }] = await Promise.all(loaded);
  expect(slim.text).not.toMatch(EMBEDDED);
  expect(whole.text).toMatch(EMBEDDED);
  const kernels = readFileSync(join(root, 'dist/kernels.wasm'));
  const [embedded, fetched] = [whole.gzipped, slim.gzipped + gzip(kernels)];
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, first, second] = /downloads ([\d.]+) kB.*?or ([\d.]+) kB/s.exec(readme)!;
  expect(Math.abs(embedded / 1000 - Number(first))).toBeLessThan(0.5);
  expect(Math.abs(fetched / 1000 - Number(second))).toBeLessThan(0.5);
});

const gzip = (data: string | Uint8Array) => gzipSync(data, { level: 9 }).length;

test('m3rec/slim says what is missing, and works once it is there', () => {
  const file = join(folder, 'slim.mjs');
  const text = program.replace("from 'm3rec'", "from 'm3rec/slim'");
  const failing = join(folder, 'slim-alone.mjs');
  writeFileSync(
    failing,
    "import { assembleGenerated, generateMarkets, train } from 'm3rec/slim';\nawait train(assembleGenerated(generateMarkets({ users: 200, items: 200, interactions: 1500 }))).catch((error) => console.log(error.name, error.message));",
  );
  expect(run(failing)).toMatch(
    /^ArgumentError kernels: m3rec\/slim contains none: await init\('\/kernels\.wasm'\) first/,
  );
  const kernels = join(folder, 'node_modules/m3rec/dist/kernels.wasm');
  writeFileSync(
    file,
    `import { readFileSync } from 'node:fs';\nimport { init } from 'm3rec/slim';\nawait init(readFileSync(${JSON.stringify(kernels)}));\n${text}`,
  );
  writeFileSync(join(folder, 'whole.mjs'), program);
  expect(JSON.parse(run(file))).toEqual(JSON.parse(run(join(folder, 'whole.mjs'))));
});

const run = (file: string) => execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });

test.each([
  ['module, minified', { format: 'esm', minify: true }],
  ['for browsers', { format: 'esm', platform: 'browser' }],
  ['in one scope, split', { format: 'esm', splitting: true }],
] as const)('esbuild: %s', async (name, options) => {
  const plain = join(folder, 'plain.mjs');
  writeFileSync(plain, program);
  const outdir = join(folder, name.replaceAll(/\W+/g, '-'));
  const { errors, warnings } = await build({
    entryPoints: [plain],
    bundle: true,
    target: 'es2022',
    logLevel: 'silent',
    outdir,
    outExtension: { '.js': '.mjs' },
    ...options,
  });
  expect([...errors, ...warnings]).toEqual([]);
  const expected = JSON.parse(run(plain));
  expect(expected.answers.length).toBeGreaterThan(1);
  for (const { items } of expected.answers) expect(items.length).toBe(5);
  expect(JSON.parse(run(join(outdir, 'plain.mjs')))).toEqual(expected);
});
