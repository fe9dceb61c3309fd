// The search of a batch: its quantised vectors and their error bound against doubles, and its results against those of
// single users, bit for bit.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Address, NOWHERE, plus } from '../../src/engine/address.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import {
  Choice,
  QUANTISED_SCALE as SCALE,
  SEARCH_SCRATCH_BYTES,
  SearchedItems,
  SearchState,
  SubjectTerms,
} from '../../src/engine/kernel-layout.ts';
import { putStruct, putStructs, readStructs } from '../../src/engine/struct.ts';
import type { Kernels } from '../../src/engine/types.ts';
import type { MarketModel, Model } from '../../src/model/model.ts';
import { Recommender } from '../../src/models/recommender.ts';
import type { RecommendQuery } from '../../src/recommend/query.ts';
import { cosineError, quantiseItems } from '../../src/recommend/search.ts';
import { pattern, sparse } from '../support/small-model.ts';
import { SplitMix } from '../support/splitmix-numbers.ts';

const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 65];
const random = new SplitMix(23);
let kernels: Kernels;
beforeAll(async () => {
  kernels = await instantiateKernels(embeddedKernels);
});

const uniform = (n: number) => Float32Array.from({ length: n }, () => random.next() * 2 - 1);

/** Rows of unit length, as f32. */
function unitRows(n: number, d: number): Float32Array {
  const rows = uniform(n * d);
  for (let j = 0; j < n; j++) {
    const row = rows.subarray(j * d, (j + 1) * d);
    const norm = Math.hypot(...row) || 1;
    for (let k = 0; k < d; k++) row[k] /= norm;
  }
  return rows;
}

function withScratch<T>(work: () => T): T {
  const mark = kernels.memory.mark();
  try {
    return work();
  } finally {
    kernels.memory.release(mark);
  }
}

const roundEven = (x: number) => x + 1.5 * 2 ** 52 - 1.5 * 2 ** 52;

/** A user's state as the caller leaves it. */
const stateOf = (linear: Address, excluded: Address, k: number): SearchState => ({
  linear,
  excluded,
  k,
  listed: 0,
  factor: 0,
  share: 0,
  error: 0,
  least: 0,
});

