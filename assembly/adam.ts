/**
 * One step of Adam (Kingma and Ba, 2015) over n parameters, n a multiple of 4:
 *   g = gradient + decay · parameter;  m = β₁ m + (1 − β₁) g;  v = β₂ v + (1 − β₂) g²;
 *   parameter −= rate · m / (√v + epsilon)
 * `rate` already holds the bias correction lr √(1 − β₂^t) / (1 − β₁^t). The gradient is zeroed on the way.
 */
export function adam(n: i32, parameters: usize, gradients: usize, m: usize, v: usize, rate: f32, beta1: f32, beta2: f32, epsilon: f32, decay: f32): void {
  const b1 = f32x4.splat(beta1);
  const b2 = f32x4.splat(beta2);
  const c1 = f32x4.splat(<f32>1 - beta1);
  const c2 = f32x4.splat(<f32>1 - beta2);
  const r = f32x4.splat(rate);
  const e = f32x4.splat(epsilon);
  const l2 = f32x4.splat(decay);
  const zero = f32x4.splat(0);
  const end = (<usize>n) << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const p = v128.load(parameters + at);
    const g = f32x4.add(v128.load(gradients + at), f32x4.mul(l2, p));
    const m1 = f32x4.add(f32x4.mul(b1, v128.load(m + at)), f32x4.mul(c1, g));
    const v1 = f32x4.add(f32x4.mul(b2, v128.load(v + at)), f32x4.mul(c2, f32x4.mul(g, g)));
    v128.store(m + at, m1);
    v128.store(v + at, v1);
    v128.store(gradients + at, zero);
    v128.store(parameters + at, f32x4.sub(p, f32x4.div(f32x4.mul(r, m1), f32x4.add(f32x4.sqrt(v1), e))));
  }
}

/** A step of Adam on the rows rows[b] of a table (any × d) with moments m and v of its shape; gradients (count × d), zeroed on the way. */
export function adamRows(count: i32, rows: usize, d: i32, table: usize, gradients: usize, m: usize, v: usize, rate: f32, beta1: f32, beta2: f32, epsilon: f32): void {
  const bytes = (<usize>d) << 2;
  for (let b = 0; b < count; b++) {
    const at = <usize>load<i32>(rows + ((<usize>b) << 2)) * bytes;
    adam(d, table + at, gradients, m + at, v + at, rate, beta1, beta2, epsilon, 0);
    gradients += bytes;
  }
}
