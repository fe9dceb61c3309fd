// In what order EASE eliminates items, from the pattern of G alone: first those that leave little fill, cut into
// panels, then the rest, which has become nearly dense. Peak memory: n²/8 bytes of linear memory, then about twice the
// factor's pattern.
import { plus } from '../engine/address.ts';
import type { StageContext } from '../engine/stage.ts';
import type { SparsePattern } from '../matrix/sparse.ts';
import { TILE } from '../matrix/tiles.ts';

/** Columns that share their rows below; see assembly/sparse/supernode.ts. */
export interface Panel {
  /** Position of the first column, and columns. */
  first: number;
  width: number;
  /** Positions of the rows below, rising, all of them after the panel. */
  rows: Int32Array;
}

export interface Elimination {
  /** (n) the item at each position: the leading ones panel by panel, then those to be taken as dense. */
  order: Int32Array;
  /** Columns in panels; all later ones are dense. */
  leading: number;
  panels: Panel[];
  /**
   * Where each level of panels starts, and how many panels there are: a panel's rows are of later levels than its own.
   */
  levels: number[];
}

/** Nodes that one kernel call eliminates: at most a few ms each at n = 12,015. */
const NODES_PER_CALL = 16;
/** Most columns of a panel: their inverse is in f64, which is slow. */
export const MAX_WIDTH = 64;
/**
 * What a panel costs besides its products, in flops: adding an element of an update, a pair of its rows in a block of
 * columns, a start.
 */
const ADD = 30;
const START_PAIR = 8 * 64;
const START_PANEL = 16 * 64;

/** Linear memory, in bytes, that `planElimination` asks for. */
export function planBytes(n: number): number {
  return 8 * n * wordsOf(n) + 12 * n + 32;
}

/** u64 words in a row of bits, an even number. */
function wordsOf(n: number): number {
  return 2 * Math.ceil(n / 128);
}

/**
 * The elimination of a symmetric matrix with this pattern (n × n, rows strictly rising, the diagonal in it or not). It
 * depends on the pattern alone.
 *
 * @throws MemoryError if planBytes(n) do not fit.
 */
export async function planElimination(context: StageContext, pattern: SparsePattern): Promise<Elimination> {
  const { kernels, name } = context;
  const { exports, memory } = kernels;
  const n = pattern.rows;
  memory.require(planBytes(n), `${name} on ${n} items`);
  // The dense end of the order to the left, so that rows of bits get shorter as nodes are eliminated.
  const byDegree = Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => degree(b) - degree(a) || a - b);
  const nodeOf = invertPermutation(byDegree);
  const words = wordsOf(n);
  const progress = context.part('order');
  const mark = memory.mark();
  try {
    const bits = memory.allocateZeroed(8 * n * words, name);
    const fours = 4 * Math.ceil(n / 4);
    const degrees = memory.allocate(4 * fours, name);
    const fills = memory.allocate(4 * fours, name);
    const eliminated = memory.allocate(4 * n, name);
    setBits(memory.u32(bits, 2 * n * words), memory.i32(degrees, fours).fill(-1));
    let leading = 0;
    for (let goal = NODES_PER_CALL; ; goal += NODES_PER_CALL) {
      leading = exports.eliminate(n, words, bits, degrees, fills, leading, NODES_PER_CALL, eliminated);
      await progress.tick(leading, n);
      if (leading < goal) break;
    }
    const sequence = memory.i32(eliminated, leading).slice();
    return arrange(sequence, (node) => readBits(memory.u32(plus(bits, 8 * words * node), 2 * words)));
  } finally {
    memory.release(mark);
  }

  function degree(i: number): number {
    return pattern.indptr[i + 1] - pattern.indptr[i];
  }

  function setBits(bits: Uint32Array, degrees: Int32Array): void {
    for (let node = 0; node < n; node++) {
      const at = 2 * words * node;
      const item = byDegree[node];
      let neighbours = 0;
      bits[at + (node >> 5)] |= 1 << (node & 31);
      for (let p = pattern.indptr[item]; p < pattern.indptr[item + 1]; p++) {
        const other = nodeOf[pattern.indices[p]];
        if (other === node) continue;
        bits[at + (other >> 5)] |= 1 << (other & 31);
        neighbours++;
      }
      degrees[node] = neighbours;
    }
  }

  /** Panels out of the nodes as they were eliminated and the rows of each, in levels. */
  function arrange(sequence: Int32Array, rowsOf: (node: number) => Int32Array): Elimination {
    const leading = sequence.length;
    const step = new Int32Array(n).fill(leading);
    for (const [j, node] of sequence.entries()) step[node] = j;
    const { columns, parents } = amalgamate(sequence, step, rowsOf, n);
    const heights = heightsOf(parents);
    const byHeight = Array.from(columns.keys()).sort((a, b) => heights[a] - heights[b] || a - b);
    // positions: panel by panel, then what is left, by degree
    const position = new Int32Array(n).fill(-1);
    let next = 0;
    for (const panel of byHeight) for (const j of columns[panel]) position[sequence[j]] = next++;
    for (let node = 0; node < n; node++) if (position[node] < 0) position[node] = next++;
    const panels: Panel[] = [];
    const levels: number[] = [];
    let first = 0;
    for (const panel of byHeight) {
      if (heights[panel] === levels.length) levels.push(panels.length);
      const width = columns[panel].length;
      const rows = rowsOf(sequence[columns[panel][width - 1]])
        .map((node) => position[node])
        .sort();
      panels.push({ first, width, rows });
      first += width;
    }
    levels.push(panels.length);
    const order = new Int32Array(n);
    for (let node = 0; node < n; node++) order[position[node]] = byDegree[node];
    return { order, leading, panels, levels };
  }
}

