// The kernels of the iterative EASE, one by one, compared with plain f64.
import { expect, test } from 'vitest';
import type { SparsePattern } from '../../src/matrix/sparse.ts';
import { transpose } from '../../src/matrix/transpose.ts';
import { segmentsOf } from '../../src/similarity/conjugate.ts';
import { LENGTHS, randomPattern, randoms, rawKernels, worst } from '../support/reference.ts';

const kernels = await rawKernels();
const { exports, memory } = kernels;
const LANES = 16;
const GROUP = 64;
const SLAB = 64;
const DEPTH = 256;
const CORE = 16;
const LAMBDA = 7;
const TOLERANCE = 0.01;
/** Of f32 sums of some hundred terms. */
const ROUNDING = 2e-5;

/** Tails of these lengths beside a core of 16, and one of 300 beside a core of two blocks of columns. */
const shapes: [core: number, tail: number][] = [...LENGTHS.map((tail): [number, number] => [CORE, tail]), [272, 300]];

interface Fixture {
  n: number;
  core: number;
  X: SparsePattern;
  /** G + λI. */
  a: Float64Array;
  users: { count: number; starts: number; middles: number; ends: number; indices: number };
  /** Xᵀ, and where its parts lie. */
  transposed: SparsePattern;
  itemStarts: number;
  buyers: number;
  /** 1 / A_ii. */
  weights: number;
  work: number;
}

function fixture(core: number, tail: number, users = 3 * (core + tail)): Fixture {
  const n = core + tail;
  const X = randomPattern(users, n, 5, 7 * n + core);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * (n + 1)] = LAMBDA;
  for (let u = 0; u < users; u++) {
    const items = X.indices.subarray(X.indptr[u], X.indptr[u + 1]);
    for (const i of items) for (const j of items) a[i * n + j]++;
  }
  const starts = memory.put(X.indptr);
  const middles = Int32Array.from(
    { length: users },
    (_, u) => X.indptr[u] + X.indices.subarray(X.indptr[u], X.indptr[u + 1]).filter((i) => i < core).length,
  );
  const transposed = transpose(kernels, X);
  const weights = memory.put(Float32Array.from({ length: n }, (_, i) => 1 / a[i * (n + 1)]));
  return {
    n,
    core,
    X,
    a,
    transposed,
    itemStarts: memory.put(transposed.indptr),
    buyers: memory.put(transposed.indices),
    weights,
    users: { count: users, starts, middles: memory.put(middles), ends: starts + 4, indices: memory.put(X.indices) },
    work: memory.allocate(exports.conjugateWorkspaceBytes(core, users)),
  };
}

/** Runs with all memory given back after. */
function held(run: () => void): void {
  const mark = memory.mark();
  try {
    run();
  } finally {
    memory.release(mark);
  }
}

const lines = (n: number, value = Number.NaN) => {
  const address = memory.allocate(4 * LANES * (n + LANES));
  memory.f32(address, LANES * (n + LANES)).fill(value);
  return address;
};
const read = (address: number, n: number) => memory.f32(address, LANES * n).slice();

/** A X for the rows and columns of [from, n), X (n × 16); rows before `from` 0. */
function times({ n, a }: Fixture, from: number, x: ArrayLike<number>): Float64Array {
  const out = new Float64Array(LANES * n);
  for (let i = from; i < n; i++)
    for (let j = from; j < n; j++)
      for (let lane = 0; lane < LANES; lane++) out[LANES * i + lane] += a[i * n + j] * x[LANES * j + lane];
  return out;
}

/** The inverse of A's block of rows [from, to), by Gauss and Jordan. */
function inverseOf({ n, a }: Fixture, from: number, to: number): Float64Array {
  const size = to - from;
  const b = Float64Array.from(
    { length: size * size },
    (_, at) => a[(from + Math.floor(at / size)) * n + from + (at % size)],
  );
  for (let k = 0; k < size; k++) {
    const pivot = 1 / b[k * (size + 1)];
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const factor = b[i * size + k] * pivot;
      for (let j = 0; j < size; j++) if (j !== k) b[i * size + j] -= factor * b[k * size + j];
      b[i * size + k] = -factor;
    }
    for (let j = 0; j < size; j++) b[k * size + j] *= pivot;
    b[k * (size + 1)] = pivot;
  }
  return b;
}

