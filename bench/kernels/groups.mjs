// EASE by groups: the Cholesky solve alone, and on the data's own matrices the counting that it lives on.
import { layout } from '../../dist/kernels.js';
import { randoms } from '../harness/splitmix64.mjs';

const LAMBDA = 25;
const WIDTH = 32;
const CORE = 1024;
const GROUP = 16;
const MOST = 112;
/** Groups of a run, one after another by rank. */
const GROUPS = 64;
/** Rows of the core's table, and items whose lists are made, in a run. */
const TABLE_ROWS = 256;
const LISTS = 1024;

export function* groups(c) {
  for (const size of [128, 256, 512, 1024]) yield () => solve(c, size);
  yield () => tails(c);
  yield () => coreTable(c);
  yield () => lists(c);
  yield () => systems(c);
}

const count = (n) => n.toLocaleString('en-US');

/** An eighth of the unknowns are right sides, those of the last rows: what a group is. */
function solve({ exports, bench }, size) {
  const sides = size / 8;
  const corner = size - sides;
  const length = 8 * size;
  const at = (r, k) => (r >> 3) * length + 8 * k + (r & 7);
  const noise = randoms(size * size, 3);
  const matrix = new Float32Array(size * size);
  const panels = new Float32Array((size / 8 + sides / 8) * length);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = i === j ? 4 : noise[i * size + j] / Math.sqrt(size);
      panels[at(i, j)] = matrix[i * size + j] = matrix[j * size + i] = value;
    }
  }
  for (let s = 0; s < sides; s++) panels[at(size + s, corner + s)] = 1;
  const system = bench.put(panels);
  const dense = bench.put(matrix);
  const scratch = bench.scratch(exports.solveScratchBytes());
  let solutions;
  return {
    kernels: ['solvePanels'],
    size: `${size} rows, ${sides} right sides`,
    // the factor, forward in the corner alone, back through all
    work: size ** 3 / 3 + sides ** 3 + sides * size ** 2,
    unit: 'GFLOP/s',
    reset: [system, dense],
    found() {
      const x = bench.view(system);
      return Float32Array.from({ length: sides * size }, (_, e) => x[at(size + Math.floor(e / size), e % size)]);
    },
    expected: () => solutions,
    wasm: () => exports.solvePanels(size, corner, sides / 8, 0, system.at, scratch),
    js() {
      solutions = plainSolve(size, corner, dense.js);
    },
  };
}

/** A⁻¹'s last columns, one after another; A becomes its Cholesky factor. */
function plainSolve(n, corner, a) {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j];
    }
  }
  const solutions = new Float32Array((n - corner) * n);
  for (let s = 0; s < n - corner; s++) {
    const x = solutions.subarray(s * n, (s + 1) * n);
    x[corner + s] = 1;
    for (let i = corner; i < n; i++) {
      let sum = x[i];
      for (let k = corner; k < i; k++) sum -= a[i * n + k] * x[k];
      x[i] = sum / a[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      x[i] /= a[i * n + i];
      for (let k = 0; k < i; k++) x[k] -= a[i * n + k] * x[i];
    }
  }
  return solutions;
}

/** X both ways with items by popularity, the core's table empty, the lists empty; plain and in linear memory. */
function catalogue({ exports, bench, X, Xt }) {
  const n = X.cols;
  const users = X.rows;
  const degree = (item) => Xt.indptr.js[item + 1] - Xt.indptr.js[item];
  const order = Int32Array.from({ length: n }, (_, item) => item).sort((a, b) => degree(b) - degree(a) || a - b);
  const itemStarts = bench.u32(n + 1);
  const itemUsers = bench.u32(X.indices.js.length);
  for (const [rank, item] of order.entries()) {
    const list = Xt.indices.js.subarray(Xt.indptr.js[item], Xt.indptr.js[item + 1]);
    itemUsers.js.set(list, itemStarts.js[rank]);
    itemStarts.js[rank + 1] = itemStarts.js[rank] + list.length;
  }
  for (const pair of [itemStarts, itemUsers]) bench.view(pair).set(pair.js);
  const userStarts = bench.u32(users + 1);
  const userItems = bench.u32(X.indices.js.length);
  exports.transposePattern(n, users, itemStarts.at, itemUsers.at, userStarts.at, userItems.at);
  for (const pair of [userStarts, userItems]) pair.js.set(bench.view(pair));
  const core = Math.min(CORE, n);
  const userTails = bench.u32(users);
  const table = bench.u32(core * core);
  const nearest = bench.u32(n * WIDTH);
  const gains = bench.f32(n * WIDTH);
  const all = bench.struct(layout.CoPurchases, {
    n,
    users,
    core,
    userStarts: userStarts.at,
    userItems: userItems.at,
    userTails: userTails.at,
    itemStarts: itemStarts.at,
    itemUsers: itemUsers.at,
    table: table.at,
    lambda: LAMBDA,
    priorStarts: 0,
    priorItems: 0,
    priorValues: 0,
    width: WIDTH,
    nearest: nearest.at,
    gains: gains.at,
  });
  return { n, users, core, all, itemStarts, itemUsers, userStarts, userItems, userTails, table, nearest, gains };
}

