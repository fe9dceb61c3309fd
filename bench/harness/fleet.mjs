// Workers and servers of queues on this machine, for benches of several machines.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { openStoreAt } from '../../dist/cluster.js';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Of Linux's counters of processor time. */
const TICKS_A_SECOND = 100;

/** A module of the tests, which Node 20 does not load as TypeScript. */
async function support(name) {
  const source = readFileSync(new URL(`../../test/support/${name}.ts`, import.meta.url), 'utf8');
  const { code } = await transform(source, { loader: 'ts' });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** The servers that are installed: a name, and how one of them is started. */
export async function servers() {
  const { RedisServer, redisBinary } = await support('redis');
  const { postgresBinaries, startPostgres } = await support('postgres');
  return {
    ...(redisBinary() && { Redis: () => RedisServer.start(true) }),
    ...(postgresBinaries() && { PostgreSQL: startPostgres }),
  };
}

/** Most bytes that a Redis server has used; undefined for another one. */
export async function peakOf({ address }) {
  const { protocol, port } = new URL(address);
  if (protocol !== 'redis:') return undefined;
  const text = await new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('INFO memory\r\n'));
    socket.once('data', (bytes) => resolve(bytes.toString()) ?? socket.destroy());
    socket.once('error', reject);
  });
  return Number(/used_memory_peak:(\d+)/.exec(text)?.[1]);
}

/** Folders of stores, all removed by `remove`. */
export function folders() {
  const made = [];
  return {
    async store() {
      const folder = mkdtempSync(join(tmpdir(), 'm3rec-bench-store-'));
      made.push(folder);
      return { folder, store: await openStoreAt(folder) };
    },
    remove() {
      for (const folder of made) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One `m3rec worker` of one thread, once it takes jobs. `events` is what it says, each with when it was heard. */
export async function startWorker(queue, store) {
  const args = ['worker', '--queue', queue, '--store', store, '--threads', '1', '--json'];
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const events = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) events.push({ ...JSON.parse(line), heard: performance.now() });
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const until = async (condition) => {
    for (;;) {
      const found = events.find(condition);
      if (found) return found;
      if (child.exitCode !== null) throw new Error(`a worker ended with exit code ${child.exitCode}`);
      await wait(5);
    }
  };
  await until(({ event }) => event === 'ready');
  return {
    events,
    until,
    pid: child.pid,
    processor: () => processorOf(child.pid),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Processes that a process started and that live. */
export function childrenOf(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** Processor seconds of a process and of those that it started, ended ones too. */
function processorOf(pid) {
  // after the name of the program, which may have spaces: utime, stime, and those of children that have ended
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_A_SECOND;
  return childrenOf(pid).reduce((sum, child) => sum + processorOf(child), own);
}
