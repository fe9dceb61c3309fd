// 10 and 100 machines that nobody here has: the jobs of EASE by groups, their times and bytes measured at five sizes on
// one thread, and from them the time of catalogues up to 10⁶ items and 10⁹ rows, with slow machines and lost ones.
import { existsSync, readFileSync } from 'node:fs';
import { planTraining, Run, runPlan, Warm } from '../../dist/cluster.js';
import { assembleGenerated, generateMarkets } from '../../dist/index.js';
import { mergeMarkets } from '../harness/data.mjs';
import { note, resultFile, save, show, table } from '../harness/report.mjs';
import { Stream } from '../harness/splitmix64.mjs';
import { simulateRun } from './simulator.mjs';

/** Items and rows whose jobs are measured, and those that are reckoned. */
const MEASURED = [
  [10_000, 1_000_000],
  [30_000, 3_000_000],
  [100_000, 1_000_000],
  [100_000, 3_000_000],
  [100_000, 10_000_000],
];
const WANTED = [
  [1e5, 1e7],
  [3e5, 1e8],
  [1e6, 1e9],
];
const MACHINES = [1, 3, 10, 30, 100];
const SEEDS = 15;
const JOB_ITEMS = 1000;
/** The parts of the work, in the order in which they follow each other. `open` comes before a machine's first job. */
const PARTS = ['open', 'nearest', 'order', 'solve', 'join', 'train'];

/** Assumed of machines; all else is measured. */
const FLEET = {
  threads: 16,
  use: 0.8,
  beside: 0.01,
  link: 1.25e9,
  lossHours: 24,
  slowMachines: 0.05,
  slowFactor: 3,
  slowJobs: 0.01,
  jobFactor: 5,
};
const STORES = { 'a file server, 1.25 GB/s': 1.25e9, 'S3, 25 GB/s': 25e9 };

export async function simulate(_, places) {
  const measured = measuredBefore() ?? [];
  if (measured.length > 0)
    note('cluster simulate: jobs as they were measured before; remove the result to measure again');
  else
    for (const [items, rows] of MEASURED) {
      note(`cluster simulate: measuring ${items} items, ${rows} rows`);
      measured.push(await measure(items, rows, places));
    }
  const fits = Object.fromEntries(PARTS.map((part) => [part, fit(measured, (size) => size.parts[part].seconds)]));
  const bytes = Object.fromEntries(
    PARTS.map((part) => [part, ['read', 'written'].map((way) => fit(measured, (size) => size.parts[part][way]))]),
  );
  const found = [];
  for (const [items, rows] of WANTED)
    for (const [store, storeRate] of Object.entries(STORES))
      for (const machines of MACHINES)
        found.push(runs(items, rows, { ...FLEET, storeRate, machines }, store, fits, bytes));
  report(measured, fits, found);
}

