// The Cholesky solve in panels of 8 rows against f64, by the solution itself.
import { expect, test } from 'vitest';
import { randoms, rawKernels } from '../support/reference.ts';

const { exports, memory } = await rawKernels();

/** f32 of systems of condition 10 or so, entries within 1; seen: 3e-7. */
const ROUNDING = 1e-6;

/** Where the panels have row r, column k of a system of `size` columns. */
const at = (size: number, r: number, k: number) => (r >> 3) * 8 * size + 8 * k + (r & 7);

/**
 * A symmetric diagonally dominant matrix, right sides (rows of size, the late ones zero before the corner), and both in
 * panels.
 */
function system(size: number, corner: number, late: number, full: number) {
  const noise = randoms(size * size, 1);
  const values = randoms(8 * (late + full) * size, 2);
  const a = new Float64Array(size * size);
  const panels = new Float32Array((size / 8 + late + full) * 8 * size).fill(Number.NaN);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      const value = i === j ? 4 : Math.fround(noise[i * size + j] / Math.sqrt(size));
      a[i * size + j] = a[j * size + i] = value;
      panels[at(size, i, j)] = value;
    }
  for (let side = 0; side < 8 * (late + full); side++)
    for (let i = 0; i < size; i++) {
      if (side < 8 * late && i < corner) values[side * size + i] = 0;
      panels[at(size, size + side, i)] = values[side * size + i];
    }
  return { a, sides: values, panels };
}

/** Solves in f64 by Cholesky. */
function solve(size: number, a: Float64Array, right: ArrayLike<number>): Float64Array {
  const l = a.slice();
  for (let j = 0; j < size; j++)
    for (let i = j; i < size; i++) {
      let sum = l[i * size + j];
      for (let k = 0; k < j; k++) sum -= l[i * size + k] * l[j * size + k];
      l[i * size + j] = i === j ? Math.sqrt(sum) : sum / l[j * (size + 1)];
    }
  const x = Float64Array.from(right);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i] -= l[i * size + k] * x[k];
    x[i] /= l[i * (size + 1)];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i] -= l[k * size + i] * x[k];
    x[i] /= l[i * (size + 1)];
  }
  return x;
}

function run(size: number, corner: number, late: number, full: number, panels: Float32Array) {
  const mark = memory.mark();
  const address = memory.put(panels);
  const scratch = memory.allocate(exports.solveScratchBytes());
  const failed = exports.solvePanels(size, corner, late, full, address, scratch);
  const solved = memory.f32(address, panels.length).slice();
  memory.release(mark);
  return { failed, solved };
}

test.each([
  [0, 0, 0, 0],
  [0, 0, 1, 1],
  [8, 0, 1, 1],
  [8, 7, 2, 0],
  [16, 13, 1, 2],
  [64, 48, 2, 0],
  [72, 71, 1, 1],
  [264, 250, 2, 1],
  [520, 512, 1, 0],
])('%i rows, right sides that start at row %i: %i panels of them, and %i full ones', (size, corner, late, full) => {
  const { a, sides, panels } = system(size, corner, late, full);
  const { failed, solved } = run(size, corner, late, full, panels);
  expect(failed).toBe(0);
  for (let side = 0; side < 8 * (late + full); side++) {
    const expected = solve(size, a, sides.subarray(side * size, (side + 1) * size));
    for (let i = 0; i < size; i++)
      expect(Math.abs(solved[at(size, size + side, i)] - expected[i])).toBeLessThanOrEqual(ROUNDING);
  }
});

test('names the row of a pivot that is not positive, or not a number', () => {
  for (const row of [0, 1, 2, 3, 7, 12, 23]) {
    const { panels } = system(24, 20, 1, 0);
    panels[at(24, row, row)] = row % 2 === 0 ? 0 : Number.NaN;
    expect(run(24, 20, 1, 0, panels).failed).toBe(1 + row);
  }
});
