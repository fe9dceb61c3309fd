// Dense vectors of d f32, d a multiple of 4.

import { bytesOf, f32At, i32At, setF32 } from './arrays';
import { madd } from './madd';

/** Sum of the four lanes: (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(a: v128): f32 {
  const b = f32x4.add(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return f32x4.extract_lane(b, 0) + f32x4.extract_lane(b, 1);
}

/** The sums of the lanes of four vectors, each in the order of sumLanes. */
// @ts-ignore: decorator
@inline
export function sumLanes4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** a · b over `bytes` bytes. Each block of 16 lanes feeds four accumulators in order; the rest goes to the first. */
// @ts-ignore: decorator
@inline
export function dot(a: usize, b: usize, bytes: usize): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const wide = bytes & ~63;
  let c: usize = 0;
  for (; c < wide; c += 64) {
    s0 = madd(s0, v128.load(a + c), v128.load(b + c));
    s1 = madd(s1, v128.load(a + c, 16), v128.load(b + c, 16));
    s2 = madd(s2, v128.load(a + c, 32), v128.load(b + c, 32));
    s3 = madd(s3, v128.load(a + c, 48), v128.load(b + c, 48));
  }
  for (; c < bytes; c += 16) s0 = madd(s0, v128.load(a + c), v128.load(b + c));
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** y += a x over `bytes` bytes. */
// @ts-ignore: decorator
@inline
export function addScaled(y: usize, a: f32, x: usize, bytes: usize): void {
  const s = f32x4.splat(a);
  for (let c: usize = 0; c < bytes; c += 16) v128.store(y + c, madd(v128.load(y + c), s, v128.load(x + c)));
}

/** y += x over n elements (n a multiple of 4). */
export function addInto(n: i32, x: usize, y: usize): void {
  const end = bytesOf(n);
  for (let c: usize = 0; c < end; c += 16) v128.store(y + c, f32x4.add(v128.load(y + c), v128.load(x + c)));
}

/**
 * out[r] = x[r] / |x[r]| and norms[r] = |x[r]|; a zero row stays zero with norm 0. x and out: (rows × d), may be the
 * same.
 */
export function unitRows(rows: i32, d: i32, x: usize, out: usize, norms: usize): void {
  const bytes = bytesOf(d);
  for (let r = 0; r < rows; r++) {
    const norm = sqrt<f32>(dot(x, x, bytes));
    setF32(norms, r, norm);
    const scale = f32x4.splat(norm > 0 ? <f32>1 / norm : <f32>0);
    for (let c: usize = 0; c < bytes; c += 16) v128.store(out + c, f32x4.mul(v128.load(x + c), scale));
    x += bytes;
    out += bytes;
  }
}

/**
 * The gradient back through unitRows: dx += (dout − (dout · out) out) / norm, zero where the norm is 0. All (rows × d).
 */
export function unitRowsBackward(rows: i32, d: i32, out: usize, norms: usize, dout: usize, dx: usize): void {
  const bytes = bytesOf(d);
  for (let r = 0; r < rows; r++) {
    const norm = f32At(norms, r);
    if (norm > 0) {
      const scale = <f32>1 / norm;
      addScaled(dx, scale, dout, bytes);
      addScaled(dx, -dot(dout, out, bytes) * scale, out, bytes);
    }
    out += bytes;
    dout += bytes;
    dx += bytes;
  }
}

/** out[b] += table[rows[b]] for b in [0, count); rows (count i32), out (count × d). */
export function addRows(count: i32, rows: usize, d: i32, table: usize, out: usize): void {
  const bytes = bytesOf(d);
  for (let b = 0; b < count; b++) {
    addInto(d, table + <usize>i32At(rows, b) * bytes, out);
    out += bytes;
  }
}

/** x = 0 over n elements. */
export function clear(n: i32, x: usize): void {
  memory.fill(x, 0, bytesOf(n));
}