/** The items of each user that stepping the users of the items [from, to) comes by. */
const steps = ({ itemStarts, itemUsers, userStarts }, from, to) =>
  itemUsers.js
    .subarray(itemStarts.js[from], itemStarts.js[to])
    .reduce((sum, user) => sum + userStarts.js[user + 1] - userStarts.js[user], 0);

function tails(c) {
  const g = catalogue(c);
  return {
    kernels: ['findTails'],
    size: `${count(g.users)} users`,
    work: g.users,
    unit: 'M users/s',
    outputs: [g.userTails],
    wasm: () => c.exports.findTails(g.all, 0, g.users),
    js: () => plainTails(g),
  };
}

function plainTails({ users, core, userStarts, userItems, userTails }) {
  for (let user = 0; user < users; user++) {
    let p = userStarts.js[user];
    while (p < userStarts.js[user + 1] && userItems.js[p] < core) p++;
    userTails.js[user] = p;
  }
}

function coreTable(c) {
  const g = catalogue(c);
  c.exports.findTails(g.all, 0, g.users);
  plainTails(g);
  const rows = Math.min(TABLE_ROWS, g.core);
  let pairs = 0;
  for (const user of g.itemUsers.js.subarray(0, g.itemStarts.js[rows]))
    pairs += g.userTails.js[user] - g.userStarts.js[user];
  return {
    kernels: ['countCore'],
    size: `${rows} of ${count(g.core)} rows, ${count(pairs)} pairs`,
    work: pairs,
    unit: 'M pairs/s',
    outputs: [g.table],
    wasm: () => c.exports.countCore(g.all, 0, rows),
    js: () => plainCore(g, rows),
  };
}

function plainCore({ core, itemStarts, itemUsers, userStarts, userItems, userTails, table }, rows) {
  for (let i = 0; i < rows; i++) {
    table.js.fill(0, i * core, (i + 1) * core);
    for (let b = itemStarts.js[i]; b < itemStarts.js[i + 1]; b++) {
      const user = itemUsers.js[b];
      for (let p = userStarts.js[user]; p < userTails.js[user]; p++) table.js[i * core + userItems.js[p]]++;
    }
  }
}

/** The lists of items in the middle of the ranks, of which none is in the core. */
function lists(c) {
  const { exports, bench } = c;
  const g = prepared(c);
  const from = Math.min(g.core, Math.max(0, g.n - LISTS));
  const to = Math.min(g.n, from + LISTS);
  const counts = bench.scratch(4 * g.n);
  const touched = bench.scratch(4 * (g.n + 1));
  const sorted = (gains) => {
    const list = gains.slice(from * WIDTH, to * WIDTH);
    for (let at = 0; at < list.length; at += WIDTH) list.subarray(at, at + WIDTH).sort();
    return list;
  };
  return {
    kernels: ['findNearest'],
    size: `${count(to - from)} items, lists of ${WIDTH}`,
    work: steps(g, from, to),
    unit: 'M pairs/s',
    found: () => sorted(bench.view(g.gains)),
    expected: () => sorted(g.gains.js),
    wasm: () => exports.findNearest(g.all, from, to, counts, touched),
    js: () => plainNearest(g, from, to),
  };
}

/** The entries with the largest gains, in order of gains. */
function plainNearest({ n, itemStarts, itemUsers, userStarts, userItems, nearest, gains }, from, to) {
  const counts = new Uint32Array(n);
  const degree = (i) => itemStarts.js[i + 1] - itemStarts.js[i];
  for (let j = from; j < to; j++) {
    const touched = [];
    for (let b = itemStarts.js[j]; b < itemStarts.js[j + 1]; b++) {
      const user = itemUsers.js[b];
      for (let p = userStarts.js[user]; p < userStarts.js[user + 1]; p++) {
        if (counts[userItems.js[p]]++ === 0) touched.push(userItems.js[p]);
      }
    }
    const found = touched
      .filter((i) => i !== j)
      .map((i) => ({ i, gain: counts[i] ** 2 / (degree(j) + LAMBDA) / (degree(i) + LAMBDA) }))
      .sort((a, b) => b.gain - a.gain || a.i - b.i)
      .slice(0, WIDTH);
    for (const i of touched) counts[i] = 0;
    for (let t = 0; t < WIDTH; t++) {
      nearest.js[j * WIDTH + t] = found[t]?.i ?? 0;
      gains.js[j * WIDTH + t] = found[t]?.gain ?? 0;
    }
  }
}

