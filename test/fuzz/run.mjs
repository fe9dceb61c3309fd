// npm run fuzz: bundles the targets, runs their cases in a process that is watched, prints what came of them, keeps
// failures.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { describe, machine } from '../../bench/harness/machine.mjs';
import { save, table } from '../../bench/harness/report.mjs';
import { listSites, SiteFinder } from './sites.mjs';

const USAGE = `npm run fuzz -- [options]

  --count N        mutated model files; the other targets get a part of that (default 120000)
  --seed S         0 to 4294967295 (default 1)
  --target A,B     only these targets, with all N cases each
  --replay         only the inputs of the corpus
  --corpus DIR     where failing inputs are kept and replayed from (default test/fuzz/corpus)
  --patience S     seconds after which a case that has not returned has hung (default 5)
  --record         write bench/results/fuzz.{md,json}, or fuzz/A-B.{md,json}
  --help           this text

A failing input is written to the corpus; the exit code is then 1.
`;
/** Of the worker's JavaScript heap, in MiB; single arrays are watched by their size (engine.ts). */
const HEAP = 256;
/** Inputs kept of one kind of failure. */
const KEPT = 2;

const here = fileURLToPath(new URL('.', import.meta.url));
let corpus = join(here, 'corpus');
let patience = 5;
async function main() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        count: { type: 'string', default: '120000' },
        seed: { type: 'string', default: '1' },
        target: { type: 'string' },
        replay: { type: 'boolean' },
        corpus: { type: 'string' },
        patience: { type: 'string', default: '5' },
        record: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    return wrong(error.message);
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const count = Number(values.count);
  const seed = Number(values.seed);
  if (!Number.isInteger(count) || count < 1 || count > 1e9)
    return wrong(`--count: found ${values.count}, expected an integer from 1`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    return wrong(`--seed: found ${values.seed}, expected an integer from 0 to 4294967295`);
  patience = Number(values.patience);
  if (!(patience > 0 && patience <= 3600))
    return wrong(`--patience: found ${values.patience}, expected a number of seconds`);
  corpus = values.corpus ?? corpus;

  const folder = mkdtempSync(join(tmpdir(), 'm3rec-fuzz-'));
  try {
    const bundle = join(folder, 'bundle.mjs');
    await build({
      entryPoints: [join(here, 'worker.ts')],
      outfile: bundle,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      loader: { '.wasm': 'binary' },
      // the package says that its sources have no side effects; what embeds the kernels for tests has one
      ignoreAnnotations: true,
      sourcemap: 'external',
      logLevel: 'warning',
    });
    const { targets, make } = await import(pathToFileURL(bundle).href);
    const names = targets.map(({ name }) => name);
    const chosen = values.target?.split(',');
    if (chosen && !chosen.every((name) => names.includes(name)))
      return wrong(`--target: found ${values.target}, expected some of ${names.join(', ')}`);
    const plans = targets
      .filter(({ name, share }) => (chosen ? chosen.includes(name) : share > 0))
      .map(({ name, share }) => {
        if (values.replay) return replay(name);
        return {
          target: name,
          seed,
          to: Math.ceil(count * (chosen ? 1 : share)),
          input: (index) => make(name, seed, index),
        };
      })
      .filter(({ to }) => to > 0);
    if (plans.length === 0) return wrong(`${corpus}: no inputs there`);
    const finder = new SiteFinder(bundle);
    const results = [];
    for (const plan of plans) results.push(await runPlan(bundle, plan, finder));
    return report(results, {
      count,
      seed,
      chosen,
      replayed: values.replay === true,
      record: values.record === true,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function wrong(message) {
  process.stderr.write(`fuzz: ${message}\n\n${USAGE}`);
  return 2;
}

function replay(target) {
  const files = readdirSync(corpus).filter((name) => name.startsWith(`${target}-`));
  const inputs = files.map((name) => new Uint8Array(readFileSync(join(corpus, name))));
  return { target, seed: 0, to: inputs.length, inputs, files, input: async (index) => inputs[index] };
}

/** Runs all cases of a target; a case that ends its worker is a failure, and another worker goes on after it. */
async function runPlan(bundle, plan, finder) {
  const result = { ...plan, cases: 0, seconds: 0, peakRss: 0, kinds: new Map(), sites: new Map(), failures: [] };
  const start = performance.now();
  for (let from = 0; from < plan.to; ) {
    const before = result.cases;
    const current = join(dirname(bundle), 'current');
    writeFileSync(current, new Uint32Array([from, 0]));
    const end = await runWorker(
      bundle,
      { target: plan.target, seed: plan.seed, from, to: plan.to, inputs: plan.inputs, files: plan.files, current },
      result,
      finder,
    );
    if (end === 'done') break;
    const [index] = placeOf(current);
    const name = plan.files?.[index] ?? `case ${index} of seed ${plan.seed}`;
    result.failures.push({
      target: plan.target,
      signature: plan.files ? `${name}: ${end}` : end,
      report: `${name}: ${end}`,
      input: await plan.input(index),
    });
    add(result.kinds, 'FAILURE', 1);
    const silent = index - from - (result.cases - before);
    if (silent > 0) add(result.kinds, 'not reported', silent);
    result.cases = before + index - from + 1;
    from = index + 1;
  }
  result.seconds = (performance.now() - start) / 1000;
  progress(result, true);
  return result;
}

/** Which case is running, and how many runs there were. */
function placeOf(current) {
  const bytes = readFileSync(current);
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}

function runWorker(bundle, order, result, finder) {
  return new Promise((resolve) => {
    const worker = fork(bundle, ['work'], {
      execArgv: [`--max-old-space-size=${HEAP}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let complaint = '';
    worker.stderr.setEncoding('utf8').on('data', (text) => {
      complaint = (complaint + text).slice(0, 4000);
    });
    worker.send(order);
    let moved = performance.now();
    let last = -1;
    const watch = setInterval(() => {
      const [, runs] = placeOf(order.current);
      if (runs !== last) {
        last = runs;
        moved = performance.now();
      } else if (performance.now() - moved > (runs === 0 ? 60 : patience) * 1000)
        finish(`no return within ${runs === 0 ? 60 : patience} s`);
    }, 200);
    const finish = (end) => {
      clearInterval(watch);
      resolve(end);
      worker.kill('SIGKILL');
    };
    worker.on('message', (message) => {
      if (message === 'done') return finish('done');
      result.cases += message.cases;
      result.peakRss = Math.max(result.peakRss, message.rss);
      for (const [kind, n] of message.kinds) add(result.kinds, kind, n);
      for (const [stack, n] of message.stacks) add(result.sites, finder.find(stack), n);
      result.failures.push(
        ...message.failures.map((failure) => ({
          ...failure,
          report: `${order.files?.[failure.index] ?? `case ${failure.index} of seed ${order.seed}`}, ${finder.readable(failure.report)}`,
        })),
      );
      progress(result);
    });
    worker.on('exit', (code, signal) =>
      finish(
        complaint === ''
          ? `the case never settled (${signal ?? `exit ${code}`})`
          : `the process ended (${signal ?? `exit ${code}`}): ${/^.*(?:FATAL|Error).*$/m.exec(complaint)?.[0] ?? complaint}`,
      ),
    );
  });
}

const add = (counts, key, n) => counts.set(key, (counts.get(key) ?? 0) + n);
const whole = (n) => n.toLocaleString('en-US');

let shown = 0;
let began = performance.now();
function progress({ target, cases, to, seconds, failures }, last = false) {
  const now = performance.now();
  if (!last && now - shown < 2000) return;
  shown = now;
  const spent = seconds || (now - began) / 1000;
  process.stderr.write(
    `${target}: ${whole(cases)} of ${whole(to)}, ${whole(Math.round(cases / spent))} cases/s${failures.length > 0 ? `, ${failures.length} FAILURES` : ''}\n`,
  );
  if (last) began = now;
}

function report(results, { count, seed, chosen, replayed, record }) {
  const failures = results.flatMap((result) => result.failures);
  const kinds = [...new Set(results.flatMap((result) => [...result.kinds.keys()]))].sort();
  const outcomes = table(
    ['target', 'cases', 'cases/s', ...kinds],
    results.map((result) => [
      result.target,
      whole(result.cases),
      whole(Math.round(result.cases / result.seconds)),
      ...kinds.map((kind) => whole(result.kinds.get(kind) ?? 0)),
    ]),
  );
  const hits = new Map();
  for (const { sites } of results) for (const [site, n] of sites) add(hits, site, n);
  const sites = listSites().map((site) => ({ ...site, hits: hits.get(`${site.file}:${site.line}`) ?? 0 }));
  const files = [...new Set(sites.map(({ file }) => file))];
  const reached = table(
    ['source', 'refusals', 'reached'],
    files.map((file) => [
      file,
      sites.filter((site) => site.file === file).length,
      sites.filter((site) => site.file === file && site.hits > 0).length,
    ]),
  );
  const place = ({ file, line, text, hits: n }) => [
    `${file}:${line}`,
    text.replaceAll('|', '\\|').replace(/\s+/g, ' ').slice(0, 110),
    whole(n),
  ];
  const missed = sites.filter((site) => site.hits === 0);
  const lists = table(
    ['refusal', 'source', 'hits'],
    sites.filter(({ file }) => file.startsWith('src/model/')).map(place),
    2,
  );
  const peak = Math.round(Math.max(...results.map(({ peakRss }) => peakRss)) / 2 ** 20);
  const head = replayed
    ? `Replayed ${results.reduce((sum, { cases }) => sum + cases, 0)} inputs of the corpus.`
    : `npm run fuzz -- ${chosen ? `--target ${chosen} ` : ''}--count ${count} --seed ${seed}: ${failures.length} failures; peak memory of the process ${peak} MiB.`;
  const blocks = [
    head,
    outcomes,
    reached,
    `Refusals of the model file's validator and encoder, and how often each was reached:\n\n${lists}`,
    missed.length === 0
      ? 'Every refusal was reached.'
      : `Not reached:\n\n${table(['refusal', 'source', 'hits'], missed.map(place), 2)}`,
  ];
  const said = replayed || chosen ? [head, outcomes] : blocks;
  for (const block of said) process.stdout.write(`${block}\n\n`);
  if (record) {
    const figures = results.map(({ target, cases, seconds, kinds: each }) => ({
      target,
      cases,
      seconds: Number(seconds.toFixed(1)),
      kinds: Object.fromEntries(each),
    }));
    save(
      chosen ? `fuzz/${chosen.join('-')}` : 'fuzz',
      'Fuzzing',
      said,
      { count, seed, failures: failures.length, peakMiB: peak, targets: figures, ...(!chosen && { sites }) },
      { everywhere: true },
    );
    process.stdout.write(`${describe(machine())}\n`);
  }
  keep(failures, replayed);
  return failures.length > 0 ? 1 : 0;
}

/** Prints failures, each kind with its count, and writes the first inputs of each kind to the corpus. */
function keep(failures, replayed) {
  const bySignature = groupBySignature(failures);
  for (const [, alike] of bySignature) {
    process.stdout.write(`FAILURE, ${alike.length} times: ${alike[0].report}\n`);
    if (replayed) continue;
    mkdirSync(corpus, { recursive: true });
    for (const { target, input } of alike.slice(0, KEPT)) {
      const path = join(corpus, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 10)}.bin`);
      writeFileSync(path, input);
      process.stdout.write(`  input kept: ${path}\n`);
    }
  }
}

function groupBySignature(failures) {
  const groups = new Map();
  for (const failure of failures) groups.set(failure.signature, [...(groups.get(failure.signature) ?? []), failure]);
  return groups;
}

process.exitCode = await main();
