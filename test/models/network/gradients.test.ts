// Networks against a plain f64 one: logits, loss and every gradient; and what is known by hand.
import { expect, test } from 'vitest';
import { crossStitchNetwork } from '../../../src/models/crossstitch/network.ts';
import { mmoeNetwork } from '../../../src/models/mmoe/network.ts';
import { type Branch, baseNetwork } from '../../../src/models/network/base.ts';
import type { Network } from '../../../src/models/network/network.ts';
import { starNetwork } from '../../../src/models/star/network.ts';
import { differences, randoms, rawKernels } from '../../support/reference.ts';
import {
  type Arrays,
  add,
  columns,
  crossEntropy,
  dense,
  embed,
  multiply,
  type Rows,
  rowsOf,
  scaleRows,
  softmax,
} from './reference.ts';
import { runNetwork, startOf, type TestSamples } from './run.ts';

const SIZES = { users: 5, items: 7, markets: 2 };
const D = 4;
const SAMPLES: TestSamples = {
  market: 1,
  users: [0, 0, 0, 3, 3, 3, 0, 0, 0],
  items: [1, 4, 4, 2, 1, 6, 0, 2, 5],
  each: 3,
};
/** f32 sums of up to 64 terms, twice or three times in a row. */
const GRADIENT = 2e-4;

/** Logits by an f64 reference. */
type Reference = (arrays: Arrays, samples: TestSamples) => Rows;

/** Embeddings of size 1, so that every part of the network has a gradient worth comparing. */
function spread(arrays: Arrays, network: Network): Arrays {
  const tables = new Set(network.tables.map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(arrays).map(([name, values], i) => [
      name,
      tables.has(name) || values.every((value) => value === values[0])
        ? Float64Array.from(randoms(values.length, 40 + i), (x, k) => x + (tables.has(name) ? 0 : values[k]))
        : values,
    ]),
  );
}

async function compare(network: Network, reference: Reference): Promise<void> {
  const kernels = await rawKernels();
  const arrays = spread(startOf(kernels, network), network);
  const found = runNetwork(kernels, network, arrays, SAMPLES);
  const z = reference(arrays, SAMPLES);
  for (const [r, logit] of found.logits.entries()) expect(Math.abs(logit - z.at[r])).toBeLessThan(GRADIENT);
  expect(found.loss).toBeCloseTo(crossEntropy(z, SAMPLES.each), 5);
  for (const { name } of [...network.tables, ...network.layers]) {
    const values = arrays[name];
    const expected = differences(() => crossEntropy(reference(arrays, SAMPLES), SAMPLES.each), values, 1e-6);
    for (const [i, own] of expected.entries())
      expect(Math.abs(found.gradients[name][i] - own), `${name}[${i}]`).toBeLessThan(GRADIENT * (1 + Math.abs(own)));
  }
}

/** GMF, MLP or NeuMF in f64; with vectors of markets if there are any. */
const base =
  (branches: readonly Branch[], d: number, widths: readonly number[]): Reference =>
  (arrays, { users, items, market }) => {
    const terms: Rows[] = [];
    const scaled = (both: Rows, vector: Float64Array | undefined) =>
      rowsOf(both.rows, both.cols, (r, c) => {
        const from = both.cols / 2;
        return both.at[r * both.cols + c] * (vector && c >= from ? vector[c - from] : 1);
      });
    if (branches.includes('product')) {
      const own = embed(arrays, ['user product', 'item product'], d, users, items);
      const both = scaled(own, arrays[`product of market ${market}`]);
      const g = multiply(columns(both, 0, d), columns(both, d, d));
      const bias = branches.length === 1 ? arrays.bias : undefined;
      terms.push(dense(g, arrays['head of the product'], bias, 1, 'identity'));
    }
    if (branches.includes('tower')) {
      const own = embed(arrays, ['user tower', 'item tower'], widths[0] / 2, users, items);
      let x = scaled(own, arrays[`tower of market ${market}`]);
      for (let l = 1; l < widths.length; l++)
        x = dense(x, arrays[`layer ${l}.weight`], arrays[`layer ${l}.bias`], widths[l], 'relu');
      terms.push(dense(x, arrays['head of the tower'], arrays.bias, 1, 'identity'));
    }
    return terms.reduce(add);
  };

