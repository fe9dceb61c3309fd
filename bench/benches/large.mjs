// Serving a market of a million items: sizes of the files, time to open them, and one visitor's top 10, by the linear terms alone and with
// vectors, which every item's score needs.

import { readFileSync } from 'node:fs';
import { decodeModel, encodeModel, exportModel, Recommender } from '../../dist/index.js';
import { instantiateKernels } from '../../dist/kernels.js';
import { describe, machine } from '../harness/machine.mjs';
import { note, save, show, table } from '../harness/report.mjs';
import { processorSeconds } from '../harness/timer.mjs';

const ITEMS = 1_000_000;
const NEIGHBOURS = 50;
const DIM = 128;
const K = 10;
const HISTORIES = [5, 20, 100];
const VISITORS = 300;

const megabytes = (bytes) => Math.round(bytes / 1e6).toLocaleString('en-US');
const milliseconds = (seconds) => (1000 * seconds).toFixed(2);

export async function large() {
  const random = generator(1);
  const linear = similarity(random);
  const vectors = unitVectors(random);
  const items = Array.from({ length: ITEMS }, (_, i) => `P${String(10_000_000 + i)}`);
  const market = {
    name: 'all',
    items: Int32Array.from(items.keys()),
    popularity: Uint32Array.from(items, () => 1 + (random() % 1000)),
    bias: Float32Array.from(items, () => (random() % 1000) * 1e-6),
    linear,
    linearWeight: 1,
    linearPower: 0,
    cosineWeight: 0,
  };
  const plain = { kind: 'ease', dim: 0, items, markets: [market], training: {} };
  const withVectors = {
    ...plain,
    kind: 'm3rec',
    dim: DIM,
    markets: [{ ...market, cosineWeight: 0.2, foldIn: vectors, vectors }],
  };
  const runs = [
    measured('linear terms', encodeModel(plain)),
    measured('linear terms and int8 vectors', encodeModel(exportModel(withVectors, { vectors: 'int8' }))),
  ];
  const results = [];
  for (const run of runs) results.push(await run);
  const blocks = [
    `A market of ${ITEMS.toLocaleString('en-US')} items with ${NEIGHBOURS} random similarities each, and ${DIM}-dimensional vectors. Decoding checks the whole file and makes views of it; loading puts it into linear memory, vectors as f32. Processor milliseconds of one visitor's top ${K}, the median and the 99th percentile of ${VISITORS} visitors with random histories, one thread.`,
    table(
      ['model', 'file, MB', 'decode, s', 'load, s', 'linear MB', ...HISTORIES.map((length) => `${length} items, ms`)],
      results.map(({ name, bytes, decode, load, linearBytes, times }) => [
        name,
        megabytes(bytes),
        decode.toFixed(2),
        load.toFixed(2),
        megabytes(linearBytes),
        ...times.map(({ half, most }) => `${milliseconds(half)}, ${milliseconds(most)}`),
      ]),
    ),
  ];
  show(`large: ${describe(machine())}`);
  for (const block of blocks) show(block);
  save('large', 'Serving a million items', blocks, { items: ITEMS, neighbours: NEIGHBOURS, dim: DIM, results });
}

async function measured(name, bytes) {
  const clock = (run) => {
    const begin = processorSeconds();
    const value = run();
    return [value, processorSeconds() - begin];
  };
  const kernels = await instantiateKernels(readFileSync(new URL('../../dist/kernels.wasm', import.meta.url)));
  const [model, decode] = clock(() => decodeModel(bytes));
  const [recommender, load] = clock(() => Recommender.from(model, kernels));
  const random = generator(2);
  const times = HISTORIES.map((length) => {
    const found = Array.from({ length: VISITORS }, () => {
      const items = Array.from({ length }, () => model.items[random() % ITEMS]);
      return clock(() => recommender.recommend({ market: 'all', items, k: K }))[1];
    }).sort((a, b) => a - b);
    return { length, half: found[VISITORS >> 1], most: found[Math.floor(0.99 * VISITORS)] };
  });
  note(`${name}: ${megabytes(bytes.length)} MB`);
  const linearBytes = kernels.memory.used;
  recommender.close();
  return { name, bytes: bytes.length, decode, load, linearBytes, times };
}

/** xorshift32. */
function generator(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Rows of neighbours, about evenly spread over the items. */
function similarity(random) {
  const indptr = Int32Array.from({ length: ITEMS + 1 }, (_, i) => NEIGHBOURS * i);
  const indices = new Int32Array(ITEMS * NEIGHBOURS);
  const values = new Float32Array(ITEMS * NEIGHBOURS);
  const gap = ITEMS / NEIGHBOURS;
  for (let at = 0; at < indices.length; at++) {
    indices[at] = gap * (at % NEIGHBOURS) + (random() % gap);
    values[at] = 0.01 + (random() % 1000) / 2000;
  }
  return { rows: ITEMS, cols: ITEMS, indptr, indices, values };
}

function unitVectors(random) {
  const vectors = new Float32Array(ITEMS * DIM);
  for (let row = 0; row < vectors.length; row += DIM) {
    let square = 0;
    for (let k = row; k < row + DIM; k++) {
      vectors[k] = (random() % 65_536) / 32_768 - 1;
      square += vectors[k] ** 2;
    }
    const scale = 1 / Math.sqrt(square);
    for (let k = row; k < row + DIM; k++) vectors[k] *= scale;
  }
  return vectors;
}
