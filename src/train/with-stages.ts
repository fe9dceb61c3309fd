import { type Known, type StageOptions, StageRunner } from '../engine/stage.ts';
import type { Kernels } from '../engine/types.ts';
import { startThreads, type ThreadedKernels, type ThreadOptions } from '../threads/pool.ts';

/**
 * Hands a job the runner of its stages. Kernels are opened when they are first asked for, and their threads end with
 * the job.
 * @param costs of the stages in their order, for the share of the job that progress tells
 * @throws ArgumentError for options of another type.
 */
export async function withStages<T>(
  stageOptions: StageOptions,
  threadOptions: ThreadOptions,
  costs: readonly number[] | undefined,
  job: (stages: StageRunner) => Promise<T>,
  known?: Known,
): Promise<T> {
  let opened: Promise<ThreadedKernels> | undefined;
  const open = (): Promise<Kernels> => (opened ??= startThreads(threadOptions));
  const stages = new StageRunner(open, stageOptions, costs, known);
  try {
    return await job(stages);
  } finally {
    // one that failed to open has nothing to close, and the job has thrown its error
    await opened?.then(
      (kernels) => kernels.close(),
      () => {},
    );
  }
}
