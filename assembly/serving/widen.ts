// Converts compact tables of vectors to f32, once, when a model is loaded. The conversions are exact except for one
// rounding of the int8 product, so the bits are the same everywhere.

import { at32, bytesOf, f32At, setF32, setU32 } from '../core/arrays';
import { dot } from './score';

/** 2¹¹²: the distance between the exponent biases of f32 (127) and f16 (15). */
const REBIAS: f32 = 5.192296858534828e33;

/**
 * out_i = the value of half i, exactly. Its exponent and fraction, moved to their places in an f32, are the value times
 * 2⁻¹¹²; that holds for subnormals too.
 * @param n number of values
 * @param x n × u16, finite IEEE halves
 * @param out n × f32
 */
export function widenHalves(n: i32, x: usize, out: usize): void {
  const wide = n & ~3;
  let i = 0;
  for (; i < wide; i += 4) {
    const bits = v128.load16x4_u(x + ((<usize>i) << 1));
    const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
    const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
    v128.store(at32(out, i), v128.or(f32x4.mul(magnitude, f32x4.splat(REBIAS)), sign));
  }
  for (; i < n; i++) {
    const bits = <u32>load<u16>(x + ((<usize>i) << 1));
    const magnitude = reinterpret<f32>((bits & 0x7fff) << 13) * REBIAS;
    setU32(out, i, reinterpret<u32>(magnitude) | ((bits & 0x8000) << 16));
  }
}

/**
 * out_rk = scales_r · x_rk, one rounding each.
 * @param rows number of rows
 * @param d length of a row
 * @param x rows × d × i8
 * @param scales rows × f32
 * @param out rows × d × f32
 */
export function widenBytes(rows: i32, d: i32, x: usize, scales: usize, out: usize): void {
  const wide = d & ~7;
  for (let r = 0; r < rows; r++) {
    const scale = f32At(scales, r);
    const lanes = f32x4.splat(scale);
    let k = 0;
    for (; k < wide; k += 8) {
      const words = v128.load8x8_s(x + <usize>k);
      const at = at32(out, k);
      v128.store(at, f32x4.mul(lanes, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words))));
      v128.store(at, f32x4.mul(lanes, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words))), 16);
    }
    for (; k < d; k++) setF32(out, k, scale * <f32>load<i8>(x + <usize>k));
    x += <usize>d;
    out += bytesOf(d);
  }
}

/** Divides each row of x (rows × d × f32, any d) by its length, summed as in `dot` of score.ts; a zero row stays. */
export function unitise(rows: i32, d: i32, x: usize): void {
  const wide = d & ~3;
  for (let r = 0; r < rows; r++) {
    const norm = sqrt<f32>(dot(x, x, d));
    if (norm > 0) {
      let k = 0;
      for (; k < wide; k += 4) {
        const at = at32(x, k);
        v128.store(at, f32x4.div(v128.load(at), f32x4.splat(norm)));
      }
      for (; k < d; k++) {
        const at = at32(x, k);
        store<f32>(at, load<f32>(at) / norm);
      }
    }
    x += bytesOf(d);
  }
}
