// What a user ships: the kernels, and the library as a user's bundler minifies it, by what the program imports from it.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { save, show, table } from './report.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Bytes gzipped that the project aims to stay below. */
const AIMS = { kernels: 40_000, serving: 25_000 };
const PROGRAMS = {
  serving: ['recommend in a program', 'loadModel'],
  handler: ['recommend over HTTP', 'createHandler'],
  training: ['train, and recommend', 'loadModel, train, encodeModel'],
  everything: ['everything', '*'],
};
const LARGEST = 3;

export async function sizes() {
  const wasm = readFileSync(join(root, 'dist/kernels.wasm'));
  const kernels = measure(wasm);
  const bundles = {};
  for (const [name, [, imports]] of Object.entries(PROGRAMS)) bundles[name] = { imports, ...(await bundle(imports, wasm)) };
  const met = { kernels: kernels.gzipped < AIMS.kernels, serving: bundles.serving.gzipped < AIMS.serving };

  const kB = (bytes) => (bytes / 1000).toFixed(1);
  const cells = Object.entries(bundles).map(([name, { raw, gzipped, largest }]) => [PROGRAMS[name][0], `\`${PROGRAMS[name][1]}\``, kB(raw), kB(gzipped), largest.map(({ file, bytes }) => `${file} ${kB(bytes)}`).join(', ')]);
  const blocks = [
    table(['file', 'kB', 'gzipped, kB'], [['kernels.wasm', kB(kernels.raw), kB(kernels.gzipped)]]),
    table(['program', 'imports', 'kB', 'gzipped, kB', 'largest modules, kB'], cells, 2),
    `Bundles: esbuild, minified, from the built package, without the copy of the kernels that they carry (${kB(base64Length(wasm))} kB of base64). Aims: kernels.wasm below ${kB(AIMS.kernels)} kB gzipped (${met.kernels ? 'met' : 'missed'}), the library for recommending below ${kB(AIMS.serving)} kB gzipped (${met.serving ? 'met' : 'missed'}).`,
  ];
  for (const block of blocks) show(block);
  save('sizes', 'Sizes', blocks, { aims: AIMS, kernels, bundles });
  return met.kernels && met.serving;
}

/** The bundle of a program that imports these names. Its largest modules are those of src/, as the package's build of them sums up. */
async function bundle(imports, wasm) {
  const program = (from) => (imports === '*' ? `export * from ${JSON.stringify(from)}` : `export { ${imports} } from ${JSON.stringify(from)}`);
  const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, logLevel: 'warning', absWorkingDir: root };
  const packed = await build({ ...options, stdin: { contents: program('./dist/index.js'), resolveDir: root } });
  const text = packed.outputFiles[0].text;
  const embedded = Buffer.from(wasm).toString('base64');
  if (!text.includes(embedded)) throw new Error(`the bundle of ${imports} does not carry the kernels as base64`);
  return { ...measure(text.replace(embedded, '')), largest: await largestModules(program, options) };
}

async function largestModules(program, options) {
  const { metafile } = await build({ ...options, stdin: { contents: program('./src/index.ts'), resolveDir: root, loader: 'ts' }, loader: { '.wasm': 'empty' }, metafile: true });
  return Object.entries(Object.values(metafile.outputs)[0].inputs)
    .map(([file, { bytesInOutput }]) => ({ file: file.replace(/^src\//, '').replace(/^node_modules\//, ''), bytes: bytesInOutput }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, LARGEST);
}

const base64Length = (bytes) => Math.ceil(bytes.length / 3) * 4;

function measure(content) {
  return { raw: Buffer.byteLength(content), gzipped: gzipSync(content, { level: 9 }).length };
}
