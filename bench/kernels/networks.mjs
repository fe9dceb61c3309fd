// Layers of networks and their steps, and the step over a graph of users and items, for a part of a batch or for one panel.
import { layout } from '../../dist/kernels.js';
import { randoms } from '../harness/splitmix64.mjs';

const ROWS = 704;
const UNITS = 512;
const STEP = { rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.01 };
const LANES = 16;
const count = (n) => n.toLocaleString('en-US');

export function* networks(c) {
  yield () => activate(c);
  yield () => activateBackward(c);
  yield () => crossEntropy(c);
  yield () => softmaxRows(c);
  yield () => multiplyRows(c);
  yield () => takeRows(c);
  yield () => stepParameters(c);
  yield () => propagateOnto(c);
}

function activate({ exports, bench }) {
  const y = bench.put(randoms(ROWS * UNITS, 51));
  const bias = bench.put(randoms(UNITS, 52));
  return {
    kernels: ['activate'],
    size: `${ROWS} rows of ${UNITS}, ReLU`,
    work: ROWS * UNITS,
    unit: 'M elements/s',
    outputs: [y],
    reset: [y],
    wasm: () => exports.activate(ROWS, UNITS, y.at, bias.at, 1),
    js() {
      const [values, added] = [y.js, bias.js];
      for (let r = 0; r < ROWS; r++)
        for (let k = 0; k < UNITS; k++) {
          const x = values[r * UNITS + k] + added[k];
          values[r * UNITS + k] = x > 0 ? x : 0;
        }
    },
  };
}

function activateBackward({ exports, bench }) {
  const y = bench.put(randoms(ROWS * UNITS, 53).map((value) => Math.max(0, value)));
  const dy = bench.put(randoms(ROWS * UNITS, 54));
  const dbias = bench.f32(UNITS);
  return {
    kernels: ['activateBackward'],
    size: `${ROWS} rows of ${UNITS}, ReLU`,
    work: ROWS * UNITS,
    unit: 'M elements/s',
    outputs: [dy, dbias],
    reset: [dy, dbias],
    wasm: () => exports.activateBackward(ROWS, UNITS, y.at, dy.at, dbias.at, 1),
    js() {
      const [values, gradients, sums] = [y.js, dy.js, dbias.js];
      for (let r = 0; r < ROWS; r++)
        for (let k = 0; k < UNITS; k++) {
          const g = values[r * UNITS + k] > 0 ? gradients[r * UNITS + k] : 0;
          gradients[r * UNITS + k] = g;
          sums[k] += g;
        }
    },
  };
}

function crossEntropy({ exports, bench }) {
  const [n, each] = [11_264, 11];
  const z = bench.put(randoms(n, 55));
  const dz = bench.f32(n);
  const totals = bench.f64(2);
  return {
    kernels: ['crossEntropy'],
    size: `${count(n)} samples, ${each} of an interaction`,
    work: n,
    unit: 'M samples/s',
    outputs: [dz, totals],
    reset: [totals],
    wasm: () => exports.crossEntropy(n, each, z.at, 1 / n, dz.at, totals.at),
    js() {
      const [logits, gradients, sums] = [z.js, dz.js, totals.js];
      for (let r = 0; r < n; r++) {
        const x = logits[r];
        const label = r % each === 0 ? 1 : 0;
        const e = Math.exp(-Math.abs(x));
        sums[0] += Math.max(x, 0) + Math.log(1 + e) - label * x;
        gradients[r] = ((x >= 0 ? 1 / (1 + e) : e / (1 + e)) - label) / n;
      }
      sums[1] += n;
    },
  };
}

function softmaxRows({ exports, bench }) {
  const [rows, n] = [11_264, 8];
  const x = bench.put(randoms(rows * n, 56));
  return {
    kernels: ['softmaxRows'],
    size: `${count(rows)} rows of ${n}`,
    work: rows * n,
    unit: 'M elements/s',
    outputs: [x],
    reset: [x],
    wasm: () => exports.softmaxRows(rows, n, x.at),
    js() {
      const values = x.js;
      for (let from = 0; from < rows * n; from += n) {
        let highest = values[from];
        for (let k = 1; k < n; k++) highest = Math.max(highest, values[from + k]);
        let sum = 0;
        for (let k = 0; k < n; k++) sum += Math.exp(values[from + k] - highest);
        for (let k = 0; k < n; k++) values[from + k] = Math.exp(values[from + k] - highest) / sum;
      }
    },
  };
}

