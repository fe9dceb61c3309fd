// Positions of items in the plane: each is drawn to its nearest neighbours and pushed from items drawn at random (the forces
// of UMAP with a = b = 1, which need no power). Seeded, in plain arithmetic, so that a model always has the same map.
import { SplitMix } from '../../data/splitmix.ts';

export const PASSES = 200;
/** Items that each is pushed from, for every neighbour that it is drawn to. */
const PUSHED = 3;
const SEED = 7;
/** No step is longer, in each direction. */
const LONGEST = 4;
/** Side of the square that the items start in. */
const START = 20;

/**
 * Yields the positions (2n: x and y of each item) after each of PASSES passes; it is always the same array.
 *
 * @param neighbours (n × each) numbers of each item's neighbours, −1 where it has fewer.
 */
export function* settle(n: number, neighbours: Int32Array): Generator<Float32Array> {
  const random = new SplitMix(SEED);
  const each = n === 0 ? 0 : neighbours.length / n;
  const at = Float32Array.from({ length: 2 * n }, () => START * (random.fraction() - 0.5));
  for (let pass = 0; pass < PASSES; pass++) {
    const rate = 1 - pass / PASSES;
    for (let i = 0; i < n; i++) {
      for (let e = i * each; e < (i + 1) * each; e++) {
        const j = neighbours[e];
        if (j < 0) continue;
        pull(at, i, j, rate);
        for (let p = 0; p < PUSHED; p++) push(at, i, random.below(n), rate);
      }
    }
    yield at;
  }
}

/** Moves both of a pair towards each other. */
function pull(at: Float32Array, i: number, j: number, rate: number): void {
  const dx = at[2 * i] - at[2 * j];
  const dy = at[2 * i + 1] - at[2 * j + 1];
  const force = -2 / (1 + dx * dx + dy * dy);
  const [x, y] = [rate * cut(force * dx), rate * cut(force * dy)];
  at[2 * i] += x;
  at[2 * i + 1] += y;
  at[2 * j] -= x;
  at[2 * j + 1] -= y;
}

/** Moves i away from j. */
function push(at: Float32Array, i: number, j: number, rate: number): void {
  if (i === j) return;
  const dx = at[2 * i] - at[2 * j];
  const dy = at[2 * i + 1] - at[2 * j + 1];
  const squared = dx * dx + dy * dy;
  const force = 2 / ((0.001 + squared) * (1 + squared));
  at[2 * i] += rate * cut(force * dx);
  at[2 * i + 1] += rate * cut(force * dy);
}

const cut = (step: number) => Math.max(-LONGEST, Math.min(LONGEST, step));