test.each([
  ['gmf', ['product']],
  ['mlp', ['tower']],
  ['neumf', ['product', 'tower']],
] as [string, Branch[]][])('%s: logits, loss and gradients are those of a plain f64 network', async (_, branches) => {
  const widths = [2 * D, 32, 16];
  await compare(baseNetwork(branches, SIZES, D, widths), base(branches, D, widths));
});

test('market-aware NeuMF: logits, loss and gradients are those of a plain f64 network', async () => {
  const widths = [2 * D, 16, 8];
  const branches = ['product', 'tower'] as const;
  await compare(baseNetwork(branches, SIZES, D, widths, true), base(branches, D, widths));
});

test('rows of tables that no sample has get no gradient', async () => {
  const kernels = await rawKernels();
  const network = baseNetwork(['product', 'tower'], SIZES, D, [2 * D, 16]);
  const { gradients } = runNetwork(kernels, network, startOf(kernels, network), SAMPLES);
  for (const name of ['user product', 'user tower'])
    for (const user of [1, 2, 4])
      expect(gradients[name].subarray(user * D, (user + 1) * D).every((value) => value === 0)).toBe(true);
});

test('the gradients of one positive sample are those worked out by hand', async () => {
  const kernels = await rawKernels();
  // 4 columns where the hand has 2: what is beyond is zero
  const network = baseNetwork(['product', 'tower'], { users: 1, items: 1, markets: 1 }, 4, [8, 4]);
  const pad = (...values: number[]) => Float64Array.from({ length: 4 }, (_, i) => values[i] ?? 0);
  const weight = new Float64Array(32);
  weight.set([1, -1], 0); // p₁
  weight.set([1, 1], 4 * 5); // q₂
  const arrays: Arrays = {
    'user product': pad(1, 2),
    'item product': pad(3, -1),
    'user tower': pad(1, 0),
    'item tower': pad(0, 1),
    'layer 1.weight': weight,
    'layer 1.bias': pad(0, -1),
    'head of the product': pad(1, 1),
    'head of the tower': pad(0.5, 5),
    bias: Float64Array.of(-2),
  };
  const { logits, gradients } = runNetwork(kernels, network, arrays, { market: 0, users: [0], items: [0], each: 1 });
  expect([...logits]).toEqual([0]);
  const is = (name: string, ...values: number[]) =>
    expect(
      Array.from(gradients[name].subarray(0, values.length), (x) => x + 0),
      name,
    ).toEqual(values);
  is('bias', -0.5);
  is('head of the tower', -1, 0);
  is('head of the product', -1.5, 1);
  is('user product', -1.5, 0.5);
  const first = [0, 1, 2, 3, 4, 5, 6, 7].map((row) => gradients['layer 1.weight'][4 * row] + 0);
  expect(first).toEqual([-0.25, 0, 0, 0, 0, -0.25, 0, 0]);
  for (let row = 0; row < 8; row++) expect(gradients['layer 1.weight'][4 * row + 1] + 0).toBe(0);
  is('user tower', -0.25, 0);
  is('item tower', 0, -0.25);
});

test('without a head of the tower NeuMF is GMF, without one of the product MLP, to the bit', async () => {
  const kernels = await rawKernels();
  const widths = [2 * D, 32, 16];
  const whole = baseNetwork(['product', 'tower'], SIZES, D, widths);
  const arrays = startOf(kernels, whole);
  for (const [branch, other] of [
    ['product', 'head of the tower'],
    ['tower', 'head of the product'],
  ] as const) {
    const part = baseNetwork([branch], SIZES, D, branch === 'tower' ? widths : []);
    const of = Object.fromEntries([...part.tables, ...part.layers].map(({ name }) => [name, arrays[name]]));
    const silent = { ...arrays, [other]: new Float64Array(arrays[other].length) };
    expect(runNetwork(kernels, whole, silent, SAMPLES).logits).toEqual(runNetwork(kernels, part, of, SAMPLES).logits);
  }
});

