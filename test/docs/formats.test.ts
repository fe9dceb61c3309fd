// Every format and every published data set, read from files by Node, and by the portable core in a realm that has what a
// page has and nothing of Node. UPDATE_DOCS=1 writes docs/formats.md.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { chooseFiles, FolderFile, FolderOptions } from '../../src/data/folder.ts';
import type { Markets } from '../../src/data/markets.ts';
import type { readMarkets } from '../../src/data/read-markets.ts';
import { readDirectory } from '../../src/node/directory.ts';
import { PUBLISHED } from '../data/published.ts';
import { zipOf, zstdOf } from '../support/packed.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = join(root, 'docs/formats.md');
const folder = mkdtempSync(join(tmpdir(), 'm3rec-formats-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a page has of what the readers use; no `process`, `Buffer` or `require`. */
const PAGE = { TextEncoder, TextDecoder, Blob, performance, setTimeout };
let core: { chooseFiles: typeof chooseFiles; readMarkets: typeof readMarkets };
beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { chooseFiles } from './src/data/folder.ts'; export { readMarkets } from './src/data/read-markets.ts';`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'core',
    platform: 'browser',
    target: 'es2022',
  });
  core = runInContext(`${outputFiles[0].text}; core`, createContext({ ...PAGE }));
});

const text = (...lines: string[]) => `${lines.join('\n')}\n`;
const CSV = text('userId,itemId', 'u1,p1', 'u1,p2', 'u2,p1');
const written = (delimiter: string) => CSV.replaceAll(',', delimiter);
const bytesOf = (content: string | Uint8Array) =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;
const pairs = [
  ['u1', 'p1'],
  ['u1', 'p2'],
  ['u2', 'p1'],
];
const objects = pairs.map(([userId, itemId]) => JSON.stringify({ userId, itemId }));
const parquet = (codec: 'SNAPPY' | 'UNCOMPRESSED') =>
  new Uint8Array(
    parquetWriteBuffer({
      codec,
      columnData: [
        { name: 'userId', data: pairs.map(([user]) => user), type: 'STRING' },
        { name: 'itemId', data: pairs.map(([, item]) => item), type: 'STRING' },
      ],
    }),
  );

/** Name, file, content, options: all hold the same three rows. */
const FORMATS: [string, string, string | Uint8Array, FolderOptions?][] = [
  ['commas', 'train.csv', CSV],
  ['tabs', 'train.tsv', written('\t')],
  ['semicolons', 'train.csv', written(';')],
  ['pipes', 'train.txt', written('|')],
  ['`::`', 'train.dat', written('::')],
  ['spaces', 'train.txt', written(' ')],
  ['CRLF, quotes (RFC 4180)', 'train.csv', CSV.replaceAll(/(\w+)/g, '"$1"').replaceAll('\n', '\r\n')],
  ['`sep=;` before the header', 'train.csv', `sep=;\n${written(';')}`],
  ['no header (`--no-header`)', 'train.csv', CSV.slice(CSV.indexOf('\n') + 1), { header: false }],
  ['UTF-8 with its mark', 'train.csv', `\ufeff${CSV}`],
  ['UTF-16 with its mark', 'train.csv', new Uint8Array(Buffer.from(`\ufeff${CSV}`, 'utf16le'))],
  ['another encoding (`--encoding windows-1252`)', 'train.csv', CSV, { encoding: 'windows-1252' }],
  ['JSON lines', 'train.jsonl', text(...objects)],
  ['JSON array', 'train.json', `[${objects.join(', ')}]`],
  ['Parquet, uncompressed', 'train.parquet', parquet('UNCOMPRESSED')],
  ['Parquet, Snappy', 'train.parquet', parquet('SNAPPY')],
  ['gzip', 'train.csv.gz', gzipSync(CSV)],
  ['gzip of several members', 'train.csv.gz', Buffer.concat([gzipSync(CSV.slice(0, 20)), gzipSync(CSV.slice(20))])],
  ['zip, stored', 'train.csv.zip', zipOf('train.csv', bytesOf(CSV), true)],
  ['zip, deflated', 'train.csv.zip', zipOf('train.csv', bytesOf(CSV), false)],
  ['zstd', 'train.csv.zst', zstdOf(bytesOf(CSV), { below: () => 1 })],
  ['JSON lines in gzip', 'train.jsonl.gz', gzipSync(text(...objects))],
];

const rowsOf = ({ items, markets }: Markets) =>
  markets
    .flatMap(({ name, users, items: own, interactions: { indptr, indices } }) =>
      users.flatMap((user, u) =>
        Array.from(indices.subarray(indptr[u], indptr[u + 1]), (column) => [name, user, items[own[column]]].join('|')),
      ),
    )
    .sort();

let count = 0;
async function inNode(path: string, content: string | Uint8Array, options: FolderOptions = {}): Promise<string[]> {
  const at = join(folder, `${count++}`);
  mkdirSync(dirname(join(at, path)), { recursive: true });
  writeFileSync(join(at, path), content);
  return rowsOf(await readDirectory(join(at, path.slice(0, path.indexOf('/'))), options));
}

/** As a page gets it: a File of a folder that somebody chose. */
async function inPage(path: string, content: string | Uint8Array, options: FolderOptions = {}): Promise<string[]> {
  const [top] = path.split('/');
  const file: FolderFile = {
    path: path.slice(top.length + 1),
    name: path,
    source: () => new Blob([bytesOf(content) as Uint8Array<ArrayBuffer>]),
  };
  return rowsOf(await core.readMarkets(await core.chooseFiles([file], top, options), options));
}

test('the realm of a page has nothing of Node', () => {
  const names = ['process', 'Buffer', 'require', 'setImmediate'];
  expect(
    runInContext(`${JSON.stringify(names)}.filter((name) => name in globalThis)`, createContext({ ...PAGE })),
  ).toHaveLength(0);
});

test('every format and every data set is read in both, and the page says so', async () => {
  const expected = pairs.map(([user, item]) => `de|${user}|${item}`);
  const formats: string[][] = [];
  for (const [name, file, content, options] of FORMATS) {
    expect(await inNode(`shop/de/${file}`, content, options), `${name}, Node`).toEqual(expected);
    expect(await inPage(`shop/de/${file}`, content, options), `${name}, page`).toEqual(expected);
    formats.push([name, `\`${file}\``, 'yes', 'yes']);
  }
  const sets: string[][] = [];
  for (const { dataset, file, source, content, rows } of PUBLISHED) {
    const packed = file.endsWith('.gz') ? gzipSync(content) : content;
    const right = [...new Set(rows.map((row) => row.join('|')))].sort();
    expect(await inNode(file, packed), `${dataset}, Node`).toEqual(right);
    expect(await inPage(file, packed), `${dataset}, page`).toEqual(right);
    sets.push([dataset, `\`${file}\``, /^https?:/.test(source) ? `<${source}>` : source, 'yes', 'yes']);
  }
  const table = (header: string[], rows: string[][]) =>
    [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
  const written = `# What is read where

Written by \`UPDATE_DOCS=1 npx vitest run test/docs/formats.test.ts\`, which reads every line of these tables. *Node* reads files by
\`readDirectory\`. *Page* is the portable core (\`chooseFiles\`, \`readMarkets\`), bundled for browsers and run, in the tests, in a realm with
\`TextEncoder\`, \`TextDecoder\`, \`Blob\`, \`performance\` and \`setTimeout\` and nothing else of a host; no browser takes part. The data sets
are fixtures of a few rows in their documented form: the data sets themselves are not part of the repository.

## Formats

${table(['format', 'file', 'Node', 'page'], formats)}

Databases (\`postgres://\`, \`duckdb:\`) are read in Node alone.

## Published data sets

${table(['data set', 'file', 'form documented at', 'Node', 'page'], sets)}
`;
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, written);
  expect(readFileSync(page, 'utf8')).toBe(written);
});
