// Sparse algebra on the data's own matrices: X (users × items) over all markets, Xᵀ, and B with rows that sum to 1.
import { layout } from '../../dist/kernels.js';
import { randoms } from '../harness/splitmix64.mjs';

const DIM = 128;

export function* sparse(c) {
  yield () => transpose(c, 'transposePattern', c.X);
  yield () => transpose(c, 'transposeMatrix', c.B);
  yield () => gram(c);
  yield () => propagate(c);
  yield () => gramProduct(c);
  yield () => normaliseRows(c);
  yield () => historyRows(c);
  yield () => rp3betaRows(c);
}

const count = (n) => n.toLocaleString('en-US');

function transpose({ exports, bench }, name, m) {
  const entries = m.indices.js.length;
  const indptr = bench.i32(m.cols + 1);
  const indices = bench.i32(entries);
  const values = m.values && bench.f32(entries);
  return {
    kernels: [name],
    size: `${count(m.rows)} × ${count(m.cols)}, ${count(entries)} entries`,
    work: entries,
    unit: 'M entries/s',
    outputs: [indptr, indices, ...(values ? [values] : [])],
    wasm: () =>
      values
        ? exports[name](m.rows, m.cols, m.indptr.at, m.indices.at, m.values.at, indptr.at, indices.at, values.at)
        : exports[name](m.rows, m.cols, m.indptr.at, m.indices.at, indptr.at, indices.at),
    js: () =>
      plainTranspose(m.rows, m.cols, m.indptr.js, m.indices.js, m.values?.js, indptr.js, indices.js, values?.js),
  };
}

function plainTranspose(rows, cols, indptr, indices, values, outIndptr, outIndices, outValues) {
  outIndptr.fill(0);
  for (let p = 0; p < indices.length; p++) outIndptr[indices[p] + 1]++;
  for (let c = 0; c < cols; c++) outIndptr[c + 1] += outIndptr[c];
  const next = outIndptr.slice();
  for (let r = 0; r < rows; r++) {
    for (let p = indptr[r]; p < indptr[r + 1]; p++) {
      const to = next[indices[p]]++;
      outIndices[to] = r;
      if (values) outValues[to] = values[p];
    }
  }
}

function gram({ exports, bench, X, Xt }) {
  const n = X.cols;
  let products = 0;
  for (let u = 0; u < X.rows; u++) products += (X.indptr.js[u + 1] - X.indptr.js[u]) ** 2;
  const scratch = bench.scratch(12 * n);
  const indptr = bench.i32(n + 1);
  const pass = () => {
    exports.gramCount(n, X.indptr.at, X.indices.at, Xt.indptr.at, Xt.indices.at, scratch, indptr.at);
    const starts = bench.view(indptr);
    let total = 0;
    for (let i = 0; i <= n; i++) {
      const length = starts[i];
      starts[i] = total;
      total += i < n ? length : 0;
    }
    return total;
  };
  const total = pass();
  const indices = bench.i32(total);
  const values = bench.f32(total);
  return {
    kernels: ['gramCount', 'gramFill'],
    size: `${count(n)} items, ${count(total)} entries`,
    work: products,
    unit: 'M products/s',
    outputs: [indptr, indices, values],
    wasm() {
      pass();
      exports.gramFill(
        n,
        X.indptr.at,
        X.indices.at,
        Xt.indptr.at,
        Xt.indices.at,
        scratch,
        indptr.at,
        indices.at,
        values.at,
      );
    },
    js: () => plainGram(n, X.indptr.js, X.indices.js, Xt.indptr.js, Xt.indices.js, indptr.js, indices.js, values.js),
  };
}

function plainGram(n, indptr, indices, columnIndptr, columnIndices, outIndptr, outIndices, outValues) {
  const seen = new Int32Array(n).fill(-1);
  let total = 0;
  for (let i = 0; i < n; i++) {
    outIndptr[i] = total;
    for (let p = columnIndptr[i]; p < columnIndptr[i + 1]; p++) {
      const user = columnIndices[p];
      for (let q = indptr[user]; q < indptr[user + 1]; q++) {
        if (seen[indices[q]] === i) continue;
        seen[indices[q]] = i;
        total++;
      }
    }
  }
  outIndptr[n] = total;
  const counts = new Int32Array(n);
  const touched = new Int32Array(n);
  const next = outIndptr.slice();
  for (let i = 0; i < n; i++) {
    let reach = 0;
    for (let p = columnIndptr[i]; p < columnIndptr[i + 1]; p++) {
      const user = columnIndices[p];
      for (let q = indptr[user]; q < indptr[user + 1]; q++)
        if (counts[indices[q]]++ === 0) touched[reach++] = indices[q];
    }
    for (let t = 0; t < reach; t++) {
      const j = touched[t];
      outIndices[next[j]] = i;
      outValues[next[j]++] = counts[j];
      counts[j] = 0;
    }
  }
}

