import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { ArgumentError, ModelFileError } from '../../src/common/errors.ts';
import { assembleGenerated, generateMarkets } from '../../src/data/generate.ts';
import type { Markets } from '../../src/data/markets.ts';
import type { Kernels } from '../../src/engine/types.ts';
import { evaluate } from '../../src/evaluate/evaluate.ts';
import { FORMAT_VERSION } from '../../src/model/file.ts';
import type { Model } from '../../src/model/model.ts';
import { fromHalf, narrowTable, putTable, type ScaledTable, toHalf } from '../../src/model/table.ts';
import { type ExportOptions, exportModel } from '../../src/models/export.ts';
import { decodeModel, encodeModel, inspectModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import { Recommender } from '../../src/models/recommender.ts';
import { train } from '../../src/train/train.ts';
import { update } from '../../src/train/update.ts';
import { putTogether, takeApart } from '../fuzz/model-file.ts';
import { LENGTHS, randoms, rawKernels } from '../support/reference.ts';
import { fullModel, sparse } from '../support/small-model.ts';

let kernels: Kernels;
beforeAll(async () => {
  kernels = await rawKernels();
});

/** Runs `work` on linear memory and gives back what it took. */
function scratch<T>(work: () => T): T {
  const mark = kernels.memory.mark();
  try {
    return work();
  } finally {
    kernels.memory.release(mark);
  }
}

/** IEEE 754-2019, 3.4: the value of a half by its fields. */
function plainHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

const finiteHalves = Uint16Array.from({ length: 65_536 }, (_, bits) => bits).filter((bits) =>
  Number.isFinite(plainHalf(bits)),
);

describe('halves', () => {
  it('widen to the value of their fields, on the host and in the kernel, all of them', () => {
    const expected = Float32Array.from(finiteHalves, plainHalf);
    expect(Float32Array.from(finiteHalves, fromHalf)).toEqual(expected);
    scratch(() =>
      expect(kernels.memory.f32(putTable(kernels, finiteHalves, 1, false, 'test'), finiteHalves.length)).toEqual(
        expected,
      ),
    );
    expect(finiteHalves.length).toBe(2 * 31 * 1024);
  });

  it('widen at every length', () => {
    for (const n of LENGTHS) {
      const halves = finiteHalves.slice(15_000, 15_000 + n);
      scratch(() =>
        expect([...kernels.memory.f32(putTable(kernels, halves, n, false, 'test'), n)]).toEqual(
          Array.from(halves, plainHalf),
        ),
      );
    }
  });

  it('are the nearest to every f32 around every half and every midpoint, halves to even', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [plainHalf(bits), plainHalf(bits + 1)];
      const middle = (low + high) / 2;
      const step = (high - low) / 1024;
      const even = bits % 2 === 0 ? bits : bits + 1;
      expect([toHalf(low), toHalf(middle - step), toHalf(middle), toHalf(middle + step), toHalf(-middle)]).toEqual([
        bits,
        bits,
        even,
        bits + 1,
        even | 0x8000,
      ]);
    }
    expect([toHalf(65_519), toHalf(0), toHalf(-0), toHalf(1e-30)]).toEqual([0x7bff, 0, 0x8000, 0]);
  });
});

describe('bytes with a scale a row', () => {
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e9), max: Math.fround(1e9) });

  it('are within half a scale of what they stand for, and the kernel widens them to the product', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 37 }), fc.array(finite, { minLength: 0, maxLength: 120 }), (dim, list) => {
        const table = Float32Array.from(list.slice(0, list.length - (list.length % dim)));
        const { values, scales } = narrowTable('table', table, dim, 'int8', false) as ScaledTable;
        const wide = scratch(() =>
          kernels.memory.f32(putTable(kernels, { values, scales }, dim, false, 'test'), table.length).slice(),
        );
        for (let k = 0; k < table.length; k++) {
          const scale = scales[Math.floor(k / dim)];
          const row = table.subarray(k - (k % dim), k - (k % dim) + dim);
          const largest = Math.max(...row.map(Math.abs));
          expect(scale).toBe(Math.fround(largest / 127));
          expect(Math.abs(values[k])).toBeLessThanOrEqual(127);
          // A scale near the least f32 is itself rounded by up to half of it.
          if (scale > 1e-38) expect(Math.abs(table[k] - scale * values[k])).toBeLessThanOrEqual(scale * 0.50001);
          expect(wide[k]).toBe(Math.fround(scale * values[k]));
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('round half to even; a zero row has scale 0', () => {
    const { values, scales } = narrowTable(
      'table',
      Float32Array.of(127, 0.5, 1.5, -2.5, 0, 0, 0, 0),
      4,
      'int8',
      false,
    ) as ScaledTable;
    expect([...values]).toEqual([127, 0, 2, -2, 0, 0, 0, 0]);
    expect([...scales]).toEqual([1, 0]);
  });

  it('narrowed again after widening are the same bytes', () => {
    const narrow = narrowTable('table', randoms(60 * 33, 5), 33, 'int8', false) as ScaledTable;
    const wide = scratch(() => kernels.memory.f32(putTable(kernels, narrow, 33, false, 'test'), 60 * 33).slice());
    expect(narrowTable('table', wide, 33, 'int8', false)).toEqual(narrow);
  });
});

