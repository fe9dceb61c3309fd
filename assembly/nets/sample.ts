// What a step of training draws: negatives, dropout, noise. Every number is read by its address (random.ts), so a batch
// may be cut anywhere.

import { bytesOf, f32At, i32At, setF32, setI32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { exp } from '../core/math';
import { below, draw, stream, unit } from '../core/random';
import { Struct } from '../core/struct';

/** The interactions of a market, and how they are sampled. */
@unmanaged
export class Sampling extends Struct {
  /** X: (users + 1) × i32 */
  indptr: usize;
  /** X: the items of each user, ascending positions in the market, i32 */
  indices: usize;
  /** interactions × i32, the user of each */
  owners: usize;
  /** n × i32, the row of each item in the tables of items */
  items: usize;
  /** The row of the market's first user in the tables of users. */
  firstUser: i32;
  /** Items of the market. */
  n: i32;
  /** K, negatives of each interaction. */
  negatives: i32;
  seed: u32;
  stage: u32;
}

/**
 * Samples of some interactions: each as it is, then K items that its user does not have, uniform, with replacement. The
 * r-th item outside a user's row is found by bisection, so one number is drawn for each. No user has all n items.
 * @param count interactions
 * @param order count × i32, their numbers
 * @param first the stream of the first, those of the others follow
 * @param from how they are drawn
 * @param users, items count · (1 + K) × i32, rows of tables
 */
export function drawSamples(count: i32, order: usize, first: u32, from: Sampling, users: usize, items: usize): void {
  const indptr = from.indptr;
  const indices = from.indices;
  const rows = from.items;
  const negatives = from.negatives;
  let at = 0;
  for (let b = 0; b < count; b++) {
    const interaction = i32At(order, b);
    const user = i32At(from.owners, interaction);
    const begin = rowBegin(indptr, user);
    const length = rowEnd(indptr, user) - begin;
    const own = indices + bytesOf(begin);
    const key = stream(from.seed, from.stage, first + <u32>b);
    setI32(users, at, from.firstUser + user);
    setI32(items, at++, i32At(rows, i32At(indices, interaction)));
    for (let k = 0; k < negatives; k++) {
      const rank = <i32>below(draw(key, k), from.n - length);
      // of the user's items, those before the one that is wanted
      let low = 0;
      let high = length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (i32At(own, middle) - middle <= rank) low = middle + 1;
        else high = middle;
      }
      setI32(users, at, from.firstUser + user);
      setI32(items, at++, i32At(rows, rank + low));
    }
  }
}

/**
 * Inverted dropout: out_r += keep ⊙ x_r / (1 − rate), the same call on gradients being the way back. Four elements take
 * 16 bits each of one number of the stream (seed, stage, first + r), so `rate` counts in 2⁻¹⁶.
 * @param rows rows
 * @param n columns, a multiple of 4
 * @param x rows × n × f32, ldx elements apart
 * @param out rows × n × f32, ldo elements apart
 * @param numbers how it draws
 */
export function addDropped(rows: i32, n: i32, x: usize, ldx: i32, out: usize, ldo: i32, numbers: Dropping): void {
  const limit = i32x4.splat(<i32>(numbers.rate * 65536));
  const scale = f32x4.splat(<f32>1 / (<f32>1 - numbers.rate));
  const low = i32x4.splat(0xffff);
  const bytes = bytesOf(n);
  for (let r = 0; r < rows; r++) {
    const key = stream(numbers.seed, numbers.stage, numbers.first + <u32>r);
    for (let c: usize = 0; c < bytes; c += 16) {
      const bits = i64x2.splat(draw(key, (<u32>c) >> 4));
      const four = v128.and(v128.shuffle<i16>(bits, bits, 0, 0, 1, 1, 2, 2, 3, 3), low);
      const kept = v128.and(f32x4.mul(v128.load(x + c), scale), i32x4.ge_s(four, limit));
      v128.store(out + c, f32x4.add(v128.load(out + c), kept));
    }
    x += bytesOf(ldx);
    out += bytesOf(ldo);
  }
}

/** How dropout draws. */
@unmanaged
export class Dropping extends Struct {
  /** Share of the elements that are hidden. */
  rate: f32;
  seed: u32;
  stage: u32;
  /** The stream of the first row. */
  first: u32;
}

/** A number of mean 0 and deviation 1, as good as normal within ±3: twelve uniform ones, less 6. */
// @ts-ignore: decorator
@inline
function nearNormal(key: u64, counter: u32): f32 {
  let sum: f32 = -6;
  for (let i: u32 = 0; i < 12; i++) sum += unit(draw(key, 12 * counter + i));
  return sum;
}

/**
 * z = μ + e^(½ ln σ²) ⊙ ε with ε drawn from the streams (seed, stage, first + r), and the divergence from N(0, 1):
 * its loss ½ Σ (σ² + μ² − 1 − ln σ²). ln σ² is taken as within ±20.
 * @param rows rows
 * @param d columns of z
 * @param moments rows × 2d × f32, μ and then ln σ²
 * @param noise rows × d × f32, becomes σ ⊙ ε
 * @param z rows × d × f32
 * @param numbers of the draws; its rate is not used
 * @param totals f64, the divergence is added
 */
export function drawLatent(
  rows: i32,
  d: i32,
  moments: usize,
  noise: usize,
  z: usize,
  numbers: Dropping,
  totals: usize,
): void {
  let sum = load<f64>(totals);
  for (let r = 0; r < rows; r++) {
    const key = stream(numbers.seed, numbers.stage, numbers.first + <u32>r);
    for (let c = 0; c < d; c++) {
      const mean = <f64>f32At(moments, c);
      const logVariance = <f64>bounded(f32At(moments, d + c));
      const deviation = exp(0.5 * logVariance);
      const spread = <f32>(deviation * <f64>nearNormal(key, c));
      setF32(noise, c, spread);
      setF32(z, c, f32At(moments, c) + spread);
      sum += 0.5 * (deviation * deviation + mean * mean - 1 - logVariance);
    }
    moments += bytesOf(2 * d);
    noise += bytesOf(d);
    z += bytesOf(d);
  }
  store<f64>(totals, sum);
}

/**
 * Back through `drawLatent`: dμ += dz + weight μ, d ln σ² += ½ dz ⊙ σ ε + ½ weight (σ² − 1), and 0 where ln σ² is
 * beyond ±20.
 * @param weight of the divergence in the loss
 */
export function drawLatentBackward(
  rows: i32,
  d: i32,
  moments: usize,
  noise: usize,
  dz: usize,
  weight: f32,
  dmoments: usize,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < d; c++) {
      const g = f32At(dz, c);
      setF32(dmoments, c, f32At(dmoments, c) + g + weight * f32At(moments, c));
      const logVariance = f32At(moments, d + c);
      if (bounded(logVariance) != logVariance) continue;
      const variance = <f32>exp(<f64>logVariance);
      const own = <f32>0.5 * (g * f32At(noise, c) + weight * (variance - 1));
      setF32(dmoments, d + c, f32At(dmoments, d + c) + own);
    }
    moments += bytesOf(2 * d);
    noise += bytesOf(d);
    dz += bytesOf(d);
    dmoments += bytesOf(2 * d);
  }
}

// @ts-ignore: decorator
@inline
function bounded(logVariance: f32): f32 {
  return max<f32>(-20, min<f32>(20, logVariance));
}
