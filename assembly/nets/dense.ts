// The parts of a dense layer y = act(x W + b) that are no matrix product (gemm.ts), forward and back. f32; column sums
// add rows in ascending order.

import { bytesOf, setF32 } from '../core/arrays';
import { exp4 } from '../core/math';

/** Activations, by number. */
const RELU: i32 = 1;
const TANH: i32 = 2;

/** 1 − 2 / (e^2x + 1); absolute error below 3e-7. */
// @ts-ignore: decorator
@inline
function tanh4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(exp4(f32x4.add(x, x)), one)));
}

// @ts-ignore: decorator
@inline
function activated(kind: i32, x: v128): v128 {
  if (kind == RELU) return f32x4.max(x, f32x4.splat(0));
  return kind == TANH ? tanh4(x) : x;
}

/** dy · act′, from y = act(x). */
// @ts-ignore: decorator
@inline
function derived(kind: i32, y: v128, dy: v128): v128 {
  if (kind == RELU) return v128.and(dy, f32x4.gt(y, f32x4.splat(0)));
  return kind == TANH ? f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y))) : dy;
}

/**
 * y ← act(y + b) for every row.
 * @param rows rows of y
 * @param n columns, 1 or a multiple of 4
 * @param y rows × n × f32
 * @param bias n × f32; 0 for none
 * @param kind 0 identity, 1 ReLU, 2 tanh
 */
export function activate(rows: i32, n: i32, y: usize, bias: usize, kind: i32): void {
  const bytes = bytesOf(n);
  for (let r = 0; r < rows; r++) {
    if (n == 1) {
      const x = f32x4.splat(load<f32>(y) + (bias == 0 ? <f32>0 : load<f32>(bias)));
      store<f32>(y, f32x4.extract_lane(activated(kind, x), 0));
    } else
      for (let c: usize = 0; c < bytes; c += 16) {
        const x = v128.load(y + c);
        v128.store(y + c, activated(kind, bias == 0 ? x : f32x4.add(x, v128.load(bias + c))));
      }
    y += bytes;
  }
}

/**
 * Back through `activate`: dy ← dy ⊙ act′, db += the sum of its rows.
 * @param rows rows of y
 * @param n columns, 1 or a multiple of 4
 * @param y rows × n × f32, what `activate` left
 * @param dy rows × n × f32
 * @param dbias n × f32; 0 for none
 * @param kind as in `activate`
 */
export function activateBackward(rows: i32, n: i32, y: usize, dy: usize, dbias: usize, kind: i32): void {
  const bytes = bytesOf(n);
  for (let r = 0; r < rows; r++) {
    if (n == 1) {
      const g = derived(kind, f32x4.splat(load<f32>(y)), f32x4.splat(load<f32>(dy)));
      const value = f32x4.extract_lane(g, 0);
      store<f32>(dy, value);
      if (dbias != 0) setF32(dbias, 0, load<f32>(dbias) + value);
    } else
      for (let c: usize = 0; c < bytes; c += 16) {
        const g = derived(kind, v128.load(y + c), v128.load(dy + c));
        v128.store(dy + c, g);
        if (dbias != 0) v128.store(dbias + c, f32x4.add(v128.load(dbias + c), g));
      }
    y += bytes;
    dy += bytes;
  }
}
