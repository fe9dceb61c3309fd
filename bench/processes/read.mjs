// Reads one data set once, in a process of its own so that its peak memory is its own. Its parent sends { way, path, before }
// and gets { seconds, cpuSeconds, idle, maxRSS, rows, … }: `papaparse` streams the files and only counts their rows,
// `m3rec` makes Markets.
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createGunzip } from 'node:zlib';
import Papa from 'papaparse';
import { readDirectory } from '../../dist/node.js';

process.once('disconnect', () => process.exit());

process.once('message', async ({ way, path, before }) => {
  const idle = process.resourceUsage().maxRSS * 1024;
  const used = process.cpuUsage();
  const start = performance.now();
  const result = await WAYS[way](path, before);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  const maxRSS = process.resourceUsage().maxRSS * 1024;
  process.send({ seconds, cpuSeconds: (user + system) / 1e6, idle, maxRSS, ...(await result()) }, () =>
    process.disconnect(),
  );
});

const WAYS = {
  /** The callback that costs least: rows by the chunk, as arrays. */
  papaparse: async (path) => {
    let rows = 0;
    for (const file of filesOf(path)) {
      if (file.endsWith('.parquet')) {
        const { asyncBufferFromFile, parquetRead } = await import('hyparquet');
        await parquetRead({
          file: await asyncBufferFromFile(file),
          columns: ['userId', 'itemId'],
          onComplete: (found) => {
            rows += found.length;
          },
        });
        continue;
      }
      await new Promise((resolve, reject) => {
        const chunk = ({ data }) => {
          rows += data.length;
        };
        const bytes = createReadStream(file);
        Papa.parse(file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes, {
          chunk,
          complete: resolve,
          error: reject,
        });
      });
      // the header
      rows -= 1;
    }
    return () => ({
      rows,
      version: JSON.parse(readFileSync(new URL('../../node_modules/papaparse/package.json', import.meta.url), 'utf8'))
        .version,
    });
  },
  m3rec: (path) => reading(path, readDirectory),
  /** A build of before. */
  before: async (path, before) => {
    const { readDirectory: reader } = await import(pathToFileURL(join(before, 'dist/node.js')).href);
    return reading(path, reader);
  },
};

async function reading(path, reader) {
  let reports = 0;
  const onProgress = () => {
    reports++;
  };
  const markets = await reader(path, { onProgress });
  return () => ({
    reports,
    rows: markets.markets.reduce((sum, { interactions }) => sum + interactions.indices.length, 0),
    users: markets.markets.reduce((sum, { users }) => sum + users.length, 0),
    items: markets.items.length,
    digest: digestOf(markets),
  });
}

function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesOf(join(path, name)));
}

/** Of all that was read, so that two builds can be compared. */
function digestOf({ items, markets }) {
  const hash = createHash('sha256').update(items.join('\n'));
  for (const { name, users, items: own, interactions } of markets)
    hash.update(name).update(users.join('\n')).update(own).update(interactions.indptr).update(interactions.indices);
  return hash.digest('hex').slice(0, 16);
}
