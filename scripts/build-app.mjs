// Builds the page into dist/app/: static files that any host can serve below any path.
//
// Scripts and styles are named by their content; all that a build needs is listed in its service worker (shell.js). The two
// models that answer at once are trained here from the sample shop, when the library or the sample changed.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const OUT = 'dist/app';
/** Kept between builds: what the models were made from. */
const STAMP = 'dist/sample.stamp';
const SAMPLES = ['sample-in.m3rec', 'sample-in-alone.m3rec'];
const common = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'none',
  logLevel: 'warning',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  loader: { '.wasm': 'empty' },
};
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 10);

/** Returns what esbuild says of its outputs. */
export async function buildApp() {
  mkdirSync(OUT, { recursive: true });
  for (const file of readdirSync(OUT)) if (!SAMPLES.includes(file)) rmSync(join(OUT, file), { recursive: true });
  const { opening } = await buildSamples();
  for (const file of ['kernels.wasm', 'kernels-threads.wasm']) copyFileSync(`dist/${file}`, join(OUT, file));
  copyFileSync('dist/worker.js', join(OUT, 'thread.js'));
  copyFileSync('src/app/icon.svg', join(OUT, 'icon.svg'));

  const chunks = { ...common, splitting: true, outdir: OUT, chunkNames: '[name]-[hash]', entryNames: '[name]-[hash]' };
  const made = await build({ ...chunks, entryPoints: ['src/app/worker/main.ts'], metafile: true });
  const worker = outputOf(made.metafile, 'src/app/worker/main.ts');
  const sources = readdirSync('src/app', { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(tsx?|css|html)$/.test(file),
  );
  const kept = readdirSync(OUT).filter((file) => !file.endsWith('.html'));
  const version = hashOf(
    Buffer.concat(
      [...sources.map((file) => join('src/app', file)), ...kept.map((file) => join(OUT, file))]
        .sort()
        .map((file) => readFileSync(file)),
    ),
  );
  const define = {
    BUILD: JSON.stringify(version),
    SAMPLE: JSON.stringify(opening),
    WORKER: JSON.stringify(worker),
  };
  const page = await build({
    ...chunks,
    define,
    entryPoints: ['src/app/main.tsx', 'src/app/styles.css'],
    metafile: true,
  });
  const opened = await prerendered(define);
  const html = readFileSync('src/app/index.html', 'utf8')
    .replace('{styles}', outputOf(page.metafile, 'src/app/styles.css'))
    .replace('{script}', outputOf(page.metafile, 'src/app/main.tsx'))
    .replace('{opening}', () => opened);
  writeFileSync(join(OUT, 'index.html'), html);
  // the same page under a policy that lets pictures of other origins in: a policy cannot be loosened later
  writeFileSync(
    join(OUT, 'pictures.html'),
    html.replace('img-src', 'img-src https: http:').replace('<html ', '<html data-pictures '),
  );

  const files = ['./', ...readdirSync(OUT).filter((file) => file !== 'index.html')];
  const shell = await build({
    ...common,
    metafile: true,
    define: { ...define, FILES: JSON.stringify(files) },
    entryPoints: ['src/app/shell.ts'],
    outfile: join(OUT, 'shell.js'),
  });
  return [made, page, shell].map(({ metafile }) => metafile);
}

/** The page as it opens, in English and as on a desk: what differs is changed when the scripts run. */
async function prerendered(define) {
  const bundle = 'dist/prerender.mjs';
  await build({
    ...common,
    minify: false,
    platform: 'node',
    define,
    entryPoints: ['src/app/prerender.tsx'],
    outfile: bundle,
    external: ['node:*'],
  });
  Object.defineProperty(globalThis, 'navigator', { value: { language: 'en' }, configurable: true });
  globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
  const { prerender } = await import(new URL(`../${bundle}?${hashOf(readFileSync(bundle))}`, import.meta.url));
  rmSync(bundle);
  return prerender();
}

const outputOf = ({ outputs }, entry) =>
  Object.entries(outputs)
    .find(([, { entryPoint }]) => entryPoint === entry)[0]
    .replace(`${OUT}/`, '');

/** The full model's scarcest market, and that market alone; what the page opens with, and what they find. */
async function buildSamples() {
  const source = hashOf(
    Buffer.concat(
      ['src/app/sample.ts', 'src/app/build-sample.ts', 'dist/index.js', 'dist/kernels.wasm'].map((file) =>
        readFileSync(file),
      ),
    ),
  );
  if (existsSync(STAMP) && SAMPLES.every((file) => existsSync(join(OUT, file)))) {
    const stamp = JSON.parse(readFileSync(STAMP, 'utf8'));
    if (stamp.source === source) return stamp;
  }
  const bundle = 'dist/sample-builder.mjs';
  await build({
    ...common,
    minify: false,
    platform: 'node',
    entryPoints: ['src/app/build-sample.ts'],
    outfile: bundle,
    loader: { '.wasm': 'binary' },
    external: ['node:*'],
  });
  const { makeSample } = await import(new URL(`../${bundle}?${source}`, import.meta.url));
  const { all, alone, opening } = await makeSample();
  rmSync(bundle);
  writeFileSync(join(OUT, SAMPLES[0]), all);
  writeFileSync(join(OUT, SAMPLES[1]), alone);
  const stamp = { source, opening };
  writeFileSync(STAMP, JSON.stringify(stamp));
  return stamp;
}
