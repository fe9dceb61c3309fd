// The kernels of networks against plain f64 references, at awkward lengths.
import { expect, test } from 'vitest';
import { below, draw, kernels, LENGTHS, randomPattern, randoms, stream, unit, worst } from '../support/reference.ts';

/** f32 sums of up to a few hundred terms of size 1. */
const F32 = 2e-5;
const SIZES = [...LENGTHS, 300];

test.each(SIZES)('activate and activateBackward of %i rows', async (rows) => {
  const k = await kernels();
  const act = [(x: number) => x, (x: number) => Math.max(0, x), Math.tanh];
  const slope = [() => 1, (y: number) => (y > 0 ? 1 : 0), (y: number) => 1 - y * y];
  for (const n of [1, 4, 20])
    for (const kind of [0, 1, 2]) {
      const x = randoms(rows * n, 1).map((value) => 3 * value);
      const bias = randoms(n, 2);
      const y = x.slice();
      k.activate(rows, n, y, bias, kind);
      const expected = Float64Array.from(x, (value, i) => act[kind](value + bias[i % n]));
      expect(worst(y, expected)).toBeLessThan(F32);
      const dy = randoms(rows * n, 3);
      const back = dy.slice();
      const dbias = new Float32Array(n).fill(1);
      k.activateBackward(rows, n, y, back, dbias, kind);
      const derived = Float64Array.from(dy, (g, i) => g * slope[kind](y[i]));
      expect(worst(back, derived)).toBeLessThan(F32);
      const sums = Float64Array.from(
        { length: n },
        (_, c) => 1 + derived.filter((_, i) => i % n === c).reduce((a, b) => a + b, 0),
      );
      expect(worst(dbias, sums)).toBeLessThan(F32);
    }
});

test.each(SIZES)('rows are taken, multiplied, weighed and summed, %i of them', async (rows) => {
  const k = await kernels();
  const [n, ld] = [8, 12];
  const table = randoms(9 * n, 1);
  const list = Int32Array.from({ length: rows }, (_, r) => (7 * r) % 9);
  const taken = new Float32Array(rows * ld).fill(5);
  k.takeRows(rows, list, n, table, taken, ld);
  expect(taken.every((value, i) => value === (i % ld < n ? table[list[Math.floor(i / ld)] * n + (i % ld)] : 5))).toBe(
    true,
  );

  const a = randoms(rows * ld, 2);
  const b = randoms(n, 3);
  const out = randoms(rows * n, 4);
  const added = out.slice();
  const at = (i: number) => a[Math.floor(i / n) * ld + (i % n)] * b[i % n];
  k.multiplyRows(rows, n, a, ld, b, 0, added, n, 1);
  expect(
    worst(
      added,
      Float64Array.from(out, (value, i) => value + at(i)),
    ),
  ).toBeLessThan(F32);
  k.multiplyRows(rows, n, a, ld, b, 0, added, n, 0);
  expect(
    worst(
      added,
      Float64Array.from(out, (_, i) => at(i)),
    ),
  ).toBeLessThan(F32);

  const weights = randoms(rows * 3, 5);
  const x = randoms(rows * n, 6);
  const weighed = out.slice();
  k.addWeighedRows(rows, n, weights, 3, x, weighed);
  const expected = Float64Array.from(out, (value, i) => value + weights[3 * Math.floor(i / n)] * x[i]);
  expect(worst(weighed, expected)).toBeLessThan(F32);
  const dots = weights.slice();
  k.addRowDots(rows, n, x, out, dots, 3);
  const sums = Float64Array.from(weights, (value, i) =>
    i % 3 === 0
      ? x.subarray((i / 3) * n, (i / 3 + 1) * n).reduce((sum, own, c) => sum + own * out[(i / 3) * n + c], value)
      : value,
  );
  expect(worst(dots, sums)).toBeLessThan(F32);
});

