// Scores of all items for one history, and the best of them.
import { layout, putStructs } from '../../dist/kernels.js';
import { randoms } from '../harness/splitmix64.mjs';

const DIM = 128;
const count = (n) => n.toLocaleString('en-US');

export function* scoring(c) {
  yield () => dot(c);
  yield () => scoreLinear(c);
  yield () => meanRows(c);
  yield () => addCosines(c, 1);
  yield () => addCosines(c, 32);
  yield () => addBias(c);
  yield () => topK(c);
  yield () => shortenRows(c);
  yield () => searchBatch(c);
  yield () => scalar(c, 'exp', (raw, x) => raw(x), Math.exp);
  yield () => scalar(c, 'log', (raw, x) => raw(x), Math.log);
  yield () =>
    scalar(
      c,
      'pow',
      (raw, x) => raw(x, -0.6),
      (x) => x ** -0.6,
    );
}

function dot({ exports, bench }) {
  const rows = 4096;
  const a = bench.put(randoms(rows * DIM, 51));
  const b = bench.put(randoms(DIM, 52));
  const out = new Float32Array(rows);
  const plain = new Float32Array(rows);
  return {
    kernels: ['dot'],
    size: `${count(rows)} calls, d = ${DIM}`,
    work: rows * DIM,
    unit: 'M elements/s',
    found: () => out,
    expected: () => plain,
    wasm() {
      for (let r = 0; r < rows; r++) out[r] = exports.dot(a.at + 4 * r * DIM, b.at, DIM);
    },
    js() {
      const x = a.js;
      const y = b.js;
      for (let r = 0; r < rows; r++) {
        let sum = 0;
        for (let i = 0; i < DIM; i++) sum += x[r * DIM + i] * y[i];
        plain[r] = sum;
      }
    },
  };
}

/** Histories of 20 users of the data, with the entries of B that they meet. */
function histories({ bench, X, B }) {
  const lists = [];
  let entries = 0;
  for (let k = 0; k < 20; k++) {
    const user = Math.floor((k * X.rows) / 20);
    const list = X.indices.js.slice(X.indptr.js[user], X.indptr.js[user + 1]);
    for (const item of list) entries += B.indptr.js[item + 1] - B.indptr.js[item];
    lists.push(bench.put(list));
  }
  return { lists, entries, items: lists.reduce((sum, { js }) => sum + js.length, 0) };
}

function scoreLinear(c) {
  const { exports, bench, B } = c;
  const { lists, entries } = histories(c);
  const n = B.cols;
  const out = bench.f32(n);
  return {
    kernels: ['scoreLinear'],
    size: `${lists.length} histories, ${count(entries)} entries, ${count(n)} items`,
    work: entries + lists.length * n,
    unit: 'M entries/s',
    outputs: [out],
    wasm() {
      for (const { at, js } of lists)
        exports.scoreLinear(out.at, n, B.indptr.at, B.indices.at, B.values.at, at, js.length, 0.5);
    },
    js() {
      const indptr = B.indptr.js;
      const indices = B.indices.js;
      const values = B.values.js;
      const scores = out.js;
      for (const { js } of lists) {
        scores.fill(0);
        for (const item of js) for (let e = indptr[item]; e < indptr[item + 1]; e++) scores[indices[e]] += values[e];
        for (let j = 0; j < n; j++) scores[j] *= 0.5;
      }
    },
  };
}

function meanRows(c) {
  const { exports, bench, B } = c;
  const { lists, items } = histories(c);
  const repeats = 50;
  const table = bench.put(randoms(B.cols * DIM, 53));
  const offset = bench.put(randoms(DIM, 54));
  const out = bench.f32(DIM);
  return {
    kernels: ['meanRows'],
    size: `${repeats} × ${lists.length} histories, d = ${DIM}`,
    work: repeats * items * DIM,
    unit: 'M elements/s',
    outputs: [out],
    wasm() {
      for (let k = 0; k < repeats; k++)
        for (const { at, js } of lists) exports.meanRows(out.at, DIM, table.at, at, js.length, offset.at);
    },
    js() {
      for (let k = 0; k < repeats; k++) for (const { js } of lists) plainMean(js, table.js, offset.js, out.js);
    },
  };
}

