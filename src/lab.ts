/**
 * `m3rec/lab`: experiments over models, grids and seeds, their statistics and reports, on every host.
 * @module m3rec/lab
 */
export { type Estimate, estimate, METRICS, type Metric } from './evaluate/metrics.ts';
export {
  type BootstrapOptions,
  bootstrap,
  holm,
  type TTest,
  tTest,
  type Wilcoxon,
  wilcoxon,
} from './evaluate/statistics.ts';
export {
  type CompareRanksOptions,
  compareRanks,
  type MarketRanks,
  type PairedDifference,
} from './lab/compare-ranks.ts';
export { type CheckedExperiment, checkExperiment, type Experiment } from './lab/experiment.ts';
export { type PlannedTrial, planTrials } from './lab/plan.ts';
export { type RankedPart, readRanks } from './lab/ranks.ts';
export { type Reports, reportsOf } from './lab/reports.ts';
export {
  memoryTrials,
  type PreparedExperiment,
  prepareExperiment,
  runTrials,
  type TrialLine,
  type TrialStore,
} from './lab/run.ts';
export { experimentSchema } from './lab/schema.ts';
export { type LocalOptions, localExecutor } from './threads/local-executor.ts';
export {
  type BlobStore,
  type Executor,
  jsonCodec,
  memoryBlobs,
  type Work,
  type WorkContext,
  type WorkKind,
} from './threads/work.ts';