/** Rows of a matrix (rows × cols) in panels of four. */
function inPanels(values: ArrayLike<number>, rows: number, cols: number): Float32Array {
  const out = new Float32Array(4 * cols * Math.ceil(rows / 4));
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) out[4 * cols * Math.floor(i / 4) + 4 * j + (i % 4)] = values[i * cols + j];
  return out;
}

/** M⁻¹ as it is given to the kernels, and in f64. */
function groupsOf(f: Fixture): { address: number; times(r: ArrayLike<number>): Float64Array } {
  const begins = Array.from({ length: Math.ceil((f.n - f.core) / GROUP) }, (_, g) => f.core + GROUP * g);
  const inverses = begins.map((begin) => inverseOf(f, begin, Math.min(f.n, begin + GROUP)));
  const packed = new Float32Array(GROUP * GROUP * begins.length);
  for (const [g, inverse] of inverses.entries())
    packed.set(inPanels(inverse, Math.sqrt(inverse.length), Math.sqrt(inverse.length)), GROUP * GROUP * g);
  return {
    address: memory.put(packed),
    times(r) {
      const out = new Float64Array(LANES * f.n);
      for (const [g, begin] of begins.entries()) {
        const size = Math.sqrt(inverses[g].length);
        for (let i = 0; i < size; i++)
          for (let j = 0; j < size; j++)
            for (let lane = 0; lane < LANES; lane++)
              out[LANES * (begin + i) + lane] += inverses[g][i * size + j] * r[LANES * (begin + j) + lane];
      }
      return out;
    },
  };
}

/** Blocks of columns worth a look: the first, one of the core's last, the tail's first and its last, which may be narrow. */
function blocksOf(n: number, core: number): [column: number, width: number][] {
  const columns = [0, core - LANES, core, core + LANES * Math.floor((n - core - 1) / LANES)];
  return [...new Set(columns)]
    .filter((column) => column >= 0 && column < n)
    .map((column) => [column, Math.min(LANES, n - column)]);
}

/** x and r before the first step, in f64. */
function started({ n, core, a }: Fixture, column: number, width: number): { x: Float64Array; r: Float64Array } {
  const x = new Float64Array(LANES * n);
  const r = new Float64Array(LANES * n);
  for (let lane = 0; lane < width; lane++) {
    (column < core ? x : r)[LANES * (column + lane) + lane] = 1;
    if (column < core) for (let i = core; i < n; i++) r[LANES * i + lane] = -a[i * n + column + lane];
  }
  return { x, r };
}

/** The largest |r_ij| / (A_ii |x_jj|) of each row of the tail. */
function residuals(
  { n, core, a }: Fixture,
  column: number,
  width: number,
  { x, r }: { x: ArrayLike<number>; r: ArrayLike<number> },
): number[] {
  return Array.from({ length: n - core }, (_, t) => {
    const i = core + t;
    return Math.max(
      ...Array.from({ length: width }, (_, lane) =>
        Math.abs(r[LANES * i + lane] / a[i * (n + 1)] / x[LANES * (column + lane) + lane]),
      ),
    );
  });
}

const tailOf = (values: ArrayLike<number>, core: number) => Array.prototype.slice.call(values, LANES * core);

