// Rows of matrices with leading dimensions: gathered, multiplied elementwise, weighed, summed. Leading dimensions are in
// elements; 0 takes the same row each time. f32, rows in ascending order; dot products as `dot` (vector.ts), unless said.

import { at32, bytesOf, cellAt, f32At, i32At, setF32 } from '../core/arrays';
import { madd } from '../core/madd';
import { exp } from '../core/math';
import { addScaled, dot } from '../core/vector';

/**
 * Row b of `out` becomes row rows[b] of a table.
 * @param count rows to copy
 * @param rows count × i32
 * @param d columns
 * @param table rows of d × f32
 * @param out count × d × f32, ld elements apart
 */
export function takeRows(count: i32, rows: usize, d: i32, table: usize, out: usize, ld: i32): void {
  for (let b = 0; b < count; b++) memory.copy(cellAt(out, ld, b, 0), cellAt(table, d, i32At(rows, b), 0), bytesOf(d));
}

/**
 * out ← a ⊙ b, or out += a ⊙ b.
 * @param rows rows of each
 * @param n columns, a multiple of 4
 * @param add whether to add
 */
export function multiplyRows(
  rows: i32,
  n: i32,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  out: usize,
  ldo: i32,
  add: bool,
): void {
  const bytes = bytesOf(n);
  for (let r = 0; r < rows; r++) {
    for (let c: usize = 0; c < bytes; c += 16) {
      const x = v128.load(a + c);
      const y = v128.load(b + c);
      v128.store(out + c, add ? madd(v128.load(out + c), x, y) : f32x4.mul(x, y));
    }
    a += bytesOf(lda);
    b += bytesOf(ldb);
    out += bytesOf(ldo);
  }
}

/**
 * y_r += a_r · x_r for every row r.
 * @param rows rows
 * @param n columns, a multiple of 4
 * @param a rows × f32, lda elements apart
 * @param x rows × n × f32
 * @param y rows × n × f32
 */
export function addWeighedRows(rows: i32, n: i32, a: usize, lda: i32, x: usize, y: usize): void {
  const bytes = bytesOf(n);
  for (let r = 0; r < rows; r++) {
    addScaled(y, load<f32>(a), x, bytes);
    a += bytesOf(lda);
    x += bytes;
    y += bytes;
  }
}

/**
 * out_r += x_r · y_r for every row r.
 * @param rows rows
 * @param n columns, a multiple of 4
 * @param x, y rows × n × f32
 * @param out rows × f32, ldo elements apart
 */
export function addRowDots(rows: i32, n: i32, x: usize, y: usize, out: usize, ldo: i32): void {
  const bytes = bytesOf(n);
  for (let r = 0; r < rows; r++) {
    store<f32>(out, load<f32>(out) + dot(x, y, bytes));
    x += bytes;
    y += bytes;
    out += bytesOf(ldo);
  }
}

/**
 * Softmax of each row, in place, shifted by its maximum; f64 inside, columns in ascending order.
 * @param rows rows
 * @param n columns, at least 1
 * @param x rows × n × f32
 */
export function softmaxRows(rows: i32, n: i32, x: usize): void {
  for (let r = 0; r < rows; r++) {
    let highest = f32At(x, 0);
    for (let c = 1; c < n; c++) highest = max<f32>(highest, f32At(x, c));
    let sum: f64 = 0;
    for (let c = 0; c < n; c++) sum += exp(<f64>(f32At(x, c) - highest));
    for (let c = 0; c < n; c++) setF32(x, c, <f32>(exp(<f64>(f32At(x, c) - highest)) / sum));
    x += bytesOf(n);
  }
}

/**
 * Back through `softmaxRows`: dy ← y ⊙ (dy − Σ_c y_c dy_c), the sum in f64.
 * @param rows rows
 * @param n columns
 * @param y rows × n × f32, what `softmaxRows` left
 * @param dy rows × n × f32
 */
export function softmaxRowsBackward(rows: i32, n: i32, y: usize, dy: usize): void {
  for (let r = 0; r < rows; r++) {
    let mean: f64 = 0;
    for (let c = 0; c < n; c++) mean += <f64>f32At(y, c) * <f64>f32At(dy, c);
    for (let c = 0; c < n; c++) setF32(dy, c, <f32>(<f64>f32At(y, c) * (<f64>f32At(dy, c) - mean)));
    y += bytesOf(n);
    dy += bytesOf(n);
  }
}

/**
 * y += a x, where a is a number in memory: cross-stitch units.
 * @param n elements, a multiple of 4
 * @param a f32
 */
export function addTimes(n: i32, a: usize, x: usize, y: usize): void {
  addScaled(y, load<f32>(a), x, bytesOf(n));
}

/**
 * out += Σ x ⊙ y, summed in f64, two lanes of even and odd elements.
 * @param n elements, a multiple of 4
 * @param out f32
 */