describe('kernels that take many users', () => {
  const floats = (address: Address, length: number) => kernels.memory.f32(address, length).slice();

  it('maskBatch leaves out what is listed, and all but what alone is let in', () => {
    for (const n of [1, 15, 40]) {
      withScratch(() => {
        const { exports, memory } = kernels;
        const users = [
          { only: undefined, left: [] },
          { only: [], left: [0] },
          { only: [0, n - 1], left: [n - 1] },
          { only: undefined, left: [0, n >> 1, n >> 1] },
        ];
        const choices = users.map(({ only, left }) => ({
          items: memory.put(Int32Array.of(...(only ?? []), ...left)),
          only: only?.length ?? -1,
          without: left.length,
        }));
        const masks = memory.put(new Uint8Array(n * users.length + 1).fill(9));
        exports.maskBatch(users.length, n, masks, putStructs(memory, Choice, choices));
        const expected = users.flatMap(({ only, left }) =>
          Array.from({ length: n }, (_, i) => (left.includes(i) || only?.includes(i) === false ? 1 : 0)),
        );
        expect([...memory.u8(masks, n * users.length + 1)]).toEqual([...expected, 9]);
      });
    }
  });

  it.each([false, true])('termsBatch gives each user what single kernels give (maxima: %s)', (withMaxima) => {
    for (const d of [1, 5, 16]) {
      withScratch(() => {
        const { exports, memory } = kernels;
        const n = 30;
        const s = sparse(
          Array.from({ length: n }, () => Array.from({ length: n }, () => (random.next() < 0.3 ? random.next() : 0))),
          n,
        );
        const [indptr, indices, values, table] = [s.indptr, s.indices, s.values, uniform(n * d)].map((array) =>
          memory.put(array),
        );
        const users = [[], [3], [0, 7, 29]].flatMap((history) =>
          [0, 1, 2].map((kind) => ({
            history: memory.put(Int32Array.from(history)),
            count: history.length,
            linear: kind !== 1,
            vector: kind !== 2,
            offset: kind === 0 ? memory.put(uniform(d)) : NOWHERE,
          })),
        );
        const places = users.map(() => ({
          scores: memory.put(new Float32Array(n).fill(9)),
          vector: memory.put(new Float32Array(d).fill(9)),
        }));
        const subjects = putStructs(
          memory,
          SubjectTerms,
          users.map(({ history, count, linear, vector, offset }, i) => ({
            linear: linear ? places[i].scores : NOWHERE,
            history,
            count,
            factor: 0.5 + i,
            vector: vector ? places[i].vector : NOWHERE,
            offset,
            entries: 99,
            used: 99,
          })),
        );
        const maxima = withMaxima ? memory.put(Float32Array.from(s.values, () => random.next())) : NOWHERE;
        const largest = memory.allocateZeroed(4 * n);
        exports.termsBatch(users.length, n, d, indptr, indices, values, maxima, largest, table, subjects);
        const [scores, mean] = [memory.allocate(4 * n), memory.allocate(4 * d)];
        for (const [i, { history, count, linear, vector, offset }] of users.entries()) {
          const scale = 0.5 + i;
          const sums = () => exports.scoreLinear(scores, n, indptr, indices, values, history, count, scale);
          const both = () =>
            exports.scoreSumsAndMaxima(scores, largest, n, indptr, indices, values, maxima, history, count, scale);
          const entries = linear ? (withMaxima ? both() : sums()) : 0;
          const counted = vector ? exports.meanRows(mean, d, table, history, count, offset) : 0;
          expect(floats(places[i].scores, n)).toEqual(linear ? floats(scores, n) : new Float32Array(n).fill(9));
          expect(floats(places[i].vector, d)).toEqual(vector ? floats(mean, d) : new Float32Array(d).fill(9));
          expect(readStructs(memory, SubjectTerms, subjects, users.length)[i]).toMatchObject({
            entries,
            used: counted,
          });
        }
      });
    }
  });

  it('scanBatch gives each user what addBias and topK give', () => {
    for (const biased of [true, false]) {
      withScratch(() => {
        const { exports, memory } = kernels;
        const [n, most] = [37, 9];
        const bias = biased ? memory.put(uniform(n)) : NOWHERE;
        const users = [1, 9, 4].map((k) => ({
          k,
          scores: uniform(n),
          mask: Uint8Array.from({ length: n }, () => (random.next() < (k === 4 ? 0.95 : 0.3) ? 1 : 0)),
        }));
        const states = putStructs(
          memory,
          SearchState,
          users.map(({ k, scores, mask }) => stateOf(memory.put(scores), memory.put(mask), k)),
        );
        const [out, counts] = [memory.allocate(8 * most * users.length), memory.allocate(4 * users.length)];
        exports.scanBatch(users.length, n, states, bias, out, most, counts);
        const [items, values] = [memory.allocate(4 * most), memory.allocate(4 * most)];
        for (const [u, { k, scores, mask }] of users.entries()) {
          const own = memory.put(scores);
          if (biased) exports.addBias(own, n, bias);
          const kept = exports.topK(own, n, memory.put(mask), k, items, values);
          expect(memory.i32(counts, users.length)[u]).toBe(kept);
          expect(memory.i32(plus(out, 8 * most * u), kept)).toEqual(memory.i32(items, kept));
          expect(memory.f32(plus(out, 8 * most * u + 4 * most), kept)).toEqual(memory.f32(values, kept));
        }
      });
    }
  });
});

