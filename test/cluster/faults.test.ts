// What machines lose and how runs go on, on a real queue with real processes. Whatever happens, the result has the
// SHA-256 of
// the single process's, and nothing is begun twice but what was under way where something was lost.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { getRequestListener } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/cluster/digest.ts';
import type { Plan } from '../../src/cluster/plan.ts';
import { planRecommend } from '../../src/cluster/plans/recommend.ts';
import { planTraining } from '../../src/cluster/plans/train.ts';
import { type Backend, openBackend, queueNameOf } from '../../src/cluster/queue/open.ts';
import { attach, submit } from '../../src/cluster/queue/submit.ts';
import { Run, runPlan } from '../../src/cluster/run-job.ts';
import { cancelRun, publish } from '../../src/cluster/runs.ts';
import type { Store } from '../../src/cluster/store.ts';
import { openStoreAt } from '../../src/cluster/stores/open-store.ts';
import { serveStore } from '../../src/cluster/stores/serve-store.ts';
import { Warm } from '../../src/cluster/warm.ts';
import { encodeModel, generateMarkets, type Markets, train } from '../../src/index.ts';
import { readDirectory } from '../../src/node/directory.ts';
import { writeDirectory } from '../../src/node/files.ts';
import { FolderFiles } from '../../src/node/folder-files.ts';
import { CLI } from '../support/command.ts';
import { postgresBinaries, startPostgres } from '../support/postgres.ts';
import { RedisServer, redisBinary } from '../support/redis.ts';
import { Fleet } from './machines.ts';
import { OwnNetwork, whyNoNetworks } from './network.ts';

/**
 * `npm run faults` runs all on both, and writes what it saw to the file that M3REC_FAULTS names; else Redis runs each
 * once, and PostgreSQL three of them.
 */
const REPORT = process.env.M3REC_FAULTS;
const ALL = REPORT !== undefined;

const folder = mkdtempSync(join(tmpdir(), 'm3rec-faults-'));
let markets: Markets;
let expected: string;
let model: Uint8Array;
/** What became of each test that passed: all of them compare the SHA-256. */
const seen: { server: string; fault: string; seconds: number; begun: number; twice: number }[] = [];

beforeAll(async () => {
  const generated = generateMarkets({ seed: 5, users: 1500, items: 900, interactions: 20_000 });
  await writeDirectory(join(folder, 'shop'), generated);
  markets = await readDirectory(join(folder, 'shop'));
  model = encodeModel(await train(markets, {}));
  expected = digestOf(model);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (REPORT) writeFileSync(REPORT, JSON.stringify(seen));
});

/** Why no file system can be mounted here; undefined where one can. */
function whyNoMounts(): string | undefined {
  const place = join(folder, 'mount');
  mkdirSync(place, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place], { stdio: 'pipe' });
    execFileSync('umount', [place]);
    return undefined;
  } catch (error) {
    return `mount is not permitted: ${(error as { stderr?: Buffer }).stderr}`.trim();
  }
}

/** What Node runs first in a machine that is not as others are. */
function preload(name: string, code: string): Record<string, string> {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, code);
  return { NODE_OPTIONS: `--import ${pathToFileURL(file)}` };
}

const planOn = (store: Store): Promise<Plan> => planTraining(store, markets, {}, { jobItems: 150 }, 'test');

interface Server {
  readonly address: string;
  stop(): Promise<void>;
  kill(): Promise<void>;
  again(): Promise<void>;
}

