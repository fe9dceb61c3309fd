// npm run attack: what is tried against the built package, beyond the fuzzer; see README.md here.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describe, machine } from '../../bench/harness/machine.mjs';
import { table } from '../../bench/harness/report.mjs';
import { Stream } from '../../bench/harness/splitmix64.mjs';

const NAMES = ['large', 'closes', 'kills', 'hangs', 'updates'];
const USAGE = `npm run attack -- [options]

  --only NAME   one of ${NAMES.join(', ')} (may be given again)
  --rounds N    of each (large 150, closes 60, kills 150, hangs 8, updates 20)
  --seed N      of all that is drawn (1)
  --save        writes bench/results/attacks.md and .json; attacks that did not run stay as they were saved
  --help        this text
`;

/** Draws by (seed, attack, round). */
class Random {
  constructor(seed, stream, round) {
    this.stream = new Stream(seed, stream, round);
    this.counter = 0;
  }
  below(n) {
    this.stream.draw(this.counter++);
    return this.stream.below(n);
  }
  of(list) {
    return list[this.below(list.length)];
  }
  unit() {
    return this.below(2 ** 30) / 2 ** 30;
  }
}

process.exitCode = await main();

async function main() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      save: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const wrong = values.only?.find((name) => !NAMES.includes(name));
  if (wrong !== undefined || !/^\d{1,9}$/.test(values.seed) || !/^\d{0,6}$/.test(values.rounds ?? '')) {
    process.stderr.write(USAGE);
    return 2;
  }
  const rows = [];
  for (const name of NAMES) {
    if (values.only && !values.only.includes(name)) continue;
    rows.push(await attack(name, Number(values.seed), values.rounds && Number(values.rounds)));
  }
  process.stdout.write(`${blocksOf(rows, values.seed).join('\n\n')}\n`);
  if (values.save) save(rows, values.seed);
  return rows.some(({ found }) => found.length > 0) ? 1 : 0;
}

function blocksOf(rows, seed) {
  const failures = rows.reduce((sum, { found }) => sum + found.length, 0);
  return [
    `npm run attack -- --seed ${seed}: ${failures} failures.`,
    table(
      ['attack', 'rounds', 'seconds', 'counted', 'failures'],
      rows.map(({ name, rounds, seconds, counts, found }) => [
        name,
        rounds,
        seconds.toFixed(0),
        Object.entries(counts)
          .map(([what, n]) => `${n.toLocaleString('en-US')} ${what}`)
          .join(', '),
        found.length,
      ]),
    ),
    ...rows.map(({ name, about }) => `*${name}*: ${about}.`),
  ];
}

/** Writes the results; attacks that did not run stay as they were saved. */
function save(rows, seed) {
  const file = fileURLToPath(new URL('../../bench/results/attacks', import.meta.url));
  const saved = existsSync(`${file}.json`) ? JSON.parse(readFileSync(`${file}.json`, 'utf8')).attacks : [];
  const attacks = NAMES.flatMap((name) => {
    const of = (list) => list.find((each) => each.name === name);
    return of(rows) ?? of(saved) ?? [];
  });
  writeFileSync(`${file}.md`, `${['# Attacks', describe(machine()), ...blocksOf(attacks, seed)].join('\n\n')}\n`);
  writeFileSync(`${file}.json`, `${JSON.stringify({ machine: machine(), seed, attacks }, null, 1)}\n`);
}

async function attack(name, seed, wanted) {
  const { about, attack: once, prepare, rounds } = await import(`./${name}.mjs`);
  const folder = mkdtempSync(join(tmpdir(), `m3rec-attack-${name}-`));
  const counts = new Map();
  const found = [];
  const count = (what, n = 1) => counts.set(what, (counts.get(what) ?? 0) + n);
  count.of = (what) => counts.get(what) ?? 0;
  count.most = (what, n) => counts.set(what, Math.max(counts.get(what) ?? 0, n));
  const begun = performance.now();
  const most = wanted ?? rounds;
  try {
    mkdirSync(folder, { recursive: true });
    await prepare?.({ folder });
    for (let round = 0; round < most; round++) {
      const random = new Random(seed, NAMES.indexOf(name), round);
      try {
        await once({ round, random, found, count, folder });
      } catch (error) {
        found.push(`round ${round}: ${error.stack}`);
      }
      if (found.length > 20) break;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const each of found.slice(0, 20)) process.stderr.write(`${name}: ${each}\n`);
  const seconds = (performance.now() - begun) / 1000;
  process.stderr.write(`${name}: ${most} rounds, ${found.length} failures, ${seconds.toFixed(0)} s\n`);
  return { name, about, rounds: most, seconds, counts: Object.fromEntries(counts), found };
}