test('rows of unit length have it again, whatever the type and d; zero rows stay zero', () => {
  for (const dim of LENGTHS.filter((d) => d > 0)) {
    const table = randoms(9 * dim, dim).fill(0, 3 * dim, 4 * dim);
    for (let r = 0; r < 9; r++) {
      const row = table.subarray(r * dim, (r + 1) * dim);
      const norm = Math.hypot(...row);
      if (norm > 0) row.set(row.map((x) => x / norm));
    }
    for (const type of ['f16', 'int8'] as const) {
      scratch(() => {
        const wide = kernels.memory.f32(
          putTable(kernels, narrowTable('table', table, dim, type, true), dim, true, 'test'),
          table.length,
        );
        for (let r = 0; r < 9; r++) {
          const length = Math.hypot(...wide.subarray(r * dim, (r + 1) * dim));
          if (r === 3) expect(length).toBe(0);
          else expect(Math.abs(length - 1)).toBeLessThan(3e-7 * Math.sqrt(dim));
        }
        // f16 keeps 11 bits, int8 is off by half of 1/127 of the largest value; lengths change no more than that again.
        const bound = type === 'f16' ? 2 ** -10 : 1 / 127;
        expect(Math.max(...wide.map((x, k) => Math.abs(x - table[k])))).toBeLessThanOrEqual(bound);
      });
    }
  }
});

