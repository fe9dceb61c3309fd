// Commands that hand their work to a cluster: `--cluster URL --store DIR`.

import type { Command } from 'commander';
import type { Plan } from '../cluster/plan.ts';
import { clusterExecutor } from '../cluster/queue/executor.ts';
import { openCluster as openQueue } from '../cluster/queue/open-cluster.ts';
import type { SubmitOptions } from '../cluster/queue/submit-options.ts';
import { statusOf } from '../cluster/status.ts';
import type { Store } from '../cluster/store.ts';
import { openStoreAt } from '../cluster/stores/open-store.ts';
import { ArgumentError } from '../common/errors.ts';
import type { Executor } from '../threads/work.ts';
import type { Context } from './context.ts';
import { clusterOptions } from './options.ts';

/** The options of `addClusterOptions`. */
export interface ClusterOptions {
  cluster?: string;
  store?: string;
  insecure?: boolean;
  verify?: number;
}

/** Adds `--cluster` and what belongs to it. */
export function addClusterOptions(command: Command): void {
  command.optionsGroup('Several machines:');
  for (const option of clusterOptions()) command.addOption(option);
  command.optionsGroup('Options:');
}

/** The queue and the store of a command that is to run on a cluster. @throws ArgumentError where one is missing. */
export async function openCluster({ cluster, store, insecure }: ClusterOptions) {
  if (cluster === undefined || store === undefined)
    throw ArgumentError.because(
      cluster === undefined ? '--store' : '--cluster',
      cluster === undefined
        ? 'is for --cluster, which is missing'
        : 'it needs --store, a folder or an address that all workers reach',
    );
  const opened = await openStoreAt(store, { insecure });
  return { cluster: await openQueue(cluster, opened, { insecure }), store: opened };
}

/** Whether a command was told to run on a cluster. */
export const onCluster = ({ cluster, store }: ClusterOptions): boolean => cluster !== undefined || store !== undefined;

/** Opens who runs works as jobs of a cluster; undefined where a command was not told to. */
export function executorOf(options: ClusterOptions, build: string): (() => Promise<Executor>) | undefined {
  if (!onCluster(options)) return undefined;
  return async () => {
    const { cluster, store } = await openCluster(options);
    const { workers } = await statusOf(store);
    return clusterExecutor(cluster, store, build, Math.max(1, workers.length));
  };
}

/** Plans on this machine, has the plan done by workers, and gives its result. */
export async function runOnCluster(
  context: Context,
  options: ClusterOptions,
  makePlan: (store: Store) => Promise<Plan>,
): Promise<Uint8Array> {
  const { cluster, store } = await openCluster(options);
  const plan = await makePlan(store);
  for (const note of plan.notes) context.message(note);
  const settings: SubmitOptions = {
    ...context.job,
    verify: options.verify,
    onRun: ({ name }) => context.message(`run ${name}: ${plan.jobs.length} jobs, on ${cluster.name}`),
  };
  try {
    return await cluster.submit(plan, settings);
  } finally {
    context.view.clear();
  }
}
