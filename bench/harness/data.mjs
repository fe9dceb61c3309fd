// The data of the benches: the folder that M3REC_DATA names, else ../shared/xmarket next to the checkout, else
// generated.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assembleGenerated, generateMarkets, train } from '../../dist/index.js';
import { readDirectory } from '../../dist/node.js';
import { buildHash } from './machine.mjs';
import { note } from './report.mjs';

/** Where intermediate results wait for the next run. */
export const cache = join(tmpdir(), 'm3rec-bench');

/** The folder of the real data, or undefined where there is none. */
export function dataDirectory() {
  const path = process.env.M3REC_DATA ?? fileURLToPath(new URL('../../../shared/xmarket', import.meta.url));
  return existsSync(path) ? path : undefined;
}

/** @returns {Promise<{ name: string, markets: import('../../dist/types/index.d.ts').Markets }>} */
export async function loadMarkets() {
  const path = dataDirectory();
  if (path) return { name: basename(path), markets: await readDirectory(path) };
  note('no data: neither M3REC_DATA nor ../shared/xmarket names a folder; using generated markets');
  return { name: 'generated', markets: assembleGenerated(generateMarkets({ seed: 1 })) };
}

/** All markets as one, over all items. */
export function mergeMarkets({ items, markets }) {
  const rows = markets.reduce((sum, { interactions }) => sum + interactions.rows, 0);
  const indptr = new Int32Array(rows + 1);
  const indices = [];
  const users = [];
  for (const market of markets) {
    const { interactions } = market;
    for (let user = 0; user < interactions.rows; user++) {
      for (let e = interactions.indptr[user]; e < interactions.indptr[user + 1]; e++)
        indices.push(market.items[interactions.indices[e]]);
      users.push(`${market.name}/${market.users[user]}`);
      indptr[users.length] = indices.length;
    }
  }
  const interactions = { rows, cols: items.length, indptr, indices: Int32Array.from(indices) };
  return { items, markets: [{ name: 'all', users, items: Int32Array.from(items.keys()), interactions, heldOut: {} }] };
}

/** B̂ ≥ ε of the merged markets (n × n), rows not normalised; kept in the cache. */
export async function mergedSimilarity(name, merged) {
  const n = merged.items.length;
  const entries = merged.markets[0].interactions.indices.length;
  const file = join(cache, `similarity-${buildHash()}-${name}-${n}-${entries}.bin`);
  if (existsSync(file)) {
    const words = new Int32Array(Uint8Array.from(readFileSync(file)).buffer);
    const count = words[n];
    return {
      rows: n,
      cols: n,
      indptr: words.slice(0, n + 1),
      indices: words.slice(n + 1, n + 1 + count),
      values: new Float32Array(words.buffer, 4 * (n + 1 + count), count),
    };
  }
  note(`item similarity of ${n.toLocaleString('en-US')} items …`);
  const { linear } = (await train(merged, { model: 'ease' })).markets[0];
  mkdirSync(cache, { recursive: true });
  writeFileSync(
    file,
    Buffer.concat(
      [linear.indptr, linear.indices, linear.values].map((array) =>
        Buffer.from(array.buffer, array.byteOffset, array.byteLength),
      ),
    ),
  );
  return linear;
}
