// Commands that hand their work to a cluster: `--cluster URL --store DIR`.

import { openStoreAt } from '../cluster/open-store.ts';
import type { Plan } from '../cluster/plan.ts';
import { openBackend } from '../cluster/queue/open.ts';
import { type SubmitOptions, submit } from '../cluster/queue/submit.ts';
import type { Store } from '../cluster/store.ts';
import { ArgumentError } from '../common/errors.ts';
import type { Context } from './context.ts';

/** The options of `addClusterOptions`. */
export interface ClusterOptions {
  cluster?: string;
  store?: string;
  insecure?: boolean;
  verify?: number;
}

/** The queue and the store of a command that is to run on a cluster. @throws ArgumentError where one is missing. */
export async function openCluster({ cluster, store, insecure }: ClusterOptions) {
  if (cluster === undefined || store === undefined)
    throw ArgumentError.because(
      cluster === undefined ? '--store' : '--cluster',
      cluster === undefined
        ? 'is for --cluster, which is missing'
        : 'it needs --store, a folder that all workers reach',
    );
  const backend = await openBackend(cluster, insecure);
  return { backend, store: await openStoreAt(store) };
}

/** Whether a command was told to run on a cluster. */
export const onCluster = ({ cluster, store }: ClusterOptions): boolean => cluster !== undefined || store !== undefined;

/** Plans on this machine, has the plan done by workers, and gives its result. */
export async function runOnCluster(
  context: Context,
  options: ClusterOptions,
  makePlan: (store: Store) => Promise<Plan>,
): Promise<Uint8Array> {
  const { backend, store } = await openCluster(options);
  const plan = await makePlan(store);
  for (const note of plan.notes) context.message(note);
  const settings: SubmitOptions = {
    ...context.job,
    verify: options.verify,
    onRun: ({ name }) => context.message(`run ${name}: ${plan.jobs.length} jobs, on ${backend.name}`),
  };
  try {
    return await submit(backend, store, plan, settings);
  } finally {
    context.view.clear();
  }
}