/** What the last run on this kind of machine measured. */
function measuredBefore() {
  const file = new URL(`${resultFile('cluster/simulation')}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).measured : undefined;
}

/** Jobs of one plan in this process: processor seconds and bytes of each part in all. */
async function measure(items, rows, places) {
  const users = Math.round(rows / 20);
  const data = mergeMarkets(assembleGenerated(generateMarkets({ seed: 1, items, users, interactions: rows })));
  const { store } = await places.store();
  const plan = await planTraining(store, data, { model: 'ease' }, { jobItems: JOB_ITEMS }, 'bench');
  const parts = Object.fromEntries(PARTS.map((part) => [part, { jobs: 0, seconds: 0, read: 0, written: 0 }]));
  const warm = new Warm();
  let cpu = process.cpuUsage();
  let before = { ...store.traffic };
  await runPlan(new Run(plan), store, warm, {
    onJob(job, { record }) {
      const { user, system } = process.cpuUsage(cpu);
      const part = parts[plan.jobs[job].kind];
      // the clock of what was opened, by its share of the job's
      const opening = ((record.measured?.opening ?? 0) / record.seconds) * ((user + system) / 1e6);
      const shared = record.measured?.opening ? store.traffic.read - before.read : 0;
      part.jobs++;
      part.seconds += (user + system) / 1e6 - opening;
      part.read += store.traffic.read - before.read - shared;
      part.written += store.traffic.written - before.written;
      if (opening > 0) Object.assign(parts.open, { jobs: 1, seconds: opening, read: shared });
      cpu = process.cpuUsage();
      before = { ...store.traffic };
    },
  });
  await warm.close();
  return { items: data.items.length, rows: data.markets[0].interactions.indices.length, jobs: plan.jobs.length, parts };
}

/** value ≈ c · items^a · rows^b, by least squares on the logarithms; 0 where nothing was seen. */
function fit(measured, seen) {
  const points = measured.filter((size) => seen(size) > 0);
  if (points.length < 3) return { at: () => 0, a: 0, b: 0 };
  const rows = points.map((size) => [1, Math.log(size.items), Math.log(size.rows)]);
  const values = points.map((size) => Math.log(seen(size)));
  // normal equations of three unknowns, by elimination
  const system = [0, 1, 2].map((i) => [
    ...[0, 1, 2].map((j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)),
    rows.reduce((sum, row, r) => sum + row[i] * values[r], 0),
  ]);
  for (let i = 0; i < 3; i++)
    for (let k = 0; k < 3; k++) {
      if (k === i) continue;
      const factor = system[k][i] / system[i][i];
      for (let j = 0; j < 4; j++) system[k][j] -= factor * system[i][j];
    }
  const [c, a, b] = system.map((row, i) => row[3] / row[i]);
  return { at: (items, count) => Math.exp(c) * items ** a * count ** b, a, b };
}

/** The jobs of a plan for a catalogue, as planTraining cuts it. */
function jobsOf(items, rows, fits, bytes) {
  const solving = Math.ceil(items / JOB_ITEMS);
  const counts = { nearest: Math.ceil(solving / 2), order: 1, solve: solving, join: 1, train: 1 };
  const jobs = [];
  let before = [];
  for (const kind of PARTS.slice(1)) {
    const count = counts[kind];
    const [read, written] = bytes[kind].map((each) => each.at(items, rows) / count);
    const each = { kind, seconds: fits[kind].at(items, rows) / count, read, written, after: before };
    const spread = kind === 'nearest' || kind === 'solve';
    before = Array.from({ length: count }, () => jobs.push({ ...each, parallel: spread, warm: spread }) - 1);
  }
  return jobs;
}

function runs(items, rows, fleet, store, fits, bytes) {
  const jobs = jobsOf(items, rows, fits, bytes);
  const open = { seconds: fits.open.at(items, rows), read: bytes.open[0].at(items, rows) };
  const calm = simulateRun(jobs, open, { ...fleet, lossHours: 0, slowMachines: 0, slowJobs: 0 }, () => 0.5);
  const rough = Array.from({ length: SEEDS }, (_, seed) => {
    const stream = new Stream(seed, 1, 0);
    let drawn = 0;
    return simulateRun(jobs, open, fleet, () => {
      stream.draw(drawn++);
      return stream.unit();
    });
  });
  const by = (key) => rough.map((run) => run[key]).sort((a, b) => a - b);
  return {
    items,
    rows,
    store,
    machines: fleet.machines,
    jobs: jobs.length,
    calm: calm.makespan,
    median: by('makespan')[SEEDS >> 1],
    worst: by('makespan').at(-1),
    bytes: by('bytes')[SEEDS >> 1],
    twice: by('twice')[SEEDS >> 1],
    lost: by('lost')[SEEDS >> 1],
  };
}

const clock = (seconds) =>
  seconds < 100
    ? `${seconds.toFixed(1)} s`
    : seconds < 6000
      ? `${(seconds / 60).toFixed(1)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

function report(measured, fits, found) {
  const seconds = table(
    ['items', 'rows', 'jobs', ...PARTS],
    measured.map(({ items, rows, jobs, parts }) => [
      items.toLocaleString('en'),
      rows.toLocaleString('en'),
      jobs,
      ...PARTS.map((part) => parts[part].seconds.toFixed(2)),
    ]),
  );
  const megabytes = table(
    ['items', 'rows', ...PARTS],
    measured.map(({ items, rows, parts }) => [
      items.toLocaleString('en'),
      rows.toLocaleString('en'),
      ...PARTS.map((part) => `${(parts[part].read / 1e6).toFixed(1)} + ${(parts[part].written / 1e6).toFixed(1)}`),
    ]),
  );
  const exponents = table(
    ['seconds ∝ items^a · rows^b', ...PARTS],
    ['a', 'b'].map((name) => [name, ...PARTS.map((part) => fits[part][name].toFixed(2))]),
  );
  const alone = ({ items, rows, store }) =>
    found.find((each) => each.items === items && each.rows === rows && each.store === store && each.machines === 1);
  const rows = found.map((each) => [
    `${each.items.toExponential(0).replace('e+', 'e')} / ${each.rows.toExponential(0).replace('e+', 'e')}`,
    each.store,
    each.machines,
    each.jobs,
    clock(each.calm),
    (alone(each).calm / each.calm).toFixed(1),
    clock(each.median),
    clock(each.worst),
    (each.bytes / 1e9).toFixed(1),
    each.twice,
  ]);
  const reckoned = table(
    [
      'items / rows',
      'store',
      'machines',
      'jobs',
      'nothing goes wrong',
      'times sooner',
      'median',
      'worst',
      'GB moved',
      'begun twice',
    ],
    rows,
    2,
  );
  const blocks = [
    `The jobs of \`--model ease\` on generated catalogues (\`generateMarkets\`, seed 1, markets merged, ${JOB_ITEMS.toLocaleString('en')} items a job), processor seconds of one thread, all jobs of a kind together; \`open\` is what a machine does before its first job: X both ways in linear memory.`,
    seconds,
    'MB read and written:',
    megabytes,
    exponents,
    `Reckoned from these for a machine of ${FLEET.threads} threads, of which ${100 * FLEET.use} % count in \`nearest\` and \`solve\`; all other parts on one. ${FLEET.beside} s beside each job, ${FLEET.link / 1e9} GB/s a machine. What goes wrong, ${SEEDS} seeds: each machine is lost every ${FLEET.lossHours} h in the mean, seen after 20 s and replaced after 120 s; ${100 * FLEET.slowMachines} % of machines are ${FLEET.slowFactor} times slower, ${100 * FLEET.slowJobs} % of jobs take ${FLEET.jobFactor} times as long. 10⁹ rows are beyond one linear memory of this build (X both ways takes 12 GB): that row says what it would take if X came in ranges.`,
    reckoned,
  ];
  save('cluster/simulation', 'Several machines: 10 and 100 of them, reckoned', blocks, { measured, found });
  show(`${seconds}\n\n${exponents}\n\n${reckoned}`);
}
