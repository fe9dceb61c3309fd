export * from './errors.ts';
export type { JobOptions, Progress } from './job.ts';
export type { HeldOut, Market, Markets } from './markets.ts';
export { type DataWarning, type MarketFile, type ReadOptions, readMarkets, type Split } from './read-markets.ts';
export { type RowOptions, type RowSink, type RowSource, readRows } from './rows.ts';
export { computeStats, type MarketStats, type MarketsStats } from './stats.ts';
export { assembleGenerated, type GeneratedData, type GeneratedRows, type GenerateOptions, generateMarkets, type MarketShape } from './generate.ts';
export { decodeModel, encodeModel, FORMAT_VERSION, inspectModel, type ModelInfo, type SectionInfo, type SectionName } from './format.ts';
export { init } from './init.ts';
export type { KernelSource } from './kernels.ts';
export type { MarketModel, Model } from './model.ts';
export {
  type Contribution,
  LOWEST_SCORE,
  loadModel,
  type RankQuery,
  type Ranked,
  Recommender,
  type Recommendation,
  type Recommendations,
  type RecommendQuery,
  type Subject,
} from './recommend.ts';
export { compare, type Comparison, evaluate, type EvaluateOptions, type Evaluation, type MarketEvaluation, type Metrics } from './evaluate.ts';
export { type Mix, type ResolvedOptions, resolveOptions, type TrainOptions } from './options.ts';
export { type StageReport, train, type TrainJobOptions } from './train.ts';
