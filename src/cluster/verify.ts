import { checkNumber } from '../common/errors.ts';
import { Job, type JobOptions } from '../common/job.ts';
import { nodeWorkers } from '../node/threads.ts';
import { type Run, verifyJob } from './run-job.ts';
import type { Store } from './store.ts';
import { Warm } from './warm.ts';

/**
 * Does a share of the jobs of a run again, in this process, chosen by their names.
 * @returns how many were compared.
 * @throws DeterminismError, naming both hosts, if one gives other bytes; ArgumentError unless the share is from 0 to 1.
 */
export async function verifyRun(
  store: Store,
  run: Run,
  share: number,
  { threads, ...options }: JobOptions & { threads?: number },
): Promise<number> {
  checkNumber('share', share, 0, 1);
  const progress = new Job(options);
  const warm = new Warm({ threads, workers: nodeWorkers });
  let count = 0;
  try {
    for (const [job, name] of run.names.entries()) {
      await progress.tick('verify', job, run.names.length);
      const chosen = Number.parseInt(name.slice(0, 8), 16) < share * 2 ** 32 || (job === run.last && count === 0);
      if (!chosen || !(await store.record(name))) continue;
      await verifyJob(run, job, store, warm, { signal: options.signal });
      count++;
    }
    return count;
  } finally {
    await warm.close();
  }
}