test.each(SIZES)('factors, products and softmax of %i rows', async (rows) => {
  const k = await kernels();
  const n = 4 * rows;
  const x = randoms(n, 1);
  const y = randoms(n, 2);
  const sum = y.slice();
  k.addTimes(n, Float32Array.of(0.75), x, sum);
  expect(
    worst(
      sum,
      Float64Array.from(y, (value, i) => value + 0.75 * x[i]),
    ),
  ).toBeLessThan(F32);
  const product = Float32Array.of(2);
  k.addProduct(n, x, y, product);
  expect(worst(product, [x.reduce((total, value, i) => total + value * y[i], 2)])).toBeLessThan(F32);

  const cols = 5;
  const z = randoms(rows * cols, 3).map((value) => 40 * value);
  const soft = z.slice();
  k.softmaxRows(rows, cols, soft);
  const g = randoms(rows * cols, 4);
  const back = g.slice();
  k.softmaxRowsBackward(rows, cols, soft, back);
  for (let r = 0; r < rows; r++) {
    const row = Float64Array.from(z.subarray(r * cols, (r + 1) * cols));
    const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const e = row.map((value) => Math.exp(value - top));
    const p = e.map((value) => value / e.reduce((a, b) => a + b, 0));
    expect(worst(soft.subarray(r * cols, (r + 1) * cols), p)).toBeLessThan(F32);
    const mean = p.reduce((total, value, c) => total + value * g[r * cols + c], 0);
    expect(
      worst(
        back.subarray(r * cols, (r + 1) * cols),
        p.map((value, c) => value * (g[r * cols + c] - mean)),
      ),
    ).toBeLessThan(F32);
  }
});

test.each([1, 3, 4, 5, 15, 16, 17, 65, 300])('columns of %i rows are normalised, and back', async (rows) => {
  const k = await kernels();
  const n = 6;
  const epsilon = 1e-5;
  const x = randoms(rows * n, 1).map((value, i) => value * (1 + (i % n)));
  const y = new Float32Array(rows * n);
  const moments = new Float32Array(2 * n);
  k.normaliseColumns(rows, n, x, epsilon, y, moments);
  const dy = randoms(rows * n, 2);
  const dx = new Float32Array(rows * n).fill(1);
  k.normaliseColumnsBackward(rows, n, y, moments, epsilon, dy, dx);
  for (let c = 0; c < n; c++) {
    const column = (values: Float32Array) => Float64Array.from({ length: rows }, (_, r) => values[r * n + c]);
    const own = column(x);
    const mean = own.reduce((a, b) => a + b, 0) / rows;
    const variance = own.reduce((a, b) => a + (b - mean) ** 2, 0) / rows;
    const inverse = 1 / Math.sqrt(variance + epsilon);
    expect(worst([moments[c], moments[n + c]], [mean, variance])).toBeLessThan(F32);
    const normal = own.map((value) => (value - mean) * inverse);
    expect(worst(column(y), normal)).toBeLessThan(F32);
    const g = column(dy);
    const sum = g.reduce((a, b) => a + b, 0);
    const product = g.reduce((a, b, r) => a + b * normal[r], 0);
    const expected = g.map((value, r) => 1 + (inverse * (rows * value - sum - normal[r] * product)) / rows);
    // a column of one row divides by √ε: its gradient is 0 but for rounding times 316
    expect(worst(column(dx), expected)).toBeLessThan(rows === 1 ? 1e-3 : F32);
  }
  const running = new Float32Array(2 * n + 1);
  k.blendMoments(n, moments, running);
  expect(running.subarray(0, 2 * n)).toEqual(moments);
  k.blendMoments(
    n,
    moments.map((value) => value + 1),
    running,
  );
  expect(
    worst(
      running.subarray(0, 2 * n),
      Float64Array.from(moments, (value) => value + 0.01),
    ),
  ).toBeLessThan(F32);
  const served = new Float32Array(rows * n);
  k.normaliseBy(rows, n, x, moments, epsilon, served);
  expect(worst(served, y)).toBeLessThan(F32);
});

