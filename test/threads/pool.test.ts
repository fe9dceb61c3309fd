// The pool of threads: the same bytes on any number of them, and an end to every job, also where a worker does not live
// to see it.

import { describe, expect, test, vi } from 'vitest';
import { ClosedError } from '../../src/common/errors.ts';
import { runTasks } from '../../src/engine/tasks.ts';
import type { Task } from '../../src/engine/types.ts';
import {
  AbortedError,
  ArgumentError,
  type Availability,
  assembleGenerated,
  decodeModel,
  encodeModel,
  generateMarkets,
  loadModel,
  type Progress,
  Recommender,
  startThreads,
  type TrainJobOptions,
  type TrainOptions,
  train,
  update,
  WorkerError,
  type WorkerHandle,
  type Workers,
} from '../../src/index.ts';
import { nodeWorkers } from '../../src/node/files.ts';
import { planThreads, startPool } from '../../src/threads/pool.ts';

const markets = assembleGenerated(generateMarkets({ seed: 5, users: 400, items: 900, interactions: 4000 }));
const QUICK: TrainOptions = { dim: 48, walks: 4, walkLength: 12, window: 4, negatives: 5, epochs: 2, batch: 256 };
const bytesOf = async (options: TrainJobOptions) =>
  Buffer.from(encodeModel(await train(markets, { workers: nodeWorkers, ...options })));

describe('1, 2, 3 and 8 threads give the same bytes', () => {
  test.each<[string, TrainJobOptions]>([
    ['ease', { model: 'ease', updatable: true }],
    ['paper', { ...QUICK, preset: 'paper' }],
    ['paper, walks alone', { ...QUICK, preset: 'paper', without: 'intra' }],
    ['default', {}],
    ['softmax', { ...QUICK, preset: 'softmax' }],
    ['softmax, with dropout', { ...QUICK, preset: 'softmax', dropout: 0.5 }],
  ])('%s', async (_, options) => {
    const one = await bytesOf({ ...options, threads: 1 });
    for (const threads of [2, 3, 8]) {
      const heard: number[] = [];
      const several = await bytesOf({
        ...options,
        threads,
        onThreads: (availability) => heard.push(availability.threads),
      });
      expect(heard).toEqual([threads]);
      expect(several.equals(one), `${threads} threads`).toBe(true);
    }
  });

  test('an update', async () => {
    const model = await train(markets, { model: 'ease', updatable: true });
    const news = assembleGenerated(generateMarkets({ seed: 6, users: 400, items: 900, interactions: 5000 }));
    const updated = async (threads: number) =>
      Buffer.from(encodeModel((await update(model, news, { workers: nodeWorkers, threads })).model));
    const one = await updated(1);
    for (const threads of [2, 3]) expect((await updated(threads)).equals(one), `${threads} threads`).toBe(true);
  });
});

