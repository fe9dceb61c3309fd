// Recommenders that come and go: on one memory, in any order, while batches run on threads, and when the threads end
// first.
import { beforeAll, describe, expect, it, test } from 'vitest';
import { ClosedError, WorkerError } from '../../src/common/errors.ts';
import { assembleGenerated, generateMarkets } from '../../src/data/generate.ts';
import { embeddedKernels } from '../../src/engine/embedded.ts';
import { instantiateKernels } from '../../src/engine/instantiate.ts';
import type { Model } from '../../src/model/model.ts';
import { exportModel } from '../../src/models/export.ts';
import { Recommender } from '../../src/models/recommender.ts';
import { nodeWorkers } from '../../src/node/files.ts';
import type { RecommendQuery } from '../../src/recommend/query.ts';
import { startThreads } from '../../src/threads/pool.ts';
import { train } from '../../src/train/train.ts';

const markets = assembleGenerated(generateMarkets({ seed: 5, users: 400, items: 900, interactions: 4000 }));
let models: Model[];
beforeAll(async () => {
  const options = { dim: 32, walks: 2, walkLength: 8, window: 2, negatives: 3, epochs: 1, batch: 256 };
  const paper = await train(markets, { ...options, preset: 'paper' });
  const ease = await train(markets, { model: 'ease' });
  models = [paper, ease, exportModel(paper, { vectors: 'int8' }), await train(markets, { model: 'popularity' })];
});

const everyone = ({ markets }: Model): RecommendQuery[] =>
  markets.flatMap(({ name, users }) => users!.map((user) => ({ market: name, user, k: 7 })));
/** As many queries as take a batch a second or so: on one thread it lets others in after a tenth of a second. */
const many = (model: Model, threads: number) =>
  Array.from({ length: threads === 1 ? 200 : 100 }, () => everyone(model)).flat();
const pause = (turns: number) =>
  Array.from({ length: turns }).reduce(
    (before: Promise<void>) => before.then(() => new Promise((resolve) => setImmediate(resolve))),
    Promise.resolve(),
  );

describe('a closed recommender', () => {
  it('gives its memory back, in any order, and what is there still answers the same', async () => {
    const kernels = await instantiateKernels(embeddedKernels);
    const empty = kernels.memory.used;
    const open = (model: Model) => Recommender.from(model, kernels);
    const answer = (recommender: Recommender) => recommender.recommendBatch(everyone(recommender.model).slice(0, 80));
    const expected = models.map((model) => {
      const alone = open(model);
      const answers = answer(alone);
      alone.close();
      expect(kernels.memory.used).toBe(empty);
      return answers;
    });
    const orders = [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
    ];
    for (const order of orders) {
      const all = models.map(open);
      for (const closing of order) {
        all[closing].close();
        const before = kernels.memory.used;
        const another = open(models[(closing + 1) % 4]);
        expect(answer(another)).toStrictEqual(expected[(closing + 1) % 4]);
        for (const still of order.slice(order.indexOf(closing) + 1))
          expect(answer(all[still])).toStrictEqual(expected[still]);
        another.close();
        expect(kernels.memory.used).toBe(before);
      }
      expect(kernels.memory.used).toBe(empty);
    }
    const { memory } = kernels;
    const bytes = memory.memory.buffer.byteLength;
    for (let i = 0; i < 50; i++) open(models[0]).close();
    expect(memory.memory.buffer.byteLength).toBe(bytes);
  });

  it('throws a ClosedError whatever it is asked; closing it again does nothing', async () => {
    const kernels = await instantiateKernels(embeddedKernels);
    const recommender = Recommender.from(models[0], kernels);
    const other = Recommender.from(models[1], kernels);
    const [query] = everyone(models[0]);
    const { market } = query;
    const item = models[0].items[models[0].markets[0].items[0]];
    const expected = other.recommend(query);
    recommender.close();
    const { used } = kernels.memory;
    recommender.close();
    expect(kernels.memory.used).toBe(used);
    for (const ask of [
      () => recommender.recommend(query),
      () => recommender.recommendBatch([query]),
      () => recommender.recommendBatch([]),
      () => recommender.similar({ market, item }),
      () => recommender.rank({ ...query, candidates: [item] }),
      () => recommender.rankBatch([{ ...query, candidates: [item] }]),
      () => recommender.scores(market, []),
    ])
      expect(ask).toThrow(new ClosedError('this recommender was closed: load the model again'));
    await expect(recommender.recommendAll([query])).rejects.toThrow(ClosedError);
    expect(other.recommend(query)).toStrictEqual(expected);
  });
});

