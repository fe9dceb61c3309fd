// What networks promise besides the contract of all kinds.
import { expect, test } from 'vitest';
import {
  ArgumentError,
  createHandler,
  decodeModel,
  encodeModel,
  evaluate,
  exportModel,
  loadModel,
  type Model,
  ModelFileError,
  train,
  UnseenUserError,
} from '../../../src/index.ts';
import { checkLearned } from '../../../src/models/network/kind.ts';
import { reciprocalRanks } from '../../../src/models/network/selection.ts';
import type { KindName } from '../../../src/models/registry.ts';
import { checkers, shareInOrder } from './checkers.ts';

const SMALL = { dim: 16, learningRate: 0.01, epochs: 8, batch: 64 };
const HIDDEN = { ...SMALL, hidden: 32 };
const markets = checkers();
const OPTIONS = {
  gmf: { ...SMALL, epochs: 12 },
  mlp: HIDDEN,
  neumf: { ...HIDDEN, epochs: 6 },
  marketneumf: { ...HIDDEN, epochs: 5 },
  crossstitch: HIDDEN,
  mmoe: HIDDEN,
  star: { ...HIDDEN, epochs: 5 },
  multvae: { ...HIDDEN, batch: 32, epochs: 60 },
} as const;
const trained = new Map<string, Promise<Model>>();
const modelOf = (model: keyof typeof OPTIONS) => {
  if (!trained.has(model)) trained.set(model, train(markets, { model, ...OPTIONS[model] }));
  return trained.get(model)!;
};

test.each(Object.keys(OPTIONS) as (keyof typeof OPTIONS)[])('%s ranks by colour on checkers', async (model) => {
  const recommender = await loadModel(encodeModel(await modelOf(model)));
  const share = shareInOrder(markets, (market, history, user) => recommender.scores(market, history, user));
  expect(share).toBeGreaterThanOrEqual(0.95);
  // some items alone have the scores that they have among all
  const history = markets.markets[1].interactions.indices.slice(0, 11);
  const all = recommender.scores('two', history, 0);
  expect(recommender.scores('two', history, 0, Int32Array.of(31, 4))).toEqual(Float32Array.of(all[31], all[4]));
});

test('an unseen user is refused by a typed error that says why, an empty history gets what is popular', async () => {
  const recommender = await loadModel(encodeModel(await modelOf('neumf')));
  const items = markets.items.slice(0, 3);
  for (const ask of [
    () => recommender.recommend({ market: 'one', items }),
    () => recommender.rank({ market: 'one', items, candidates: items }),
    () => recommender.recommend({ market: 'one', user: 'nobody' }),
    () => recommender.scores('one', [0, 1]),
  ]) {
    expect(ask).toThrow(UnseenUserError);
    expect(ask).toThrow(/a neumf model has learned an embedding for each of its own users/);
  }
  expect(recommender.recommend({ market: 'one', items: [] }).fallback).toBe('popularity');
  const { mean } = await evaluate(recommender, {
    ...markets,
    markets: markets.markets.map((market) => ({
      ...market,
      heldOut: {
        valid: [
          ...market.heldOut.valid,
          { user: -1, userId: 'nobody', item: 3, itemId: markets.items[market.items[3]] },
        ],
      },
    })),
  });
  expect(mean.mrr).toBeGreaterThan(0);
});

test('what answers requests or is exported is refused where it takes a network for each item', async () => {
  const model = await modelOf('neumf');
  const refused = await createHandler(encodeModel(model))(new Request('http://localhost/v1/one/recommend?user=u00'));
  expect(refused.status).toBe(503);
  expect(() => exportModel(model, { users: false })).toThrow(ArgumentError);
  // MultVAE answers anybody in one go
  const served = createHandler(encodeModel(await modelOf('multvae')));
  const answer = await served(new Request('http://localhost/v1/one/recommend?items=i00,i02&k=3'));
  expect(answer.status).toBe(200);
});

test('MultVAE has no parameters of users: a user’s own history gets the user’s scores, to the bit', async () => {
  const recommender = await loadModel(encodeModel(await modelOf('multvae')));
  for (const user of ['u00', 'u01', 'u33']) {
    const index = markets.markets[0].users.indexOf(user);
    const { indptr, indices } = markets.markets[0].interactions;
    const own = indices.slice(indptr[index], indptr[index + 1]);
    const items = Array.from(own, (item) => markets.items[markets.markets[0].items[item]]);
    const known = recommender.recommend({ market: 'one', user, k: 8 }).items;
    expect(recommender.recommend({ market: 'one', items, k: 8 }).items).toEqual(known);
  }
});

