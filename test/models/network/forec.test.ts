// FOREC: what its phases start from, meta-learning against what is known of quadratics and of joint gradients, and the fork.
import { expect, test } from 'vitest';
import type { Address } from '../../../src/engine/address.ts';
import { train } from '../../../src/index.ts';
import { metaTrainable } from '../../../src/models/forec/kind.ts';
import { type Batch, type GradientOracle, MetaBatches, MetaGradient } from '../../../src/models/forec/meta.ts';
import { forkedNetwork, forkOf } from '../../../src/models/forec/network.ts';
import { forec, spec } from '../../../src/models/forec/served.ts';
import { baseNetwork } from '../../../src/models/network/base.ts';
import { namedArrays } from '../../../src/models/network/kind.ts';
import { Learner } from '../../../src/models/network/learner.ts';
import { arraysOf, type Network, sizesOf } from '../../../src/models/network/network.ts';
import { Parameters } from '../../../src/models/network/parameters.ts';
import { meanOf } from '../../../src/models/network/pretraining.ts';
import { differences, randoms, rawKernels } from '../../support/reference.ts';
import { checkers } from './checkers.ts';
import { type Arrays, add, columns, crossEntropy, dense, embed, multiply, rowsOf } from './reference.ts';
import { runNetwork, startOf, type TestSamples } from './run.ts';

const SIZES = { users: 5, items: 7, markets: 2 };
const D = 4;
const WIDTHS = [2 * D, 16, 8, 8];
const SAMPLES: TestSamples = {
  market: 1,
  users: [0, 0, 0, 3, 3, 3, 0, 0, 0],
  items: [1, 4, 4, 2, 1, 6, 0, 2, 5],
  each: 3,
};
const never = () => Promise.resolve();

const spread = (arrays: Arrays): Arrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { length }], i) => [name, Float64Array.from(randoms(length, 60 + i))]),
  );

test('the fork: logits, loss and gradients are those of a plain f64 network', async () => {
  const kernels = await rawKernels();
  const network = forkedNetwork(SIZES, D, WIDTHS);
  const arrays = spread(startOf(kernels, network));
  const logits = (all: Arrays) => {
    const of = (name: string) => all[`${name} of market ${SAMPLES.market}`];
    const both = embed(all, ['user product', 'item product'], D, SAMPLES.users, SAMPLES.items);
    const g = multiply(columns(both, 0, D), columns(both, D, D));
    let x = embed(all, ['user tower', 'item tower'], D, SAMPLES.users, SAMPLES.items);
    x = dense(x, all['layer 1.weight'], all['layer 1.bias'], 16, 'relu');
    for (const [l, cols] of WIDTHS.entries())
      if (l > 1) x = dense(x, of(`layer ${l}.weight`), of(`layer ${l}.bias`), cols, 'relu');
    const wide = 2 * (8 + D);
    const sum = add(
      dense(x, of('head, first, of the tower'), of('head, first, bias'), wide, 'identity'),
      dense(g, of('head, first, of the product'), undefined, wide, 'identity'),
    );
    const first = rowsOf(sum.rows, wide, (r, c) => Math.max(0, sum.at[r * wide + c]));
    const second = dense(
      first,
      all[`head, second of market ${SAMPLES.market}.weight`],
      all[`head, second of market ${SAMPLES.market}.bias`],
      8 + D,
      'relu',
    );
    return add(
      dense(columns(second, 0, 8), of('head of the tower'), of('bias'), 1, 'identity'),
      dense(columns(second, 8, D), of('head of the product'), undefined, 1, 'identity'),
    );
  };
  const found = runNetwork(kernels, network, arrays, SAMPLES);
  const z = logits(arrays);
  for (const [r, logit] of found.logits.entries())
    expect(Math.abs(logit - z.at[r])).toBeLessThan(2e-4 * (1 + Math.abs(z.at[r])));
  for (const { name } of [...network.tables, ...network.layers]) {
    const expected = differences(() => crossEntropy(logits(arrays), SAMPLES.each), arrays[name], 1e-6);
    for (const [i, own] of expected.entries())
      expect(Math.abs(found.gradients[name][i] - own), `${name}[${i}]`).toBeLessThan(2e-4 * (1 + Math.abs(own)));
  }
});