function faultsOn(name: string, installed: boolean, start: () => Promise<Server>, few: boolean) {
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
      fleet = new Fleet(server.address),
    ) {
      try {
        // runs of other tests have the same names, and their stores are gone
        for (const queue of [backend.queue('jobs'), backend.queue('runs')]) {
          await queue.obliterate({ force: true });
          await queue.close();
        }
        const store = await openStoreAt(fleet.store);
        await Promise.all(Array.from({ length: count }, () => fleet.join()));
        const start = performance.now();
        await work(fleet, store);
        const counts = [...fleet.begun().values()];
        const begun = counts.reduce((sum, times) => sum + times, 0);
        const [fault] = expect.getState().currentTestName!.split(' > ').slice(-1);
        const seconds = (performance.now() - start) / 1000;
        seen.push({ server: name, fault, seconds, begun, twice: begun - counts.length });
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

    often('the submitter leaves, and another takes the result', () =>
      withFleet(2, async (fleet, store) => {
        const leaving = new AbortController();
        let run: Run | undefined;
        const first = submit(backend, store, await planOn(store), {
          signal: leaving.signal,
          onRun: (each) => (run = each),
        });
        await Promise.race(fleet.machines.map((machine) => machine.until(({ event }) => event === 'done')));
        leaving.abort();
        await expect(first).rejects.toThrow('m3rec cluster attach');
        expect(digestOf(await attach(backend, store, run!.name))).toBe(expected);
        expect(fleet.twice()).toEqual([]);
      }),
    );

    often('the submitter is killed, and started again', () =>
      withFleet(2, async (fleet) => {
        const file = join(fleet.folder, 'model.m3rec');
        const args = ['train', join(folder, 'shop'), '-o', file, '--cluster', server.address, '--store', fleet.store];
        const start = () => spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' });
        const ended = (child: ReturnType<typeof start>) => new Promise((resolve) => child.once('exit', resolve));
        const first = start();
        const gone = ended(first);
        await Promise.race(fleet.machines.map((machine) => machine.until(({ event }) => event === 'start')));
        first.kill('SIGKILL');
        await gone;
        expect(existsSync(file)).toBe(false);
        expect(await ended(start())).toBe(0);
        expect(digestOf(readFileSync(file))).toBe(expected);
        expect(fleet.twice()).toEqual([]);
      }),
    );

    often('a machine that drives is killed while it does', () =>
      withFleet(0, async (fleet, store) => {
        const env = preload(
          'driver',
          `const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (text, ...rest) => {
  const written = write(text, ...rest);
  if (String(text).includes('"event":"drives"')) process.kill(process.pid, 'SIGKILL');
  return written;
};`,
        );
        const driver = await fleet.join({ env });
        const result = submit(backend, store, await planOn(store));
        await driver.until(({ event }) => event === 'drives');
        await driver.ended;
        const lost = Fleet.underWay(driver);
        const other = await fleet.join();
        expect(digestOf(await result)).toBe(expected);
        for (const job of fleet.twice()) expect(lost).toContain(job);
        // its lock runs out, and another one looks after the run
        await other.until(({ event }) => event === 'drives');
      }),
    );

    often('a machine is stopped in the middle of a job, and started again', () =>
      withFleet(1, async (fleet, store) => {
        const [first] = fleet.machines;
        const result = submit(backend, store, await planOn(store));
        await first.until(({ event, kind }) => event === 'start' && kind === 'vectors');
        await first.stop();
        const stopped = first.events.filter(({ event, run }) => event === 'stopped' && run !== undefined);
        await fleet.join();
        expect(digestOf(await result)).toBe(expected);
        for (const job of fleet.twice()) expect(stopped.map(({ job: each }) => each)).toContain(job);
      }),
    );

    often('a machine that lies is found by --verify, which names both', () =>
      withFleet(0, async (fleet, store) => {
        // after its self-test, a bit of a float of each list flips
        const env = preload(
          'liar',
          `if (process.env.M3REC_JOBS) process.once('message', () => {
  const { slice } = Float32Array.prototype;
  Float32Array.prototype.slice = function (...range) {
    const found = slice.apply(this, range);
    if (found.length > 7) new Uint32Array(found.buffer)[7] ^= 1;
    return found;
  };
});`,
        );
        const liar = await fleet.join({ env });
        const plan = await planOn(store);
        const found = submit(backend, store, plan, { verify: 1 }).then(
          () => 'nothing was found',
          ({ message }: Error) => message,
        );
        await liar.until(({ event, kind }) => event === 'done' && kind === 'nearest');
        const honest = await fleet.join();
        const message = await found;
        expect(message).toMatch(/gave other bytes on \S+ than on \S+: one of them miscomputes/);
        for (const { process: each } of [liar, honest]) expect(message).toContain(`:${each.pid}`);
        await liar.stop();
        // without it, and without what it left
        const clean = await openStoreAt(join(fleet.folder, 'clean'));
        await honest.stop();
        await fleet.join({ store: join(fleet.folder, 'clean') });
        expect(digestOf(await submit(backend, clean, await planOn(clean)))).toBe(expected);
      }),
    );

    const noMounts = whyNoMounts();
    (noMounts ? test.skip : often)(`a store that is full is waited for${noMounts ? `: ${noMounts}` : ''}`, async () => {
      const place = mkdtempSync(join(folder, 'full-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', place]);
      try {
        await withFleet(
          2,
          async (each, store) => {
            const result = submit(backend, store, await planOn(store));
            await Promise.race(each.machines.map((machine) => machine.until(({ event }) => event === 'done')));
            const ballast = join(each.store, 'ballast');
            expect(() => writeFileSync(ballast, Buffer.alloc(64 << 20))).toThrow('ENOSPC');
            const { message } = await Promise.race(
              each.machines.map((machine) => machine.until(({ event }) => event === 'failed')),
            );
            expect(message).toContain('no space left');
            rmSync(ballast);
            expect(digestOf(await result)).toBe(expected);
            // what could not be written was computed in vain
            const failed = each.machines.flatMap(({ events }) => events.filter(({ event }) => event === 'failed'));
            expect(each.twice().length).toBeLessThanOrEqual(failed.length);
          },
          new Fleet(server.address, place),
        );
      } finally {
        execFileSync('umount', [place]);
      }
    });

    const noNetworks = whyNoNetworks();
    (noNetworks ? test.skip : often)(`a machine is cut off, and comes back${noNetworks ? `: ${noNetworks}` : ''}`, () =>
      withFleet(1, async (fleet, store) => {
        const { port, href } = new URL(server.address);
        const web = createServer(getRequestListener(serveStore(new FolderFiles(fleet.store), {})) as RequestListener);
        await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
        const { port: webPort } = web.address() as AddressInfo;
        const network = await OwnNetwork.make(Number(port), webPort);
        try {
          const far = await fleet.join({
            queue: href.replace('127.0.0.1', network.host),
            store: `http://${network.host}:${webPort}`,
            within: network.within,
            more: ['--insecure', '--cache', join(fleet.folder, 'cache')],
          });
          const result = submit(backend, store, await planOn(store));
          await far.until(({ event }) => event === 'start');
          network.cut();
          const lost = Fleet.underWay(far);
          expect(digestOf(await result)).toBe(expected);
          for (const job of fleet.twice()) expect(lost).toContain(job);
          network.mend();
          // it takes jobs again, also where it is the only one
          await fleet.machines[0].stop();
          await submit(backend, store, await planRecommend(store, model, { k: 5, ending: '.csv' }, 'test'));
          expect(far.events.some(({ event, kind }) => event === 'done' && kind === 'table')).toBe(true);
        } finally {
          network.remove();
          web.close();
        }
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
        const run = new Run(await planOn(store));
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

    often('the server is killed and comes back with its data', async () => {
      const own = await start();
      await whileServerDies(own, name);
      await own.stop();
    });

    often('a machine that is slow near the end: another one does its job', () =>
      withFleet(1, async (fleet, store) => {
        const [slow] = fleet.machines;
        const result = submit(backend, store, await planOn(store));
        await slow.until(({ event, kind }) => event === 'start' && kind === 'vectors');
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

faultsOn('Redis', redisBinary() !== undefined, () => RedisServer.start(), false);
faultsOn('PostgreSQL', postgresBinaries() !== undefined, startPostgres, !ALL);

describe.skipIf(redisBinary() === undefined)('Redis without a file', () => {
  test('loses all it knew, and comes back', async () => {
    const server = await RedisServer.start(false);
    await whileServerDies(server, 'Redis without a file');
    await server.stop();
  });
});

async function whileServerDies(server: Server, name: string): Promise<void> {
  const fleet = new Fleet(server.address);
  try {
    const store = await openStoreAt(fleet.store);
    await Promise.all([fleet.join(), fleet.join()]);
    const start = performance.now();
    const result = submit(await openBackend(server.address), store, await planOn(store));
    await Promise.race(fleet.machines.map((machine) => machine.until(({ event }) => event === 'done')));
    const under = fleet.machines.flatMap((machine) => Fleet.underWay(machine));
    await server.kill();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await server.again();
    expect(digestOf(await result)).toBe(expected);
    expect(fleet.twice().length).toBeLessThanOrEqual(under.length + 2);
    const begun = [...fleet.begun().values()].reduce((sum, times) => sum + times, 0);
    const twice = begun - fleet.begun().size;
    seen.push({
      server: name,
      fault: 'is killed and comes back',
      seconds: (performance.now() - start) / 1000,
      begun,
      twice,
    });
  } finally {
    await fleet.stop();
  }
}