test.each(shapes)(
  'startColumns, stepColumns and relaxColumns are conjugate gradients: core %i, tail %i',
  (core, tail) =>
    held(() => {
      const f = fixture(core, tail);
      const { n, users, transposed, itemStarts, buyers, weights, work } = f;
      const M = groupsOf(f);
      const segments = segmentsOf(transposed, core).map((part) => memory.put(part));
      const previous = memory.allocate(8 * LANES);
      const over = memory.allocate(8);
      for (const [column, width] of blocksOf(n, core)) {
        const [x, r, q, w] = [lines(n), lines(n), lines(n), lines(n)];
        exports.startColumns(
          n,
          core,
          column,
          width,
          users.count,
          users.starts,
          users.middles,
          users.ends,
          users.indices,
          x,
          r,
          q,
          previous,
        );
        const expected = started(f, column, width);
        expect(worst(read(x, n), expected.x)).toBe(0);
        expect(worst(tailOf(read(r, n), core), tailOf(expected.r, core))).toBe(0);
        const direction = new Float64Array(LANES * n);
        const before = new Float64Array(LANES);
        for (let step = 0; step < 4; step++) {
          exports.stepColumns(
            n,
            core,
            column,
            width,
            step === 0 ? 1 : 0,
            1,
            0,
            users.count,
            users.middles,
            users.ends,
            users.indices,
            itemStarts,
            buyers,
            segments[0],
            segments[1],
            segments[2],
            segments[3],
            M.address,
            weights,
            LAMBDA,
            TOLERANCE,
            x,
            r,
            q,
            w,
            previous,
            work,
            over,
          );
          const y = M.times(expected.r);
          const rho = new Float64Array(LANES);
          for (let at = LANES * core; at < LANES * n; at++) rho[at % LANES] += expected.r[at] * y[at];
          for (let at = LANES * core; at < LANES * n; at++)
            direction[at] =
              y[at] + (before[at % LANES] > 0 ? (rho[at % LANES] / before[at % LANES]) * direction[at] : 0);
          const image = times(f, core, direction);
          const curvature = new Float64Array(LANES);
          for (let at = LANES * core; at < LANES * n; at++) curvature[at % LANES] += direction[at] * image[at];
          for (let at = LANES * core; at < LANES * n; at++) {
            const lane = at % LANES;
            const alpha = curvature[lane] > 0 ? rho[lane] / curvature[lane] : 0;
            expected.x[at] += alpha * direction[at];
            expected.r[at] -= alpha * image[at];
          }
          before.set(rho);
          expect(worst(read(x, n), expected.x), `x after step ${step}, column ${column}`).toBeLessThan(ROUNDING);
          expect(
            worst(tailOf(read(r, n), core), tailOf(expected.r, core)),
            `r after step ${step}, column ${column}`,
          ).toBeLessThan(ROUNDING);
          const largest = residuals(f, column, width, expected);
          const rowsOver = (limit: number) => largest.filter((value) => value > limit).length;
          expect(memory.u32(over, 1)[0], `rows over after step ${step}, column ${column}`).toBeGreaterThanOrEqual(
            rowsOver(1.001 * TOLERANCE),
          );
          expect(memory.u32(over, 1)[0]).toBeLessThanOrEqual(rowsOver(0.999 * TOLERANCE));
        }
        exports.relaxColumns(n, core, M.address, r, x, work);
        const relaxed = M.times(expected.r);
        expect(
          worst(
            read(x, n),
            expected.x.map((value, at) => value + relaxed[at]),
          ),
        ).toBeLessThan(ROUNDING);
      }
    }),
);

test.each(shapes)(
  'relaxRows leaves no row over the tolerance, and r is what x leaves: core %i, tail %i',
  (core, tail) =>
    held(() => {
      const f = fixture(core, tail);
      const { n, users, itemStarts, buyers, weights, work } = f;
      for (const [column, width] of blocksOf(n, core)) {
        const [x, r, q] = [lines(n), lines(n), lines(n)];
        exports.startColumns(
          n,
          core,
          column,
          width,
          users.count,
          users.starts,
          users.middles,
          users.ends,
          users.indices,
          x,
          r,
          q,
          memory.allocate(8 * LANES),
        );
        // a first guess, so that no x_jj is 0
        const { x: guess, r: b } = started(f, column, width);
        for (let lane = 0; lane < width; lane++)
          if (column >= core) guess[LANES * (column + lane) + lane] = 0.5 / f.a[(column + lane) * (n + 1)];
        memory.f32(x, LANES * n).set(guess);
        const image = times(f, core, guess);
        memory.f32(r, LANES * n).set(b.map((value, at) => value - image[at]));
        const relax = (tolerance: number) =>
          exports.relaxRows(
            n,
            core,
            column,
            width,
            users.middles,
            users.ends,
            users.indices,
            itemStarts,
            buyers,
            weights,
            LAMBDA,
            tolerance,
            x,
            r,
            work,
          );
        const before = read(x, n);
        const start = Math.max(0, ...residuals(f, column, width, { x: before, r: read(r, n) }));
        relax(1.01 * start);
        expect(read(x, n)).toEqual(before);
        for (const tolerance of [start / 4, 1e-4]) {
          relax(tolerance);
          const found = { x: read(x, n), r: read(r, n) };
          expect(Math.max(0, ...residuals(f, column, width, found))).toBeLessThanOrEqual(1.0001 * tolerance);
          const left = times(f, core, found.x);
          expect(
            worst(
              tailOf(found.r, core),
              tailOf(b, core).map((value, at) => value - left[LANES * core + at]),
            ),
          ).toBeLessThan(ROUNDING);
        }
        // x_P stays as it was
        if (column < core) expect(read(x, core)).toEqual(before.subarray(0, LANES * core));
      }
    }),
);

