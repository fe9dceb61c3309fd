// Tables of embeddings: their gradients by rows, and a dense step of Adam on every row, touched or not. A row's gradient
// adds its samples in the order of its list, so any cut of the rows gives the same bytes.

import { bytesOf, cellAt, f32At, i32At, setF32, setI32 } from '../core/arrays';
import { Csr, rowBegin, rowEnd } from '../core/csr';
import { madd } from '../core/madd';
import { draw, stream, unit } from '../core/random';
import { Struct } from '../core/struct';
import { addScaled } from '../core/vector';
import { step } from '../embedding/adam';
import { Dropping } from './sample';

/** A table of rows of d × f32, and where its gradient comes from. */
@unmanaged
export class EmbeddingTable extends Struct {
  /** A multiple of 16. */
  d: i32;
  table: usize;
  /** Moments of Adam, as the table. */
  m: usize;
  v: usize;
  /** The samples of each row, by their numbers: (rows + 1) × i32, then i32. */
  indptr: usize;
  samples: usize;
  /** The weight of each entry, f32; 0 for 1. */
  weights: usize;
  /** Gradients of the samples, f32, `ld` elements apart. */
  gradients: usize;
  ld: i32;
  /** A further gradient, as the table, that a step adds and then clears; 0 for none. */
  dense: usize;
}

/** A step of Adam (adam.ts) with weight decay. */
@unmanaged
export class TableStep extends Struct {
  /** lr √(1 − β₂^t) / (1 − β₁^t) */
  rate: f32;
  beta1: f32;
  beta2: f32;
  epsilon: f32;
  /** Factor of the parameters that is added to their gradient. */
  decay: f32;
}

/** Steps rows [begin, end) with the gradient decay · row + dense + Σ of the row's samples. */
export function stepTable(begin: i32, end: i32, own: EmbeddingTable, numbers: TableStep): void {
  const d = own.d;
  const bytes = bytesOf(d);
  const rate = numbers.rate;
  const beta1 = numbers.beta1;
  const beta2 = numbers.beta2;
  const epsilon = numbers.epsilon;
  const decay = f32x4.splat(numbers.decay);
  const dense = own.dense;
  for (let r = begin; r < end; r++) {
    const at = <usize>r * bytes;
    const row = own.table + at;
    const m = own.m + at;
    const v = own.v + at;
    const from = rowBegin(own.indptr, r);
    const to = rowEnd(own.indptr, r);
    for (let c: usize = 0; c < bytes; c += 64) {
      let g0 = f32x4.mul(decay, v128.load(row + c));
      let g1 = f32x4.mul(decay, v128.load(row + c, 16));
      let g2 = f32x4.mul(decay, v128.load(row + c, 32));
      let g3 = f32x4.mul(decay, v128.load(row + c, 48));
      if (dense != 0) {
        const x = dense + at + c;
        g0 = f32x4.add(g0, v128.load(x));
        g1 = f32x4.add(g1, v128.load(x, 16));
        g2 = f32x4.add(g2, v128.load(x, 32));
        g3 = f32x4.add(g3, v128.load(x, 48));
        memory.fill(x, 0, 64);
      }
      for (let e = from; e < to; e++) {
        const x = cellAt(own.gradients, own.ld, i32At(own.samples, e), 0) + c;
        const w = f32x4.splat(own.weights == 0 ? <f32>1 : f32At(own.weights, e));
        g0 = madd(g0, w, v128.load(x));
        g1 = madd(g1, w, v128.load(x, 16));
        g2 = madd(g2, w, v128.load(x, 32));
        g3 = madd(g3, w, v128.load(x, 48));
      }
      v128.store(row + c, step(v128.load(row + c), g0, m + c, v + c, rate, beta1, beta2, epsilon));
      const r1 = row + c + 16;
      v128.store(r1, step(v128.load(r1), g1, m + c + 16, v + c + 16, rate, beta1, beta2, epsilon));
      const r2 = row + c + 32;
      v128.store(r2, step(v128.load(r2), g2, m + c + 32, v + c + 32, rate, beta1, beta2, epsilon));
      const r3 = row + c + 48;
      v128.store(r3, step(v128.load(r3), g3, m + c + 48, v + c + 48, rate, beta1, beta2, epsilon));
    }
  }
}

