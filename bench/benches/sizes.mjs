// What a user ships: the kernels, and the host's code as esbuild bundles it, whole and for serving alone.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, machine } from '../harness/machine.mjs';
import { save, show, table } from '../harness/report.mjs';

const BUNDLES = {
  'host, serving: init, loadModel': "export { init, loadModel } from './index.js';",
  'host, over HTTP: createHandler too': "export { createHandler, init, loadModel } from './index.js';",
  'host, all of m3rec': "export * from './index.js';",
};
/** The kernels as a bundle holds them, which a host that imports kernels.wasm does not need. */
const EMBEDDED = /"[A-Za-z0-9+/=]{10000,}"/;

export async function sizes() {
  const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
  const kernels = readFileSync(`${dist}kernels.wasm`);
  const rows = [{ name: 'kernels.wasm', bytes: kernels.length, gzipped: gzip(kernels) }];
  for (const [name, contents] of Object.entries(BUNDLES)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: dist },
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      write: false,
      logLevel: 'error',
    });
    const [{ text }] = outputFiles;
    if (!EMBEDDED.test(text))
      throw new Error('a bundle without the embedded kernels: is esbuild writing them otherwise?');
    const host = text.replace(EMBEDDED, '""');
    rows.push({ name, bytes: Buffer.byteLength(host), gzipped: gzip(host), withKernels: gzip(text) });
  }
  const kilobytes = (bytes) => (bytes === undefined ? '–' : (bytes / 1000).toFixed(1));
  const blocks = [
    'Bundled and minified by esbuild, without the embedded kernels; the last column is with them, all in one file.',
    table(
      ['', 'kB', 'gzipped, kB', 'with the kernels, gzipped, kB'],
      rows.map(({ name, bytes, gzipped, withKernels }) => [
        name,
        kilobytes(bytes),
        kilobytes(gzipped),
        kilobytes(withKernels),
      ]),
    ),
  ];
  show(`sizes: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('sizes', 'Sizes', blocks, { rows }, { everywhere: true });
}

const gzip = (data) => gzipSync(data, { level: 9 }).length;
