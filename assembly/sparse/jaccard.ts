// Similarity of two items of a market by the users they share, at the entries of a given matrix:
//   J_ij = A_ij / (n_i + n_j − A_ij + shrinkage),  A = XᵀX, n its diagonal.
// Order: A is counted in integers, so any order gives the same bits; the quotient is one division in f32. Its terms are
// exact up to 2²⁴ users of an item.
import { Struct } from '../core/struct';

/** X both ways, and where J is wanted. */
@unmanaged
export class SharedUsers extends Struct {
  /** X: (users + 1) × i32, and the items of each user */
  userStarts: usize;
  userItems: usize;
  /** Xᵀ: (n + 1) × i32, and the users of each item */
  itemStarts: usize;
  itemUsers: usize;
  /** (n + 1) × i32, and entries × i32: the entries of a matrix over the items */
  indptr: usize;
  indices: usize;
  shrinkage: f32;
  /** entries × f32: J at each */
  out: usize;
}

/** Rows [from, to) of J. @param counts n × u32, zero before and after */
export function jaccardRows(x: SharedUsers, from: i32, to: i32, counts: usize): void {
  const itemStarts = x.itemStarts;
  const indices = x.indices;
  const shrinkage = x.shrinkage;
  const out = x.out;
  for (let i = from; i < to; i++) {
    const entry = x.indptr + ((<usize>i) << 2);
    const first = (<usize>load<u32>(entry)) << 2;
    const last = (<usize>load<u32>(entry, 4)) << 2;
    if (first == last) continue;
    const row = itemStarts + ((<usize>i) << 2);
    const users = x.itemUsers + ((<usize>load<u32>(row)) << 2);
    const usersEnd = x.itemUsers + ((<usize>load<u32>(row, 4)) << 2);
    const own: f32 = <f32>((usersEnd - users) >> 2);
    for (let u = users; u < usersEnd; u += 4) {
      const user = x.userStarts + ((<usize>load<u32>(u)) << 2);
      const end = x.userItems + ((<usize>load<u32>(user, 4)) << 2);
      for (let p = x.userItems + ((<usize>load<u32>(user)) << 2); p < end; p += 4) {
        const count = counts + ((<usize>load<u32>(p)) << 2);
        store<u32>(count, load<u32>(count) + 1);
      }
    }
    for (let at = first; at < last; at += 4) {
      const item = (<usize>load<u32>(indices + at)) << 2;
      const both: f32 = <f32>load<u32>(counts + item);
      const other: f32 = <f32>(load<u32>(itemStarts + item, 4) - load<u32>(itemStarts + item));
      // an item without users has no similarity to any
      store<f32>(out + at, both > 0 ? both / (own + other - both + shrinkage) : 0);
    }
    for (let u = users; u < usersEnd; u += 4) {
      const user = x.userStarts + ((<usize>load<u32>(u)) << 2);
      const end = x.userItems + ((<usize>load<u32>(user, 4)) << 2);
      for (let p = x.userItems + ((<usize>load<u32>(user)) << 2); p < end; p += 4)
        store<u32>(counts + ((<usize>load<u32>(p)) << 2), 0);
    }
  }
}
