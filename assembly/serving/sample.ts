import { at32, setI32 } from '../core/arrays';
import { below, draw, stream } from '../core/random';

/**
 * Draws `count` distinct indices of 0 … n − 1 that the mask does not exclude, all equally likely: the first steps of a
 * shuffle (Fisher and Yates) of the allowed ones in ascending order. Returns the number drawn: fewer than `count` only
 * if fewer are allowed.
 * @param out n × i32; the first `count` are the result, the rest is scratch
 * @param n number of indices
 * @param exclude n × u8, nonzero leaves that index out
 * @param count number to draw
 * @param seed the run's seed
 * @param stage with `index`, the key of the stream
 * @param index see `stage`
 */
export function sampleDistinct(out: usize, n: i32, exclude: usize, count: i32, seed: u32, stage: u32, index: u32): i32 {
  let allowed = 0;
  for (let i = 0; i < n; i++) {
    if (load<u8>(exclude + <usize>i) != 0) continue;
    setI32(out, allowed, i);
    allowed++;
  }
  const drawn = min(count, allowed);
  const key = stream(seed, stage, index);
  for (let i = 0; i < drawn; i++) {
    const a = at32(out, i);
    const b = at32(out, i + <i32>below(draw(key, i), allowed - i));
    const x = load<i32>(a);
    store<i32>(a, load<i32>(b));
    store<i32>(b, x);
  }
  return drawn;
}
