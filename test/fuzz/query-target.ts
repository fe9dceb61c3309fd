// Calls of the library whose arguments are right but for up to three places, where something hostile stands: a typed
// error, or a result in which every number is one.

import { bindKernels } from '../../src/engine/bind.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import * as library from '../../src/index.ts';
import { readDirectory } from '../../src/node/directory.ts';
import { readBytes } from '../../src/node/files.ts';
import { fullModel } from '../support/small-model.ts';
import {
  Choices,
  check,
  type Outcome,
  outcomeOf,
  pick,
  type Random,
  randomBytes,
  type Target,
  within,
} from './engine.ts';
import { QUICK, smallMarkets } from './originals.ts';

let recommender: library.Recommender;
let evaluation: library.Evaluation;
let file: Uint8Array<ArrayBuffer>;
let markets: library.Markets;

export const queryTarget: Target = {
  name: 'query',
  share: 1 / 8,
  shrinks: true,
  async prepare() {
    file = library.encodeModel(fullModel());
    recommender = await library.loadModel(file);
    markets = await smallMarkets();
    evaluation = await library.evaluate(
      await library.loadModel(library.encodeModel(await library.train(markets, { model: 'popularity' }))),
      markets,
      { perUser: true },
    );
  },
  make: (random: Random) => randomBytes(random, 48),
  run: (input) => within(64 * 2 ** 20, () => runQuery(new Choices(input))),
};

interface Call {
  name: string;
  /** Its arguments, made again for each case. */
  args: () => unknown[];
  call: (...args: never[]) => unknown;
}

const call = <A extends unknown[]>(name: string, args: () => A, run: (...given: A) => unknown): Call => ({
  name,
  args,
  call: run as never,
});
const history = () => ['a', 'b', 'no such item', '__proto__'];
const copyOfMarkets = (): library.Markets => structuredClone(markets);

