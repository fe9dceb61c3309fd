// What fuzzing found (test/fuzz), one readable case each, and the checks of hostile arguments that came of it.
import { beforeAll, describe, expect, test } from 'vitest';
import { ArgumentError, DataError, M3RecError, ModelFileError } from '../../src/common/errors.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import * as library from '../../src/index.ts';
import { readDirectory } from '../../src/node/directory.ts';
import { readBytes, writeFileAtomically } from '../../src/node/files.ts';
import { fullModel } from '../support/small-model.ts';

/** Stands for a value of a type that the signature forbids. */
const wrong = (value: unknown) => value as never;

let recommender: library.Recommender;
let markets: library.Markets;
beforeAll(async () => {
  recommender = await library.loadModel(library.encodeModel(fullModel()));
});

const someMarkets = () =>
  library.readMarkets([
    { market: 'm', split: 'train', name: 'train.csv', source: 'userId,itemId\nu,i\nu,j\nv,j\nv,k\n' },
    { market: 'm', split: 'valid', name: 'valid.csv', source: 'userId,itemId\nu,k\n' },
  ]);

async function errorOf(work: () => unknown): Promise<M3RecError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(M3RecError);
    return error as M3RecError;
  }
  throw new Error('nothing was thrown');
}

describe('messages', () => {
  test('are one line of at most 1,000 characters, whatever they quote', async () => {
    const error = await errorOf(() => library.readRows('user\u0085\u2028,"a"\n1,2\n', 'fi\nle\u001b[2J.csv', () => {}));
    expect(error.message).toBe(
      'fi\\x0ale\\x1b[2J.csv:1: no column userId, itemId; the header has "user\\x85", "a": name them with --columns user=NAME,item=NAME',
    );
    expect(new M3RecError('x'.repeat(5000)).message).toHaveLength(1000);
  });

  test('of warnings too', async () => {
    const messages: string[] = [];
    await library.readMarkets([{ market: 'a\nb', split: 'train', name: 'x', source: 'userId,itemId\nu,i\nu,i\n' }], {
      onWarning: ({ message }) => messages.push(message),
    });
    expect(messages).toEqual(['market a\\x0ab: 1 duplicate row, counted once']);
  });
});

describe('files', () => {
  test('a header line that ends in CR alone, in a file with LF, does not swallow the row behind it', async () => {
    const rows: string[] = [];
    const error = await errorOf(() =>
      library.readRows('userId,itemId\ru1,i1\nu2,i2\n', 'file.csv', (user) => rows.push(user)),
    );
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain('no column itemId');
    expect(rows).toEqual([]);
  });

  test.each<[string, (model: library.Model) => void, RegExp]>([
    [
      'a linear value of 3e38, of which two overflow f32',
      (model) => model.markets[0].linear!.values.fill(3e38),
      /"linear values" of market 0 at byte \d+: found .*above 1e9/,
    ],
    ['a history value above 1e9', (model) => model.markets[0].foldIn!.fill(1.1e9), /"history" of market 0/],
    [
      'a weight of 1e300',
      (model) => {
        model.markets[1].cosineWeight = -1e300;
      },
      /"weights" of market 1 at byte \d+: found -1e\+300, expected finite values up to 1e9/,
    ],
    [
      'a linear power below 0',
      (model) => {
        model.markets[0].linearPower = -0.5;
      },
      /"weights" of market 0 at byte \d+: found linear power -0.5, expected 0 or more/,
    ],
  ])('a model whose scores could leave the range of f32 is refused: %s', (_, change, message) => {
    const model = fullModel();
    change(model);
    expect(() => library.encodeModel(model)).toThrow(ModelFileError);
    expect(() => library.encodeModel(model)).toThrow(message);
  });

  test('floats up to the limit are served with finite scores', async () => {
    const model = fullModel();
    for (const market of model.markets) {
      market.linear!.values.fill(1e9);
      market.foldIn!.fill(-1e9);
      market.bias!.fill(1e9);
      market.linearWeight = 1e9;
      market.cosineWeight = 1e9;
    }
    const extreme = await library.loadModel(library.encodeModel(model));
    const { items } = extreme.recommend({ market: 'm1', user: 'u1', explain: true, includeSeen: true });
    expect(items.length).toBeGreaterThan(0);
    for (const { score, because } of items)
      expect([score, ...because!.map(({ contribution }) => contribution)].every(Number.isFinite)).toBe(true);
  });

  test('a buffer that was given away is an empty file', () => {
    const { buffer } = new Uint8Array(64);
    structuredClone(buffer, { transfer: [buffer] });
    expect(() => library.decodeModel(buffer)).toThrow('it is empty (0 bytes)');
  });
});

