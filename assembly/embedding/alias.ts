import { below, unit } from '../core/random';

// Walker's alias table: one draw from a fixed discrete distribution in constant time.

/**
 * The table of p_i ∝ visits_i^0.75 (word2vec's unigram distribution), by Vose's method.
 * visits (n u32, not all zero); thresholds (n f32) and aliases (n i32) are written; scratch (n f64, then n i32).
 */
export function buildUnigramTable(n: i32, visits: usize, thresholds: usize, aliases: usize, scratch: usize): void {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) {
    const root = sqrt<f64>(<f64>load<u32>(visits + ((<usize>i) << 2)));
    const weight = root * sqrt<f64>(root);
    store<f64>(scratch + ((<usize>i) << 3), weight);
    total += weight;
  }
  // one stack of indices, the small ones from the left, the large ones from the right
  const stack = scratch + ((<usize>n) << 3);
  let small = 0;
  let large = n;
  for (let i = 0; i < n; i++) {
    const p = (load<f64>(scratch + ((<usize>i) << 3)) * <f64>n) / total;
    store<f64>(scratch + ((<usize>i) << 3), p);
    if (p < 1) store<i32>(stack + ((small++ as usize) << 2), i);
    else store<i32>(stack + ((<usize>--large) << 2), i);
  }
  while (small > 0 && large < n) {
    const s = load<i32>(stack + ((<usize>--small) << 2));
    const l = load<i32>(stack + ((<usize>large) << 2));
    const p = load<f64>(scratch + ((<usize>s) << 3));
    store<f32>(thresholds + ((<usize>s) << 2), <f32>p);
    store<i32>(aliases + ((<usize>s) << 2), l);
    const rest = load<f64>(scratch + ((<usize>l) << 3)) + p - 1;
    store<f64>(scratch + ((<usize>l) << 3), rest);
    if (rest < 1) {
      large++;
      store<i32>(stack + ((small++ as usize) << 2), l);
    }
  }
  while (small > 0) certain(load<i32>(stack + ((<usize>--small) << 2)), thresholds, aliases);
  while (large < n) certain(load<i32>(stack + ((large++ as usize) << 2)), thresholds, aliases);
}

// @ts-ignore: decorator
@inline
function certain(i: i32, thresholds: usize, aliases: usize): void {
  store<f32>(thresholds + ((<usize>i) << 2), 1);
  store<i32>(aliases + ((<usize>i) << 2), i);
}

/** One index from the table by 64 random bits. */
// @ts-ignore: decorator
@inline
export function drawAlias(bits: u64, n: i32, thresholds: usize, aliases: usize): i32 {
  const slot = (<usize>below(bits, n)) << 2;
  return unit(bits) < load<f32>(thresholds + slot) ? <i32>(slot >> 2) : load<i32>(aliases + slot);
}
