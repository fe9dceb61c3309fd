// Losses, gradients and steps of the market adaptation, for one batch of about 1,024 interactions.
import { layout } from '../../dist/kernels.js';
import { randoms, Stream } from '../harness/splitmix64.mjs';

const DIM = 128;
const NEGATIVES = 10;
const GAMMA = 0.2;
const SEED = 1;
const ADAM = { rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const count = (n) => n.toLocaleString('en-US');

export function* gradients(c) {
  yield () => margin(c);
  yield () => softmax(c);
  yield () => adam(c);
  yield () => adamRows(c);
  yield () => adamItems(c);
  yield () => spreadItems(c);
  yield () => dropout(c);
  yield () => unitRows(c);
  yield () => unitRowsBackward(c);
  yield () => addInto(c);
  yield () => addRows(c);
}

/** Every 7th user until 1,024 interactions are together. */
function batchOf({ bench, X }) {
  const list = [];
  let interactions = 0;
  for (let user = 0; user < X.rows && interactions < 1024; user += 7) {
    list.push(user);
    interactions += X.indptr.js[user + 1] - X.indptr.js[user];
  }
  return {
    users: bench.put(Int32Array.from(list)),
    keys: bench.put(Uint32Array.from(list)),
    size: list.length,
    interactions,
  };
}

function margin(c) {
  const { exports, bench, X } = c;
  const { users, keys, size, interactions } = batchOf(c);
  const n = X.cols;
  const u = bench.put(randoms(size * DIM, 31));
  const v = bench.put(randoms(n * DIM, 32));
  const du = bench.f32(size * DIM);
  let start = 0;
  const starts = bench.put(
    Int32Array.from(users.js, (user) => {
      start += X.indptr.js[user + 1] - X.indptr.js[user];
      return start - (X.indptr.js[user + 1] - X.indptr.js[user]);
    }),
  );
  const pulls = bench.scratch(12 * interactions * (1 + NEGATIVES));
  const counts = bench.scratch(4 * size);
  const plainPulls = {
    items: new Int32Array(interactions * (1 + NEGATIVES)),
    users: new Float32Array(interactions * (1 + NEGATIVES)),
    own: new Float32Array(interactions * (1 + NEGATIVES)),
  };
  const totals = bench.f64(2);
  const loss = bench.struct(layout.MarginLoss, {
    xIndptr: X.indptr.at,
    xItems: X.indices.at,
    n,
    d: DIM,
    v: v.at,
    negatives: NEGATIVES,
    gamma: GAMMA,
    seed: SEED,
    stage: 10,
  });
  return {
    kernels: ['margin'],
    size: `${count(interactions)} interactions of ${size} users, ${NEGATIVES} negatives, d = ${DIM}`,
    work: interactions * (1 + NEGATIVES),
    unit: 'M pairs/s',
    outputs: [totals, du],
    reset: [totals, du],
    wasm: () => exports.margin(size, users.at, keys.at, loss, u.at, du.at, pulls, starts.at, counts, totals.at),
    js: () => plainMargin(users.js, keys.js, X.indptr.js, X.indices.js, n, u.js, v.js, du.js, plainPulls, totals.js),
  };
}

function plainMargin(users, keys, indptr, items, n, u, v, du, pulls, totals) {
  let pulled = 0;
  const gamma = Math.fround(GAMMA);
  for (let b = 0; b < users.length; b++) {
    const own = items.subarray(indptr[users[b]], indptr[users[b] + 1]);
    const stream = new Stream(SEED, 10, keys[b]);
    let drawn = 0;
    let uu = 0;
    for (let i = 0; i < DIM; i++) uu += u[b * DIM + i] * u[b * DIM + i];
    let along = 0;
    for (const j of own) {
      for (let k = -1; k < (own.length < n ? NEGATIVES : 0); k++) {
        let item = j;
        if (k >= 0) {
          do {
            stream.draw(drawn++);
            item = stream.below(n);
          } while (contains(own, item));
        }
        let vv = 0;
        let uv = 0;
        for (let i = 0; i < DIM; i++) {
          vv += v[item * DIM + i] * v[item * DIM + i];
          uv += u[b * DIM + i] * v[item * DIM + i];
        }
        const scale = Math.sqrt(uu) * Math.sqrt(vv);
        const y = scale > 0 ? uv / scale : 0;
        if (k >= 0 && y <= gamma) continue;
        totals[0] += k < 0 ? 1 - y : (y - gamma) / NEGATIVES;
        if (!(scale > 0)) continue;
        const g = k < 0 ? -1 : 1 / NEGATIVES;
        for (let i = 0; i < DIM; i++) du[b * DIM + i] += (g / scale) * v[item * DIM + i];
        pulls.items[pulled] = item;
        pulls.users[pulled] = g / scale;
        pulls.own[pulled++] = (-g * y) / vv;
        along += g * y;
      }
    }
    if (uu > 0) for (let i = 0; i < DIM; i++) du[b * DIM + i] -= (along / uu) * u[b * DIM + i];
    totals[1] += own.length;
  }
}

function contains(sorted, item) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < item) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === item;
}

