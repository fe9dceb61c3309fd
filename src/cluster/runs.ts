// Runs in a store: the plan of each, and whether it was cancelled.
import { M3RecError } from '../common/errors.ts';
import { isKnown } from './jobs/registry.ts';
import { type Plan, parsePlan, planText } from './plan.ts';
import { Run } from './run-job.ts';
import type { Store } from './store.ts';

const planPath = (run: string) => `plans/${run}.json`;
const cancelPath = (run: string) => `runs/${run}/cancelled`;

/** Puts a plan where workers find it. */
export async function publish(store: Store, plan: Plan): Promise<Run> {
  const run = new Run(plan);
  await store.files.write(planPath(run.name), new TextEncoder().encode(planText(plan)));
  await store.files.remove(cancelPath(run.name));
  return run;
}

/**
 * The run of that name, its plan checked against it.
 * @throws M3RecError if there is none, or its plan is another or cannot be trusted.
 */
export async function openRun(store: Store, name: string): Promise<Run> {
  const bytes = await store.files.read(planPath(name));
  if (!bytes) throw new M3RecError(`${store.name}: there is no run ${name}`);
  const run = new Run(parsePlan(new TextDecoder().decode(bytes), `${store.name}: plan of run ${name}`, isKnown));
  if (run.name !== name)
    throw new M3RecError(`${store.name}: the plan of run ${name} is that of ${run.name}: it was changed`);
  return run;
}

/** Names of the runs in a store, newest last. */
export async function runsOf(store: Store): Promise<{ name: string; written: number }[]> {
  const files = await store.files.list('plans');
  return files
    .flatMap(({ path, written }) => {
      const [, name] = /^plans\/([0-9a-f]{20})\.json$/.exec(path) ?? [];
      return name ? [{ name, written }] : [];
    })
    .sort((a, b) => a.written - b.written);
}

/** Stops a run: jobs under way end within a second or two, and no other begins. */
export const cancelRun = (store: Store, name: string): Promise<boolean> =>
  store.files.write(cancelPath(name), new Uint8Array());

export const isCancelled = async (store: Store, name: string): Promise<boolean> =>
  (await store.files.size(cancelPath(name))) !== undefined;
