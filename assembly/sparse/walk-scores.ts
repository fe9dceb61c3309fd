// Scores by random walks over items, S = Σ_{t=1…τ} c^(t−1) P^t with P = D⁻¹A, A = XᵀX without its diagonal and D its row
// sums: row by row, stepping through Xᵀ and X. z = v ⊘ D; y_u = Σ_{i∈u} z_i over the items that v has; then v' = Xᵀy − z ⊙
// diag(XᵀX), which is (z A). Order, in f64: items and users as they were first met, users of an item and items of a user
// ascending. What is left of a term that cancels, below 10⁻¹² of it, is 0. One rounding to f32 at the end.
import { at32, at64, f64At, i32At, setF32, setF64, setI32 } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { Struct } from '../core/struct';
import { topK } from '../serving/topk';

/** X both ways, and how to walk. */
@unmanaged
export class WalkScores extends Struct {
  /** Items. */
  n: i32;
  /** Xᵀ: (items + 1) × i32, and the users of each item, ascending */
  itemIndptr: usize;
  itemUsers: usize;
  /** X: (users + 1) × i32, and the items of each user */
  userIndptr: usize;
  userItems: usize;
  /** n × f64: the row sums of A */
  sums: usize;
  /** τ. */
  steps: i32;
  /** c. */
  damping: f32;
  /** Most entries of a row, at most n. */
  most: i32;
}

/** Where a task walks. */
@unmanaged
export class WalkPlace extends Struct {
  /** n × f64 each, zero before and after */
  now: usize;
  next: usize;
  total: usize;
  /** users × f64, zero before and after */
  through: usize;
  /** n × i32 each */
  items: usize;
  nextItems: usize;
  /** users × i32 */
  users: usize;
  /** n × f32 */
  scores: usize;
}

/**
 * Rows [first, last) of S without its diagonal, one after another: of each the `most` largest entries above 0, largest
 * first.
 *
 * @param ends (last − first) × i32: where each row ends
 * @param columns i32, @param values f32: room for (last − first) · most
 */
export function walkScoreRows(
  first: i32,
  last: i32,
  x: WalkScores,
  place: WalkPlace,
  ends: usize,
  columns: usize,
  values: usize,
): void {
  const n = x.n;
  const damping = <f64>x.damping;
  const total = place.total;
  let kept = 0;
  for (let item = first; item < last; item++) {
    let now = place.now;
    let next = place.next;
    let items = place.items;
    let nextItems = place.nextItems;
    setF64(now, item, 1);
    setI32(items, 0, item);
    let count = 1;
    let factor: f64 = 1;
    for (let t = 0; t < x.steps; t++) {
      count = step(x, place, now, items, count, next, nextItems);
      for (let e = 0; e < count; e++) {
        const j = i32At(nextItems, e);
        setF64(total, j, f64At(total, j) + factor * f64At(next, j));
      }
      factor *= damping;
      let swap = now;
      now = next;
      next = swap;
      swap = items;
      items = nextItems;
      nextItems = swap;
    }
    for (let e = 0; e < count; e++) setF64(now, i32At(items, e), 0);
    for (let j = 0; j < n; j++) {
      setF32(place.scores, j, j == item ? 0 : <f32>f64At(total, j));
      setF64(total, j, 0);
    }
    let found = topK(place.scores, n, 0, x.most, at32(columns, kept), at32(values, kept));
    while (found > 0 && !(load<f32>(at32(values, kept + found - 1)) > 0)) found--;
    kept += found;
    store<i32>(at32(ends, item - first), kept);
  }
}

/** next = now · P; `now` becomes zero. Returns the number of items that were met. */
function step(
  x: WalkScores,
  place: WalkPlace,
  now: usize,
  items: usize,
  count: i32,
  next: usize,
  nextItems: usize,
): i32 {
  const through = place.through;
  const users = place.users;
  let met = 0;
  for (let e = 0; e < count; e++) {
    const i = i32At(items, e);
    const sum = f64At(x.sums, i);
    const z = sum > 0 ? f64At(now, i) / sum : 0;
    setF64(now, i, z);
    if (!(z > 0)) continue;
    const stop = rowEnd(x.itemIndptr, i);
    for (let f = rowBegin(x.itemIndptr, i); f < stop; f++) {
      const user = i32At(x.itemUsers, f);
      const cell = at64(through, user);
      const old = load<f64>(cell);
      if (old == 0) setI32(users, met++, user);
      store<f64>(cell, old + z);
    }
  }
  let reached = 0;
  for (let e = 0; e < met; e++) {
    const user = i32At(users, e);
    const y = f64At(through, user);
    setF64(through, user, 0);
    const stop = rowEnd(x.userIndptr, user);
    for (let f = rowBegin(x.userIndptr, user); f < stop; f++) {
      const j = i32At(x.userItems, f);
      const cell = at64(next, j);
      const old = load<f64>(cell);
      if (old == 0) setI32(nextItems, reached++, j);
      store<f64>(cell, old + y);
    }
  }
  for (let e = 0; e < count; e++) {
    const i = i32At(items, e);
    const back = f64At(now, i) * <f64>(rowEnd(x.itemIndptr, i) - rowBegin(x.itemIndptr, i));
    setF64(now, i, 0);
    const rest = f64At(next, i) - back;
    // an item that was not met has back = 0 and stays 0
    setF64(next, i, rest > 1e-12 * back ? rest : 0);
  }
  return reached;
}