test('the epoch is chosen by held-out rows, and recorded; kinds without epochs refuse', async () => {
  const model = await train(markets, { model: 'gmf', ...SMALL, epochs: 30, selectBy: 'valid' });
  const [fact] = model.training.stages as { epochs: number; bestEpoch: number; mrr: number }[];
  expect(model.training.selectBy).toBe('valid');
  expect(fact.bestEpoch).toBeGreaterThan(0);
  expect(fact.bestEpoch).toBeLessThanOrEqual(fact.epochs);
  expect(fact.mrr).toBeGreaterThan(0.3);
  // the parameters are those of a training that ends there
  const same = await train(markets, { model: 'gmf', ...SMALL, epochs: fact.bestEpoch });
  expect(same.parameters).toEqual(model.parameters);
  await expect(train(markets, { model: 'gmf', selectBy: 'nothing' })).rejects.toThrow(ArgumentError);
  await expect(train(markets, { model: 'ease', selectBy: 'valid' })).rejects.toThrow(ArgumentError);
});

test('users who have every item take no part, and a training without others is refused', async () => {
  const [one] = markets.markets;
  const full = {
    ...one,
    users: [...one.users, 'all'],
    interactions: {
      rows: one.interactions.rows + 1,
      cols: one.interactions.cols,
      indptr: Int32Array.from([...one.interactions.indptr, one.interactions.indices.length + one.items.length]),
      indices: Int32Array.from([...one.interactions.indices, ...one.items.keys()]),
    },
  };
  const model = await train({ items: markets.items, markets: [full] }, { model: 'gmf', ...SMALL, epochs: 1 });
  expect(model.parameters!.every(Number.isFinite)).toBe(true);
  const only = {
    ...full,
    users: ['all'],
    interactions: { rows: 1, cols: 2, indptr: Int32Array.of(0, 2), indices: Int32Array.of(0, 1) },
  };
  const data = { items: ['a', 'b'], markets: [{ ...only, items: Int32Array.of(0, 1), heldOut: {} }] };
  await expect(train(data, { model: 'gmf' })).rejects.toThrow(/interactions, and users who do not have every item/);
});

test('a training that has diverged is refused, naming the learning rate', () => {
  expect(checkLearned(Float32Array.of(-1000, 3))).toEqual(Float32Array.of(-1000, 3));
  for (const value of [1001, NaN, -Infinity])
    expect(() => checkLearned(Float32Array.of(0, value))).toThrow(/learningRate: the training has diverged/);
});

test('a file whose parameters do not fit its users, items and options is refused', async () => {
  const model = await modelOf('gmf');
  const options = { ...(model.training.options as object), dim: 32 };
  expect(() => encodeModel({ ...model, training: { ...model.training, options } })).toThrow(ModelFileError);
  const far = Float32Array.from(model.parameters!);
  far[0] = 1e6;
  expect(() => encodeModel({ ...model, parameters: far })).toThrow(/a parameter above 1000/);
  expect(decodeModel(encodeModel(model)).parameters).toEqual(model.parameters);
});

test('a training can be stopped', async () => {
  const controller = new AbortController();
  const onProgress = ({ done }: { done: number }) => done > 5 && controller.abort();
  for (const model of ['gmf', 'multvae'] as KindName[])
    await expect(train(markets, { model, dim: 16, signal: controller.signal, onProgress })).rejects.toThrow(
      /was stopped/,
    );
});

test('ranks of held-out rows: equal scores share their mean rank, and the first ten count', () => {
  const scores = Float32Array.of(3, 1, 2, 1, 2, 1, 0, ...Array.from({ length: 10 }, () => 1));
  // first of three; second of three, tied with one; eleventh of eleven
  expect(reciprocalRanks(scores.subarray(0, 6), Int32Array.of(3, 3))).toBeCloseTo((1 + 1 / 2.5) / 2, 10);
  expect(reciprocalRanks(scores.subarray(6), Int32Array.of(11))).toBe(0);
});
