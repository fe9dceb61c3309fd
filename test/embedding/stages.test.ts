// The kernels of stages 2 and 3 against plain f64 references; gradients against finite differences.
import { expect, test } from 'vitest';
import {
  below,
  differences,
  dotOf,
  draw,
  kernels,
  LENGTHS,
  randomPattern,
  randoms,
  stream,
  unit,
  worst,
} from '../support/reference.ts';

/** f32 sums of up to a few hundred terms of size 1. */
const F32 = 2e-5;
/** f32 gradients compared with f64 finite differences of step 1e-5. */
const GRADIENT = 2e-4;

test('the module imports nothing but its memory and keeps no static data', async () => {
  const { readFileSync } = await import('node:fs');
  const module = new WebAssembly.Module(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
  expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
  expect(readFileSync(new URL('../../dist/kernels.wat', import.meta.url), 'utf8')).not.toMatch(/\(data /);
});

test('exp, log and pow stay within their bounds', async () => {
  const k = await kernels();
  for (let i = -600; i <= 600; i++) expect(Math.abs(k.exp(i) / Math.exp(i) - 1)).toBeLessThan(1e-13);
  for (const x of [1e-300, 1e-9, 0.3, 0.9999, 1, 1.0001, 1.5, 2, 3, 1e5, 1e300]) {
    expect(Math.abs(k.log(x) - Math.log(x))).toBeLessThan(1e-15 * Math.max(1, Math.abs(Math.log(x))) * 4);
    expect(Math.abs(k.pow(x, 0.25) / x ** 0.25 - 1)).toBeLessThan(1e-13);
  }
});

test('shuffle and fillUniform follow the counter-based generator', async () => {
  const k = await kernels();
  for (const n of [...LENGTHS, 1000]) {
    const items = Int32Array.from({ length: n }, (_, i) => i);
    const expected = [...items];
    const key = stream(7, 3, 5);
    for (let i = n - 1; i > 0; i--) {
      const j = below(draw(key, i), i + 1);
      [expected[i], expected[j]] = [expected[j], expected[i]];
    }
    k.shuffle(items, n, 7, 3, 5);
    expect([...items]).toEqual(expected);
    const filled = new Float32Array(n);
    k.fillUniform(filled, n, 0.5, 7, 3, 5);
    expect(
      worst(
        filled,
        Float64Array.from(filled, (_, i) => (unit(draw(key, i)) * 2 - 1) * 0.5),
      ),
    ).toBeLessThan(1e-7);
  }
});

test.each([...LENGTHS, 300])('cutColumns, propagate and normaliseRows with %i rows', async (rows) => {
  const k = await kernels();
  for (const d of [16, 32, 128]) {
    const b = randomPattern(rows, rows, 6, 11);
    const values = randoms(b.indices.length, 12).map(Math.abs);
    const x = randoms(rows * d, 13);
    for (const keep of [0, 1]) {
      const panels = new Float32Array(rows * d);
      for (const [begin, end] of [
        [0, rows >> 1],
        [rows >> 1, rows],
      ]) {
        k.cutColumns(begin, end, rows, d, x, panels);
      }
      expect(panels).toEqual(
        Float32Array.from(
          { length: rows * d },
          (_, at) => x[(Math.floor(at / 16) % rows) * d + 16 * Math.floor(at / 16 / rows) + (at % 16)],
        ),
      );
      const y = new Float32Array(rows * d);
      for (let c = 0; c < d; c += 16)
        k.propagate(0, rows, b.indptr, b.indices, values, panels.subarray(rows * c), y.subarray(c), 4 * d, keep);
      const expected = Float64Array.from(x, (v) => v * keep);
      for (let r = 0; r < rows; r++)
        for (let e = b.indptr[r]; e < b.indptr[r + 1]; e++)
          for (let c = 0; c < d; c++) expected[r * d + c] += values[e] * x[b.indices[e] * d + c];
      expect(worst(y, expected)).toBeLessThan(F32);
    }
    k.normaliseRows(rows, b.indptr, values);
    for (let r = 0; r < rows; r++) {
      const row = values.slice(b.indptr[r], b.indptr[r + 1]);
      if (row.length > 0) expect(row.reduce((s, v) => s + v, 0)).toBeCloseTo(1, 5);
    }
  }
});

test('rows without a positive sum are left as they are by normaliseRows', async () => {
  const k = await kernels();
  const values = new Float32Array([0, 0, 2, 2]);
  k.normaliseRows(3, new Int32Array([0, 2, 2, 4]), values);
  expect([...values]).toEqual([0, 0, 0.5, 0.5]);
});

test('a walk steps with p(j|i) = A_ij / Σ_j A_ij and never stands still', async () => {
  const k = await kernels();
  const users = 40;
  const items = 12;
  const x = randomPattern(users, items, 4, 21);
  const lists = Array.from({ length: items }, (): number[] => []);
  for (let u = 0; u < users; u++) for (let e = x.indptr[u]; e < x.indptr[u + 1]; e++) lists[x.indices[e]].push(u);
  const itemIndptr = Int32Array.from([0, ...lists.map((_, i) => lists.slice(0, i + 1).flat().length)]);
  const itemUsers = Int32Array.from(lists.flat());
  const sums = new Uint32Array(itemUsers.length);
  k.walkWeights(items, itemIndptr, itemUsers, x.indptr, sums);
  const count = 2000;
  const length = 40;
  const starts = Int32Array.from({ length: count }, (_, w) => w % items);
  const walks = new Int32Array(count * length);
  const graph = { itemIndptr, itemUsers, sums, userIndptr: x.indptr, userItems: x.indices };
  k.walk(0, count, starts, length, graph, 5, 2, walks);

  const a = Array.from({ length: items }, () => new Float64Array(items));
  for (let u = 0; u < users; u++) {
    const row = x.indices.subarray(x.indptr[u], x.indptr[u + 1]);
    for (const i of row) for (const j of row) if (i !== j) a[i][j]++;
  }
  const steps = Array.from({ length: items }, () => new Float64Array(items));
  for (let w = 0; w < count; w++) {
    expect(walks[w * length]).toBe(starts[w]);
    for (let t = 1; t < length; t++) steps[walks[w * length + t - 1]][walks[w * length + t]]++;
  }
  // χ² over all transitions with a non-zero probability: mean = degrees of freedom, standard deviation √(2 df)
  let chi = 0;
  let freedom = 0;
  for (let i = 0; i < items; i++) {
    const from = steps[i].reduce((s, v) => s + v, 0);
    const total = a[i].reduce((s, v) => s + v, 0);
    for (let j = 0; j < items; j++) {
      if (a[i][j] === 0) expect(steps[i][j]).toBe(0);
      else {
        const expected = (from * a[i][j]) / total;
        chi += (steps[i][j] - expected) ** 2 / expected;
        freedom++;
      }
    }
    freedom--;
  }
  expect(Math.abs(chi - freedom)).toBeLessThan(5 * Math.sqrt(2 * freedom));

  // cutting the walks anywhere gives the same walks
  const tail = new Int32Array(500 * length);
  k.walk(1500, 2000, starts, length, graph, 5, 2, tail);
  expect(tail).toEqual(walks.slice(1500 * length));
  const visits = new Uint32Array(items);
  k.countVisits(walks.length, walks, visits);
  expect(visits.reduce((s, v) => s + v, 0)).toBe(walks.length);
});

test.each([1, 2, 5, 17, 300])('the unigram table of %i items holds visits^0.75', async (n) => {
  const k = await kernels();
  const visits = Uint32Array.from({ length: n }, (_, i) => (i % 7 === 3 ? 0 : 1 + ((i * i) % 900)));
  const thresholds = new Float32Array(n);
  const aliases = new Int32Array(n);
  k.buildUnigramTable(n, visits, thresholds, aliases, new Uint8Array(12 * n));
  const mass = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    mass[i] += thresholds[i] / n;
    mass[aliases[i]] += (1 - thresholds[i]) / n;
  }
  const weights = Float64Array.from(visits, (v) => v ** 0.75);
  const total = weights.reduce((s, v) => s + v, 0);
  expect(
    worst(
      mass,
      weights.map((w) => w / total),
    ),
  ).toBeLessThan(1e-6);
});

/** Seeded walks over n items, some next to each other, and their unigram table. */
function walksOver(k: Awaited<ReturnType<typeof kernels>>, n: number, count: number, length: number) {
  const walks = Int32Array.from({ length: count * length }, (_, i) => (i * i + 3 * i) % n);
  const visits = new Uint32Array(n);
  k.countVisits(walks.length, walks, visits);
  const thresholds = new Float32Array(n);
  const aliases = new Int32Array(n);
  k.buildUnigramTable(n, visits, thresholds, aliases, new Uint8Array(12 * n));
  return { walks, thresholds, aliases };
}

/**
 * [n, d, length, window, negatives, walks]: lengths that blocks of two and four do not divide, windows beyond the walk,
 * walks without a pair.
 */
const SKIPGRAMS: [number, number, number, number, number, number][] = [
  [9, 16, 7, 3, 5, 4],
  [9, 16, 1, 10, 5, 3],
  [9, 16, 2, 10, 1, 3],
  [5, 16, 3, 1, 4, 5],
  [9, 32, 4, 10, 2, 4],
  [9, 16, 5, 1, 3, 1],
  [30, 48, 15, 4, 6, 3],
  [30, 16, 16, 15, 7, 2],
  [30, 16, 17, 16, 9, 2],
  [7, 16, 9, 2, 5, 0],
  [300, 128, 65, 10, 10, 3],
];

test.each(SKIPGRAMS)(
  'skip-gram of %i items, d = %i, walks of %i, window %i, %i negatives, %i walks',
  async (n, d, length, window, negatives, count) => {
    const k = await kernels();
    const { walks, thresholds, aliases } = walksOver(k, n, count, length);
    const v = Float64Array.from(randoms(n * d, 31));
    const vbar = Float64Array.from(randoms(n * d, 32));
    const [seed, stage] = [3, 5];
    const first = 20;

    const drawn = Array.from({ length: count * length * negatives }, (_, i) => {
      const bits = draw(stream(seed, stage, first + Math.floor(i / (length * negatives))), i % (length * negatives));
      const slot = below(bits, n);
      return unit(bits) < thresholds[slot] ? slot : aliases[slot];
    });
    /** L and its gradients, pair by pair. */
    const plain = () => {
      const sums = { loss: 0, pairs: 0, v: new Float64Array(n * d), vbar: new Float64Array(n * d) };
      const meet = (centre: number, target: number, label: number) => {
        const score = dotOf(v, centre, vbar, target, d);
        const error = label - 1 / (1 + Math.exp(-score));
        sums.loss += Math.log1p(Math.exp(label === 1 ? -score : score));
        for (let c = 0; c < d; c++) {
          sums.v[centre + c] -= error * vbar[target + c];
          sums.vbar[target + c] -= error * v[centre + c];
        }
      };
      for (let i = 0; i < count * length; i++) {
        const t = i % length;
        for (let s = Math.max(0, t - window); s <= Math.min(length - 1, t + window); s++) {
          if (s === t) continue;
          sums.pairs++;
          meet(walks[i] * d, walks[i - t + s] * d, 1);
          for (let m = 0; m < negatives; m++) meet(walks[i] * d, drawn[i * negatives + m] * d, 0);
        }
      }
      return sums;
    };
    const expected = plain();
    const { loss, pairs } = expected;
    if (n * d < 150 && pairs > 0) {
      expect(
        worst(
          expected.v,
          differences(() => plain().loss, v),
        ),
      ).toBeLessThan(1e-6);
      expect(
        worst(
          expected.vbar,
          differences(() => plain().loss, vbar),
        ),
      ).toBeLessThan(1e-6);
    }

    const positions = count * length;
    const centres = new Float32Array(positions * d).fill(7);
    const contexts = new Float32Array(positions * d).fill(7);
    const items = new Int32Array(positions * negatives);
    const errors = new Float32Array(positions * negatives);
    const totals = new Float64Array([0.5, 2]);
    // scratch that holds anything
    const scratch = new Uint8Array(k.skipgramScratchBytes(length, window, d, negatives)).fill(0xff);
    k.skipgram(
      first,
      first + count,
      walks,
      {
        length,
        window,
        d,
        negatives,
        n,
        thresholds,
        aliases,
        seed,
        stage,
        v: new Float32Array(v),
        vbar: new Float32Array(vbar),
      },
      centres,
      contexts,
      items,
      errors,
      scratch,
      totals,
    );
    expect(Math.abs(totals[0] - 0.5 - loss)).toBeLessThan(1e-5 * Math.max(1, loss));
    expect(totals[1]).toBe(2 + pairs);
    if (pairs === 0) expect(items.every((item) => item === -1)).toBe(true);

    // gathered by ranges of four items, from blocks of two walks
    const shift = 2;
    const ranges = Math.ceil(n / 2 ** shift);
    const lists = 4 * (ranges + 1);
    const drawnAt = lists + 24 * length;
    const blockBytes = drawnAt + lists + 24 * length * negatives;
    const blocks = Math.ceil(count / 2);
    const memory = new Uint8Array(blocks * blockBytes);
    for (let block = 0; block < blocks; block++) {
      const from = 2 * block * length;
      const to = Math.min(positions, from + 2 * length);
      const put = (at: number, entries: number, list: Int32Array, values: Float32Array | number, per: number) => {
        const indptr = new Int32Array(ranges + 1);
        const out = new Uint8Array(12 * entries);
        k.partition(entries, list, values, from, per, shift, ranges, indptr, out);
        memory.set(new Uint8Array(indptr.buffer), block * blockBytes + at);
        memory.set(out, block * blockBytes + at + lists);
      };
      put(0, to - from, walks.slice(from, to), 0, 1);
      put(
        drawnAt,
        (to - from) * negatives,
        items.slice(from * negatives, to * negatives),
        errors.slice(from * negatives, to * negatives),
        negatives,
      );
    }
    const dv = new Float32Array(n * d);
    const dvbar = new Float32Array(n * d);
    for (let range = 0; range < ranges; range++)
      k.addGradients(range, {
        ranges,
        blocks,
        blockBytes,
        walks,
        centres,
        contexts,
        positions: memory,
        drawn: memory.slice(drawnAt),
        d,
        v: new Float32Array(v),
        dv,
        dvbar,
      });
    expect(worst(dv, expected.v)).toBeLessThan(F32);
    expect(worst(dvbar, expected.vbar)).toBeLessThan(F32);
  },
);

test.each([...LENGTHS, 1000])(
  'partition of %i entries keeps their order within a range, and leaves out what is no item',
  async (count) => {
    const k = await kernels();
    const items = Int32Array.from({ length: count }, (_, e) => (e % 5 === 3 ? -1 : (e * 37 + 11) % 50));
    const values = randoms(count, 33);
    const [first, per, shift, ranges] = [100, 3, 3, 7];
    const indptr = new Int32Array(ranges + 1);
    const out = new Uint8Array(12 * count);
    k.partition(count, items, values, first, per, shift, ranges, indptr, out);
    const entries = Array.from(items, (item, e): [number, number, number] => [
      item,
      first + Math.floor(e / per),
      values[e],
    ]).filter(([item]) => item >= 0);
    const expected = Array.from({ length: ranges }, (_, range) => entries.filter(([item]) => item >> shift === range));
    expect([...indptr]).toEqual([0, ...expected.map((_, range) => expected.slice(0, range + 1).flat().length)]);
    const kept = expected.flat();
    expect(
      Array.from(kept, (_, e) => [
        new Int32Array(out.buffer)[3 * e],
        new Int32Array(out.buffer)[3 * e + 1],
        new Float32Array(out.buffer)[3 * e + 2],
      ]),
    ).toEqual(kept);
  },
);

test.each([0, 0.2, -1])(
  'market adaptation: gradients of the margin loss through U = X̂V + U_loc, γ = %f',
  async (gamma) => {
    const k = await kernels();
    const [users, n, d, negatives] = [5, 11, 16, 4];
    const x = randomPattern(users, n, 3, 41);
    const b = randomPattern(n, n, 4, 42);
    const values = randoms(b.indices.length, 43).map((value) => Math.abs(value) + 0.1);
    k.normaliseRows(n, b.indptr, values);
    const list = Int32Array.from([3, 0, 4, 1, 2]);
    const keys = Uint32Array.from([103, 100, 104, 101, 102]);
    const indptr = new Int32Array(users + 1);
    const indices = new Int32Array(users * n);
    const weights = new Float32Array(users * n);
    const dense = new Float32Array(n);
    k.historyRows(users, list, { ...x, values: 0 }, { ...b, values }, dense, { indptr, indices, values: weights });
    expect([...dense]).toEqual(new Array(n).fill(0));
    const xhat = list.reduce(
      (all, user, row) => {
        const sums = new Float64Array(n);
        for (let e = x.indptr[user]; e < x.indptr[user + 1]; e++)
          for (let f = b.indptr[x.indices[e]]; f < b.indptr[x.indices[e] + 1]; f++) sums[b.indices[f]] += values[f];
        const total = sums.reduce((s, w) => s + w, 0);
        all.set(
          sums.map((w) => w / total),
          row * n,
        );
        return all;
      },
      new Float64Array(users * n),
    );
    const rebuilt = new Float64Array(users * n);
    for (let row = 0; row < users; row++)
      for (let e = indptr[row]; e < indptr[row + 1]; e++) rebuilt[row * n + indices[e]] += weights[e];
    expect(worst(rebuilt, xhat)).toBeLessThan(1e-6);

    const v = Float64Array.from(randoms(n * d, 44));
    const local = Float64Array.from(randoms(users * d, 45)).map((w) => w * 0.3);
    const [seed, stage] = [9, 10];
    const loss = () => {
      let sum = 0;
      for (let row = 0; row < users; row++) {
        const u = new Float64Array(d);
        for (let c = 0; c < d; c++) {
          u[c] = local[list[row] * d + c];
          for (let j = 0; j < n; j++) u[c] += xhat[row * n + j] * v[j * d + c];
        }
        const cos = (j: number) =>
          dotOf(u, 0, v, j * d, d) / Math.sqrt(dotOf(u, 0, u, 0, d) * dotOf(v, j * d, v, j * d, d));
        const own = [...x.indices.subarray(x.indptr[list[row]], x.indptr[list[row] + 1])];
        const key = stream(seed, stage, keys[row]);
        let drawn = 0;
        for (const j of own) {
          sum += 1 - cos(j);
          for (let m = 0; m < negatives; m++) {
            let item = below(draw(key, drawn++), n);
            while (own.includes(item)) item = below(draw(key, drawn++), n);
            sum += Math.max(0, cos(item) - gamma) / negatives;
          }
        }
      }
      return sum;
    };
    const v32 = new Float32Array(v);
    const u = new Float32Array(users * d);
    for (let row = 0; row < users; row++)
      for (let e = indptr[row]; e < indptr[row + 1]; e++)
        for (let c = 0; c < d; c++) u[row * d + c] += weights[e] * v32[indices[e] * d + c];
    k.addRows(users, list, d, new Float32Array(local), u);
    const du = new Float32Array(users * d);
    const totals = new Float64Array(2);
    const starts = new Int32Array(users);
    for (let row = 1; row < users; row++)
      starts[row] = starts[row - 1] + x.indptr[list[row - 1] + 1] - x.indptr[list[row - 1]];
    const pulls = new Int32Array(3 * x.indices.length * (1 + negatives));
    const counts = new Int32Array(users);
    k.margin(
      users,
      list,
      keys,
      { xIndptr: x.indptr, xItems: x.indices, n, d, v: v32, negatives, gamma, seed, stage },
      u,
      du,
      pulls,
      starts,
      counts,
      totals,
    );
    // a step of Adam from rest gives away the gradient's sign alone: its first moment is a tenth of the gradient
    const [itemIndptr, itemRows, itemValues] = [
      new Int32Array(n + 1),
      new Int32Array(indptr[users]),
      new Float32Array(indptr[users]),
    ];
    k.transposeMatrix(users, n, indptr, indices, weights, itemIndptr, itemRows, itemValues);
    const m = new Float32Array(n * d);
    for (const [begin, end] of [
      [0, 4],
      [4, n],
    ]) {
      const pullIndptr = new Int32Array(end - begin + 1);
      const entries = new Int32Array(pulls.length);
      k.bucketPulls(begin, end, users, pulls, starts, 1 + negatives, counts, pullIndptr, entries);
      k.adamItems(
        begin,
        end,
        { indptr: itemIndptr, indices: itemRows, values: itemValues },
        du,
        pullIndptr,
        entries,
        u,
        { d, vectors: v32.slice(), fixed: v32, m, v: new Float32Array(n * d), gradients: 0, decay: 0 },
        { rate: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      );
    }
    const dv = m.map((moment) => moment * 10);
    expect(Math.abs(totals[0] / loss() - 1)).toBeLessThan(1e-5);
    expect(totals[1]).toBe(x.indices.length);
    const expected = differences(loss, local);
    expect(
      worst(
        du,
        Float64Array.from({ length: users * d }, (_, i) => expected[list[Math.floor(i / d)] * d + (i % d)]),
      ),
    ).toBeLessThan(GRADIENT);
    expect(worst(dv, differences(loss, v))).toBeLessThan(GRADIENT);
  },
);

test.each([1, 3, 4, 5, 15, 16, 17, 65])(
  'adamItems, spreadItems and sumParts over %i items, in one range and in two',
  async (n) => {
    const k = await kernels();
    const users = 7;
    for (const d of [16, 48, 128]) {
      const x = randomPattern(n, users, 3, 61);
      const weights = randoms(x.indices.length, 62);
      const [du, u, vectors, fixed, extra, m, v] = [users, users, n, n, n, n, n].map((rows, i) =>
        randoms(rows * d, 63 + i),
      );
      for (let i = 0; i < v.length; i++) v[i] = Math.abs(v[i]);
      // two pulls on every third item
      const pulled = [...Array(n).keys()].filter((j) => j % 3 === 0);
      const pullIndptr = Int32Array.from({ length: n + 1 }, (_, j) => 2 * pulled.filter((item) => item < j).length);
      const pullRows = pulled.flatMap((j) => [j % users, (j + 1) % users]);
      const pulls = new Float32Array(3 * pullRows.length);
      pulls.set(randoms(pulls.length, 71));
      new Int32Array(pulls.buffer).forEach((_, i, all) => {
        if (i % 3 === 0) all[i] = pullRows[i / 3];
      });
      const [rate, beta1, beta2, epsilon, decay] = [0.01, 0.9, 0.999, 1e-8, 0.1];
      const expected = Float64Array.from(vectors);
      for (let j = 0; j < n; j++) {
        for (let c = 0; c < d; c++) {
          const at = j * d + c;
          let g = extra[at] + decay * (vectors[at] - fixed[at]);
          for (let e = x.indptr[j]; e < x.indptr[j + 1]; e++) g += weights[e] * du[x.indices[e] * d + c];
          for (let p = pullIndptr[j]; p < pullIndptr[j + 1]; p++)
            g += pulls[3 * p + 1] * u[pullRows[p] * d + c] + pulls[3 * p + 2] * vectors[at];
          expected[at] -=
            (rate * (beta1 * m[at] + (1 - beta1) * g)) / (Math.sqrt(beta2 * v[at] + (1 - beta2) * g * g) + epsilon);
        }
      }
      const cut = Math.floor(n / 2);
      const run = (ranges: [number, number][]) => {
        const [stepped, m1, v1, gradients] = [vectors.slice(), m.slice(), v.slice(), extra.slice()];
        const parts = new Float32Array(ranges.length * users * d);
        for (const [part, [begin, end]] of ranges.entries()) {
          k.adamItems(
            begin,
            end,
            { ...x, values: weights },
            du,
            pullIndptr.slice(begin),
            pulls,
            u,
            { d, vectors: stepped, fixed, m: m1, v: v1, gradients, decay },
            { rate, beta1, beta2, epsilon },
          );
          const own = new Float32Array(users * d).fill(7);
          k.spreadItems(begin, end, { ...x, values: weights }, users, d, stepped, own);
          parts.set(own, part * users * d);
        }
        expect(gradients.every((value) => value === 0)).toBe(true);
        const sum = new Float32Array(users * d);
        k.sumParts(users * d, ranges.length, 4 * users * d, parts, sum);
        return { stepped, m1, v1, sum };
      };
      const whole = run([[0, n]]);
      expect(worst(whole.stepped, expected)).toBeLessThan(F32);
      const spread = new Float64Array(users * d);
      for (let j = 0; j < n; j++)
        for (let e = x.indptr[j]; e < x.indptr[j + 1]; e++)
          for (let c = 0; c < d; c++) spread[x.indices[e] * d + c] += weights[e] * whole.stepped[j * d + c];
      expect(worst(whole.sum, spread)).toBeLessThan(F32);
      const { sum, ...halves } = run([
        [0, cut],
        [cut, n],
      ]);
      expect({ ...halves, sum: whole.sum }).toEqual(whole);
      expect(worst(sum, spread)).toBeLessThan(F32);
    }
  },
);

test('a user who has every item meets no negatives and does not hang', async () => {
  const k = await kernels();
  const [n, d] = [3, 16];
  const totals = new Float64Array(2);
  k.margin(
    1,
    new Int32Array([0]),
    new Uint32Array([0]),
    {
      xIndptr: new Int32Array([0, 3]),
      xItems: new Int32Array([0, 1, 2]),
      n,
      d,
      v: randoms(n * d, 2),
      negatives: 10,
      gamma: -2,
      seed: 1,
      stage: 1,
    },
    randoms(d, 1),
    new Float32Array(d),
    new Int32Array(99),
    new Int32Array(1),
    new Int32Array(1),
    totals,
  );
  expect(totals[1]).toBe(3);
  expect(Number.isFinite(totals[0])).toBe(true);
});

test.each([1, 3, 4, 5, 15, 16, 17, 65])('softmax over %i items: loss and gradient', async (n) => {
  const k = await kernels();
  const users = 4;
  const x = randomPattern(users, n, 3, 51);
  const ld = (n + 3) & ~3;
  const list = Int32Array.from([2, 0, 3, 1]);
  const s = Float64Array.from(randoms(users * n, 52)).map((v) => v * 8);
  const loss = () => {
    let sum = 0;
    for (let row = 0; row < users; row++) {
      const scores = [...s.subarray(row * n, (row + 1) * n)];
      const total = scores.reduce((t, v) => t + Math.exp(v), 0);
      const own = x.indices.subarray(x.indptr[list[row]], x.indptr[list[row] + 1]);
      for (const j of own) sum -= (scores[j] - Math.log(total)) / own.length;
    }
    return sum;
  };
  const scores = new Float32Array(users * ld);
  for (let row = 0; row < users; row++) scores.set(s.subarray(row * n, (row + 1) * n), row * ld);
  const totals = new Float64Array(2);
  k.softmax(users, list, x.indptr, x.indices, n, ld, scores, totals);
  expect(Math.abs(totals[0] - loss())).toBeLessThan(1e-4);
  const gradient = differences(loss, s);
  for (let row = 0; row < users; row++) {
    expect(worst(scores.subarray(row * ld, row * ld + n), gradient.subarray(row * n, (row + 1) * n))).toBeLessThan(
      GRADIENT,
    );
    expect([...scores.subarray(row * ld + n, (row + 1) * ld)]).toEqual(new Array(ld - n).fill(0));
  }
});

test('unitRows and its way back', async () => {
  const k = await kernels();
  for (const d of [4, 16, 20, 128]) {
    const rows = 5;
    const x = Float64Array.from(randoms(rows * d, 61));
    x.fill(0, 2 * d, 3 * d);
    const g = randoms(rows * d, 62);
    const loss = () => {
      let sum = 0;
      for (let r = 0; r < rows; r++)
        if (r !== 2) sum += dotOf(g, r * d, x, r * d, d) / Math.sqrt(dotOf(x, r * d, x, r * d, d));
      return sum;
    };
    const out = new Float32Array(rows * d);
    const norms = new Float32Array(rows);
    k.unitRows(rows, d, new Float32Array(x), out, norms);
    expect([...out.subarray(2 * d, 3 * d)]).toEqual(new Array(d).fill(0));
    const dx = new Float32Array(rows * d);
    k.unitRowsBackward(rows, d, out, norms, g, dx);
    expect(worst(dx, differences(loss, x))).toBeLessThan(GRADIENT);
  }
});

test('adam, adamRows and dropout', async () => {
  const k = await kernels();
  for (const n of [0, 4, 16, 20, 128]) {
    const p = randoms(n, 71);
    const g = randoms(n, 72);
    const m = new Float32Array(n);
    const v = new Float32Array(n);
    const expected = Float64Array.from(p, (value, i) => {
      return value - (0.01 * 0.1 * g[i]) / (Math.sqrt(0.001 * g[i] * g[i]) + 1e-8);
    });
    k.adam(n, p, g, m, v, { rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
    expect(worst(p, expected)).toBeLessThan(1e-4);
  }
  const table = randoms(5 * 16, 73);
  const before = table.slice();
  k.adamRows(2, new Int32Array([4, 1]), 16, table, randoms(32, 74), new Float32Array(80), new Float32Array(80), {
    rate: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
  });
  for (const row of [0, 2, 3])
    expect(table.slice(row * 16, row * 16 + 16)).toEqual(before.slice(row * 16, row * 16 + 16));
  for (const row of [1, 4])
    expect(table.slice(row * 16, row * 16 + 16)).not.toEqual(before.slice(row * 16, row * 16 + 16));

  const ones = new Float32Array(4 * 512).fill(1);
  k.dropout(4, 512, ones, 0.3, 1, 2, new Uint32Array([5, 6, 7, 8]));
  const kept = ones.filter((value) => value !== 0);
  expect(kept.every((value) => Math.abs(value - 1 / 0.7) < 1e-6)).toBe(true);
  expect(Math.abs(kept.length / ones.length - 0.7)).toBeLessThan(0.05);
});

test('the binder passes numbers, texts, structs and typed arrays, and names a wrong argument', async () => {
  const k = await kernels();
  const x = new Float32Array([1, 2, 3, 4]);
  const y = new Float32Array([10, 20, 30, 40]);
  k.addInto(4, x, y);
  expect([...y]).toEqual([11, 22, 33, 44]);
  expect(() => k.addInto(4, [1, 2] as never, y)).toThrow(
    /addInto: argument 1: found an array of 2, expected a number, a string or a typed array/,
  );
  // "AAAA" is one f32, its four bytes are the number of scores; what follows is still zero
  const [index, score] = [new Int32Array(1), new Float32Array(1)];
  expect((await kernels()).topK('AAAA', 0, 1, index, score)).toBe(1);
  expect([index[0], score[0]]).toEqual([0, new Float32Array(new Uint8Array(4).fill(65).buffer)[0]]);
  // arrays inside a struct come back too
  const histories = { indptr: new Int32Array(2), indices: new Int32Array(2), values: new Float32Array(2) };
  const [list, dense] = [new Int32Array(1), new Float32Array(2)];
  const history = { indptr: Int32Array.of(0, 1), indices: Int32Array.of(0), values: 0 } as const;
  const similar = { indptr: Int32Array.of(0, 2), indices: Int32Array.of(1, 0), values: Float32Array.of(3, 1) };
  k.historyRows(1, list, history, similar, dense, histories);
  expect(histories).toEqual({
    indptr: Int32Array.of(0, 2),
    indices: Int32Array.of(1, 0),
    values: Float32Array.of(0.75, 0.25),
  });
  expect(() => k.historyRows(1, list, history, { ...similar, values: [3, 1] } as never, dense, histories)).toThrow(
    /historyRows: argument 3\.values: found an array of 2, expected a number or a typed array/,
  );
  expect(() => k.historyRows(1, list, 7 as never, similar, dense, histories)).toThrow(
    /historyRows: argument 2: found 7, expected an object of indptr, indices, values/,
  );
});
