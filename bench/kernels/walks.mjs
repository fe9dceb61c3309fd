// Random numbers, walks and the skip-gram gradients, on the data's own X.
import { layout } from '../../dist/kernels.js';
import { randoms, Stream } from '../harness/splitmix64.mjs';

const DIM = 128;
const LENGTH = 40;
const WINDOW = 10;
const NEGATIVES = 10;
const SEED = 1;
/** Items of a range are 2^SHIFT. */
const SHIFT = 9;
const count = (n) => n.toLocaleString('en-US');

export function* walks(c) {
  yield () => fillUniform(c);
  yield () => shuffle(c);
  yield () => sampleDistinct(c);
  yield () => walkWeights(c);
  yield () => walk(c);
  yield () => countVisits(c);
  yield () => buildUnigramTable(c);
  yield () => skipgram(c);
}

function fillUniform({ exports, bench }) {
  const n = 1 << 20;
  const out = bench.f32(n);
  return {
    kernels: ['fillUniform'],
    size: count(n),
    work: n,
    unit: 'M numbers/s',
    outputs: [out],
    wasm: () => exports.fillUniform(out.at, n, 0.5, SEED, 3, 0),
    js() {
      const numbers = out.js;
      const stream = new Stream(SEED, 3, 0);
      for (let i = 0; i < n; i++) {
        stream.draw(i);
        numbers[i] = (stream.unit() * 2 - 1) * 0.5;
      }
    },
  };
}

function shuffle({ exports, bench }) {
  const n = 120_000;
  const items = bench.put(Int32Array.from({ length: n }, (_, i) => i));
  return {
    kernels: ['shuffle'],
    size: count(n),
    work: n,
    unit: 'M items/s',
    outputs: [items],
    reset: [items],
    wasm: () => exports.shuffle(items.at, n, SEED, 1, 0),
    js() {
      const list = items.js;
      const stream = new Stream(SEED, 1, 0);
      for (let i = n - 1; i > 0; i--) {
        stream.draw(i);
        const j = stream.below(i + 1);
        const x = list[i];
        list[i] = list[j];
        list[j] = x;
      }
    },
  };
}

function sampleDistinct({ exports, bench, X }) {
  const n = X.cols;
  const drawn = Math.min(999, n >> 1);
  const draws = 100;
  const exclude = bench.put(Uint8Array.from({ length: n }, (_, i) => (i % 97 === 5 ? 1 : 0)));
  const out = bench.i32(n);
  return {
    kernels: ['sampleDistinct'],
    size: `${draws} × ${drawn} of ${count(n)}`,
    work: draws * n,
    unit: 'M items/s',
    outputs: [out],
    wasm() {
      for (let r = 0; r < draws; r++) exports.sampleDistinct(out.at, n, exclude.at, drawn, SEED, 11, r);
    },
    js() {
      const list = out.js;
      const mask = exclude.js;
      for (let r = 0; r < draws; r++) {
        let allowed = 0;
        for (let i = 0; i < n; i++) if (mask[i] === 0) list[allowed++] = i;
        const stream = new Stream(SEED, 11, r);
        for (let i = 0; i < drawn; i++) {
          stream.draw(i);
          const j = i + stream.below(allowed - i);
          const x = list[i];
          list[i] = list[j];
          list[j] = x;
        }
      }
    },
  };
}

function walkWeights({ exports, bench, X, Xt }) {
  const n = X.cols;
  const sums = bench.u32(Xt.indices.js.length);
  return {
    kernels: ['walkWeights'],
    size: `${count(n)} items, ${count(sums.js.length)} entries`,
    work: sums.js.length,
    unit: 'M entries/s',
    outputs: [sums],
    wasm: () => exports.walkWeights(n, Xt.indptr.at, Xt.indices.at, X.indptr.at, sums.at),
    js() {
      const itemIndptr = Xt.indptr.js;
      const itemUsers = Xt.indices.js;
      const userIndptr = X.indptr.js;
      const out = sums.js;
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let e = itemIndptr[i]; e < itemIndptr[i + 1]; e++) {
          sum += userIndptr[itemUsers[e] + 1] - userIndptr[itemUsers[e]] - 1;
          out[e] = sum;
        }
      }
    },
  };
}

/** Sums, starts and the walks themselves, made by the kernels, for those who need walks. */
function makeWalks(c, most) {
  const { exports, bench, X, Xt } = c;
  const n = X.cols;
  const sums = bench.u32(Xt.indices.js.length);
  exports.walkWeights(n, Xt.indptr.at, Xt.indices.at, X.indptr.at, sums.at);
  sums.js.set(bench.view(sums));
  const able = [];
  for (let i = 0; i < n; i++)
    if (Xt.indptr.js[i + 1] > Xt.indptr.js[i] && sums.js[Xt.indptr.js[i + 1] - 1] > 0) able.push(i);
  const walkCount = Math.min(most, able.length);
  const starts = bench.put(
    Int32Array.from({ length: walkCount }, (_, w) => able[Math.floor((w * able.length) / walkCount)]),
  );
  const made = bench.i32(starts.js.length * LENGTH);
  exports.walk(0, starts.js.length, starts.at, LENGTH, graphOf(c, sums), SEED, 2, made.at);
  made.js.set(bench.view(made));
  return { sums, starts, made };
}

