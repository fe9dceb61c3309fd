// Several machines: the same digest on any number of workers, how plans are cut, what a second worker brings, what a job
// costs beside its work, the bytes that move, and Redis's memory. Workers have one thread each.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openCluster,
  openStoreAt,
  planEvaluate,
  planRecommend,
  planTraining,
  Run,
  runPlan,
  Warm,
} from '../../dist/cluster.js';
import { assembleGenerated, encodeModel, generateMarkets, train } from '../../dist/index.js';
import { loadMarkets } from '../harness/data.mjs';
import { ask, startRedis, startWorker } from '../harness/fleet.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const BUILD = 'bench';
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const seconds = (ms) => (ms / 1000).toFixed(1);
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

export async function cluster({ parts = ['digests', 'speed'] } = {}) {
  const redis = await startRedis();
  if (!redis) return note('cluster: skipped, since redis-server is not installed');
  const folders = [];
  const newStore = async () => {
    const folder = mkdtempSync(join(tmpdir(), 'm3rec-bench-store-'));
    folders.push(folder);
    return { folder, store: await openStoreAt(folder) };
  };
  try {
    if (parts.includes('digests')) {
      const { name, markets } = await loadMarkets();
      const blocks = [];
      const found = await digests(redis, newStore, markets, blocks);
      save('cluster/digests', 'Several machines: the same bytes', blocks, { data: name, found }, { everywhere: true });
    }
    if (parts.includes('speed')) {
      const blocks = [];
      const found = await measured(redis, newStore, blocks);
      save('cluster', 'Several machines: what a second worker brings', blocks, { found });
    }
  } finally {
    redis.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a plan on some workers. @returns the digest, times, and what the workers said */
async function runOn(redis, { folder, store }, plan, count) {
  const workers = await Promise.all(Array.from({ length: count }, () => startWorker(redis.address, folder)));
  try {
    const queue = await openCluster(redis.address, store);
    const start = performance.now();
    const result = await queue.submit(plan);
    const ms = performance.now() - start;
    const memory = /used_memory_peak:(\d+)/.exec(await ask(redis.port, 'INFO memory'))?.[1];
    const done = workers.map(({ events }) => events.filter(({ event }) => event === 'done'));
    return { digest: sha(result), ms, done, memory: Number(memory) };
  } finally {
    await Promise.all(workers.map(({ stop }) => stop()));
  }
}

/** How many kinds of jobs two workers or more did jobs of. */
const sharedKinds = (done) => {
  const kinds = new Map();
  for (const [worker, jobs] of done.entries())
    for (const { kind } of jobs) kinds.set(kind, (kinds.get(kind) ?? new Set()).add(worker));
  return [...kinds.values()].filter((workers) => workers.size > 1).length;
};

async function digests(redis, newStore, markets, blocks) {
  const expected = sha(encodeModel(await train(markets, {})));
  const rows = [['1 process, train()', '', '', expected.slice(0, 16)]];
  const found = [{ how: 'train', digest: expected }];
  const alone = await newStore();
  const warm = new Warm();
  const plan = await planTraining(alone.store, markets, {}, {}, BUILD);
  const { result } = await runPlan(new Run(plan), alone.store, warm);
  await warm.close();
  rows.push(['1 process, the plan', plan.jobs.length, '', sha(result).slice(0, 16)]);
  found.push({ how: 'plan', digest: sha(result) });
  for (const count of [1, 2, 3, 6]) {
    note(`cluster: ${count} workers`);
    const place = await newStore();
    const { digest, done } = await runOn(redis, place, await planTraining(place.store, markets, {}, {}, BUILD), count);
    const jobs = done.map((each) => each.length);
    rows.push([`${count} workers on Redis`, jobs.join(' + '), count > 1 ? sharedKinds(done) : '', digest.slice(0, 16)]);
    found.push({ how: `${count} workers`, digest, jobs });
  }
  const same = found.every(({ digest }) => digest === expected);
  const text = `A training of the default kind on the five markets, ${same ? 'the same' : 'NOT the same'} SHA-256 of the model file each time:`;
  const block = table(['how', 'jobs', 'kinds of jobs that several workers did', 'SHA-256'], rows);
  blocks.push(text, block);
  show(block);
  return found;
}

async function measured(redis, newStore, blocks) {
  const catalogue = assembleGenerated(
    generateMarkets({ seed: 2, items: 12_000, users: 40_000, interactions: 500_000 }),
  );
  const model = encodeModel(await train(catalogue, { model: 'ease' }));
  const works = {
    'EASE by groups, 12,000 items': (store) =>
      planTraining(store, catalogue, { model: 'ease' }, { jobItems: 500 }, BUILD),
    'batch, 40,000 users': (store) => planRecommend(store, model, { k: 10, ending: '.csv', jobUsers: 1000 }, BUILD),
    evaluation: (store) => planEvaluate(store, model, catalogue, { heldOut: 'test' }, BUILD, 1000),
  };
  const rows = [];
  const found = [];
  for (const [name, plan] of Object.entries(works)) {
    const times = { 1: [], 2: [] };
    let last;
    // one and two workers take turns, since the machine's speed varies
    for (let turn = 0; turn < 2; turn++)
      for (const count of [1, 2]) {
        note(`cluster: ${name}, ${count} workers, turn ${turn + 1}`);
        const place = await newStore();
        last = await runOn(redis, place, await plan(place.store), count);
        times[count].push(last.ms);
      }
    const best = (count) => Math.min(...times[count]);
    const jobs = last.done.flat();
    const work = jobs.reduce((sum, job) => sum + job.seconds * 1000, 0);
    const longest = Math.max(...jobs.map((job) => job.seconds * 1000));
    const moved = jobs.reduce((sum, job) => sum + job.read + job.written, 0);
    const beside = (2 * best(2) - work) / jobs.length;
    rows.push([
      name,
      jobs.length,
      `${((100 * longest) / work).toFixed(0)} %`,
      seconds(best(1)),
      seconds(best(2)),
      (best(1) / best(2)).toFixed(2),
      beside.toFixed(0),
      megabytes(moved),
      megabytes(last.memory),
    ]);
    found.push({ name, jobs: jobs.length, longest, work, times, moved, memory: last.memory });
  }
  const header = [
    'work',
    'jobs',
    'longest',
    '1 worker s',
    '2 workers s',
    'speed-up',
    'ms beside a job',
    'MB moved',
    'Redis MB',
  ];
  const block = table(header, rows);
  blocks.push('Workers of one thread; best of two turns each:', block);
  show(block);
  return found;
}