describe('shortenRows', () => {
  it('rounds 32,000 times each number, eight rows taking turns, and finds the longest row', () => {
    for (const n of LENGTHS) {
      for (const d of [...LENGTHS, 8, 128]) {
        withScratch(() => {
          const { exports, memory } = kernels;
          const rows = unitRows(n, d);
          const width = 2 * Math.ceil(d / 2);
          const padded = 8 * Math.ceil(n / 8);
          const out = memory.put(new Int16Array(padded * width + 1).fill(99));
          const largest = exports.shortenRows(n, d, memory.put(rows), out);
          const found = new Int16Array(memory.memory.buffer, out, padded * width + 1);
          expect(found[padded * width]).toBe(99);
          for (let j = 0; j < padded; j++) {
            for (let k = 0; k < width; k++) {
              const at = 8 * width * (j >> 3) + 16 * (k >> 1) + 2 * (j & 7) + (k & 1);
              const expected = j < n && k < d ? roundEven(Math.fround(rows[j * d + k] * SCALE)) : 0;
              if (found[at] !== expected)
                expect.fail(`row ${j} of ${n}, number ${k} of ${d}: ${found[at]}, expected ${expected}`);
            }
          }
          const squares = Array.from({ length: n }, (_, j) =>
            rows.subarray(j * d, (j + 1) * d).reduce((sum, x) => sum + x * x, 0),
          );
          expect(Math.abs(largest - Math.max(0, ...squares))).toBeLessThan(1e-5);
        });
      }
    }
  });

  it('does not fail for rows that are no unit vectors, and they are told', () => {
    withScratch(() => {
      for (const [d, x] of [
        [3, 1e9],
        [9, -1e9],
        [16, 1.1],
      ]) {
        const market = { n: 2, d, vectors: kernels.memory.put(new Float32Array(2 * d).fill(x)), cosineWeight: 1 };
        expect(quantiseItems(kernels, market, kernels.memory)).toBeUndefined();
      }
    });
  });
});

describe('the error bound', () => {
  /** Numbers that round badly: any, halves of the grid, all alike, one large. */
  const row = (d: number) =>
    fc.oneof(
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: d, maxLength: d }),
      fc.array(
        fc.integer({ min: -300, max: 300 }).map((i) => (i + 0.5) / SCALE),
        { minLength: d, maxLength: d },
      ),
      fc.double({ min: 0.1, max: 1, noNaN: true }).map((x) => new Array(d).fill(x)),
      fc.nat(d - 1).map((at) => Array.from({ length: d }, (_, k) => (k === at ? 1 : 1e-5))),
    );

  it('holds for the quantised vectors compared with the exact cosine of the kernels, whatever the rows', () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(1, 3, 8, 15, 16, 17, 65, 128)
          .chain((d) => fc.tuple(row(d), row(d), fc.double({ min: -12, max: 18, noNaN: true }))),
        ([x, y, exponent]) => {
          const d = x.length;
          withScratch(() => {
            const { exports, memory } = kernels;
            const norm = Math.hypot(...x);
            const item = Float32Array.from(x, (value) => (norm > 0 ? value / norm : 0));
            const user = Float32Array.from(y, (value) => value * 10 ** exponent);
            const [vectors, users] = [memory.put(item), memory.put(user)];
            const score = memory.put(new Float32Array(1));
            const factor = memory.allocate(4);
            exports.addCosines(score, 1, 1, d, vectors, users, factor, 1, 1);
            const length = 1 / memory.f32(factor, 1)[0];
            if (!(length > 1e-15)) return;
            const shorten = (row: Float32Array) => {
              const out = memory.allocate(2 * 8 * 2 * Math.ceil(d / 2));
              exports.shortenRows(1, d, memory.put(row), out);
              return Array.from(
                { length: d },
                (_, k) => new Int16Array(memory.memory.buffer, out)[16 * (k >> 1) + (k & 1)],
              );
            };
            const [p, q] = [shorten(item), shorten(Float32Array.from(user, (value) => value / length))];
            const approximate = p.reduce((sum, value, k) => sum + value * q[k], 0) / SCALE ** 2;
            expect(Math.abs(approximate - memory.f32(score, 1)[0])).toBeLessThanOrEqual(cosineError(d));
          });
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('is small where it should be, and grows with d', () => {
    expect(cosineError(128)).toBeLessThan(3.8e-4);
    expect(cosineError(65_535)).toBeLessThan(0.013);
    expect(cosineError(16)).toBeLessThan(cosineError(17));
  });
});

