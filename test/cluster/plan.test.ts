// A plan gives the bytes of the single process, however it is cut, on any store, in any order that its inputs allow.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/cluster/digest.ts';
import { isKnown } from '../../src/cluster/jobs/registry.ts';
import { levels, parsePlan, planText } from '../../src/cluster/plan.ts';
import { planEvaluate } from '../../src/cluster/plans/evaluate.ts';
import { planRecommend } from '../../src/cluster/plans/recommend.ts';
import { planTraining } from '../../src/cluster/plans/train.ts';
import { Run, readyJobs, runJob, runPlan, verifyJob } from '../../src/cluster/run-job.ts';
import { Store } from '../../src/cluster/store.ts';
import { Warm } from '../../src/cluster/warm.ts';
import {
  assembleGenerated,
  encodeModel,
  evaluate,
  generateMarkets,
  loadModel,
  type Markets,
  type TrainOptions,
  train,
} from '../../src/index.ts';
import { FolderFiles } from '../../src/node/folder-files.ts';

const folders: string[] = [];
const warm = new Warm();
let markets: Markets;

async function newStore(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-store-'));
  folders.push(folder);
  return new Store(new FolderFiles(folder)).open();
}

beforeAll(() => {
  markets = assembleGenerated(generateMarkets({ seed: 9, users: 600, items: 300, interactions: 6000 }));
});

