// Rows of CSV to Markets compared with papaparse alone on the same files, which only counts rows: seconds and the peak
// of the process, each run in a process of its own, the sides taking turns. The files are generated, and removed at the
// end.
import { fork } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { Stream } from '../harness/splitmix64.mjs';
import { median } from '../harness/timer.mjs';

const SIZES = [1_000_000, 10_000_000];
const USERS = 500_000;
const ITEMS = 100_000;
const MARKETS = ['us', 'uk', 'de', 'jp', 'in'];
const ROUNDS = 3;
/** Characters written at once. */
const PIECE = 1 << 20;

/** How the same number of rows may come. */
const LAYOUTS = [
  { layout: 'one market, users in random order', markets: 1, byUser: false },
  { layout: 'one market, user after user', markets: 1, byUser: true },
  { layout: 'five folders, user after user', markets: 5, byUser: true },
  { layout: 'one file with a market column, users in random order', markets: 5, byUser: false, column: true },
  { layout: 'one market, users in random order, gzip', markets: 1, byUser: false, packed: 'gz', sizes: [1_000_000] },
  {
    layout: 'one market, users in random order, Parquet',
    markets: 1,
    byUser: false,
    packed: 'parquet',
    sizes: [1_000_000],
  },
];

/** @param before a built checkout, whose reading takes turns with this one's where both read the layout */
export async function read({ before }) {
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-read-'));
  const results = [];
  show(`read: ${describe(machine())}`);
  try {
    for (const layout of LAYOUTS) {
      for (const rows of layout.sizes ?? SIZES) {
        const path = join(folder, `${rows}`);
        const unpacked = generate(path, rows, layout);
        const bytes = layout.packed === undefined ? unpacked : await pack(path, layout.packed);
        note(`${layout.layout}: ${rows.toLocaleString('en-US')} rows, ${(bytes / 1e6).toFixed(0)} MB …`);
        const runs = { papaparse: [], m3rec: [], ...(before && !layout.packed && { before: [] }) };
        for (let round = 0; round < ROUNDS; round++) {
          for (const way of Object.keys(runs)) {
            const run = await readOnce({ way, path, before });
            runs[way].push(run);
            note(`  ${way}: ${run.seconds.toFixed(2)} s, ${(run.maxRSS / 1e6).toFixed(0)} MB`);
          }
        }
        rmSync(path, { recursive: true });
        const wrong = runs.papaparse.find((run) => run.rows !== rows);
        if (wrong) throw new Error(`papaparse found ${wrong.rows} rows of ${rows}`);
        if (runs.before?.some(({ digest }) => digest !== runs.m3rec[0].digest))
          throw new Error('the build of before reads something else');
        results.push({ ...layout, rows, bytes, runs });
        report(results);
      }
    }
    for (const block of report(results)) show(block);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(results) {
  const count = (number) => number.toLocaleString('en-US');
  const mb = (bytes) => (bytes / 1e6).toFixed(0);
  const lines = results.map(({ layout, rows, bytes, runs }) => {
    const of = (way, value) => median(runs[way].map(value));
    const [ours, theirs] = ['m3rec', 'papaparse'].map((way) => of(way, ({ seconds }) => seconds));
    const processor = of('m3rec', ({ cpuSeconds }) => cpuSeconds) / of('papaparse', ({ cpuSeconds }) => cpuSeconds);
    const peak = of('m3rec', ({ maxRSS }) => maxRSS);
    const small = results.find((each) => each.layout === layout && each.rows === SIZES[0]);
    const growth =
      small.rows === rows
        ? '–'
        : ((peak - median(small.runs.m3rec.map(({ maxRSS }) => maxRSS))) / (rows - small.rows)).toFixed(1);
    return [
      layout,
      count(rows),
      mb(bytes),
      theirs.toFixed(2),
      ours.toFixed(2),
      count(Math.round(rows / ours / 1000)),
      (ours / theirs).toFixed(2),
      processor.toFixed(2),
      runs.before
        ? (of('m3rec', ({ cpuSeconds }) => cpuSeconds) / of('before', ({ cpuSeconds }) => cpuSeconds)).toFixed(2)
        : '–',
      mb(of('papaparse', ({ maxRSS }) => maxRSS)),
      mb(peak),
      growth,
    ];
  });
  const blocks = [
    `\`userId,itemId,rating\`, ${count(USERS)} users, ${count(ITEMS)} items, popular ones more often; ids of 8 characters. papaparse ${results[0].runs.papaparse[0].version} alone streams the same files and counts rows (its chunk callback, rows as arrays); m3rec reads them with it and makes Markets: ids numbered and sorted, interactions compressed, duplicates dropped. Medians of ${ROUNDS} runs that took turns, each a process of its own; Node's own peak is ${mb(median(results.flatMap(({ runs }) => runs.m3rec.map(({ idle }) => idle))))} MB. The second ratio is that of processor time, all threads of the process; the third is that of m3rec's beside an earlier build's (b5197d3) in the same turns. Of gzip, papaparse reads what Node unpacks; of Parquet, hyparquet reads the two columns in its place. Growth: from ${count(SIZES[0])} to ${count(SIZES[1])} rows, by the row.`,
    table(
      [
        '',
        'rows',
        'file MB',
        'papaparse s',
        'm3rec s',
        'thousand rows/s',
        'ratio',
        'of processor time',
        'of that before',
        'papaparse peak MB',
        'm3rec peak MB',
        'growth, bytes a row',
      ],
      lines,
    ),
  ];
  save('read', 'Reading', blocks, { users: USERS, items: ITEMS, results });
  return blocks;
}

/** The one file of a layout in another form, in its place. @returns its size, in bytes. */
async function pack(path, form) {
  const from = join(path, MARKETS[0], 'train.csv');
  const text = readFileSync(from);
  const bytes = form === 'gz' ? gzipSync(text) : await parquetOf(text.toString());
  writeFileSync(`${form === 'gz' ? from : join(path, MARKETS[0], 'train')}.${form}`, bytes);
  rmSync(from);
  return bytes.length;
}

async function parquetOf(text) {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const rows = text.trimEnd().split('\n').slice(1);
  const cells = rows.map((row) => row.split(','));
  const column = (name, place) => ({ name, data: cells.map((row) => row[place]), type: 'STRING' });
  return Buffer.from(
    parquetWriteBuffer({ columnData: [column('userId', 0), column('itemId', 1), column('rating', 2)] }),
  );
}

/** @returns the size of the files, in bytes. */
function generate(path, rows, { markets, byUser, column }) {
  const stream = new Stream(1, 97, 0);
  let bytes = 0;
  const header = column ? 'market,userId,itemId,rating\n' : 'userId,itemId,rating\n';
  for (let market = 0; market < (column ? 1 : markets); market++) {
    const folder = column ? path : join(path, MARKETS[market]);
    mkdirSync(folder, { recursive: true });
    const file = openSync(join(folder, 'train.csv'), 'w');
    const from = Math.round((rows * market) / markets);
    const to = column ? rows : Math.round((rows * (market + 1)) / markets);
    let text = header;
    for (let row = from; row < to; row++) {
      stream.draw(row);
      const user = byUser ? Math.floor((row * USERS) / rows) : stream.below(USERS);
      const part = stream.unit();
      const item = Math.floor(ITEMS * part * part);
      text += `${column ? `${MARKETS[user % markets]},` : ''}U${1_000_000 + user},P${1_000_000 + item},${1 + (stream.low & 3)}.0\n`;
      if (text.length < PIECE && row + 1 < to) continue;
      bytes += writeSync(file, text);
      text = '';
    }
    closeSync(file);
  }
  return bytes;
}

function readOnce(task) {
  return new Promise((resolve, reject) => {
    let result;
    const child = fork(new URL('../processes/read.mjs', import.meta.url));
    child.once('message', (message) => {
      result = message;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      result ? resolve(result) : reject(new Error(`reading ended with ${signal ?? `exit code ${code}`}`)),
    );
    child.send(task);
  });
}
