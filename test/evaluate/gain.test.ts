// What markets give each other: the figures are those of trainings made by hand.
import { describe, expect, test } from 'vitest';
import {
  assembleGenerated,
  compare,
  drawGain,
  encodeModel,
  evaluate,
  evaluateScarce,
  generateMarkets,
  loadModel,
  type Markets,
  measureGain,
  type TrainOptions,
  train,
  trainOptionsOf,
  withFewerUsers,
} from '../../src/index.ts';

const markets = assembleGenerated(generateMarkets({ seed: 5, users: 600, items: 240, interactions: 5000 }));
const SETTINGS = { negatives: 50, seed: 3 };

const measure = async (data: Markets, market: string, options: TrainOptions = {}) =>
  evaluate(await loadModel(encodeModel(await train(data, options))), markets, {
    ...SETTINGS,
    markets: [market],
    perUser: true,
  });
const metricsOf = ({ markets: [{ mrr, ndcg, hr }] }: Awaited<ReturnType<typeof measure>>) => ({ mrr, ndcg, hr });

describe('measureGain', async () => {
  const gain = await measureGain(markets, { ...SETTINGS, shares: [0.4, 0.1] });
  const [, india] = gain.markets;

  test('each market beside all, with paired errors', async () => {
    expect(gain.options.model).toBe('transfer');
    expect(gain.markets.map(({ market }) => market)).toEqual(markets.markets.map(({ name }) => name));
    const [, market] = markets.markets;
    const alone = await measure({ items: markets.items, markets: [market] }, market.name);
    const together = await measure(markets, market.name);
    expect(india).toMatchObject({
      market: market.name,
      users: market.users.length,
      rows: together.markets[0].rows,
      alone: metricsOf(alone),
      together: metricsOf(together),
    });
    const [{ difference, standardError }] = compare(alone, together, { metric: 'ndcg' });
    expect(india.differences.ndcg).toMatchObject({ difference, standardError });
    expect(india.differences.mrr.difference).toBeCloseTo(india.together.mrr - india.alone.mrr, 12);
  });

  test('fewer users, the others whole, the same held-out rows', async () => {
    const few = withFewerUsers(markets, india.market, 0.1, SETTINGS.seed);
    const [own] = few.markets.filter(({ name }) => name === india.market);
    const [least, more, all] = india.curve;
    expect([least.share, more.share, all.share]).toEqual([0.1, 0.4, 1]);
    expect([least.users, all.users]).toEqual([own.users.length, india.users]);
    expect(least.together).toEqual(metricsOf(await measure(few, india.market)));
    expect(least.alone).toEqual(metricsOf(await measure({ items: few.items, markets: [own] }, india.market)));
    expect(all).toMatchObject({ alone: india.alone, together: india.together });
  });

  test('without one of the others', async () => {
    const [source] = markets.markets;
    const left = { items: markets.items, markets: markets.markets.slice(1) };
    const [{ difference }] = compare(await measure(markets, india.market), await measure(left, india.market));
    expect(india.without.map((each) => each.source)).toEqual(
      markets.markets.map(({ name }) => name).filter((name) => name !== india.market),
    );
    expect(india.without[0]).toMatchObject({ source: source.name, difference });
  });

  test('the drawing has both curves of each market, and no id that is markup', () => {
    const drawn = drawGain({ ...gain, markets: [{ ...india, market: '<b> & "c"' }, ...gain.markets] });
    expect(drawn.match(/<polyline /g)).toHaveLength(2 * (gain.markets.length + 1));
    expect(drawn).toContain('&lt;b&gt; &amp; &quot;c&quot;');
    expect(drawn).not.toMatch(/NaN|Infinity|undefined|<b>/);
    const flat = { ...india, curve: india.curve.slice(2).map((each) => ({ ...each, together: each.alone })) };
    expect(drawGain({ ...gain, markets: [flat] })).not.toMatch(/NaN|Infinity/);
    expect(() => drawGain({ ...gain, markets: [] })).toThrow('gain: it has no market');
  });
});

test('what cannot be measured is refused in one line', async () => {
  const one = { items: markets.items, markets: markets.markets.slice(0, 1) };
  await expect(measureGain(one)).rejects.toThrow(
    'markets: there is one; what markets give each other needs two or more',
  );
  await expect(measureGain(markets, { heldOut: 'later' })).rejects.toThrow(
    'markets: none has held-out rows named later',
  );
  await expect(measureGain(markets, { shares: [1] })).rejects.toThrow(
    'shares: found 1, expected a share above 0 and below 1',
  );
  await expect(measureGain(markets, { shares: [-0.1] })).rejects.toThrow('shares: found -0.1');
  await expect(measureGain(markets, { train: { model: 'svd' as never } })).rejects.toThrow('model: found "svd"');
});

test('scarce evaluation ranks the same rows by trainings with fewer users', async () => {
  const found = await evaluateScarce(markets, {
    ...SETTINGS,
    shares: [1, 0.3],
    train: { singularVectors: 16 },
  });
  expect(found.map(({ market, share }) => `${market} ${share}`)).toEqual(
    markets.markets.flatMap(({ name }) => [`${name} 0.3`, `${name} 1`]),
  );
  const few = withFewerUsers(markets, 'in', 0.3, SETTINGS.seed);
  const [expected] = (await measure(few, 'in', { singularVectors: 16 })).markets;
  const [scarce, whole] = found.filter(({ market }) => market === 'in');
  expect(scarce.evaluation.markets).toEqual([expected]);
  expect(scarce.users).toBe(few.markets.find(({ name }) => name === 'in')!.users.length);
  expect(whole.users).toBe(markets.markets.find(({ name }) => name === 'in')!.users.length);
  expect(whole.evaluation.markets[0].perUser!.length).toBe(expected.perUser!.length);
  const [fresh] = await evaluateScarce(
    { ...markets, markets: markets.markets.map((each) => (each.name === 'in' ? each : { ...each, heldOut: {} })) },
    { ...SETTINGS, shares: [0], train: { singularVectors: 16 } },
  );
  expect(fresh).toMatchObject({ market: 'in', share: 0, users: 0 });
  // from the others alone it is better than chance, and worse than with its users
  expect(fresh.evaluation.markets[0].mrr).toBeGreaterThan(0.08);
  expect(fresh.evaluation.markets[0].mrr).toBeLessThan(whole.evaluation.markets[0].mrr);
  await expect(evaluateScarce(markets, { shares: [1.1] })).rejects.toThrow('shares: found 1.1');
});

test('the options of a training train the same again', async () => {
  const model = await train(markets, { model: 'm3rec', preset: 'paper', epochs: 1, dim: 16 });
  const options = trainOptionsOf(model);
  expect(options).toMatchObject({ model: 'm3rec', preset: 'paper', epochs: 1 });
  expect(encodeModel(await train(markets, options))).toEqual(encodeModel(model));
});
