// What a user ships: the kernels, and the host's code as esbuild bundles it: what a page loads first, and in one file.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { firstLoad } from '../harness/first-load.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { save, show, table } from '../harness/report.mjs';

const one = (kind) => (entry) =>
  `import { init, loadModelOf, ${kind} } from './${entry}.js';
export const open = async (bytes) => loadModelOf([${kind}], bytes);
export { init };`;
const all = (names) => (entry) => `export ${names} from './${entry}.js';`;

const BUNDLES = {
  'host, serving: init, loadModel': all('{ init, loadModel }'),
  'host, over HTTP: createHandler too': all('{ createHandler, init, loadModel }'),
  'host, all of m3rec': all('*'),
  'host, one kind: init, loadModelOf': one('SERVED_SLIM'),
};

export async function sizes() {
  const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
  const kernels = readFileSync(`${dist}kernels.wasm`);
  const kernelsGzipped = gzipSync(kernels, { level: 9 }).length;
  const rows = [{ name: 'kernels.wasm', bytes: kernels.length, gzipped: kernelsGzipped }];
  let networks;
  for (const [name, contents] of Object.entries(BUNDLES)) {
    const [slim, whole] = await Promise.all(['slim', 'index'].map((entry) => firstLoad(contents(entry), dist)));
    networks ??= slim.later['served-networks'];
    rows.push({
      name,
      bytes: slim.first.bytes,
      gzipped: slim.first.gzipped,
      fetched: slim.first.gzipped + kernelsGzipped,
      withKernels: whole.first.gzipped,
      oneFile: slim.oneFile.gzipped,
      oneFileWithKernels: whole.oneFile.gzipped,
    });
  }
  const kilobytes = (bytes) => (bytes === undefined ? '–' : (bytes / 1000).toFixed(1));
  const blocks = [
    'Bundled and minified by esbuild. First what a page loads before it opens a model, with code splitting: `m3rec/slim`, which fetches kernels.wasm, and `m3rec`, which embeds the kernels. Then the same in one file, with all that would be loaded later.',
    table(
      [
        '',
        'kB',
        'gzipped, kB',
        'and kernels.wasm, kB',
        '`m3rec`, gzipped, kB',
        'one file, gzipped, kB',
        '`m3rec` in one file, kB',
      ],
      rows.map(({ name, bytes, gzipped, fetched, withKernels, oneFile, oneFileWithKernels }) => [
        name,
        ...[bytes, gzipped, fetched, withKernels, oneFile, oneFileWithKernels].map(kilobytes),
      ]),
    ),
    `The first model of a network loads ${kilobytes(networks)} kB more, gzipped.`,
  ];
  show(`sizes: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('sizes', 'Sizes', blocks, { rows, networks }, { everywhere: true });
}
