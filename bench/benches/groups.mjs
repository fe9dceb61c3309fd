// EASE by groups on generated catalogues, exact EASE next to it on the smaller ones: time, memory, ranking, growth.
// Each fit is a process of its own. Results are written as they come.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { cache } from '../harness/data.mjs';
import { exponent } from '../harness/exponent.mjs';
import { buildHash } from '../harness/machine.mjs';
import { note, save, savePlot, show, table } from '../harness/report.mjs';

/** Interactions with the two that are held out of each user. Fits are kept, so that parts share them and go on where they were. */
const CATALOGUES = {
  /** The size of a system, on users with 20 items and with 6. */
  systems: [
    { items: 12_000, users: 60_000, interactions: 1_360_000, exact: true, systems: [128, 256, 512] },
    { items: 30_000, users: 75_000, interactions: 600_000, exact: true, systems: [128, 256, 512] },
  ],
  small: [
    { items: 10_000, users: 25_000, interactions: 200_000 },
    { items: 30_000, users: 75_000, interactions: 600_000 },
    { items: 50_000, users: 250_000, interactions: 5_720_000 },
  ],
  large: [{ items: 100_000, users: 500_000, interactions: 11_300_000, threads: [1, 2] }],
  /** Read from files, as data of that size would come. */
  million: [{ items: 1_000_000, users: 5_000_000, interactions: 113_000_000, threads: [2], files: true }],
  /** 20 rows a user; 100 rows an item, then 100,000 items. */
  growth: [
    { items: 10_000, users: 50_000, interactions: 1_130_000 },
    { items: 30_000, users: 150_000, interactions: 3_390_000 },
    { items: 100_000, users: 50_000, interactions: 1_130_000 },
    { items: 100_000, users: 150_000, interactions: 3_390_000 },
    { items: 100_000, users: 500_000, interactions: 11_300_000 },
    { items: 300_000, users: 1_500_000, interactions: 33_900_000 },
    { items: 100_000, users: 1_500_000, interactions: 33_900_000 },
    { items: 1_000_000, users: 5_000_000, interactions: 113_000_000, threads: [2], files: true },
  ],
};
const OPTIONS = { lambda: 25, epsilon: 0.01 };
const RANKED = 10_000;
/** Ids and rows of 10⁸ interactions in JavaScript take more than Node's default. */
const ROOM = { execArgv: ['--max-old-space-size=12000'] };

const charts = await import('../peers/charts.mjs').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
});

