/** Code units that are compared at once: with 2¹⁶ + 1 values each, three fit in a double exactly. */
const UNITS = 3;
const BASE = 65_537;
/** Ranges up to this length are sorted by insertion. */
const BY_INSERTION = 12;

/**
 * Sorts `numbers`, which are positions in `ids`, in place by their ids' UTF-16 code units: a quicksort whose keys are
 * three units of an id, then the next three where these are equal (Bentley and Sedgewick, 1997). Ids of a shop start
 * alike, and comparing them whole takes most of the time of a sort. 8 bytes a number.
 */
export function sortByIds(numbers: Int32Array, ids: readonly string[]): void {
  const keys = new Float64Array(numbers.length);
  const compare = (a: number, b: number) => (ids[a] < ids[b] ? -1 : ids[a] > ids[b] ? 1 : 0);

  /** A range whose ids have their first `depth` units in common. */
  const sort = (from: number, to: number, depth: number): void => {
    if (to - from <= BY_INSERTION) {
      insert(from, to);
      return;
    }
    for (let i = from; i < to; i++) keys[i] = keyOf(ids[numbers[i]], depth);
    split(from, to, depth, 2 * Math.log2(to - from));
  };

  /** The same, its keys filled in. Bad luck with the pivots, `left` times in a row, leaves the rest to the engine. */
  const split = (from: number, to: number, depth: number, left: number): void => {
    for (; to - from > BY_INSERTION; left--) {
      if (left < 0) {
        numbers.subarray(from, to).sort(compare);
        return;
      }
      const pivot = keys[(from + to) >>> 1];
      let low = from;
      let high = to;
      for (let i = from; i < high; ) {
        if (keys[i] < pivot) swap(i++, low++);
        else if (keys[i] > pivot) swap(i, --high);
        else i++;
      }
      split(from, low, depth, left - 1);
      // a key whose last place is 0 is that of an id which ends here
      if (pivot % BASE !== 0) sort(low, high, depth + UNITS);
      from = high;
    }
    insert(from, to);
  };

  const swap = (i: number, j: number): void => {
    const number = numbers[i];
    numbers[i] = numbers[j];
    numbers[j] = number;
    const key = keys[i];
    keys[i] = keys[j];
    keys[j] = key;
  };

  const insert = (from: number, to: number): void => {
    for (let at = from + 1; at < to; at++) {
      const number = numbers[at];
      const id = ids[number];
      let place = at;
      for (; place > from && ids[numbers[place - 1]] > id; place--) numbers[place] = numbers[place - 1];
      numbers[place] = number;
    }
  };

  sort(0, numbers.length, 0);
}

/** The units of an id from `depth` on, each + 1, 0 beyond the end: in the order of the ids. */
function keyOf(id: string, depth: number): number {
  let key = 0;
  for (let at = depth; at < depth + UNITS; at++) key = key * BASE + (at < id.length ? id.charCodeAt(at) + 1 : 0);
  return key;
}
