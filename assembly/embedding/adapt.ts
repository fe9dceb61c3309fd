// The items' side of stage 3. A batch of users adds gradients to the items in two ways: through U = X̂ V, and through
// the loss itself ("pulls"). Both arrive here as lists by item. So each row of V and of its moments is read and written
// once a step, threads can take ranges of items, and no table of gradients is needed.

import { at32, bytesOf, i32At } from '../core/arrays';
import { Adam, step } from './adam';
import { Csr, rowBegin, rowEnd } from '../core/csr';
import { madd } from '../core/madd';
import { Struct } from '../core/struct';

/** A pull: what a user adds to the gradient of an item. */
@unmanaged
export class Pull extends Struct {
  /** From `margin` the item; from `bucketPulls` the user's row of the batch. */
  row: i32;
  /** Weight of the user's vector. */
  user: f32;
  /** Weight of the item's own vector. */
  own: f32;
}

/**
 * Sorts the pulls of a batch by item, in the order of users and of each user's pulls.
 * @param begin first item
 * @param end the item after the last
 * @param count users of the batch
 * @param pulls, starts, perInteraction, counts as `margin` has them
 * @param outIndptr (end − begin + 1) × i32, where each item's pulls start
 * @param out room for all pulls on these items
 */
export function bucketPulls(
  begin: i32,
  end: i32,
  count: i32,
  pulls: usize,
  starts: usize,
  perInteraction: i32,
  counts: usize,
  outIndptr: usize,
  out: usize,
): void {
  const items = <u32>(end - begin);
  memory.fill(outIndptr, 0, (<usize>items + 1) << 2);
  for (let b = 0; b < count; b++) {
    const first = pulls + <usize>(i32At(starts, b) * perInteraction) * offsetof<Pull>();
    const last = first + <usize>i32At(counts, b) * offsetof<Pull>();
    for (let pull = first; pull < last; pull += offsetof<Pull>()) {
      const item = <u32>(changetype<Pull>(pull).row - begin);
      if (item >= items) continue;
      const cell = at32(outIndptr, item);
      store<i32>(cell, load<i32>(cell, 4) + 1, 4);
    }
  }
  for (let i: u32 = 1; i <= items; i++) {
    const cell = at32(outIndptr, i);
    store<i32>(cell, load<i32>(cell) + load<i32>(cell - 4));
  }
  // filling moves each item's start to its end; it is restored afterwards
  for (let b = 0; b < count; b++) {
    const first = pulls + <usize>(i32At(starts, b) * perInteraction) * offsetof<Pull>();
    const last = first + <usize>i32At(counts, b) * offsetof<Pull>();
    for (let pull = first; pull < last; pull += offsetof<Pull>()) {
      const item = <u32>(changetype<Pull>(pull).row - begin);
      if (item >= items) continue;
      const cell = at32(outIndptr, item);
      const at = load<i32>(cell);
      store<i32>(cell, at + 1);
      const from = changetype<Pull>(pull);
      const to = changetype<Pull>(out + <usize>at * offsetof<Pull>());
      to.row = b;
      to.user = from.user;
      to.own = from.own;
    }
  }
  memory.copy(outIndptr + 4, outIndptr, bytesOf(items));
  store<i32>(outIndptr, 0);
}

/**
 * A market's vectors, the fixed vectors that they stay near, and their moments: all (items × d) f32, d a multiple of
 * 16.
 */
@unmanaged
export class ItemTables extends Struct {
  d: i32;
  vectors: usize;
  fixed: usize;
  m: usize;
  v: usize;
  /** The loss's part of their gradient, zeroed as it is read; 0 for none. */
  gradients: usize;
  decay: f32;
}

/**
 * One step of Adam on the vectors of the items [begin, end). The gradient of item j is, in this order,
 *   gradients_j + Σ_e values[e] · du[rows[e]] + Σ_p a_p · u[b_p] + (Σ_p c_p) · vectors_j + decay · (vectors_j − fixed_j)
 * over the entries e of row j of X̂ᵀ and the pulls p = (b, a, c) on j.
 *
 * x: X̂ᵀ (items × batch); pullIndptr and pulls as bucketPulls left them for [begin, end), or 0; u and du (batch × d).
 */