test('without its heads the fork starts as NeuMF, to the bit', async () => {
  const kernels = await rawKernels();
  const plain = baseNetwork(['product', 'tower'], SIZES, D, WIDTHS);
  const arrays = spread(startOf(kernels, plain));
  const bare = forkedNetwork(SIZES, D, WIDTHS, false);
  const named = new Map(Object.entries(arrays).map(([name, values]) => [name, Float32Array.from(values)]));
  const start = Object.fromEntries(
    [...forkOf(named, SIZES.markets)].map(([name, values]) => [name, Float64Array.from(values)]),
  );
  expect(Object.keys(start).sort()).toEqual(
    arraysOf(bare)
      .map(({ name }) => name)
      .sort(),
  );
  for (const market of [0, 1])
    expect(runNetwork(kernels, bare, start, { ...SAMPLES, market }).logits).toEqual(
      runNetwork(kernels, plain, arrays, { ...SAMPLES, market }).logits,
    );
});

test('NeuMF from its parts is the mean of both logits', async () => {
  const kernels = await rawKernels();
  const of = (network: Network) => spread(startOf(kernels, network));
  const [gmf, mlp] = [baseNetwork(['product'], SIZES, D), baseNetwork(['tower'], SIZES, D, WIDTHS)];
  const [a, b] = [of(gmf), of(mlp)];
  const named = (arrays: Arrays) =>
    new Map(Object.entries(arrays).map(([name, values]) => [name, Float32Array.from(values)]));
  const both = Object.fromEntries(
    [...meanOf(named(a), named(b))].map(([name, values]) => [name, Float64Array.from(values)]),
  );
  const neumf = baseNetwork(['product', 'tower'], SIZES, D, WIDTHS);
  const found = runNetwork(kernels, neumf, both, SAMPLES).logits;
  const [x, y] = [runNetwork(kernels, gmf, a, SAMPLES).logits, runNetwork(kernels, mlp, b, SAMPLES).logits];
  for (const [r, logit] of found.entries()) expect(logit).toBeCloseTo((x[r] + y[r]) / 2, 5);
});

test.each(['first', 'second'] as const)(
  'meta-gradients of quadratics, order %s, are those worked out by hand',
  async (order) => {
    const kernels = await rawKernels();
    const { memory } = kernels;
    const mark = memory.mark();
    const [size, innerRate] = [16, 0.3];
    const curvature = [0.5, 2];
    const [theta, ...targets] = [1, 2, 3].map((seed) => randoms(size, seed));
    const at = memory.put(theta);
    const oracle: GradientOracle = {
      at,
      size,
      markets: 2,
      // L_m = ½ c_m ‖θ − t_m‖², of support and query alike
      async addGradient(m: number, _: Batch, from: Address, factor: number, out: Address) {
        const [x, to] = [memory.f32(from, size), memory.f32(out, size)];
        const own = Array.from(x, (value, i) => curvature[m] * (value - targets[m][i]));
        for (const [i, value] of own.entries()) to[i] += factor * value;
        return [1, 2];
      },
    };
    const meta = new MetaGradient(kernels, oracle, { innerRate, order });
    expect(await meta.add(never)).toEqual([2, 4]);
    const found = memory.f32(meta.gradient, size);
    for (const [i, value] of found.entries()) {
      const expected = [0, 1].reduce((sum, m) => {
        const shrunk = (1 - innerRate * curvature[m]) ** (order === 'first' ? 1 : 2);
        return sum + (shrunk * curvature[m] * (theta[i] - targets[m][i])) / 2;
      }, 0);
      expect(value).toBeCloseTo(expected, order === 'first' ? 5 : 3);
    }
    expect([...memory.f32(at, size)]).toEqual([...theta]);
    memory.release(mark);
  },
);

test('batches of meta-learning: support and query are other interactions, and small markets start over', () => {
  const batches = new MetaBatches([100, 10, 1], 20);
  expect(batches.sizes).toEqual([20, 5, 1]);
  expect(batches.steps).toBe(2);
  expect(batches.at(0, 1)).toEqual({ support: 40, query: 60, pass: 0, begins: false });
  expect(batches.at(0, 2)).toEqual({ support: 0, query: 20, pass: 1, begins: true });
  expect(batches.at(1, 3)).toEqual({ support: 0, query: 5, pass: 3, begins: true });
  expect(batches.at(2, 0)).toEqual({ support: 0, query: 0, pass: 0, begins: true });
});

