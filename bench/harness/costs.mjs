// What the kernels must do, counted by hand from their algorithms, for bench/benches/limits.mjs. A product and a sum
// are two flops, a division or a root one; a flop in f64 counts as two, since a register holds half as many.

import { layout } from '../../dist/kernels.js';

/** Kernels most of whose products are of 16-bit integers: their arithmetic limit is the rate of these. */
export const FIXED = new Set(['sweepPanel', 'sweepUpdate']);

/** Flops of a step of Adam for one parameter, and of e^x and the passes around it for one score of softmax. */
const ADAM = 12;
const SOFTMAX = 24;

/** Flops of `sides` columns of the inverse of a system of n, found by its Cholesky factor. */
const solution = (n, sides) => n ** 3 / 3 + sides ** 3 + sides * n ** 2;
const gemm = (flops, [n]) => ({ flops, bytes: 16 * n * n, set: 12 * n * n });
const adam = (work) => ({ flops: ADAM * work, bytes: 28 * work, set: 16 * work });

/**
 * By the first kernel of a case of bench/kernels: (work of the case, the numbers in its size, the context) → flops,
 * bytes that must move from where `set` bytes lie, and reads of which each waits for the one before. Kernels of
 * integers alone are not here.
 */
export const CASES = {
  gemmNN: gemm,
  gemmNT: gemm,
  gemmTN: gemm,
  // the factor of all rows, forward in the corner, back through all; each panel read and written
  solvePanels: (flops, [n, sides]) => ({ flops, bytes: 8 * n * (n + sides), set: 4 * n * (n + sides) }),
  // the systems' factors and solutions; what is gathered for them is not counted
  chooseItems(_, [groups, count, others]) {
    const n = count + others;
    return { flops: groups * solution(n, count), bytes: groups * 8 * n * (n + count), set: 4 * n * (n + count) };
  },
  // an index read, a counter read and written
  countCore: (pairs, _, { X }) => ({ bytes: 12 * pairs, set: 8 * X.indices.js.length }),
  findNearest: (pairs, _, { X }) => ({ bytes: 12 * pairs, set: 8 * X.indices.js.length }),
  choleskyInverse: (flops, [n]) => ({ flops: 2 * flops, bytes: 8 * n * n, set: 8 * n * n }), // f64
  // each of the n / t sweeps reads and writes the lower triangle
  sweepPivot: (flops, [n, t]) => ({ flops, bytes: (n / t) * 4 * n * n, set: 2 * n * n }),
  inverseDiagonal: (entries) => ({ flops: 2 * entries, bytes: 8 * entries, set: 4 * entries }),
  // indices counted, read and written, a counter and a cursor for each
  transposePattern: (entries) => ({ bytes: 28 * entries, set: 8 * entries }),
  transposeMatrix: (entries) => ({ bytes: 36 * entries, set: 16 * entries }),
  // twice: an index read, a counter read and written
  gramCount: (products, [items], { X }) => ({
    flops: products,
    bytes: 24 * products,
    set: 12 * items + 8 * X.indices.js.length,
  }),
  // a row of d for each entry
  cutColumns: (flops, [, d], { B }) => ({ flops, bytes: 2 * flops, set: 4 * B.rows * d }),
  normaliseRows: (entries) => ({ flops: 2 * entries, bytes: 12 * entries, set: 4 * entries }),
  // index, value, a sum read and written
  historyRows: (entries, _, { B }) => ({ flops: entries, bytes: 16 * entries, set: 8 * B.indices.js.length }),
  rp3betaRows: (entries, _, { X }) => ({ flops: 2 * entries, bytes: 20 * entries, set: 8 * X.indices.js.length }), // f64
  // item → its sums → a user → the user's row → an item
  walk: (steps, _, { X }) => ({ bytes: 20 * steps, reads: 5 * steps, set: 12 * X.indices.js.length }),
  // a dot product, and both rows' gradients; the target's row read, its gradient read and written
  skipgram(pairs, [walks, length, , negatives, d], { B }) {
    const targets = pairs + walks * length * negatives;
    return { flops: 6 * d * targets, bytes: 12 * d * targets, set: 16 * B.rows * d };
  },
  // v·v and u·v; few pairs are within the margin
  margin: (pairs, [, , , d], { X }) => ({ flops: 4 * d * pairs, bytes: 4 * d * pairs, set: 4 * X.cols * d }),
  softmax: (scores, [, n]) => ({ flops: SOFTMAX * scores, bytes: 20 * scores, set: 4 * n }),
  adam,
  adamRows: adam,
  adamItems: (parameters, [items, entries]) => ({
    flops: (ADAM + 3 + (2 * entries) / items) * parameters,
    bytes: 28 * parameters,
    set: 16 * parameters,
  }),
  spreadItems: (flops, [items, , d]) => ({ flops, bytes: 4 * items * d, set: 4 * items * d }),
  unitRows: (elements) => ({ flops: 3 * elements, bytes: 8 * elements, set: 8 * elements }),
  unitRowsBackward: (elements) => ({ flops: 6 * elements, bytes: 16 * elements, set: 12 * elements }),
  addInto: (elements) => ({ flops: elements, bytes: 12 * elements, set: 8 * elements }),
  addRows: (elements) => ({ flops: elements, bytes: 12 * elements, set: 8 * elements }),
  activate: (elements) => ({ flops: 2 * elements, bytes: 8 * elements, set: 4 * elements }),
  activateBackward: (elements) => ({ flops: 2 * elements, bytes: 12 * elements, set: 8 * elements }),
  multiplyRows: (elements) => ({ flops: 2 * elements, bytes: 16 * elements, set: 12 * elements }),
  // the rows that are taken are read once, from wherever they lie
  takeRows: (elements, [, all, d]) => ({ bytes: 8 * elements, set: 4 * all * d }),
  // each part read and cleared, besides what a step of Adam moves
  stepParameters: (elements, [, parts]) => ({
    flops: (ADAM + parts + 2) * elements,
    bytes: (24 + 8 * parts) * elements,
    set: (12 + 4 * parts) * elements,
  }),
  // index and value, and a line of a panel for each entry
  propagateOnto: (entries, [rows]) => ({
    flops: 32 * entries,
    bytes: 72 * entries + 128 * rows,
    set: 8 * entries + 192 * rows,
  }),
  dot: (elements) => ({ flops: 2 * elements, bytes: 4 * elements, set: 4 * elements }),
  scoreLinear: (work, [lists, entries, n], { B }) => ({
    flops: work,
    bytes: 16 * entries + 12 * lists * n,
    set: 8 * B.indices.js.length,
  }),
  meanRows: (elements, [repeats]) => ({ flops: elements, bytes: 4 * elements, set: (4 * elements) / repeats }),
  // four users share a pass over the vectors
  addCosines: (flops, [m, n, d]) => ({ flops, bytes: 4 * n * d * Math.ceil(m / 4) + 8 * m * n, set: 4 * n * d }),
  addBias: (elements, [repeats]) => ({ flops: elements, bytes: 12 * elements, set: (8 * elements) / repeats }),
  topK: (scores) => ({ bytes: 5 * scores, set: 4 * scores }),
};