function propagate({ exports, bench, B }) {
  const x = bench.put(randoms(B.rows * DIM, 11));
  const panels = bench.f32(B.rows * DIM);
  const y = bench.f32(B.rows * DIM);
  return {
    kernels: ['cutColumns', 'propagate'],
    size: `B of ${count(B.indices.js.length)} entries, d = ${DIM}`,
    work: 2 * DIM * (B.indices.js.length + B.rows),
    unit: 'GFLOP/s',
    outputs: [y],
    wasm() {
      exports.cutColumns(0, B.rows, B.rows, DIM, x.at, panels.at);
      for (let c = 0; c < DIM; c += 16)
        exports.propagate(
          0,
          B.rows,
          B.indptr.at,
          B.indices.at,
          B.values.at,
          panels.at + 4 * B.rows * c,
          y.at + 4 * c,
          4 * DIM,
          1,
        );
    },
    js() {
      const indptr = B.indptr.js;
      const indices = B.indices.js;
      const values = B.values.js;
      const from = x.js;
      const to = y.js;
      for (let r = 0; r < B.rows; r++) {
        for (let k = 0; k < DIM; k++) to[r * DIM + k] = from[r * DIM + k];
        for (let e = indptr[r]; e < indptr[r + 1]; e++) {
          const w = values[e];
          const row = indices[e] * DIM;
          for (let k = 0; k < DIM; k++) to[r * DIM + k] += w * from[row + k];
        }
      }
    },
  };
}

function gramProduct({ exports, bench, X }) {
  const n = X.cols;
  const q = bench.put(randoms(n * DIM, 12));
  const panels = bench.f32(n * DIM);
  const product = bench.f32(n * DIM);
  const z = bench.f32(n * DIM);
  const weights = bench.put(
    Float32Array.from({ length: X.rows }, (_, u) => 1 / Math.max(1, X.indptr.js[u + 1] - X.indptr.js[u])),
  );
  const scales = bench.put(randoms(n, 13));
  return {
    kernels: ['addGramProduct', 'joinPanels'],
    size: `X of ${count(X.indices.js.length)} entries, d = ${DIM}`,
    work: 4 * DIM * X.indices.js.length,
    unit: 'GFLOP/s',
    outputs: [z],
    wasm() {
      exports.cutColumns(0, n, n, DIM, q.at, panels.at);
      for (let c = 0; c < DIM; c += 16) {
        const [from, to] = [panels, product].map(({ at }) => at + 4 * n * c);
        exports.clear(16 * n, to);
        exports.addGramProduct(X.rows, X.indptr.at, X.indices.at, weights.at, scales.at, from, to);
      }
      exports.joinPanels(0, n, n, DIM, product.at, z.at);
    },
    js() {
      const sum = new Float32Array(DIM);
      z.js.fill(0);
      for (let u = 0; u < X.rows; u++) {
        sum.fill(0);
        for (let e = X.indptr.js[u]; e < X.indptr.js[u + 1]; e++) {
          const item = X.indices.js[e];
          for (let k = 0; k < DIM; k++) sum[k] += scales.js[item] * q.js[item * DIM + k];
        }
        for (let e = X.indptr.js[u]; e < X.indptr.js[u + 1]; e++) {
          const item = X.indices.js[e];
          const w = weights.js[u] * scales.js[item];
          for (let k = 0; k < DIM; k++) z.js[item * DIM + k] += w * sum[k];
        }
      }
    },
  };
}

function normaliseRows({ exports, bench, B }) {
  const values = bench.put(B.values.js);
  return {
    kernels: ['normaliseRows'],
    size: `${count(B.rows)} rows, ${count(values.js.length)} entries`,
    work: values.js.length,
    unit: 'M entries/s',
    outputs: [values],
    wasm: () => exports.normaliseRows(B.rows, B.indptr.at, values.at),
    js() {
      const indptr = B.indptr.js;
      const v = values.js;
      for (let r = 0; r < B.rows; r++) {
        let sum = 0;
        for (let e = indptr[r]; e < indptr[r + 1]; e++) sum += v[e];
        if (!(sum > 0)) continue;
        const scale = 1 / sum;
        for (let e = indptr[r]; e < indptr[r + 1]; e++) v[e] *= scale;
      }
    },
  };
}

