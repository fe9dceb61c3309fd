// npm run toolchains: the packed package in every toolchain; see README.md here.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { install as installHosts } from '../hosts/install.mjs';

const USAGE = `npm run toolchains -- [options]

Packs the package, installs it for each toolchain, and compares what each answers, by SHA-256.

  --cheap       only what .ci/run has: tools of test/toolchains/package.json and of npm run hosts
  --only NAME   only rows whose name contains NAME (may be given again)
  --save        writes bench/results/toolchains.md and .json; rows that did not run stay as they were saved
  --help        this text
`;
const root = fileURLToPath(new URL('../../', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const windows = process.platform === 'win32';
process.exitCode = await main();

async function main() {
  let options;
  try {
    options = parseArgs({
      options: {
        cheap: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        save: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const begin = performance.now();
  try {
    installHosts();
  } catch (error) {
    process.stderr.write(`the hosts were not installed: ${error.message}\n`);
  }
  const { closeBrowser, NotInstalled } = await import('./steps.mjs');
  const { ROWS } = await import('./rows.mjs');
  const base = mkdtempSync(join(tmpdir(), 'm3rec-toolchains-'));
  const rows = [];
  try {
    const tarball = pack(base);
    const tools = installCheap(base, tarball);
    const wanted = ROWS.filter(
      ({ name, cheap }, r) =>
        r === 0 ||
        ((cheap || !options.cheap) &&
          (!options.only || options.only.some((part) => name.toLowerCase().includes(part.toLowerCase())))),
    );
    const installed = (performance.now() - begin) / 1000;
    process.stderr.write(`packed and installed in ${installed.toFixed(0)} s\n`);
    for (const row of wanted) {
      const folder = join(row.cheap ? tools : base, row.name.replaceAll(/\W+/g, '-'));
      mkdirSync(folder, { recursive: true });
      const start = performance.now();
      const context = { folder, tools, tarball, threads: Math.min(2, availableParallelism()) };
      const done = await row
        .run(context)
        .then((answer) => ({ digest: digestOf(answer) }))
        .catch((error) => (error instanceof NotInstalled ? { missing: error.message } : { error: error.message }));
      const seconds = (performance.now() - start) / 1000;
      const differs = done.digest && rows[0] && done.digest !== rows[0].digest;
      rows.push({
        name: row.name,
        cheap: row.cheap === true,
        seconds,
        ...done,
        ...(differs && { error: `another answer: ${done.digest}` }),
      });
      process.stderr.write(`${row.name}: ${state(rows.at(-1))}, ${seconds.toFixed(1)} s\n`);
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    await closeBrowser();
    rmSync(base, { recursive: true, force: true });
  }
  const all = (performance.now() - begin) / 1000;
  const failed = rows.filter(({ error }) => error);
  const { describe, machine } = await import('../../bench/harness/machine.mjs');
  const { save, show } = await import('../../bench/harness/report.mjs');
  const on = machine();
  for (const row of rows) Object.assign(row, { date: on.date, commit: on.commit });
  show(`toolchains: ${describe(on)}`);
  for (const block of await blocksOf(rows)) show(block);
  process.stdout.write(`${all.toFixed(0)} s\n`);
  if (options.save) {
    const kept = merged(rows, ROWS);
    save('toolchains', 'Toolchains', await blocksOf(kept), { rows: kept }, { everywhere: true });
  }
  return failed.length > 0 ? 1 : 0;
}

async function blocksOf(rows) {
  const { table } = await import('../../bench/harness/report.mjs');
  const failed = rows.filter(({ error }) => error).length;
  const missing = rows.filter((row) => row.missing).length;
  return [
    table(
      ['toolchain', 'in .ci/run', 'result', 's', 'date', 'commit'],
      rows.map((row) => [row.name, row.cheap ? 'yes' : '', state(row), row.seconds.toFixed(1), row.date, row.commit]),
      3,
    ),
    'Every program trains the same small shop and recommends; the result is the SHA-256 of its answer, which is that of Node at the same commit. Seconds include the installation of what is not in .ci/run.',
    `${rows.length - failed - missing} toolchains gave the answer, ${failed} failed, ${missing} could not be installed.`,
  ];
}

/** These rows, and of the others what the last saved run found. */
function merged(rows, all) {
  const file = new URL('../../bench/results/toolchains.json', import.meta.url);
  const saved = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { rows: [] };
  const before = saved.rows.map((row) => ({ date: saved.machine.date, commit: saved.machine.commit, ...row }));
  return all.flatMap(({ name }) => {
    const of = (list) => list.find((row) => row.name === name);
    return of(rows) ?? of(before) ?? [];
  });
}

function npm(args, cwd) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  return execFileSync(windows ? 'npm.cmd' : 'npm', args, { cwd, encoding: 'utf8', shell: windows, stdio });
}

function pack(base) {
  npm(['pack', '--silent', '--pack-destination', base], root);
  return join(
    base,
    readdirSync(base).find((file) => file.endsWith('.tgz')),
  );
}

/** The tools of package.json here, and the package, in a temporary folder. */
function installCheap(base, tarball) {
  const tools = join(base, 'tools');
  mkdirSync(tools);
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(here, file), join(tools, file));
  for (let left = 2; ; left--) {
    try {
      npm(['ci', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'], tools);
      break;
    } catch (error) {
      // rows whose tool is missing say so themselves
      if (left === 0) process.stderr.write(`the tools were not installed: ${error.message}\n`);
      if (left === 0) break;
    }
  }
  const unpacked = join(base, 'unpacked');
  mkdirSync(unpacked);
  writeFileSync(join(unpacked, 'package.json'), '{ "name": "shop", "private": true }');
  npm(['install', '--offline', '--no-audit', '--no-fund', '--silent', tarball], unpacked);
  mkdirSync(join(tools, 'node_modules'), { recursive: true });
  execFileSync('cp', ['-r', join(unpacked, 'node_modules/m3rec'), join(tools, 'node_modules/m3rec')]);
  return tools;
}

function digestOf(answer) {
  return createHash('sha256').update(answer.trim()).digest('hex').slice(0, 16);
}

function state({ digest, error, missing }) {
  if (error) return `failed: ${error.replaceAll('\n', ' ').slice(0, 700)}`;
  return missing ? `not installed: ${missing.slice(0, 200)}` : digest;
}