/** NeuMF on the checkers, as meta-learning has it. */
async function learnerOf(options: object) {
  const kernels = await rawKernels();
  const data = checkers();
  const resolved = spec.resolve({ dim: 16, hidden: 16, shots: 110, ...options });
  const network = baseNetwork(['product', 'tower'], sizesOf(data), 16, [32, 16, 32, 16]);
  const learner = new Learner(kernels, network, data, {
    batch: 10,
    negatives: resolved.negatives,
    dropout: 0,
    decay: 0,
    seed: 1,
    atOnce: 10,
  });
  learner.parameters.initialise(kernels, 1);
  return { kernels, data, learner, resolved };
}

test('without a step of adaptation the meta-gradient is the joint gradient of the query batches', async () => {
  const { kernels, data, learner } = await learnerOf({});
  const { memory } = kernels;
  const { at, size } = learner.parameters;
  const before = memory.f32(at, size).slice();
  const query = (m: number) => ({ market: m, from: 10, count: 10, first: 1000 + m });
  learner.batches.order(0, 0);
  learner.batches.order(1, 1);
  const expected = memory.allocateZeroed(4 * size);
  for (const m of [0, 1]) await learner.addGradient(query(m), at, 1 / 2, expected, never);
  const oracle: GradientOracle = {
    at,
    size,
    markets: data.markets.length,
    addGradient: (m, batch, from, factor, out) =>
      learner.addGradient(batch === 'query' ? query(m) : { ...query(m), from: 0 }, from, factor, out, never),
  };
  const meta = new MetaGradient(kernels, oracle, { innerRate: 0, order: 'second' });
  await meta.add(never);
  expect(memory.f32(meta.gradient, size)).toEqual(memory.f32(expected, size));
  expect(memory.f32(meta.gradient, size).some((value) => value !== 0)).toBe(true);
  expect(memory.f32(at, size)).toEqual(before);
});

test('the gradient of a batch is that of differences, also through an adaptation of second order', async () => {
  const { kernels, learner } = await learnerOf({});
  const { memory } = kernels;
  const { parameters } = learner;
  const { at, size } = parameters;
  // beyond 0.01, where every part of the network has something to say
  for (const [i, value] of randoms(size, 9).entries()) memory.f32(at, size)[i] = 0.3 * value;
  const drawn = (first: number, from: number) => ({ market: 0, from, count: 8, first });
  learner.batches.order(0, 0);
  const spare = memory.allocateZeroed(4 * size);
  const lossAt = async (where: Address, first: number, from: number) => {
    const [loss, samples] = await learner.addGradient(drawn(first, from), where, 0, spare, never);
    return loss / samples;
  };
  const innerRate = 0.2;
  const fast = memory.allocate(4 * size);
  const adaptedLoss = async () => {
    memory.f32(fast, size).set(memory.f32(at, size));
    await learner.addGradient(drawn(1, 0), at, -innerRate, fast, never);
    return lossAt(fast, 2, 8);
  };
  const oracle: GradientOracle = {
    at,
    size,
    markets: 1,
    addGradient: (_, batch, from, factor, out) =>
      learner.addGradient(batch === 'query' ? drawn(2, 8) : drawn(1, 0), from, factor, out, never),
  };
  const meta = new MetaGradient(kernels, oracle, { innerRate, order: 'second' });
  await meta.add(never);
  const gradient = memory.f32(meta.gradient, size).slice();
  // along the gradient itself the slope is its length
  const length = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
  const start = memory.f32(at, size).slice();
  const h = 0.02;
  const along = async (by: number) => {
    for (const [i, value] of gradient.entries()) memory.f32(at, size)[i] = start[i] + (by * value) / length;
    return adaptedLoss();
  };
  const slope = ((await along(h)) - (await along(-h))) / (2 * h);
  expect(Math.abs(slope - length)).toBeLessThan(0.02 * length);
});

