// Inverse of one symmetric positive definite block by its Cholesky factor A = L · Lᵀ, A⁻¹ = L⁻ᵀ · L⁻¹. It inverts the
// diagonal blocks of the sweep (sweep.ts), whose rounding affects every entry: f64 inside, f32 for input and output.
// Dot products run over four interleaved partial sums, updates in ascending index: the order is fixed by n alone.

import { cellAt, f64At, setF64 } from '../core/arrays';

/** Bytes of workspace that `choleskyInverse` needs for n rows: an (n × n) matrix and one row of f64. */
export function choleskyWorkspaceBytes(n: i32): usize {
  return (<usize>n * (<usize>n + 1)) << 3;
}

// @ts-ignore: decorator
@inline
function row(base: usize, n: i32, i: i32): usize {
  return base + ((<usize>i * <usize>n) << 3);
}

/**
 * Replaces A by A⁻¹, symmetric to the bit.
 * @param n rows
 * @param a n × n × f32; only the lower triangle is read, all is written
 * @param work choleskyWorkspaceBytes(n)
 * @returns 0, or 1 + the row of the first pivot that is not positive (or not a number); `a` is then unchanged
 */
export function choleskyInverse(n: i32, a: usize, work: usize): i32 {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) setF64(row(work, n, i), j, <f64>load<f32>(cellAt(a, n, i, j)));
  }
  const failed = factor(n, work);
  if (failed != 0) return failed;
  const scratch = row(work, n, n);
  invertFactor(n, work, scratch);
  multiplyFactors(n, work, scratch);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const x = <f32>f64At(row(work, n, i), j);
      store<f32>(cellAt(a, n, i, j), x);
      store<f32>(cellAt(a, n, j, i), x);
    }
  }
  return 0;
}

/** A's lower triangle becomes L, row by row: L_ij = (A_ij − Σ_{k<j} L_ik L_jk) / L_jj. */
function factor(n: i32, l: usize): i32 {
  for (let i = 0; i < n; i++) {
    const rowI = row(l, n, i);
    for (let j = 0; j < i; j++) {
      const rowJ = row(l, n, j);
      const end = (<usize>j) << 3;
      store<f64>(rowI + end, (load<f64>(rowI + end) - dot(rowI, rowJ, j)) / load<f64>(rowJ + end));
    }
    const end = (<usize>i) << 3;
    const pivot = load<f64>(rowI + end) - dot(rowI, rowI, i);
    if (!(pivot > 0)) return i + 1;
    store<f64>(rowI + end, Math.sqrt(pivot));
  }
  return 0;
}

/** L becomes M = L⁻¹, row by row: M_i· = (e_i − Σ_{k<i} L_ik M_k·) / L_ii. scratch: n f64. */
function invertFactor(n: i32, l: usize, scratch: usize): void {
  for (let i = 0; i < n; i++) {
    const rowI = row(l, n, i);
    const bytes = (<usize>i) << 3;
    memory.copy(scratch, rowI, bytes);
    memory.fill(rowI, 0, bytes);
    const inverse: f64 = 1.0 / load<f64>(rowI + bytes);
    for (let k = 0; k < i; k++) addScaledRow(rowI, row(l, n, k), -f64At(scratch, k) * inverse, k + 1);
    store<f64>(rowI + bytes, inverse);
  }
}

/**
 * M becomes the lower triangle of MᵀM: row i, j ≤ i, is Σ_{k≥i} M_ki M_k·, and no later row needs M_i·. scratch: n f64.
 */
function multiplyFactors(n: i32, m: usize, scratch: usize): void {
  for (let i = 0; i < n; i++) {
    const bytes = (<usize>(i + 1)) << 3;
    memory.fill(scratch, 0, bytes);
    for (let k = i; k < n; k++) addScaledRow(scratch, row(m, n, k), f64At(row(m, n, k), i), i + 1);
    memory.copy(row(m, n, i), scratch, bytes);
  }
}

function dot(x: usize, y: usize, n: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(x), v128.load(y)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(x, 16), v128.load(y, 16)));
    x += 32;
    y += 32;
  }
  s0 = f64x2.add(s0, s1);
  let sum = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
  for (; i < n; i++) {
    sum += load<f64>(x) * load<f64>(y);
    x += 8;
    y += 8;
  }
  return sum;
}

/** out += scale · x, n long. */
function addScaledRow(out: usize, x: usize, scale: f64, n: i32): void {
  const s = f64x2.splat(scale);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(out, f64x2.add(v128.load(out), f64x2.mul(s, v128.load(x))));
    v128.store(out, f64x2.add(v128.load(out, 16), f64x2.mul(s, v128.load(x, 16))), 16);
    out += 32;
    x += 32;
  }
  for (; i < n; i++) {
    store<f64>(out, load<f64>(out) + scale * load<f64>(x));
    out += 8;
    x += 8;
  }
}
