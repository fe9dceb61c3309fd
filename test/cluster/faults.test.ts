// What machines lose and how runs go on, on a real queue with real processes. Whatever happens, the result has the
// SHA-256 of
// the single process's, and nothing is begun twice but what was under way where something was lost.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/cluster/digest.ts';
import type { Plan } from '../../src/cluster/plan.ts';
import { planRecommend } from '../../src/cluster/plans/recommend.ts';
import { planTraining } from '../../src/cluster/plans/train.ts';
import { type Backend, openBackend, queueNameOf } from '../../src/cluster/queue/open.ts';
import { attach, submit } from '../../src/cluster/queue/submit.ts';
import { type Run, runPlan } from '../../src/cluster/run-job.ts';
import { cancelRun, publish } from '../../src/cluster/runs.ts';
import type { Store } from '../../src/cluster/store.ts';
import { openStoreAt } from '../../src/cluster/stores/open-store.ts';
import { Warm } from '../../src/cluster/warm.ts';
import { assembleGenerated, encodeModel, generateMarkets, type Markets, train } from '../../src/index.ts';
import { CLI } from '../support/command.ts';
import { postgresBinaries, startPostgres, type TestServer } from '../support/postgres.ts';
import { RedisServer, redisBinary } from '../support/redis.ts';
import { Fleet } from './machines.ts';

/** `npm run faults` runs all on both; else Redis runs each once, and PostgreSQL three of them. */
const ALL = process.env.M3REC_FAULTS === 'all';

let markets: Markets;
let expected: string;
let model: Uint8Array;

beforeAll(async () => {
  markets = assembleGenerated(generateMarkets({ seed: 5, users: 1500, items: 900, interactions: 20_000 }));
  model = encodeModel(await train(markets, {}));
  expected = digestOf(model);
});

const planOn = (store: Store): Promise<Plan> => planTraining(store, markets, {}, { jobItems: 150 }, 'test');

interface Server {
  readonly address: string;
  stop(): Promise<void>;
  kill?(): Promise<void>;
  again?(): Promise<void>;
}