function graphOf({ bench, X, Xt }, sums) {
  return bench.struct(layout.WalkGraph, {
    itemIndptr: Xt.indptr.at,
    itemUsers: Xt.indices.at,
    sums: sums.at,
    userIndptr: X.indptr.at,
    userItems: X.indices.at,
  });
}

function walk(c) {
  const { exports, bench, X, Xt } = c;
  const { sums, starts } = makeWalks(c, 2000);
  const out = bench.i32(starts.js.length * LENGTH);
  const graph = graphOf(c, sums);
  return {
    kernels: ['walk'],
    size: `${count(starts.js.length)} walks of ${LENGTH}`,
    work: out.js.length,
    unit: 'M steps/s',
    outputs: [out],
    wasm: () => exports.walk(0, starts.js.length, starts.at, LENGTH, graph, SEED, 2, out.at),
    js: () => plainWalk(starts.js, LENGTH, Xt.indptr.js, Xt.indices.js, sums.js, X.indptr.js, X.indices.js, out.js),
  };
}

function plainWalk(starts, length, itemIndptr, itemUsers, sums, userIndptr, userItems, out) {
  for (let w = 0; w < starts.length; w++) {
    const stream = new Stream(SEED, 2, w);
    let item = starts[w];
    out[w * length] = item;
    for (let step = 1; step < length; step++) {
      stream.draw(step);
      let left = itemIndptr[item];
      let right = itemIndptr[item + 1] - 1;
      const target = stream.below(sums[right]);
      while (left < right) {
        const middle = (left + right) >> 1;
        if (sums[middle] > target) right = middle;
        else left = middle + 1;
      }
      const user = itemUsers[left];
      let at = userIndptr[user] + stream.belowLow(userIndptr[user + 1] - userIndptr[user] - 1);
      if (userItems[at] >= item) at++;
      item = userItems[at];
      out[w * length + step] = item;
    }
  }
}

function countVisits(c) {
  const { made } = makeWalks(c, 20_000);
  const visits = c.bench.u32(c.X.cols);
  return {
    kernels: ['countVisits'],
    size: count(made.js.length),
    work: made.js.length,
    unit: 'M items/s',
    outputs: [visits],
    reset: [visits],
    wasm: () => c.exports.countVisits(made.js.length, made.at, visits.at),
    js() {
      const items = made.js;
      const counts = visits.js;
      for (let k = 0; k < items.length; k++) counts[items[k]]++;
    },
  };
}

/** The alias table of the walks' visits, made by the kernel. */
function unigramTable(c, made) {
  const { exports, bench } = c;
  const n = c.X.cols;
  const visits = bench.u32(n);
  exports.countVisits(made.js.length, made.at, visits.at);
  visits.js.set(bench.view(visits));
  const thresholds = bench.f32(n);
  const aliases = bench.i32(n);
  const scratch = bench.scratch(12 * n);
  exports.buildUnigramTable(n, visits.at, thresholds.at, aliases.at, scratch);
  thresholds.js.set(bench.view(thresholds));
  aliases.js.set(bench.view(aliases));
  return { n, visits, thresholds, aliases, scratch };
}

function buildUnigramTable(c) {
  const { n, visits, scratch } = unigramTable(c, makeWalks(c, 20_000).made);
  const thresholds = c.bench.f32(n);
  const aliases = c.bench.i32(n);
  return {
    kernels: ['buildUnigramTable'],
    size: count(n),
    work: n,
    unit: 'M items/s',
    outputs: [thresholds, aliases],
    wasm: () => c.exports.buildUnigramTable(n, visits.at, thresholds.at, aliases.at, scratch),
    js: () => plainUnigramTable(visits.js, thresholds.js, aliases.js),
  };
}

function plainUnigramTable(visits, thresholds, aliases) {
  const n = visits.length;
  const p = new Float64Array(n);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const root = Math.sqrt(visits[i]);
    p[i] = root * Math.sqrt(root);
    total += p[i];
  }
  const stack = new Int32Array(n);
  let small = 0;
  let large = n;
  for (let i = 0; i < n; i++) {
    p[i] = (p[i] * n) / total;
    if (p[i] < 1) stack[small++] = i;
    else stack[--large] = i;
  }
  while (small > 0 && large < n) {
    const s = stack[--small];
    const l = stack[large];
    thresholds[s] = p[s];
    aliases[s] = l;
    p[l] += p[s] - 1;
    if (p[l] < 1) {
      large++;
      stack[small++] = l;
    }
  }
  while (small > 0) {
    const s = stack[--small];
    thresholds[s] = 1;
    aliases[s] = s;
  }
  for (; large < n; large++) {
    thresholds[stack[large]] = 1;
    aliases[stack[large]] = stack[large];
  }
}

