// What a second worker brings, how plans are cut, what a job costs beside its work, and the bytes that move.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { clusterExecutor, openCluster, planEvaluate, planRecommend, planTraining } from '../../dist/cluster.js';
import { assembleGenerated, encodeModel, generateMarkets, train } from '../../dist/index.js';
import { checkExperiment, memoryTrials, prepareExperiment, runTrials } from '../../dist/lab.js';
import { peakOf, startWorker } from '../harness/fleet.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const BUILD = 'bench';
const ALONE = fileURLToPath(new URL('../processes/train-alone.mjs', import.meta.url));
const TURNS = 3;
const ITEMS = 30_000;
const USERS = 100_000;
const ROWS = 3_000_000;
const GRID = Array.from({ length: 12 }, (_, i) => 10 * (i + 1));

export async function speed(installed, places) {
  const queue = await installed.Redis();
  try {
    const limit = await limitOfMachine();
    const works = await worksOf();
    const found = [];
    for (const [name, run] of Object.entries(works)) {
      const runs = { 1: [], 2: [] };
      // one worker and two take turns, since the machine's speed varies
      for (let turn = 0; turn < TURNS; turn++)
        for (const count of [1, 2]) {
          note(`cluster: ${name}, ${count} workers, turn ${turn + 1} of ${TURNS}`);
          runs[count].push(await measure(queue, await places.store(), run, count));
        }
      found.push({ name, runs, redis: await peakOf(queue) });
      report(found, limit);
    }
  } finally {
    await queue.stop();
  }
}

/** Name → a function that has a cluster do it. */
async function worksOf() {
  const catalogue = assembleGenerated(generateMarkets({ seed: 2, items: ITEMS, users: USERS, interactions: ROWS }));
  const small = assembleGenerated(generateMarkets({ seed: 3, items: 3000, users: 20_000, interactions: 200_000 }));
  const model = encodeModel(await train(catalogue, { model: 'ease' }));
  const planned = (planOf) => async (cluster, store) => cluster.submit(await planOf(store));
  return {
    grid: async (cluster, store) => {
      const executor = clusterExecutor(cluster, store, BUILD);
      const models = [{ model: 'ease', grid: { lambdaF: GRID } }];
      const experiment = checkExperiment({ data: 'generated', models, seeds: [1] });
      const { trials } = await prepareExperiment(experiment, small, executor.blobs);
      await runTrials(trials, { store: memoryTrials(executor.blobs), executor, build: BUILD });
    },
    batch: planned((store) => planRecommend(store, model, { k: 10, ending: '.csv', jobUsers: 4096 }, BUILD)),
    'groups of EASE': planned((store) => planTraining(store, catalogue, { model: 'ease' }, { jobItems: 500 }, BUILD)),
    evaluation: planned((store) => planEvaluate(store, model, catalogue, { heldOut: 'test' }, BUILD, 4000)),
    training: planned((store) => planTraining(store, small, {}, { jobItems: 500 }, BUILD)),
  };
}

/** One run on some workers: times in seconds, and its jobs. */
async function measure({ address }, { folder, store }, run, count) {
  const workers = await Promise.all(Array.from({ length: count }, () => startWorker(address, folder)));
  try {
    const cluster = await openCluster(address, store);
    const before = workers.map(({ processor }) => processor());
    await run(cluster, store);
    const processor = workers.map((worker, w) => worker.processor() - before[w]);
    const events = workers.flatMap((worker) => worker.events);
    const jobs = events
      .filter(({ event }) => event === 'done')
      .map(({ kind, seconds, read, written }) => ({ kind, seconds, read, written }));
    const first = Math.min(...events.filter(({ event }) => event === 'start').map(({ heard }) => heard));
    const last = Math.max(...events.filter(({ event }) => event === 'done').map(({ heard }) => heard));
    return { seconds: (last - first) / 1000, processor, jobs };
  } finally {
    await Promise.all(workers.map(({ stop }) => stop()));
  }
}