function faultsOn(name: string, installed: boolean, start: (keeps?: boolean) => Promise<Server>, few: boolean) {
  describe.skipIf(!installed || !existsSync(CLI))(`on ${name}`, () => {
    let server: Server;
    let backend: Backend;
    beforeAll(async () => {
      server = await start();
      backend = await openBackend(server.address);
    });
    afterAll(() => server.stop());

    /** A fleet for one test, its queue empty. */
    async function withFleet(
      count: number,
      work: (fleet: Fleet, store: Store) => Promise<void>,
      address = server.address,
    ) {
      const fleet = new Fleet(address);
      try {
        const store = await openStoreAt(fleet.store);
        await Promise.all(Array.from({ length: count }, () => fleet.join()));
        await work(fleet, store);
      } finally {
        await fleet.stop();
      }
    }
    const often = few ? test.skip : test;

    test('two machines share a training and a batch, and begin nothing twice', () =>
      withFleet(2, async (fleet, store) => {
        const result = await submit(backend, store, await planOn(store));
        expect(digestOf(result)).toBe(expected);
        expect(fleet.twice()).toEqual([]);
        const kinds = fleet.machines.map(
          ({ events }) => new Set(events.filter(({ event }) => event === 'done').map(({ kind }) => kind)),
        );
        expect([...kinds[0]].filter((kind) => kinds[1].has(kind))).not.toEqual([]);
        const plan = await planRecommend(store, model, { k: 5, ending: '.csv', jobUsers: 200 }, 'test');
        const alone = await planRecommend(store, model, { k: 5, ending: '.csv', jobUsers: 100_000 }, 'test');
        const batch = await submit(backend, store, plan);
        const warm = new Warm();
        const { result: one } = await runPlan(await publish(store, alone), store, warm);
        await warm.close();
        expect(digestOf(batch)).toBe(digestOf(one));
        // a second submission finds all of it done
        const before = fleet.begun().size;
        expect(digestOf(await submit(backend, store, plan))).toBe(digestOf(batch));
        expect(fleet.begun().size).toBe(before);
      }));

    test('a machine is killed in the middle of a job, and one that drives', () =>
      withFleet(3, async (fleet, store) => {
        const result = submit(backend, store, await planOn(store));
        const [first] = await Promise.race(
          fleet.machines.map(
            async (machine) =>
              [machine, await machine.until(({ kind, event }) => kind === 'vectors' && event === 'start')] as const,
          ),
        );
        await first.kill();
        const lost = Fleet.underWay(first);
        expect(digestOf(await result)).toBe(expected);
        for (const job of fleet.twice()) expect(lost).toContain(job);
      }));

    test('another build sees none of these jobs', async () => {
      expect(queueNameOf('jobs')).toMatch(/^m3rec-jobs-[0-9a-f]{8}$/);
      await withFleet(1, async (fleet, store) => {
        const plan = await planOn(store);
        await expect(submit(backend, store, { ...plan, kernels: '0'.repeat(64) })).rejects.toThrow('use one build');
        expect(fleet.begun().size).toBe(0);
      });
    });

    often('the submitter dies, and another takes the result', () =>
      withFleet(2, async (fleet, store) => {
        const dying = new AbortController();
        let run: Run | undefined;
        const first = submit(backend, store, await planOn(store), {
          signal: dying.signal,
          onRun: (each) => (run = each),
        });
        await Promise.race(fleet.machines.map((machine) => machine.until(({ event }) => event === 'done')));
        dying.abort();
        await expect(first).rejects.toThrow('m3rec cluster attach');
        expect(digestOf(await attach(backend, store, run!.name))).toBe(expected);
        expect(fleet.twice()).toEqual([]);
      }),
    );

    often('two submitters of one plan', () =>
      withFleet(2, async (fleet, store) => {
        const plan = await planOn(store);
        const other = await openBackend(server.address);
        const results = await Promise.all([submit(backend, store, plan), submit(other, store, plan)]);
        expect(results.map(digestOf)).toEqual([expected, expected]);
        expect(fleet.twice()).toEqual([]);
      }),
    );

    often('a machine in another time zone and language', () =>
      withFleet(1, async (fleet, store) => {
        await fleet.join({ env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' } });
        expect(digestOf(await submit(backend, store, await planOn(store), { verify: 0.3 }))).toBe(expected);
      }),
    );

    often('a blob is cut short while the run goes on', () =>
      withFleet(2, async (fleet, store) => {
        const result = submit(backend, store, await planOn(store));
        const done = await Promise.race(
          fleet.machines.map((machine) => machine.until(({ event, kind }) => event === 'done' && kind === 'nearest')),
        );
        const run = new (await import('../../src/cluster/run-job.ts')).Run(await planOn(store));
        const { outputs } = (await store.record(run.names[done.job!]))!;
        const path = `cas/${outputs[0].blob.slice(0, 2)}/${outputs[0].blob}`;
        await store.files.write(path, (await store.files.read(path))!.subarray(0, 100));
        expect(digestOf(await result)).toBe(expected);
        for (const job of fleet.twice()) expect(['nearest', 'order']).toContain(run.plan.jobs[job].kind);
      }),
    );

    often('a store that has lost a blob of the data says so', () =>
      withFleet(1, async (_, store) => {
        const plan = await planOn(store);
        const lost = plan.jobs[0].inputs[0] as string;
        await store.discard(lost);
        await expect(submit(backend, store, plan)).rejects.toThrow(`blob ${lost.slice(0, 12)}: it is not there`);
      }),
    );

    often('a poison job fails with its reason, and machines live', () =>
      withFleet(2, async (fleet, store) => {
        const plan = await planOn(store);
        const poisoned: Plan = {
          ...plan,
          jobs: plan.jobs.map((job, i) =>
            i === 1 ? { ...job, params: { ...job.params, range: [5, 1_000_000] } } : job,
          ),
        };
        await expect(submit(backend, store, poisoned)).rejects.toThrow(/job|nearest 1 of .* failed: params.range/);
        expect(digestOf(await submit(backend, store, plan))).toBe(expected);
        expect(fleet.machines.every(({ process: { exitCode } }) => exitCode === null)).toBe(true);
      }),
    );

    often('a run is cancelled, and handed in again', () =>
      withFleet(2, async (fleet, store) => {
        const plan = await planOn(store);
        let run: Run | undefined;
        const first = submit(backend, store, plan, { onRun: (each) => (run = each) });
        await Promise.race(fleet.machines.map((machine) => machine.until(({ event }) => event === 'done')));
        await cancelRun(store, run!.name);
        await expect(first).rejects.toThrow('was cancelled');
        const under = fleet.machines.flatMap((machine) => Fleet.underWay(machine));
        await new Promise((resolve) => setTimeout(resolve, 3000));
        const stopped = fleet.begun().size;
        await new Promise((resolve) => setTimeout(resolve, 2000));
        expect(fleet.begun().size).toBe(stopped);
        expect(digestOf(await submit(backend, store, plan))).toBe(expected);
        expect(fleet.twice().length).toBeLessThanOrEqual(under.length + 2);
      }),
    );

    often('a machine that is slow near the end: another one does its job', () =>
      withFleet(1, async (fleet, store) => {
        const [slow] = fleet.machines;
        const result = submit(backend, store, await planOn(store));
        await slow.until(({ event, kind }) => event === 'start' && kind === 'vectors');
        const { execFileSync } = await import('node:child_process');
        const children = execFileSync('ps', ['--ppid', `${slow.process.pid}`, '-o', 'pid='], { encoding: 'utf8' });
        // the process that computes stands still; the one that holds the lock does not
        for (const pid of children.trim().split(/\s+/)) process.kill(Number(pid), 'SIGSTOP');
        await fleet.join();
        expect(digestOf(await result)).toBe(expected);
        expect(fleet.twice().length).toBe(1);
        for (const pid of children.trim().split(/\s+/)) process.kill(Number(pid), 'SIGKILL');
      }),
    );
  });
}

faultsOn('Redis', redisBinary() !== undefined, (keeps) => RedisServer.start(keeps), false);
faultsOn('PostgreSQL', postgresBinaries() !== undefined, () => startPostgres() as Promise<TestServer>, !ALL);

describe.skipIf(redisBinary() === undefined)('Redis itself', () => {
  test.each([
    ['with its file', true],
    ['without one', false],
  ])('is killed and comes back %s', async (_, keeps) => {
    const server = await RedisServer.start(keeps);
    const fleet = new Fleet(server.address);
    try {
      const store = await openStoreAt(fleet.store);
      await Promise.all([fleet.join(), fleet.join()]);
      const result = submit(await openBackend(server.address), store, await planOn(store));
      await Promise.race(fleet.machines.map((machine) => machine.until(({ event }) => event === 'done')));
      const under = fleet.machines.flatMap((machine) => Fleet.underWay(machine));
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await server.again();
      expect(digestOf(await result)).toBe(expected);
      expect(fleet.twice().length).toBeLessThanOrEqual(under.length + 2);
    } finally {
      await fleet.stop();
      await server.stop();
    }
  });
});