const CALLS: Call[] = [
  call(
    'recommend',
    () => [
      {
        market: 'm1',
        items: history(),
        k: 3,
        includeSeen: false,
        only: ['a', 'd', 'e'],
        without: ['e'],
        explain: true as boolean | number,
      },
    ],
    (query) => recommender.recommend(query),
  ),
  call(
    'recommend user',
    () => [{ market: 'm1', user: '__proto__', k: 3, explain: 2 }],
    (query) => recommender.recommend(query),
  ),
  call(
    'recommendBatch',
    () => [
      [
        { market: 'm1', items: history() },
        { market: 'm2', user: 'u1' },
      ],
    ],
    (queries) => recommender.recommendBatch(queries),
  ),
  call(
    'recommendAll',
    () => [[{ market: 'm1', items: history() }], {}],
    (queries, options) => recommender.recommendAll(queries, options),
  ),
  call(
    'similar',
    () => [{ market: 'm2', item: 'a', k: 3 }],
    (query) => recommender.similar(query),
  ),
  call(
    'rank',
    () => [{ market: 'm1', items: history(), candidates: ['e', 'd', 'constructor'] }],
    (query) => recommender.rank(query),
  ),
  call(
    'rankBatch',
    () => [[{ market: 'm1', items: history(), candidates: ['e', 'd'] }]],
    (queries) => recommender.rankBatch(queries),
  ),
  call(
    'scores',
    () => ['m1', [0, 2, 3], 1] as [string, number[], number],
    (market, positions, user) => recommender.scores(market, positions, user),
  ),
  call(
    'hasUser',
    () => ['m1', 'u1'] as [string, string],
    (market, user) => recommender.hasUser(market, user),
  ),
  call(
    'hasItem',
    () => ['m1', 'a'] as [string, string],
    (market, item) => recommender.hasItem(market, item),
  ),
  call(
    'loadModel',
    () => [file.slice(), { kernels: embeddedKernels.slice() }] as [Uint8Array, object],
    (bytes, options) => library.loadModel(bytes, options).then(({ model }) => model),
  ),
  call(
    'decodeModel',
    () => [file.slice()],
    (bytes) => library.decodeModel(bytes),
  ),
  call(
    'inspectModel',
    () => [file.slice()],
    (bytes) => library.inspectModel(bytes),
  ),
  call(
    'encodeModel',
    () => [fullModel()],
    (model) => library.encodeModel(model),
  ),
  call(
    'encodeModel ids',
    () => [['a', 'b', 'c']],
    (items) => library.encodeModel({ kind: 'popularity', dim: 0, items, markets: [], training: {} }),
  ),
  call(
    'exportModel',
    () => [fullModel(), { markets: ['m1', 'm3'], users: false, vectors: 'int8' as const, neighbours: 2 }],
    (model, options) => library.encodeModel(library.exportModel(model, options)),
  ),
  call(
    'encodeModel int8',
    () => [library.exportModel(fullModel(), { vectors: 'int8' })],
    (model) => library.encodeModel(model),
  ),
  call(
    'resolveOptions',
    () => [{ ...QUICK, preset: 'paper' as const, seed: 3 }],
    (options) => library.resolveOptions(options),
  ),
  call(
    'train',
    () => [copyOfMarkets(), { ...QUICK, seed: 3, onProgress() {}, onStage() {}, signal: new AbortController().signal }],
    (data, options) => library.train(data, options),
  ),
  call(
    'train ease',
    () => [copyOfMarkets(), { model: 'ease' as const, lambdaF: 10, epsilon: 0.1 }],
    (data, options) => library.train(data, options),
  ),
  call(
    'train popularity',
    () => [copyOfMarkets(), { model: 'popularity' as const }],
    (data, options) => library.train(data, options),
  ),
  call(
    'evaluate',
    () => [
      copyOfMarkets(),
      { heldOut: 'valid', protocol: 'clean' as const, negatives: 4, seed: 1, k: 5, perUser: true },
    ],
    async (data, options) => library.evaluate(await small(), data, options),
  ),
  call(
    'compare',
    () => [structuredClone(evaluation), structuredClone(evaluation)],
    (a, b) => library.compare(a, b),
  ),
  call(
    'computeStats',
    () => [copyOfMarkets()],
    (data) => library.computeStats(data),
  ),
  call(
    'readMarkets',
    () => [
      [
        {
          market: 'm',
          split: 'train' as const,
          name: 'train.csv',
          source: 'userId,itemId,rating\nu,i,3\nv,j,4\n',
          bytes: 30,
        },
        {
          market: 'm',
          split: 'valid' as const,
          name: 'valid.csv',
          source: new TextEncoder().encode('userId,itemId,rating\nu,j,5\n'),
        },
      ],
      { minRating: 1, markets: ['m'], onWarning() {}, onProgress() {} },
    ],
    (files, options) => library.readMarkets(files, options),
  ),
  call(
    'readRows',
    () => ['userId,itemId\nu,i\n', 'file.csv', () => {}, { rating: false, market: false, totalBytes: 18 }],
    (source, name, sink, options) => library.readRows(source, name, sink, options),
  ),
  call(
    'readDirectory',
    () => ['no such folder', { minRating: 1, markets: ['m'], onWarning() {} }] as [string, object],
    (path, options) => readDirectory(path, options),
  ),
  call(
    'readBytes',
    () => ['no such file'] as [string],
    (path) => readBytes(path).then(({ length }) => length),
  ),
  call(
    'generateMarkets',
    () => [
      {
        seed: 1,
        users: 12,
        items: 90,
        interactions: 60,
        markets: [
          { name: 'x', users: 1, items: 1, shared: 0.5 },
          { name: 'y', users: 2, items: 1, shared: 0.25 },
        ],
      },
    ],
    (options) => library.generateMarkets(options),
  ),
  call(
    'init',
    () => [embeddedKernels.slice()],
    async (source) => {
      try {
        await library.init(source);
      } finally {
        await library.init();
      }
    },
  ),
  call(
    'Recommender.from',
    () => [fullModel()],
    async (model) =>
      library.Recommender.from(model, await instantiateKernels(embeddedKernels)).recommendBatch(
        model.markets.map(({ name: market }) => ({ market, items: history() })),
      ),
  ),
  call(
    'bindKernels',
    () => [embeddedKernels.slice()],
    async (source) => Object.keys(await bindKernels(source)).length,
  ),
];