/** out_r += factor · Σ of the samples of row r, for rows [begin, end) of a table; `out` is shaped as it. */
export function addSamples(begin: i32, end: i32, own: EmbeddingTable, factor: f32, out: usize): void {
  const bytes = bytesOf(own.d);
  for (let r = begin; r < end; r++) {
    const last = rowEnd(own.indptr, r);
    for (let e = rowBegin(own.indptr, r); e < last; e++) {
      const x = cellAt(own.gradients, own.ld, i32At(own.samples, e), 0);
      const w = f32x4.splat(factor * (own.weights == 0 ? <f32>1 : f32At(own.weights, e)));
      const row = out + <usize>r * bytes;
      for (let c: usize = 0; c < bytes; c += 16) v128.store(row + c, madd(v128.load(row + c), w, v128.load(x + c)));
    }
  }
}

/**
 * A step of Adam with weight decay on the parameters of dense layers, whose gradient is the sum of some parts, added in
 * order. The parts are cleared.
 * @param n parameters, a multiple of 4
 * @param parts their number, at least 1
 * @param bytes from one part to the next
 * @param gradients the first part
 */
export function stepParameters(
  n: i32,
  parts: i32,
  bytes: u32,
  gradients: usize,
  parameters: usize,
  m: usize,
  v: usize,
  numbers: TableStep,
): void {
  const end = bytesOf(n);
  const decay = f32x4.splat(numbers.decay);
  for (let c: usize = 0; c < end; c += 16) {
    const p = v128.load(parameters + c);
    let g = f32x4.mul(decay, p);
    for (let part = 0, at = gradients + c; part < parts; part++, at += bytes) {
      g = f32x4.add(g, v128.load(at));
      v128.store(at, f32x4.splat(0));
    }
    const next = step(p, g, m + c, v + c, numbers.rate, numbers.beta1, numbers.beta2, numbers.epsilon);
    v128.store(parameters + c, next);
  }
}

/**
 * Histories as the input of an autoencoder: x / ‖x‖ with dropout, entries that are hidden left out.
 * @param count users
 * @param users count × i32, rows of X
 * @param x a pattern over the items of a market
 * @param rows the row of each item in the table, i32
 * @param numbers of dropout (sample.ts); an entry takes 32 bits, its place in the history being the counter
 * @param out rows `from` to `from` + count; those before are there, with indptr[from]; room for all entries
 */
export function drawHistories(
  count: i32,
  users: usize,
  x: Csr,
  rows: usize,
  numbers: Dropping,
  from: i32,
  out: Csr,
): void {
  const indices = out.indices;
  const values = out.values;
  const kept = <f32>1 / (<f32>1 - numbers.rate);
  let filled = i32At(out.indptr, from);
  for (let b = 0; b < count; b++) {
    const user = i32At(users, b);
    const begin = rowBegin(x.indptr, user);
    const end = rowEnd(x.indptr, user);
    const key = stream(numbers.seed, numbers.stage, numbers.first + <u32>b);
    const value = kept / sqrt<f32>(<f32>(end - begin));
    for (let e = begin; e < end; e++) {
      if (unit(draw(key, e - begin)) < numbers.rate) continue;
      setI32(indices, filled, i32At(rows, i32At(x.indices, e)));
      setF32(values, filled++, value);
    }
    setI32(out.indptr, from + b + 1, filled);
  }
}

/**
 * out_b += Σ_e values_e · table row of entry e, over the entries of row b in order, for rows [begin, end) of x.
 * @param d columns, a multiple of 4
 * @param out (end − begin) × d × f32
 */
export function addWeighted(begin: i32, end: i32, x: Csr, d: i32, table: usize, out: usize): void {
  const bytes = bytesOf(d);
  for (let b = begin; b < end; b++) {
    const last = rowEnd(x.indptr, b);
    for (let e = rowBegin(x.indptr, b); e < last; e++)
      addScaled(out, f32At(x.values, e), table + <usize>i32At(x.indices, e) * bytes, bytes);
    out += bytes;
  }
}