afterAll(async () => {
  await warm.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const alone = async (options: TrainOptions) => digestOf(encodeModel(await train(markets, options)));
const planned = async (store: Store, options: TrainOptions, jobItems: number) =>
  new Run(await planTraining(store, markets, options, { jobItems }, 'test'));

describe('a training as a plan', () => {
  it.each<[TrainOptions, number]>([
    [{}, 1000],
    [{}, 50],
    [{ borrow: 0, singularVectors: 0 }, 64],
    [{ model: 'ease' }, 70],
    [{ model: 'm3rec', epochs: 1 }, 100],
    [{ model: 'm3rec', preset: 'paper', epochs: 3 }, 100],
    [{ model: 'm3rec', preset: 'paper', epochs: 2, without: 'inter' }, 100],
    [{ model: 'm3rec', preset: 'paper', epochs: 2, without: 'intra' }, 100],
    [{ model: 'm3rec', epochs: 1, easeSolver: 'exact' }, 100],
    [{ model: 'itemknn' }, 100],
  ])('of %j, cut by %i items, gives the file of the single process', async (options, jobItems) => {
    const store = await newStore();
    const run = await planned(store, options, jobItems);
    const { result, computed } = await runPlan(run, store, warm);
    expect(digestOf(result)).toBe(await alone(options));
    expect(computed).toBe(run.plan.jobs.length);
    expect((await runPlan(run, store, warm)).computed).toBe(0);
  });

  it('takes from the store what another training of the same data and options left', async () => {
    const store = await newStore();
    const first = await planned(store, {}, 100);
    await runPlan(first, store, warm);
    const second = await planned(store, { cosineWeight: 0.3 }, 100);
    const { computed } = await runPlan(second, store, warm);
    expect(computed).toBe(1);
  });

  it('runs in any order that inputs allow, and finds the jobs that can run', async () => {
    const store = await newStore();
    const run = await planned(store, {}, 60);
    const done = new Set<number>();
    const order: number[] = [];
    for (let ready = await readyJobs(run, store, done); ready.length > 0; ready = await readyJobs(run, store, done)) {
      const number = ready.at(-1)!;
      order.push(number);
      await runJob(run, number, store, warm);
    }
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
    const { result, computed } = await runPlan(run, store, warm);
    expect([computed, digestOf(result)]).toEqual([0, await alone({})]);
  });

  it('has levels that cover its jobs, each reading earlier levels alone', async () => {
    const { plan } = await planned(await newStore(), {}, 60);
    const found = levels(plan);
    expect(found[0][0]).toBe(0);
    expect(found.at(-1)![1]).toBe(plan.jobs.length);
    for (const [begin, end] of found)
      for (const { inputs } of plan.jobs.slice(begin, end))
        for (const input of inputs) if (typeof input !== 'string') expect(input[0]).toBeLessThan(begin);
  });

  it('is cut into 100 jobs of groups and more for 10⁵ items', async () => {
    const n = 100_000;
    const items = Array.from({ length: n }, (_, i) => `i${String(i).padStart(6, '0')}`);
    const users = Array.from({ length: 1000 }, (_, u) => `u${String(u).padStart(4, '0')}`);
    const indptr = Int32Array.from({ length: 1001 }, (_, u) => 100 * u);
    const interactions = { rows: 1000, cols: n, indptr, indices: Int32Array.from({ length: n }, (_, i) => i) };
    const market = { name: 'one', users, items: interactions.indices, interactions, heldOut: {} };
    const { jobs } = await planTraining(await newStore(), { items, markets: [market] }, {}, {}, 'test');
    const solving = jobs.filter(({ kind }) => kind === 'solve');
    expect(solving.length).toBeGreaterThanOrEqual(100);
    const costs = solving.map(({ cost }) => cost);
    expect(Math.max(...costs) / costs.reduce((sum, cost) => sum + cost, 0)).toBeLessThan(0.02);
  });
});

describe('batches and evaluations as plans', () => {
  it('recommend to all users as one call does, however they are cut', async () => {
    const model = encodeModel(await train(markets, {}));
    const recommender = await loadModel(model);
    for (const jobUsers of [7, 100_000]) {
      const store = await newStore();
      const run = new Run(await planRecommend(store, model, { k: 3, ending: '.jsonl', jobUsers }, 'test'));
      const { result } = await runPlan(run, store, warm);
      const lines = new TextDecoder().decode(result).trimEnd().split('\n');
      const expected = markets.markets.flatMap(({ name: market, users }) =>
        users.flatMap((userId) =>
          recommender
            .recommend({ market, user: userId, k: 3 })
            .items.map(({ item: itemId, score }, i) => ({ market, userId, rank: i + 1, itemId, score })),
        ),
      );
      expect(lines.map((line) => JSON.parse(line))).toEqual(expected.map((row) => expect.objectContaining(row)));
    }
  });

  it('evaluate as one call does, however rows are cut', async () => {
    const model = encodeModel(await train(markets, {}));
    const recommender = await loadModel(model);
    const options = { negatives: 50, k: [5, 10], seed: 3, heldOut: 'test' };
    const expected = await evaluate(recommender, markets, { ...options, perUser: true });
    for (const jobRows of [9, 100_000]) {
      const store = await newStore();
      const run = new Run(await planEvaluate(store, model, markets, options, 'test', jobRows));
      const { result } = await runPlan(run, store, warm);
      expect(JSON.parse(new TextDecoder().decode(result))).toEqual(JSON.parse(JSON.stringify(expected)));
    }
  });
});

describe('a store that is damaged', () => {
  it.each([
    ['is lost', (bytes: Uint8Array) => bytes.subarray(0, 0)],
    ['is cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
    ['has a wrong bit', (bytes: Uint8Array) => bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte))],
  ])('makes again what %s, and nothing else', async (_, damage) => {
    const store = await newStore();
    const run = await planned(store, {}, 100);
    await runPlan(run, store, warm);
    const solved = run.plan.jobs.findIndex(({ kind }) => kind === 'solve');
    const { outputs } = (await store.record(run.names[solved]))!;
    const path = `cas/${outputs[0].blob.slice(0, 2)}/${outputs[0].blob}`;
    await store.files.write(path, damage((await store.files.read(path))!));
    for (const number of [run.last, run.plan.jobs.findIndex(({ kind }) => kind === 'market')])
      await store.dropRecord(run.names[number]);
    for (const { kind, inputs } of run.plan.jobs)
      if (kind === 'join' || kind === 'market')
        for (const input of inputs)
          if (typeof input !== 'string' && input[0] === solved)
            await store.dropRecord(run.names[run.plan.jobs.findIndex((job) => job.inputs === inputs)]);
    const again: number[] = [];
    const { result } = await runPlan(run, store, warm, {
      onJob: (number, { computed }) => computed && again.push(number),
    });
    expect(digestOf(result)).toBe(await alone({}));
    expect(again.filter((number) => run.plan.jobs[number].kind === 'solve')).toEqual([solved]);
    expect(again.some((number) => ['order', 'nearest', 'vectors'].includes(run.plan.jobs[number].kind))).toBe(false);
  });

  it('says which blob is lost where no job makes it', async () => {
    const store = await newStore();
    const run = await planned(store, {}, 100);
    const [input] = run.plan.jobs[0].inputs as string[];
    await store.discard(input);
    await expect(runPlan(run, store, warm)).rejects.toThrow(`blob ${input.slice(0, 12)}: it is not there`);
  });

  it('says which machines differ where a job gives other bytes than before', async () => {
    const store = await newStore();
    const run = await planned(store, {}, 1000);
    await runPlan(run, store, warm);
    const name = run.names[0];
    const record = (await store.record(name))!;
    await verifyJob(run, 0, store, warm);
    await store.dropRecord(name);
    await store.setRecord(name, {
      ...record,
      host: 'elsewhere',
      outputs: [{ ...record.outputs[0], blob: '0'.repeat(64) }],
    });
    await expect(verifyJob(run, 0, store, warm)).rejects.toThrow(/gave other bytes on .* than on elsewhere/);
    await expect(store.setRecord(name, record)).rejects.toThrow('gave other bytes');
  });
});

describe('a plan that strangers wrote', () => {
  const parse = (text: string) => parsePlan(text, 'plan.json', isKnown);

  it('is refused unless every part of it has its form', async () => {
    const { plan } = await planned(await newStore(), {}, 1000);
    expect(parse(planText(plan))).toEqual(plan);
    const [job, ...rest] = plan.jobs;
    const wrong: [object, string][] = [
      [{ kernels: '0'.repeat(64) }, 'use one build on all machines'],
      [{ format: 2 }, 'found format 2, expected 1'],
      [{ jobs: [] }, 'it has no jobs'],
      [{ jobs: [{ ...job, kind: 'shell' }, ...rest] }, 'job 0: this build has no job "shell"'],
      [{ jobs: [{ ...job, version: 99 }, ...rest] }, 'job 0: this build has no job'],
      [{ jobs: [{ ...job, inputs: ['/etc/passwd'] }, ...rest] }, 'job 0: an input is neither'],
      [{ jobs: [{ ...job, inputs: [[0, 0]] }, ...rest] }, 'job 0: an input is neither'],
      [{ jobs: [{ ...job, params: [] }, ...rest] }, 'job 0: its params'],
      [{ jobs: [{ ...job, cost: -1 }, ...rest] }, 'job 0: its cost'],
    ];
    for (const [change, message] of wrong) expect(() => parse(planText({ ...plan, ...change }))).toThrow(message);
    expect(() => parse('{')).toThrow('this is not the JSON of a plan');
    expect(() => parse(JSON.stringify(plan, null, 2))).toThrow('make it again');
  });
});
