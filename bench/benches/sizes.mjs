// What a user ships: the kernels, and the host's code as esbuild bundles it, whole and for serving alone.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, machine } from '../harness/machine.mjs';
import { save, show, table } from '../harness/report.mjs';

const BUNDLES = {
  'host, serving: init, loadModel': '{ init, loadModel }',
  'host, over HTTP: createHandler too': '{ createHandler, init, loadModel }',
  'host, all of m3rec': '*',
};

export async function sizes() {
  const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
  const kernels = readFileSync(`${dist}kernels.wasm`);
  const rows = [{ name: 'kernels.wasm', bytes: kernels.length, gzipped: gzip(kernels) }];
  for (const [name, names] of Object.entries(BUNDLES)) {
    const [slim, whole] = await Promise.all(
      ['slim', 'index'].map((entry) => bundle(dist, `export ${names} from './${entry}.js';`)),
    );
    rows.push({
      name,
      bytes: slim.length,
      gzipped: gzip(slim),
      fetched: gzip(slim) + gzip(kernels),
      withKernels: gzip(whole),
    });
  }
  const kilobytes = (bytes) => (bytes === undefined ? '–' : (bytes / 1000).toFixed(1));
  const blocks = [
    'Bundled and minified by esbuild: `m3rec/slim`, which fetches kernels.wasm, and `m3rec`, which embeds the kernels in one file.',
    table(
      ['', 'kB', 'gzipped, kB', 'and kernels.wasm, kB', 'm3rec in one file, gzipped, kB'],
      rows.map(({ name, bytes, gzipped, fetched, withKernels }) => [
        name,
        kilobytes(bytes),
        kilobytes(gzipped),
        kilobytes(fetched),
        kilobytes(withKernels),
      ]),
    ),
  ];
  show(`sizes: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('sizes', 'Sizes', blocks, { rows }, { everywhere: true });
}

async function bundle(dist, contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: dist },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  return Buffer.from(outputFiles[0].contents);
}

const gzip = (data) => gzipSync(data, { level: 9 }).length;
