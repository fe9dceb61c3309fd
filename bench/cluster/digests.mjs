// The bytes of a training on any number of workers, on both servers, and without a queue.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openCluster, planText, planTraining, Run, runPlan, Warm } from '../../dist/cluster.js';
import { encodeModel, train } from '../../dist/index.js';
import { loadMarkets } from '../harness/data.mjs';
import { startWorker } from '../harness/fleet.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const COUNTS = { Redis: [1, 2, 3, 6], PostgreSQL: [1, 2, 3] };
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

export async function digests(installed, places) {
  const { name, markets } = await loadMarkets();
  const plan = (store) => planTraining(store, markets, {}, {}, 'bench');
  const expected = sha(encodeModel(await train(markets, {})));
  const found = [{ how: 'one process, train()', digest: expected }];
  found.push({ how: 'one process, the plan', ...(await inThisProcess(await places.store(), plan)) });
  note('cluster: job run, a process for each job');
  found.push({ how: '`job run`, 2 processes at a time', ...(await byNumber(await places.store(), plan)) });
  for (const [server, counts] of Object.entries(COUNTS)) {
    if (!installed[server]) note(`cluster digests: ${server} is not installed, and left out`);
    else
      for (const count of counts) {
        note(`cluster: ${count} workers on ${server}`);
        const queue = await installed[server]();
        const how = `${count} worker${count > 1 ? 's' : ''} on ${server}`;
        found.push({ how, ...(await onWorkers(queue, await places.store(), plan, count)) });
        await queue.stop();
      }
  }
  const same = found.every(({ digest }) => digest === expected);
  const rows = found.map(({ how, jobs = [], shared = '', digest }) => [
    how,
    jobs.join(' + '),
    shared,
    digest.slice(0, 16),
  ]);
  const block = table(['how', 'jobs', 'kinds of jobs that several workers did', 'SHA-256'], rows);
  const text = `A training of the default kind on the five markets, ${same ? 'the same' : 'NOT the same'} SHA-256 of the model file each time:`;
  save(
    'cluster/digests',
    'Several machines: the same bytes',
    [text, block],
    { data: name, found },
    { everywhere: true },
  );
  show(block);
}

async function inThisProcess({ store }, planOf) {
  const plan = await planOf(store);
  const warm = new Warm();
  const { result } = await runPlan(new Run(plan), store, warm);
  await warm.close();
  return { jobs: [plan.jobs.length], digest: sha(result) };
}

/** Each job in a process of its own, two at a time, as a scheduler does. */
async function byNumber({ folder, store }, planOf) {
  const { jobs } = await planOf(store);
  const file = join(folder, 'plan.json');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, planText(await planOf(store)));
  const run = (...args) =>
    promisify(execFile)(process.execPath, [
      CLI,
      'job',
      'run',
      file,
      ...args,
      '--store',
      folder,
      '--threads',
      '1',
      '--wait',
    ]);
  const open = jobs.keys();
  const one = async () => {
    for (const job of open) await run(String(job));
  };
  await Promise.all([one(), one()]);
  const model = join(folder, 'model.m3rec');
  await run('last', '-o', model);
  return { jobs: [jobs.length], digest: sha(readFileSync(model)) };
}

async function onWorkers({ address }, { folder, store }, planOf, count) {
  const workers = await Promise.all(Array.from({ length: count }, () => startWorker(address, folder)));
  try {
    const cluster = await openCluster(address, store);
    const digest = sha(await cluster.submit(await planOf(store)));
    const done = workers.map(({ events }) => events.filter(({ event }) => event === 'done'));
    return { jobs: done.map((each) => each.length), ...(count > 1 && { shared: sharedKinds(done) }), digest };
  } finally {
    await Promise.all(workers.map(({ stop }) => stop()));
  }
}

/** How many kinds of jobs two workers or more did jobs of. */
function sharedKinds(done) {
  const kinds = new Map();
  for (const [worker, jobs] of done.entries())
    for (const { kind } of jobs) kinds.set(kind, (kinds.get(kind) ?? new Set()).add(worker));
  return [...kinds.values()].filter((workers) => workers.size > 1).length;
}