test.each(SIZES)('samples of %i interactions: the user’s own item, then items that the user lacks', async (count) => {
  const k = await kernels();
  const [users, n, negatives, seed, stage, first] = [20, 12, 4, 3, 34, 7];
  const { indptr, indices } = randomPattern(users, n, 8, 5);
  const owners = new Int32Array(indices.length);
  for (let u = 0; u < users; u++) owners.fill(u, indptr[u], indptr[u + 1]);
  const items = Int32Array.from({ length: n }, (_, i) => 100 + 2 * i);
  const order = Int32Array.from({ length: count }, (_, b) => (13 * b) % indices.length);
  const drawnUsers = new Int32Array(count * (1 + negatives));
  const drawnItems = new Int32Array(count * (1 + negatives));
  const from = { indptr, indices, owners, items, firstUser: 50, n, negatives, seed, stage };
  k.drawSamples(count, order, first, from, drawnUsers, drawnItems);
  const expectedUsers: number[] = [];
  const expectedItems: number[] = [];
  for (const [b, e] of order.entries()) {
    const own = indices.subarray(indptr[owners[e]], indptr[owners[e] + 1]);
    const lacking = [...items.keys()].filter((item) => !own.includes(item));
    const key = stream(seed, stage, first + b);
    expectedItems.push(items[indices[e]]);
    for (let i = 0; i < negatives; i++) expectedItems.push(items[lacking[below(draw(key, i), lacking.length)]]);
    expectedUsers.push(...new Array(1 + negatives).fill(50 + owners[e]));
  }
  expect([...drawnUsers]).toEqual(expectedUsers);
  expect([...drawnItems]).toEqual(expectedItems);
});

test.each(SIZES)('dropout of %i rows hides by 16 bits of a number for each four elements', async (rows) => {
  const k = await kernels();
  const [n, rate, seed, stage, first] = [20, 0.25, 9, 64, 11];
  const x = randoms(rows * n, 1);
  const out = new Float32Array(rows * n).fill(1);
  k.addDropped(rows, n, x, n, out, n, { rate, seed, stage, first });
  const expected = Float64Array.from(x, (value, i) => {
    const bits = draw(stream(seed, stage, first + Math.floor(i / n)), Math.floor((i % n) / 4));
    const own = Number((bits >> BigInt(16 * (i % 4))) & 0xffffn);
    return 1 + (own >= rate * 65536 ? value / (1 - rate) : 0);
  });
  expect(worst(out, expected)).toBeLessThan(F32);
});

test.each(SIZES)('cross-entropy of %i samples, far logits among them', async (rows) => {
  const k = await kernels();
  const z = randoms(rows, 1).map((value, i) => (i % 5 === 2 ? 90 : 4) * value);
  const dz = new Float32Array(rows);
  const totals = Float64Array.of(0.5, 2);
  k.crossEntropy(rows, 3, z, 0.125, dz, totals);
  let loss = 0.5;
  const expected = Float64Array.from(z, (x, r) => {
    const label = r % 3 === 0 ? 1 : 0;
    loss += Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - label * x;
    return (1 / (1 + Math.exp(-x)) - label) / 8;
  });
  expect(worst(dz, expected)).toBeLessThan(1e-7);
  expect(worst(totals, [loss, 2 + rows])).toBeLessThan(1e-12);
});

test.each([1, 3, 4, 5, 15, 16, 17, 65, 300])('multinomial likelihood over %i items', async (n) => {
  const k = await kernels();
  const x = randomPattern(6, n, 4, 5);
  const users = Int32Array.of(5, 0, 3, 3);
  const ld = 4 * Math.ceil(n / 4);
  const scores = randoms(users.length * ld, 1).map((value) => 5 * value);
  const found = scores.slice();
  const totals = new Float64Array(2);
  k.multinomial(users.length, users, { ...x, values: 0 }, n, ld, found, 0.25, totals);
  let loss = 0;
  let counted = 0;
  for (const [b, user] of users.entries()) {
    const row = Float64Array.from(scores.subarray(b * ld, b * ld + n));
    const own = x.indices.subarray(x.indptr[user], x.indptr[user + 1]);
    const sum = row.reduce((total, value) => total + Math.exp(value), 0);
    if (own.length > 0) counted++;
    for (const item of own) loss += Math.log(sum) - row[item];
    const expected = row.map((value, j) => 0.25 * ((own.length * Math.exp(value)) / sum - (own.includes(j) ? 1 : 0)));
    expect(worst(found.subarray(b * ld, b * ld + n), expected)).toBeLessThan(F32);
    for (let j = n; j < ld; j++) expect(found[b * ld + j]).toBe(0);
  }
  expect(worst(totals, [loss, counted])).toBeLessThan(F32);
});