describe('exportModel', () => {
  const names = ({ markets }: Model) => markets.map(({ name }) => name);

  it('keeps some markets, and no item that they lack', () => {
    const exported = exportModel(fullModel(), { markets: ['m3', 'm2'] });
    expect(names(exported)).toEqual(['m2', 'm3']);
    const full = fullModel();
    for (const market of exported.markets) {
      const before = full.markets.find(({ name }) => name === market.name)!;
      expect(Array.from(market.items, (item) => exported.items[item])).toEqual(
        Array.from(before.items, (item) => full.items[item]),
      );
    }
    expect(exported.items).toEqual(full.items.filter((_, item) => [1, 2, 4, 6, 0, 9].includes(item)));
    expect(exported.training.exported).toEqual({ markets: ['m2', 'm3'] });
    expect(decodeModel(encodeModel(exported))).toEqual(exported);
  });

  it('leaves the model as it was', () => {
    const model = fullModel();
    exportModel(model, { markets: ['m1'], users: false, vectors: 'int8', neighbours: 1 });
    expect(model).toEqual(fullModel());
  });

  it('prunes to the largest similarities of each history item, of equal ones those of lower items', () => {
    const model = fullModel();
    model.markets[1].linear = sparse(
      [
        [0, 3, 5, 3],
        [2, 0, 2, 2],
        [0, 0, 0, 9],
        [-1, -2, -3, 0],
      ],
      4,
    );
    const pruned = exportModel(model, { markets: ['m2'], neighbours: 2 }).markets[0].linear!;
    expect(pruned).toEqual(
      sparse(
        [
          [0, 3, 5, 0],
          [2, 0, 2, 0],
          [0, 0, 0, 9],
          [-1, -2, 0, 0],
        ],
        4,
      ),
    );
    expect(exportModel(model, { neighbours: 1000 }).markets.map(({ linear }) => linear)).toEqual(
      model.markets.map(({ linear }) => linear),
    );
  });

  it('leaves out users, and what only an update needs', async () => {
    const markets = assembleGenerated(generateMarkets({ users: 60, items: 200, interactions: 600, seed: 2 }));
    const model = await train(markets, { model: 'ease', updatable: true });
    expect(model.inverse).toBeDefined();
    const exported = exportModel(model, { users: false });
    expect(exported.inverse).toBeUndefined();
    for (const market of exported.markets)
      for (const key of ['users', 'seenItems', 'userVectors', 'inverse']) expect(market).not.toHaveProperty(key);
    expect(
      exportModel(fullModel()).markets.every(({ users, seenItems, userVectors }) => users && seenItems && userVectors),
    ).toBe(true);
    await expect(update(exportModel(model), markets)).rejects.toThrow(
      'model: an exported model cannot be updated; update the model it was exported from, then export again',
    );
  });

  it('remembers what earlier exports were asked for', () => {
    const twice = exportModel(exportModel(fullModel(), { markets: ['m1'], vectors: 'f16' }), { users: false });
    expect(twice.training.exported).toEqual({ markets: ['m1'], vectors: 'f16', users: false });
  });

  const f16 = () => exportModel(fullModel(), { vectors: 'f16' });
  const ease = () => ({
    ...fullModel(),
    markets: fullModel().markets.map(({ foldIn, vectors, userVectors, ...market }) => market),
  });
  const huge = () => {
    const model = fullModel();
    model.markets[1].foldIn!.fill(65_520, 3, 4);
    return model;
  };
  test.each<[string, () => Model, unknown, string]>([
    [
      'an unknown market',
      fullModel,
      { markets: ['m1', '__proto__'] },
      'markets: found "__proto__", expected markets of the model: m1, m2, m3',
    ],
    [
      'no market',
      fullModel,
      { markets: [] },
      'markets: found an array of 0, expected markets of the model: m1, m2, m3',
    ],
    ['markets as text', fullModel, { markets: 'm1' }, 'markets: found "m1", expected an array of names'],
    ['no neighbour', fullModel, { neighbours: 0 }, 'neighbours: found 0, expected an integer from 1'],
    ['a part of a neighbour', fullModel, { neighbours: 1.5 }, 'neighbours: found 1.5'],
    ['another type', fullModel, { vectors: 'int4' }, 'vectors: found "int4", expected f32, f16, int8'],
    ['users that are no flag', fullModel, { users: 'no' }, 'users: found "no", expected true or false'],
    ['f32 from f16', f16, { vectors: 'f32' }, 'vectors: found "f32", expected f16, as foldIn of market m1 is held'],
    ['int8 from f16', f16, { vectors: 'int8' }, 'vectors: found "int8", expected f16'],
    [
      'vectors of a model without',
      ease,
      { vectors: 'f16' },
      'vectors: this model has no vectors; leave the option out',
    ],
    [
      'neighbours of a model without',
      () => ({ ...fullModel(), markets: fullModel().markets.map(({ linear, ...market }) => market) }),
      { neighbours: 5 },
      'neighbours: this model has no similarities; leave the option out',
    ],
    [
      'values beyond f16',
      huge,
      { vectors: 'f16' },
      'vectors: found "f16", expected f32 or int8, since foldIn of market m2 has a value of 65520',
    ],
    ['no options', fullModel, null, 'options: found null'],
    ['no model', () => ({}) as Model, {}, 'model.kind: found undefined'],
  ])('refuses %s', (_, model, options, message) => {
    expect(() => exportModel(model(), options as ExportOptions)).toThrow(ArgumentError);
    expect(() => exportModel(model(), options as ExportOptions)).toThrow(message);
  });
});