export function addProduct(n: i32, x: usize, y: usize, out: usize): void {
  const bytes = bytesOf(n);
  let sum = f64x2.splat(0);
  for (let c: usize = 0; c < bytes; c += 8) {
    const a = f64x2.promote_low_f32x4(v128.load64_zero(x + c));
    sum = f64x2.add(sum, f64x2.mul(a, f64x2.promote_low_f32x4(v128.load64_zero(y + c))));
  }
  store<f32>(out, <f32>(<f64>load<f32>(out) + f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
}

/**
 * Partitioned normalisation (Sheng et al., 2021): out = (x − μ) / √(v + ε) by columns, μ and v (biased) being those of
 * these rows; two passes in f64, rows in order.
 * @param rows rows, at least 1
 * @param n columns, a multiple of 2
 * @param x rows × n × f32
 * @param epsilon ε
 * @param out rows × n × f32
 * @param moments 2n × f32, becomes μ and then v
 */
export function normaliseColumns(rows: i32, n: i32, x: usize, epsilon: f64, out: usize, moments: usize): void {
  const stride = bytesOf(n);
  for (let c = 0; c < n; c += 2) {
    const first = at32(x, c);
    const last = first + <usize>rows * stride;
    let sum = f64x2.splat(0);
    for (let at = first; at < last; at += stride) sum = f64x2.add(sum, f64x2.promote_low_f32x4(v128.load64_zero(at)));
    const mean = f64x2.div(sum, f64x2.splat(<f64>rows));
    let squares = f64x2.splat(0);
    for (let at = first; at < last; at += stride) {
      const d = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at)), mean);
      squares = f64x2.add(squares, f64x2.mul(d, d));
    }
    const variance = f64x2.div(squares, f64x2.splat(<f64>rows));
    const inverse = f64x2.div(f64x2.splat(1), f64x2.sqrt(f64x2.add(variance, f64x2.splat(epsilon))));
    v128.store64_lane(at32(moments, c), f32x4.demote_f64x2_zero(mean), 0);
    v128.store64_lane(at32(moments, n + c), f32x4.demote_f64x2_zero(variance), 0);
    let to = at32(out, c);
    for (let at = first; at < last; at += stride) {
      const d = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at)), mean);
      v128.store64_lane(to, f32x4.demote_f64x2_zero(f64x2.mul(d, inverse)), 0);
      to += stride;
    }
  }
}

/**
 * Back through `normaliseColumns`: dx += (n dy − Σ dy − y ⊙ Σ (dy ⊙ y)) / (n √(v + ε)), sums in f64, rows in order.
 * @param y what it left
 * @param moments what it left
 * @param epsilon ε
 */
export function normaliseColumnsBackward(
  rows: i32,
  n: i32,
  y: usize,
  moments: usize,
  epsilon: f64,
  dy: usize,
  dx: usize,
): void {
  for (let c = 0; c < n; c++) {
    let sum: f64 = 0;
    let product: f64 = 0;
    for (let r = 0; r < rows; r++) {
      const g = <f64>load<f32>(cellAt(dy, n, r, c));
      sum += g;
      product += g * <f64>load<f32>(cellAt(y, n, r, c));
    }
    const scale = 1 / (<f64>rows * sqrt<f64>(<f64>f32At(moments, n + c) + epsilon));
    for (let r = 0; r < rows; r++) {
      const cell = cellAt(dx, n, r, c);
      const g = <f64>rows * <f64>load<f32>(cellAt(dy, n, r, c)) - sum - <f64>load<f32>(cellAt(y, n, r, c)) * product;
      store<f32>(cell, load<f32>(cell) + <f32>(g * scale));
    }
  }
}

/** out = (x − μ) / √(v + ε) by columns, with moments from elsewhere; else as `normaliseColumns`. */
export function normaliseBy(rows: i32, n: i32, x: usize, moments: usize, epsilon: f64, out: usize): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < n; c++) {
      const d = <f64>f32At(x, c) - <f64>f32At(moments, c);
      setF32(out, c, <f32>(d / sqrt<f64>(<f64>f32At(moments, n + c) + epsilon)));
    }
    x += bytesOf(n);
    out += bytesOf(n);
  }
}

/**
 * Running moments of a market: the first ones as they are, then 0.99 of the old and 0.01 of the new.
 * @param n columns
 * @param moments 2n × f32
 * @param running (2n + 1) × f32, zero at the start; the last becomes 1
 */
export function blendMoments(n: i32, moments: usize, running: usize): void {
  const share: f32 = f32At(running, 2 * n) == 0 ? 1 : 0.01;
  for (let c = 0; c < 2 * n; c++) setF32(running, c, (<f32>1 - share) * f32At(running, c) + share * f32At(moments, c));
  setF32(running, 2 * n, 1);
}
