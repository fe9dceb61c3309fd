import { at32, i32At, setU32, u32At } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { below, draw, stream } from '../core/random';
import { Struct } from '../core/struct';

// Random walks on the co-occurrence graph A = XᵀX without its diagonal. A is never built: p(j|i) ∝ A_ij is the same as
// "a user u of item i with probability ∝ |x_u| − 1, then one of the user's other items, uniformly".

/**
 * For every item i the running sums of |x_u| − 1 over its users u: `sums` (nnz, u32), laid out as the items' rows.
 * An item whose last sum is 0 has no neighbour.
 */
export function walkWeights(items: i32, itemIndptr: usize, itemUsers: usize, userIndptr: usize, sums: usize): void {
  for (let i = 0; i < items; i++) {
    const first = rowBegin(itemIndptr, i);
    const last = rowEnd(itemIndptr, i);
    let sum: u32 = 0;
    for (let e = first; e < last; e++) {
      const user = i32At(itemUsers, e);
      sum += <u32>(rowEnd(userIndptr, user) - rowBegin(userIndptr, user) - 1);
      setU32(sums, e, sum);
    }
  }
}

/** X in both directions. */
@unmanaged
export class WalkGraph extends Struct {
  /** Xᵀ: (items + 1) × i32 and nnz × i32. */
  itemIndptr: usize;
  itemUsers: usize;
  /** nnz × u32, from walkWeights. */
  sums: usize;
  /** X: (users + 1) × i32 and nnz × i32, the items of a user strictly increasing. */
  userIndptr: usize;
  userItems: usize;
}

/**
 * Draws walks [begin, end). Walk w draws from the stream (seed, stage, w) alone.
 * @param begin the first walk
 * @param end the walk after the last
 * @param starts i32, the first item of each walk, by its number; it must have a neighbour
 * @param length items of a walk
 * @param graph X
 * @param seed the run's seed
 * @param stage with the walk's number, the key of its stream
 * @param walks (end − begin) × length × i32, written
 */
export function walk(
  begin: i32,
  end: i32,
  starts: usize,
  length: i32,
  graph: WalkGraph,
  seed: u32,
  stage: u32,
  walks: usize,
): void {
  const itemIndptr = graph.itemIndptr;
  const itemUsers = graph.itemUsers;
  const sums = graph.sums;
  const userIndptr = graph.userIndptr;
  const userItems = graph.userItems;
  for (let w = begin; w < end; w++) {
    const key = stream(seed, stage, w);
    let item = i32At(starts, w);
    store<i32>(walks, item);
    walks += 4;
    for (let step = 1; step < length; step++) {
      const bits = draw(key, step);
      let low = rowBegin(itemIndptr, item);
      let high = rowEnd(itemIndptr, item) - 1;
      // the upper half of the bits picks the user: the first whose running sum exceeds the draw
      const target = below(bits, u32At(sums, high));
      while (low < high) {
        const middle = (low + high) >> 1;
        if (u32At(sums, middle) > target) high = middle;
        else low = middle + 1;
      }
      const user = i32At(itemUsers, low);
      const first = rowBegin(userIndptr, user);
      // the lower half picks one of the user's other items: columns ascend, so those from `item` on move up by one
      let at = at32(userItems, first + <i32>below(bits << 32, rowEnd(userIndptr, user) - first - 1));
      if (load<i32>(at) >= item) at += 4;
      item = load<i32>(at);
      store<i32>(walks, item);
      walks += 4;
    }
  }
}

/** visits (items, u32, zeroed by the caller) counts how often each item stands in `walks` (n i32). */
export function countVisits(n: i32, walks: usize, visits: usize): void {
  for (let k = 0; k < n; k++) {
    const at = at32(visits, i32At(walks, k));
    store<u32>(at, load<u32>(at) + 1);
  }
}