function skipgram(c) {
  const { exports, bench } = c;
  const { made } = makeWalks(c, 64);
  const { n, thresholds, aliases } = unigramTable(c, made);
  const v = bench.put(randoms(n * DIM, 21, 0.2));
  const vbar = bench.put(randoms(n * DIM, 22, 0.2));
  const dv = bench.f32(n * DIM);
  const dvbar = bench.f32(n * DIM);
  const totals = bench.f64(2);
  const walkCount = made.js.length / LENGTH;
  const positions = made.js.length;
  const centres = bench.scratch(4 * positions * DIM);
  const contexts = bench.scratch(4 * positions * DIM);
  const items = bench.scratch(4 * positions * NEGATIVES);
  const errors = bench.scratch(4 * positions * NEGATIVES);
  const scratch = bench.scratch(exports.skipgramScratchBytes(LENGTH, WINDOW, DIM, NEGATIVES));
  const ranges = Math.ceil(n / 2 ** SHIFT);
  const lists = 4 * (ranges + 1);
  const own = bench.scratch(lists + 12 * positions);
  const drawn = bench.scratch(lists + 12 * positions * NEGATIVES);
  const training = bench.struct(layout.SkipGram, {
    length: LENGTH,
    window: WINDOW,
    d: DIM,
    negatives: NEGATIVES,
    n,
    thresholds: thresholds.at,
    aliases: aliases.at,
    seed: SEED,
    stage: 5,
    v: v.at,
    vbar: vbar.at,
  });
  const round = bench.struct(layout.Round, {
    ranges,
    blocks: 1,
    blockBytes: 0,
    walks: made.at,
    centres,
    contexts,
    positions: own,
    drawn,
    d: DIM,
    v: v.at,
    dv: dv.at,
    dvbar: dvbar.at,
  });
  return {
    kernels: ['skipgram', 'partition', 'addGradients'],
    size: `${walkCount} walks of ${LENGTH}, window ${WINDOW}, ${NEGATIVES} negatives, d = ${DIM}`,
    work: walkCount * WINDOW * (2 * LENGTH - WINDOW - 1),
    unit: 'M pairs/s',
    outputs: [totals, dv, dvbar],
    reset: [totals, dv, dvbar],
    wasm() {
      exports.skipgram(0, walkCount, made.at, training, centres, contexts, items, errors, scratch, totals.at);
      exports.partition(positions, made.at, 0, 0, 1, SHIFT, ranges, own, own + lists);
      exports.partition(positions * NEGATIVES, items, errors, 0, NEGATIVES, SHIFT, ranges, drawn, drawn + lists);
      for (let range = 0; range < ranges; range++) exports.addGradients(range, round);
    },
    js: () => plainSkipgram(made.js, n, thresholds.js, aliases.js, v.js, vbar.js, dv.js, dvbar.js, totals.js),
  };
}

function plainSkipgram(walks, n, thresholds, aliases, v, vbar, dv, dvbar, totals) {
  const targets = new Int32Array(2 * WINDOW + NEGATIVES);
  for (let w = 0; w * LENGTH < walks.length; w++) {
    const stream = new Stream(SEED, 5, w);
    for (let t = 0; t < LENGTH; t++) {
      let filled = 0;
      for (let s = Math.max(0, t - WINDOW); s <= Math.min(LENGTH - 1, t + WINDOW); s++)
        if (s !== t) targets[filled++] = walks[w * LENGTH + s] * DIM;
      const contexts = filled;
      for (let k = 0; k < NEGATIVES; k++) {
        stream.draw(t * NEGATIVES + k);
        const slot = stream.below(n);
        targets[filled++] = (stream.unit() < thresholds[slot] ? slot : aliases[slot]) * DIM;
      }
      const own = walks[w * LENGTH + t] * DIM;
      for (let k = 0; k < filled; k++) {
        const row = targets[k];
        let score = 0;
        for (let i = 0; i < DIM; i++) score += v[own + i] * vbar[row + i];
        const p = 1 / (1 + Math.exp(-score));
        const error = k < contexts ? 1 - p : -contexts * p;
        totals[0] -= k < contexts ? Math.log(p) : contexts * Math.log(1 - p);
        for (let i = 0; i < DIM; i++) {
          dv[own + i] -= error * vbar[row + i];
          dvbar[row + i] -= error * v[own + i];
        }
      }
      totals[1] += contexts;
    }
  }
}
