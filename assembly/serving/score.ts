// Scores of all items of a market for one history. The order of every sum is fixed: over the history in its order; over
// d in four lanes (lane l takes the elements l, l + 4, …), then (lane 0 + lane 2) + (lane 1 + lane 3), then the d mod 4
// last elements one by one. Each row is summed by itself, so its score does not depend on n or on its position.

import { at32, bytesOf, cellAt, i32At, setF32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { madd } from '../core/madd';
import { Struct } from '../core/struct';
import { sumLanes } from '../core/vector';

/** Dot product of two rows of d × f32, in the order that the file's head gives. */
export function dot(a: usize, b: usize, d: i32): f32 {
  const wide = d & ~3;
  let lanes = f32x4.splat(0);
  let k = 0;
  for (; k < wide; k += 4) {
    const at = bytesOf(k);
    lanes = madd(lanes, v128.load(a + at), v128.load(b + at));
  }
  let sum = sumLanes(lanes);
  for (; k < d; k++) {
    const at = bytesOf(k);
    sum += load<f32>(a + at) * load<f32>(b + at);
  }
  return sum;
}

/**
 * out_j = scale · Σ_{i ∈ history} S_ij for all j.
 * @param out n × f32
 * @param n items
 * @param indptr (n + 1) × i32, rows of S
 * @param indices nnz × i32
 * @param values nnz × f32
 * @param history count × i32, rows to add, in this order
 * @param count length of the history
 * @param scale factor of the sum, applied after it
 * @returns the number of entries added
 */
export function scoreLinear(
  out: usize,
  n: i32,
  indptr: usize,
  indices: usize,
  values: usize,
  history: usize,
  count: i32,
  scale: f32,
): i32 {
  memory.fill(out, 0, bytesOf(n));
  let entries = 0;
  for (let h = 0; h < count; h++) {
    const row = i32At(history, h);
    const from = bytesOf(rowBegin(indptr, row));
    const to = bytesOf(rowEnd(indptr, row));
    for (let at = from; at < to; at += 4) {
      const target = at32(out, load<i32>(indices + at));
      store<f32>(target, load<f32>(target) + load<f32>(values + at));
    }
    entries += <i32>((to - from) >> 2);
  }
  const factor = f32x4.splat(scale);
  const end = at32(out, n);
  const wideEnd = at32(out, n & ~3);
  let at = out;
  for (; at < wideEnd; at += 16) v128.store(at, f32x4.mul(v128.load(at), factor));
  for (; at < end; at += 4) store<f32>(at, load<f32>(at) * scale);
  return entries;
}

/**
 * out_j = scale · Σ_{i ∈ history} S_ij + max(0, max_{i ∈ history} M_ij) for all j, where M has values at the entries of
 * S. The sum keeps the order of `scoreLinear` and is scaled before the largest is added.
 * @param out n × f32
 * @param largest n × f32, zero before and after
 * @param n items
 * @param indptr (n + 1) × i32, rows of S and M
 * @param indices nnz × i32
 * @param values nnz × f32, S
 * @param maxima nnz × f32, M
 * @param history count × i32, rows to use, in this order
 * @param count length of the history
 * @param scale factor of the sum
 * @returns the number of entries of S added
 */
export function scoreSumsAndMaxima(
  out: usize,
  largest: usize,
  n: i32,
  indptr: usize,
  indices: usize,
  values: usize,
  maxima: usize,
  history: usize,
  count: i32,
  scale: f32,
): i32 {
  memory.fill(out, 0, (<usize>n) << 2);
  let entries = 0;
  for (let h = 0; h < count; h++) {
    const row = indptr + ((<usize>load<i32>(history + ((<usize>h) << 2))) << 2);
    const from = (<usize>load<i32>(row)) << 2;
    const to = (<usize>load<i32>(row, 4)) << 2;
    for (let at = from; at < to; at += 4) {
      const target = (<usize>load<i32>(indices + at)) << 2;
      const most = load<f32>(maxima + at);
      store<f32>(out + target, load<f32>(out + target) + load<f32>(values + at));
      if (most > load<f32>(largest + target)) store<f32>(largest + target, most);
    }
    entries += <i32>((to - from) >> 2);
  }
  const factor = f32x4.splat(scale);
  const zero = f32x4.splat(0);
  const end = (<usize>n) << 2;
  const wideEnd = (<usize>(n & ~3)) << 2;
  let at: usize = 0;
  for (; at < wideEnd; at += 16) {
    v128.store(out + at, f32x4.add(f32x4.mul(v128.load(out + at), factor), v128.load(largest + at)));
    v128.store(largest + at, zero);
  }
  for (; at < end; at += 4) {
    store<f32>(out + at, load<f32>(out + at) * scale + load<f32>(largest + at));
    store<f32>(largest + at, 0);
  }
  return entries;
}

/**
 * out = (1 / c) Σ_{i ∈ history} P_i + offset, where c counts the rows that are not zero; without any, out = offset.
 * @param out d × f32
 * @param d length of a row
 * @param table rows of d × f32, P
 * @param history count × i32
 * @param count length of the history
 * @param offset d × f32, added at the end; 0 for none
 * @returns c
 */
export function meanRows(out: usize, d: i32, table: usize, history: usize, count: i32, offset: usize): i32 {
  memory.fill(out, 0, bytesOf(d));
  const wide = d & ~3;
  let used = 0;
  for (let h = 0; h < count; h++) {
    const row = cellAt(table, d, i32At(history, h), 0);
    let any = f32x4.splat(0);
    let tail = false;
    let k = 0;
    for (; k < wide; k += 4) {
      const at = bytesOf(k);
      const x = v128.load(row + at);
      any = v128.or(any, f32x4.ne(x, f32x4.splat(0)));
      v128.store(out + at, f32x4.add(v128.load(out + at), x));
    }
    for (; k < d; k++) {
      const at = bytesOf(k);
      const x = load<f32>(row + at);
      tail = tail || x != 0;
      store<f32>(out + at, load<f32>(out + at) + x);
    }
    if (tail || v128.any_true(any)) used++;
  }
  const share: f32 = used > 0 ? <f32>1 / <f32>used : 0;
  for (let k = 0; k < d; k++) {
    const at = bytesOf(k);
    let x = load<f32>(out + at) * share;
    if (offset != 0) x += load<f32>(offset + at);
    store<f32>(out + at, x);
  }
  return used;
}

/** A user's linear terms and vector. The caller writes all fields but the last two. */
@unmanaged
export class SubjectTerms extends Struct {
  /** n × f32, the linear terms; 0 for none */
  linear: usize;
  /** count × i32 */
  history: usize;
  count: i32;
  /** Factor of the linear terms. */
  factor: f32;
  /** d × f32; 0 for none */
  vector: usize;
  /** d × f32, added to the vector; 0 for none */
  offset: usize;
  /** Entries of S that were added. */
  entries: i32;
  /** c of meanRows. */
  used: i32;
}

/**
 * scoreLinear, or scoreSumsAndMaxima if there are maxima, and meanRows for each of m users.
 * @param n items
 * @param d length of a row of P
 * @param indptr (n + 1) × i32, rows of S
 * @param indices nnz × i32
 * @param values nnz × f32
 * @param maxima nnz × f32, M; 0 for none
 * @param largest n × f32, zero before and after; unused without maxima
 * @param table rows of d × f32, P
 * @param subjects m × SubjectTerms
 */
export function termsBatch(
  m: i32,
  n: i32,
  d: i32,
  indptr: usize,
  indices: usize,
  values: usize,
  maxima: usize,
  largest: usize,
  table: usize,
  subjects: usize,
): void {
  for (
    const end = subjects + <usize>m * offsetof<SubjectTerms>();
    subjects < end;
    subjects += offsetof<SubjectTerms>()
  ) {
    const subject = changetype<SubjectTerms>(subjects);
    const linear = subject.linear;
    const history = subject.history;
    const count = subject.count;
    const factor = subject.factor;
    const vector = subject.vector;
    let entries = 0;
    if (linear != 0)
      entries =
        maxima != 0
          ? scoreSumsAndMaxima(linear, largest, n, indptr, indices, values, maxima, history, count, factor)
          : scoreLinear(linear, n, indptr, indices, values, history, count, factor);
    subject.entries = entries;
    subject.used = vector != 0 ? meanRows(vector, d, table, history, count, subject.offset) : 0;
  }
}

/** What a product of a user is multiplied by: weight / ‖U_u‖, or the weight where it is no cosine. */
export function factorOf(weight: f32, norm: f32, cosine: bool): f32 {
  if (!(norm > 0)) return 0;
  return cosine ? weight / norm : weight;
}

/** Rows of V that stay in L1 while all users of the batch are scored: 64 of d = 128 are 32 kB. */
const ROWS_AT_A_TIME: i32 = 64;

/**
 * out_uj += weight · (V_j · U_u) / ‖U_u‖ for all j and each of m users, without the division if `cosine` is false;
 * nothing where U_u is zero.
 * Every sum keeps the order of `dot`, so a user's scores do not depend on the others of the batch.
 * Four users by two rows share their loads, or one user by four rows; a block of rows serves all users before the next
 * is read.
 * @param out m × n × f32
 * @param m users
 * @param n items
 * @param d length of a row
 * @param vectors n × d × f32, rows of unit length or zero
 * @param users m × d × f32
 * @param factors m × f32, room for weight / ‖U_u‖
 * @param weight factor of the cosine
 * @param cosine whether products are divided by ‖U_u‖
 */
export function addCosines(
  out: usize,
  m: i32,
  n: i32,
  d: i32,
  vectors: usize,
  users: usize,
  factors: usize,
  weight: f32,
  cosine: bool,
): void {
  const stride = bytesOf(d);
  const outStride = bytesOf(n);
  for (let u = 0; u < m; u++) {
    const row = users + <usize>u * stride;
    const norm = sqrt<f32>(dot(row, row, d));
    setF32(factors, u, factorOf(weight, norm, cosine));
  }
  for (let from = 0; from < n; from += ROWS_AT_A_TIME) {
    const count = min(ROWS_AT_A_TIME, n - from);
    const rows = vectors + <usize>from * stride;
    let target = at32(out, from);
    let user = users;
    let factor = factors;
    let u = 0;
    for (; u + 4 <= m; u += 4) {
      for (let j = 0; j + 2 <= count; j += 2)
        addFourByTwo(at32(target, j), outStride, d, rows + <usize>j * stride, user, factor);
      if ((count & 1) != 0) {
        const last = <usize>(count - 1);
        for (let i: usize = 0; i < 4; i++)
          addOneByFour(
            target + i * outStride + (last << 2),
            1,
            d,
            rows + last * stride,
            user + i * stride,
            load<f32>(factor + (i << 2)),
          );
      }
      target += outStride << 2;
      user += stride << 2;
      factor += 16;
    }
    for (; u < m; u++) {
      addOneByFour(target, count, d, rows, user, load<f32>(factor));
      target += outStride;
      user += stride;
      factor += 4;
    }
  }
}

/** Four users (rows of `user`, d apart) by two items (rows of `vector`). */
// @ts-ignore: decorator
@inline
function addFourByTwo(at: usize, outStride: usize, d: i32, vector: usize, user: usize, factor: usize): void {
  const stride = bytesOf(d);
  const wideBytes = bytesOf(d & ~3);
  const p = vector + stride;
  const b = user + stride;
  const c = b + stride;
  const e = c + stride;
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let e0 = f32x4.splat(0);
  let e1 = f32x4.splat(0);
  let k: usize = 0;
  for (; k < wideBytes; k += 16) {
    const x = v128.load(vector + k);
    const y = v128.load(p + k);
    const ua = v128.load(user + k);
    a0 = madd(a0, x, ua);
    a1 = madd(a1, y, ua);
    const ub = v128.load(b + k);
    b0 = madd(b0, x, ub);
    b1 = madd(b1, y, ub);
    const uc = v128.load(c + k);
    c0 = madd(c0, x, uc);
    c1 = madd(c1, y, uc);
    const ue = v128.load(e + k);
    e0 = madd(e0, x, ue);
    e1 = madd(e1, y, ue);
  }
  addPair(at, a0, a1, k, stride, vector, p, user, load<f32>(factor));
  addPair(at + outStride, b0, b1, k, stride, vector, p, b, load<f32>(factor, 4));
  addPair(at + 2 * outStride, c0, c1, k, stride, vector, p, c, load<f32>(factor, 8));
  addPair(at + 3 * outStride, e0, e1, k, stride, vector, p, e, load<f32>(factor, 12));
}

/** Finishes the two sums of a user with the d mod 4 last elements and adds them to the scores. */
// @ts-ignore: decorator
@inline
function addPair(
  at: usize,
  lanes0: v128,
  lanes1: v128,
  from: usize,
  stride: usize,
  x: usize,
  y: usize,
  user: usize,
  factor: f32,
): void {
  let s0 = sumLanes(lanes0);
  let s1 = sumLanes(lanes1);
  for (let k = from; k < stride; k += 4) {
    const u = load<f32>(user + k);
    s0 += load<f32>(x + k) * u;
    s1 += load<f32>(y + k) * u;
  }
  store<f32>(at, load<f32>(at) + s0 * factor);
  store<f32>(at, load<f32>(at, 4) + s1 * factor, 4);
}

/** One user by n items, four at a time. */
function addOneByFour(out: usize, n: i32, d: i32, vectors: usize, u: usize, factor: f32): void {
  const stride = bytesOf(d);
  const wideBytes = bytesOf(d & ~3);
  let j = 0;
  let a = vectors;
  for (; j + 4 <= n; j += 4) {
    const b = a + stride;
    const c = b + stride;
    const e = c + stride;
    let sa = f32x4.splat(0);
    let sb = f32x4.splat(0);
    let sc = f32x4.splat(0);
    let se = f32x4.splat(0);
    let k: usize = 0;
    for (; k < wideBytes; k += 16) {
      const x = v128.load(u + k);
      sa = madd(sa, v128.load(a + k), x);
      sb = madd(sb, v128.load(b + k), x);
      sc = madd(sc, v128.load(c + k), x);
      se = madd(se, v128.load(e + k), x);
    }
    let ta = sumLanes(sa);
    let tb = sumLanes(sb);
    let tc = sumLanes(sc);
    let te = sumLanes(se);
    for (; k < stride; k += 4) {
      const x = load<f32>(u + k);
      ta += load<f32>(a + k) * x;
      tb += load<f32>(b + k) * x;
      tc += load<f32>(c + k) * x;
      te += load<f32>(e + k) * x;
    }
    const at = at32(out, j);
    store<f32>(at, load<f32>(at) + ta * factor);
    store<f32>(at, load<f32>(at, 4) + tb * factor, 4);
    store<f32>(at, load<f32>(at, 8) + tc * factor, 8);
    store<f32>(at, load<f32>(at, 12) + te * factor, 12);
    a = e + stride;
  }
  for (; j < n; j++) {
    const at = at32(out, j);
    store<f32>(at, load<f32>(at) + dot(a, u, d) * factor);
    a += stride;
  }
}

/**
 * out_j += bias_j.
 * @param out n × f32
 * @param n items
 * @param bias n × f32
 */
export function addBias(out: usize, n: i32, bias: usize): void {
  const end = bytesOf(n);
  const wideEnd = bytesOf(n & ~3);
  let at: usize = 0;
  for (; at < wideEnd; at += 16) v128.store(out + at, f32x4.add(v128.load(out + at), v128.load(bias + at)));
  for (; at < end; at += 4) store<f32>(out + at, load<f32>(out + at) + load<f32>(bias + at));
}
