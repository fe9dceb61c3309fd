import { type Command, Option } from 'commander';
import { startWorker, type WorkerEvent } from '../../cluster/queue/worker.ts';
import type { Context } from '../context.ts';
import {
  cacheOptions,
  insecureOption,
  jsonOption,
  nonEmpty,
  queueOption,
  storeFolderOption,
  threadsOption,
  whole,
} from '../options.ts';
import { write } from '../output.ts';

interface WorkerCommandOptions {
  queue: string;
  store: string;
  threads?: number;
  insecure?: boolean;
  cache?: string;
  cacheGib: number;
  metrics?: number;
  metricsHost: string;
  json?: boolean;
}

export function addWorker(program: Command, context: Context): void {
  const command = program
    .command('worker')
    .description('do jobs from a queue until it is stopped: on each machine, any number')
    .addOption(queueOption('--queue').makeOptionMandatory())
    .addOption(storeFolderOption().makeOptionMandatory())
    .addOption(threadsOption())
    .addOption(insecureOption())
    .addOption(new Option('--metrics <port>', 'answer Prometheus at /metrics of this port').argParser(whole(0, 65_535)))
    .addOption(new Option('--metrics-host <name>', 'the address of --metrics').argParser(nonEmpty).default('127.0.0.1'))
    .addOption(jsonOption());
  for (const option of cacheOptions()) command.addOption(option);
  command.action((options) => runWorker(context, options));
}

async function runWorker(
  context: Context,
  { json, cacheGib, metrics: port, metricsHost: host, ...options }: WorkerCommandOptions,
): Promise<void> {
  const metrics = port === undefined ? undefined : new (await import('../service/worker-metrics.ts')).WorkerMetrics();
  const onEvent = (event: WorkerEvent) => {
    metrics?.heard(event);
    if (json) void write(`${JSON.stringify(event)}\n`);
    else context.message(describe(event));
  };
  context.setGrace('SIGTERM', 10_000);
  context.setGrace('SIGINT', 10_000);
  const worker = await startWorker({ ...options, cacheBytes: cacheGib * 2 ** 30, onEvent });
  if (metrics && port !== undefined) {
    const { serveHttp } = await import('../http.ts');
    await serveHttp(metrics.handler, {
      ...{ host, port, signal: context.signal, graceMs: () => 500 },
      onListening: (url) => context.message(`metrics are at ${url}/metrics`),
    }).catch(async (error) => {
      await worker.close(true);
      throw error;
    });
  } else
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener('abort', () => resolve());
    });
  await worker.close(true);
}

function describe({ event, host, run, job, kind, seconds, message }: WorkerEvent): string {
  if (run === undefined) return `${host}: ${event}`;
  if (event === 'drives') return `${run.slice(0, 8)}: looked after by ${host}`;
  const took = seconds === undefined ? '' : ` in ${seconds} s`;
  return `${run.slice(0, 8)} ${kind ?? 'job'} ${job}: ${event.replace('-', ' ')}${took}${message ? `: ${message}` : ''}`;
}
