// Runs of a cluster, from the side of who looks after them.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { collectGarbage } from '../../cluster/garbage.ts';
import { metricsText } from '../../cluster/metrics.ts';
import { openStoreAt } from '../../cluster/open-store.ts';
import { openBackend } from '../../cluster/queue/open.ts';
import { attach } from '../../cluster/queue/submit.ts';
import { cancelRun, openRun } from '../../cluster/runs.ts';
import { type ClusterStatus, statusOf } from '../../cluster/status.ts';
import { verifyRun } from '../../cluster/verify.ts';
import { formatBytes } from '../../engine/memory.ts';
import type { Context } from '../context.ts';
import {
  insecureOption,
  jsonOption,
  outputOption,
  queueOption,
  storeFolderOption,
  threadsOption,
  whole,
} from '../options.ts';
import { formatCount, formatJson, formatTable, write } from '../output.ts';
import { RESULT_FILE } from './job.ts';

const nameOf = (text: string) => {
  if (!/^[0-9a-f]{20}$/.test(text))
    throw new InvalidArgumentError('Expected the name of a run, 20 hexadecimal digits.');
  return text;
};

export function addCluster(program: Command, context: Context): void {
  const cluster = program.command('cluster').description('runs on many machines: look at them, stop them, check them');
  cluster
    .command('status')
    .description('runs, how far they are, and the workers')
    .addOption(storeFolderOption().makeOptionMandatory())
    .addOption(jsonOption())
    .addOption(new Option('--metrics', 'print metrics for Prometheus'))
    .action(async ({ store, json, metrics }) => {
      const status = await statusOf(await openStoreAt(store));
      await write(metrics ? metricsText(status) : json ? formatJson(status) : describeStatus(status));
    });
  cluster
    .command('attach')
    .description('wait for the result of a run, and hand in again what a server has lost')
    .argument('<run>', 'its name', nameOf)
    .addOption(queueOption('--queue').makeOptionMandatory())
    .addOption(storeFolderOption().makeOptionMandatory())
    .addOption(insecureOption())
    .addOption(outputOption('write the result').makeOptionMandatory())
    .action(async (name, { queue, store, insecure, output }) => {
      const result = await context.openResult(output, RESULT_FILE);
      const backend = await openBackend(queue, insecure);
      const bytes = await attach(backend, await openStoreAt(store), name, context.job);
      context.message(`wrote ${output}: ${formatBytes(await context.save(result, bytes))}`);
    });
  cluster
    .command('cancel')
    .description('stop a run: jobs under way end within seconds')
    .argument('<run>', 'its name', nameOf)
    .addOption(storeFolderOption().makeOptionMandatory())
    .action(async (name, { store: folder }) => {
      const store = await openStoreAt(folder);
      await openRun(store, name);
      await cancelRun(store, name);
      context.message(`run ${name} is cancelled; what was done stays, so that it can be handed in again`);
    });
  cluster
    .command('verify')
    .description('do a share of the jobs of a run again, here, and compare')
    .argument('<run>', 'its name', nameOf)
    .addOption(storeFolderOption().makeOptionMandatory())
    .addOption(new Option('--share <x>', 'of the jobs').argParser(Number).default(0.01))
    .addOption(threadsOption())
    .action(async (name, { store: folder, share, threads }) => {
      const store = await openStoreAt(folder);
      const count = await verifyRun(store, await openRun(store, name), share, { threads, ...context.job });
      context.view.clear();
      context.message(`${formatCount(count)} jobs of run ${name} gave the same bytes again`);
    });
  cluster
    .command('gc')
    .description('remove what no run of the last days needs')
    .addOption(storeFolderOption().makeOptionMandatory())
    .addOption(
      new Option('--days <n>', 'how old runs, and bytes of none, may be').argParser(whole(0, 36_500)).default(30),
    )
    .addOption(jsonOption())
    .action(async ({ store: folder, days, json }) => {
      const removed = await collectGarbage(await openStoreAt(folder), days);
      if (json) await write(formatJson(removed));
      context.message(`removed ${formatCount(removed.files)} files, ${formatBytes(removed.bytes)}`);
    });
}

function describeStatus({ runs, workers }: ClusterStatus): string {
  const rows = runs.map(({ run, what, state, done, jobs, seconds }) => [
    run,
    what,
    state,
    `${done} of ${jobs}`,
    seconds.toFixed(1),
  ]);
  const table = formatTable(['run', 'what', 'state', 'jobs done', 'seconds of work'], rows, [0, 1, 2]);
  const machines = workers.map(({ host, kernels, threads, ago }) => [
    host,
    kernels.slice(0, 8),
    threads ?? 'all',
    `${ago} s ago`,
  ]);
  return `${table}\n${formatTable(['worker', 'kernels', 'threads', 'seen'], machines, [0, 1])}`;
}