/** With tails and the table. */
function prepared(c) {
  const g = catalogue(c);
  c.exports.findTails(g.all, 0, g.users);
  c.exports.countCore(g.all, 0, g.core);
  plainTails(g);
  g.table.js.set(c.bench.view(g.table));
  return g;
}

/** Whole systems, of groups in the middle of the ranks that are neighbours by rank alone: all three kernels of a group. */
function systems(c) {
  const { exports, bench } = c;
  const g = prepared(c);
  exports.findNearest(g.all, 0, g.n, bench.scratch(4 * g.n), bench.scratch(4 * (g.n + 1)));
  for (const pair of [g.nearest, g.gains]) pair.js.set(bench.view(pair));
  const size = MOST + GROUP;
  const first = Math.min(g.core, Math.max(0, g.n - GROUPS * GROUP));
  const members = bench.put(Uint32Array.from({ length: GROUPS * GROUP }, (_, i) => first + i));
  const fixed = {
    count: GROUP,
    most: MOST,
    chosen: bench.scratch(4 * size),
    others: 0,
    coreOthers: 0,
    failed: 0,
    reached: bench.scratch(4 * (GROUP * WIDTH + 1)),
    sums: bench.scratch(4 * g.n),
    places: bench.scratch(2 * g.n),
    seen: bench.scratch(4 * Math.ceil(g.users / 32)),
    panels: bench.scratch(4 * size * (size + GROUP)),
    scratch: bench.scratch(exports.solveScratchBytes()),
  };
  const groupsAt = Array.from({ length: GROUPS }, (_, i) =>
    bench.struct(layout.ItemGroup, { ...fixed, members: members.at + 4 * GROUP * i }),
  );
  const indices = bench.scratch(4 * GROUP * size);
  const values = bench.f32(GROUP * size);
  const ends = bench.u32(GROUP);
  const diagonal = bench.f32(g.n);
  return {
    kernels: ['chooseItems', 'solveGroup', 'keepColumns'],
    size: `${GROUPS} groups of ${GROUP} and ${MOST} others`,
    work: GROUPS * 1e6,
    unit: 'groups/s',
    outputs: [diagonal],
    wasm() {
      for (const group of groupsAt) {
        exports.chooseItems(g.all, group);
        exports.solveGroup(g.all, group);
        exports.keepColumns(g.all, group, 0.01, g.n, indices, values.at, ends.at, diagonal.at);
      }
    },
    js() {
      for (let i = 0; i < GROUPS; i++) plainGroup(g, first + i * GROUP, diagonal.js);
    },
  };
}

/** The columns of one group; diagonal gets each C_jj. */
function plainGroup(g, first, diagonal) {
  const { itemStarts, itemUsers, userStarts, userItems, nearest, gains } = g;
  const sums = new Map();
  for (let e = first * WIDTH; e < (first + GROUP) * WIDTH; e++) {
    if (gains.js[e] > 0) sums.set(nearest.js[e], Math.fround((sums.get(nearest.js[e]) ?? 0) + gains.js[e]));
  }
  for (let m = 0; m < GROUP; m++) sums.delete(first + m);
  const chosen = [...sums]
    .sort(([i, a], [j, b]) => b - a || i - j)
    .slice(0, MOST)
    .map(([i]) => i)
    .sort((a, b) => a - b);
  const rows = [...chosen, ...Array.from({ length: GROUP }, (_, m) => first + m)];
  const n = rows.length;
  const places = new Map(rows.map((item, row) => [item, row]));
  const a = new Float32Array(n * n);
  const seen = new Set(
    rows.flatMap((item) => [...itemUsers.js.subarray(itemStarts.js[item], itemStarts.js[item + 1])]),
  );
  for (const user of seen) {
    const own = [...userItems.js.subarray(userStarts.js[user], userStarts.js[user + 1])]
      .map((item) => places.get(item))
      .filter((row) => row !== undefined);
    for (const i of own) for (const j of own) a[i * n + j]++;
  }
  for (let i = 0; i < n; i++) a[i * n + i] += LAMBDA;
  const solutions = plainSolve(n, chosen.length, a);
  const columns = [];
  for (let m = 0; m < GROUP; m++) {
    const pivot = solutions[m * n + chosen.length + m];
    diagonal[first + m] = pivot;
    for (let r = 0; r < n; r++) {
      const value = -solutions[m * n + r] / pivot;
      if (r !== chosen.length + m && value >= 0.01) columns.push({ row: rows[r], value });
    }
  }
  return columns;
}