function plainMean(history, table, offset, out) {
  out.fill(0);
  let used = 0;
  for (const item of history) {
    let any = false;
    for (let i = 0; i < DIM; i++) {
      const x = table[item * DIM + i];
      if (x !== 0) any = true;
      out[i] += x;
    }
    if (any) used++;
  }
  for (let i = 0; i < DIM; i++) out[i] = (used > 0 ? out[i] / used : 0) + offset[i];
}

function addCosines({ exports, bench, B }, m) {
  const n = B.cols;
  const vectors = bench.put(randoms(n * DIM, 55, 0.15));
  const users = bench.put(randoms(m * DIM, 56));
  const factors = bench.f32(m);
  const out = bench.f32(m * n);
  return {
    kernels: ['addCosines'],
    size: `${m} × ${count(n)}, d = ${DIM}`,
    work: 2 * m * n * DIM,
    unit: 'GFLOP/s',
    outputs: [out],
    reset: [out],
    wasm: () => exports.addCosines(out.at, m, n, DIM, vectors.at, users.at, factors.at, 0.3, 1),
    js() {
      for (let u = 0; u < m; u++)
        plainCosines(users.js.subarray(u * DIM, (u + 1) * DIM), vectors.js, out.js.subarray(u * n, (u + 1) * n));
    },
  };
}

function plainCosines(user, v, scores) {
  let norm = 0;
  for (let i = 0; i < DIM; i++) norm += user[i] * user[i];
  if (norm === 0) return;
  const factor = 0.3 / Math.sqrt(norm);
  for (let j = 0; j < scores.length; j++) {
    let sum = 0;
    for (let i = 0; i < DIM; i++) sum += v[j * DIM + i] * user[i];
    scores[j] += sum * factor;
  }
}

function addBias({ exports, bench, B }) {
  const n = B.cols;
  const repeats = 20;
  const bias = bench.put(randoms(n, 57));
  const out = bench.f32(n);
  return {
    kernels: ['addBias'],
    size: `${repeats} × ${count(n)}`,
    work: repeats * n,
    unit: 'M elements/s',
    outputs: [out],
    reset: [out],
    wasm() {
      for (let k = 0; k < repeats; k++) exports.addBias(out.at, n, bias.at);
    },
    js() {
      const from = bias.js;
      const to = out.js;
      for (let k = 0; k < repeats; k++) for (let j = 0; j < n; j++) to[j] += from[j];
    },
  };
}

function topK({ exports, bench, B }) {
  const n = B.cols;
  const k = 10;
  const repeats = 20;
  const scores = bench.put(randoms(n * repeats, 58));
  const exclude = bench.put(Uint8Array.from({ length: n }, (_, i) => (i % 53 === 7 ? 1 : 0)));
  const indices = bench.i32(k);
  const values = bench.f32(k);
  return {
    kernels: ['topK'],
    size: `${repeats} × ${k} of ${count(n)}`,
    work: repeats * n,
    unit: 'M scores/s',
    outputs: [indices, values],
    wasm() {
      for (let r = 0; r < repeats; r++) exports.topK(scores.at + 4 * r * n, n, exclude.at, k, indices.at, values.at);
    },
    js() {
      for (let r = 0; r < repeats; r++)
        plainTopK(scores.js.subarray(r * n, (r + 1) * n), exclude.js, k, indices.js, values.js);
    },
  };
}

/** n rows of unit length. */
function unitRows(n, seed) {
  const rows = randoms(n * DIM, seed);
  for (let j = 0; j < n; j++) {
    const row = rows.subarray(j * DIM, (j + 1) * DIM);
    const norm = Math.hypot(...row);
    for (let i = 0; i < DIM; i++) row[i] /= norm;
  }
  return rows;
}