/** How much sooner two programs that share nothing end than one after the other: no cluster of two can do more here. */
async function limitOfMachine() {
  const once = () =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [ALONE], { stdio: ['ignore', 'pipe', 'inherit'] });
      let printed = '';
      child.stdout.on('data', (text) => {
        printed += text;
      });
      child.once('error', reject);
      child.once('close', () => resolve(Number(printed)));
    });
  note('cluster: two programs that share nothing');
  const turns = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const alone = await once();
    const together = await Promise.all([once(), once()]);
    turns.push({ alone, together, limit: (2 * alone) / Math.max(...together) });
  }
  const limits = turns.map(({ limit }) => limit);
  return { turns, least: Math.min(...limits), most: Math.max(...limits) };
}

const best = (values) => Math.min(...values);
const total = (values) => values.reduce((sum, value) => sum + value, 0);

function report(found, limit) {
  const rows = found.map(({ name, runs, redis }) => {
    const { jobs } = runs[1][0];
    const work = total(jobs.map(({ seconds }) => seconds));
    const longest = Math.max(...jobs.map(({ seconds }) => seconds));
    const [one, two] = [runs[1], runs[2]].map((list) => best(list.map(({ seconds }) => seconds)));
    const alone = best(runs[1].map(({ processor }) => processor[0]));
    const busier = best(runs[2].map(({ processor }) => Math.max(...processor)));
    // of one worker, which does nothing else meanwhile
    const beside = best(
      runs[1].map((run) => (run.seconds - total(run.jobs.map(({ seconds }) => seconds))) / jobs.length),
    );
    return [
      name,
      jobs.length,
      `${((100 * longest) / work).toFixed(0)} %`,
      one.toFixed(1),
      two.toFixed(1),
      (one / two).toFixed(2),
      alone.toFixed(1),
      busier.toFixed(1),
      (alone / busier).toFixed(2),
      beside.toFixed(3),
      (redis / 1e6).toFixed(1),
    ];
  });
  const header = [
    'work',
    'jobs',
    'longest job',
    '1 worker, s',
    '2 workers, s',
    'speed-up',
    '1 worker, processor s',
    'busier of 2, processor s',
    'speed-up by processor time',
    's beside a job',
    'Redis peak MB',
  ];
  const times = table(header, rows);
  const bytes = table(
    ['work', 'kind', 'jobs', 'MB read a job', 'MB written a job', 'MB in all'],
    found.flatMap(({ name, runs }) =>
      [...byKind(runs[1][0].jobs)].map(([kind, jobs]) => {
        const read = total(jobs.map((job) => job.read)) / 1e6;
        const written = total(jobs.map((job) => job.written)) / 1e6;
        const each = (megabytes) => (megabytes / jobs.length).toFixed(2);
        return [name, kind, jobs.length, each(read), each(written), (read + written).toFixed(1)];
      }),
    ),
    2,
  );
  const blocks = [
    `Workers of one thread on one machine, queue and store on it too; the best of ${TURNS} turns, from the first job's start to the last one's end. Processor time is that of a worker and of its process that computes. Work: ${ITEMS.toLocaleString('en')} items, ${USERS.toLocaleString('en')} users, ${ROWS.toLocaleString('en')} rows; grid and training 3,000 items, 20,000 users, 200,000 rows. Two programs that share nothing, each one training on one thread, end ${limit.least.toFixed(2)} to ${limit.most.toFixed(2)} times sooner side by side than one after the other on this machine: no work can gain more by the clock.`,
    times,
    'What jobs read from the store and write to it, with one worker. Reckoned beforehand: X with 4 bytes a row and a user, and the model, once a worker and not once a job; lists of 256 bytes an item; ranks of 16 bytes a held-out row; a table as long as its parts:',
    bytes,
  ];
  save('cluster', 'Several machines: what a second worker brings', blocks, { limit, found });
  show(`${times}\n\n${bytes}`);
}

function byKind(jobs) {
  const kinds = new Map();
  for (const job of jobs) kinds.set(job.kind, [...(kinds.get(job.kind) ?? []), job]);
  return kinds;
}