describe('recommendAll', () => {
  const queriesOf = ({ model }: Recommender) =>
    model.markets.flatMap(({ name, users, items }) => [
      ...users!.map((user, i) => ({
        market: name,
        user,
        k: i % 5 === 0 ? items.length : 7,
        includeSeen: i % 4 === 0,
        ...(i % 9 === 0 && { explain: 2 }),
      })),
      { market: name, items: [] },
      {
        market: name,
        items: [model.items[items[1]], 'nobody sells this'],
        without: [model.items[items[0]]],
        only: Array.from(items.subarray(0, 40), (item) => model.items[item]),
      },
    ]);

  test.each<[string, TrainJobOptions]>([
    ['paper', { ...QUICK, preset: 'paper' }],
    ['softmax', { ...QUICK, preset: 'softmax' }],
    ['ease', { model: 'ease' }],
    ['popularity', { model: 'popularity' }],
  ])('answers as recommendBatch on 1, 2 and 3 threads, calls taking their turns: %s', async (_, options) => {
    const bytes = encodeModel(await train(markets, options));
    const one = await loadModel(bytes);
    const queries = queriesOf(one);
    const expected = one.recommendBatch(queries);
    for (const threads of [1, 2, 3]) {
      const kernels = await startThreads({ workers: nodeWorkers, threads });
      const recommender = Recommender.from(decodeModel(bytes), kernels);
      const { used } = kernels.memory;
      let heard: Progress | undefined;
      const all = recommender.recommendAll(queries, { onProgress: (progress) => (heard = progress) });
      const some = recommender.recommendAll(queries.slice(3, 90));
      const none = recommender.recommendAll([]);
      const alone = recommender.recommend(queries[5]);
      expect(await all).toStrictEqual(expected);
      expect(await some).toStrictEqual(expected.slice(3, 90));
      expect(await none).toEqual([]);
      expect(alone).toStrictEqual(expected[5]);
      expect(heard).toMatchObject({ stage: 'recommend', done: queries.length, total: queries.length });
      expect(kernels.memory.used).toBe(used);
      await kernels.close();
    }
  });

  test('similarAll has what similar has, on any number of threads, and says what it cannot answer', async () => {
    const model = await train(markets, { model: 'ease' });
    for (const threads of [1, 2]) {
      const kernels = await startThreads({ workers: nodeWorkers, threads });
      const recommender = Recommender.from(model, kernels);
      const asked = model.markets.flatMap(({ name, items }) =>
        Array.from(items.subarray(0, 90), (item, i) => ({ market: name, item: model.items[item], k: 1 + (i % 12) })),
      );
      const { used } = kernels.memory;
      let heard: Progress | undefined;
      const found = await recommender.similarAll(asked, { onProgress: (progress) => (heard = progress) });
      expect(found).toStrictEqual(asked.map((query) => recommender.similar(query)));
      expect(heard).toMatchObject({ stage: 'similar', done: asked.length, total: asked.length });
      expect(kernels.memory.used).toBe(used);
      await expect(recommender.similarAll([{ ...asked[0], item: 'nobody' }])).rejects.toThrow('item: found "nobody"');
      expect(await recommender.similarAll([])).toEqual([]);
      recommender.close();
      await expect(recommender.similarAll(asked)).rejects.toThrow(ClosedError);
      await kernels.close();
    }
  });

  test('two recommenders on the same kernels take their turns', async () => {
    const models = [await train(markets, { ...QUICK, preset: 'paper' }), await train(markets, { model: 'ease' })];
    const kernels = await startThreads({ workers: nodeWorkers, threads: 2 });
    const recommenders = models.map((model) => Recommender.from(model, kernels));
    const { used } = kernels.memory;
    const found = await Promise.all(
      recommenders.map((recommender) => recommender.recommendAll(queriesOf(recommender))),
    );
    expect(kernels.memory.used).toBe(used);
    expect(found).toStrictEqual(recommenders.map((recommender) => recommender.recommendBatch(queriesOf(recommender))));
    await kernels.close();
  });

  test('stops at a signal, names what it cannot answer, and fails once the threads are closed; the next call is answered', async () => {
    const kernels = await startThreads({ workers: nodeWorkers, threads: 2 });
    const recommender = Recommender.from(await train(markets, { ...QUICK, preset: 'paper' }), kernels);
    const queries = queriesOf(recommender);
    const { used } = kernels.memory;
    const controller = new AbortController();
    await expect(
      recommender.recommendAll(queries, { signal: controller.signal, onProgress: () => controller.abort() }),
    ).rejects.toBeInstanceOf(AbortedError);
    await expect(recommender.recommendAll([{ market: 'nowhere', items: [] }])).rejects.toThrow(
      'market: found "nowhere"',
    );
    expect(kernels.memory.used).toBe(used);
    const expected = recommender.recommendBatch(queries);
    expect(await recommender.recommendAll(queries)).toStrictEqual(expected);
    await kernels.close();
    await expect(recommender.recommendAll(queries)).rejects.toThrow(
      new WorkerError('the pool of threads is closed: start threads again'),
    );
    expect(kernels.memory.used).toBe(used);
    expect(recommender.recommendBatch(queries)).toStrictEqual(expected);
  });
});

/**
 * Threads of a machine with cores enough look for tasks a while before they sleep; where they have to share cores they
 * sleep at once.
 */
const CORES: [string, number][] = [
  ['threads that look before they sleep', 8],
  ['threads that sleep at once', 1],
];

