// EASE beyond the dense limit: the iterative way beside the exact one on the real markets (neighbours, NDCG, time, memory), or
// on 100,000 generated items with 10⁷ interactions beside some columns that are solved in f64. Each training is a process of its own.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assembleGenerated, generateMarkets } from '../../dist/index.js';
import { dataDirectory, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';

/** Neighbours of an item that are compared. */
const NEAREST = 50;
const SOLVERS = ['exact', 'iterative'];
const PARTS = { real: realPart, generated: generatedPart };
/** About a tenth of the rows are held out. */
const GENERATED = { seed: 1, users: 500_000, items: 100_000, interactions: 11_300_000 };
/** Columns solved in f64 to this residual beside 1, evenly spaced by their users. */
const SOLVED = 16;
const RESIDUAL = 1e-7;
const LAMBDA = 25;
const EPSILON = 0.01;
/** What the iterative way has to reach. */
const LEAST_SHARED = 0.99;
const MOST_LOST = 0.005;
const MOST_BYTES = 4 * 2 ** 30;

const count = (x) => x.toLocaleString('en-US');
const percent = (x) => (100 * x).toFixed(2);
const megabytes = (bytes) => count(Math.round(bytes / 1e6));

// generated takes an hour or more, so it is run by its name only
async function easeLocal({ parts = ['real'] }) {
  show(`ease-local: ${describe(machine())}`);
  let passed = true;
  for (const part of parts) if ((await PARTS[part]()) === false) passed = false;
  return passed;
}

export { easeLocal as 'ease-local' };

async function realPart() {
  const path = dataDirectory();
  if (!path)
    return note('ease-local real: skipped, since neither M3REC_DATA nor ../shared/xmarket names a folder of data');
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-ease-local-'));
  try {
    const runs = {};
    for (const solver of SOLVERS) {
      const output = join(folder, solver);
      const merged = await once({ source: { path, merge: true }, solver, output });
      const { evaluation } = await once({ source: { path }, solver, protocol: 'clean' });
      runs[solver] = { ...merged, evaluation, similarity: readSimilarity(output) };
      note(`${solver}: ${merged.seconds.toFixed(1)} s; ${merged.detail}`);
    }
    return reportReal(basename(path), runs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function reportReal(data, runs) {
  const { exact, iterative } = runs;
  const rows = compareNeighbours(exact.similarity, iterative.similarity);
  const columns = compareNeighbours(transposed(exact.similarity), transposed(iterative.similarity));
  const ndcg = exact.evaluation.markets.map(({ market, users, ndcg: before }) => {
    const after = iterative.evaluation.markets.find((each) => each.market === market).ndcg;
    return { market, users, exact: before, iterative: after, relative: after / before - 1 };
  });
  const blocks = [
    `Data: ${data}, all markets as one, ${count(exact.users)} users × ${count(exact.items)} items, ${count(exact.interactions)} interactions, λ = ${LAMBDA}, ε = ${EPSILON}. Each way in a process of its own, on all cores; peak memory is the whole process's, reading included.`,
    table(
      ['way', 'seconds', 'processor seconds', 'peak MB', 'linear memory MB', 'entries', 'what it says'],
      SOLVERS.map((solver) => [
        solver,
        runs[solver].seconds.toFixed(1),
        runs[solver].cpuSeconds.toFixed(1),
        megabytes(runs[solver].maxRSS),
        megabytes(runs[solver].peakBytes),
        count(runs[solver].similarity.values.length),
        runs[solver].detail,
      ]),
    ),
    `Of the ${NEAREST} nearest neighbours of an item by the exact way (all kept ones where it has fewer), the iterative way has, in the mean over items, by rows ${percent(rows.shared)} % (5 % of items: ${percent(rows.fifth)} % or less), by columns ${percent(columns.shared)} % (5 %: ${percent(columns.fifth)} %). The largest difference of an entry that either keeps is ${rows.furthest.toExponential(1)}.`,
    table(
      ['market', 'users', 'NDCG@10 %, exact', 'iterative', 'relative %'],
      ndcg.map((row) => [
        row.market,
        count(row.users),
        percent(row.exact),
        percent(row.iterative),
        percent(row.relative),
      ]),
    ),
  ];
  for (const block of blocks) show(block);
  const small = ({ similarity, ...run }) => ({ ...run, entries: similarity.values.length });
  save('ease-local/real', 'EASE by the iterative way beside the exact one', blocks, {
    data,
    rows,
    columns,
    ndcg,
    runs: Object.fromEntries(SOLVERS.map((solver) => [solver, small(runs[solver])])),
  });
  const passed =
    Math.min(rows.shared, columns.shared) >= LEAST_SHARED && ndcg.every(({ relative }) => relative >= -MOST_LOST);
  if (!passed)
    note(`fewer than ${percent(LEAST_SHARED)} % of the neighbours, or NDCG more than ${percent(MOST_LOST)} % lower`);
  return passed;
}

async function generatedPart() {
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-ease-local-'));
  try {
    const output = join(folder, 'iterative');
    const run = await once({ source: { generate: GENERATED, merge: true }, solver: 'auto', output });
    note(`${run.seconds.toFixed(1)} s; ${run.detail}`);
    const { entries, ...columns } = compareColumns(
      mergeMarkets(assembleGenerated(generateMarkets(GENERATED))).markets[0].interactions,
      readSimilarity(output),
    );
    const blocks = [
      `Generated: ${count(run.users)} users × ${count(run.items)} items, ${count(run.interactions)} interactions, five markets as one, λ = ${LAMBDA}, ε = ${EPSILON}; on all cores. Peak memory is the whole process's, generating included.`,
      table(
        ['seconds', 'processor seconds', 'peak MB', 'linear memory MB', 'entries', 'what it says'],
        [
          [
            run.seconds.toFixed(1),
            run.cpuSeconds.toFixed(1),
            megabytes(run.maxRSS),
            megabytes(run.peakBytes),
            count(entries),
            run.detail,
          ],
        ],
        0,
      ),
      `Of the ${NEAREST} nearest neighbours of an item (all kept ones where it has fewer) by ${columns.items} columns solved in f64, evenly spaced by the items' users, the iterative way has ${percent(columns.shared)} % in the mean. The largest difference of an entry that both keep is ${columns.furthest.toExponential(1)}.`,
    ];
    for (const block of blocks) show(block);
    save('ease-local/generated', 'EASE on 100,000 items', blocks, { generated: GENERATED, run, entries, columns });
    const passed = run.maxRSS < MOST_BYTES && run.interactions >= 1e7;
    if (!passed)
      note(
        `${megabytes(run.maxRSS)} MB on ${count(run.interactions)} interactions, expected less than 4 GiB on 10,000,000`,
      );
    return passed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Some columns of B̂ beside those of the f64 inverse. */
function compareColumns(interactions, similarity) {
  const degrees = new Float64Array(interactions.cols);
  for (const item of interactions.indices) degrees[item]++;
  const byUsers = Int32Array.from(degrees.keys()).sort((i, j) => degrees[j] - degrees[i] || i - j);
  const chosen = Array.from({ length: SOLVED }, (_, s) => byUsers[Math.floor(((s + 0.5) * byUsers.length) / SOLVED)]);
  const found = transposed(similarity);
  const exact = { indptr: [0], indices: [], values: [] };
  const theirs = { indptr: [0], indices: [], values: [] };
  for (const [s, item] of chosen.entries()) {
    const c = solveColumn(interactions, degrees, item);
    for (const [i, value] of c.entries()) {
      const similar = -value / c[item];
      if (i === item || similar < EPSILON) continue;
      exact.indices.push(i);
      exact.values.push(similar);
    }
    exact.indptr.push(exact.indices.length);
    for (let e = found.indptr[item]; e < found.indptr[item + 1]; e++) {
      theirs.indices.push(found.indices[e]);
      theirs.values.push(found.values[e]);
    }
    theirs.indptr.push(theirs.indices.length);
    note(`column ${s + 1} of ${SOLVED}: ${degrees[item]} users, ${exact.indptr[s + 1] - exact.indptr[s]} entries`);
  }
  return { ...compareNeighbours(exact, theirs), entries: similarity.values.length };
}

/** A column of (XᵀX + λI)⁻¹ by conjugate gradients with the diagonal for a preconditioner, f64. */
function solveColumn({ rows: users, cols: n, indptr, indices }, degrees, item) {
  const x = new Float64Array(n);
  const r = new Float64Array(n);
  const q = new Float64Array(n);
  const w = new Float64Array(n);
  r[item] = 1;
  let before = 0;
  for (;;) {
    let rho = 0;
    for (let i = 0; i < n; i++) rho += (r[i] * r[i]) / (degrees[i] + LAMBDA);
    for (let i = 0; i < n; i++) q[i] = r[i] / (degrees[i] + LAMBDA) + (before > 0 ? (rho / before) * q[i] : 0);
    before = rho;
    for (let i = 0; i < n; i++) w[i] = LAMBDA * q[i];
    for (let u = 0; u < users; u++) {
      let sum = 0;
      for (let e = indptr[u]; e < indptr[u + 1]; e++) sum += q[indices[e]];
      for (let e = indptr[u]; e < indptr[u + 1]; e++) w[indices[e]] += sum;
    }
    let curvature = 0;
    for (let i = 0; i < n; i++) curvature += q[i] * w[i];
    let largest = 0;
    for (let i = 0; i < n; i++) {
      x[i] += (rho / curvature) * q[i];
      r[i] -= (rho / curvature) * w[i];
      largest = Math.max(largest, Math.abs(r[i]));
    }
    if (largest < RESIDUAL) return x;
  }
}

function once(task) {
  return new Promise((resolve, reject) => {
    let result;
    const child = fork(fileURLToPath(new URL('../processes/ease-local.mjs', import.meta.url)), {
      serialization: 'advanced',
    });
    child.once('message', (message) => {
      result = message;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      result ? resolve(result) : reject(new Error(`the training ended with ${signal ?? `exit code ${code}`}`)),
    );
    child.send(task);
  });
}

function readSimilarity(output) {
  const read = (part, Type) => new Type(Uint8Array.from(readFileSync(`${output}.${part}`)).buffer);
  return {
    indptr: read('indptr', Int32Array),
    indices: read('indices', Int32Array),
    values: read('values', Float32Array),
  };
}

function transposed({ indptr, indices, values }) {
  const n = indptr.length - 1;
  const out = {
    indptr: new Int32Array(n + 1),
    indices: new Int32Array(indices.length),
    values: new Float32Array(indices.length),
  };
  for (const j of indices) out.indptr[j + 1]++;
  for (let j = 0; j < n; j++) out.indptr[j + 1] += out.indptr[j];
  const next = out.indptr.slice();
  for (let i = 0; i < n; i++) {
    for (let e = indptr[i]; e < indptr[i + 1]; e++) {
      const at = next[indices[e]]++;
      out.indices[at] = i;
      out.values[at] = values[e];
    }
  }
  return out;
}

/** The share of each row's nearest that the other has among as many of its nearest: the mean, and what 5 % of the rows do not pass. */
function compareNeighbours(exact, other) {
  const shares = [];
  let furthest = 0;
  for (let i = 0; i + 1 < exact.indptr.length; i++) {
    const expected = rowOf(exact, i);
    const found = rowOf(other, i);
    for (const [j, value] of expected) if (found.has(j)) furthest = Math.max(furthest, Math.abs(value - found.get(j)));
    const nearest = nearestOf(expected, NEAREST);
    if (nearest.length === 0) continue;
    const theirs = new Set(nearestOf(found, nearest.length));
    shares.push(nearest.filter((j) => theirs.has(j)).length / nearest.length);
  }
  shares.sort((a, b) => a - b);
  return {
    shared: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    fifth: shares[Math.floor(shares.length / 20)],
    items: shares.length,
    furthest,
  };
}

function rowOf({ indptr, indices, values }, i) {
  const row = new Map();
  for (let e = indptr[i]; e < indptr[i + 1]; e++) row.set(indices[e], values[e]);
  return row;
}

const nearestOf = (row, most) =>
  [...row]
    .sort(([i, a], [j, b]) => b - a || i - j)
    .slice(0, most)
    .map(([j]) => j);
