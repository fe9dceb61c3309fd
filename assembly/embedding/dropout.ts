import { u32At } from '../core/arrays';
import { draw, stream, unit } from '../core/random';

/**
 * Inverted dropout of rows × d values: zeroes each with probability `rate` and divides the others by 1 − rate. Row r
 * draws from the stream (seed, stage, keys[r]). The same call on a gradient is the backward pass.
 */
export function dropout(rows: i32, d: i32, x: usize, rate: f32, seed: u32, stage: u32, keys: usize): void {
  const scale = <f32>1 / (<f32>1 - rate);
  for (let r = 0; r < rows; r++) {
    const key = stream(seed, stage, u32At(keys, r));
    for (let c = 0; c < d; c++) {
      store<f32>(x, unit(draw(key, c)) < rate ? <f32>0 : load<f32>(x) * scale);
      x += 4;
    }
  }
}
