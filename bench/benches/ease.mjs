// EASE on all markets as one, from X to B̂: by groups, and exactly by sparse elimination and by the dense sweep, beside
// SciPy's potrf + potri. Each fit is a process of its own; the sides take turns, ROUNDS times.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { resolveOptions } from '../../dist/index.js';
import { loadMarkets, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { median } from '../harness/timer.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';

const ROUNDS = 3;
/** Parts that can be run alone: SciPy is beside each. */
const WAYS = { groups: ['groups'], exact: ['sparse', 'dense'] };
/** Of a kept entry of B̂, |found − f64| / f64. */
const TOLERANCE = 1e-3;

const ONE = 'SciPy, 1 thread';

const seconds = (value) => value.toFixed(2);
const megabytes = (bytes) => Math.round(bytes / 1e6);

export async function ease({ parts = Object.keys(WAYS) }) {
  const python = pythonWith('numpy', 'scipy');
  if (!python) note('SciPy is not installed (Debian: python3-scipy): not compared with');
  const { name, markets } = await loadMarkets();
  const { interactions } = mergeMarkets(markets).markets[0];
  const { lambdaF: lambda, epsilon } = resolveOptions({ model: 'ease' });
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-ease-'));
  try {
    writeFileSync(join(folder, 'indptr'), interactions.indptr);
    writeFileSync(join(folder, 'indices'), interactions.indices);
    const bundle = pathToFileURL(join(folder, 'ease.mjs')).href;
    await bundleTo(fileURLToPath(bundle));
    const { rows, cols } = interactions;
    const sides = {};
    const side = (name, threads, once) => {
      sides[`${name}, ${threads} thread${threads === 1 ? '' : 's'}`] = once;
    };
    for (const threads of [1, 2]) {
      for (const way of parts.flatMap((part) => WAYS[part]))
        side(way, threads, () => fitOnce({ bundle, folder, rows, cols, lambda, epsilon, way, threads }));
      if (python)
        side('SciPy', threads, () =>
          scipyOnce(python, { folder, rows, cols, lam: lambda, epsilon, double: false }, threads),
        );
    }
    const runs = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
    let reference;
    if (python) {
      await scipyOnce(python, { folder, rows, cols, lam: lambda, epsilon, double: true }, 2);
      reference = readSimilarity(folder);
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [side, once] of Object.entries(sides)) {
        const run = await once();
        const similarity = readSimilarity(folder);
        reference ??= similarity;
        Object.assign(run, differences(similarity, reference));
        runs[side].push(run);
        note(`round ${round + 1}, ${side}: ${seconds(run.seconds)} s`);
      }
    }
    return report(parts.length === 1 ? `ease/${parts[0]}` : 'ease', name, interactions, { lambda, epsilon }, runs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(result, name, { rows, cols, indices }, { lambda, epsilon }, runs) {
  const of = (side, value) => median(runs[side].map(value));
  const whole = Object.fromEntries(Object.keys(runs).map((side) => [side, of(side, (run) => run.seconds)]));
  const inverse = Object.fromEntries(Object.keys(runs).map((side) => [side, of(side, (run) => run.inverseSeconds)]));
  const processor = Object.fromEntries(Object.keys(runs).map((side) => [side, of(side, (run) => run.cpuSeconds)]));
  const peer = 'SciPy, 2 threads';
  const ratio = (times, side) => (times[peer] ? (times[side] / times[peer]).toFixed(2) : '–');
  const lines = Object.keys(runs).map((side) => [
    side,
    seconds(whole[side]),
    ratio(whole, side),
    seconds(processor[side]),
    processor[ONE] ? (processor[side] / processor[ONE]).toFixed(3) : '–',
    side.startsWith('groups') ? '–' : seconds(inverse[side]),
    side.startsWith('groups') ? '–' : ratio(inverse, side),
    megabytes(Math.max(...runs[side].map(({ maxRSS }) => maxRSS))),
    side.startsWith('SciPy') ? '–' : megabytes(Math.max(...runs[side].map(({ peakBytes }) => peakBytes))),
    runs[side][0].entries.toLocaleString('en-US'),
    ...(side.startsWith('groups')
      ? ['–', '–']
      : [
          Math.max(...runs[side].map(({ relative }) => relative)).toExponential(1),
          Math.max(...runs[side].map(({ rms }) => rms)).toExponential(1),
        ]),
  ]);
  const blocks = [
    `Data: ${name}, all markets as one, ${rows.toLocaleString('en-US')} users × ${cols.toLocaleString('en-US')} items, ${indices.length.toLocaleString('en-US')} interactions, λ = ${lambda}, ε = ${epsilon}. From X in compressed rows to B̂ in compressed rows, f32, the median of ${ROUNDS} runs that took turns, each a process of its own. The inverse alone leaves out X and B̂: for SciPy${runs[peer] ? ` (${runs[peer][0].version})` : ''} it is potrf + potri, for exact m3rec all but the Gram matrix. By groups there is no inverse, and entries are not compared: what counts there is the ranking (bench -- solver). Peak memory is that of the whole process. The last columns are the largest and the root mean square relative difference of an entry from ${runs[peer] ? 'that of SciPy in f64' : 'the first run of the sparse way'}.`,
    table(
      [
        'way',
        'seconds',
        `of ${peer}`,
        'processor s',
        `of ${ONE}`,
        'inverse alone',
        `of ${peer}`,
        'peak MB',
        'linear MB',
        'entries',
        'furthest',
        'rms',
      ],
      lines,
    ),
    ...Object.keys(runs)
      .filter((side) => side.endsWith(' 1 thread') && !side.startsWith('SciPy'))
      .map((side) => stepsOf(side, runs)),
  ];
  show(`ease: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save(result, 'EASE compared with SciPy', blocks, {
    data: name,
    users: rows,
    items: cols,
    interactions: indices.length,
    lambda,
    epsilon,
    runs,
  });
  const exact = Object.entries(runs).filter(([side]) => !side.startsWith('groups'));
  const passed = exact.every(([, list]) => list.every(({ relative }) => relative <= TOLERANCE));
  if (!passed) note(`an entry is off by more than ${TOLERANCE}`);
  return passed;
}

/** Seconds of each step of a way, on one thread and two. */
function stepsOf(side, runs) {
  const sides = [side, side.replace('1 thread', '2 threads')];
  return table(
    ['step, seconds', ...sides],
    Object.keys(runs[side][0].stages).map((stage) => [
      stage,
      ...sides.map((each) => seconds(median(runs[each].map((run) => run.stages[stage])))),
    ]),
  );
}

/** The library exports no step of training alone, so the sources are bundled. */
function bundleTo(outfile) {
  const from = fileURLToPath(new URL('../../src/', import.meta.url));
  const contents = `export { ease, denseEase } from './similarity/ease.ts'; export { groupEase } from './similarity/groups.ts'; export { transpose } from './matrix/transpose.ts'; export { gram } from './matrix/gram.ts'; export { Job } from './common/job.ts'; export { stageContext } from './engine/stage.ts'; export { startThreads } from './threads/pool.ts'; export { nodeWorkers } from './node/threads.ts';`;
  return build({
    stdin: { contents, resolveDir: from },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    loader: { '.wasm': 'binary' },
    outfile,
    logLevel: 'warning',
  });
}

function fitOnce(task) {
  return new Promise((resolve, reject) => {
    let result;
    const child = fork(new URL('../processes/ease.mjs', import.meta.url), { serialization: 'advanced' });
    child.once('message', (message) => {
      result = { ...message, inverseSeconds: message.seconds - (message.stages.gram ?? 0) };
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      result ? resolve(result) : reject(new Error(`the fit ended with ${signal ?? `exit code ${code}`}`)),
    );
    child.send(task);
  });
}

async function scipyOnce(python, task, threads) {
  const { steps, processor, peak, entries, version } = await runPython(python, 'ease.py', task, threads);
  const { gram, potrf, potri, filter } = steps;
  return {
    seconds: gram + potrf + potri + filter,
    inverseSeconds: potrf + potri,
    cpuSeconds: processor,
    maxRSS: peak,
    entries,
    version,
    stages: steps,
  };
}

function readSimilarity(folder) {
  const read = (part, Type) => new Type(Uint8Array.from(readFileSync(join(folder, `ease.${part}`))).buffer);
  return {
    indptr: read('indptr', Int32Array),
    indices: read('indices', Int32Array),
    values: read('values', Float32Array),
  };
}

/** The largest and the root mean square relative difference over the entries that both have. */
function differences(found, expected) {
  let relative = 0;
  let squares = 0;
  let count = 0;
  for (let row = 0; row + 1 < expected.indptr.length; row++) {
    let e = expected.indptr[row];
    for (let f = found.indptr[row]; f < found.indptr[row + 1]; f++) {
      while (e < expected.indptr[row + 1] && expected.indices[e] < found.indices[f]) e++;
      if (e === expected.indptr[row + 1] || expected.indices[e] !== found.indices[f]) continue;
      const difference = Math.abs(found.values[f] - expected.values[e]) / expected.values[e];
      relative = Math.max(relative, difference);
      squares += difference ** 2;
      count++;
    }
  }
  return { relative, rms: Math.sqrt(squares / Math.max(1, count)) };
}
