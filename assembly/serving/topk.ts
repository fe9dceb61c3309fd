// The k best of n scores. A heap of the kept entries has the worst of them at its root: the lowest score and, among
// equal scores, the highest index. The scan is ascending, so a later equal score never displaces an earlier one. It
// skips four scores at a time if none is above the root. NaN counts as −∞.

import { at32, bytesOf, f32At, setF32, setI32 } from '../core/arrays';

/**
 * Writes the k best entries, best first, equal scores by lower index. Returns their number: fewer than k only if fewer
 * are left.
 * @param scores n × f32
 * @param n number of scores
 * @param exclude n × u8, nonzero leaves that index out; address 0 for no mask
 * @param k at most n
 * @param outIndex k × i32
 * @param outScore k × f32
 */
export function topK(scores: usize, n: i32, exclude: usize, k: i32, outIndex: usize, outScore: usize): i32 {
  if (k <= 0) return 0;
  let kept = 0;
  let i = 0;
  for (; i < n && kept < k; i++) {
    if (exclude != 0 && load<u8>(exclude + <usize>i) != 0) continue;
    rise(outIndex, outScore, kept, i, ordered(f32At(scores, i)));
    kept++;
  }
  if (kept == k) {
    let worst = load<f32>(outScore);
    while (i < n) {
      if (i + 4 <= n && !v128.any_true(f32x4.gt(v128.load(at32(scores, i)), f32x4.splat(worst)))) {
        i += 4;
        continue;
      }
      const end = min(n, i + 4);
      for (; i < end; i++) {
        const score = f32At(scores, i);
        if (!(score > worst)) continue;
        if (exclude != 0 && load<u8>(exclude + <usize>i) != 0) continue;
        sink(outIndex, outScore, k, i, score);
        worst = load<f32>(outScore);
      }
    }
  }
  sortHeap(outIndex, outScore, kept);
  return kept;
}

/** Sorts a heap of `size` entries, best first: the worst goes to the end of the shrinking heap. */
export function sortHeap(indices: usize, scores: usize, size: i32): void {
  for (let last = size - 1; last > 0; last--) {
    const at = bytesOf(last);
    const index = load<i32>(indices + at);
    const score = load<f32>(scores + at);
    store<i32>(indices + at, load<i32>(indices));
    store<f32>(scores + at, load<f32>(scores));
    sink(indices, scores, last, index, score);
  }
}

// @ts-ignore: decorator
@inline
function ordered(score: f32): f32 {
  return score == score ? score : -f32.MAX_VALUE * f32.MAX_VALUE;
}

/** Whether entry a is worse than entry b. */
// @ts-ignore: decorator
@inline
function worse(scoreA: f32, indexA: i32, scoreB: f32, indexB: i32): bool {
  return scoreA < scoreB || (scoreA == scoreB && indexA > indexB);
}

/** Moves the last entry of a heap of `size` entries up to its place. */
export function rise(indices: usize, scores: usize, size: i32, index: i32, score: f32): void {
  let hole = size;
  while (hole > 0) {
    const parent = (hole - 1) >> 1;
    const at = bytesOf(parent);
    if (!worse(score, index, load<f32>(scores + at), load<i32>(indices + at))) break;
    setF32(scores, hole, load<f32>(scores + at));
    setI32(indices, hole, load<i32>(indices + at));
    hole = parent;
  }
  setF32(scores, hole, score);
  setI32(indices, hole, index);
}

/** Moves a new root of a heap of `size` entries down to its place. */
export function sink(indices: usize, scores: usize, size: i32, index: i32, score: f32): void {
  let hole = 0;
  while (true) {
    let child = 2 * hole + 1;
    if (child >= size) break;
    let at = bytesOf(child);
    if (
      child + 1 < size &&
      worse(load<f32>(scores + at + 4), load<i32>(indices + at + 4), load<f32>(scores + at), load<i32>(indices + at))
    ) {
      child++;
      at += 4;
    }
    if (!worse(load<f32>(scores + at), load<i32>(indices + at), score, index)) break;
    setF32(scores, hole, load<f32>(scores + at));
    setI32(indices, hole, load<i32>(indices + at));
    hole = child;
  }
  setF32(scores, hole, score);
  setI32(indices, hole, index);
}