describe('arguments of other types are named', () => {
  beforeAll(async () => {
    markets = await someMarkets();
  });

  test.each<[string, () => unknown, string]>([
    ['recommend', () => recommender.recommend(wrong(null)), 'query: found null, expected an object'],
    ['recommend of a list', () => recommender.recommend(wrong([])), 'query: found an array of 0, expected an object'],
    [
      'recommend, only',
      () => recommender.recommend({ market: 'm1', items: [], only: wrong(0) }),
      'only: found 0, expected an array of ids',
    ],
    [
      'recommendBatch',
      () => recommender.recommendBatch(wrong({})),
      'queries: found a value of type object, expected an array of queries',
    ],
    [
      'recommendAll',
      () => recommender.recommendAll(wrong({})),
      'queries: found a value of type object, expected an array of queries',
    ],
    [
      'recommendAll, signal',
      () => recommender.recommendAll([], { signal: wrong(5) }),
      'signal: found 5, expected an AbortSignal',
    ],
    ['startThreads', () => library.startThreads(wrong(null)), 'options: found null, expected an object'],
    ['startThreads, threads', () => library.startThreads({ threads: 0 }), 'threads: found 0'],
    ['similar', () => recommender.similar(wrong(undefined)), 'query: found undefined, expected an object'],
    ['rank', () => recommender.rank(wrong('m1')), 'query: found "m1", expected an object'],
    [
      'recommendBatch with holes',
      () => recommender.recommendBatch(new Array(2)),
      'query: found undefined, expected an object',
    ],
    ['rankBatch with holes', () => recommender.rankBatch(new Array(2)), 'query: found undefined, expected an object'],
    ['rankBatch', () => recommender.rankBatch(wrong(5)), 'queries: found 5, expected an array of queries'],
    [
      'scores without a history',
      () => recommender.scores('m1', wrong(null)),
      'history.length: found undefined, expected an integer from 0 to 8',
    ],
    [
      'scores of a huge array-like',
      () => recommender.scores('m1', { length: 2 ** 40 }),
      'history.length: found 1099511627776',
    ],
    [
      'scores of bigints',
      () => recommender.scores('m1', wrong(BigInt64Array.of(0n))),
      'history[0]: found a value of type bigint',
    ],
    [
      'loadModel, kernels',
      () => library.loadModel(library.encodeModel(fullModel()), { kernels: new Uint8Array(8) }),
      'kernels: found a value of type object, expected the bytes of kernels.wasm',
    ],
    [
      'loadModel, options',
      () => library.loadModel(library.encodeModel(fullModel()), wrong(null)),
      'options: found null, expected an object',
    ],
    [
      'another module',
      () => instantiateKernels(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)),
      'kernels: this is another WebAssembly module, not kernels.wasm of m3rec',
    ],
    ['encodeModel', () => library.encodeModel(wrong(undefined)), 'model: found undefined'],
    ['encodeModel, dim', () => library.encodeModel({ ...fullModel(), dim: 5.5 }), 'model.dim: found 5.5'],
    [
      'encodeModel, popularity',
      () => {
        const model = fullModel();
        model.markets[1].popularity = wrong(new Float32Array(4));
        return library.encodeModel(model);
      },
      'model.markets[1].popularity: found a value of type object, expected a Uint32Array',
    ],
    [
      'Recommender.from with an index out of range',
      () => {
        const model = fullModel();
        model.markets[0].linear!.indices[0] = 1e8;
        return library.Recommender.from(model, recommender.kernels);
      },
      'model.markets[0].linear.indices[0]: found 100000000, expected indices that rise and stay below 8',
    ],
    [
      'Recommender.from with a byte table that is short of scales',
      () => {
        const model = library.exportModel(fullModel(), { vectors: 'int8' });
        (model.markets[1].vectors as library.ScaledTable).scales = new Float32Array(3);
        return library.Recommender.from(model, recommender.kernels);
      },
      'model.markets[1].vectors.scales.length: found 3, expected 4',
    ],
    [
      'Recommender.from with halves that are not numbers',
      () => {
        const model = library.exportModel(fullModel(), { vectors: 'f16' });
        (model.markets[0].foldIn as Uint16Array)[7] = 0x7e00;
        return library.Recommender.from(model, recommender.kernels);
      },
      'model.markets[0].foldIn[7]: found "half 0x7e00", expected a finite half',
    ],
    [
      'encodeModel with a table of another type',
      () => {
        const model = fullModel();
        model.markets[0].vectors = wrong(new Float64Array(40));
        return library.encodeModel(model);
      },
      'model.markets[0].vectors: found a value of type object, expected a Float32Array, a Uint16Array of halves, or an Int8Array with scales',
    ],
    [
      'encodeModel with bytes alone',
      () => {
        const model = fullModel();
        model.markets[0].userVectors = wrong({ values: new Int8Array(20) });
        return library.encodeModel(model);
      },
      'model.markets[0].userVectors.scales: found undefined, expected a Float32Array',
    ],
    ['exportModel', () => library.exportModel(wrong(null)), 'model: found null'],
    ['exportModel, markets', () => library.exportModel(fullModel(), { markets: wrong([5]) }), 'markets[0]: found 5'],
    ['train', () => library.train(wrong({})), 'markets.items: found undefined, expected an array of ids'],
    ['train, options', () => library.train(markets, wrong(null)), 'options: found null, expected an object'],
    ['train, onStage', () => library.train(markets, { onStage: wrong(1) }), 'onStage: found 1, expected a function'],
    [
      'train, signal',
      () => library.train(markets, { signal: wrong('now') }),
      'signal: found "now", expected an AbortSignal',
    ],
    ['resolveOptions', () => library.resolveOptions(wrong('paper')), 'options: found "paper", expected an object'],
    ['computeStats', () => library.computeStats(wrong(markets.markets)), 'markets: found an array of 1'],
    [
      'evaluate, heldOut',
      () => library.evaluate(recommender, markets, { heldOut: 'constructor' }),
      'heldOut: found "constructor", expected a file of held-out rows: valid',
    ],
    [
      'evaluate, recommender',
      () => library.evaluate(wrong({}), markets),
      'recommender: found a value of type object, expected a Recommender',
    ],
    ['compare', () => library.compare(wrong(null), wrong(null)), 'a: found null, expected an object'],
    ['readMarkets', () => library.readMarkets(wrong('shop')), 'files: found "shop", expected an array of files'],
    [
      'readMarkets, split',
      () => library.readMarkets([{ market: 'm', split: wrong('__proto__'), name: 'x', source: '' }]),
      'files[0].split: found "__proto__"',
    ],
    [
      'readRows, source',
      () => library.readRows(wrong(5), 'x', () => {}),
      'source: found 5, expected text, a Uint8Array, or an iterable of these',
    ],
    [
      'readRows, pieces',
      () => library.readRows(wrong([5]), 'x', () => {}),
      'source: found 5, expected pieces that are text or a Uint8Array',
    ],
    ['readRows, sink', () => library.readRows('', 'x', wrong(undefined)), 'sink: found undefined, expected a function'],
    [
      'generateMarkets',
      () => library.generateMarkets({ markets: wrong([null]) }),
      'markets[0]: found null, expected an object',
    ],
    ['readDirectory', () => readDirectory(wrong(5)), 'path: found 5, expected the path of a file or folder, as text'],
    ['readBytes', () => readBytes('a\0b'), 'path: found "a\\u0000b"'],
    ['writeFileAtomically', () => writeFileAtomically('', new Uint8Array(0)), 'path: found ""'],
  ])('%s', async (_, call, message) => {
    const error = await errorOf(call);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toContain(message);
  });

  test.each<[string, (broken: library.Markets) => void, string]>([
    [
      'an item out of range',
      ({ markets: [market] }) => market.interactions.indices.set([1e8], 1),
      'markets.markets[0].interactions.indices[1]: found 100000000',
    ],
    [
      'a negative item',
      ({ markets: [market] }) => market.interactions.indices.set([-5], 0),
      'markets.markets[0].interactions.indices[0]: found -5',
    ],
    [
      'rows that end beyond the entries',
      ({ markets: [market] }) => market.interactions.indptr.set([9], 2),
      'markets.markets[0].interactions.indices.length: found 4, expected 9',
    ],
    [
      'an item index beyond all items',
      ({ markets: [market] }) => market.items.set([3], 2),
      'markets.markets[0].items[2]: found 3',
    ],
    [
      'a held-out user out of range',
      ({ markets: [market] }) => Object.assign(market.heldOut.valid[0], { user: 2 }),
      'markets.markets[0].heldOut.valid[0].user: found 2',
    ],
  ])('markets with %s never reach a kernel', async (_, change, message) => {
    const broken = await someMarkets();
    change(broken);
    for (const call of [
      () => library.train(broken, { model: 'ease' }),
      () => library.evaluate(recommender, broken),
      () => library.computeStats(broken),
    ]) {
      expect((await errorOf(call)).message).toContain(message);
    }
  });
});
