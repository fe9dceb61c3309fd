import { beforeAll, describe, expect, it } from 'vitest';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import type { Kernels } from '../../src/engine/types.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 65, 9762];
let kernels: Kernels;
beforeAll(async () => {
  kernels = await instantiateKernels(embeddedKernels);
});

function topK(scores: Float32Array, k: number, exclude?: Uint8Array): { index: number; score: number }[] {
  const { exports, memory } = kernels;
  const mark = memory.mark();
  const at = memory.put(scores);
  const mask = exclude ? memory.put(exclude) : 0;
  const index = memory.allocate(4 * k);
  const score = memory.allocate(4 * k);
  const guard = memory.put(Uint8Array.of(77));
  const kept = exports.topK(at, scores.length, mask, k, index, score);
  expect(memory.u8(guard, 1)[0]).toBe(77);
  const result = Array.from(memory.i32(index, kept), (i, r) => ({ index: i, score: memory.f32(score, kept)[r] }));
  memory.release(mark);
  return result;
}

function reference(scores: Float32Array, k: number, exclude?: Uint8Array): { index: number; score: number }[] {
  return Array.from(scores, (score, index) => ({ index, score }))
    .filter(({ index }) => !exclude?.[index])
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, k);
}

describe('topK', () => {
  it('agrees with a full sort at every length and k, with many ties and with a mask', () => {
    const random = new SplitMix(5);
    for (const n of LENGTHS) {
      for (const levels of [3, 1e9]) {
        const scores = Float32Array.from({ length: n }, () => random.below(levels) - levels / 2);
        const mask = Uint8Array.from({ length: n }, () => Number(random.below(3) === 0));
        for (const k of new Set([0, 1, 2, 10, n >> 1, n - 1, n].filter((k) => k >= 0 && k <= n))) {
          expect(topK(scores, k)).toEqual(reference(scores, k));
          expect(topK(scores, k, mask)).toEqual(reference(scores, k, mask));
        }
      }
    }
  });

  it('returns what is left where the mask leaves fewer than k', () => {
    expect(topK(Float32Array.of(1, 2, 3), 3, Uint8Array.of(1, 0, 1))).toEqual([{ index: 1, score: 2 }]);
    expect(topK(Float32Array.of(1, 2, 3), 2, Uint8Array.of(1, 1, 1))).toEqual([]);
  });

  it('gives equal scores by lower index, rising and falling runs included', () => {
    const constant = new Float32Array(65).fill(0.5);
    expect(topK(constant, 10).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const rising = Float32Array.from({ length: 65 }, (_, i) => i >> 1);
    expect(topK(rising, 4).map(({ index }) => index)).toEqual([64, 62, 63, 60]);
  });

  it('takes infinities as they are and NaN as −∞', () => {
    const scores = Float32Array.of(Number.NaN, -Infinity, 1, Infinity, Number.NaN, 0);
    expect(topK(scores, 6).map(({ index }) => index)).toEqual([3, 2, 5, 0, 1, 4]);
    expect(topK(scores, 2).map(({ index }) => index)).toEqual([3, 2]);
  });
});
