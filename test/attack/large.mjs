// Hostile models of thousands of items, so that the 16-bit search of batches runs in them: near-equal rows, values at the
// limits of a file, narrow tables. Every batch must say what single queries say, to the bit.
import { encodeModel, exportModel, loadModel } from '../../dist/index.js';

/** The largest magnitude that a file may hold. */
const MAX_FLOAT = 1e9;

export const about =
  'models of 300 to 4,000 items with hostile tables, as f32, f16 and int8: batches of 40 users compared with the same users alone';
export const rounds = 150;

export async function attack({ round, random, found, count }) {
  const model = hostileModel(random);
  for (const type of ['f32', 'f16', 'int8']) {
    let recommender;
    try {
      recommender = await loadModel(encodeModel(type === 'f32' ? model : exportModel(model, { vectors: type })));
    } catch (error) {
      if (error.name !== 'ArgumentError' && error.name !== 'ModelFileError') throw error;
      count('refused by export or file');
      continue;
    }
    const { kernels } = recommender;
    const { exports } = kernels;
    let searches = 0;
    kernels.exports = {
      ...exports,
      searchBatch(...args) {
        searches++;
        return exports.searchBatch(...args);
      },
    };
    const { name, items } = model.markets[0];
    const queries = Array.from({ length: 40 }, () => queryOf(random, name, items, model.items));
    const together = recommender.recommendBatch(queries);
    for (const [q, query] of queries.entries()) {
      const alone = recommender.recommend(query);
      count('answers compared');
      const place = differenceOf(alone.items, together[q].items);
      if (place !== undefined) found.push(`round ${round}, ${type}: ${place}: ${JSON.stringify(query).slice(0, 200)}`);
    }
    count('models');
    count('16-bit searches', searches);
    recommender.close();
  }
}

/** Where two lists of answers differ, in words. */
function differenceOf(alone, together) {
  if (alone.length !== together.length) return `${alone.length} items alone, ${together.length} in a batch`;
  const show = ({ item, score }) => `${item} ${score}`;
  for (const [i, each] of alone.entries()) {
    if (!Number.isFinite(each.score)) return `place ${i}: ${show(each)}`;
    if (each.item !== together[i].item || !Object.is(each.score, together[i].score))
      return `place ${i}: ${show(each)} alone, ${show(together[i])} in a batch`;
  }
}

function queryOf(random, market, items, ids) {
  const some = (most) => Array.from({ length: random.below(most + 1) }, () => ids[items[random.below(items.length)]]);
  return {
    market,
    items: some(random.of([0, 1, 5, 60])),
    k: random.of([1, 10, 50, items.length]),
    ...(random.below(4) === 0 && { without: some(200) }),
    ...(random.below(6) === 0 && { only: some(400) }),
    ...(random.below(3) === 0 && { includeSeen: true }),
  };
}

function hostileModel(random) {
  const n = 300 + random.below(3700);
  const d = random.of([1, 3, 16, 48, 64, 130]);
  const ids = Array.from({ length: n }, (_, i) => `i${String(i).padStart(5, '0')}`);
  const rows = new Float32Array(n * d);
  const style = random.below(5);
  const model = Float64Array.from({ length: d }, () => random.unit() - 0.5);
  for (let j = 0; j < n; j++) {
    const row = rows.subarray(j * d, (j + 1) * d);
    for (let k = 0; k < d; k++) {
      // random; nearly the same row; one column alone; a step of the quantisation apart; tiny and zero
      if (style === 0) row[k] = random.unit() - 0.5;
      else if (style === 1) row[k] = model[k] + (random.unit() - 0.5) * 1e-6;
      else if (style === 2) row[k] = k === j % d ? random.of([1, -1]) : 0;
      else if (style === 3) row[k] = (Math.round(model[k] * 32_000) + random.of([0.499, 0.5, 0.501, -0.5])) / 32_000;
      else row[k] = random.of([0, 1e-38, -1e-30, 1]) * (random.unit() - 0.5);
    }
    const norm = Math.hypot(...row);
    for (let k = 0; k < d; k++) row[k] = norm > 0 ? row[k] / norm : 0;
  }
  const scale = random.of([1e-30, 1e-6, 1, 1e3, MAX_FLOAT / 2]);
  const foldIn = Float32Array.from({ length: n * d }, (_, at) =>
    random.below(3) === 0 ? scale * rows[at] : scale * (random.unit() - 0.5),
  );
  const bias =
    random.below(2) === 0 ? undefined : Float32Array.from({ length: n }, () => random.of([0, 1e-20, 1, 1e9]));
  return {
    kind: 'm3rec',
    dim: d,
    items: ids,
    training: {},
    markets: [
      {
        name: 'de',
        items: Int32Array.from(ids, (_, i) => i),
        popularity: Uint32Array.from(ids, () => random.below(1000)),
        vectors: rows,
        foldIn,
        ...(bias && { bias }),
        ...(random.below(2) === 0
          ? { linear: sparse(random, n), linearWeight: random.of([-1, 1e-9, 1, 1e6]) }
          : { linearWeight: 0 }),
        linearPower: random.of([0, 0.5, 1]),
        cosineWeight: random.of([-1, 1e-30, 1e-3, 1, 1e6, MAX_FLOAT]),
      },
    ],
  };
}

function sparse(random, n) {
  const indptr = new Int32Array(n + 1);
  const indices = [];
  const values = [];
  for (let i = 0; i < n; i++) {
    for (let j = random.below(20); j < n; j += 1 + random.below(Math.ceil(n / 6))) {
      if (j === i) continue;
      indices.push(j);
      values.push(random.of([1e-30, -1, 0.5, 1e3]) * (0.5 + random.unit()));
    }
    indptr[i + 1] = indices.length;
  }
  return { rows: n, cols: n, indptr, indices: Int32Array.from(indices), values: Float32Array.from(values) };
}
