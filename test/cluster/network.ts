// A network of its own for one machine, which can be cut off: Linux's network namespaces, for root.
import { execFileSync } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';

const run = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });

/** Why no network can be cut here; undefined where one can. */
export function whyNoNetworks(): string | undefined {
  try {
    run('netns', 'add', 'm3rec-try');
    run('netns', 'del', 'm3rec-try');
    return undefined;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    return code === 'ENOENT' ? 'ip (iproute2) is not installed' : `ip netns is not permitted: ${stderr}`.trim();
  }
}

/** A pair of interfaces: one end here, the other one where the machine is. */
export class OwnNetwork {
  /** What starts a program in it. */
  readonly within: string[];
  private open = new Set<Socket>();

  private constructor(
    private readonly name: string,
    private readonly here: string,
    private readonly servers: readonly Server[],
    /** Of a server of this machine, as it is reached from there. */
    readonly host: string,
  ) {
    this.within = ['ip', 'netns', 'exec', name];
  }

  /** @param ports of 127.0.0.1 that can be reached from there, under the same numbers */
  static async make(...ports: number[]): Promise<OwnNetwork> {
    const id = process.pid % 250;
    const [name, here, there] = [`m3rec-${id}`, `m3h${id}`, `m3t${id}`];
    const address = `10.213.${id}`;
    run('netns', 'add', name);
    run('link', 'add', here, 'type', 'veth', 'peer', 'name', there);
    run('link', 'set', there, 'netns', name);
    run('addr', 'add', `${address}.1/24`, 'dev', here);
    run('link', 'set', here, 'up');
    for (const args of [
      ['addr', 'add', `${address}.2/24`, 'dev', there],
      ['link', 'set', there, 'up'],
      ['link', 'set', 'lo', 'up'],
    ])
      run('-n', name, ...args);
    // a connection is given up after seconds instead of a quarter of an hour
    run('netns', 'exec', name, 'sysctl', '-qw', 'net.ipv4.tcp_retries2=4');
    const open = new Set<Socket>();
    const servers = ports.map((port) =>
      createServer((from) => {
        const to = connect(port, '127.0.0.1');
        for (const socket of [from, to]) {
          open.add(socket);
          socket.once('close', () => {
            open.delete(socket);
            from.destroy();
            to.destroy();
          });
          socket.on('error', () => {});
        }
        from.pipe(to).pipe(from);
      }),
    );
    for (const [i, server] of servers.entries())
      await new Promise<void>((resolve) => server.listen(ports[i], `${address}.1`, resolve));
    const network = new OwnNetwork(name, here, servers, `${address}.1`);
    network.open = open;
    return network;
  }

  /** Nothing comes through, and nobody is told. */
  cut(): void {
    run('link', 'set', this.here, 'down');
  }

  mend(): void {
    run('link', 'set', this.here, 'up');
  }

  remove(): void {
    for (const socket of this.open) socket.destroy();
    for (const server of this.servers) server.close();
    run('netns', 'del', this.name);
  }
}