test('a cross-stitch network of one market is NeuMF, to the bit', async () => {
  const kernels = await rawKernels();
  const widths = [2 * D, 32, 16];
  const sizes = { ...SIZES, markets: 1 };
  const one = crossStitchNetwork(sizes, D, widths);
  const plain = baseNetwork(['product', 'tower'], sizes, D, widths);
  const arrays = startOf(kernels, plain);
  const renamed = {
    ...startOf(kernels, one),
    ...Object.fromEntries(
      Object.entries(arrays).map(([name, values]) => [
        name
          .replace('head of the product', 'product 0')
          .replace('head of the tower', 'head 0')
          .replace(/^bias$/, 'bias 0')
          .replace(/^layer /, 'tower 0 layer '),
        values,
      ]),
    ),
  };
  const samples = { ...SAMPLES, market: 0 };
  expect(runNetwork(kernels, one, renamed, samples).logits).toEqual(runNetwork(kernels, plain, arrays, samples).logits);
});

test('towers that keep to themselves differ by market, units of equal rows and heads do not', async () => {
  const kernels = await rawKernels();
  const network = crossStitchNetwork(SIZES, D, [2 * D, 16, 16]);
  const arrays = spread(startOf(kernels, network), network);
  const logits = (unit: number[]) => {
    const all: Arrays = { ...arrays, 'unit 1': Float64Array.from(unit), 'unit 2': Float64Array.from(unit) };
    for (const name of ['head', 'product', 'bias']) all[`${name} 1`] = all[`${name} 0`];
    return [0, 1].map((market) => runNetwork(kernels, network, all, { ...SAMPLES, market }).logits);
  };
  const [alike, same] = logits([0.5, 0.25, 0.5, 0.25]);
  expect(same).toEqual(alike);
  const [first, second] = logits([1, 0, 0, 1]);
  expect(second).not.toEqual(first);
});

test('experts that are alike are one expert for any gate, and a gate of zeros takes their mean', async () => {
  const kernels = await rawKernels();
  const network = mmoeNetwork(SIZES, 2, [2 * D, 16]);
  const one = mmoeNetwork(SIZES, 1, [2 * D, 16]);
  const arrays = spread(startOf(kernels, network), network);
  const alike = { ...arrays };
  for (const part of ['weight', 'bias']) alike[`expert 1 layer 1.${part}`] = arrays[`expert 0 layer 1.${part}`];
  const single = Object.fromEntries(
    [...one.tables, ...one.layers].map(({ name, rows, cols }) => [
      name,
      name.startsWith('gate') ? new Float64Array(rows * cols) : arrays[name],
    ]),
  );
  const expected = runNetwork(kernels, one, single, SAMPLES).logits;
  for (const [r, logit] of runNetwork(kernels, network, alike, SAMPLES).logits.entries())
    expect(logit).toBeCloseTo(expected[r], 5);
});

test('STAR without its parts is MLP at the start; scaling W by 2 and the market’s by ½ changes nothing', async () => {
  const kernels = await rawKernels();
  const widths = [2 * D, 16, 16];
  const network = starNetwork(SIZES, widths, { normalised: false, auxiliary: false });
  const plain = baseNetwork(['tower'], SIZES, D, widths);
  const arrays = startOf(kernels, network);
  const renamed = Object.fromEntries(
    [...plain.tables, ...plain.layers].map(({ name }) => [
      name,
      arrays[
        name
          .replace(/^layer /, 'shared ')
          .replace('head of the tower', 'shared head.weight')
          .replace(/^bias$/, 'shared head.bias')
      ],
    ]),
  );
  const found = runNetwork(kernels, network, arrays, SAMPLES).logits;
  expect(found).toEqual(runNetwork(kernels, plain, renamed, SAMPLES).logits);
  const scaled = { ...arrays, 'shared 1.weight': arrays['shared 1.weight'].map((x) => 2 * x) };
  for (const m of [0, 1]) scaled[`shared 1.weight of ${m}`] = arrays[`shared 1.weight of ${m}`].map((x) => x / 2);
  expect(runNetwork(kernels, network, scaled, SAMPLES).logits).toEqual(found);
});

test('a network learns one batch by heart', async () => {
  const kernels = await rawKernels();
  const network = baseNetwork(['product', 'tower'], SIZES, D, [2 * D, 32, 16]);
  const arrays = startOf(kernels, network);
  const moments = Object.fromEntries(
    Object.entries(arrays).map(([name, { length }]) => [
      name,
      { m: new Float64Array(length), v: new Float64Array(length) },
    ]),
  );
  let loss = Infinity;
  for (let step = 1; step <= 200 && loss > 0.01; step++) {
    const found = runNetwork(kernels, network, arrays, SAMPLES);
    loss = found.loss;
    for (const [name, values] of Object.entries(arrays))
      for (const [i, g] of found.gradients[name].entries()) {
        const { m, v } = moments[name];
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.999 * v[i] + 0.001 * g * g;
        const rate = (0.02 * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step);
        values[i] -= (rate * m[i]) / (Math.sqrt(v[i]) + 1e-8);
      }
  }
  expect(loss).toBeLessThan(0.01);
});

