// The skip-gram stage against a plain f64 one, with Adam and the propagation through B, and its bytes on several
// threads.
import { describe, expect, test } from 'vitest';
import { Job } from '../../src/common/job.ts';
import { type SkipGramOptions, skipgram } from '../../src/embedding/skipgram.ts';
import { stageContext } from '../../src/engine/stage.ts';
import { STREAM } from '../../src/engine/streams.ts';
import type { Kernels } from '../../src/engine/types.ts';
import type { SparseMatrix } from '../../src/matrix/sparse.ts';
import { nodeWorkers } from '../../src/node/files.ts';
import { startPool } from '../../src/threads/pool.ts';
import {
  below,
  dotOf,
  draw,
  kernels,
  randomPattern,
  randoms,
  rawKernels,
  stream,
  unit,
  worst,
} from '../support/reference.ts';

/** f32 tables after a few steps of Adam, whose size does not shrink with that of the gradient. */
const TRAINED = 1e-4;

const [N, DIM] = [600, 16];
const similarity = ((): SparseMatrix => {
  const pattern = randomPattern(N, N, 3, 51);
  const values = randoms(pattern.indices.length, 52).map((value) => Math.abs(value) / 3);
  return { ...pattern, values };
})();
/** Walks that stay among the items of one residue, and meet an item more than once. */
const walksOf = (count: number, length: number) => {
  const key = stream(9, 9, 9);
  return Int32Array.from(
    { length: count * length },
    (_, i) => 7 * below(draw(key, i), Math.floor(N / 7)) + (Math.floor(i / length) % 3),
  );
};

/** B x + x, or Bᵀ x + x. */
function spread(x: Float64Array, back: boolean): Float64Array {
  const y = x.slice();
  for (let r = 0; r < N; r++) {
    for (let e = similarity.indptr[r]; e < similarity.indptr[r + 1]; e++) {
      const [to, from] = back ? [similarity.indices[e], r] : [r, similarity.indices[e]];
      for (let c = 0; c < DIM; c++) y[to * DIM + c] += similarity.values[e] * x[from * DIM + c];
    }
  }
  return y;
}

async function plainStage(
  walks: Int32Array,
  { walkLength, window, negatives, learningRate, cooling, initial = 0.5, steps: asked, seed }: SkipGramOptions,
) {
  const k = await kernels();
  const visits = new Uint32Array(N);
  k.countVisits(walks.length, walks, visits);
  const thresholds = new Float32Array(N);
  const aliases = new Int32Array(N);
  if (walks.length > 0) k.buildUnigramTable(N, visits, thresholds, aliases, new Uint8Array(12 * N));
  const count = walks.length / walkLength;
  const steps = Math.max(1, Math.min(count, asked));
  const tables = [STREAM.initialCentres, STREAM.initialContexts].map((numbers) => {
    const key = stream(seed, numbers, 0);
    const zeros = () => new Float64Array(N * DIM);
    return { parameters: zeros().map((_, i) => (unit(draw(key, i)) * 2 - 1) * initial), m: zeros(), v: zeros() };
  });
  let lastLoss = 0;
  let lastPairs = 0;
  for (let step = 0; step < steps; step++) {
    const rate = cooling ? learningRate * (1 - step / steps) : learningRate;
    const [v, vbar] = tables.map(({ parameters }) => spread(parameters, false));
    const gradients = [new Float64Array(N * DIM), new Float64Array(N * DIM)];
    let loss = 0;
    let pairs = 0;
    for (let w = Math.floor((step * count) / steps); w < Math.floor(((step + 1) * count) / steps); w++) {
      const key = stream(seed, STREAM.skipgramNegatives, w);
      for (let t = 0; t < walkLength; t++) {
        const centre = walks[w * walkLength + t] * DIM;
        const around: number[] = [];
        for (let s = Math.max(0, t - window); s <= Math.min(walkLength - 1, t + window); s++)
          if (s !== t) around.push(walks[w * walkLength + s] * DIM);
        const meet = (target: number, label: number, weight: number) => {
          const score = dotOf(v, centre, vbar, target, DIM);
          const error = weight * (label - 1 / (1 + Math.exp(-score)));
          loss += weight * Math.log1p(Math.exp(label === 1 ? -score : score));
          for (let c = 0; c < DIM; c++) {
            gradients[0][centre + c] -= error * vbar[target + c];
            gradients[1][target + c] -= error * v[centre + c];
          }
        };
        for (const target of around) meet(target, 1, 1);
        for (let m = 0; m < negatives && around.length > 0; m++) {
          const bits = draw(key, t * negatives + m);
          const slot = below(bits, N);
          meet((unit(bits) < thresholds[slot] ? slot : aliases[slot]) * DIM, 0, around.length);
        }
        pairs += around.length;
      }
    }
    for (const [i, { parameters, m, v: moment }] of tables.entries()) {
      const g = spread(gradients[i], true);
      for (let j = 0; j < g.length; j++) {
        m[j] = 0.9 * m[j] + 0.1 * g[j];
        moment[j] = 0.999 * moment[j] + 0.001 * g[j] * g[j];
        parameters[j] -=
          (rate * (m[j] / (1 - 0.9 ** (step + 1)))) /
          (Math.sqrt(moment[j] / (1 - 0.999 ** (step + 1))) + 1e-8 / Math.sqrt(1 - 0.999 ** (step + 1)));
      }
    }
    if (step >= Math.floor(steps * 0.9)) {
      lastLoss += loss;
      lastPairs += pairs;
    }
  }
  const [vectors, contexts] = tables.map(({ parameters }) => spread(parameters, false));
  return { vectors, contexts, loss: lastPairs > 0 ? lastLoss / lastPairs : 0 };
}

