import { beforeAll, describe, expect, it } from 'vitest';
import { exp, ln, log2, power } from '../../src/common/elementary.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import type { Kernels } from '../../src/engine/types.ts';
import { sparse } from '../support/small-model.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 65];
/**
 * A sum of m products of values up to 1 in f32 is off by at most about m · 2⁻²⁴ · Σ|product|, and far less as a rule.
 */
const tolerance = (m: number) => (m + 4) * 2 ** -24;

let kernels: Kernels;
beforeAll(async () => {
  kernels = await instantiateKernels(embeddedKernels);
});

const random = new SplitMix(11);
const uniform = (n: number) => Float32Array.from({ length: n }, () => random.next() * 2 - 1);

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i] - expected[i]) <= bound))
      expect.fail(`entry ${i}: ${actual[i]}, expected ${expected[i]} ± ${bound}`);
  }
}

/** Runs `work` with the addresses of the arrays; reads back the first one, an output followed by a guard. */
function run(
  out: Float32Array,
  inputs: ArrayBufferView[],
  work: (out: number, ...inputs: number[]) => void,
): Float32Array {
  const { memory } = kernels;
  const mark = memory.mark();
  const guarded = new Float32Array(out.length + 1).fill(123);
  guarded.set(out);
  const address = memory.put(guarded);
  work(address, ...inputs.map((input) => memory.put(input)));
  const result = memory.f32(address, out.length + 1).slice();
  memory.release(mark);
  expect(result[out.length]).toBe(123);
  return result.subarray(0, out.length);
}

describe('dot', () => {
  it('agrees with doubles at every length', () => {
    for (const d of [...LENGTHS, 4099]) {
      const [a, b] = [uniform(d), uniform(d)];
      let sum = 0;
      for (let k = 0; k < d; k++) sum += a[k] * b[k];
      let result = 0;
      run(new Float32Array(0), [a, b], (_, x, y) => {
        result = kernels.exports.dot(x, y, d);
      });
      expectClose([result], [sum], tolerance(d) * Math.max(1, d / 4));
    }
  });
});

describe('scoreLinear', () => {
  it('adds the rows of the history and scales the sum', () => {
    for (const n of [...LENGTHS, 700]) {
      const rows = Array.from({ length: n }, () =>
        Array.from({ length: n }, () => (random.next() < 0.3 ? random.next() : 0)),
      );
      const s = sparse(rows, n);
      const history = Int32Array.from({ length: n }, (_, i) => i).filter(() => random.next() < 0.4);
      const expected = Array.from(
        { length: n },
        (_, j) => 0.7 * history.reduce((sum, i) => sum + Math.fround(rows[i][j]), 0),
      );
      let entries = -1;
      const actual = run(
        new Float32Array(n).fill(9),
        [s.indptr, s.indices, s.values, history],
        (out, indptr, indices, values, list) => {
          entries = kernels.exports.scoreLinear(out, n, indptr, indices, values, list, history.length, 0.7);
        },
      );
      expectClose(actual, expected, tolerance(history.length) * Math.max(1, history.length));
      expect(entries).toBe(history.reduce((sum, i) => sum + rows[i].filter((x) => x !== 0).length, 0));
    }
  });
});

describe('scoreSumsAndMaxima', () => {
  it('adds to the scaled sum the largest of M, and leaves its scratch zero', () => {
    for (const n of [...LENGTHS, 700]) {
      const rows = Array.from({ length: n }, () =>
        Array.from({ length: n }, () => (random.next() < 0.3 ? random.next() : 0)),
      );
      const s = sparse(rows, n);
      // negative ones too: they count for nothing
      const maxima = Float32Array.from(s.values, () => random.next() - 0.2);
      const history = Int32Array.from({ length: n }, (_, i) => i).filter(() => random.next() < 0.4);
      const expected = new Float64Array(n);
      const largest = new Float64Array(n);
      for (const i of history)
        for (let e = s.indptr[i]; e < s.indptr[i + 1]; e++) {
          expected[s.indices[e]] += s.values[e];
          largest[s.indices[e]] = Math.max(largest[s.indices[e]], maxima[e]);
        }
      let entries = -1;
      let scratch = new Float32Array(0);
      const actual = run(
        new Float32Array(n).fill(9),
        [s.indptr, s.indices, s.values, maxima, history, new Float32Array(n)],
        (out, indptr, indices, values, most, list, zeros) => {
          entries = kernels.exports.scoreSumsAndMaxima(
            out,
            zeros,
            n,
            indptr,
            indices,
            values,
            most,
            list,
            history.length,
            0.7,
          );
          scratch = kernels.memory.f32(zeros, n).slice();
        },
      );
      expectClose(
        actual,
        expected.map((sum, j) => 0.7 * sum + largest[j]),
        tolerance(history.length) * Math.max(1, history.length),
      );
      expect(entries).toBe(history.reduce((sum, i) => sum + rows[i].filter((x) => x !== 0).length, 0));
      expect(scratch).toEqual(new Float32Array(n));
    }
  });
});

