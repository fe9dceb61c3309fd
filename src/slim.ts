/**
 * `m3rec/slim`: all of `m3rec` without the embedded kernels, for a page that fetches `kernels.wasm`: call `init` first.
 * @module m3rec/slim
 */
export {
  AbortedError,
  ArgumentError,
  ClosedError,
  DataError,
  M3RecError,
  MemoryError,
  ModelFileError,
  UnseenUserError,
  WorkerError,
} from './common/errors.ts';
export type { JobOptions, Progress, Step } from './common/job.ts';
export { type Assortment, purchases, withAssortment } from './data/assortment.ts';
export type { Split } from './data/file-names.ts';
export { chooseFiles, type FolderFile, type FolderOptions, filesOfZip } from './data/folder.ts';
export {
  assembleGenerated,
  type GeneratedData,
  type GeneratedRows,
  type GenerateOptions,
  generateMarkets,
  type MarketShape,
} from './data/generate.ts';
export { type ItemOptions, type ItemProperties, readItems } from './data/items.ts';
export { type MarketFileText, marketFiles } from './data/market-files.ts';
export type { HeldOut, Market, Markets } from './data/markets.ts';
export { type MarketFile, type ReadOptions, readMarkets } from './data/read-markets.ts';
export { describe, type Recognised } from './data/recognised.ts';
export { type ReadingOptions, type RowOptions, type RowSink, readRows } from './data/rows.ts';
export { withFewerUsers } from './data/scarce.ts';
export type { OpenTable, RandomAccess, RowSource, RowTable } from './data/source.ts';
export {
  type MarketSplit,
  type SplitCounts,
  type SplitMethod,
  type SplitOptions,
  type SplitReport,
  splitMarkets,
} from './data/split.ts';
export { computeStats, type MarketStats, type MarketsStats } from './data/stats.ts';
export type { DataWarning } from './data/warnings.ts';
export { init } from './engine/init.ts';
export type { KernelSource } from './engine/source.ts';
export type { StageReport } from './engine/stage.ts';
export { type CompareOptions, type Comparison, compare, type Difference, meanDifference } from './evaluate/compare.ts';
export {
  type Cutoff,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type GroupEvaluation,
  type MarketEvaluation,
  type Metrics,
  type RowResult,
} from './evaluate/evaluate.ts';
export {
  type Beside,
  evaluateScarce,
  type Gain,
  type GainOptions,
  type MarketGain,
  measureGain,
  type ScarceEvaluation,
  type ScarceGain,
  type ScarceOptions,
} from './evaluate/gain.ts';
export { drawGain } from './evaluate/gain-plot.ts';
export type { ListEvaluation } from './evaluate/lists.ts';
export { type Estimate, METRICS, type Metric } from './evaluate/metrics.ts';
export {
  asPublished,
  type CandidateLists,
  candidateLists,
  clean,
  type Draw,
  type PoolRow,
  PROTOCOLS,
  type Protocol,
} from './evaluate/protocols.ts';
export { FORMAT_VERSION, type ModelInfo, type SectionInfo } from './model/file.ts';
export type { MarketModel, Model } from './model/model.ts';
export type { ScaledTable, Table, TableType } from './model/table.ts';
export { bitgcf as SERVED_BITGCF } from './models/bitgcf/served.ts';
export { bpr as SERVED_BPR } from './models/bpr/served.ts';
export { ease as SERVED_EASE } from './models/ease/served.ts';
export { edlae as SERVED_EDLAE } from './models/edlae/served.ts';
export { type ExportOptions, exportModel } from './models/export.ts';
export { decodeModel, encodeModel, inspectModel } from './models/file.ts';
export { ials as SERVED_IALS } from './models/ials/served.ts';
export { itemDataOf, withItemData } from './models/item-data.ts';
export { item2vec as SERVED_ITEM2VEC } from './models/item2vec/served.ts';
export { itemknn as SERVED_ITEMKNN } from './models/itemknn/served.ts';
export type { ModelKind } from './models/kind.ts';
export { lightgcn as SERVED_LIGHTGCN } from './models/lightgcn/served.ts';
export { type LoadOptions, loadModel, loadModelOf } from './models/load.ts';
export type { Mix } from './models/m3rec/options.ts';
export { m3rec as SERVED_M3REC } from './models/m3rec/served.ts';
export type { ChoiceOption, NumberOption, OptionSpec, OptionTable } from './models/options.ts';
export { p3alpha as SERVED_P3ALPHA } from './models/p3alpha/served.ts';
export { popularity as SERVED_POPULARITY } from './models/popularity/served.ts';
export { randomwalk as SERVED_RANDOMWALK } from './models/randomwalk/served.ts';
export { Recommender } from './models/recommender.ts';
export { KINDS, type KindName } from './models/registry.ts';
export { rp3beta as SERVED_RP3BETA } from './models/rp3beta/served.ts';
export type { ServedKind } from './models/served-kind.ts';
export { slim as SERVED_SLIM } from './models/slim/served.ts';
export type { ModelSource } from './models/source.ts';
export { transfer as SERVED_TRANSFER } from './models/transfer/served.ts';
export {
  type Contribution,
  LOWEST_SCORE,
  type Ranked,
  type RankQuery,
  type Recommendation,
  type Recommendations,
  type RecommendQuery,
  type Subject,
} from './recommend/query.ts';
export { createHandler, type Handler, type ServeOptions } from './serve/handler.ts';
export { DEFAULT_LIMITS, type ServeLimits } from './serve/limits.ts';
export {
  type Availability,
  MAX_THREADS,
  startThreads,
  type ThreadedKernels,
  type ThreadOptions,
  type WorkerEvents,
  type WorkerHandle,
  type Workers,
} from './threads/pool.ts';
export { type ResolvedOptions, resolveOptions, type TrainOptions, trainOptionsOf } from './train/options.ts';
export { type TrainJobOptions, train } from './train/train.ts';
export {
  ADDED_SHARE,
  type Additions,
  NO_VECTOR_SHARE,
  RESIDUAL_TOLERANCE,
  type Updated,
  type UpdateOptions,
  update,
} from './train/update.ts';