function shortenRows({ exports, bench, B }) {
  const n = B.cols & ~7;
  const vectors = bench.put(unitRows(n, 60));
  const out = bench.put(new Int16Array(n * DIM));
  return {
    kernels: ['shortenRows'],
    size: `${count(n)} × ${DIM}`,
    work: n * DIM,
    unit: 'M elements/s',
    outputs: [out],
    wasm: () => exports.shortenRows(n, DIM, vectors.at, out.at),
    js() {
      const x = vectors.js;
      const y = out.js;
      for (let j = 0; j < n; j++) {
        const to = 8 * DIM * (j >> 3) + 2 * (j & 7);
        for (let i = 0; i < DIM; i++)
          y[to + 16 * (i >> 1) + (i & 1)] = Math.fround(x[j * DIM + i] * 32_000) + 1.5 * 2 ** 52 - 1.5 * 2 ** 52;
      }
    },
  };
}

/** The ten best of 32 users, compared with all cosines and a list of the best. */
function searchBatch({ exports, bench, B }) {
  const n = B.cols;
  const [m, k] = [32, 10];
  const vectors = bench.put(unitRows(n, 61));
  const users = bench.put(randoms(m * DIM, 62));
  const shorts = bench.scratch(2 * (n + 7) * DIM);
  exports.shortenRows(n, DIM, vectors.at, shorts);
  const [zeros, excluded, lists, scratch, counts] = [
    4 * n,
    n,
    8 * n * m,
    layout.SEARCH_SCRATCH_BYTES + 2 * m * DIM,
    4 * m,
  ].map((bytes) => bench.scratch(bytes));
  const state = { linear: zeros, excluded, k, listed: 0, factor: 0, share: 0, error: 0, least: 0 };
  const states = putStructs(bench.memory, layout.SearchState, Array(m).fill(state));
  const catalogue = { n, d: DIM, vectors: vectors.at, shorts, bias: 0, zeros, weight: 1, error: 4e-4, cosine: 1 };
  const items = bench.struct(layout.SearchedItems, catalogue);
  const out = bench.i32(2 * k * m);
  const found = Array.from({ length: m }, () => [new Int32Array(k), new Float32Array(k)]);
  return {
    kernels: ['searchBatch'],
    size: `${k} of ${m} × ${count(n)}, d = ${DIM}`,
    work: 2 * m * n * DIM,
    unit: 'GFLOP/s',
    note: 'beside all cosines and a kept list',
    found: () => bench.view(out).filter((_, i) => i % (2 * k) < k),
    expected: () => Int32Array.from(found.flatMap(([indices]) => [...indices])),
    wasm: () => exports.searchBatch(m, items, users.at, states, lists, out.at, k, counts, scratch),
    js() {
      const none = new Uint8Array(n);
      for (const [u, [indices, values]] of found.entries()) {
        const scores = new Float32Array(n);
        plainCosines(users.js.subarray(u * DIM, (u + 1) * DIM), vectors.js, scores);
        plainTopK(scores, none, k, indices, values);
      }
    },
  };
}

/** A bounded list kept in order: for a k this small as fast as a heap, and what one would write. */
function plainTopK(scores, exclude, k, indices, values) {
  let kept = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i];
    if (exclude[i] !== 0 || (kept === k && !(score > values[k - 1]))) continue;
    let at = kept < k ? kept++ : k - 1;
    for (; at > 0 && values[at - 1] < score; at--) {
      values[at] = values[at - 1];
      indices[at] = indices[at - 1];
    }
    values[at] = score;
    indices[at] = i;
  }
  return kept;
}

/** A function of numbers in (0, 10], called from JavaScript, compared with the engine's own. */
function scalar({ exports }, name, call, plain) {
  const n = 1 << 16;
  const x = Float64Array.from(randoms(n, 59, 10), (value) => Math.abs(value) + 1e-3);
  const out = new Float64Array(n);
  const expected = new Float64Array(n);
  const raw = exports[name];
  return {
    kernels: [name],
    size: `${count(n)} calls`,
    work: n,
    unit: 'M calls/s',
    note: `beside Math.${name}`,
    found: () => out,
    expected: () => expected,
    wasm() {
      for (let i = 0; i < n; i++) out[i] = call(raw, x[i]);
    },
    js() {
      for (let i = 0; i < n; i++) expected[i] = plain(x[i]);
    },
  };
}
