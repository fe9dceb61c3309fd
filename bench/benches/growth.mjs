// Time and memory along each dimension of the input: rows, users, items, markets, columns, length of ids, length of
// histories. All others stay as they are. Each run has a process of its own, and one thread. Runs are kept, so that an
// interrupted bench goes on where it was, and dimensions can be measured one by one.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from '../harness/data.mjs';
import { exponent } from '../harness/exponent.mjs';
import { buildHash, describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';

/** 100,000 rows in 4 markets. */
const BASE = { users: 2500, items: 1000, markets: 4, history: 10, repeats: 1, columns: 0, idLength: 10, asked: 10 };

const DIMENSIONS = [
  {
    name: 'rows',
    about: 'Each row is there so many times; users, items and histories stay the same.',
    unit: 'row',
    sizes: [1, 4, 16],
    shape: (repeats) => ({ repeats }),
    size: (repeats) => 100_000 * repeats,
  },
  {
    name: 'users',
    about: 'Further users with histories of 10.',
    unit: 'user',
    sizes: [2500, 10_000, 40_000],
    shape: (users) => ({ users }),
    size: (users) => 4 * users,
  },
  {
    name: 'items',
    about: 'A larger catalogue for the same number of rows.',
    unit: 'item of a market',
    sizes: [1000, 4000, 16_000],
    shape: (items) => ({ items, users: 10_000 }),
    size: (items) => 4 * items,
  },
  {
    name: 'markets',
    about: 'Further markets of 100 users and 200 items; each shares half of them with the next.',
    unit: 'market',
    sizes: [16, 64, 256],
    shape: (markets) => ({ markets, users: 100, items: 200 }),
    size: (markets) => markets,
  },
  {
    name: 'columns',
    about: 'Columns that nobody reads, in 100,000 rows.',
    unit: 'column',
    sizes: [16, 64, 256, 1024],
    shape: (columns) => ({ columns }),
    size: (columns) => columns,
  },
  {
    name: 'length of ids',
    about: 'Characters of each id of a user and an item.',
    unit: 'character',
    sizes: [16, 64, 256, 1024],
    shape: (idLength) => ({ idLength }),
    size: (idLength) => idLength,
  },
  {
    name: 'length of histories',
    about: 'The same users and items, longer histories; rows grow with them.',
    unit: 'item of a history',
    sizes: [10, 40, 160],
    shape: (history) => ({ history, items: 2000, asked: history }),
    size: (history) => history,
  },
];
/** Shorter times are mostly start-up, and are left out of the exponents. */
const SHORTEST = 0.05;

export async function growth({ parts }) {
  if (process.platform !== 'linux') throw new Error('the memory of a process is read from /proc, which only Linux has');
  show(`growth: ${describe(machine())}`);
  const dimensions = [];
  for (const { name, about, unit, sizes, shape, size } of DIMENSIONS) {
    const runs = [];
    for (const each of sizes) {
      const job = { ...BASE, ...shape(each) };
      if (parts && !parts.includes(name.split(' ').at(-1)) && !existsSync(fileOf(job))) break;
      runs.push({ size: size(each), ...(await kept(job, `${name}: ${count(size(each))} …`)) });
    }
    if (runs.length === sizes.length) dimensions.push({ name, about, unit, runs });
    else note(`${name}: not measured yet`);
  }
  const blocks = [
    `All runs start from ${count(BASE.users * BASE.history * BASE.markets)} rows: ${BASE.markets} markets of ${count(BASE.users)} users with histories of ${BASE.history} and ${count(BASE.items)} items, ids of ${BASE.idLength} characters. One dimension grows at a time. The default model, one thread, processor time. Memory is what the process took at most, without what it had before it began. The exponent p of time or memory ∝ size^p is a least-squares line through the logarithms of the sizes, times below ${1000 * SHORTEST} ms left out; the constant is what the last step adds for one more.`,
    ...dimensions.flatMap(blocksOf),
    '## In short',
    summary(dimensions),
  ];
  for (const block of blocks) show(block);
  save('growth', 'Growth along each dimension of the input', blocks, { dimensions });
}

const count = (number) => number.toLocaleString('en-US');
const total = ({ steps }) => steps.reduce((sum, { seconds }) => sum + seconds, 0);
const peak = ({ steps }) => Math.max(...steps.map(({ bytes }) => bytes));

const fileOf = (job) => {
  const key = createHash('sha256').update(JSON.stringify([buildHash(), job]));
  return join(cache, `growth-${key.digest('hex').slice(0, 24)}.json`);
};

/** A run, or what an earlier one of the same build found. */
async function kept(job, label) {
  const file = fileOf(job);
  if (!existsSync(file)) {
    note(label);
    const result = await once(job);
    mkdirSync(cache, { recursive: true });
    writeFileSync(file, JSON.stringify(result));
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

function once(shape) {
  return new Promise((resolve, reject) => {
    let result;
    const child = fork(new URL('../processes/growth.mjs', import.meta.url));
    child.on('message', (message) => {
      result = message;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      result ? resolve(result) : reject(new Error(`the run ended with ${signal ?? `exit code ${code}`}`)),
    );
    child.send(shape);
  });
}

function blocksOf({ name, about, runs }) {
  const row = (title, values, show) => [
    title,
    ...values.map(show),
    slopeOf(
      runs.map(({ size }, r) => ({ size, value: values[r] })).filter(({ value }) => show !== time || value >= SHORTEST),
    ),
  ];
  const names = runs[0].steps.map((step) => step.name);
  return [
    `## ${name[0].toUpperCase()}${name.slice(1)}`,
    about,
    table(
      [`processor seconds, ${name}`, ...runs.map(({ size }) => count(size)), 'exponent'],
      [
        ...names.map((step, s) =>
          row(
            step,
            runs.map(({ steps }) => steps[s].seconds),
            time,
          ),
        ),
        row('all', runs.map(total), time),
      ],
    ),
    table(
      [`MB, ${name}`, ...runs.map(({ size }) => count(size)), 'exponent'],
      [
        row('most', runs.map(peak), megabytes),
        row(
          'model file',
          runs.map(({ fileBytes }) => fileBytes),
          megabytes,
        ),
      ],
    ),
  ];
}

const time = (seconds) => seconds.toFixed(2);
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const slopeOf = (points) => exponent(points)?.slope.toFixed(2) ?? '–';

function summary(dimensions) {
  return table(
    ['dimension', 'largest', 'time, exponent', 'one more takes', 'memory, exponent', 'one more takes'],
    dimensions.map(({ name, unit, runs }) => {
      const [before, last] = runs.slice(-2);
      const more = last.size - before.size;
      const of = (value) => runs.map((run) => ({ size: run.size, value: value(run) }));
      return [
        name,
        count(last.size),
        slopeOf(of(total)),
        `${quantity((total(last) - total(before)) / more, 's')} per ${unit}`,
        slopeOf(of(peak)),
        `${quantity((peak(last) - peak(before)) / more, 'B')} per ${unit}`,
      ];
    }),
  );
}

function quantity(value, unit) {
  for (const [factor, prefix] of [
    [1e6, 'M'],
    [1e3, 'k'],
    [1, ''],
    [1e-3, 'm'],
    [1e-6, 'µ'],
  ])
    if (Math.abs(value) >= factor) return `${(value / factor).toFixed(1)} ${prefix}${unit}`;
  return `under 1 µ${unit}`;
}