test('a step through users of several chunks', () =>
  held(() => {
    const f = fixture(CORE, 40, 70_000);
    const { n, core, users, transposed, weights, work } = f;
    const M = groupsOf(f);
    const parts = segmentsOf(transposed, core);
    const [segmentStarts, segmentItems, segmentEnds, chunkUsers] = parts;
    expect([...segmentStarts]).toEqual([0, 40, 80, 120]);
    // chunk by chunk and item by item, all users of it
    const found: number[][] = [];
    for (let k = 0, from = 0; k < segmentItems.length; from = segmentEnds[k++])
      for (let at = from; at < segmentEnds[k]; at++)
        found.push([segmentItems[k], 32_768 * Math.floor(k / 40) + chunkUsers[at]]);
    const all: number[][] = [];
    for (let i = core; i < n; i++)
      for (let e = transposed.indptr[i]; e < transposed.indptr[i + 1]; e++) all.push([i, transposed.indices[e]]);
    expect(found.sort(([i, u], [j, v]) => i - j || u - v)).toEqual(all);
    const segments = parts.map((part) => memory.put(part));
    const [x, r, q, w] = [lines(n), lines(n), lines(n), lines(n)];
    const previous = memory.allocate(8 * LANES);
    exports.startColumns(
      n,
      core,
      0,
      LANES,
      users.count,
      users.starts,
      users.middles,
      users.ends,
      users.indices,
      x,
      r,
      q,
      previous,
    );
    exports.stepColumns(
      n,
      core,
      0,
      LANES,
      1,
      1,
      0,
      users.count,
      users.middles,
      users.ends,
      users.indices,
      0,
      0,
      segments[0],
      segments[1],
      segments[2],
      segments[3],
      M.address,
      weights,
      LAMBDA,
      TOLERANCE,
      x,
      r,
      q,
      w,
      previous,
      work,
      memory.allocate(8),
    );
    // w is A q, q being M⁻¹ r
    const direction = M.times(started(f, 0, LANES).r);
    expect(worst(tailOf(read(q, n), core), tailOf(direction, core))).toBeLessThan(ROUNDING);
    expect(worst(tailOf(read(w, n), core), tailOf(times(f, core, direction), core))).toBeLessThan(ROUNDING);
  }));

