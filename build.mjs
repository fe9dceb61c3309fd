// Installs what is missing, then builds dist/: the kernels (asc), the bundles (esbuild), the types (tsc).
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCommonJs } from './scripts/commonjs.mjs';
import { kernelExports, kernelLayout, structsOf } from './scripts/kernel-types.mjs';
import { noticesOf, packagesIn } from './scripts/notices.mjs';
import { pruneTypes } from './scripts/prune-types.mjs';
import { sbomOf } from './scripts/sbom.mjs';

/** Written by this build, and imported by the host's code. */
const EXPORTS = 'src/engine/kernel-exports.ts';
const LAYOUT = 'src/engine/kernel-layout.ts';

const root = dirname(fileURLToPath(import.meta.url));
process.chdir(root);
const node = (script, ...args) => {
  const { status } = spawnSync(process.execPath, [join('node_modules', script), ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

const needed = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).devDependencies);
if (needed.some((name) => !existsSync(join('node_modules', name)))) {
  execFileSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}

mkdirSync('dist', { recursive: true });
// chunks are named by their content: older ones would be packed too
rmSync('dist/chunks', { recursive: true, force: true });
await buildKernels();
const esbuild = await import('esbuild');
const metafiles = [];
const build = async (options) => metafiles.push((await esbuild.build({ ...common, ...options })).metafile);
const common = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
  legalComments: 'eof',
  metafile: true,
};
// Workers are files of their own on the web, and text inside the bundles where no path finds them; Node's is text alone.
await build({ entryPoints: ['src/worker.ts'], outdir: 'dist', platform: 'neutral' });
await build({ entryPoints: ['src/worker.ts'], outfile: 'dist/worker.txt', platform: 'neutral', minify: true });
await build({
  entryPoints: ['src/node/thread.ts'],
  outfile: 'dist/node-worker.txt',
  platform: 'node',
  format: 'cjs',
});
// Entries of the package, and files of their own for what many programs leave out, so that a bundler can drop them
// whole.
const parts = {
  compare: 'evaluate/compare',
  evaluate: 'evaluate/evaluate',
  export: 'models/export',
  generate: 'data/generate',
  // with these, what only networks need comes to lie in chunks of its own
  'linear-served': 'models/linear-served',
  terms: 'models/served-terms',
  'model-recommender': 'models/recommender',
  recommender: 'recommend/recommender',
  'read-markets': 'data/read-markets',
  rows: 'data/rows',
  folder: 'data/folder',
  serve: 'serve/handler',
  train: 'train/train',
  update: 'train/update',
};
const entries = (outputs) => Object.entries(outputs).map(([out, file]) => ({ in: `src/${file}.ts`, out }));
await build({
  entryPoints: entries({
    index: 'index',
    slim: 'slim',
    kernels: 'kernels',
    workers: 'workers',
    browser: 'browser',
    lab: 'lab',
    node: 'node',
    ...Object.fromEntries(Object.entries(parts).map(([name, file]) => [`parts/${name}`, file])),
  }),
  outdir: 'dist',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  external: ['node:*', 'pg', '@duckdb/node-api'],
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
});
// No chunk does anything by being imported, and a bundler that splits takes an import of nothing for a use.
for (const file of Object.keys(metafiles.at(-1).outputs)) {
  const text = readFileSync(file, 'utf8');
  const stripped = text.replace(/^import "\.[^"]*";\n/gm, '');
  if (stripped !== text) writeFileSync(file, stripped);
}
await build({
  entryPoints: entries({ cli: 'cli/main', cluster: 'cluster', 'cluster-job': 'cluster-job' }),
  outdir: 'dist',
  platform: 'node',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  banner: {
    js: "import { createRequire as m3recRequire } from 'node:module';\nconst require = m3recRequire(import.meta.url);",
  },
});
rmSync('dist/types', { recursive: true, force: true });
node('typescript/bin/tsc', '-p', 'tsconfig.json');
// what `import kernels from 'm3rec/kernels.wasm'` gives where a host compiles it beforehand
writeFileSync(
  'dist/types/kernels.wasm.d.ts',
  "import type { WasmModule } from './common/host-types.ts';\ndeclare const kernels: WasmModule;\nexport default kernels;\n",
);
pruneTypes(Object.values(JSON.parse(readFileSync('package.json', 'utf8')).exports).flatMap(({ types }) => types ?? []));
await writeCommonJs(
  esbuild.transform,
  ['index', 'slim', 'node', 'kernels', 'workers', 'browser', 'lab'].map((name) => `dist/${name}.js`),
  metafiles,
);
node('typescript/bin/tsc', '-p', 'src/app/tsconfig.json');
const { buildApp } = await import('./scripts/build-app.mjs'); // it imports esbuild: not before the packages are there
metafiles.push(...(await buildApp()));
writeFileSync('THIRD-PARTY-NOTICES', noticesOf(metafiles));
writeFileSync('sbom.cdx.json', sbomOf(packagesIn(metafiles)));
// for editors, of the checkout and of the package
const { experimentSchema } = await import('./dist/lab.js');
const schema = `${JSON.stringify(experimentSchema(), null, 1)}\n`;
for (const file of ['experiments/experiment.schema.json', 'dist/experiment.schema.json'])
  if (!existsSync(file) || readFileSync(file, 'utf8') !== schema) writeFileSync(file, schema);

/**
 * The four kernel binaries, where their sources changed since they were compiled. Those with relaxed SIMD are files
 * next to the bundles, read where they are asked for.
 */
async function buildKernels() {
  const targets = Object.keys(JSON.parse(readFileSync('asconfig.json', 'utf8')).targets);
  const sources = readdirSync('assembly', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const hash = createHash('sha256');
  for (const file of [
    'asconfig.json',
    'build.mjs',
    'scripts/kernel-types.mjs',
    ...sources.sort().map((name) => join('assembly', name)),
  ])
    hash.update(file).update(readFileSync(file));
  hash.update(readFileSync('node_modules/assemblyscript/package.json'));
  const stamp = 'dist/kernels.stamp';
  const built = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === built && [EXPORTS, LAYOUT].every(existsSync)) return;
  const compile = (target) =>
    new Promise((resolve) => {
      const script = join('node_modules', 'assemblyscript', 'bin', 'asc.js');
      const compiler = spawn(process.execPath, [script, 'assembly/index.ts', '--target', target], { stdio: 'inherit' });
      compiler.once('exit', resolve);
    });
  const codes = await Promise.all(targets.map(compile));
  if (codes.some((code) => code !== 0)) process.exit(1);
  writeKernelTypes(sources);
  writeFileSync(stamp, built);
}

/** What the host must know of the kernels: their signatures, and how what both sides read and write is laid out. */
function writeKernelTypes(sources) {
  const declarations = readFileSync('dist/kernels.d.ts', 'utf8');
  const structs = structsOf(sources.map((name) => readFileSync(join('assembly', name), 'utf8')));
  const constants = readFileSync('assembly/layout.ts', 'utf8');
  for (const [file, text] of [
    [EXPORTS, kernelExports(declarations, structs)],
    [LAYOUT, kernelLayout(constants, structs, declarations)],
  ]) {
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  }
  for (const file of ['dist/kernels.d.ts', 'dist/kernels.js']) rmSync(file);
}
