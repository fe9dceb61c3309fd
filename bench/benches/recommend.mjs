// Top-10 for every user of every market, compared with plain JavaScript and NumPy on the same vectors; then the latency
// of one fold-in.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel, loadModel, Recommender, startThreads } from '../../dist/index.js';
import { nodeWorkers } from '../../dist/node.js';
import { cachedModel } from '../harness/cached.mjs';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { median } from '../harness/timer.mjs';
import { pythonWith, runPython } from '../peers/python.mjs';

const K = 10;
const ONE = 'm3rec, 1 thread';
const TWO = 'm3rec, 2 threads';
const ROUNDS = 3;
/** In a round; plain JavaScript takes as long as all others together, and has one. */
const RUNS = 3;
const FOLD_INS = 20_000;
/** Share of recommendations that two sides may have otherwise, where scores are within rounding of one another. */
const MAY_DIFFER = 0.001;

export async function recommend() {
  const { name, bytes } = await cachedModel({ preset: 'paper', epochs: 1 });
  const recommender = await loadModel(bytes);
  const { markets } = recommender.model;
  const queries = markets.flatMap((market) => market.users.map((user) => ({ market: market.name, user, k: K })));
  const found = positions(recommender, recommender.recommendBatch(queries));
  const tables = markets.map((market) => ({
    ...market,
    unit: unitUsers(market, recommender.model.dim),
    dim: recommender.model.dim,
  }));

  const kernels = await startThreads({ workers: nodeWorkers, threads: 2 });
  const threaded = Recommender.from(decodeModel(bytes), kernels);
  const sides = {
    [ONE]: async () => recommender.recommendBatch(queries),
    [TWO]: () => threaded.recommendAll(queries),
    JavaScript: async () => plain(tables),
  };
  const agreement = {
    [TWO]: share(found, positions(threaded, await sides[TWO]())),
    JavaScript: share(found, plain(tables)),
  };
  const times = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  await sides[ONE]();
  const python = pythonWith('numpy');
  let version;
  if (!python) note('NumPy is not installed (Debian: python3-numpy): not compared with');
  const folder = python && mkdtempSync(join(tmpdir(), 'm3rec-topk-'));
  try {
    if (python) write(folder, tables);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [side, run] of Object.entries(sides)) {
        for (let i = 0; i < (side === 'JavaScript' ? 1 : RUNS); i++) {
          const begin = performance.now();
          await run();
          times[side].push((performance.now() - begin) / 1000);
        }
      }
      for (const threads of python ? [1, 2] : []) {
        const side = `NumPy, ${threads} thread${threads > 1 ? 's' : ''}`;
        const result = await runPython(
          python,
          'topk.py',
          {
            k: K,
            runs: RUNS,
            folder,
            markets: tables.map(({ users, items, dim }) => ({ users: users.length, items: items.length, dim })),
          },
          threads,
        );
        version = result.version;
        times[side] ??= [];
        times[side].push(...result.seconds);
        agreement[side] ??= share(
          found,
          tables.flatMap((_, i) => [...new Int32Array(Uint8Array.from(readFileSync(join(folder, `${i}.top`))).buffer)]),
        );
      }
      note(
        `round ${round + 1}, medians so far: ${Object.entries(times)
          .map(([side, list]) => `${side} ${median(list).toFixed(2)} s`)
          .join(', ')}`,
      );
    }
  } finally {
    await kernels.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  }
  const wrong = Object.entries(agreement).filter(([, same]) => same < 1 - MAY_DIFFER);
  const seconds = Object.fromEntries(Object.entries(times).map(([side, list]) => [side, median(list)]));
  const rows = Object.keys(seconds).map((side) => [
    side,
    seconds[side].toFixed(2),
    Math.round(queries.length / seconds[side]).toLocaleString('en-US'),
    `${(seconds[side] / seconds[ONE]).toFixed(2)} ×`,
    `${(seconds[side] / seconds[TWO]).toFixed(2)} ×`,
    agreement[side] === undefined ? '–' : `${(100 * agreement[side]).toFixed(2)} %`,
  ]);

  const largest = markets.reduce((a, b) => (b.items.length > a.items.length ? b : a));
  const latency = foldIns(recommender, largest);
  const percentiles = Object.fromEntries(
    [50, 90, 99, 99.9].map((p) => [
      `p${p}`,
      latency[Math.min(latency.length - 1, Math.floor((latency.length * p) / 100))],
    ]),
  );
  const blocks = [
    `Data: ${name}; ${queries.length.toLocaleString('en-US')} users of ${markets.length} markets, the vectors of preset paper (d = ${recommender.model.dim}, 1 epoch). m3rec makes the users' vectors from their histories and returns ids; the others are given unit vectors and return positions. NumPy${version ? ` ${version}` : ''}; JavaScript on one thread; medians of ${ROUNDS} rounds in which the sides took turns, ${RUNS} runs each, plain JavaScript one.`,
    table(['top-10 of every user', 'seconds', 'users/s', `beside ${ONE}`, `beside ${TWO}`, 'the same items'], rows),
    `One fold-in on the loaded model, market ${largest.name} (${largest.items.length.toLocaleString('en-US')} items), histories of its users as item ids, k = ${K}, ${FOLD_INS.toLocaleString('en-US')} calls after as many to warm up:`,
    table(
      ['percentile', 'ms'],
      Object.entries(percentiles).map(([p, ms]) => [p, ms.toFixed(3)]),
    ),
  ];
  show(`recommend: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('recommend', 'Recommending', blocks, { data: name, users: queries.length, seconds, agreement, percentiles });
  for (const [side, same] of wrong)
    note(`${side} agrees in ${(100 * same).toFixed(2)} % of the items only: its time counts for nothing`);
  return wrong.length === 0;
}

/** Positions of the recommended items within their markets, one list. */
function positions(recommender, all) {
  const list = [];
  let at = 0;
  for (const market of recommender.model.markets) {
    const index = new Map(
      Array.from(market.items.entries(), ([position, item]) => [recommender.model.items[item], position]),
    );
    for (const _ of market.users) for (const { item } of all[at++].items) list.push(index.get(item));
  }
  return list;
}

/** u = (1/c) Σ P_i + U_loc of every user, of unit length. */
function unitUsers({ users, seenItems, foldIn, userVectors }, dim) {
  const out = new Float32Array(users.length * dim);
  for (let user = 0; user < users.length; user++) {
    const row = out.subarray(user * dim, (user + 1) * dim);
    let counted = 0;
    for (let e = seenItems.indptr[user]; e < seenItems.indptr[user + 1]; e++) {
      const item = foldIn.subarray(seenItems.indices[e] * dim, (seenItems.indices[e] + 1) * dim);
      if (item.some((x) => x !== 0)) counted++;
      for (let k = 0; k < dim; k++) row[k] += item[k];
    }
    for (let k = 0; k < dim; k++) row[k] = row[k] / Math.max(1, counted) + (userVectors?.[user * dim + k] ?? 0);
    const norm = Math.hypot(...row) || 1;
    for (let k = 0; k < dim; k++) row[k] /= norm;
  }
  return out;
}

/** The same in plain loops: a dot product an item, and a list of the ten best kept in order. */
function plain(tables) {
  const out = [];
  for (const { users, items, seenItems, vectors, unit, dim } of tables) {
    const seen = new Uint8Array(items.length);
    for (let user = 0; user < users.length; user++) {
      const from = seenItems.indptr[user];
      const to = seenItems.indptr[user + 1];
      for (let e = from; e < to; e++) seen[seenItems.indices[e]] = 1;
      const best = new Int32Array(K);
      const values = new Float32Array(K).fill(-Infinity);
      for (let j = 0; j < items.length; j++) {
        if (seen[j] !== 0) continue;
        let sum = 0;
        for (let k = 0; k < dim; k++) sum += vectors[j * dim + k] * unit[user * dim + k];
        if (!(sum > values[K - 1])) continue;
        let at = K - 1;
        for (; at > 0 && values[at - 1] < sum; at--) {
          values[at] = values[at - 1];
          best[at] = best[at - 1];
        }
        values[at] = sum;
        best[at] = j;
      }
      for (let e = from; e < to; e++) seen[seenItems.indices[e]] = 0;
      out.push(...best);
    }
  }
  return out;
}

/** Share of places where both lists have the same item. */
function share(a, b) {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same++;
  return same / a.length;
}

function write(folder, tables) {
  mkdirSync(folder, { recursive: true });
  const bytes = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (const [i, { unit, vectors, seenItems }] of tables.entries()) {
    for (const [part, array] of Object.entries({
      u: unit,
      v: vectors,
      indptr: seenItems.indptr,
      indices: seenItems.indices,
    }))
      writeFileSync(join(folder, `${i}.${part}`), bytes(array));
  }
}

/** Milliseconds of each call, ascending. */
function foldIns(recommender, { name, users, items, seenItems }) {
  const history = (user) =>
    Array.from(
      seenItems.indices.subarray(seenItems.indptr[user], seenItems.indptr[user + 1]),
      (position) => recommender.model.items[items[position]],
    );
  const times = new Float64Array(FOLD_INS);
  for (let i = -FOLD_INS; i < FOLD_INS; i++) {
    const query = { market: name, items: history((i + FOLD_INS) % users.length), k: K };
    const begin = performance.now();
    recommender.recommend(query);
    if (i >= 0) times[i] = performance.now() - begin;
  }
  return times.sort();
}
