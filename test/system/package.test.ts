// The package as a stranger gets it: packed, installed in an empty folder, imported, type-checked.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'm3rec-package-'));
const windows = process.platform === 'win32';
const npm = (args: string[], cwd: string) =>
  execFileSync(windows ? 'npm.cmd' : 'npm', args, {
    cwd,
    encoding: 'utf8',
    shell: windows,
    stdio: ['ignore', 'pipe', 'ignore'],
  });

beforeAll(() => {
  npm(['pack', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'))!;
  writeFileSync(join(folder, 'package.json'), '{ "name": "shop", "private": true, "type": "module" }');
  npm(['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', `./${tarball}`], folder);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('holds the built files and nothing else, and needs no other package', () => {
  expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['m3rec']);
  expect(readdirSync(join(folder, 'node_modules/m3rec')).sort()).toEqual([
    'LICENSE',
    'README.md',
    'THIRD-PARTY-NOTICES',
    'dist',
    'package.json',
    'sbom.cdx.json',
  ]);
});

/** Files of the package that its entries lead to: `exports` and `bin` of package.json, and what they import. */
function reachedFiles(at: string): Set<string> {
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    if (path.endsWith('.wasm')) return;
    const text = readFileSync(join(at, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, target] of text.matchAll(/\b(?:from|import|require|URL)\s*\(?\s*["'](\.{1,2}\/[\w./-]+)["']/g)) {
      const to = posix.normalize(posix.join(posix.dirname(path), target));
      visit(path.endsWith('.d.ts') ? to.replace(/\.(ts|js)$/, '.d.ts') : to);
    }
  };
  const { exports, bin } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
  const files = (value: string | object): string[] =>
    typeof value === 'string' ? [value] : Object.values(value).flatMap(files);
  for (const entry of files(exports)) visit(posix.normalize(entry.replace('?module', '')));
  reached.add('dist/cjs/package.json'); // says that its scripts are CommonJS
  for (const file of Object.values(bin) as string[]) visit(posix.normalize(file));
  for (const file of reachedOfPage(join(at, 'dist/app'))) reached.add(`dist/app/${file}`);
  return reached;
}

/** Files of the page that its HTML leads to, by the names in their texts; what the service worker lists is no reason. */
function reachedOfPage(at: string): Set<string> {
  const files = readdirSync(at);
  const reached = new Set<string>();
  const visit = (file: string) => {
    if (reached.has(file)) return;
    reached.add(file);
    if (!/\.(html|js)$/.test(file) || file === 'shell.js') return;
    const text = readFileSync(join(at, file), 'utf8');
    for (const [, target] of text.matchAll(/["'`](?:\.\/)?([\w-][\w.-]*)(?:#[^"'`]*)?["'`]/g))
      if (files.includes(target)) visit(target);
  };
  visit('index.html');
  return reached;
}

test('holds nothing that nobody needs', () => {
  const at = join(folder, 'node_modules/m3rec');
  const reached = reachedFiles(at);
  const files = readdirSync(join(at, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(at, 'dist', name)).isFile())
    .map((name) => `dist/${name.replaceAll('\\', '/')}`);
  expect(files.filter((file) => !reached.has(file))).toEqual([]);
});

test('carries the licences of what its bundles contain', () => {
  const notices = readFileSync(join(folder, 'node_modules/m3rec/THIRD-PARTY-NOTICES'), 'utf8');
  const parts = notices.split(/^={80}\n/m).slice(1);
  const named = new Map(parts.map((part) => [part.slice(0, part.indexOf(' ')), part]));
  const imported = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [
      ...readFileSync(join(root, 'src', file), 'utf8').matchAll(/^(?!import type).* from '([^.'][^']*)'/gm),
    ])
    .map(([, target]) => target.split('/', target.startsWith('@') ? 2 : 1).join('/'))
    .filter((name) => !name.startsWith('node:'));
  expect([...new Set([...imported, 'assemblyscript'])].filter((name) => !named.has(name))).toEqual([]);
  for (const [name, part] of named) {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    expect(part.startsWith(`${name} ${version} (`), part.slice(0, 80)).toBe(true);
    expect(part, name).toMatch(/Permission is hereby granted|Permission to use, copy|Apache License/);
  }
});

test('carries a bill of materials that names them with version, licence and hash', () => {
  const at = join(folder, 'node_modules/m3rec');
  const bom = JSON.parse(readFileSync(join(at, 'sbom.cdx.json'), 'utf8'));
  const { name, version } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
  expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 });
  expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(bom.metadata.component).toMatchObject({ name, version, purl: `pkg:npm/${name}@${version}` });
  const notices = readFileSync(join(at, 'THIRD-PARTY-NOTICES'), 'utf8');
  const named = [...notices.matchAll(/^={80}\n(\S+) (\S+) \(/gm)].map(([, each, its]) => `${each}@${its}`);
  const components = bom.components as { 'bom-ref': string; hashes: { alg: string; content: string }[] }[];
  expect(components.map((each) => each['bom-ref']).sort()).toEqual(named.sort());
  expect(bom.dependencies).toEqual([{ ref: `${name}@${version}`, dependsOn: expect.arrayContaining(named) }]);
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  for (const component of components) {
    const { name: each, hashes, licenses, purl } = component as never as Record<string, never>;
    const [algorithm, value] = lock.packages[`node_modules/${each}`].integrity.split('-');
    const content = Buffer.from(value, 'base64').toString('hex');
    expect(hashes, each).toEqual([{ alg: algorithm.replace('sha', 'SHA-'), content }]);
    expect([(licenses as unknown[]).length, (purl as string).startsWith('pkg:npm/')]).toEqual([1, true]);
  }
});

// These come with npm run hosts (test/hosts/package.json); CI installs them before the tests.
const checker = (name: string) => join(root, 'test/hosts/node_modules/.bin', name);
const check = (name: string, args: string[]) => {
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'))!;
  try {
    return {
      status: 0,
      text: execFileSync(checker(name), [...args.map((arg) => (arg === 'TARBALL' ? join(folder, tarball) : arg))], {
        encoding: 'utf8',
      }),
    };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { status, text: `${stdout}${stderr}` };
  }
};

test.skipIf(!existsSync(checker('publint')))('publint finds nothing (npm ci --prefix test/hosts installs it)', () => {
  const { status, text } = check('publint', ['run', 'TARBALL', '--strict']);
  expect({ status, text }).toEqual({ status: 0, text: expect.stringContaining('All good!') });
});

test.skipIf(!existsSync(checker('attw')))(
  'arethetypeswrong finds nothing (npm ci --prefix test/hosts installs it)',
  { timeout: 60_000 },
  () => {
    // these are ES modules alone, which `require` loads from Node 20.19 on
    const { status, text } = check('attw', ['TARBALL', '--ignore-rules', 'cjs-resolves-to-esm', '--format', 'json']);
    expect(status, text).toBe(0);
    const { analysis } = JSON.parse(text);
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(analysis.entrypoints).sort()).toEqual(Object.keys(exports).sort());
  },
);

test('each entry imports, and a model trains and serves', () => {
  writeFileSync(
    join(folder, 'use.mjs'),
    `import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assembleGenerated, encodeModel, generateMarkets, init, loadModel, train } from 'm3rec';
import { readDirectory, relaxedKernels } from 'm3rec/node';
import { bindKernels } from 'm3rec/kernels';
const bytes = readFileSync(fileURLToPath(import.meta.resolve('m3rec/kernels.wasm')));
await init(bytes);
const markets = assembleGenerated(generateMarkets({ users: 200, items: 200, interactions: 1500 }));
const recommender = await loadModel(encodeModel(await train(markets, { model: 'ease' })));
const { items } = recommender.recommend({ market: markets.markets[0].name, user: markets.markets[0].users[0], k: 3 });
const sum = new Float32Array(4);
sum.fill(1);
(await bindKernels(bytes)).addInto(4, Float32Array.of(1, 2, 3, 4), sum);
// found, whether this Node compiles them or not
const relaxed = await relaxedKernels().then(({ kernels }) => kernels.length > 0, ({ argument }) => argument === 'relaxed SIMD');
console.log(items.length, [...sum].join(), typeof readDirectory, relaxed);`,
  );
  expect(execFileSync(process.execPath, ['use.mjs'], { cwd: folder, encoding: 'utf8' })).toBe(
    '3 2,3,4,5 function true\n',
  );
});

test('the command is installed', () => {
  expect(npm(['exec', '--offline', '--', 'm3rec', '--help'], folder)).toContain('Usage: m3rec');
});

test.each([
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])('the types hold under module %s, resolution %s', (module, moduleResolution) => {
  const project = join(folder, moduleResolution);
  mkdirSync(project);
  writeFileSync(
    join(project, 'use.ts'),
    `import { init, loadModel, readMarkets, train, type Markets, type Recommendations } from 'm3rec';
import { readDirectory } from 'm3rec/node';
import { bindKernels } from 'm3rec/kernels';
import kernels from 'm3rec/kernels.wasm';
export async function use(bytes: Uint8Array): Promise<Recommendations> {
  const markets: Markets = await readDirectory('shop');
  await train(markets, { preset: 'paper', signal: new AbortController().signal });
  const bound = await bindKernels(bytes as Uint8Array<ArrayBuffer>);
  const x = Float32Array.of(1, 2, 3, 4);
  bound.addInto(4, x, x);
  const best: number = bound.topK('text', 0, 1, new Int32Array(1), x);
  void best;
  bound.adam(4, x, x, x, x, { rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  // @ts-expect-error: a count where an array goes
  bound.addInto(4, 4, x);
  // @ts-expect-error: a field is missing
  bound.adam(4, x, x, x, x, { rate: 0.1, beta1: 0.9, beta2: 0.999 });
  void readMarkets;
  await init(kernels satisfies WebAssembly.Module);
  // @ts-expect-error: neither a user nor items
  (await loadModel(bytes)).recommend({ market: 'de' });
  return (await loadModel(bytes)).recommend({ market: 'de', items: ['a'], k: 3 });
}`,
  );
  const compilerOptions = {
    module,
    moduleResolution,
    target: 'es2022',
    lib: ['es2023', 'dom'],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], {
      encoding: 'utf8',
    });
  } catch (error) {
    expect((error as { stdout: string }).stdout).toBe('');
  }
});
