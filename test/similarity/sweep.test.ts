// One step of the block sweep, kernel by kernel, compared with f64: what is computed in 16-bit fixed point and what
// does not.
import { expect, test } from 'vitest';
import { TILE } from '../../src/matrix/tiles.ts';
import { SLOT_BYTES } from '../../src/similarity/sweep.ts';
import { dotOf, randoms, rawKernels } from '../support/reference.ts';

const { exports, memory } = await rawKernels();

/**
 * Of a product in fixed point, in units of the norms of its row and its column: with values at random, whose roundings
 * cancel. Seen: 4.7e-5.
 */
const FIXED_TOLERANCE = 1e-4;
/** At worst, where roundings agree: √256 / 65,532 for each operand. Seen: 6.7e-5. */
const WORST_TOLERANCE = 5e-4;
/** Of one in single precision, in the same units. Seen: 2.5e-7. */
const SINGLE_TOLERANCE = 2e-6;
/** The bound on the product of the shares, in assembly/dense/sweep.ts. */
const FIXED_BELOW = 0.05;
const STRIP = 16;

test('the host knows the size of a slot', () => {
  expect(exports.sweepSlotBytes(TILE)).toBe(SLOT_BYTES);
});

/**
 * A symmetric matrix of 3 × 3 tiles as `value` says, `diagonal` on its diagonal; the middle block is swept, and each
 * tile compared.
 */
function sweepMiddle(t: number, diagonal: number, value: (i: number, j: number) => number) {
  const n = 3 * t;
  const a = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_, j) => Math.fround(i === j ? diagonal : value(Math.max(i, j), Math.min(i, j)))),
  );
  const mark = memory.mark();
  const tiles = memory.allocate(4 * 6 * t * t);
  const slots = memory.allocate(3 * exports.sweepSlotBytes(t));
  const pivot = memory.allocate(exports.sweepSlotBytes(t));
  const failed = memory.allocate(4);
  const work = memory.allocate(exports.choleskyWorkspaceBytes(t));
  const scratch = memory.allocate(exports.gemmWorkspaceBytes());
  const at = (i: number, j: number) =>
    ((Math.floor(i / t) * (Math.floor(i / t) + 1)) / 2 + Math.floor(j / t)) * t * t + (i % t) * t + (j % t);
  const held = memory.f32(tiles, 6 * t * t);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) held[at(i, j)] = a[i][j];
  exports.sweepPivot(tiles, t, 1, pivot, work, failed);
  expect(memory.i32(failed, 1)[0]).toBe(0);
  const swept = memory.f32(tiles, 6 * t * t);
  const d = Array.from({ length: t }, (_, i) =>
    Float64Array.from({ length: t }, (_, j) => -swept[at(t + Math.max(i, j), t + Math.min(i, j))]),
  );
  for (const i of [0, 2]) exports.sweepPanel(tiles, t, 1, i, pivot, slots, scratch);
  exports.sweepUpdate(tiles, t, 1, 0, 0, 1, slots, scratch);
  exports.sweepUpdate(tiles, t, 1, 2, 0, 3, slots, scratch);
  const found = memory.f32(tiles, 6 * t * t).slice();
  memory.release(mark);

  const outer = Array.from({ length: n }, (_, i) => i).filter((i) => i < t || i >= 2 * t);
  const lefts = a.map((row) => row.subarray(t, 2 * t));
  // the panel as it was found is what updates go on from
  const rights = a.map((_, i) =>
    Float64Array.from({ length: t }, (_, c) => (i < t ? found[at(t + c, i)] : found[at(i, t + c)])),
  );
  const leftNorms = lefts.map(norm);
  const rightNorms = rights.map(norm);
  const pivotNorms = d.map(norm);
  const shares = (norms: number[]) =>
    norms.map((_, i) => {
      const tile = Math.floor(i / t) * t;
      const strip = tile + Math.floor((i - tile) / STRIP) * STRIP;
      let largest = 0;
      for (let r = strip; r < Math.min(strip + STRIP, tile + t); r++)
        largest = Math.max(largest, norms[r] / Math.sqrt(a[r][r]));
      return largest;
    });
  const leftShares = shares(leftNorms);
  const rightShares = shares(rightNorms);
  const worst = { fixed: 0, single: 0, panel: 0 };
  const count = { fixed: 0, single: 0 };
  for (const i of outer) {
    for (const j of outer) {
      if (j > i) continue;
      const product = leftShares[i] * rightShares[j];
      // rounding may put a product at the bound on either side of it
      const kind = product < FIXED_BELOW * 0.999 ? 'fixed' : product > FIXED_BELOW * 1.001 ? 'single' : undefined;
      if (!kind) continue;
      count[kind]++;
      // the entry itself is rounded, too
      const error = Math.abs(found[at(i, j)] - (a[i][j] - dot(lefts[i], rights[j]))) - 2 ** -22 * Math.abs(a[i][j]);
      worst[kind] = Math.max(worst[kind], error / (leftNorms[i] * rightNorms[j] || 1));
    }
    for (let c = 0; c < t; c++)
      worst.panel = Math.max(
        worst.panel,
        Math.abs(rights[i][c] - dot(lefts[i], d[c])) / (leftNorms[i] * pivotNorms[c] || 1),
      );
  }
  return { worst, count };
}