describe('an exported model', () => {
  let markets: Markets;
  let model: Model;
  beforeAll(async () => {
    markets = assembleGenerated(generateMarkets({ users: 300, items: 200, interactions: 3000, seed: 4 }));
    model = await train(markets, { model: 'm3rec', dim: 16, walks: 2, walkLength: 10, epochs: 2 });
  });
  const open = (options: ExportOptions) => loadModel(encodeModel(exportModel(model, options)));

  it('scores as its tables say, in f64', async () => {
    for (const vectors of ['f16', 'int8'] as const) {
      const recommender = await open({ vectors, users: false, markets: [model.markets[0].name] });
      const [market] = recommender.model.markets;
      const d = model.dim;
      const n = market.items.length;
      const wide = (table: NonNullable<typeof market.vectors>) =>
        vectors === 'f16'
          ? Float64Array.from(table as Uint16Array, plainHalf)
          : Float64Array.from(
              (table as ScaledTable).values,
              (q, k) => q * (table as ScaledTable).scales[Math.floor(k / d)],
            );
      const [P, V] = [wide(market.foldIn!), wide(market.vectors!)];
      const history = [1, 4, 7];
      const u = Array.from({ length: d }, (_, k) => history.reduce((sum, i) => sum + P[i * d + k], 0));
      const expected = Array.from({ length: n }, (_, j) => {
        let linear = 0;
        for (const i of history)
          for (let e = market.linear!.indptr[i]; e < market.linear!.indptr[i + 1]; e++)
            if (market.linear!.indices[e] === j) linear += market.linear!.values[e];
        const v = V.subarray(j * d, (j + 1) * d);
        const norms = Math.hypot(...u) * Math.hypot(...v);
        return (
          market.linearWeight * linear +
          (norms > 0 ? (market.cosineWeight * u.reduce((sum, x, k) => sum + x * v[k], 0)) / norms : 0)
        );
      });
      const scores = recommender.scores(market.name, history);
      for (let j = 0; j < n; j++) expect(Math.abs(scores[j] - expected[j])).toBeLessThan(1e-5);
      const ids = history.map((i) => recommender.model.items[market.items[i]]);
      for (const { score, because } of recommender.recommend({ market: market.name, items: ids, explain: true })
        .items) {
        expect(because!.reduce((sum, { contribution }) => sum + contribution, 0)).toBeCloseTo(score, 5);
      }
    }
  });

  it('ranks nearly as the whole model does', async () => {
    const whole = await evaluate(await loadModel(encodeModel(model)), markets, { negatives: 'all' });
    const half = await evaluate(await open({ vectors: 'f16' }), markets, { negatives: 'all' });
    const bytes = await evaluate(await open({ vectors: 'int8', neighbours: 50, users: false }), markets, {
      negatives: 'all',
    });
    expect(Math.abs(half.mean.ndcg - whole.mean.ndcg)).toBeLessThan(0.002);
    expect(Math.abs(bytes.mean.ndcg - whole.mean.ndcg)).toBeLessThan(0.01);
    expect(bytes.markets.map(({ unknownUsers }) => unknownUsers)).toEqual(
      whole.markets.map(({ unknownUsers }) => unknownUsers),
    );
  });

  it('without users folds the data’s histories in, gives popularity for an empty one, and names a user as what is wrong', async () => {
    const whole = await evaluate(await loadModel(encodeModel(model)), markets);
    const recommender = await open({ users: false });
    // The default preset has no vectors of users, so nothing is lost.
    expect((await evaluate(recommender, markets)).markets).toEqual(whole.markets);
    const { name, popularity, items } = recommender.model.markets[0];
    const { items: best, fallback } = recommender.recommend({ market: name, items: [], k: 1 });
    expect([fallback, best[0].score]).toEqual(['popularity', Math.max(...popularity)]);
    expect(() => recommender.recommend({ market: name, user: markets.markets[0].users[0] })).toThrow(
      'user: this model was saved without users: give items instead',
    );
    const seen = recommender.model.items[items[0]];
    expect(
      recommender.recommend({ market: name, items: [seen], k: items.length }).items.map(({ item }) => item),
    ).not.toContain(seen);
  });

  it('takes linear memory for f32 vectors and little besides', async () => {
    const used = (options: ExportOptions) => {
      const before = kernels.memory.used;
      const recommender = Recommender.from(exportModel(model, options), kernels);
      const bytes = kernels.memory.used - before;
      recommender.close();
      return bytes;
    };
    expect(used({ vectors: 'int8' })).toBe(used({}));
    expect(used({ vectors: 'f16' })).toBe(used({}));
  });
});

