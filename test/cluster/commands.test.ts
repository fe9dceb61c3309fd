// Commands on a cluster: the files of one machine, byte for byte.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateMarkets } from '../../src/index.ts';
import { writeDirectory } from '../../src/node/files.ts';
import { commandIn, expectFailure } from '../support/command.ts';
import { RedisServer, redisBinary } from '../support/redis.ts';
import { Fleet } from './machines.ts';

const folder = mkdtempSync(join(tmpdir(), 'm3rec-cluster-cli-'));
const { run, output, start } = commandIn(folder);
const bytes = (name: string) => readFileSync(join(folder, name));

/** The first text that a stream says and that matches. */
const heard = (stream: NodeJS.ReadableStream, wanted: RegExp) =>
  new Promise<string>((resolve) => {
    let text = '';
    stream.on('data', (part) => {
      text += part;
      const found = wanted.exec(text);
      if (found) resolve(found[0]);
    });
  });

beforeAll(async () => {
  await writeDirectory(join(folder, 'shop'), generateMarkets({ seed: 4, users: 600, items: 300, interactions: 6000 }));
  await output('train', 'shop', '-o', 'one.m3rec');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('plan and job', () => {
  test('make the model file without a queue, in any order that waits', async () => {
    await output('plan', 'train', 'shop', '-o', 'plan.json', '--job-items', '150');
    const jobs = (await output('job', 'list', 'plan.json')).trimEnd().split('\n');
    expect(jobs.every((line) => JSON.parse(line).done === false)).toBe(true);
    expectFailure(await run('job', 'run', 'plan.json', String(jobs.length - 1)), 1, 'it has to run first');
    expectFailure(await run('job', 'run', 'plan.json', '9999'), 2, 'a job of the plan');
    const last = output('job', 'run', 'plan.json', 'last', '--wait', '-o', 'planned.m3rec');
    await output('job', 'run', 'plan.json', 'all');
    await last;
    expect(bytes('planned.m3rec').equals(bytes('one.m3rec'))).toBe(true);
    expect((await output('job', 'list', 'plan.json')).includes('"done":false')).toBe(false);
  });

  test('refuse a plan that was changed', async () => {
    const text = bytes('plan.json').toString();
    writeFileSync(join(folder, 'other.json'), text.replace('"kind":"vectors"', '"kind":"shell"'));
    expectFailure(await run('job', 'run', 'other.json', '0'), 1, 'this build has no job "shell"');
  });
});

describe('a queue that cannot be meant', () => {
  test.each([
    [['--cluster', 'redis://127.0.0.1:1'], 'it needs --store'],
    [['--store', 'st'], 'is for --cluster, which is missing'],
    [['--cluster', 'http://127.0.0.1', '--store', 'st'], 'redis://host:port'],
    [['--cluster', 'redis://db.example:6379', '--store', 'st'], 'this address has no TLS'],
    [['--cluster', 'postgres://db.example/shop', '--store', 'st'], 'this address has no TLS'],
  ])('%j is refused', async (options, message) => {
    expectFailure(await run('train', 'shop', '-o', 'no.m3rec', '--quiet', ...options), 2, message);
  });
});

describe.skipIf(redisBinary() === undefined)('--cluster', () => {
  let server: RedisServer;
  let fleet: Fleet;
  let machines: string[];
  beforeAll(async () => {
    server = await RedisServer.start();
    fleet = new Fleet(server.address);
    machines = ['--cluster', server.address, '--store', fleet.store];
    await Promise.all([fleet.join(), fleet.join()]);
  });
  afterAll(async () => {
    await fleet.stop();
    await server.stop();
  });

  test('of train, recommend and evaluate gives what one machine gives', async () => {
    await output('train', 'shop', '-o', 'two.m3rec', ...machines, '--verify', '0.2');
    expect(bytes('two.m3rec').equals(bytes('one.m3rec'))).toBe(true);
    await output('recommend', 'one.m3rec', '--all', '-k', '4', '-o', 'one.csv');
    await output('recommend', 'one.m3rec', '--all', '-k', '4', '-o', 'two.csv', ...machines);
    expect(bytes('two.csv').equals(bytes('one.csv'))).toBe(true);
    const evaluate = ['evaluate', 'one.m3rec', '--data', 'shop', '--json', '--by', 'items'];
    const alone = await run('evaluate', 'one.m3rec', '--data', 'shop', '--json');
    const shared = await run(...(evaluate.slice(0, 5) as [string]), ...machines);
    expect(JSON.parse(shared.stdout)).toEqual(JSON.parse(alone.stdout));
  });

  test('of experiment gives its trials and its report', async () => {
    const experiment = {
      data: 'shop',
      models: [{ model: 'popularity' }, { model: 'itemknn', grid: { neighbours: [10, 20] } }],
      seeds: [1],
    };
    writeFileSync(join(folder, 'grid.json'), JSON.stringify(experiment));
    const alone = await run('experiment', 'grid.json', '-o', 'alone', '--json');
    const shared = await run('experiment', 'grid.json', '-o', 'shared', '--json', ...machines);
    expect({ code: alone.code, stderr: alone.code ? alone.stderr : '' }).toEqual({ code: 0, stderr: '' });
    expect({ code: shared.code, stderr: shared.code ? shared.stderr : '' }).toEqual({ code: 0, stderr: '' });
    expect(fleet.machines.flatMap(({ events }) => events).some(({ kind }) => kind === 'work')).toBe(true);
    const digests = (name: string) =>
      readFileSync(join(folder, name, 'trials.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ key, digest, output: out }) => [key, digest ?? out?.digest])
        .sort();
    expect(digests('shared')).toEqual(digests('alone'));
  });

  test('of tune gives its trials', async () => {
    const args = ['tune', 'grid.json', '--budget', '5', '--rungs', '2', '--keep', '2', '--only', 'itemknn', '--json'];
    const alone = JSON.parse(await output(...(args as [string]), '-o', 'tuned-alone'));
    const shared = JSON.parse(await output(...(args as [string]), '-o', 'tuned', ...machines));
    const trials = ({ rungs }: { rungs: { trials: { key: string }[] }[] }) =>
      rungs.map((rung) => rung.trials.map(({ key }) => key).sort());
    expect(trials(shared)).toEqual(trials(alone));
    expect(trials(shared)).toHaveLength(2);
  });

  test('works for machines that share no folder, and tells Prometheus', async () => {
    const token = { M3REC_STORE_TOKEN: 'secret' };
    const home = join(folder, 'served.store');
    const { child, outcome } = start(['cluster', 'serve', '--store', home, '--port', '0'], {
      env: { ...process.env, ...token },
    });
    const address = await heard(child.stderr!, /http:\/\/127\.0\.0\.1:\d+/);
    // the only rights that the guide gives
    const client = new Redis(server.address);
    await client.call('ACL', 'SETUSER', 'm3rec', 'on', '>pass', '~m3rec:*', '&*', '+@all', '-@dangerous', '+info');
    client.disconnect();
    const queue = server.address.replace('//', '//m3rec:pass@');
    const other = new Fleet(queue);
    // the machines of this file read the same queue, but their store has no such run: these jobs wait for the other one
    await Promise.all(fleet.machines.map((machine) => machine.stop()));
    const more = ['--cache', join(folder, 'cache'), '--metrics', '0'];
    const machine = await other.join({ env: token, store: address, more });
    const args = ['train', 'shop', '-o', 'far.m3rec', '--cluster', queue, '--store', address];
    const far = start(args, { env: { ...process.env, ...token, XDG_CACHE_HOME: join(folder, 'cache-far') } });
    const { code, stderr } = await far.outcome;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(bytes('far.m3rec').equals(bytes('one.m3rec'))).toBe(true);
    const [at] = /http:\S+\/metrics/.exec(machine.errors)!;
    const text = await (await fetch(at)).text();
    expect(text).toMatch(/^m3rec_worker_events_total\{event="done",kind="train"\} 1$/m);
    expect(text).toMatch(/^m3rec_worker_bytes_total\{way="cached"\} \d+$/m);
    expect(text).toMatch(/^m3rec_worker_busy 0$/m);
    await other.stop();
    child.kill('SIGINT');
    await outcome;
    await Promise.all([fleet.join(), fleet.join()]);
  });

  test('on loopback without a token refuses what a page of a stranger can send', async () => {
    const { child, outcome } = start(['cluster', 'serve', '--store', join(folder, 'open.store'), '--port', '0']);
    const address = await heard(child.stderr!, /http:\/\/127\.0\.0\.1:\d+/);
    const asked = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        get(`${address}/?list=cas`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).once('error', reject);
      });
    expect(await asked({})).toBe(200);
    expect(await asked({ host: 'stranger.example' })).toBe(421);
    expect(await asked({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' })).toBe(403);
    child.kill('SIGINT');
    await outcome;
  });

  test('is told by status, and can be verified and tidied', async () => {
    const { runs, workers } = JSON.parse(await output('cluster', 'status', '--store', fleet.store, '--json'));
    expect(workers).toHaveLength(2);
    expect(runs.every(({ state }: { state: string }) => state === 'done')).toBe(true);
    const metrics = await output('cluster', 'status', '--store', fleet.store, '--metrics');
    expect(metrics).toMatch(/^m3rec_cluster_jobs_done\{run="[0-9a-f]{20}",what="train",kind="train"\} 1$/m);
    for (const line of metrics.trimEnd().split('\n'))
      expect(line).toMatch(/^# (HELP|TYPE) m3rec_|^m3rec_\w+\{[^}]*\} [\d.e-]+$/);
    const { run: name } = runs.find(({ what }: { what: string }) => what === 'train');
    const verified = await run('cluster', 'verify', name, '--store', fleet.store, '--share', '0.5');
    expect(verified.stderr).toMatch(/\d+ jobs of run .* gave the same bytes again/);
    const kept = await run('cluster', 'gc', '--store', fleet.store);
    expect(kept.stderr).toContain('removed 0 files');
    const removed = JSON.parse(await output('cluster', 'gc', '--store', fleet.store, '--days', '0', '--json'));
    expect(removed.files).toBeGreaterThan(20);
  });
});