test('cross-stitch: logits, loss and gradients are those of a plain f64 network', async () => {
  const widths = [2 * D, 16, 16];
  await compare(crossStitchNetwork(SIZES, D, widths), (arrays, { users, items, market }) => {
    const both = embed(arrays, ['user product', 'item product'], D, users, items);
    const g = multiply(columns(both, 0, D), columns(both, D, D));
    const input = embed(arrays, ['user tower', 'item tower'], D, users, items);
    let values = [input, input];
    for (const l of [1, 2]) {
      const found = values.map((x, k) =>
        dense(x, arrays[`tower ${k} layer ${l}.weight`], arrays[`tower ${k} layer ${l}.bias`], 16, 'relu'),
      );
      values = [0, 1].map((k) => found.map((x, j) => scaleRows(x, () => arrays[`unit ${l}`][2 * k + j])).reduce(add));
    }
    return add(
      dense(g, arrays[`product ${market}`], undefined, 1, 'identity'),
      dense(values[market], arrays[`head ${market}`], arrays[`bias ${market}`], 1, 'identity'),
    );
  });
});

test('mmoe: logits, loss and gradients are those of a plain f64 network', async () => {
  const widths = [2 * D, 16, 16];
  await compare(mmoeNetwork(SIZES, 3, widths), (arrays, { users, items, market }) => {
    const x = embed(arrays, ['user tower', 'item tower'], D, users, items);
    const gate = softmax(dense(x, arrays[`gate ${market}`], undefined, 3, 'identity'));
    const experts = [0, 1, 2].map((e) => {
      let value = x;
      for (const l of [1, 2])
        value = dense(
          value,
          arrays[`expert ${e} layer ${l}.weight`],
          arrays[`expert ${e} layer ${l}.bias`],
          16,
          'relu',
        );
      return scaleRows(value, (r) => gate.at[3 * r + e]);
    });
    return dense(experts.reduce(add), arrays[`head ${market}`], arrays[`bias ${market}`], 1, 'identity');
  });
});

test('star: logits, loss and gradients are those of a plain f64 network', async () => {
  const widths = [2 * D, 16, 16];
  await compare(starNetwork(SIZES, widths), (arrays, { users, items, market: m }) => {
    const input = embed(arrays, ['user tower', 'item tower'], D, users, items);
    const moments = Array.from({ length: 2 * D }, (_, c) => {
      const column = Array.from({ length: input.rows }, (_, r) => input.at[r * 2 * D + c]);
      const mean = column.reduce((sum, value) => sum + value, 0) / input.rows;
      const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / input.rows;
      return { mean, deviation: Math.sqrt(variance + 1e-5) };
    });
    const x = rowsOf(input.rows, 2 * D, (r, c) => {
      const normal = (input.at[r * 2 * D + c] - moments[c].mean) / moments[c].deviation;
      return arrays.γ[c] * arrays[`γ of ${m}`][c] * normal + arrays.β[c] + arrays[`β of ${m}`][c];
    });
    const of = (name: string, combine: (a: number, b: number) => number) =>
      arrays[name].map((value, i) => combine(value, arrays[`${name} of ${m}`][i]));
    const star = (value: Rows, name: string, cols: number, activation: 'relu' | 'identity') =>
      dense(
        value,
        of(`${name}.weight`, (a, b) => a * b),
        of(`${name}.bias`, (a, b) => a + b),
        cols,
        activation,
      );
    const last = star(star(x, 'shared 1', 16, 'relu'), 'shared 2', 16, 'relu');
    const market = { rows: 1, cols: 16, at: arrays[`market ${m}`] };
    const shift = dense(market, arrays['auxiliary of market'], arrays['auxiliary.bias'], 64, 'identity');
    const hidden = dense(x, arrays['auxiliary.weight'], shift.at, 64, 'relu');
    return add(
      star(last, 'shared head', 1, 'identity'),
      dense(hidden, arrays['auxiliary head'], undefined, 1, 'identity'),
    );
  });
});
