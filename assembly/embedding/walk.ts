import { below, draw, stream } from '../core/random';
import { Struct } from '../core/struct';

// Random walks on the co-occurrence graph A = XᵀX without its diagonal, without ever making A: p(j|i) ∝ A_ij is the
// same as "a user u of item i with probability ∝ |x_u| − 1, then one of the user's other items, each alike".

/**
 * For every item i the running sums of |x_u| − 1 over its users u: `sums` (nnz, u32), laid out as the items' rows.
 * An item whose last sum is 0 has no neighbour.
 */
export function walkWeights(items: i32, itemIndptr: usize, itemUsers: usize, userIndptr: usize, sums: usize): void {
  for (let i = 0; i < items; i++) {
    const first = load<i32>(itemIndptr + ((<usize>i) << 2));
    const last = load<i32>(itemIndptr + ((<usize>i) << 2), 4);
    let sum: u32 = 0;
    for (let e = first; e < last; e++) {
      const user = userIndptr + ((<usize>load<i32>(itemUsers + ((<usize>e) << 2))) << 2);
      sum += <u32>(load<i32>(user, 4) - load<i32>(user) - 1);
      store<u32>(sums + ((<usize>e) << 2), sum);
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
 * Walks [begin, end), each `length` items, into `walks` ((end − begin) × length i32). Walk w starts at starts[w], which must
 * have a neighbour, and draws from the stream (seed, stage, w) alone.
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
    let item = load<i32>(starts + ((<usize>w) << 2));
    store<i32>(walks, item);
    walks += 4;
    for (let step = 1; step < length; step++) {
      const bits = draw(key, step);
      let low = load<i32>(itemIndptr + ((<usize>item) << 2));
      let high = load<i32>(itemIndptr + ((<usize>item) << 2), 4) - 1;
      // the upper half of the bits picks the user: the first whose running sum exceeds the draw
      const target = below(bits, load<u32>(sums + ((<usize>high) << 2)));
      while (low < high) {
        const middle = (low + high) >> 1;
        if (load<u32>(sums + ((<usize>middle) << 2)) > target) high = middle;
        else low = middle + 1;
      }
      const user = userIndptr + ((<usize>load<i32>(itemUsers + ((<usize>low) << 2))) << 2);
      const first = load<i32>(user);
      // the lower half picks one of the user's other items: columns rise, so those from `item` on move up by one
      let at = userItems + ((<usize>(first + <i32>below(bits << 32, load<i32>(user, 4) - first - 1))) << 2);
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
    const at = visits + ((<usize>load<i32>(walks + ((<usize>k) << 2))) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}