describe('meanRows', () => {
  it('averages the rows that are not zero, and adds the offset', () => {
    for (const d of [...LENGTHS, 1030]) {
      for (const count of [0, 1, 3, 17]) {
        const table = uniform(20 * d);
        table.fill(0, 2 * d, 3 * d);
        const history = Int32Array.from({ length: count }, (_, i) => i);
        const offset = uniform(d);
        const used = history.filter((i) => d > 0 && i !== 2).length;
        const mean = (k: number) => (used === 0 ? 0 : history.reduce((sum, i) => sum + table[i * d + k], 0) / used);
        for (const own of [true, false]) {
          let c = -1;
          const actual = run(new Float32Array(d), [table, history, offset], (out, rows, list, o) => {
            c = kernels.exports.meanRows(out, d, rows, list, count, own ? o : 0);
          });
          expect(c).toBe(used);
          expectClose(
            actual,
            Array.from(offset, (o, k) => mean(k) + (own ? o : 0)),
            tolerance(count) * 4,
          );
        }
      }
    }
  });
});

/** addCosines for one user. */
function addCosine(out: number, n: number, d: number, vectors: number, u: number, weight: number): void {
  const { exports, memory } = kernels;
  exports.addCosines(out, 1, n, d, vectors, u, memory.allocate(4), weight, 1);
}

describe('addCosines and addBias', () => {
  it('agree with doubles at every number of items and length of vector', () => {
    for (const n of [...LENGTHS, 1001]) {
      for (const d of n === 1001 ? [128] : LENGTHS) {
        const [vectors, u, before, bias] = [uniform(n * d), uniform(d), uniform(n), uniform(n)];
        const norm = Math.hypot(...u);
        const expected = Array.from(before, (x, j) => {
          let sum = 0;
          for (let k = 0; k < d; k++) sum += vectors[j * d + k] * u[k];
          return x + (norm > 0 ? (1.5 * sum) / norm : 0) + bias[j];
        });
        const actual = run(before, [vectors, u, bias], (out, v, x, b) => {
          addCosine(out, n, d, v, x, 1.5);
          kernels.exports.addBias(out, n, b);
        });
        expectClose(actual, expected, tolerance(d) * 1.5 * Math.sqrt(Math.max(4, d)));
      }
    }
  });

  it('gives an item the same bits wherever it stands', () => {
    const [d, n] = [37, 9];
    const [row, u] = [uniform(d), uniform(d)];
    const vectors = new Float32Array(n * d);
    for (let j = 0; j < n; j++) vectors.set(row, j * d);
    const scores = run(new Float32Array(n), [vectors, u], (out, v, x) => addCosine(out, n, d, v, x, 1));
    expect(new Set(scores).size).toBe(1);
  });

  it('gives each user of a batch the same bits as alone', () => {
    for (const n of [1, 2, 63, 64, 65, 131]) {
      for (const m of [2, 3, 4, 5, 9]) {
        for (const d of [3, 16, 37]) {
          const [vectors, users, before] = [uniform(n * d), uniform(m * d), uniform(m * n)];
          users.fill(0, d, 2 * d);
          const together = run(before, [vectors, users], (out, v, u) =>
            kernels.exports.addCosines(out, m, n, d, v, u, kernels.memory.allocate(4 * m), 0.7, 1),
          );
          for (let u = 0; u < m; u++) {
            const alone = run(
              before.slice(u * n, (u + 1) * n),
              [vectors, users.slice(u * d, (u + 1) * d)],
              (out, v, x) => addCosine(out, n, d, v, x, 0.7),
            );
            expect(together.subarray(u * n, (u + 1) * n)).toEqual(alone);
          }
        }
      }
    }
  });

  it('leaves the scores of a zero vector alone', () => {
    const before = uniform(6);
    expect(run(before, [uniform(30), new Float32Array(5)], (out, v, x) => addCosine(out, 6, 5, v, x, 1))).toEqual(
      before,
    );
  });
});

describe('elementary functions', () => {
  /** Ours is within 4 units in the last place of the result. */
  const relative = 1e-15;
  it('agree with the host to the last places', () => {
    for (const x of [1e-300, 1e-5, 0.5, 0.66, 0.67, 1, 1.33, 1.34, 1.5, 2, 3, 10, 11, 1000, 12_345.678, 1e300]) {
      expect(Math.abs(ln(x) - Math.log(x))).toBeLessThanOrEqual(relative * Math.max(1, Math.abs(Math.log(x))));
      expect(Math.abs(log2(x) - Math.log2(x))).toBeLessThanOrEqual(2 * relative * Math.max(1, Math.abs(Math.log2(x))));
    }
    for (const x of [-700, -10, -1, -0.3, 0, 1e-9, 0.34, 0.35, 1, 5.5, 100, 700]) {
      // The rounding of x itself is amplified by |x|.
      expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThanOrEqual(relative * Math.max(1, Math.abs(x)));
    }
    for (const [x, p] of [
      [1, 5],
      [7, 0],
      [7, -0.5],
      [1000, -1],
      [3, 2],
      [12, 0.3],
    ]) {
      expect(Math.abs(power(x, p) / x ** p - 1)).toBeLessThanOrEqual(10 * relative);
    }
    expect(power(10, -1e9)).toBe(0);
    expect(power(10, 1e9)).toBe(Infinity);
  });
});
