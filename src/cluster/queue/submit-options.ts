// Apart from what uses BullMQ, whose types the package's own must not need.
import type { JobOptions } from '../../common/job.ts';
import type { Run } from '../run-job.ts';
import type { JobRecord } from '../store.ts';

/** How a run is watched. */
export interface SubmitOptions extends JobOptions {
  /** Share of the jobs that are done again on another machine, and compared. Default: none. */
  verify?: number;
  /** Called with each job that is done, awaited; `reused`: it was done before this call. */
  onJob?: (job: number, name: string, record: JobRecord, reused: boolean) => void | Promise<void>;
  /** Called with the run's name, by which it can be attached to. */
  onRun?: (run: Run) => void;
}
