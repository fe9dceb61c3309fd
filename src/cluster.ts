/**
 * `m3rec/cluster`: trainings, batches and evaluations as plans of jobs that any number of machines do, on a queue, under
 * a scheduler, or in this process; the same bytes.
 * @module m3rec/cluster
 */
import { embeddedKernels } from './engine/embedded.ts';
import { embedKernels } from './engine/init.ts';

export { BlobError, DeterminismError, InputMissingError } from './cluster/errors.ts';
export { isKnown } from './cluster/jobs/registry.ts';
export { levels, type Plan, type PlannedJob, parsePlan, planText } from './cluster/plan.ts';
export { planEvaluate } from './cluster/plans/evaluate.ts';
export { planRecommend } from './cluster/plans/recommend.ts';
export { planTraining } from './cluster/plans/train.ts';
export { clusterExecutor } from './cluster/queue/executor.ts';
export { type Cluster, openCluster } from './cluster/queue/open-cluster.ts';
export { type StartedWorker, startWorker, type WorkerEvent, type WorkerOptions } from './cluster/queue/worker.ts';
export { type JobOutcome, Run, resultOf, runJob, runPlan, verifyJob } from './cluster/run-job.ts';
export { cancelRun } from './cluster/runs.ts';
export { type ClusterStatus, statusOf } from './cluster/status.ts';
export { type JobRecord, Store } from './cluster/store.ts';
export { openStoreAt } from './cluster/stores/open-store.ts';
export { Warm } from './cluster/warm.ts';
export { FolderFiles } from './node/folder-files.ts';

embedKernels(embeddedKernels);