describe.each([1, 2, 3])('while a batch runs on %i threads', (threads) => {
  test('recommenders on the same kernels are made, used and closed', async () => {
    const kernels = await startThreads({ workers: nodeWorkers, threads });
    const { memory } = kernels;
    const recommender = Recommender.from(models[0], kernels);
    const { used } = memory;
    const queries = many(models[0], threads);
    const expected = recommender.recommendBatch(queries);
    let made = 0;
    let over = false;
    const batch = recommender.recommendAll(queries).finally(() => {
      over = true;
    });
    const kept: Recommender[] = [];
    while (!over) {
      const model = models[made % models.length];
      const another = Recommender.from(model, kernels);
      const some = everyone(model).slice(0, 20);
      expect(another.recommendBatch(some)).toHaveLength(20);
      if (made % 3 === 0) kept.push(another);
      else another.close();
      if (kept.length > 3) kept.splice(made % 4, 1)[0].close();
      made++;
      await pause(1);
    }
    expect(await batch).toStrictEqual(expected);
    expect(made).toBeGreaterThan(2);
    for (const another of kept) another.close();
    expect(memory.used).toBe(used);
    await kernels.close();
  });

  test('closing its recommender ends it with a ClosedError, and no other is disturbed', async () => {
    const kernels = await startThreads({ workers: nodeWorkers, threads });
    const { memory } = kernels;
    const empty = memory.used;
    const other = Recommender.from(models[1], kernels);
    const few = everyone(models[1]).slice(0, 40);
    const expected = other.recommendBatch(few);
    const alone = memory.used;
    for (const turns of [0, 1, 3]) {
      const recommender = Recommender.from(models[0], kernels);
      const batches = [recommender.recommendAll(many(models[0], threads)), recommender.recommendAll(few)];
      const settled = Promise.allSettled(batches);
      await pause(turns);
      recommender.close();
      // takes the place of the closed one as soon as that is free
      const next = Recommender.from(models[2], kernels);
      const answers = next.recommendBatch(few);
      for (const outcome of await settled)
        expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(ClosedError) });
      expect(next.recommendBatch(few)).toStrictEqual(answers);
      expect(await other.recommendAll(few)).toStrictEqual(expected);
      next.close();
      expect(memory.used).toBe(alone);
    }
    other.close();
    expect(memory.used).toBe(empty);
    await kernels.close();
  });

  test('closing the kernels ends it with a WorkerError, and those that wait for their turn', async () => {
    const rounds = threads === 2 ? 20 : 8;
    let rejected = 0;
    for (let round = 0; round < rounds; round++) {
      const kernels = await startThreads({ workers: nodeWorkers, threads });
      const recommender = Recommender.from(models[round % 2], kernels);
      const { used } = kernels.memory;
      const batches = [
        recommender.recommendAll(many(models[0], threads)),
        recommender.recommendAll(many(models[0], threads)),
      ];
      const settled = Promise.allSettled(batches);
      await pause(round % 5);
      if (round % 4 === 3) await new Promise((resolve) => setTimeout(resolve, round));
      await kernels.close();
      const late = new Promise((resolve) => setTimeout(resolve, 20_000, 'never settled'));
      const outcomes = await Promise.race([settled, late]);
      expect(outcomes, `round ${round}`).not.toBe('never settled');
      for (const outcome of outcomes as PromiseSettledResult<unknown>[]) {
        // a batch that was done before the close keeps its answers
        if (outcome.status === 'fulfilled') continue;
        expect(outcome.reason, `round ${round}`).toBeInstanceOf(WorkerError);
        rejected++;
      }
      expect(kernels.memory.used).toBe(used);
    }
    expect(rejected).toBeGreaterThanOrEqual(rounds);
  });
});
