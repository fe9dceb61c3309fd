import { bytesOf, i32At, setI32, u32At } from '../core/arrays';
import { rowBegin, rowEnd } from '../core/csr';
import { Pull } from './adapt';
import { below, draw, stream } from '../core/random';
import { Struct } from '../core/struct';
import { addScaled, dot } from '../core/vector';

/** The arguments that the batches of a market share. */
@unmanaged
export class MarginLoss extends Struct {
  /** X: (users + 1) × i32, and the items of each user, strictly increasing */
  xIndptr: usize;
  xItems: usize;
  /** Items. */
  n: i32;
  /** A multiple of 4. */
  d: i32;
  /** V (n × d f32). */
  v: usize;
  /** K, negatives of an interaction. */
  negatives: i32;
  /** γ. */
  gamma: f32;
  seed: u32;
  stage: u32;
}

/**
 * Gradients of the adaptation loss of M3Rec for a batch of users of one market:
 *
 *   L = Σ_(i,j) ( (1 − y_ij) + (1 / K) Σ_k max(0, y_ik − γ) ),   y_ij = cos(u_i, v_j),
 *
 * over the users' interactions (i, j), with K uniform items that the user did not interact with. A user who has all n
 * items gets no negatives. User b draws from the stream (seed, stage, keys[b]). The gradient of V is left as pulls (see
 * adapt.ts).
 * @param count users of the batch
 * @param users count × i32, rows of X
 * @param keys count × i32, see above
 * @param loss what the batches share
 * @param u count × d × f32
 * @param du count × d × f32, overwritten; terms in the order of interactions and negatives
 * @param pulls gets counts[b] pulls from byte 12 (1 + K) starts[b] on, for each user b
 * @param starts count × i32, running sums of the users' interactions
 * @param counts count × i32, written
 * @param totals 2 × f64: adds the loss and the number of interactions
 */
export function margin(
  count: i32,
  users: usize,
  keys: usize,
  loss: MarginLoss,
  u: usize,
  du: usize,
  pulls: usize,
  starts: usize,
  counts: usize,
  totals: usize,
): void {
  const xIndptr = loss.xIndptr;
  const xItems = loss.xItems;
  const n = loss.n;
  const v = loss.v;
  const negatives = loss.negatives;
  const gamma = loss.gamma;
  const seed = loss.seed;
  const stage = loss.stage;
  const bytes = bytesOf(loss.d);
  const share = <f32>1 / <f32>negatives;
  let sum = load<f64>(totals);
  let interactions = load<f64>(totals, 8);
  for (let b = 0; b < count; b++) {
    const key = stream(seed, stage, u32At(keys, b));
    let drawn: u32 = 0;
    const user = i32At(users, b);
    const first = rowBegin(xIndptr, user);
    const last = rowEnd(xIndptr, user);
    const free = n - (last - first);
    const uu = dot(u, u, bytes);
    const norm = sqrt<f32>(uu);
    const firstPull = pulls + <usize>(i32At(starts, b) * (1 + negatives)) * offsetof<Pull>();
    let pull = firstPull;
    memory.fill(du, 0, bytes);
    let along: f32 = 0; // Σ g y, the part of the gradient along u itself
    for (let h = first; h < last; h++) {
      for (let k = -1; k < (free > 0 ? negatives : 0); k++) {
        let item = 0;
        if (k < 0) item = i32At(xItems, h);
        else {
          do item = <i32>below(draw(key, drawn++), n);
          while (contains(xItems, first, last, item));
        }
        const row = v + <usize>item * bytes;
        const vv = dot(row, row, bytes);
        const scale = norm * sqrt<f32>(vv);
        const y = scale > 0 ? dot(u, row, bytes) / scale : <f32>0;
        let g: f32 = -1;
        if (k < 0) sum += <f64>(<f32>1 - y);
        else {
          if (y <= gamma) continue;
          sum += <f64>((y - gamma) * share);
          g = share;
        }
        if (!(scale > 0)) continue;
        addScaled(du, g / scale, row, bytes);
        const entry = changetype<Pull>(pull);
        entry.row = item;
        entry.user = g / scale;
        entry.own = (-g * y) / vv;
        pull += offsetof<Pull>();
        along += g * y;
      }
    }
    if (uu > 0) addScaled(du, -along / uu, u, bytes);
    interactions += <f64>(last - first);
    setI32(counts, b, <i32>((pull - firstPull) / offsetof<Pull>()));
    u += bytes;
    du += bytes;
  }
  store<f64>(totals, sum);
  store<f64>(totals, interactions, 8);
}

/** Whether `item` is among items[first, last), which ascend. */
// @ts-ignore: decorator
@inline
function contains(items: usize, first: i32, last: i32, item: i32): bool {
  let low = first;
  let high = last;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (i32At(items, middle) < item) low = middle + 1;
    else high = middle;
  }
  return low < last && i32At(items, low) == item;
}