interface Shape {
  n: number;
  d: number;
  linear?: number;
  bias?: number;
  cosineWeight: number;
  /** What becomes of the vectors. */
  vectors?: (v: Float32Array, d: number) => void;
  /** What becomes of P. */
  history?: (p: Float32Array, d: number) => void;
}

/** One market; `linear` and `bias` are the largest values of these terms. */
function modelOf({ n, d, linear, bias, cosineWeight, vectors: change, history: shape }: Shape): Model {
  const vectors = unitRows(n, d);
  change?.(vectors, d);
  const history = uniform(n * d);
  shape?.(history, d);
  const ids = Array.from({ length: n }, (_, i) => `i${String(i).padStart(5, '0')}`);
  const market: MarketModel = {
    name: 'm',
    items: Int32Array.from(ids.keys()),
    popularity: Uint32Array.from(ids, () => random.below(9)),
    foldIn: history,
    vectors,
    linearWeight: 1,
    linearPower: 0.5,
    cosineWeight,
    users: ['a', 'b', 'c'],
    seenItems: pattern([[0, 2, 5], [], [1]], n),
    userVectors: uniform(3 * d),
  };
  if (linear !== undefined) {
    const rows = Array.from({ length: n }, () => {
      const row = new Array(n).fill(0);
      for (let e = 0; e < 6; e++) row[random.below(n)] = linear * (random.next() * 2 - 1);
      return row;
    });
    market.linear = sparse(rows, n);
  }
  if (bias !== undefined) market.bias = Float32Array.from({ length: n }, () => bias * (random.next() - 0.5));
  return { kind: 'm3rec', dim: d, items: ids, markets: [market], training: {} };
}

/** As many queries: users, histories of all lengths, empty and unknown ones, filters, several k. */
function queriesOf({ items, markets: [{ users }] }: Model, count: number): RecommendQuery[] {
  const some = (size: number) => Array.from({ length: size }, () => items[random.below(items.length)]);
  return Array.from({ length: count }, (_, i) => ({
    market: 'm',
    ...(i % 9 === 0 ? { user: users![i % users!.length] } : { items: some([0, 1, 2, 7, 20][random.below(5)]) }),
    ...(i % 3 === 0 && { k: [1, 2, 10, 11, items.length, items.length + 5][random.below(6)] }),
    includeSeen: i % 4 === 0,
    ...(i % 5 === 0 && { without: some(9) }),
    ...(i % 7 === 0 && { only: some([0, 3, 200][random.below(3)]) }),
    ...(i % 11 === 0 && { explain: 2 }),
  })) as RecommendQuery[];
}

/** The batch, and each query alone, are alike to the bit, −0 and 0 too. */
function expectAlike(model: Model, count = 70): void {
  withScratch(() => {
    const recommender = Recommender.from(model, kernels);
    const queries = queriesOf(model, count);
    const { used } = kernels.memory;
    const batch = recommender.recommendBatch(queries);
    expect(kernels.memory.used).toBe(used);
    expect(batch).toStrictEqual(queries.map((query) => recommender.recommend(query)));
    recommender.close();
  });
}

const DUPLICATES = (v: Float32Array, d: number) => {
  for (let j = 0; j < v.length / d; j++) v.copyWithin(j * d, (j % 7) * d, ((j % 7) + 1) * d);
};
const ZEROS = (v: Float32Array, d: number) => {
  for (let j = 0; j < v.length / d; j++) if (j % 3 !== 0) v.fill(0, j * d, (j + 1) * d);
};
/** Rows so close to one another that the quantised vectors cannot tell them apart. */
const CLOSE = (v: Float32Array, d: number) => {
  for (let j = 1; j < v.length / d; j++) {
    v.copyWithin(j * d, 0, d);
    v[j * d + (j % d)] *= 1 + 1e-6 * random.next();
  }
};
const times = (factor: number) => (p: Float32Array) => {
  for (let i = 0; i < p.length; i++) p[i] *= factor;
};

