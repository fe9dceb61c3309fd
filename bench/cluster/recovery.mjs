// How long it takes until what a killed process did is begun again, and until machines go on after their queue was lost.
import { openCluster, planTraining } from '../../dist/cluster.js';
import { assembleGenerated, generateMarkets } from '../../dist/index.js';
import { childrenOf, startWorker } from '../harness/fleet.mjs';
import { note, save, show, table } from '../harness/report.mjs';

const TIMES = 3;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function recovery(installed, places) {
  // one long job, and many short ones
  const long = assembleGenerated(generateMarkets({ seed: 4, items: 3000, users: 12_000, interactions: 120_000 }));
  const plans = {
    long: (store) => planTraining(store, long, { model: 'm3rec' }, { updatable: true }, 'bench'),
    short: (store) => planTraining(store, long, {}, { jobItems: 60 }, 'bench'),
  };
  const faults = {
    'worker killed': killWorker,
    'its process that computes killed': killChild,
    'server killed, back after 1 s': killServer,
  };
  const found = [];
  for (const [server, start] of Object.entries(installed))
    for (const [fault, happen] of Object.entries(faults)) {
      const seconds = [];
      for (let time = 0; time < TIMES; time++) {
        note(`cluster: ${fault}, ${server}, ${time + 1} of ${TIMES}`);
        const queue = await start();
        const place = await places.store();
        const workers = await Promise.all([0, 1].map(() => startWorker(queue.address, place.folder)));
        const cluster = await openCluster(queue.address, place.store);
        const watching = new AbortController();
        const submit = async (plan) =>
          cluster.submit(await plan(place.store), { signal: watching.signal }).catch(() => {});
        const ended = await happen(workers, queue, (which) => submit(plans[which]));
        seconds.push(ended);
        watching.abort();
        await Promise.all(workers.map(({ stop }) => stop('SIGKILL')));
        await queue.stop();
      }
      found.push({ server, fault, seconds });
    }
  const rows = found.map(({ server, fault, seconds }) => [
    fault,
    server,
    ...seconds.sort((a, b) => a - b).map((each) => each.toFixed(1)),
  ]);
  const block = table(['what is lost', 'server', ...rows[0].slice(2).map((_, i) => `${i + 1}.`)], rows, 2);
  const text =
    'Seconds from the loss until the job under way is begun again (worker, process), or until a machine ends a job that it began after the loss (server); three times each, sorted:';
  save('cluster/recovery', 'Several machines: how long a loss takes', [text, block], { found });
  show(block);
}

/** The worker that has begun a job now. */
const working = (workers, after) =>
  Promise.race(
    workers.map(async (worker) => [
      worker,
      await worker.until(({ event, heard }) => event === 'start' && heard > after),
    ]),
  );

/** Seconds until another start of the same job is heard. */
async function begunAgain(workers, job, lost) {
  const [, { heard }] = await Promise.race(
    workers.map(async (worker) => [
      worker,
      await worker.until((each) => each.event === 'start' && each.job === job && each.heard > lost),
    ]),
  );
  return (heard - lost) / 1000;
}

async function killWorker(workers, _, submit) {
  void submit('long');
  const [worker, { job }] = await working(workers, 0);
  await wait(500);
  const lost = performance.now();
  void worker.stop('SIGKILL');
  return begunAgain(
    workers.filter((each) => each !== worker),
    job,
    lost,
  );
}

async function killChild(workers, _, submit) {
  void submit('long');
  const [worker, { job }] = await working(workers, 0);
  await wait(500);
  const lost = performance.now();
  for (const pid of childrenOf(worker.pid)) process.kill(pid, 'SIGKILL');
  return begunAgain(workers, job, lost);
}

async function killServer(workers, queue, submit) {
  void submit('short');
  await Promise.race(workers.map(({ until }) => until(({ event }) => event === 'done')));
  const lost = performance.now();
  await queue.kill();
  await wait(1000);
  await queue.again();
  const [worker, { job }] = await working(workers, lost + 1000);
  const { heard } = await worker.until((each) => each.event === 'done' && each.job === job);
  return (heard - lost) / 1000;
}