const dot = (x: Float64Array, y: Float64Array) => dotOf(x, 0, y, 0, x.length);

function norm(x: Float64Array): number {
  return Math.sqrt(dot(x, x));
}

const numbers = randoms(1e6, 7);
const random = (i: number, j: number) => numbers[(i * 769 + j) % 1e6];

for (const t of [8, 72, 128, 136, 256]) {
  test(`small panels are computed in fixed point, large ones in single precision, at t = ${t}`, () => {
    const small = sweepMiddle(t, 100, (i, j) => 0.3 * random(i, j));
    expect(small.count.single).toBe(0);
    expect(small.worst.fixed).toBeLessThanOrEqual(FIXED_TOLERANCE);
    expect(small.worst.fixed).toBeGreaterThan(SINGLE_TOLERANCE);
    expect(small.worst.panel).toBeLessThanOrEqual(FIXED_TOLERANCE);
    const large = sweepMiddle(t, 100, (i, j) => (45 / Math.sqrt(t)) * random(i, j));
    expect(large.count.fixed).toBe(0);
    expect(large.worst.single).toBeLessThanOrEqual(SINGLE_TOLERANCE);
  });
}

test('zeros are skipped: rows and columns that nothing is known of, in the panel and in the pivot', () => {
  for (const known of [1, 4, 94, 129]) {
    const { worst, count } = sweepMiddle(256, 100, (i, j) =>
      i % 256 < known && j % 256 < known ? 0.3 * random(i, j) : 0,
    );
    expect(count.single).toBe(0);
    expect(worst.fixed).toBeLessThanOrEqual(FIXED_TOLERANCE);
  }
});

test('one tile has both: popular rows first, or last', () => {
  const t = 256;
  for (const popular of [(i: number) => i % t < 64, (i: number) => i % t >= 192]) {
    const { worst, count } = sweepMiddle(
      t,
      300,
      (i, j) => (popular(i) ? 6 : 0.2) * (popular(j) ? 6 : 0.2) * 0.5 * random(i, j),
    );
    expect(count.fixed).toBeGreaterThan(0);
    expect(count.single).toBeGreaterThan(0);
    expect(worst.fixed).toBeLessThanOrEqual(FIXED_TOLERANCE);
    expect(worst.single).toBeLessThanOrEqual(SINGLE_TOLERANCE);
  }
});

test('integers reach the ends of their range and no sum leaves 32 bits: equal values, one that is all, none, any scale', () => {
  const shapes: [string, (i: number, j: number) => number][] = [
    ['equal', () => 0.11],
    ['equal but for the sign', (i, j) => ((i + j) % 2 ? 0.11 : -0.11)],
    ['one a row', (i, j) => (i % 256 === j % 256 ? 3 : 0)],
    ['one in all', (i, j) => (i === 700 && j === 300 ? 3 : 0)],
    ['none', () => 0],
    ['from 1e-38 to 1', (i, j) => random(i, j) * 10 ** -((i * 7 + j) % 38)],
  ];
  for (const [name, value] of shapes) {
    for (const scale of [1e-6, 1, 1e6]) {
      const { worst, count } = sweepMiddle(256, 100 * scale, (i, j) => value(i, j) * scale);
      expect(count.fixed, name).toBeGreaterThan(0);
      expect(Math.max(worst.fixed, worst.single, worst.panel), `${name}, ${scale}`).toBeLessThanOrEqual(
        WORST_TOLERANCE,
      );
    }
  }
});
