import type { Command } from 'commander';
import { startWorker, type WorkerEvent } from '../../cluster/queue/worker.ts';
import type { Context } from '../context.ts';
import { insecureOption, jsonOption, queueOption, storeFolderOption, threadsOption } from '../options.ts';
import { write } from '../output.ts';

interface WorkerCommandOptions {
  queue: string;
  store: string;
  threads?: number;
  insecure?: boolean;
  json?: boolean;
}

export function addWorker(program: Command, context: Context): void {
  program
    .command('worker')
    .description('do jobs from a queue until it is stopped: on each machine, any number')
    .addOption(queueOption('--queue').makeOptionMandatory())
    .addOption(storeFolderOption().makeOptionMandatory())
    .addOption(threadsOption())
    .addOption(insecureOption())
    .addOption(jsonOption())
    .action((options) => runWorker(context, options));
}

async function runWorker(context: Context, { json, ...options }: WorkerCommandOptions): Promise<void> {
  const onEvent = (event: WorkerEvent) => {
    if (json) void write(`${JSON.stringify(event)}\n`);
    else context.message(describe(event));
  };
  context.setGrace('SIGTERM', 10_000);
  context.setGrace('SIGINT', 10_000);
  const worker = await startWorker({ ...options, onEvent });
  await new Promise<void>((resolve) => {
    if (context.signal.aborted) resolve();
    context.signal.addEventListener('abort', () => resolve());
  });
  await worker.close(true);
}

function describe({ event, host, run, job, kind, seconds, message }: WorkerEvent): string {
  if (run === undefined) return `${host}: ${event}`;
  const took = seconds === undefined ? '' : ` in ${seconds} s`;
  return `${run.slice(0, 8)} ${kind ?? 'job'} ${job}: ${event.replace('-', ' ')}${took}${message ? `: ${message}` : ''}`;
}
