// Puts items that matter to the same columns next to each other, so that the items of a group share a system
// (groups.ts).

/**
 * The items, group after group of `size`; the last may have fewer. A group starts with the first item that is in none,
 * and takes in, one by one, the item i in none with the largest Σ_j gain_ij over the lists of the items j it has (the
 * lowest of several; the first in none where there is none). Time: n · size · width / 2, one thread.
 *
 * @param nearest n × width items, and their gains; 0 and 0 beyond the end of a list.
 */
export function groupAlike(
  n: number,
  width: number,
  nearest: Uint32Array,
  gains: Float32Array,
  size: number,
): Uint32Array {
  const order = new Uint32Array(n);
  const taken = new Uint8Array(n);
  const sums = new Float64Array(n);
  const touched = new Uint32Array(size * width);
  let next = 0;
  for (let begin = 0; begin < n; begin += size) {
    const end = Math.min(n, begin + size);
    let reached = 0;
    for (let at = begin; at < end; at++) {
      let best = -1;
      let most = 0;
      for (let t = 0; t < reached; ) {
        const item = touched[t];
        if (taken[item] === 1) {
          sums[item] = 0;
          touched[t] = touched[--reached];
          continue;
        }
        const sum = sums[item];
        if (sum > most || (sum === most && item < best)) {
          best = item;
          most = sum;
        }
        t++;
      }
      if (best < 0) {
        while (taken[next] === 1) next++;
        best = next;
      }
      taken[best] = 1;
      order[at] = best;
      for (let e = best * width; e < (best + 1) * width; e++) {
        const item = nearest[e];
        if (gains[e] === 0 || taken[item] === 1) continue;
        if (sums[item] === 0) touched[reached++] = item;
        sums[item] += gains[e];
      }
    }
    for (let t = 0; t < reached; t++) sums[touched[t]] = 0;
    order.subarray(begin, end).sort();
  }
  return order;
}