const optionsOf = (walkLength: number, window: number, negatives: number, steps: number): SkipGramOptions => ({
  dim: DIM,
  walkLength,
  window,
  negatives,
  learningRate: 0.01,
  steps,
  seed: 4,
});

describe('the stage agrees with plain f64', () => {
  test.each([
    ['no walk', 0, optionsOf(5, 2, 3, 4)],
    ['one walk, shorter than the window', 1, optionsOf(6, 10, 3, 4)],
    ['walks without a pair', 7, optionsOf(1, 3, 4, 2)],
    ['fewer walks than steps', 3, optionsOf(4, 2, 3, 10)],
    ['steps of several sizes', 17, optionsOf(9, 3, 5, 5)],
    ['a rate that falls, from a small start', 17, { ...optionsOf(9, 3, 5, 5), cooling: true, initial: 0.05 }],
    ['several rounds a step, the last one short', 66, optionsOf(100, 150, 2, 2)],
  ])('%s', async (_, count, options) => {
    const walks = walksOf(count, options.walkLength);
    const found = await skipgram(stageContext(await rawKernels(), 'skip-gram'), { walks, similarity }, options);
    const expected = await plainStage(walks, options);
    expect(worst(found.vectors, expected.vectors)).toBeLessThan(TRAINED);
    expect(worst(found.contexts, expected.contexts)).toBeLessThan(TRAINED);
    expect(Math.abs(found.loss - expected.loss)).toBeLessThan(1e-4 * Math.max(1, expected.loss));
    if (count === 0 || options.walkLength === 1) expect(found.loss).toBe(0);
    else expect(found.loss).toBeGreaterThan(0.5);
  });
});

test('1, 2, 3 and 8 threads give the same bytes, in several rounds of many tasks, and give all memory back', async () => {
  const options = { ...optionsOf(40, 10, 10, 1), dim: 48 };
  const walks = walksOf(530, 40);
  const run = async (kernels: Kernels) => {
    const before = kernels.memory.used;
    const result = await skipgram(stageContext(kernels, 'skip-gram'), { walks, similarity }, options);
    expect(kernels.memory.used).toBe(before);
    return result;
  };
  const one = await run(await rawKernels());
  for (const threads of [2, 3, 8]) {
    const { pool, ...kernels } = await startPool(nodeWorkers, threads);
    try {
      const several = await run({ ...kernels, pool });
      expect(Buffer.from(several.vectors.buffer).equals(Buffer.from(one.vectors.buffer)), `${threads} threads`).toBe(
        true,
      );
      expect(Buffer.from(several.contexts.buffer).equals(Buffer.from(one.contexts.buffer)), `${threads} threads`).toBe(
        true,
      );
      expect(several.loss).toBe(one.loss);
    } finally {
      await pool.close();
    }
  }
});

test('a signal stops the stage between the rounds of a step', async () => {
  const controller = new AbortController();
  const options = optionsOf(40, 10, 10, 1);
  const heard: number[] = [];
  const job = new Job({
    signal: controller.signal,
    onProgress({ done }) {
      heard.push(done);
      controller.abort();
    },
  });
  await expect(
    skipgram(stageContext(await rawKernels(), 'skip-gram', job), { walks: walksOf(530, 40), similarity }, options),
  ).rejects.toMatchObject({
    name: 'AbortError',
    message: 'skip-gram was stopped at 0 of 1',
  });
  expect(heard).toEqual([0]);
});