function softmax(c) {
  const { exports, bench, X } = c;
  const { users, size } = batchOf(c);
  const n = X.cols;
  const ld = Math.ceil(n / 4) * 4;
  const scores = bench.put(randoms(size * ld, 33, 8));
  const totals = bench.f64(2);
  return {
    kernels: ['softmax'],
    size: `${size} × ${count(n)}`,
    work: size * n,
    unit: 'M scores/s',
    outputs: [totals, scores],
    reset: [totals, scores],
    wasm: () => exports.softmax(size, users.at, X.indptr.at, X.indices.at, n, ld, scores.at, totals.at),
    js: () => plainSoftmax(users.js, X.indptr.js, X.indices.js, n, ld, scores.js, totals.js),
  };
}

function plainSoftmax(users, indptr, items, n, ld, scores, totals) {
  for (let b = 0; b < users.length; b++) {
    const row = scores.subarray(b * ld, b * ld + n);
    const own = items.subarray(indptr[users[b]], indptr[users[b] + 1]);
    let highest = -Infinity;
    for (let j = 0; j < n; j++) if (row[j] > highest) highest = row[j];
    let ownSum = 0;
    for (const j of own) ownSum += row[j] - highest;
    let sum = 0;
    for (let j = 0; j < n; j++) {
      row[j] = Math.exp(row[j] - highest);
      sum += row[j];
    }
    const scale = own.length > 0 ? 1 / sum : 0;
    for (let j = 0; j < n; j++) row[j] *= scale;
    scores.fill(0, b * ld + n, (b + 1) * ld);
    if (own.length === 0) continue;
    for (const j of own) row[j] -= 1 / own.length;
    totals[0] += Math.log(sum) - ownSum / own.length;
    totals[1] += 1;
  }
}

function plainAdam(n, parameters, gradients, m, v, at, from) {
  const { rate, beta1, beta2, epsilon } = ADAM;
  for (let i = 0; i < n; i++) {
    const g = gradients[from + i];
    m[at + i] = beta1 * m[at + i] + (1 - beta1) * g;
    v[at + i] = beta2 * v[at + i] + (1 - beta2) * g * g;
    parameters[at + i] -= (rate * m[at + i]) / (Math.sqrt(v[at + i]) + epsilon);
  }
}

function adam({ exports, bench }) {
  const n = 1 << 18;
  const parameters = bench.put(randoms(n, 34));
  const gradients = bench.put(randoms(n, 35));
  const m = bench.f32(n);
  const v = bench.f32(n);
  const numbers = bench.struct(layout.Adam, ADAM);
  return {
    kernels: ['adam'],
    size: count(n),
    work: n,
    unit: 'M parameters/s',
    outputs: [parameters, m, v],
    reset: [parameters, m, v],
    wasm: () => exports.adam(n, parameters.at, gradients.at, m.at, v.at, numbers),
    js: () => plainAdam(n, parameters.js, gradients.js, m.js, v.js, 0, 0),
  };
}

/** X̂ᵀ of a batch of 32 users, about a tenth dense, and the tables of 4,096 items. */
function itemsOf({ bench }) {
  const [items, users] = [4096, 32];
  const indptr = Int32Array.from({ length: items + 1 }, (_, item) => 3 * item);
  const rows = Int32Array.from({ length: 3 * items }, (_, e) => (Math.floor(e / 3) + 11 * (e % 3)) % users);
  return {
    items,
    users,
    indptr: bench.put(indptr),
    rows: bench.put(rows),
    values: bench.put(randoms(rows.length, 41)),
    vectors: bench.put(randoms(items * DIM, 42)),
    u: bench.put(randoms(users * DIM, 43)),
  };
}