test.each(SIZES)('latent vectors of %i rows, their divergence, and back', async (rows) => {
  const k = await kernels();
  const [d, seed, stage, first, weight] = [8, 4, 36, 100, 0.3];
  const moments = randoms(rows * 2 * d, 1);
  const noise = new Float32Array(rows * d);
  const z = new Float32Array(rows * d);
  const totals = Float64Array.of(1);
  k.drawLatent(rows, d, moments, noise, z, { rate: 0, seed, stage, first }, totals);
  const dz = randoms(rows * d, 2);
  const dmoments = new Float32Array(rows * 2 * d).fill(1);
  k.drawLatentBackward(rows, d, moments, noise, dz, weight, dmoments);
  let divergence = 1;
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < d; c++) {
      const key = stream(seed, stage, first + r);
      let normal = -6;
      for (let i = 0; i < 12; i++) normal += unit(draw(key, 12 * c + i));
      const mean = moments[2 * d * r + c];
      const logVariance = moments[2 * d * r + d + c];
      const spread = Math.exp(logVariance / 2) * normal;
      expect(Math.abs(z[d * r + c] - mean - spread)).toBeLessThan(F32);
      divergence += (Math.exp(logVariance) + mean * mean - 1 - logVariance) / 2;
      const g = dz[d * r + c];
      expect(Math.abs(dmoments[2 * d * r + c] - 1 - g - weight * mean)).toBeLessThan(F32);
      const own = (g * spread + weight * (Math.exp(logVariance) - 1)) / 2;
      expect(Math.abs(dmoments[2 * d * r + d + c] - 1 - own)).toBeLessThan(F32);
    }
  expect(worst(totals, [divergence])).toBeLessThan(1e-6);
});

test('without a mean and with a variance of 1 latent vectors do not diverge', async () => {
  const k = await kernels();
  const totals = new Float64Array(1);
  k.drawLatent(
    3,
    4,
    new Float32Array(24),
    new Float32Array(12),
    new Float32Array(12),
    { rate: 0, seed: 1, stage: 36, first: 0 },
    totals,
  );
  expect(totals[0]).toBe(0);
});

test.each(SIZES)('histories of %i users, with dropout, and their sums of rows of a table', async (count) => {
  const k = await kernels();
  const [seed, stage, first, rate, d] = [2, 35, 9, 0.4, 8];
  const x = randomPattern(7, 30, 5, 3);
  const users = Int32Array.from({ length: count }, (_, b) => (3 * b) % 7);
  const rows = Int32Array.from({ length: 30 }, (_, i) => (i * 11) % 30);
  const out = {
    indptr: new Int32Array(count + 2),
    indices: new Int32Array(5 * count + 3),
    values: new Float32Array(5 * count + 3),
  };
  out.indptr[1] = 3; // one row of three entries is there
  k.drawHistories(count, users, { ...x, values: 0 }, rows, { rate, seed, stage, first }, 1, out);
  let filled = 3;
  for (const [b, user] of users.entries()) {
    const own = x.indices.subarray(x.indptr[user], x.indptr[user + 1]);
    const kept = [...own.keys()].filter((e) => unit(draw(stream(seed, stage, first + b), e)) >= Math.fround(rate));
    expect([...out.indices.subarray(filled, filled + kept.length)]).toEqual(kept.map((e) => rows[own[e]]));
    for (let e = filled; e < filled + kept.length; e++)
      expect(out.values[e]).toBeCloseTo(1 / (1 - rate) / Math.sqrt(own.length), 6);
    filled += kept.length;
    expect(out.indptr[b + 2]).toBe(filled);
  }
  const table = randoms(30 * d, 4);
  const sums = new Float32Array(count * d);
  k.addWeighted(1, count + 1, out, d, table, sums);
  const expected = Float64Array.from(sums, (_, i) => {
    const row = Math.floor(i / d) + 1;
    let sum = 0;
    for (let e = out.indptr[row]; e < out.indptr[row + 1]; e++)
      sum += out.values[e] * table[out.indices[e] * d + (i % d)];
    return sum;
  });
  expect(worst(sums, expected)).toBeLessThan(F32);
});

