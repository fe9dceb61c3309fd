import { expect, test } from 'vitest';
import { readMarkets } from '../../src/data/read-markets.ts';
import { encodeModel } from '../../src/models/file.ts';
import { loadModel } from '../../src/models/load.ts';
import { createHandler } from '../../src/serve/handler.ts';
import { train } from '../../src/train/train.ts';

test('blanks around an id do not count, in data, in queries and over HTTP', async () => {
  const source = 'userId,itemId\nu1,p1\nu1 ,p2\nu2,p1 \nu2, p2\nu3,p1\nu3,p3\n';
  const markets = await readMarkets([{ market: 'de', split: 'train', name: 'de.csv', source }]);
  expect(markets.items).toEqual(['p1', 'p2', 'p3']);
  const recommender = await loadModel(encodeModel(await train(markets, { model: 'ease' })));
  expect(recommender.hasItem('de', 'p1 ')).toBe(true);
  const plain = recommender.recommend({ market: 'de', items: ['p1'] });
  expect(recommender.recommend({ market: 'de', items: [' p1\u00a0'] })).toEqual(plain);
  expect(recommender.recommend({ market: 'de', user: 'u1 ' })).toEqual(
    recommender.recommend({ market: 'de', user: 'u1' }),
  );
  const answer = await createHandler(recommender)(new Request('http://shop.example/v1/de/recommend?items=p1%20'));
  expect(((await answer.json()) as { items: unknown }).items).toEqual(plain.items);
});