export function adamItems(
  begin: i32,
  end: i32,
  x: Csr,
  du: usize,
  pullIndptr: usize,
  pulls: usize,
  u: usize,
  tables: ItemTables,
  numbers: Adam,
): void {
  const indptr = x.indptr;
  const rows = x.indices;
  const toValue = x.values - rows;
  const vectors = tables.vectors;
  const fixed = tables.fixed;
  const m = tables.m;
  const v = tables.v;
  const gradients = tables.gradients;
  const decay = tables.decay;
  const rate = numbers.rate;
  const beta1 = numbers.beta1;
  const beta2 = numbers.beta2;
  const epsilon = numbers.epsilon;
  const zero = f32x4.splat(0);
  const stride = bytesOf(tables.d);
  let firstPull: usize = 0;
  let lastPull: usize = 0;
  for (let j = begin; j < end; j++) {
    const first = at32(rows, rowBegin(indptr, j));
    const last = at32(rows, rowEnd(indptr, j));
    let own: f32 = 0;
    if (pullIndptr != 0) {
      const cell = at32(pullIndptr, j - begin);
      firstPull = pulls + <usize>load<i32>(cell) * offsetof<Pull>();
      lastPull = pulls + <usize>load<i32>(cell, 4) * offsetof<Pull>();
      for (let pull = firstPull; pull < lastPull; pull += offsetof<Pull>()) own += changetype<Pull>(pull).own;
    }
    const ownWeight = f32x4.splat(own);
    const base = <usize>j * stride;
    for (let c: usize = 0; c < stride; c += 64) {
      const at = base + c;
      let g0 = zero;
      let g1 = zero;
      let g2 = zero;
      let g3 = zero;
      if (gradients != 0) {
        g0 = v128.load(gradients + at);
        g1 = v128.load(gradients + at, 16);
        g2 = v128.load(gradients + at, 32);
        g3 = v128.load(gradients + at, 48);
        v128.store(gradients + at, zero);
        v128.store(gradients + at, zero, 16);
        v128.store(gradients + at, zero, 32);
        v128.store(gradients + at, zero, 48);
      }
      for (let entry = first; entry < last; entry += 4) {
        const w = v128.load32_splat(entry + toValue);
        const row = du + <usize>load<i32>(entry) * stride + c;
        g0 = madd(g0, w, v128.load(row));
        g1 = madd(g1, w, v128.load(row, 16));
        g2 = madd(g2, w, v128.load(row, 32));
        g3 = madd(g3, w, v128.load(row, 48));
      }
      for (let pull = firstPull; pull < lastPull; pull += offsetof<Pull>()) {
        const w = v128.load32_splat(pull, offsetof<Pull>('user'));
        const row = u + <usize>changetype<Pull>(pull).row * stride + c;
        g0 = madd(g0, w, v128.load(row));
        g1 = madd(g1, w, v128.load(row, 16));
        g2 = madd(g2, w, v128.load(row, 32));
        g3 = madd(g3, w, v128.load(row, 48));
      }
      if (pullIndptr != 0) {
        g0 = madd(g0, ownWeight, v128.load(vectors + at));
        g1 = madd(g1, ownWeight, v128.load(vectors + at, 16));
        g2 = madd(g2, ownWeight, v128.load(vectors + at, 32));
        g3 = madd(g3, ownWeight, v128.load(vectors + at, 48));
      }
      near(at, g0, vectors, fixed, m, v, rate, beta1, beta2, epsilon, decay);
      near(at + 16, g1, vectors, fixed, m, v, rate, beta1, beta2, epsilon, decay);
      near(at + 32, g2, vectors, fixed, m, v, rate, beta1, beta2, epsilon, decay);
      near(at + 48, g3, vectors, fixed, m, v, rate, beta1, beta2, epsilon, decay);
    }
  }
}

// @ts-ignore: decorator
@inline
function near(
  at: usize,
  gradient: v128,
  vectors: usize,
  fixed: usize,
  m: usize,
  v: usize,
  rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  decay: f32,
): void {
  const p = v128.load(vectors + at);
  const g = madd(gradient, f32x4.splat(decay), f32x4.sub(p, v128.load(fixed + at)));
  v128.store(vectors + at, step(p, g, m + at, v + at, rate, beta1, beta2, epsilon));
}

/**
 * The part of U = X̂ V that comes from the items [begin, end): u (count × d), overwritten, gets Σ values[e] · vectors_j
 * over the entries e of the rows j of X̂ᵀ, both in order. x, vectors: as in adamItems.
 */
export function spreadItems(begin: i32, end: i32, x: Csr, count: i32, d: i32, vectors: usize, u: usize): void {
  const indptr = x.indptr;
  const rows = x.indices;
  const toValue = x.values - rows;
  const stride = bytesOf(d);
  memory.fill(u, 0, <usize>count * stride);
  for (let j = begin; j < end; j++) {
    const first = at32(rows, rowBegin(indptr, j));
    const last = at32(rows, rowEnd(indptr, j));
    const own = vectors + <usize>j * stride;
    for (let c: usize = 0; c < stride; c += 64) {
      const p0 = v128.load(own + c);
      const p1 = v128.load(own + c, 16);
      const p2 = v128.load(own + c, 32);
      const p3 = v128.load(own + c, 48);
      for (let entry = first; entry < last; entry += 4) {
        const w = v128.load32_splat(entry + toValue);
        const row = u + <usize>load<i32>(entry) * stride + c;
        v128.store(row, madd(v128.load(row), w, p0));
        v128.store(row, madd(v128.load(row, 16), w, p1), 16);
        v128.store(row, madd(v128.load(row, 32), w, p2), 32);
        v128.store(row, madd(v128.load(row, 48), w, p3), 48);
      }
    }
  }
}

/**
 * out = x₀ + x₁ + … over n elements (n a multiple of 4), from `parts` ≥ 1 tables, `bytes` apart.
 */
export function sumParts(n: i32, parts: i32, bytes: u32, x: usize, out: usize): void {
  const end = bytesOf(n);
  for (let c: usize = 0; c < end; c += 16) {
    let at = x + c;
    let sum = v128.load(at);
    for (let part = 1; part < parts; part++) {
      at += bytes;
      sum = f32x4.add(sum, v128.load(at));
    }
    v128.store(out + c, sum);
  }
}