test.each(shapes)(
  'storeCore, schurColumns, coupleColumns and addCore are the products with Y and C_PP: core %i, tail %i',
  (core, tail) =>
    held(() => {
      const f = fixture(core, tail);
      const { n, users, work } = f;
      const rows = SLAB * Math.ceil(tail / SLAB);
      const coupling = memory.allocateZeroed(4 * core * rows);
      const schur = memory.allocate(4 * core * core);
      const w = lines(n);
      // Y of the core's columns, any
      const Y = new Float64Array(tail * core);
      for (let column = 0; column < core; column += LANES) {
        const values = randoms(LANES * n, column + 1);
        for (let i = 0; i < core; i++)
          for (let lane = 0; lane < LANES; lane++) values[LANES * i + lane] = i === column + lane ? 1 : 0;
        for (let t = 0; t < tail; t++)
          for (let lane = 0; lane < LANES; lane++) Y[t * core + column + lane] = values[LANES * (core + t) + lane];
        exports.storeCore(n, core, column, LANES, memory.put(values), coupling);
      }
      for (let column = 0; column < core; column += LANES)
        exports.schurColumns(
          n,
          core,
          column,
          LANES,
          users.count,
          users.starts,
          users.ends,
          users.indices,
          LAMBDA,
          coupling,
          lines(n),
          w,
          schur,
        );
      // S = A_PP + A_PT Y + Yᵀ (A_TP + A_TT Y), symmetric
      const rest = new Float64Array(tail * core);
      for (let t = 0; t < tail; t++) {
        for (let j = 0; j < core; j++) {
          rest[t * core + j] = f.a[(core + t) * n + j];
          for (let s = 0; s < tail; s++) rest[t * core + j] += f.a[(core + t) * n + core + s] * Y[s * core + j];
        }
      }
      const expectedSchur = new Float64Array(core * core);
      for (let j = 0; j < core; j++) {
        for (let i = 0; i < core; i++) {
          let sum = f.a[i * n + j];
          for (let t = 0; t < tail; t++)
            sum += f.a[i * n + core + t] * Y[t * core + j] + Y[t * core + i] * rest[t * core + j];
          expectedSchur[j * core + i] = sum;
        }
      }
      expect(worst(memory.f32(schur, core * core), expectedSchur)).toBeLessThan(ROUNDING);
      const slabs = memory.f32(coupling, core * rows).slice();
      for (let t = 0; t < rows; t++) {
        for (let k = 0; k < core; k++) {
          const depth = Math.min(DEPTH, core - DEPTH * Math.floor(k / DEPTH));
          const at =
            SLAB * (core * Math.floor(t / SLAB) + DEPTH * Math.floor(k / DEPTH)) +
            4 * depth * Math.floor((t % SLAB) / 4) +
            4 * (k % DEPTH) +
            (t % 4);
          expect(slabs[at]).toBe(t < tail ? Y[t * core + k] : 0);
        }
      }

      const C = randoms(core * core, 5);
      for (let i = 0; i < core; i++) for (let j = 0; j < i; j++) C[i * core + j] = C[j * core + i];
      const inverse = memory.put(inPanels(C, core, core));
      const blocks = blocksOf(n, core);
      const stride = 4 * LANES * (n + LANES);
      const xs = memory.allocate(stride * blocks.length);
      const packed = memory.allocate(4 * LANES * core * blocks.length);
      const expected = blocks.map(([column, width], b) => {
        const before = randoms(LANES * (n + LANES), 50 + b);
        memory.f32(xs + b * stride, LANES * (n + LANES)).set(before);
        exports.coupleColumns(
          n,
          core,
          column,
          width,
          inverse,
          coupling,
          xs + b * stride,
          packed + 4 * LANES * core * b,
          work,
        );
        const out = new Float64Array(LANES * n);
        for (let lane = 0; lane < width; lane++) {
          for (let i = 0; i < core; i++) {
            if (column < core) out[LANES * i + lane] = C[i * core + column + lane];
            else
              for (let k = 0; k < core; k++)
                out[LANES * i + lane] += C[i * core + k] * Y[(column + lane - core) * core + k];
          }
        }
        if (column >= core) for (let at = LANES * core; at < LANES * n; at++) out[at] = before[at];
        expect(worst(read(xs + b * stride, n), out), `x_P, column ${column}`).toBeLessThan(ROUNDING);
        const found = memory.f32(packed + 4 * LANES * core * b, LANES * core);
        for (let k = 0; k < core; k++) {
          const block = DEPTH * Math.floor(k / DEPTH);
          const depth = Math.min(DEPTH, core - block);
          for (let lane = 0; lane < LANES; lane++)
            expect(found[LANES * block + 8 * depth * Math.floor(lane / 8) + 8 * (k - block) + (lane % 8)]).toBe(
              memory.f32(xs + b * stride, LANES * core)[LANES * k + lane],
            );
        }
        for (let t = 0; t < tail; t++)
          for (let k = 0; k < core; k++)
            for (let lane = 0; lane < LANES; lane++)
              out[LANES * (core + t) + lane] += Y[t * core + k] * out[LANES * k + lane];
        return out;
      });
      // two tasks where there are rows for them
      const edge = memory.allocate(128);
      const half = Math.min(tail, SLAB);
      for (const [from, to] of [
        [0, half],
        [half, tail],
      ]) {
        exports.addCore(from, to, core, blocks.length, coupling, packed, xs, stride, edge);
      }
      for (const [b, out] of expected.entries())
        expect(worst(read(xs + b * stride, n), out), `x_T, block ${b}`).toBeLessThan(ROUNDING);
    }),
);

test.each(shapes)('columnResidual is that of A x − e: core %i, tail %i', (core, tail) =>
  held(() => {
    const f = fixture(core, tail);
    const { n, users, weights, work } = f;
    const residual = memory.allocate(4);
    for (const [column, width] of blocksOf(n, core)) {
      const x = randoms(LANES * (n + LANES), column + 3);
      exports.columnResidual(
        n,
        column,
        width,
        users.count,
        users.starts,
        users.ends,
        users.indices,
        weights,
        LAMBDA,
        memory.put(x),
        lines(n),
        work,
        residual,
      );
      const image = times(f, 0, x);
      let most = 0;
      for (let lane = 0; lane < width; lane++)
        for (let i = 0; i < n; i++)
          most = Math.max(
            most,
            Math.abs(
              (image[LANES * i + lane] - (i === column + lane ? 1 : 0)) /
                f.a[i * (n + 1)] /
                x[LANES * (column + lane) + lane],
            ),
          );
      expect(Math.abs(memory.f32(residual, 1)[0] / most - 1)).toBeLessThan(ROUNDING);
    }
  }),
);