test('steps of meta-learning learn, and give the same loss twice', async () => {
  const run = async () => {
    const { kernels, learner, resolved } = await learnerOf({ learningRate: 0.01 });
    const meta = metaTrainable(kernels, learner, 2, { ...resolved, innerRate: 0.1 });
    const losses: number[] = [];
    for (let step = 0; step < 30; step++) {
      const [loss, samples] = await meta.step(0, step, 0.01, never);
      losses.push(loss / samples);
    }
    return losses;
  };
  const losses = await run();
  expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]);
  expect(await run()).toEqual(losses);
});

test('the fork leaves tables and first layer as they were, to the bit, and phases end where they say', async () => {
  const data = checkers();
  const options = { model: 'forec', dim: 16, hidden: 16, epochs: 2, metaEpochs: 1, batch: 64, shots: 110 } as const;
  const arrays = async (given: object) => {
    const model = await train(data, { ...options, ...given });
    const network = spec.network(spec.resolve({ ...options, model: undefined, ...given }), sizesOf(data));
    return { named: namedArrays(network, model.parameters!), network, stages: model.training.stages as object[] };
  };
  const [meta, forked, unlearned] = await Promise.all([
    arrays({ phases: 'meta' }),
    arrays({ phases: 'all', forkEpochs: 2 }),
    arrays({ phases: 'all', forkEpochs: 0 }),
  ]);
  for (const name of forked.network.frozen!) expect(forked.named.get(name), name).toEqual(meta.named.get(name));
  const start = forkOf(meta.named, 2);
  for (const [name, values] of start) expect(unlearned.named.get(name), name).toEqual(values);
  expect(forked.named.get('layer 2.weight of market 0')).not.toEqual(unlearned.named.get('layer 2.weight of market 0'));
  expect(forked.named.get('layer 2.weight of market 0')).not.toEqual(forked.named.get('layer 2.weight of market 1'));
  expect(meta.stages).toHaveLength(4);
  expect(forked.stages).toHaveLength(5);
  expect((await arrays({ phases: 'pretraining' })).stages).toHaveLength(3);
  expect((await arrays({ phases: 'fork', forkEpochs: 1 })).stages).toHaveLength(4);
});

test.each([
  [{ model: 'forec', metaEpochs: 1, forkEpochs: 1, shots: 110 }, 5],
  [{ model: 'forec', phases: 'fork', forkEpochs: 1 }, 4],
  [{ model: 'neumf', pretraining: 'parts' }, 3],
] as const)('progress of %j counts all of its stages', async (kind, count) => {
  const shares = new Map<string, number>();
  await train(checkers(), {
    ...kind,
    ...{ dim: 16, hidden: 16, epochs: 2, batch: 64 },
    onProgress: ({ stage, share }) => shares.set(stage, share!),
  });
  const ends = [...shares.values()];
  expect(ends).toHaveLength(count);
  expect(ends).toEqual([...new Set(ends)].sort((a, b) => a - b));
  expect(ends.at(-1)).toBe(1);
});

test('NeuMF from its parts trains in three stages, and learns', async () => {
  const data = checkers();
  const options = { model: 'neumf', dim: 16, hidden: 32, epochs: 4, batch: 64, learningRate: 0.01 } as const;
  const from = async (pretraining: 'none' | 'parts') => {
    const { training, parameters } = await train(data, { ...options, pretraining });
    return { stages: training.stages as { loss: number }[], parameters: parameters! };
  };
  const [scratch, parts] = [await from('none'), await from('parts')];
  expect([scratch.stages.length, parts.stages.length]).toEqual([1, 3]);
  expect(parts.parameters).toHaveLength(scratch.parameters.length);
  expect(parts.stages[2].loss).toBeLessThan(0.25);
});

test('a file has as many parameters as its phase', async () => {
  const kernels = await rawKernels();
  const sizes = sizesOf(checkers());
  const mark = kernels.memory.mark();
  const sizeOf = (phases: string) =>
    new Parameters(arraysOf(spec.network(spec.resolve({ dim: 16, hidden: 16, phases }), sizes)), kernels.memory).size;
  expect(sizeOf('all')).toBe(sizeOf('fork'));
  expect(sizeOf('meta')).toBe(sizeOf('pretraining'));
  expect(sizeOf('all')).toBeGreaterThan(sizeOf('meta'));
  expect(forec.code).toBe(23);
  kernels.memory.release(mark);
});