const words = ({ buffer }, address, count) => new Uint32Array(buffer, address >>> 0, count);
/** The integers of a struct of the kernels. */
const struct = ({ buffer }, kind, address) =>
  kind.read(new Uint32Array(buffer), new Float32Array(buffer), (address >>> 0) / 4);
/** `count` structs of a kind. */
const structs = (memory, kind, address, count) =>
  Array.from({ length: count }, (_, i) => struct(memory, kind, address + kind.bytes * i));
const difference = (memory, indptr, begin, end) =>
  words(memory, indptr + 4 * end, 1)[0] - words(memory, indptr + 4 * begin, 1)[0];
const gemmFlops = ([m, n, k]) => 2 * m * n * k;

/** Flops of a column of C from the first `count` panels of the sparse elimination, 16 columns at a time. */
function inversion([panels, count], memory) {
  let flops = 0;
  for (const { width, height } of structs(memory, layout.FactoredPanel, panels, count)) flops += 32 * width * height;
  return flops;
}

/** By kernel: flops of one call of its export, from its arguments, what they point to and all exports. */
export const FLOPS = {
  gemmNN: gemmFlops,
  gemmNT: gemmFlops,
  gemmTN: gemmFlops,
  sweepPivot: ([, t]) => 2 * t ** 3, // f64
  sweepPanel: ([, t]) => 2 * t ** 3,
  sweepUpdate([, t, k, i, from, to, slots], memory, { sweepSlotBytes }) {
    const bytes = sweepSlotBytes(t);
    // the last word but three of a slot says whether there is anything in it
    const filled = (j) => words(memory, slots + (j + 1) * bytes - 16, 1)[0] !== 0;
    if (!filled(i)) return 0;
    let tiles = 0;
    // of a diagonal tile, strips of a quarter up to the diagonal: 5/8 of it
    for (let j = from; j < to; j++) if (j !== k && filled(j)) tiles += j === i ? 0.625 : 1;
    return tiles * 2 * t ** 3;
  },
  updatePanels([panels, panel, inside], memory) {
    const [{ width, height }] = structs(memory, layout.FactoredPanel, panels + layout.FactoredPanel.bytes * panel, 1);
    return 2 * width * (inside * height - (inside * inside) / 2);
  },
  updateTile([all, i, j], memory) {
    const { panels, count, starts, tileRows } = struct(memory, layout.Panels, all);
    const ends = words(memory, starts, count * (tileRows + 1));
    let flops = 0;
    for (const [p, { width }] of structs(memory, layout.FactoredPanel, panels, count).entries()) {
      const at = p * (tileRows + 1);
      flops += 2 * width * (ends[at + i + 1] - ends[at + i]) * (ends[at + j + 1] - ends[at + j]) * (i === j ? 0.5 : 1);
    }
    return flops;
  },
  invertSwept: inversion,
  invertLeading: inversion,
  propagate: ([begin, end, indptr, , , , , , keep], memory) =>
    32 * (difference(memory, indptr, begin, end) + (keep !== 0 ? end - begin : 0)),
  solveGroup([, group], memory) {
    const { count, others } = struct(memory, layout.ItemGroup, group);
    return solution(count + others, count);
  },
  skipgram([begin, end, , training], memory) {
    const { length, window, d, negatives } = struct(memory, layout.SkipGram, training);
    const reach = Math.min(window, length - 1);
    return 6 * d * (end - begin) * (reach * (2 * length - reach - 1) + length * negatives);
  },
  softmax: ([count, , , , n]) => SOFTMAX * count * n,
  adam: ([n]) => ADAM * n,
  adamRows: ([count, , d]) => ADAM * count * d,
  adamItems([begin, end, x, , pullIndptr, , , tables], memory) {
    const { indptr } = struct(memory, layout.Csr, x);
    const { d } = struct(memory, layout.ItemTables, tables);
    const pulls = pullIndptr === 0 ? 0 : words(memory, pullIndptr + 4 * (end - begin), 1)[0];
    return d * (2 * difference(memory, indptr, begin, end) + 2 * pulls + (ADAM + 3) * (end - begin));
  },
  spreadItems: ([begin, end, x, , d], memory) =>
    2 * d * difference(memory, struct(memory, layout.Csr, x).indptr, begin, end),
};
