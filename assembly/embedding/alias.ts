import { at64, bytesOf, f64At, i32At, setF32, setF64, setI32, u32At } from '../core/arrays';
import { below, unit } from '../core/random';

// Walker's alias table: one draw from a fixed discrete distribution in constant time.

/**
 * The table of p_i ∝ visits_i^0.75 (word2vec's unigram distribution), by Vose's method.
 * @param n items
 * @param visits n × u32, not all zero
 * @param thresholds n × f32, written
 * @param aliases n × i32, written
 * @param scratch n × f64, then n × i32
 */
export function buildUnigramTable(n: i32, visits: usize, thresholds: usize, aliases: usize, scratch: usize): void {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) {
    const root = sqrt<f64>(<f64>u32At(visits, i));
    const weight = root * sqrt<f64>(root);
    setF64(scratch, i, weight);
    total += weight;
  }
  // one stack of indices: small ones from the left, large ones from the right
  const stack = at64(scratch, n);
  let small = 0;
  let large = n;
  for (let i = 0; i < n; i++) {
    const p = (f64At(scratch, i) * <f64>n) / total;
    setF64(scratch, i, p);
    if (p < 1) setI32(stack, small++, i);
    else setI32(stack, --large, i);
  }
  while (small > 0 && large < n) {
    const s = i32At(stack, --small);
    const l = i32At(stack, large);
    const p = f64At(scratch, s);
    setF32(thresholds, s, <f32>p);
    setI32(aliases, s, l);
    const rest = f64At(scratch, l) + p - 1;
    setF64(scratch, l, rest);
    if (rest < 1) {
      large++;
      setI32(stack, small++, l);
    }
  }
  while (small > 0) certain(i32At(stack, --small), thresholds, aliases);
  while (large < n) certain(i32At(stack, large++), thresholds, aliases);
}

// @ts-ignore: decorator
@inline
function certain(i: i32, thresholds: usize, aliases: usize): void {
  setF32(thresholds, i, 1);
  setI32(aliases, i, i);
}

/** One index from the table by 64 random bits. */
// @ts-ignore: decorator
@inline
export function drawAlias(bits: u64, n: i32, thresholds: usize, aliases: usize): i32 {
  const slot = bytesOf(below(bits, n));
  return unit(bits) < load<f32>(thresholds + slot) ? <i32>(slot >> 2) : load<i32>(aliases + slot);
}
