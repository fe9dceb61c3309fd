// How time and memory grow with the catalogue and with the interactions: trainings on generated markets, each in a
// process of its own, every result kept so that an interrupted bench goes on where it was. Plots need echarts: npm ci
// --prefix bench/peers.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { cache } from '../harness/data.mjs';
import { exponent } from '../harness/exponent.mjs';
import { buildHash, describe, machine } from '../harness/machine.mjs';
import { note, save, savePlot, show, table } from '../harness/report.mjs';

/**
 * Trainings of all stages, the costly ones cut short, so that the largest ends: times are linear in walks, epochs and
 * dimensions.
 */
const SHORT = { walks: 2, epochs: 1, dim: 32 };
/** As the five real markets have, about. */
const INTERACTIONS_OF_ITEM = 20;
const INTERACTIONS_OF_USER = 8;
/**
 * What is trained at which number of items. Another way to fit EASE is one line more, with a curve and columns of its
 * own names; `model: 'ease'` trains that alone.
 */
const WAYS = [
  { curve: 'EASE of all markets', options: { ...SHORT }, items: [2_000, 5_000, 10_000, 20_000] },
  {
    curve: 'EASE of all markets',
    column: 'exact EASE alone',
    options: { model: 'ease', easeSolver: 'exact' },
    items: [30_000],
  },
  {
    curve: 'EASE of all markets, by groups',
    column: 'EASE by groups alone',
    options: { model: 'ease', easeSolver: 'groups' },
    items: [10_000, 20_000, 30_000],
  },
];
const MANY_ITEMS = 5_000;
const INTERACTIONS = [100_000, 1_000_000, 10_000_000];

const MERGED = 'similarity of all markets';
/** Curves of the plots and rows of the tables next to that of the EASE of all markets, by the stages that they sum. */
const CURVES = [
  { name: 'EASE of each market', part: (stage) => stage.startsWith('similarity of ') && stage !== MERGED },
  { name: `walks (${SHORT.walks} an item)`, part: (stage) => stage === 'walks' },
  { name: 'skip-gram', part: (stage) => stage === 'skip-gram' },
  { name: `adaptation (${SHORT.epochs} epoch)`, part: (stage) => stage === 'adaptation' },
  { name: 'walk scores', part: (stage) => stage === 'walk scores' },
];
const AROUND = ['generate', 'assemble', 'encode', 'load', 'evaluate'].map((name) => ({
  name,
  part: (stage) => stage === name,
}));
/** Shorter times are mostly noise and start-up: they are in the tables, and not in the fits. */
const SHORTEST = 0.02;

const count = (number) => number.toLocaleString('en-US');
const seconds = (value) =>
  value === undefined ? '–' : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
const megabytes = (bytes) => (bytes === undefined ? '–' : count(Math.round(bytes / 1e6)));

export async function scale({ threads = availableParallelism() }) {
  const charts = await import('../peers/charts.mjs').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    note('echarts is not installed (npm ci --prefix bench/peers): tables without plots');
  });
  show(`scale: ${describe(machine())}, ${threads} thread${threads === 1 ? '' : 's'}`);
  const series = [
    {
      title: 'items',
      file: 'items',
      about: `A catalogue of n items has ${INTERACTIONS_OF_ITEM} n interactions.`,
      tasks: WAYS.flatMap(({ items, ...way }) =>
        items.map((n) => ({ ...way, size: n, ...jobOf(n, INTERACTIONS_OF_ITEM * n, way.options, threads) })),
      ),
    },
    {
      title: 'interactions',
      file: 'interactions',
      about: `${count(MANY_ITEMS)} items.`,
      tasks: INTERACTIONS.map((interactions) => ({
        curve: WAYS[0].curve,
        size: interactions,
        ...jobOf(MANY_ITEMS, interactions, { ...SHORT }, threads),
      })),
    },
  ];
  const runs = new Map();
  // what costs least comes first, so that an interrupted bench has the most to show
  for (const { key, job } of series.flatMap(({ tasks }) => tasks).sort((a, b) => cost(a.job) - cost(b.job))) {
    if (runs.has(key)) continue;
    runs.set(key, await once(key, job));
    report(series, runs, threads, charts);
  }
  for (const block of report(series, runs, threads, charts)) show(block);
}

