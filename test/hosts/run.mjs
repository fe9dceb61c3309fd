// npm run hosts: the contract on every host; see README.md here.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { install } from './install.mjs';

const USAGE = `npm run hosts -- [options]

Runs one contract on every host and compares what each computed, by SHA-256 of the results.

  --only NAME   only hosts whose name contains NAME (may be given again)
  --strict      a host that cannot be installed here is a failure
  --save        writes bench/results/hosts.md and .json
  --help        this text
`;
const SECONDS = 60;
const TRIES = 2;

process.exitCode = await main();

async function main() {
  let options;
  try {
    options = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        strict: { type: 'boolean' },
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
  install();
  // what follows needs the installed packages
  const { makeInputs } = await import('./inputs.mjs');
  const { HOSTS } = await import('./hosts.mjs');
  const { describe, machine } = await import('../../bench/harness/machine.mjs');
  const { save, show, table } = await import('../../bench/harness/report.mjs');

  const folder = mkdtempSync(join(tmpdir(), 'm3rec-hosts-'));
  const rows = [];
  try {
    await makeInputs(folder);
    for (const host of HOSTS) {
      // the first host is what the others are compared with
      if (
        options.only &&
        rows.length > 0 &&
        !options.only.some((name) => host.name.toLowerCase().includes(name.toLowerCase()))
      )
        continue;
      const compared = async () => {
        const found = await runHost(host, folder);
        found.differs = found.digests && firstDifference(found.digests, expectedOf(host, rows[0] ?? found));
        return found;
      };
      let row = await compared();
      if (row.differs) {
        const again = [await compared(), await compared()];
        if (again.every(({ differs, error }) => !differs && !error)) row = { ...again[0], once: state(row) };
      }
      rows.push(row);
      process.stderr.write(`${row.name}: ${state(row)}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const failed = rows.filter((row) => row.error || row.differs || (row.skipped && options.strict));
  const stages = Object.entries(rows[0].digests ?? {});
  const blocks = [
    table(
      ['host', 'version', 'result', 'threads', 'cold start, ms', 'all, s'],
      rows.map((row) => [
        row.name,
        row.version ?? '–',
        state(row),
        row.threads?.threads ?? '–',
        row.coldStart?.toFixed(1) ?? '–',
        row.seconds?.toFixed(1) ?? '–',
      ]),
      3,
    ),
    'Cold start: instantiating the kernels, loading a model file of two hundred kilobytes and the first recommendation, the median of five; not told where the host stops its clock. All: with the start of the host. Threads: of the stages that train on threads.',
    table(['stage', 'SHA-256 of its results'], stages, 2),
  ];
  const ran = rows.filter(({ digests }) => digests).length;
  const summary = `${ran} hosts ran the contract, ${failed.length} failed, ${rows.filter(({ skipped }) => skipped).length} skipped`;
  show(`hosts: ${describe(machine())}`);
  for (const block of blocks) show(block);
  process.stdout.write(`${summary}\n`);
  for (const row of failed) process.stdout.write(`${row.name}: ${state(row)}\n`);
  for (const { name, once } of rows) if (once) process.stdout.write(`${name}: one run of three ${once}\n`);
  if (options.save) save('hosts', 'The same bits on every host', [...blocks, summary], { rows }, { everywhere: true });
  return failed.length > 0 ? 1 : 0;
}

async function runHost(host, folder) {
  const missing = host.needs?.filter((file) => !existsSync(file)) ?? [];
  if (missing.length > 0) return { name: host.name, skipped: `${missing.join(', ')} not installed` };
  let problem;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const begin = performance.now();
    try {
      const { error, ...found } = await host.run(folder, SECONDS);
      if (error) throw new Error(error);
      if (found.threads?.threads !== host.threads)
        throw new Error(
          `it has ${found.threads?.threads} threads (${found.threads?.reason}), expected ${host.threads}`,
        );
      return { name: host.name, ...found, seconds: (performance.now() - begin) / 1000 };
    } catch (error) {
      problem = error.message;
    }
  }
  return { name: host.name, error: problem };
}

/** What the first host computed of the stages that this one can run. */
function expectedOf({ stages }, { digests = {} }) {
  return stages ? Object.fromEntries(stages.map((stage) => [stage, digests[stage]])) : digests;
}

function firstDifference(found, expected) {
  return Object.keys(expected).find((stage) => found[stage] !== expected[stage]);
}

function state({ skipped, error, differs, digests }) {
  if (skipped) return `skipped: ${skipped}`;
  if (error) return `failed: ${error}`;
  return differs
    ? `differs at stage ${differs}: ${digests[differs]}`
    : `${Object.keys(digests).length} of ${Object.keys(digests).length} the same`;
}