describe('format versions', () => {
  it('are the oldest that can hold the model', () => {
    expect(FORMAT_VERSION).toBe(4);
    const longest = Math.max(
      ...fullModel().markets.flatMap(({ linear }) =>
        Array.from(linear!.indptr.subarray(1), (end, row) => end - linear!.indptr[row]),
      ),
    );
    expect(inspectModel(encodeModel(fullModel()))).toMatchObject({
      version: 1,
      vectors: 'f32',
      users: true,
      neighbours: longest,
    });
    for (const vectors of ['f16', 'int8'] as const) {
      const bytes = encodeModel(exportModel(fullModel(), { vectors, users: false, neighbours: 3 }));
      expect(inspectModel(bytes)).toMatchObject({ version: 2, vectors, users: false, neighbours: 3 });
      expect(decodeModel(bytes)).toEqual(exportModel(fullModel(), { vectors, users: false, neighbours: 3 }));
    }
  });

  it('of the past open still, and encode to the same bytes', () => {
    const corpus = new URL('../fuzz/corpus/', import.meta.url);
    const files = readdirSync(corpus).filter((name) => /^model-version-\d+-/.test(name));
    for (let version = 1; version <= FORMAT_VERSION; version++)
      expect(files.filter((name) => name.startsWith(`model-version-${version}-`)).length).toBeGreaterThan(2);
    for (const file of files) {
      const bytes = readFileSync(new URL(file, corpus));
      expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0);
    }
  });

  const int8 = () => takeApart(encodeModel(exportModel(fullModel(), { vectors: 'int8' })));
  const change = (code: number, edit: (part: ReturnType<typeof int8>['parts'][number]) => void, draft = int8()) => {
    edit(draft.parts.find((part) => part.code === code && part.market === 0)!);
    return draft;
  };
  const set =
    (offset: number, ...bytes: number[]) =>
    (part: { data: Uint8Array }) =>
      part.data.set(bytes, offset);
  const f16 = () => takeApart(encodeModel(exportModel(fullModel(), { vectors: 'f16' })));
  test.each<[string, () => ReturnType<typeof int8>, RegExp]>([
    ['0', () => ({ ...int8(), version: 0 }), /header at byte 8: found format version 0, expected 1 to 4/],
    [
      '4',
      () => ({ ...int8(), version: 5 }),
      /header at byte 8: found format version 5, which is newer than this library, expected at most 4/,
    ],
    ['1 with int8', () => ({ ...int8(), version: 1 }), /dtype 7, expected 4 \(f32\) for "history" in version 1/],
    [
      '2 without need',
      () => ({ ...takeApart(encodeModel(fullModel())), version: 2 }),
      /format version 2 without a section in f16 or int8, expected 1/,
    ],
    [
      '2 with a half that is infinite',
      () => change(23, set(0, 0, 0x7c), f16()),
      /section "vectors" of market 0 at byte \d+: found half 0x7c00, expected a finite half/,
    ],
    [
      '2 with a half of another length',
      () => change(23, set(0, 0, 0x40), f16()),
      /section "vectors" of market 0 at byte \d+: found a row of squared length/,
    ],
    [
      '2 with −128',
      () => change(22, set(3, 0x80)),
      /section "history" of market 0 at byte \d+: found -128, expected a value from -127 to 127/,
    ],
    [
      '2 with a scale that is not a number',
      () => change(32, set(0, 0, 0, 0xc0, 0x7f)),
      /section "history scales" of market 0 at byte \d+: found a value that is not finite/,
    ],
    [
      '2 with a scale below 0',
      () => change(32, set(3, 0xbd)),
      /section "history scales" of market 0 at byte \d+: found -/,
    ],
    [
      '2 with a scale of −0',
      () => change(34, set(0, 0, 0, 0, 0x80)),
      /section "user vector scales" of market 0 at byte \d+: found -0/,
    ],
    [
      '2 with a scale too large',
      () => change(32, set(0, 0, 0, 0, 0x4e)),
      /section "history scales" of market 0 at byte \d+: found 536870912, expected a number from 0 to 7874015.5/,
    ],
    [
      '2 with a vector of another length',
      () => change(33, set(0, 0, 0, 0x80, 0x3f)),
      /section "vectors" of market 0 at byte \d+: found a row of squared length/,
    ],
    [
      '2 without scales',
      () => {
        const draft = int8();
        return { ...draft, parts: draft.parts.filter(({ code }) => code !== 33) };
      },
      /no section "vector scales" of market 0/,
    ],
    [
      '2 with scales of halves',
      () => {
        const draft = f16();
        const scales = int8().parts.filter(({ code, market }) => code === 32 && market === 0);
        const at = draft.parts.findIndex(({ market }) => market === 1);
        return { ...draft, parts: [...draft.parts.slice(0, at), ...scales, ...draft.parts.slice(at)] };
      },
      /section "history scales" of market 0 at byte \d+: found scales, expected none, since "history" is not int8/,
    ],
  ])('version %s is refused by name', (_, draft, message) => {
    const bytes = putTogether(draft());
    expect(() => decodeModel(bytes)).toThrow(ModelFileError);
    expect(() => decodeModel(bytes)).toThrow(message);
  });
});
