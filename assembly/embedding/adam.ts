import { bytesOf, i32At } from '../core/arrays';
import { Struct } from '../core/struct';

/**
 * One step of Adam (Kingma and Ba, 2015) on four lanes, with gradient g. Updates the moments m and v:
 *   m = β₁ m + (1 − β₁) g;  v = β₂ v + (1 − β₂) g²;  the result is parameter − rate · m / (√v + epsilon).
 * `rate` already holds the bias correction lr √(1 − β₂^t) / (1 − β₁^t).
 */
// @ts-ignore: decorator
@inline
export function step(
  parameter: v128,
  g: v128,
  m: usize,
  v: usize,
  rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
): v128 {
  const m1 = f32x4.add(f32x4.mul(f32x4.splat(beta1), v128.load(m)), f32x4.mul(f32x4.splat(<f32>1 - beta1), g));
  const v1 = f32x4.add(
    f32x4.mul(f32x4.splat(beta2), v128.load(v)),
    f32x4.mul(f32x4.splat(<f32>1 - beta2), f32x4.mul(g, g)),
  );
  v128.store(m, m1);
  v128.store(v, v1);
  return f32x4.sub(
    parameter,
    f32x4.div(f32x4.mul(f32x4.splat(rate), m1), f32x4.add(f32x4.sqrt(v1), f32x4.splat(epsilon))),
  );
}

/** The constants of a step of Adam. */
@unmanaged
export class Adam extends Struct {
  /** lr √(1 − β₂^t) / (1 − β₁^t), so with the bias correction. */
  rate: f32;
  beta1: f32;
  beta2: f32;
  epsilon: f32;
}

/** One step of Adam over n parameters, n a multiple of 4. */
export function adam(n: i32, parameters: usize, gradients: usize, m: usize, v: usize, numbers: Adam): void {
  const rate = numbers.rate;
  const beta1 = numbers.beta1;
  const beta2 = numbers.beta2;
  const epsilon = numbers.epsilon;
  const end = bytesOf(n);
  for (let at: usize = 0; at < end; at += 16)
    v128.store(
      parameters + at,
      step(v128.load(parameters + at), v128.load(gradients + at), m + at, v + at, rate, beta1, beta2, epsilon),
    );
}

/**
 * One step of Adam on some rows of a table.
 * @param count rows to step
 * @param rows count × i32
 * @param d length of a row
 * @param table rows of d × f32
 * @param gradients count × d × f32
 * @param m, v moments, shaped as the table
 */
export function adamRows(
  count: i32,
  rows: usize,
  d: i32,
  table: usize,
  gradients: usize,
  m: usize,
  v: usize,
  numbers: Adam,
): void {
  const bytes = bytesOf(d);
  for (let b = 0; b < count; b++) {
    const at = <usize>i32At(rows, b) * bytes;
    adam(d, table + at, gradients, m + at, v + at, numbers);
    gradients += bytes;
  }
}
