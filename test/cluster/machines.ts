// Worker processes on a real queue, what they say, and what became of a run.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkerEvent } from '../../src/cluster/queue/worker.ts';
import { CLI } from '../support/command.ts';

/** One `m3rec worker`. */
export class Machine {
  readonly events: WorkerEvent[] = [];
  errors = '';
  private readonly listeners = new Set<() => void>();
  readonly ended: Promise<unknown>;

  constructor(
    readonly process: ChildProcess,
    readonly name: string,
  ) {
    let rest = '';
    process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.events.push(JSON.parse(line));
      for (const listener of this.listeners) listener();
    });
    process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.ended = new Promise((resolve) => process.once('exit', resolve));
  }

  /** The first event that meets the condition, also one that came before. */
  async until(condition: (event: WorkerEvent) => boolean): Promise<WorkerEvent> {
    for (;;) {
      const found = this.events.find(condition);
      if (found) return found;
      if (this.process.exitCode !== null || this.process.signalCode !== null)
        throw new Error(`${this.name} ended: ${this.errors}`);
      await new Promise<void>((resolve) => {
        const heard = () => {
          this.listeners.delete(heard);
          resolve();
        };
        this.listeners.add(heard);
        setTimeout(heard, 200);
      });
    }
  }

  /** As power that goes: no signal can be caught. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 15_000);
    await this.ended;
    clearTimeout(timer);
  }
}

/** How a machine differs from the others. */
interface JoinSettings {
  env?: Record<string, string>;
  store?: string;
  queue?: string;
  /** Further options of `worker`. */
  more?: string[];
  /** A command that starts the worker, such as one that is in another network. */
  within?: string[];
}

/** A queue, a store, and machines. */
export class Fleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'm3rec-fleet-'));
  readonly machines: Machine[] = [];

  readonly store: string;

  /** @param store another folder than one of its own */
  constructor(
    readonly queue: string,
    store?: string,
  ) {
    this.store = store ?? join(this.folder, 'store');
  }

  /** @returns when it takes jobs. */
  async join({
    env,
    store = this.store,
    queue = this.queue,
    more = [],
    within = [],
  }: JoinSettings = {}): Promise<Machine> {
    const args = ['worker', '--queue', queue, '--store', store, '--threads', '1', '--json', ...more];
    const [program, ...rest] = [...within, process.execPath, CLI, ...args];
    const child = spawn(program, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const machine = new Machine(child, `machine ${this.machines.length}`);
    this.machines.push(machine);
    await machine.until(({ event }) => event === 'ready');
    return machine;
  }

  /** How often each job was begun, by all machines and not to verify it; by run and number. */
  begun(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { events } of this.machines)
      for (const { event, job, run, verify } of events)
        if (event === 'start' && job !== undefined && !verify) {
          const key = `${run}/${job}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
    return counts;
  }

  /** Numbers of the jobs that were begun more than once. */
  twice(): number[] {
    return [...this.begun()].flatMap(([key, count]) => (count > 1 ? [Number(key.split('/')[1])] : []));
  }

  /** Jobs that a machine had begun and not ended when it was last heard of. */
  static underWay({ events }: Machine): number[] {
    const open = new Set<number>();
    for (const { event, job } of events) {
      if (job === undefined) continue;
      if (event === 'start') open.add(job);
      else open.delete(job);
    }
    return [...open];
  }

  async stop(): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
