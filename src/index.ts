export * from './errors.ts';
export { type Comparison, compare, type EvaluateOptions, type Evaluation, evaluate, type MarketEvaluation, type Metrics } from './evaluate.ts';
export { type ExportOptions, exportModel } from './export.ts';
export { decodeModel, encodeModel, FORMAT_VERSION, inspectModel, type ModelInfo, type SectionInfo, type SectionName } from './format.ts';
export { assembleGenerated, type GeneratedData, type GeneratedRows, type GenerateOptions, generateMarkets, type MarketShape } from './generate.ts';
export { init } from './init.ts';
export type { JobOptions, Progress } from './job.ts';
export type { KernelSource } from './kernels.ts';
export type { HeldOut, Market, Markets } from './markets.ts';
export type { MarketModel, Model } from './model.ts';
export { type Mix, type ResolvedOptions, resolveOptions, type TrainOptions } from './options.ts';
export { type Availability, MAX_THREADS, startThreads, type ThreadedKernels, type ThreadOptions, type WorkerEvents, type WorkerHandle, type Workers } from './pool.ts';
export { type DataWarning, type MarketFile, type ReadOptions, readMarkets, type Split } from './read-markets.ts';
export {
  type Contribution,
  LOWEST_SCORE,
  loadModel,
  type Ranked,
  type RankQuery,
  type Recommendation,
  type Recommendations,
  Recommender,
  type RecommendQuery,
  type Subject,
} from './recommend.ts';
export { type RowOptions, type RowSink, type RowSource, readRows } from './rows.ts';
export { createHandler, DEFAULT_LIMITS, type Handler, type ServeLimits, type ServeOptions } from './serve.ts';
export { computeStats, type MarketStats, type MarketsStats } from './stats.ts';
export type { ScaledTable, Table, TableType } from './table.ts';
export { type StageReport, type TrainJobOptions, train } from './train.ts';
export { ADDED_SHARE, type Additions, NO_VECTOR_SHARE, RESIDUAL_TOLERANCE, type Updated, type UpdateOptions, update } from './update.ts';
