// Workers and a Redis server on this machine, for benches of several machines.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a Redis server answers to a command, as text; undefined where none listens. */
export function ask(port, command) {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write(`${command}\r\n`));
    socket.once('data', (bytes) => resolve(bytes.toString()) ?? socket.destroy());
    socket.once('error', () => resolve(undefined));
  });
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** @returns {Promise<{ port: number, address: string, stop(): void } | undefined>} undefined where Redis is not installed */
export async function startRedis() {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-bench-redis-'));
  const given = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const server = spawn('redis-server', [...given, '--appendonly', 'yes'], { stdio: 'ignore' });
  let missing = false;
  server.once('error', () => {
    missing = true;
  });
  for (let tries = 0; !(await ask(port, 'PING'))?.startsWith('+PONG'); tries++) {
    if (missing || tries > 600) return undefined;
    await wait(50);
  }
  const stop = () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, address: `redis://127.0.0.1:${port}`, stop };
}

/** One `m3rec worker` of one thread. `events` is what it says. */
export async function startWorker(queue, store, env = {}) {
  const child = spawn(
    process.execPath,
    [CLI, 'worker', '--queue', queue, '--store', store, '--threads', '1', '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    },
  );
  const events = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) events.push(JSON.parse(line));
  });
  while (!events.some(({ event }) => event === 'ready')) await wait(20);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = (signal = 'SIGTERM') => {
    child.kill(signal);
    return ended;
  };
  return { child, events, stop };
}
