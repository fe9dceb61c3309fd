// A Redis server of a test's own: Debian's binary, its own folder, a free port of the loopback interface.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's, or that of Redis's successor; undefined where neither is installed. */
export function redisBinary(): string | undefined {
  for (const name of ['redis-server', 'valkey-server']) {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return name;
    } catch {}
  }
  return undefined;
}

/** A server that can be killed and started again, with or without what it knew. */
export class RedisServer {
  private server: ChildProcess | undefined;

  private constructor(
    private readonly port: number,
    private readonly folder: string,
    private readonly keeps: boolean,
  ) {}

  /** @param keeps whether it writes what it knows to a file (AOF) */
  static async start(keeps = true): Promise<RedisServer> {
    const port = await freePort();
    const server = new RedisServer(port, mkdtempSync(join(tmpdir(), 'm3rec-redis-')), keeps);
    await server.again();
    return server;
  }

  get address(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, with what its file has. */
  async again(): Promise<void> {
    const { port, folder, keeps } = this;
    const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const server = spawn(redisBinary()!, [...settings, '--appendonly', keeps ? 'yes' : 'no'], { stdio: 'ignore' });
    this.server = server;
    const until = Date.now() + 60_000;
    while (!(await answers(port))) {
      if (Date.now() > until || server.exitCode !== null) throw new Error('Redis does not start');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async kill(): Promise<void> {
    const { server } = this;
    const ended = new Promise((resolve) => server?.once('exit', resolve));
    server?.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'));
    socket.once('data', (text) => {
      socket.destroy();
      resolve(text.toString().startsWith('+PONG'));
    });
    socket.once('error', () => resolve(false));
  });
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
