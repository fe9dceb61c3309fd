// Kind ease: items that nothing in a history speaks for come by popularity, first in the market, then elsewhere.
import { expect, test } from 'vitest';
import { decodeModel, encodeModel, exportModel, loadModel, readMarkets, train, update } from '../../src/index.ts';

/** A file of one market from rows such as `1a`: user 1 has item a. */
const file = (market: string, rows: string) => ({
  market,
  split: 'train' as const,
  name: `${market}.tsv`,
  source: `userId\titemId\n${rows.replaceAll(/(\w)(\w) ?/g, '$1\t$2\n')}`,
});
/** a and b are bought together, the others alone: d by two, c and e and f by one. Elsewhere f has two users and e one. */
const read = () => readMarkets([file('de', '1a 1b 2a 2b 3a 3b 4c 5d 6d 7e 8f'), file('uk', '1a 1b 4f 5f 6e')]);
const OPTIONS = { model: 'ease', lambdaF: 1 } as const;
const candidates = ['c', 'e', 'f', 'd', 'b'];
const order = ['b', 'd', 'f', 'e', 'c'];
const query = { market: 'de', items: ['a'] };

test('what nothing in the history speaks for comes by popularity, here before elsewhere', async () => {
  for (const easeSolver of ['groups', 'exact'] as const) {
    const model = await train(await read(), { ...OPTIONS, easeSolver });
    const recommender = await loadModel(encodeModel(model));
    const ranked = recommender.rank({ ...query, candidates });
    expect(ranked.map(({ item }) => item)).toEqual(order);
    const ties = ranked.slice(1).map(({ score }) => score);
    expect(ties).toEqual(
      [
        [2, 0],
        [1, 2],
        [1, 1],
        [1, 0],
      ].map(([here, there]) => Math.fround(1e-4 * Math.log(1 + here) + 1e-5 * Math.log(1 + there))),
    );
    expect(recommender.recommend({ ...query, k: 5 }).items.map(({ item }) => item)).toEqual(order);
    const [first] = recommender.recommend({ ...query, k: 1, explain: true }).items;
    const told = first.because!.reduce((sum, { contribution }) => sum + contribution, first.bias!);
    expect(told).toBeCloseTo(first.score, 6);
    recommender.close();
  }
});

test('a batch, an export and an update keep that order', async () => {
  const trained = await train(await read(), { ...OPTIONS, updatable: true });
  const exported = exportModel(trained, { markets: ['de'], users: false, neighbours: 1 });
  const added = await readMarkets([file('de', '9c 0c')]);
  const updated = await update(trained, added);
  const orders = [];
  for (const model of [trained, exported, decodeModel(encodeModel(updated.model))]) {
    const recommender = await loadModel(encodeModel(model));
    const [batch] = recommender.recommendBatch([{ ...query, k: 5 }]);
    expect(batch).toEqual(recommender.recommend({ ...query, k: 5 }));
    orders.push(batch.items.map(({ item }) => item));
    recommender.close();
  }
  // with three users, c is before d
  expect(orders).toEqual([order, order, ['b', 'c', 'd', 'f', 'e']]);
});
