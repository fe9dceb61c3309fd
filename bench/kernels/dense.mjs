// Dense algebra: products, the inverse of G + λI, and reading the similarity off it.
import { randoms } from '../harness/splitmix64.mjs';

const TILE = 256;

export function* dense(c) {
  for (const n of [256, 512, 1024]) {
    yield () => gemm(c, 'gemmNN', n, plainNN);
    yield () => gemm(c, 'gemmNT', n, plainNT);
    yield () => gemm(c, 'gemmTN', n, plainTN);
  }
  yield () => inverseOfBlock(c, TILE);
  yield () => inverseBySweep(c, 1024);
  yield () => similarity(c, 1024);
}

function gemm({ exports, bench }, name, n, plain) {
  const a = bench.put(randoms(n * n, 1));
  const b = bench.put(randoms(n * n, 2));
  const out = bench.f32(n * n);
  const workspace = bench.scratch(exports.gemmWorkspaceBytes());
  return {
    kernels: [name],
    size: `${n} × ${n} × ${n}`,
    work: 2 * n ** 3,
    unit: 'GFLOP/s',
    outputs: [out],
    reset: [out],
    wasm: () => exports[name](n, n, n, 1, a.at, n, b.at, n, out.at, n, workspace),
    // above 512 a naive product waits for memory alone
    js: n > 512 ? undefined : () => plain(n, a.js, b.js, out.js),
  };
}

function plainNN(n, a, b, c) {
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < n; p++) {
      const x = a[i * n + p];
      for (let j = 0; j < n; j++) c[i * n + j] += x * b[p * n + j];
    }
  }
}

function plainNT(n, a, b, c) {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < n; p++) sum += a[i * n + p] * b[j * n + p];
      c[i * n + j] += sum;
    }
  }
}

function plainTN(n, a, b, c) {
  for (let p = 0; p < n; p++) {
    for (let i = 0; i < n; i++) {
      const x = a[p * n + i];
      for (let j = 0; j < n; j++) c[i * n + j] += x * b[p * n + j];
    }
  }
}

/** A symmetric positive definite (n × n) matrix like G + λI: RᵀR / n + I. */
function positiveDefinite(n) {
  const r = randoms(n * n, 3);
  const a = new Float32Array(n * n);
  plainTN(n, r, r, a);
  for (let i = 0; i < n * n; i++) a[i] /= n;
  for (let i = 0; i < n; i++) a[i * n + i] += 1;
  return a;
}

function inverseOfBlock({ exports, bench }, n) {
  const a = bench.put(positiveDefinite(n));
  const work = bench.scratch(exports.choleskyWorkspaceBytes(n));
  return {
    kernels: ['choleskyInverse'],
    size: `n = ${n}`,
    work: n ** 3,
    unit: 'GFLOP/s',
    outputs: [a],
    reset: [a],
    wasm: () => exports.choleskyInverse(n, a.at, work),
    js: () => plainInverse(n, a.js),
  };
}

/** A becomes A⁻¹ by its Cholesky factor, f64 inside. */
function plainInverse(n, a) {
  const l = Float64Array.from(a);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = l[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j];
    }
  }
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const inverse = 1 / l[i * n + i];
    row.set(l.subarray(i * n, i * n + i));
    l.fill(0, i * n, i * n + i);
    for (let k = 0; k < i; k++) {
      const scale = -row[k] * inverse;
      for (let j = 0; j <= k; j++) l[i * n + j] += scale * l[k * n + j];
    }
    l[i * n + i] = inverse;
  }
  for (let i = 0; i < n; i++) {
    row.fill(0);
    for (let k = i; k < n; k++) {
      const scale = l[k * n + i];
      for (let j = 0; j <= i; j++) row[j] += scale * l[k * n + j];
    }
    for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = row[j];
  }
}

const tileAt = (i, j) => ((i * (i + 1)) / 2 + j) * TILE * TILE;