/** A recommender of the markets that evaluation is asked about. */
let smallRecommender: Promise<library.Recommender> | undefined;
function small(): Promise<library.Recommender> {
  smallRecommender ??= library
    .train(markets, { model: 'popularity' })
    .then((model) => library.loadModel(library.encodeModel(model)));
  return smallRecommender;
}

async function runQuery(choices: Choices): Promise<Outcome> {
  const { name, args, call: run } = CALLS[choices.below(CALLS.length)];
  const given = { args: args() as unknown };
  for (let changes = choices.below(4); changes > 0; changes--) spoil(choices, given);
  const used = recommender.kernels.memory.used;
  const list = Array.isArray(given.args) ? given.args : [given.args];
  try {
    const outcome = await outcomeOf(async () =>
      checkNumbers(name, await (run as (...all: unknown[]) => unknown)(...list.slice(0, 8)), 0),
    );
    check(recommender.kernels.memory.used === used, `${name} left something behind in linear memory`);
    return outcome;
  } catch (error) {
    // Which call it was; the stack alone does not say where the arguments differ.
    if (error instanceof Error)
      error.stack = `${name}(${list
        .map((each) => show(each, 0))
        .join(', ')
        .slice(0, 1000)}): ${error.stack}`;
    throw error;
  }
}

/** Numbers of results are numbers: the one thing that every call promises. */
function checkNumbers(name: string, value: unknown, depth: number): void {
  if (typeof value === 'number') check(Number.isFinite(value), `${name} returned ${value}`);
  else if (value instanceof Float32Array)
    check(value.every(Number.isFinite), `${name} returned an array with a value that is not a number`);
  else if (value !== null && typeof value === 'object' && depth < 6 && !ArrayBuffer.isView(value))
    for (const each of Object.values(value)) checkNumbers(name, each, depth + 1);
}

/** Replaces, drops or adds something, at any depth. */
function spoil(choices: Choices, root: { args: unknown }): void {
  let holder: Record<string, unknown> = root as never;
  let key = 'args';
  for (let depth = 0; depth < 6; depth++) {
    const inner = holder[key];
    if (typeof inner !== 'object' || inner === null || (depth > 0 && choices.below(3) === 0)) break;
    if (Object.isFrozen(inner)) break;
    const keys = ArrayBuffer.isView(inner)
      ? ['0', String(Math.max(0, (inner as Uint8Array).length - 1))]
      : Object.keys(inner);
    if (keys.length === 0) break;
    holder = inner as Record<string, unknown>;
    key = pick(choices, keys);
  }
  if (holder === (root as never) && choices.below(4) > 0) return;
  switch (choices.below(8)) {
    case 0:
      if (ArrayBuffer.isView(holder)) break;
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (holder !== (root as never)) Reflect.deleteProperty(holder, key);
      return;
    case 1:
      if (ArrayBuffer.isView(holder)) break;
      if (Array.isArray(holder)) holder.push(hostile(choices));
      else
        Reflect.defineProperty(
          holder,
          pick(choices, ['__proto__', 'constructor', 'extra', 'length', 'user', 'items', 'toString', '0']),
          { value: hostile(choices), enumerable: true, configurable: true, writable: true },
        );
      return;
  }
  // a promise that never settles is waited for, as it should be
  if (key === 'then') return;
  const value = hostile(choices);
  if (ArrayBuffer.isView(holder)) {
    if (!(holder instanceof BigInt64Array)) holder[key] = typeof value === 'number' ? value : -1;
  } else Reflect.set(holder, key, value);
}

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  2,
  1.5,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  1e308,
  5e-324,
  -(2 ** 31),
];
const STRINGS = [
  '',
  'a',
  'm1',
  'm2',
  'm',
  'u1',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  '\u0000',
  'a\nb',
  '\ud800',
  '\u{10ffff}',
  'NaN',
  'all',
  'valid',
  'paper',
  'ease',
  'popularity',
  'both',
  '10',
  '\u001b[2J',
];

