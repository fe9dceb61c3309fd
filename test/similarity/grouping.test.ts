import { expect, test } from 'vitest';
import { groupAlike } from '../../src/similarity/grouping.ts';
import { below, draw, LENGTHS, randoms, stream } from '../support/reference.ts';

/** Random lists, some of them shorter, with equal gains among them. */
function lists(n: number, width: number, seed: number) {
  const noise = randoms(n * width, seed);
  const nearest = new Uint32Array(n * width);
  const gains = new Float32Array(n * width);
  for (let j = 0; j < n; j++) {
    const key = stream(seed, 97, j);
    const found = new Set<number>();
    for (let e = 0; e < width; e++) found.add(below(draw(key, e), n));
    found.delete(j);
    for (const [e, item] of [...found].slice(0, width - (j % 3)).entries()) {
      nearest[j * width + e] = item;
      gains[j * width + e] = Math.ceil(4 * Math.abs(noise[j * width + e])) / 4;
    }
  }
  return { nearest, gains };
}

/** By the docstring, all items looked at each time. */
function plain(n: number, width: number, nearest: Uint32Array, gains: Float32Array, size: number): number[] {
  const left = new Set(Array.from({ length: n }, (_, i) => i));
  const order: number[] = [];
  while (left.size > 0) {
    const group: number[] = [];
    while (group.length < size && left.size > 0) {
      const sum = (item: number) =>
        group.reduce((total, j) => {
          for (let e = j * width; e < (j + 1) * width; e++) if (nearest[e] === item) total += gains[e];
          return total;
        }, 0);
      const [best] = [...left]
        .map((item) => ({ item, sum: sum(item) }))
        .sort((a, b) => b.sum - a.sum || a.item - b.item);
      group.push(best.item);
      left.delete(best.item);
    }
    order.push(...group.sort((a, b) => a - b));
  }
  return order;
}

test('groups are those of the plain way, at awkward sizes', () => {
  for (const n of LENGTHS) {
    for (const [width, size] of [
      [1, 1],
      [4, 3],
      [9, 16],
    ]) {
      const { nearest, gains } = lists(n, width, n + 1);
      expect(Array.from(groupAlike(n, width, nearest, gains, size))).toEqual(plain(n, width, nearest, gains, size));
    }
  }
});