export async function groups({ parts = Object.keys(CATALOGUES) }) {
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-groups-'));
  try {
    const bundle = pathToFileURL(join(folder, 'groups.mjs')).href;
    await bundleTo(fileURLToPath(bundle));
    for (const part of parts) {
      const runs = [];
      for (const { exact, systems = [undefined], threads = [1], ...catalogue } of CATALOGUES[part]) {
        for (const system of systems) {
          for (const count of threads) {
            runs.push(await fit({ bundle, ...catalogue, exact: false, system, threads: count }));
            report(part, runs);
          }
        }
        if (exact) runs.push(await fit({ bundle, ...catalogue, exact: true, threads: 1 }));
        report(part, runs);
      }
      for (const block of report(part, runs)) show(block);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(part, runs) {
  const blocks = [...blocksOf(runs), ...(part === 'growth' ? growthBlocks(runs) : [])];
  save(`groups/${part}`, 'EASE by groups on generated catalogues', blocks, { options: OPTIONS, runs });
  return blocks;
}

const SERIES = [
  {
    name: '100 rows an item, by items',
    file: 'items',
    of: ({ items, interactions }) => interactions === 113 * items,
    size: 'items',
  },
  { name: '100,000 items, by rows', file: 'rows', of: ({ items }) => items === 100_000, size: 'rows' },
];
const MEASURES = [
  { name: 'processor seconds', unit: 'seconds', value: ({ cpuSeconds }) => cpuSeconds },
  { name: 'linear memory', unit: 'MB', value: ({ linearBytes }) => linearBytes / 1e6 },
];

/** Exponents of both series, and plots where echarts is installed. */
function growthBlocks(runs) {
  return SERIES.flatMap(({ name, file, of, size }) => {
    const found = runs.filter(of).sort((a, b) => a[size] - b[size]);
    if (found.length < 2) return [];
    const curves = MEASURES.map(({ value, ...measure }) => {
      const points = found.map((run) => ({ size: run[size], value: value(run) }));
      return { ...measure, points, slope: exponent(points).slope };
    });
    const exponents = curves.map((curve) => `${curve.name} ∝ ${size}^${curve.slope.toFixed(2)}`).join(', ');
    const panels = curves.map((curve) => ({
      title: curve.name,
      unit: curve.unit,
      curves: [
        { name: `p = ${curve.slope.toFixed(2)}`, points: curve.points.map((point) => [point.size, point.value]) },
      ],
    }));
    const plot =
      charts &&
      savePlot('groups/growth', file, charts.growth({ title: `EASE by groups: ${name}`, axis: size, panels }));
    return [
      `${name[0].toUpperCase()}${name.slice(1)}, ${whole(found[0][size])} to ${whole(found.at(-1)[size])}: ${exponents}.`,
      ...(plot ? [`![${name}](${plot})`] : []),
    ];
  });
}

const whole = (value) => value.toLocaleString('en-US');
const megabytes = (bytes) => whole(Math.round(bytes / 1e6));

function blocksOf(runs) {
  const read = runs.some(({ readSeconds }) => readSeconds !== undefined);
  return [
    `generateMarkets with seed 1, all markets as one, λ = ${OPTIONS.lambda}, ε = ${OPTIONS.epsilon}; from X in compressed rows to B̂ in compressed rows. NDCG@10 of ${whole(RANKED)} held-out items (\`valid\`), each ranked among all items that the user has not, ties against it. Processor time is that of all threads. Memory: linear memory, and the peak of the process beyond what it had with the data alone.${read ? ' Reading: files to `Markets`, on one thread.' : ''}`,
    table(
      [
        ...['items', 'rows', 'way', 'threads', 'seconds', 'processor s'],
        ...(read ? ['reading, s', 'processor s', 'data MB'] : []),
        ...['linear MB', 'process MB', 'entries', 'NDCG@10, %'],
      ],
      runs.map((run) => [
        whole(run.items),
        whole(run.rows),
        run.exact ? 'exact' : run.system ? `systems of ${run.system}` : 'groups',
        run.threads,
        run.seconds.toFixed(2),
        run.cpuSeconds.toFixed(2),
        ...(read
          ? [run.readSeconds?.toFixed(1) ?? '–', run.readCpuSeconds?.toFixed(1) ?? '–', megabytes(run.dataBytes)]
          : []),
        megabytes(run.linearBytes),
        megabytes(run.maxRSS - run.dataBytes),
        whole(run.entries),
        `${(100 * run.ndcg).toFixed(2)} ± ${(100 * run.standardError).toFixed(2)}`,
      ]),
    ),
    table(
      [
        'step of groups, seconds',
        ...runs
          .filter(({ exact }) => !exact)
          .map((run) => [whole(run.items), run.system, run.threads].filter(Boolean).join(', ')),
      ],
      STEPS.map(([name, stage]) => [
        name,
        ...runs.filter(({ exact }) => !exact).map(({ steps }) => (steps[stage] ?? 0).toFixed(2)),
      ]),
    ),
  ];
}

/** What a step is called, and the progress that ends it. */
const STEPS = [
  ['Xᵀ, one thread', 'transpose'],
  ['ranks (one thread), counts of the core', 'ease: counts of the core'],
  ['lists', 'ease: nearest items'],
  ['groups, one thread', 'ease: groups'],
  ['systems', 'ease'],
  ['B̂ by rows, one thread', 'join'],
];

/** The folder of a catalogue's files, made once. */
async function filesOf({ items, users, interactions }) {
  const path = join(cache, `generated-${items}-${users}-${interactions}`);
  if (existsSync(path)) return path;
  note(`${whole(interactions)} interactions of ${whole(items)} items are written to ${path} …`);
  const draft = `${path}.draft`;
  rmSync(draft, { recursive: true, force: true });
  await new Promise((resolve, reject) => {
    const child = fork(new URL('../processes/generated.mjs', import.meta.url), [], ROOM);
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`)));
    child.send({ path: draft, items, users, interactions, ranked: RANKED });
  });
  renameSync(draft, path);
  return path;
}

/** A fit, or what an earlier run of the same build found. */
async function fit({ bundle, ...task }) {
  const key = createHash('sha256')
    .update(JSON.stringify([buildHash(), OPTIONS, RANKED, task]))
    .digest('hex')
    .slice(0, 24);
  const file = join(cache, `groups-${key}.json`);
  if (!existsSync(file)) {
    const run = await fitNow({ bundle, ...task });
    mkdirSync(cache, { recursive: true });
    writeFileSync(file, JSON.stringify({ ...run, load: loadavg()[0] }));
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

async function fitNow({ bundle, files = false, ...task }) {
  const path = files ? await filesOf(task) : undefined;
  const run = await new Promise((resolve, reject) => {
    let result;
    const child = fork(new URL('../processes/groups.mjs', import.meta.url), [], { ...ROOM, serialization: 'advanced' });
    child.once('message', (message) => {
      result = message;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      result ? resolve(result) : reject(new Error(`the fit ended with ${signal ?? `exit code ${code}`}`)),
    );
    const { system, ...rest } = task;
    const shape = system && { group: system / 8, most: (system / 8) * 7 };
    child.send({ bundle, path, ...rest, options: { ...OPTIONS, ...shape }, ranked: RANKED });
  });
  note(
    `${whole(task.items)} items, ${task.exact ? 'exact' : 'groups'}, ${task.threads}: ${run.cpuSeconds.toFixed(1)} s`,
  );
  return { ...task, ...run };
}

/** The library exports no step of training alone, so the sources are bundled. */
function bundleTo(outfile) {
  const from = fileURLToPath(new URL('../../src/', import.meta.url));
  const contents = `export { ease } from './similarity/ease.ts'; export { groupEase } from './similarity/groups.ts'; export { gram } from './matrix/gram.ts'; export { transpose } from './matrix/transpose.ts'; export { mergeInteractions } from './models/interactions.ts'; export { Job } from './common/job.ts'; export { stageContext } from './engine/stage.ts'; export { startThreads } from './threads/pool.ts'; export { nodeWorkers } from './node/threads.ts';`;
  return build({
    stdin: { contents, resolveDir: from },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    loader: { '.wasm': 'binary' },
    outfile,
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as m3recRequire } from 'node:module';\nconst require = m3recRequire(import.meta.url);",
    },
  });
}
