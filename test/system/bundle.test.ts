// The package as a user's bundler ships it: a small program, bundled by esbuild, finds what the package finds
// unbundled.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';

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