test('five steps of a table are those of a scalar recurrence, also in rows without samples', async () => {
  const k = await kernels();
  const [rows, d, ld] = [3, 16, 20];
  const [beta1, beta2, epsilon, decay] = [0.9, 0.999, 1e-8, 0.01];
  const table = randoms(rows * d, 1);
  const state = { m: new Float32Array(rows * d), v: new Float32Array(rows * d) };
  const plain = { p: Float64Array.from(table), m: new Float64Array(rows * d), v: new Float64Array(rows * d) };
  const dense = new Float32Array(rows * d);
  for (let step = 1; step <= 5; step++) {
    const samples = step === 1 ? [[0, 2], [1], [3]] : step === 5 ? [[], [4], []] : [[0], [], []];
    const indptr = Int32Array.from([0, ...samples.map((_, r) => samples.slice(0, r + 1).flat().length)]);
    const gradients = randoms(5 * ld, 10 + step);
    const weights = randoms(samples.flat().length, 20 + step);
    const rate = (0.01 * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
    dense.fill(step === 2 ? 0.5 : 0);
    const own = { d, table, ...state, indptr, samples: Int32Array.from(samples.flat()), weights, gradients, ld, dense };
    for (let r = 0, e = 0; r < rows; r++) {
      const list = samples[r].map((sample) => ({ sample, weight: weights[e++] }));
      for (let c = 0; c < d; c++) {
        const i = r * d + c;
        const g =
          decay * plain.p[i] +
          dense[i] +
          list.reduce((sum, { sample, weight }) => sum + weight * gradients[sample * ld + c], 0);
        plain.m[i] = beta1 * plain.m[i] + (1 - beta1) * g;
        plain.v[i] = beta2 * plain.v[i] + (1 - beta2) * g * g;
        plain.p[i] -= (rate * plain.m[i]) / (Math.sqrt(plain.v[i]) + epsilon);
      }
    }
    for (const [begin, end] of [
      [0, 2],
      [2, 3],
    ])
      k.stepTable(begin, end, own, { rate, beta1, beta2, epsilon, decay });
    expect(dense.every((value) => value === 0)).toBe(true);
    expect(worst(table, plain.p)).toBeLessThan(F32);
  }
  const summed = new Float32Array(rows * d).fill(1);
  const gradients = randoms(5 * ld, 9);
  const lists = { indptr: Int32Array.of(0, 2, 2, 3), samples: Int32Array.of(4, 1, 0), weights: 0 as const };
  k.addSamples(0, rows, { d, table, ...state, ...lists, gradients, ld, dense: 0 }, -0.5, summed);
  const of = (sample: number, c: number) => gradients[sample * ld + c];
  const expected = Float64Array.from(summed, (_, i) => {
    const c = i % d;
    return 1 - 0.5 * [of(4, c) + of(1, c), 0, of(0, c)][Math.floor(i / d)];
  });
  expect(worst(summed, expected)).toBeLessThan(F32);
});

test.each([0, 4, 16, 64, 300])(
  'a step of %i parameters takes the parts of a gradient in order and clears them',
  async (n) => {
    const k = await kernels();
    const numbers = { rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1 };
    const parts = randoms(3 * n, 1);
    const p = randoms(n, 2);
    const [own, m, v] = [p.slice(), new Float32Array(n), new Float32Array(n)];
    const cleared = parts.slice();
    k.stepParameters(n, 3, 4 * n, cleared, own, m, v, numbers);
    expect(cleared.every((value) => value === 0)).toBe(true);
    const expected = Float64Array.from(p, (value, i) => {
      const g = 0.1 * value + parts[i] + parts[n + i] + parts[2 * n + i];
      return value - (0.01 * 0.1 * g) / (Math.sqrt(0.001 * g * g) + 1e-8);
    });
    expect(worst(own, expected)).toBeLessThan(F32);
  },
);
