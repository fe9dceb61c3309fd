// Runs of a cluster, from the side of who looks after them.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { collectGarbage } from '../../cluster/garbage.ts';
import { metricsText } from '../../cluster/metrics.ts';
import { openBackend } from '../../cluster/queue/open.ts';
import { attach } from '../../cluster/queue/submit.ts';
import { cancelRun, openRun } from '../../cluster/runs.ts';
import { type ClusterStatus, statusOf } from '../../cluster/status.ts';
import { openStoreAt } from '../../cluster/stores/open-store.ts';
import { verifyRun } from '../../cluster/verify.ts';
import { formatBytes } from '../../engine/memory.ts';
import type { Context } from '../context.ts';
import { formatTime } from '../lab/experiment-view.ts';
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
import { addServeStore } from './cluster-serve.ts';
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
    .addOption(insecureOption())
    .addOption(jsonOption())
    .addOption(new Option('--metrics', 'print metrics for Prometheus'))
    .action(async ({ store, insecure, json, metrics }) => {
      const status = await statusOf(await openStoreAt(store, { insecure }));
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
      const bytes = await attach(backend, await openStoreAt(store, { insecure }), name, context.job);
      context.message(`wrote ${output}: ${formatBytes(await context.save(result, bytes))}`);
    });
  cluster
    .command('cancel')
    .description('stop a run: jobs under way end within seconds')
    .argument('<run>', 'its name', nameOf)
    .addOption(storeFolderOption().makeOptionMandatory())
    .addOption(insecureOption())
    .action(async (name, { store: folder, insecure }) => {
      const store = await openStoreAt(folder, { insecure });
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
    .addOption(insecureOption())
    .action(async (name, { store: folder, share, threads, insecure }) => {
      const store = await openStoreAt(folder, { insecure });
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
    .addOption(insecureOption())
    .addOption(jsonOption())
    .action(async ({ store: folder, days, json, insecure }) => {
      const removed = await collectGarbage(await openStoreAt(folder, { insecure }), days);
      if (json) await write(formatJson(removed));
      context.message(`removed ${formatCount(removed.files)} files, ${formatBytes(removed.bytes)}`);
    });
  addServeStore(cluster, context);
}

function describeStatus({ runs, workers }: ClusterStatus): string {
  const rows = runs.map(({ run, what, state, done, jobs, seconds, left }) => [
    run,
    what,
    state,
    `${done} of ${jobs}`,
    seconds.toFixed(1),
    left === undefined ? '' : formatTime(left),
  ]);
  const tables = [formatTable(['run', 'what', 'state', 'jobs done', 'seconds of work', 'left'], rows, [0, 1, 2])];
  for (const { run, state, kinds } of runs) {
    if (state !== 'running') continue;
    const stages = Object.entries(kinds).map(([kind, { done, jobs, seconds, left }]) => [
      `${run.slice(0, 8)} ${kind}`,
      `${done} of ${jobs}`,
      seconds.toFixed(1),
      left === undefined ? '' : left.toFixed(1),
    ]);
    tables.push(formatTable(['stage', 'jobs done', 'seconds of work', 'seconds of work left'], stages));
  }
  const machines = workers.map(({ host, kernels, threads, ago, doing }) => [
    host,
    kernels.slice(0, 8),
    threads ?? 'all',
    `${ago} s ago`,
    doing
      ? `${doing.run.slice(0, 8)} ${doing.kind} ${doing.job}, ${formatTime((Date.now() - doing.since) / 1000)}`
      : '',
  ]);
  tables.push(formatTable(['worker', 'kernels', 'threads', 'seen', 'does'], machines, [0, 1, 4]));
  return tables.join('\n');
}
