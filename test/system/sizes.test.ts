// What a page downloads, bounded: the kernels of all kinds of models, what a page that serves any of them loads first,
// and the host's part that serves one kind, in one file.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { firstLoad } from '../../bench/harness/first-load.mjs';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
/** The kernels as a bundle of m3rec holds them, and one of m3rec/slim does not. */
const EMBEDDED = /"[A-Za-z0-9+/=]{10000,}"/;
/** A text of what serves networks alone. */
const NETWORK = 'parameters where users, items and options make';

test('the kernels take 28 kB at most', () => {
  expect(gzipSync(readFileSync(`${dist}kernels.wasm`), { level: 9 }).length).toBeLessThanOrEqual(28_000);
});

test.each([
  ['init, loadModel', 20_400],
  ['createHandler, init, loadModel', 28_200],
])('a page with %s loads %i bytes of host first, and networks with the first model of one', async (names, most) => {
  const { first, later, oneFile } = await firstLoad(`export { ${names} } from './slim.js';`, dist);
  expect(first.text).not.toMatch(EMBEDDED);
  expect(first.text).not.toContain(NETWORK);
  expect(first.gzipped).toBeLessThanOrEqual(most);
  expect(later['served-networks']).toBeGreaterThan(5_000);
  expect(oneFile.text).toContain(NETWORK);
});

test.each(['SERVED_SLIM', 'SERVED_EASE', 'SERVED_LIGHTGCN'])(
  'the host that serves %s alone takes 18.0 kB at most, without the kernels',
  async (kind) => {
    const contents = `import { init, loadModelOf, ${kind} } from './slim.js';
export const open = async (bytes) => loadModelOf([${kind}], bytes);
export { init };`;
    const { text: host, gzipped } = (await firstLoad(contents, dist)).oneFile;
    expect(host).not.toMatch(EMBEDDED);
    expect(host).not.toContain(NETWORK);
    expect(gzipped).toBeLessThanOrEqual(18_000);
    expect(host).not.toContain('alsRows');
  },
);