describe.each(CORES)('a worker that fails is a typed error, of %s', (_, cores) => {
  const machine: Workers = { ...nodeWorkers, available: () => ({ threads: cores }) };
  /** Workers, of which `spoil` sees each. */
  const spoiled = (spoil: (worker: WorkerHandle) => WorkerHandle): Workers => ({
    ...machine,
    spawn: (events) => spoil(nodeWorkers.spawn(events)),
  });
  /** Workers, and those of them that were started. */
  const watched = () => {
    const started: WorkerHandle[] = [];
    const workers = spoiled((worker) => {
      started.push(worker);
      return worker;
    });
    return { started, workers };
  };

  test.each(['similarity of all markets', 'skip-gram', 'adaptation'])('killed during %s', async (stage) => {
    const { started, workers } = watched();
    let killed = false;
    const onProgress = (progress: { stage: string }) => {
      if (progress.stage !== stage || killed) return;
      killed = true;
      started[1].terminate();
    };
    await expect(bytesOf({ ...QUICK, epochs: 1000, workers, threads: 3, onProgress })).rejects.toMatchObject({
      name: 'WorkerError',
      message: 'worker 2 of 2: it ended with exit code 1',
    });
    expect(killed).toBe(true);
  });

  test('killed in the middle of a task', async () => {
    const { started, workers } = watched();
    const { pool, ...kernels } = await startPool(workers, 2);
    const { exports, memory } = kernels;
    const n = 512;
    const [a, b] = [0, 0].map(() => memory.allocateZeroed(4 * n * n));
    // each takes some 10 ms: where the calling thread has done its first, the worker is at another
    const tasks = Array.from(
      { length: 12 },
      (): Task => [
        [
          'gemmNN',
          n,
          n,
          n,
          1,
          a,
          n,
          b,
          n,
          memory.allocateZeroed(4 * n * n),
          n,
          memory.allocate(exports.gemmWorkspaceBytes()),
        ],
      ],
    );
    let killed = 0;
    const run = runTasks({ ...kernels, pool }, tasks, async () => {
      killed++;
      await started[0].terminate();
    });
    await expect(run).rejects.toThrow(new WorkerError('worker 1 of 1: it ended with exit code 1'));
    expect(killed).toBe(1);
  });

  test('killed between two rounds', async () => {
    const { started, workers } = watched();
    const { pool, ...kernels } = await startPool(workers, 2);
    const nothing: Task[] = [[['addInto', 0, 64, 64]]];
    await runTasks({ ...kernels, pool }, nothing);
    await started[0].terminate();
    await expect(runTasks({ ...kernels, pool }, nothing)).rejects.toThrow(
      new WorkerError('worker 1 of 1: it ended with exit code 1'),
    );
  });

  describe('before it is ready, leaves the job to one thread, which is told why', () => {
    const expectAlone = async (workers: Workers, reason: RegExp) => {
      const heard: Availability[] = [];
      const options: TrainJobOptions = { model: 'ease', onThreads: (availability) => heard.push(availability) };
      const alone = await bytesOf({ ...options, workers, threads: 2 });
      expect(heard).toEqual([{ threads: 1, reason: expect.stringMatching(reason) }]);
      expect(alone.equals(await bytesOf({ model: 'ease', threads: 1 }))).toBe(true);
    };

    test('killed before it has its kernels', () =>
      expectAlone(
        spoiled((worker) => ({ ...worker, post: () => worker.terminate() })),
        /^worker 1 of 1: it ended with exit code \d$/,
      ));

    test('never started', () =>
      expectAlone(
        {
          ...machine,
          spawn() {
            throw new Error('no more processes');
          },
        },
        /^worker 1 of 1 was not started: no more processes$/,
      ));

    test('given what are no kernels', () =>
      expectAlone(
        spoiled((worker) => ({
          ...worker,
          post: (data) => worker.post({ ...(data as object), kernels: new Uint8Array(8) }),
        })),
        /^worker 1 of 1: WebAssembly/,
      ));

    test('silent for ever', async () => {
      const silent: Workers = { ...machine, spawn: () => ({ post: () => {}, terminate: () => {} }) };
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const waiting = expectAlone(silent, /^the workers were not ready within 30 s$/);
      await vi.advanceTimersByTimeAsync(30_000);
      vi.useRealTimers();
      await waiting;
    });
  });

  test('a kernel that traps on a worker ends every waiting call, and the pool takes no more', async () => {
    const { pool, ...kernels } = await startPool(machine, 2);
    // far more of them than the calling thread takes before it listens
    const outside: Task[] = Array.from({ length: 9000 }, () => [['addInto', 4, 0xfffffff0, 0xfffffff0]]);
    await expect(runTasks({ ...kernels, pool }, outside)).rejects.toThrow(/out of bounds/);
    await expect(runTasks({ ...kernels, pool }, [[['addInto', 0, 64, 64]]])).rejects.toBeInstanceOf(WorkerError);
  });

  test('many short rounds, and a pause after which the workers sleep', async () => {
    const { pool, ...kernels } = await startPool(machine, 3);
    const count = 16;
    const one = kernels.memory.put(new Float32Array([1, 2, 3, 4]));
    const sums = kernels.memory.allocateZeroed(16 * count);
    const round = Array.from({ length: count }, (_, i): Task => [['addInto', 4, one, sums + 16 * i]]);
    for (let r = 0; r < 500; r++) {
      if (r % 100 === 50) await new Promise((resolve) => setTimeout(resolve, 20));
      await runTasks({ ...kernels, pool }, round);
    }
    expect(kernels.memory.f32(sums, 4 * count).every((sum, i) => sum === 500 * ((i % 4) + 1))).toBe(true);
    await pool.close();
  });

  test('a signal stops a job, and the workers end', async () => {
    const controller = new AbortController();
    let ended = 0;
    const workers = spoiled((worker) => ({
      ...worker,
      async terminate() {
        await worker.terminate();
        ended++;
      },
    }));
    const onProgress = ({ stage }: { stage: string }) => {
      if (stage === 'adaptation') controller.abort();
    };
    await expect(
      bytesOf({ ...QUICK, epochs: 1000, workers, threads: 3, signal: controller.signal, onProgress }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(ended).toBe(2);
  });
});

test('a worker that says too early that a round is done changes nothing', async () => {
  let early = () => {};
  const workers: Workers = {
    ...nodeWorkers,
    spawn(events) {
      early = () => events.message({ kind: 'done' });
      return nodeWorkers.spawn(events);
    },
  };
  const n = 512;
  const { pool, ...kernels } = await startPool(workers, 2);
  const { exports, memory } = kernels;
  const liar = setInterval(early, 0);
  try {
    const ones = memory.put(new Float32Array(n * n).fill(1));
    const sides = [0, 1].map(() => ({
      out: memory.allocateZeroed(4 * n * n),
      workspace: memory.allocate(exports.gemmWorkspaceBytes()),
    }));
    for (let round = 1; round <= 20; round++) {
      // one for each thread, of which the caller starts first
      await runTasks(
        { ...kernels, pool },
        sides.map(({ out, workspace }): Task => [['gemmNN', n, n, n, 1, ones, n, ones, n, out, n, workspace]]),
      );
      for (const { out } of sides) expect(memory.f32(out, n * n).at(-1)).toBe(n * round);
    }
  } finally {
    clearInterval(liar);
    await pool.close();
  }
});

test('workers in the middle of looking for tasks are ended by closing the pool', async () => {
  const { pool, ...kernels } = await startPool(nodeWorkers, 3, 1e9);
  await runTasks({ ...kernels, pool }, [[['addInto', 0, 64, 64]]]);
  await pool.close();
  await expect(runTasks({ ...kernels, pool }, [[['addInto', 0, 64, 64]]])).rejects.toThrow(
    new WorkerError('the pool of threads is closed: start threads again'),
  );
});

test('more tasks than one round of the queue holds are all run, once each', async () => {
  const { pool, ...kernels } = await startPool(nodeWorkers, 3);
  try {
    const count = 10_000;
    const one = kernels.memory.put(new Float32Array([1, 2, 3, 4]));
    const sums = kernels.memory.allocateZeroed(16 * count);
    for (let round = 0; round < 3; round++)
      await runTasks(
        { ...kernels, pool },
        Array.from({ length: count }, (_, i): Task => [['addInto', 4, one, sums + 16 * i]]),
      );
    expect(kernels.memory.f32(sums, 4 * count).every((sum, i) => sum === 3 * ((i % 4) + 1))).toBe(true);
  } finally {
    await pool.close();
  }
});

describe('how many threads', () => {
  const offering = (threads: number, reason?: string): Workers => ({
    ...nodeWorkers,
    available: () => ({ threads, reason }),
  });

  test.each<[string, Workers | undefined, number | undefined, object]>([
    ['all cores', offering(6), undefined, { threads: 6 }],
    ['at most 64', offering(200), undefined, { threads: 64 }],
    ['as asked', offering(2), 5, { threads: 5 }],
    ['one, as asked', offering(6), 1, { threads: 1, reason: 'as asked' }],
    ['one core', offering(1), undefined, { threads: 1, reason: 'this machine has one core' }],
    ['none to be had', offering(1, 'this host has no workers'), 4, { threads: 1, reason: 'this host has no workers' }],
    ['none given', undefined, 4, { threads: 1, reason: 'no workers were given' }],
  ])('%s', (_, workers, asked, plan) => {
    expect(planThreads(workers, asked)).toEqual(plan);
  });

  test.each([0, 65, 1.5, Number.NaN, '2' as never])('threads: %o is refused', async (threads) => {
    await expect(train(markets, { model: 'ease', threads })).rejects.toThrow(
      /^threads: found .*, expected an integer from 1 to 64$/,
    );
  });

  test('workers of another shape are refused', async () => {
    await expect(train(markets, { model: 'ease', workers: {} as never })).rejects.toThrow(ArgumentError);
  });
});
