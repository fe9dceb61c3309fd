// What a page downloads, bounded: the kernels of all kinds of models, and the host's part that serves one kind.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const gzipped = (data: string | Uint8Array) => gzipSync(data, { level: 9 }).length;
/** The kernels as a bundle of m3rec holds them, and one of m3rec/slim does not. */
const EMBEDDED = /"[A-Za-z0-9+/=]{10000,}"/;

test('the kernels take 28 kB at most', () => {
  expect(gzipped(readFileSync(`${dist}kernels.wasm`))).toBeLessThanOrEqual(28_000);
});

test.each(['SERVED_SLIM', 'SERVED_EASE', 'SERVED_LIGHTGCN'])(
  'the host that serves %s alone takes 18.2 kB at most, without the kernels',
  async (kind) => {
    const contents = `import { init, loadModelOf, ${kind} } from './slim.js';
export const open = async (bytes) => loadModelOf([${kind}], bytes);
export { init };`;
    const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false } as const;
    const { outputFiles } = await build({ stdin: { contents, resolveDir: dist }, ...options, logLevel: 'error' });
    const [{ text: host }] = outputFiles;
    expect(host).not.toMatch(EMBEDDED);
    expect(gzipped(host)).toBeLessThanOrEqual(18_200);
    expect(host).not.toContain('alsRows');
  },
);
