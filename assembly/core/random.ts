// The only source of randomness: SplitMix64 read by counter. A stream is keyed by (seed, stage, index), so any walk,
// user or batch draws the same numbers, in any order and on any thread.

import { at32, setF32 } from './arrays';

const GAMMA: u64 = 0x9e3779b97f4a7c15;

/** The finaliser of SplitMix64 (Steele, Lea, Flood, 2014). */
// @ts-ignore: decorator
@inline
export function mix64(x: u64): u64 {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/** Key of stream `index` of `stage` under `seed`. */
// @ts-ignore: decorator
@inline
export function stream(seed: u32, stage: u32, index: u32): u64 {
  return mix64(mix64(((<u64>seed) << 32) | (<u64>stage)) + (<u64>index + 1) * GAMMA);
}

/** Number `counter` of the stream `key`: 64 uniform bits. */
// @ts-ignore: decorator
@inline
export function draw(key: u64, counter: u32): u64 {
  return mix64(key + (<u64>counter + 1) * GAMMA);
}

/** Uniform in 0 … n − 1 from the upper 32 bits of `bits` (bias below n / 2³²). */
// @ts-ignore: decorator
@inline
export function below(bits: u64, n: u32): u32 {
  return <u32>(((bits >> 32) * <u64>n) >> 32);
}

/** Uniform in [0, 1) with 24 bits, from the lower half of `bits`. */
// @ts-ignore: decorator
@inline
export function unit(bits: u64): f32 {
  return <f32>((<u32>bits) >> 8) * <f32>5.9604644775390625e-8;
}

/** Shuffles `items` (n × i32) in place (Fisher and Yates). */
export function shuffle(items: usize, n: i32, seed: u32, stage: u32, index: u32): void {
  const key = stream(seed, stage, index);
  for (let i = n - 1; i > 0; i--) {
    const j = below(draw(key, i), i + 1);
    const a = at32(items, i);
    const b = at32(items, j);
    const x = load<i32>(a);
    store<i32>(a, load<i32>(b));
    store<i32>(b, x);
  }
}

/** Fills `out` (n × f32) with uniform numbers in [−scale, scale). */
export function fillUniform(out: usize, n: i32, scale: f32, seed: u32, stage: u32, index: u32): void {
  const key = stream(seed, stage, index);
  for (let i = 0; i < n; i++) {
    setF32(out, i, (unit(draw(key, i)) * 2 - 1) * scale);
  }
}