class Custom {
  readonly value = 1;
}

function hostile(choices: Choices): unknown {
  switch (choices.below(18)) {
    case 0:
    case 1:
    case 2:
      return pick(choices, NUMBERS);
    case 3:
    case 4:
      return pick(choices, STRINGS);
    case 5:
      return pick(choices, [undefined, null, true, false]);
    case 6:
      return pick(choices, [10n, Symbol('s'), Symbol.iterator, () => 1, Math.max, async () => {}]);
    case 7:
      return pick(choices, [
        [],
        [[]],
        [undefined],
        [null],
        ['a', 1],
        ['a', 'a'],
        [Number.NaN],
        Object.freeze(['a']),
        Array(2),
        new Array(1000),
        [0, 1, 1],
        [3, 2],
        ['__proto__', 'constructor'],
      ]);
    case 8:
      return pick(choices, [
        {},
        { a: 1 },
        Object.create(null),
        { length: 2 ** 40 },
        { length: 3, 0: 'a' },
        { length: -1 },
        JSON.parse('{"then":5}'),
        { toString: null },
        { valueOf: 'x' },
        { __proto__: null, market: 'm1' },
      ]);
    case 9:
      return pick(choices, [
        new Map(),
        new Set(['a']),
        new Date(0),
        /x/,
        new Error('e'),
        new Custom(),
        new WeakMap(),
        Object('a'),
        Object(3),
        Object(false),
        new Proxy({}, {}),
        Promise.resolve(1),
      ]);
    case 10: {
      const from = pick(choices, [
        Int8Array,
        Uint8Array,
        Uint8ClampedArray,
        Int16Array,
        Int32Array,
        Uint32Array,
        Float32Array,
        Float64Array,
        BigInt64Array,
      ]);
      return new from(pick(choices, [0, 1, 3, 8, 100]));
    }
    case 11:
      return pick(choices, [
        new ArrayBuffer(0),
        new ArrayBuffer(64),
        new DataView(new ArrayBuffer(8)),
        new SharedArrayBuffer(8),
        detached().buffer,
        detached(),
      ]);
    case 12:
      return pick(choices, ['a', '\n', '🦊', '"']).repeat(pick(choices, [1024, 1025, 100_000, 1_000_000]));
    case 13: {
      const cycle: Record<string, unknown> = { a: 1 };
      cycle.self = cycle;
      return cycle;
    }
    case 14:
      return Array.from({ length: pick(choices, [1, 100, 5000]) }, (_, i) => pick(choices, ['a', 'b', String(i)]));
    case 15: {
      let deep: unknown = 1;
      for (let i = 0; i < 5000; i++) deep = choices.below(2) === 0 ? [deep] : { deep };
      return deep;
    }
    case 16:
      return pick(choices, [
        Int32Array.of(0, 1),
        Int32Array.of(-1),
        Int32Array.of(2 ** 31 - 1, 0),
        Float32Array.of(Number.NaN),
        Uint32Array.of(2 ** 32 - 1),
        Float32Array.of(3e38, 3e38),
      ]);
    default:
      return JSON.parse(
        '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"market":"m1","items":["a"]}',
      );
  }
}

/** A view whose buffer was given away. */
function detached(): Uint8Array {
  const view = new Uint8Array(8);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

/** An argument in a line, for the report. */
function show(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}...` : value);
  if (typeof value === 'function') return 'function';
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? `${value}n` : String(value);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`;
  if (depth > 3) return '…';
  const entries = Object.entries(value).slice(0, 12);
  return Array.isArray(value)
    ? `[${entries.map(([, each]) => show(each, depth + 1)).join(', ')}]`
    : `{${entries.map(([key, each]) => `${key}: ${show(each, depth + 1)}`).join(', ')}}`;
}