describe('a batch that is searched', () => {
  it('gives what each query gives alone, bit for bit, at every number of items and length of vector', () => {
    for (const n of [320, 321, 323, 335, 385, 1001])
      for (const d of n === 1001 ? [128] : [1, 3, 8, 15, 16, 17, 65])
        expectAlike(modelOf({ n, d, cosineWeight: 1.5 }), n === 1001 ? 150 : 70);
  });

  it('does with linear terms and a bias, small, and so large that they swallow the cosine', () => {
    for (const size of [1e-9, 1, 1e4, 1e9]) {
      for (const cosineWeight of [1, -0.7]) {
        expectAlike(modelOf({ n: 333, d: 17, linear: size, cosineWeight }));
        expectAlike(modelOf({ n: 333, d: 17, bias: size, cosineWeight }));
        expectAlike(modelOf({ n: 333, d: 17, linear: size, bias: size, cosineWeight }));
      }
    }
  });

  it('does with ties, rows of zeros and rows that quantised vectors cannot tell apart', () => {
    for (const vectors of [DUPLICATES, ZEROS, CLOSE]) {
      expectAlike(modelOf({ n: 400, d: 16, cosineWeight: 1, vectors }));
      expectAlike(modelOf({ n: 400, d: 19, linear: 1, bias: 0, cosineWeight: 1, vectors }));
    }
  });

  it('does for users without a vector, and for vectors and weights at the ends of f32', () => {
    for (const linear of [undefined, 1])
      expectAlike(modelOf({ n: 400, d: 16, linear, cosineWeight: 1, history: ZEROS }));
    for (const factor of [1e-22, 1e-18, 1e-12, 1e8])
      for (const cosineWeight of [1e-40, 1e-25, 1, 1e9, 0])
        expectAlike(modelOf({ n: 330, d: 9, cosineWeight, history: times(factor) }));
  });

  it('does where rows are longer than unit vectors, which are scored in full', () => {
    expectAlike(modelOf({ n: 330, d: 9, cosineWeight: 1, vectors: times(1e9) }));
    expectAlike(modelOf({ n: 330, d: 9, cosineWeight: 1, vectors: times(1.001) }));
    expectAlike(modelOf({ n: 330, d: 9, cosineWeight: 1, vectors: times(1.01) }));
  });

  it('does for small batches and small markets, which are scored in full', () => {
    for (const count of [1, 2, 15, 16, 17]) expectAlike(modelOf({ n: 330, d: 9, cosineWeight: 1 }), count);
    expectAlike(modelOf({ n: 7, d: 9, cosineWeight: 1 }));
  });

  it('scores few items exactly', () => {
    withScratch(() => {
      const { exports, memory } = kernels;
      const [n, d, m, k] = [4000, 64, 6, 10];
      const vectors = memory.put(unitRows(n, d));
      const catalogue = quantiseItems(kernels, { n, d, vectors, cosineWeight: 1, cosine: true }, memory)!;
      const users = memory.put(uniform(m * d));
      const excluded = memory.allocateZeroed(n);
      const states = putStructs(memory, SearchState, Array(m).fill(stateOf(catalogue.zeros, excluded, k)));
      const items = putStruct(memory, SearchedItems, {
        n,
        d,
        vectors,
        shorts: catalogue.quantised,
        bias: NOWHERE,
        zeros: catalogue.zeros,
        weight: 1,
        error: cosineError(d),
        cosine: 1,
      });
      const lists = memory.allocate(8 * n * m);
      exports.searchBatch(
        m,
        items,
        users,
        states,
        lists,
        memory.allocate(8 * k * m),
        k,
        memory.allocate(4 * m),
        memory.allocate(SEARCH_SCRATCH_BYTES + 8 * 2 * d),
      );
      for (const [u, { listed, least }] of readStructs(memory, SearchState, states, m).entries()) {
        const highs = Array.from({ length: listed }, (_, i) => memory.f32(plus(lists, 8 * n * u + 8 * i + 4), 1)[0]);
        expect(listed).toBeLessThan(300);
        expect(highs.filter((high) => high >= least).length).toBeLessThan(40);
      }
    });
  });
});
