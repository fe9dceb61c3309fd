export * from './errors.ts';
export type { JobOptions, Progress } from './job.ts';
export type { HeldOut, Market, Markets } from './markets.ts';
export { type DataWarning, type MarketFile, type ReadOptions, readMarkets, type Split } from './read-markets.ts';
export { type RowOptions, type RowSink, type RowSource, readRows } from './rows.ts';
export { computeStats, type MarketStats, type MarketsStats } from './stats.ts';
export { assembleGenerated, type GeneratedData, type GeneratedRows, type GenerateOptions, generateMarkets, type MarketShape } from './generate.ts';