function toTiles(n, a) {
  const count = n / TILE;
  const tiles = new Float32Array(tileAt(count, 0));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < (Math.floor(i / TILE) + 1) * TILE; j++)
      tiles[tileAt(Math.floor(i / TILE), Math.floor(j / TILE)) + (i % TILE) * TILE + (j % TILE)] = a[i * n + j];
  }
  return tiles;
}

function fromTiles(n, tiles) {
  const a = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++)
      a[i * n + j] = a[j * n + i] =
        tiles[tileAt(Math.floor(i / TILE), Math.floor(j / TILE)) + (i % TILE) * TILE + (j % TILE)];
  }
  return a;
}

/** The whole sweep over tiles at `tiles`, which become those of −A⁻¹. */
function sweeper({ exports, bench }, n) {
  const count = n / TILE;
  const work = bench.scratch(exports.choleskyWorkspaceBytes(TILE));
  const slots = bench.scratch(count * exports.sweepSlotBytes(TILE));
  const pivot = bench.scratch(exports.sweepSlotBytes(TILE));
  const failed = bench.scratch(4);
  const scratch = bench.scratch(exports.gemmWorkspaceBytes());
  return (tiles) => {
    for (let k = 0; k < count; k++) {
      exports.sweepPivot(tiles, TILE, k, pivot, work, failed);
      for (let i = 0; i < count; i++) if (i !== k) exports.sweepPanel(tiles, TILE, k, i, pivot, slots, scratch);
      for (let i = 0; i < count; i++) if (i !== k) exports.sweepUpdate(tiles, TILE, k, i, 0, i + 1, slots, scratch);
    }
    exports.sweepFinish(tiles, TILE, count);
  };
}

function inverseBySweep(c, n) {
  const { bench } = c;
  const a = positiveDefinite(n);
  const tiles = bench.put(toTiles(n, a));
  const dense = bench.put(a);
  const sweep = sweeper(c, n);
  return {
    kernels: ['sweepPivot', 'sweepPanel', 'sweepUpdate', 'sweepFinish'],
    size: `n = ${n}, tiles of ${TILE}`,
    work: n ** 3,
    unit: 'GFLOP/s',
    note: 'plain: Cholesky, f64 inside',
    reset: [tiles, dense],
    found: () => fromTiles(n, bench.view(tiles)).map((x) => -x),
    expected: () => dense.js,
    wasm: () => sweep(tiles.at),
    js: () => plainInverse(n, dense.js),
  };
}

function similarity(c, n) {
  const { exports, bench } = c;
  const epsilon = 0.01;
  const tiles = bench.put(toTiles(n, positiveDefinite(n)));
  sweeper(c, n)(tiles.at);
  const swept = fromTiles(n, bench.view(tiles));
  const count = n / TILE;
  const diagonal = bench.f32(n);
  const cursors = bench.i32(TILE);
  const indices = bench.i32(n * n);
  const values = bench.f32(n * n);
  return {
    kernels: ['inverseDiagonal', 'countSimilar', 'fillSimilar'],
    size: `n = ${n}, ε = ${epsilon}`,
    work: n * n,
    unit: 'M entries/s',
    outputs: [indices, values],
    wasm() {
      exports.inverseDiagonal(tiles.at, TILE, n, diagonal.at);
      let at = 0;
      for (let block = 0; block < count; block++) {
        exports.countSimilar(tiles.at, TILE, n, block, diagonal.at, epsilon, cursors.at);
        const starts = bench.view(cursors);
        for (let r = 0; r < TILE; r++) {
          const length = starts[r];
          starts[r] = at;
          at += length;
        }
        exports.fillSimilar(tiles.at, TILE, n, block, diagonal.at, epsilon, cursors.at, indices.at, values.at);
      }
      return at;
    },
    js() {
      const bound = Math.fround(epsilon);
      const c = diagonal.js;
      const columns = indices.js;
      const kept = values.js;
      for (let i = 0; i < n; i++) c[i] = -swept[i * n + i];
      let at = 0;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const value = Math.fround(swept[i * n + j] / c[j]);
          if (i === j || value < bound) continue;
          columns[at] = j;
          kept[at++] = value;
        }
      }
      return at;
    },
  };
}