function multiplyRows({ exports, bench }) {
  const a = bench.put(randoms(ROWS * UNITS, 57));
  const b = bench.put(randoms(ROWS * UNITS, 58));
  const out = bench.f32(ROWS * UNITS);
  return {
    kernels: ['multiplyRows'],
    size: `${ROWS} rows of ${UNITS}, added`,
    work: ROWS * UNITS,
    unit: 'M elements/s',
    outputs: [out],
    reset: [out],
    wasm: () => exports.multiplyRows(ROWS, UNITS, a.at, UNITS, b.at, UNITS, out.at, UNITS, 1),
    js() {
      const [x, y, to] = [a.js, b.js, out.js];
      for (let i = 0; i < ROWS * UNITS; i++) to[i] += x[i] * y[i];
    },
  };
}

function takeRows({ exports, bench }) {
  const [all, d] = [8192, 128];
  const list = bench.put(Int32Array.from({ length: ROWS }, (_, b) => (b * 37 + (b % 5)) % all));
  const table = bench.put(randoms(all * d, 59));
  const out = bench.f32(ROWS * 2 * d);
  return {
    kernels: ['takeRows'],
    size: `${ROWS} rows of ${count(all)}, d = ${d}`,
    work: ROWS * d,
    unit: 'M elements/s',
    outputs: [out],
    wasm: () => exports.takeRows(ROWS, list.at, d, table.at, out.at, 2 * d),
    js() {
      for (let b = 0; b < ROWS; b++) for (let k = 0; k < d; k++) out.js[2 * b * d + k] = table.js[list.js[b] * d + k];
    },
  };
}

function stepParameters({ exports, bench }) {
  const [n, parts] = [1 << 17, 8];
  const gradients = bench.put(randoms(parts * n, 60));
  const parameters = bench.put(randoms(n, 61));
  const [m, v] = [bench.f32(n), bench.f32(n)];
  const numbers = bench.struct(layout.TableStep, STEP);
  return {
    kernels: ['stepParameters'],
    size: `${count(n)} parameters, ${parts} parts`,
    work: n,
    unit: 'M parameters/s',
    outputs: [parameters, m, v, gradients],
    reset: [parameters, m, v, gradients],
    wasm: () => exports.stepParameters(n, parts, 4 * n, gradients.at, parameters.at, m.at, v.at, numbers),
    js() {
      const { rate, beta1, beta2, epsilon, decay } = STEP;
      for (let i = 0; i < n; i++) {
        let g = decay * parameters.js[i];
        for (let part = 0; part < parts; part++) {
          g += gradients.js[part * n + i];
          gradients.js[part * n + i] = 0;
        }
        m.js[i] = beta1 * m.js[i] + (1 - beta1) * g;
        v.js[i] = beta2 * v.js[i] + (1 - beta2) * g * g;
        parameters.js[i] -= (rate * m.js[i]) / (Math.sqrt(v.js[i]) + epsilon);
      }
    },
  };
}

function propagateOnto({ exports, bench, B }) {
  const x = bench.put(randoms(B.rows * LANES, 62));
  const base = bench.put(randoms(B.rows * LANES, 63));
  const y = bench.f32(B.rows * LANES);
  const edges = B.indices.js.length;
  return {
    kernels: ['propagateOnto'],
    size: `${count(B.rows)} rows, ${count(edges)} entries, a panel`,
    work: edges,
    unit: 'M entries/s',
    outputs: [y],
    wasm: () =>
      exports.propagateOnto(0, B.rows, B.indptr.at, B.indices.at, B.values.at, x.at, base.at, y.at, 4 * LANES, 0.25),
    js() {
      const sum = new Float32Array(LANES);
      for (let r = 0; r < B.rows; r++) {
        sum.fill(0);
        for (let e = B.indptr.js[r]; e < B.indptr.js[r + 1]; e++)
          for (let k = 0; k < LANES; k++) sum[k] += B.values.js[e] * x.js[B.indices.js[e] * LANES + k];
        for (let k = 0; k < LANES; k++) y.js[r * LANES + k] = 0.25 * (sum[k] + base.js[r * LANES + k]);
      }
    },
  };
}
