// Each exported kernel's rate compared with a plain JavaScript version of the same algorithm on the same arrays. Both
// run once from the same inputs first; where they do not agree there is no rate, and the bench fails.
import { readFileSync } from 'node:fs';
import { instantiateKernels } from '../../dist/kernels.js';
import { loadMarkets, mergedSimilarity, mergeMarkets } from '../harness/data.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { drained, measure } from '../harness/timer.mjs';
import { BenchMemory } from '../kernels/bench-memory.mjs';
import { dense } from '../kernels/dense.mjs';
import { gradients } from '../kernels/gradients.mjs';
import { groups } from '../kernels/groups.mjs';
import { networks } from '../kernels/networks.mjs';
import { scoring } from '../kernels/scoring.mjs';
import { sparse } from '../kernels/sparse.mjs';
import { walks } from '../kernels/walks.mjs';

/** Largest difference over the largest magnitude: sums of up to some ten thousand f32 products, in another order. */
const TOLERANCE = 1e-4;
/** Exports that say how much room a kernel needs; there is nothing to time. */
const NOT_KERNELS = new Set([
  'choleskyWorkspaceBytes',
  'gemmWorkspaceBytes',
  'skipgramScratchBytes',
  'solveScratchBytes',
]);
const SCALE = { 'GFLOP/s': 1e9 };
const HEADER = ['kernel', 'size', 'unit', 'WASM', 'JavaScript', 'ratio'];

const GROUPS = { dense, sparse, groups, walks, gradients, networks, scoring };

/** @param {{ parts?: string[] }} options groups of kernels; all of them without any */
export async function kernels({ parts = Object.keys(GROUPS) }) {
  const { name, markets } = await loadMarkets();
  const merged = mergeMarkets(markets);
  const similarity = await mergedSimilarity(name, merged);
  const { exports, memory } = await instantiateKernels(
    readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)),
  );
  const context = prepare(exports, new BenchMemory(memory), merged.markets[0].interactions, similarity);

  const rows = [];
  const covered = new Set(NOT_KERNELS);
  const disagreements = [];
  for (const part of parts) {
    for (const make of GROUPS[part](context)) {
      const mark = memory.mark();
      const row = compareSides(make(), context.bench);
      memory.release(mark);
      for (const kernel of row.kernels) covered.add(kernel);
      if (row.difference > TOLERANCE) disagreements.push(row);
      rows.push(row);
      note(`${row.kernels.join(' + ')}, ${row.size}: ${format(row.wasm)} ${row.unit}`);
    }
  }
  const whole = parts.length === Object.keys(GROUPS).length;
  const missing = Object.keys(exports).filter(
    (key) => typeof exports[key] === 'function' && !key.startsWith('__') && !covered.has(key),
  );
  const blocks = [
    `Data: ${name}. X is ${merged.markets[0].users.length.toLocaleString('en-US')} users × ${merged.items.length.toLocaleString('en-US')} items; B its similarity ≥ 0.01, rows normalised. One thread. The median run of each side, in turns in one process; JavaScript is plain loops over the same typed arrays.`,
    table(HEADER, rows.map(cells), 3),
    ...(whole && missing.length > 0 ? [`Without a row here: ${missing.join(', ')}.`] : []),
  ];
  show(`kernels: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save(whole ? 'kernels' : `kernels/${parts.join('-')}`, 'Kernels compared with plain JavaScript', blocks, {
    data: name,
    rows,
    missing,
    sink: drained(),
  });
  for (const { kernels: names, size, difference } of disagreements)
    note(
      `${names.join(' + ')}, ${size}: the two sides differ by ${difference.toExponential(1)}, more than ${TOLERANCE}: no rate`,
    );
  return disagreements.length === 0;
}

/** X, Xᵀ and B with rows that sum to 1, in both worlds. */
export function prepare(exports, bench, interactions, similarity) {
  const X = bench.putMatrix(interactions);
  const Xt = { rows: X.cols, cols: X.rows, indptr: bench.i32(X.cols + 1), indices: bench.i32(X.indices.js.length) };
  exports.transposePattern(X.rows, X.cols, X.indptr.at, X.indices.at, Xt.indptr.at, Xt.indices.at);
  const B = bench.putMatrix(similarity);
  exports.normaliseRows(B.rows, B.indptr.at, B.values.at);
  for (const pair of [Xt.indptr, Xt.indices, B.values]) pair.js.set(bench.view(pair));
  return { exports, bench, X, Xt, B };
}

/** Checks that both sides agree, then times them. */
function compareSides(
  { kernels: names, size, work, unit, note: remark, outputs = [], reset = [], found, expected, wasm, js },
  bench,
) {
  const initial = reset.map((pair) => pair.js.slice());
  const side = (run, world) => ({
    run,
    reset() {
      for (const [i, pair] of reset.entries()) bench.restore(pair, initial[i], world);
    },
  });
  const sides = [side(wasm, 'wasm')];
  let difference = 0;
  if (js) {
    wasm();
    js();
    difference = found
      ? apart(found(), expected())
      : Math.max(...outputs.map((pair) => apart(bench.view(pair), pair.js)));
    sides.push(side(js, 'js'));
  }
  const row = { kernels: names, size, unit, note: remark, difference };
  if (difference > TOLERANCE) return row;
  const [fast, plain] = measure(sides).map(({ seconds, runs }) => ({
    rate: work / seconds / (SCALE[unit] ?? 1e6),
    runs,
  }));
  return {
    ...row,
    wasm: fast.rate,
    wasmRuns: fast.runs,
    ...(plain && { js: plain.rate, jsRuns: plain.runs, ratio: fast.rate / plain.rate }),
  };
}

/** Largest |a − b| over the largest |b|. */
function apart(a, b) {
  let difference = 0;
  let scale = 1e-30;
  for (let i = 0; i < b.length; i++) {
    scale = Math.max(scale, Math.abs(b[i]));
    const now = Math.abs(a[i] - b[i]);
    if (!(now <= difference)) difference = now;
  }
  return difference / scale;
}

const format = (rate) =>
  rate === undefined ? '–' : rate >= 100 ? rate.toFixed(0) : rate >= 10 ? rate.toFixed(1) : rate.toFixed(2);

function cells({ kernels: names, size, unit, note: remark, difference, wasm, js, ratio }) {
  const label = names.join(' + ') + (remark ? ` (${remark})` : '');
  return [
    label,
    size,
    unit,
    difference > TOLERANCE ? 'differs' : format(wasm),
    format(js),
    ratio === undefined ? '–' : `${ratio.toFixed(1)} ×`,
  ];
}
