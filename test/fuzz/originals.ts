// The models whose files are mutated: every kind and preset, trained on a few hostile ids, exported variants of them,
// and the hand-made one that has every section in every type.

import type { Markets } from '../../src/data/markets.ts';
import { readMarkets } from '../../src/data/read-markets.ts';
import type { Model } from '../../src/model/model.ts';
import { exportModel } from '../../src/models/export.ts';
import { encodeModel } from '../../src/models/file.ts';
import { KINDS, type KindName } from '../../src/models/registry.ts';
import type { TrainOptions } from '../../src/train/options.ts';
import { train } from '../../src/train/train.ts';
import { fullModel } from '../support/small-model.ts';

const ITEMS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'B00',
  'B01',
  'B02',
  'naïve',
  '物品',
  '🦊',
  ' ',
  '"',
  'null',
];

/** Two markets of 7 users and about 10 items, one held-out row each. */
export function smallMarkets(): Promise<Markets> {
  const rows = (users: string[], items: string[], offset: number) =>
    users.flatMap((user, u) => items.filter((_, i) => (i * 3 + u + offset) % 4 < 2).map((item) => [user, item]));
  const csv = (pairs: string[][]) =>
    ['userId,itemId', ...pairs.map((pair) => pair.map((id) => `"${id.replaceAll('"', '""')}"`).join(','))].join('\n');
  const users = ['__proto__', 'constructor', 'u1', 'u2', 'ü', '用户', 'u9'];
  return readMarkets([
    { market: 'de', split: 'train', name: 'de', source: csv(rows(users, ITEMS.slice(0, 10), 0)) },
    { market: 'toString', split: 'train', name: 'fr', source: csv(rows(users.slice(2), ITEMS.slice(4), 1)) },
    {
      market: 'de',
      split: 'valid',
      name: 'de valid',
      source: csv([
        ['u1', ITEMS[2]],
        ['nobody', ITEMS[3]],
        ['ü', 'cold'],
      ]),
    },
    { market: 'toString', split: 'valid', name: 'fr valid', source: csv([['u1', ITEMS[7]]]) },
  ]);
}

/** A few hundredths of a second each. */
export const QUICK: TrainOptions = { dim: 16, walks: 2, walkLength: 5, window: 2, negatives: 3, epochs: 1, batch: 32 };

/** Further options of kinds that would take longer, or be larger, than a case may be. */
const SMALLER: TrainOptions = { hidden: 16, experts: 2, metaEpochs: 1, forkEpochs: 1, shots: 8 };

/** The options of a kind, of those above. */
function quickly(name: KindName): TrainOptions {
  const { options } = KINDS.find((kind) => kind.name === name)!;
  const all = Object.entries({ ...QUICK, ...SMALLER }).filter(([option]) => Object.hasOwn(options, option));
  return { model: name, ...Object.fromEntries(all) } as TrainOptions;
}

/** A model of each kind that is not among those below. */
async function laboratory(markets: Markets): Promise<[string, Model][]> {
  const models: [string, Model][] = [];
  for (const { name } of KINDS)
    if (!['m3rec', 'ease', 'popularity'].includes(name)) models.push([name, await train(markets, quickly(name))]);
  return models;
}

export async function originalModels(): Promise<Map<string, Model>> {
  const markets = await smallMarkets();
  const ease = await train(markets, { ...QUICK, model: 'ease' });
  const paper = await train(markets, { ...QUICK, preset: 'paper' });
  const standard = await train(markets, { ...QUICK, preset: 'softmax' });
  return new Map<string, Model>([
    ['popularity', await train(markets, { model: 'popularity' })],
    ['ease', ease],
    ['ease-without-users', exportModel(ease, { users: false })],
    ['paper', paper],
    ['paper-without-users', exportModel(paper, { users: false })],
    ['paper-f16', exportModel(paper, { vectors: 'f16' })],
    ['default', standard],
    ['default-one-market', { ...standard, markets: standard.markets.slice(0, 1) }],
    ['full', fullModel()],
    ['default-edge', exportModel(standard, { markets: ['de'], users: false, vectors: 'int8', neighbours: 2 })],
    ['full-dim-1', fullModel(9, 1)],
    ['full-f16', exportModel(fullModel(), { vectors: 'f16' })],
    ['full-int8', exportModel(fullModel(), { vectors: 'int8' })],
    ...(await laboratory(markets)),
    ['no-markets', { kind: 'popularity', dim: 0, items: [], markets: [], training: {} }],
  ]);
}

export async function originalFiles(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const models = await originalModels();
  return new Map([...models].map(([name, model]) => [name, encodeModel(model)]));
}