function adamItems(c) {
  const { exports, bench } = c;
  const { items, indptr, rows, values, vectors, u } = itemsOf(c);
  const fixed = bench.put(vectors.js);
  const m = bench.f32(items * DIM);
  const v = bench.f32(items * DIM);
  const decay = 2e-7;
  const gradient = new Float32Array(DIM);
  const x = bench.struct(layout.Csr, { indptr: indptr.at, indices: rows.at, values: values.at });
  const tables = { d: DIM, vectors: vectors.at, fixed: fixed.at, m: m.at, v: v.at, gradients: 0, decay };
  const tablesAt = bench.struct(layout.ItemTables, tables);
  const numbers = bench.struct(layout.Adam, ADAM);
  return {
    kernels: ['adamItems'],
    size: `${count(items)} items, ${count(rows.js.length)} entries of X̂ᵀ, d = ${DIM}`,
    work: items * DIM,
    unit: 'M parameters/s',
    outputs: [vectors, m, v],
    reset: [vectors, m, v],
    wasm: () => exports.adamItems(0, items, x, u.at, 0, 0, 0, tablesAt, numbers),
    js() {
      for (let j = 0; j < items; j++) {
        for (let i = 0; i < DIM; i++) gradient[i] = decay * (vectors.js[j * DIM + i] - fixed.js[j * DIM + i]);
        for (let e = indptr.js[j]; e < indptr.js[j + 1]; e++)
          for (let i = 0; i < DIM; i++) gradient[i] += values.js[e] * u.js[rows.js[e] * DIM + i];
        plainAdam(DIM, vectors.js, gradient, m.js, v.js, j * DIM, 0);
      }
    },
  };
}

function spreadItems(c) {
  const { exports, bench } = c;
  const { items, users, indptr, rows, values, vectors } = itemsOf(c);
  const u = bench.f32(users * DIM);
  const x = bench.struct(layout.Csr, { indptr: indptr.at, indices: rows.at, values: values.at });
  return {
    kernels: ['spreadItems'],
    size: `${count(items)} items, ${count(rows.js.length)} entries of X̂ᵀ, d = ${DIM}`,
    work: 2 * DIM * rows.js.length,
    unit: 'GFLOP/s',
    outputs: [u],
    wasm: () => exports.spreadItems(0, items, x, users, DIM, vectors.at, u.at),
    js() {
      u.js.fill(0);
      for (let j = 0; j < items; j++)
        for (let e = indptr.js[j]; e < indptr.js[j + 1]; e++)
          for (let i = 0; i < DIM; i++) u.js[rows.js[e] * DIM + i] += values.js[e] * vectors.js[j * DIM + i];
    },
  };
}

function adamRows({ exports, bench }) {
  const [rows, batch] = [8192, 2048];
  const list = bench.put(Int32Array.from({ length: batch }, (_, b) => (b * 4 + (b % 3)) % rows));
  const table = bench.put(randoms(rows * DIM, 36));
  const gradients = bench.put(randoms(batch * DIM, 37));
  const m = bench.f32(rows * DIM);
  const v = bench.f32(rows * DIM);
  const numbers = bench.struct(layout.Adam, ADAM);
  return {
    kernels: ['adamRows'],
    size: `${count(batch)} of ${count(rows)} rows, d = ${DIM}`,
    work: batch * DIM,
    unit: 'M parameters/s',
    outputs: [table, m, v],
    reset: [table, m, v],
    wasm: () => exports.adamRows(batch, list.at, DIM, table.at, gradients.at, m.at, v.at, numbers),
    js() {
      for (let b = 0; b < batch; b++) plainAdam(DIM, table.js, gradients.js, m.js, v.js, list.js[b] * DIM, b * DIM);
    },
  };
}