/** A training, and what names it in the cache. */
function jobOf(items, interactions, options, threads) {
  const job = { users: Math.round(interactions / INTERACTIONS_OF_USER), items, interactions, options, threads };
  const key = createHash('sha256')
    .update(JSON.stringify([buildHash(), job]))
    .digest('hex')
    .slice(0, 24);
  return { key, job };
}

const cost = ({ items, interactions }) => items ** 3 + 2e5 * interactions;

/** One training, or what an earlier run of the same build found. */
async function once(key, job) {
  const file = join(cache, `scale-${key}.json`);
  if (!existsSync(file)) {
    note(`${job.options.model ?? 'all stages'}: ${count(job.items)} items, ${count(job.interactions)} interactions …`);
    const load = loadavg()[0];
    const result = { load, ...(await train(job)) };
    mkdirSync(cache, { recursive: true });
    writeFileSync(file, JSON.stringify(result));
  }
  return {
    ...job,
    ...JSON.parse(readFileSync(file, 'utf8')),
    date: statSync(file).mtime.toISOString().slice(0, 16).replace('T', ' '),
  };
}

function train(job) {
  return new Promise((resolve, reject) => {
    const stages = [];
    let result;
    const child = fork(new URL('../processes/scale.mjs', import.meta.url));
    child.on('message', ({ stage, done }) => {
      if (done) result = done;
      else {
        stages.push(stage);
        note(`  ${stage.stage}: ${stage.seconds.toFixed(2)} s`);
      }
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      result
        ? resolve({ ...result, stages })
        : reject(new Error(`training ended with ${signal ?? `exit code ${code}`}`)),
    );
    child.send(job);
  });
}

/** Writes the report of the runs so far, with its plots; returns its blocks. */
function report(series, runs, threads, charts) {
  const blocks = [
    `Generated markets (five, as \`m3rec\`'s generator makes them by default, seed 1), ${INTERACTIONS_OF_USER} interactions a user, two of them held out. Preset default with ${SHORT.walks} walks an item (of 10), ${SHORT.epochs} epoch (of 6) and ${SHORT.dim} dimensions (of 128); ${threads} thread${threads === 1 ? '' : 's'}; each training in a process of its own. Linear memory: the most in use at once during a stage. Process: the most that the whole process held, the generated data included. Each curve's exponent p, time or bytes ∝ size^p, is a least-squares line through the logarithms, over the sizes that it states; times below ${1000 * SHORTEST} ms are left out of it.`,
  ];
  for (const { title, file, about, tasks } of series) {
    const found = tasks
      .filter(({ key }) => runs.has(key))
      .map(({ key, size, curve, column }) => ({ size, curve, column, ...runs.get(key) }));
    if (found.length === 0) continue;
    const times = curvesOf(found, {
      stages: (list) => sum(list.map((stage) => stage.seconds)),
      whole: (run) => run.seconds,
      name: 'training',
    });
    const memory = curvesOf(found, {
      stages: (list) => peak(list.filter(({ peakBytes }) => peakBytes !== undefined).map(({ peakBytes }) => peakBytes)),
      whole: (run) => run.maxRSS,
      name: 'process',
    });
    blocks.push(`## By ${title}`, about);
    if (charts) {
      const plot = savePlot(
        'scale',
        file,
        charts.growth({
          title: `Training by ${title}`,
          axis: title,
          panels: [
            panel(
              'Time',
              'seconds',
              times.filter(({ around }) => !around),
              1,
            ),
            panel('Peak memory: linear, and of the process', 'MB', memory, 1e-6),
          ],
        }),
      );
      blocks.push(`![Time and memory by ${title}](${plot})`);
    }
    const header = (what) => [
      what,
      ...found.map(({ size, column }) => `${count(size)}${column ? `, ${column}` : ''}`),
      'exponent (sizes)',
    ];
    const row = (show) => (curve) => [
      curve.name,
      ...found.map((run) => show(curve.points.find((point) => point.run === run)?.value)),
      exponentOf(curve),
    ];
    const loads = ['load of the machine before', ...found.map(({ load }) => load?.toFixed(1) ?? '–'), '–'];
    blocks.push(
      table(header(`seconds, ${title}`), [...times.map(row(seconds)), loads]),
      table(header(`MB, ${title}`), [...memory, ...sizes(found)].map(row(megabytes))),
    );
    const missing = tasks
      .filter(({ key }) => !runs.has(key))
      .map(({ size, column }) => `${count(size)}${column ? ` (${column})` : ''}`);
    if (missing.length > 0) blocks.push(`Not measured yet: ${missing.join(', ')} ${title}.`);
    blocks.push(`Trained ${[...new Set(found.map(({ date }) => date.slice(0, 10)))].join(', ')}.`);
  }
  save('scale', 'Growth with items and interactions', blocks, { threads, runs: [...runs.values()] });
  return blocks;
}

const sum = (list) => (list.length === 0 ? undefined : list.reduce((total, value) => total + value, 0));
const peak = (list) => (list.length === 0 ? undefined : Math.max(...list));

/**
 * Curves of the stages, those of the whole (of all stages, and of EASE alone by each way), and those of what comes
 * before and after the training.
 */
function curvesOf(found, { stages, whole, name }) {
  const complete = found.filter(({ options }) => options.model === undefined);
  const alone = found.filter(({ options }) => options.model !== undefined);
  const partOf = (part) => (run) => stages(run.stages.filter(({ stage }) => part(stage)));
  const curves = [...new Set(found.map(({ curve }) => curve))].map((each) => ({
    name: each,
    points: pointsOf(
      found.filter(({ curve }) => curve === each),
      partOf((stage) => stage === MERGED),
    ),
  }));
  for (const { name: each, part } of CURVES) curves.push({ name: each, points: pointsOf(complete, partOf(part)) });
  curves.push({ name: `${name}, all stages`, points: pointsOf(complete, whole) });
  for (const column of new Set(alone.map((run) => run.column)))
    curves.push({
      name: `${name}, ${column}`,
      points: pointsOf(
        alone.filter((run) => run.column === column),
        whole,
      ),
    });
  for (const { name: each, part } of AROUND)
    curves.push({ name: each, around: true, points: pointsOf(complete, partOf(part)) });
  return curves.filter(({ points }) => points.length > 0);
}

const pointsOf = (found, measure) =>
  found
    .map((run) => ({ run, size: run.size, value: measure(run) }))
    .filter(({ value }) => value !== undefined)
    .sort((a, b) => a.size - b.size);

const sizes = (found) => [
  { name: 'data in memory, process', points: pointsOf(found, ({ dataBytes }) => dataBytes) },
  { name: 'model file', points: pointsOf(found, ({ fileBytes }) => fileBytes) },
];

function panel(title, unit, curves, factor) {
  const named = ({ name, points }) => {
    const line = fit({ points });
    return {
      name: line ? `${name}, p = ${line.slope.toFixed(2)}` : name,
      points: points.map(({ size, value }) => [size, factor * value]),
    };
  };
  return { title, unit, curves: curves.map(named) };
}

/** Of the points that are not mostly noise. */
const fit = ({ points }) => exponent(points.filter(({ value }) => value >= SHORTEST));

function exponentOf(curve) {
  const line = fit(curve);
  return line ? `${line.slope.toFixed(2)} (${count(line.from)} – ${count(line.to)})` : '–';
}