/**
 * The columns of each panel, by their steps, and its parent: the panel of the first of its rows, or −1. A column starts
 * alone. It takes in panels whose first row it is, if computing with their missing entries as zeros costs less than two
 * smaller panels.
 */
function amalgamate(
  sequence: Int32Array,
  step: Int32Array,
  rowsOf: (node: number) => Int32Array,
  n: number,
): { columns: number[][]; parents: number[] } {
  const leading = sequence.length;
  const heights = new Int32Array(leading);
  const parent = new Int32Array(leading).fill(-1);
  const held: (number[] | undefined)[] = Array.from({ length: leading }, (_, j) => [j]);
  const children: number[][] = Array.from({ length: leading }, () => []);
  for (let j = 0; j < leading; j++) {
    const rows = rowsOf(sequence[j]);
    heights[j] = rows.length;
    let above = leading;
    for (const node of rows) above = Math.min(above, step[node]);
    if (above < leading) {
      parent[j] = above;
      children[above].push(j);
    }
    // the rows of a merged panel are those of its last column, so the nearest in size lose least
    for (const child of children[j].sort((a, b) => heights[b] - heights[a] || a - b)) {
      const width = held[j]!.length;
      const theirs = held[child]!.length;
      if (
        width + theirs > MAX_WIDTH ||
        cost(width + theirs, heights[j]) > cost(width, heights[j]) + cost(theirs, heights[child])
      )
        continue;
      held[j]!.push(...held[child]!);
      held[child] = undefined;
      for (const grandchild of children[child]) {
        if (held[grandchild]) {
          parent[grandchild] = j;
          children[j].push(grandchild);
        }
      }
    }
  }
  const panelOf = new Int32Array(leading).fill(-1);
  const columns: number[][] = [];
  const last: number[] = [];
  for (const [j, panel] of held.entries()) {
    if (!panel) continue;
    panelOf[j] = columns.length;
    last.push(j);
    columns.push(panel.sort((a, b) => a - b));
  }
  return { columns, parents: last.map((j) => (parent[j] < 0 ? -1 : panelOf[parent[j]])) };

  /** In flops: the update and the products with all n columns. */
  function cost(width: number, rows: number): number {
    return (
      rows * rows * (width + ADD) +
      8 * width ** 3 +
      (n / 16) * (Math.ceil(width / 2) * (64 * rows + START_PAIR) + START_PANEL)
    );
  }
}

/** How far each panel is above the lowest that descends to it; parents come after their children. */
function heightsOf(parents: number[]): Int32Array {
  const heights = new Int32Array(parents.length);
  for (const [panel, parent] of parents.entries())
    if (parent >= 0) heights[parent] = Math.max(heights[parent], heights[panel] + 1);
  return heights;
}

/** Flops of the inverse by this elimination over those of the dense one, whole tiles counted. */
export function shareOfDense({ order, leading, panels }: Elimination): number {
  const n = order.length;
  const whole = (rows: number) => (Math.ceil(rows / TILE) * TILE) ** 3;
  let flops = whole(n - leading);
  for (const { first, width, rows } of panels) flops += width * rows.length * (rows.length + 2 * (n - first));
  return flops / whole(n);
}

function readBits(words: Uint32Array): Int32Array {
  let count = 0;
  for (let w = 0; w < words.length; w++) for (let rest = words[w]; rest !== 0; rest &= rest - 1) count++;
  const set = new Int32Array(count);
  for (let w = words.length - 1; count > 0; w--) {
    for (let rest = words[w]; rest !== 0; ) {
      const highest = 31 - Math.clz32(rest);
      set[--count] = 32 * w + highest;
      rest ^= 1 << highest;
    }
  }
  return set;
}

/** The place of each value: of plan.order, each item's position. */
export function invertPermutation(permutation: Int32Array): Int32Array {
  const inverse = new Int32Array(permutation.length);
  for (let i = 0; i < permutation.length; i++) inverse[permutation[i]] = i;
  return inverse;
}