function dropout({ exports, bench }) {
  const rows = 2048;
  const keys = bench.put(Uint32Array.from({ length: rows }, (_, r) => 5 * r));
  const x = bench.put(randoms(rows * DIM, 38));
  return {
    kernels: ['dropout'],
    size: `${count(rows)} × ${DIM}, 0.3`,
    work: rows * DIM,
    unit: 'M elements/s',
    outputs: [x],
    reset: [x],
    wasm: () => exports.dropout(rows, DIM, x.at, 0.3, SEED, 9, keys.at),
    js() {
      const rate = Math.fround(0.3);
      const scale = 1 / (1 - rate);
      const values = x.js;
      for (let r = 0; r < rows; r++) {
        const stream = new Stream(SEED, 9, keys.js[r]);
        for (let i = 0; i < DIM; i++) {
          stream.draw(i);
          values[r * DIM + i] = stream.unit() < rate ? 0 : values[r * DIM + i] * scale;
        }
      }
    },
  };
}

function unitRows({ exports, bench }) {
  const rows = 4096;
  const x = bench.put(randoms(rows * DIM, 39));
  const out = bench.f32(rows * DIM);
  const norms = bench.f32(rows);
  return {
    kernels: ['unitRows'],
    size: `${count(rows)} × ${DIM}`,
    work: rows * DIM,
    unit: 'M elements/s',
    outputs: [out, norms],
    wasm: () => exports.unitRows(rows, DIM, x.at, out.at, norms.at),
    js: () => plainUnitRows(rows, x.js, out.js, norms.js),
  };
}

function plainUnitRows(rows, x, out, norms) {
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let i = 0; i < DIM; i++) sum += x[r * DIM + i] * x[r * DIM + i];
    norms[r] = Math.sqrt(sum);
    const scale = norms[r] > 0 ? 1 / norms[r] : 0;
    for (let i = 0; i < DIM; i++) out[r * DIM + i] = x[r * DIM + i] * scale;
  }
}

function unitRowsBackward({ exports, bench }) {
  const rows = 4096;
  const units = new Float32Array(rows * DIM);
  const lengths = new Float32Array(rows);
  plainUnitRows(rows, randoms(rows * DIM, 39), units, lengths);
  const out = bench.put(units);
  const norms = bench.put(lengths);
  const dout = bench.put(randoms(rows * DIM, 40));
  const dx = bench.f32(rows * DIM);
  return {
    kernels: ['unitRowsBackward'],
    size: `${count(rows)} × ${DIM}`,
    work: rows * DIM,
    unit: 'M elements/s',
    outputs: [dx],
    reset: [dx],
    wasm: () => exports.unitRowsBackward(rows, DIM, out.at, norms.at, dout.at, dx.at),
    js() {
      const unit = out.js;
      const above = dout.js;
      const below = dx.js;
      for (let r = 0; r < rows; r++) {
        const norm = norms.js[r];
        if (!(norm > 0)) continue;
        let along = 0;
        for (let i = 0; i < DIM; i++) along += above[r * DIM + i] * unit[r * DIM + i];
        for (let i = 0; i < DIM; i++) below[r * DIM + i] += (above[r * DIM + i] - along * unit[r * DIM + i]) / norm;
      }
    },
  };
}

function addInto({ exports, bench }) {
  const n = 1 << 18;
  const x = bench.put(randoms(n, 41));
  const y = bench.f32(n);
  return {
    kernels: ['addInto'],
    size: count(n),
    work: n,
    unit: 'M elements/s',
    outputs: [y],
    reset: [y],
    wasm: () => exports.addInto(n, x.at, y.at),
    js() {
      const from = x.js;
      const to = y.js;
      for (let i = 0; i < n; i++) to[i] += from[i];
    },
  };
}

function addRows({ exports, bench }) {
  const [rows, batch] = [8192, 2048];
  const list = bench.put(Int32Array.from({ length: batch }, (_, b) => (b * 4 + (b % 3)) % rows));
  const table = bench.put(randoms(rows * DIM, 44));
  const out = bench.f32(batch * DIM);
  return {
    kernels: ['addRows'],
    size: `${count(batch)} of ${count(rows)} rows, d = ${DIM}`,
    work: batch * DIM,
    unit: 'M elements/s',
    outputs: [out],
    reset: [out],
    wasm: () => exports.addRows(batch, list.at, DIM, table.at, out.at),
    js() {
      const from = table.js;
      const to = out.js;
      for (let b = 0; b < batch; b++) {
        const row = list.js[b] * DIM;
        for (let i = 0; i < DIM; i++) to[b * DIM + i] += from[row + i];
      }
    },
  };
}
