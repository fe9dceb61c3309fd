// A PostgreSQL server of a test's own: Debian's binaries, its own data directory, a free port of the loopback interface.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DEBIAN = '/usr/lib/postgresql';
/** A user of every Debian system; the server refuses to run as root. */
const NOBODY = 65534;

/** The folder with initdb and postgres; undefined where PostgreSQL is not installed. */
export function postgresBinaries(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(DEBIAN, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

export interface TestServer {
  /** `postgres://user@127.0.0.1:port/postgres` */
  address: string;
  /** As power that goes; what was written is there when it starts `again`. */
  kill(): Promise<void>;
  again(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws where there is no PostgreSQL, or it does not start within a minute. */
export async function startPostgres(): Promise<TestServer> {
  const bin = postgresBinaries();
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'm3rec-postgres-'));
  const isRoot = process.getuid?.() === 0;
  const owner = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  const options = { ...owner, cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8', HOME: folder } };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'shop', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...options,
    stdio: 'ignore',
  });
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: 100,
  };
  let server: ChildProcess;
  let ended: Promise<void>;
  const again = async () => {
    server = spawn(
      join(bin, 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let log = '';
    ended = new Promise<void>((resolve) => server.on('close', () => resolve()));
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`PostgreSQL does not start: ${log}`)), 60_000);
      server.on('close', () => reject(new Error(`PostgreSQL ended: ${log}`)));
      server.stderr!.setEncoding('utf8').on('data', (text) => {
        log = (log + text).slice(-4000);
        if (!log.includes('ready to accept connections')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  };
  const end = async (signal: 'SIGINT' | 'SIGKILL') => {
    server.kill(signal);
    await ended;
  };
  await again();
  return {
    address: `postgres://shop@127.0.0.1:${port}/postgres`,
    // its other processes end once they see that the first one is gone; `close` waits for the last
    kill: () => end('SIGKILL'),
    again,
    async stop() {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