function historyRows({ exports, bench, X, B }) {
  const batch = Math.min(200, X.rows);
  const users = bench.put(Int32Array.from({ length: batch }, (_, b) => Math.floor((b * X.rows) / batch)));
  let work = 0;
  let room = 0;
  for (const user of users.js) {
    let row = 0;
    for (let e = X.indptr.js[user]; e < X.indptr.js[user + 1]; e++)
      row += B.indptr.js[X.indices.js[e] + 1] - B.indptr.js[X.indices.js[e]];
    work += row;
    room += Math.min(B.cols, row);
  }
  const dense = bench.f32(B.cols);
  const indptr = bench.i32(batch + 1);
  const indices = bench.i32(room);
  const values = bench.f32(room);
  const [x, b, out] = [X, B, { indptr, indices, values }].map((matrix) =>
    bench.struct(layout.Csr, {
      indptr: matrix.indptr.at,
      indices: matrix.indices.at,
      values: matrix.values?.at ?? 0,
    }),
  );
  return {
    kernels: ['historyRows'],
    size: `${batch} users, ${count(work)} entries met`,
    work,
    unit: 'M entries/s',
    outputs: [indptr, indices, values],
    wasm: () => exports.historyRows(batch, users.at, x, b, dense.at, out),
    js() {
      const xIndptr = X.indptr.js;
      const xItems = X.indices.js;
      const bIndptr = B.indptr.js;
      const bIndices = B.indices.js;
      const bValues = B.values.js;
      const sums = dense.js;
      const columns = indices.js;
      const weights = values.js;
      let filled = 0;
      for (let b = 0; b < batch; b++) {
        const start = filled;
        const user = users.js[b];
        let sum = 0;
        for (let h = xIndptr[user]; h < xIndptr[user + 1]; h++) {
          for (let e = bIndptr[xItems[h]]; e < bIndptr[xItems[h] + 1]; e++) {
            const column = bIndices[e];
            if (sums[column] === 0) columns[filled++] = column;
            sums[column] += bValues[e];
            sum += bValues[e];
          }
        }
        const scale = sum > 0 ? 1 / sum : 0;
        for (let e = start; e < filled; e++) {
          weights[e] = sums[columns[e]] * scale;
          sums[columns[e]] = 0;
        }
        indptr.js[b + 1] = filled;
      }
    },
  };
}

function rp3betaRows({ exports, bench, X, Xt }) {
  const n = X.cols;
  const rows = Math.min(200, n);
  const first = Math.floor((n - rows) / 2);
  const threshold = 3e-4;
  const degree = (i) => Xt.indptr.js[i + 1] - Xt.indptr.js[i];
  const scale = bench.put(Float64Array.from({ length: n }, (_, i) => (degree(i) > 0 ? degree(i) ** -0.6 : 0)));
  const itemDivisor = bench.put(Float64Array.from({ length: n }, (_, i) => degree(i)));
  const userDivisor = bench.put(Float64Array.from({ length: X.rows }, (_, u) => X.indptr.js[u + 1] - X.indptr.js[u]));
  const room = rows * Math.min(n, Math.ceil(1 / threshold) + 1);
  const dense = bench.f64(n);
  const touched = bench.i32(n);
  const ends = bench.i32(rows);
  const columns = bench.i32(room);
  const values = bench.f32(room);
  const x = bench.struct(layout.ThreeSteps, {
    itemIndptr: Xt.indptr.at,
    itemUsers: Xt.indices.at,
    userIndptr: X.indptr.at,
    userItems: X.indices.at,
    itemDivisor: itemDivisor.at,
    userDivisor: userDivisor.at,
    columnScale: scale.at,
    threshold,
  });
  let work = 0;
  for (let e = Xt.indptr.js[first]; e < Xt.indptr.js[first + rows]; e++)
    work += X.indptr.js[Xt.indices.js[e] + 1] - X.indptr.js[Xt.indices.js[e]];
  return {
    kernels: ['rp3betaRows'],
    size: `${rows} items, ${count(work)} entries met`,
    work,
    unit: 'M entries/s',
    outputs: [ends, columns, values],
    wasm: () => exports.rp3betaRows(x, first, first + rows, dense.at, touched.at, ends.at, columns.at, values.at),
    js() {
      let kept = 0;
      for (let item = first; item < first + rows; item++) {
        kept += plainRp3beta(
          item,
          { X, Xt, scale, threshold },
          dense.js,
          touched.js,
          columns.js.subarray(kept),
          values.js.subarray(kept),
        );
        ends.js[item - first] = kept;
      }
    },
  };
}

function plainRp3beta(item, { X, Xt, scale, threshold }, sums, touched, columns, values) {
  const users = Xt.indptr.js[item + 1] - Xt.indptr.js[item];
  let met = 0;
  for (let e = Xt.indptr.js[item]; e < Xt.indptr.js[item + 1]; e++) {
    const user = Xt.indices.js[e];
    const share = 1 / (users * (X.indptr.js[user + 1] - X.indptr.js[user]));
    for (let f = X.indptr.js[user]; f < X.indptr.js[user + 1]; f++) {
      const column = X.indices.js[f];
      if (column === item) continue;
      if (sums[column] === 0) touched[met++] = column;
      sums[column] += share;
    }
  }
  let kept = 0;
  for (let t = 0; t < met; t++) {
    const column = touched[t];
    const value = sums[column] * scale.js[column];
    sums[column] = 0;
    if (value < threshold) continue;
    columns[kept] = column;
    values[kept++] = value;
  }
  return kept;
}
