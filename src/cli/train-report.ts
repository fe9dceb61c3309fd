// What a training read, made and found, to read and to keep.
import { printable } from '../common/printable.ts';
import type { Markets } from '../data/markets.ts';
import { computeStats } from '../data/stats.ts';
import { formatBytes } from '../engine/memory.ts';
import type { StageReport } from '../engine/stage.ts';
import { evaluate } from '../evaluate/evaluate.ts';
import { type GainOptions, measureGain } from '../evaluate/gain.ts';
import type { Model } from '../model/model.ts';
import { loadModel } from '../models/load.ts';
import { kindNamed } from '../models/registry.ts';
import { describeTransfer } from '../models/sources.ts';
import { gainTables, type Titled } from './gain-tables.ts';
import { formatCount, formatPercent, formatTable } from './output.ts';
import type { FileKind } from './result-file.ts';

const HEAD = '# Training report of m3rec';

export const REPORT: FileKind = {
  what: 'a training report of m3rec',
  isOurs: (start) => start.toString('utf8').startsWith(HEAD),
};

/** What the report is about. */
export interface Trained {
  data: Markets;
  model: Model;
  stages: readonly StageReport[];
  seconds: number;
  /** The model file: its name, and what is in it. */
  file: string;
  encoded: Uint8Array;
  /** The held-out rows to rank: those that chose no epoch. */
  heldOut: string;
}

/**
 * The report as Markdown: the data, the model, its stages, what each market takes from the others and, if rows are held out, what the
 * markets give each other; for that it trains each market alone, and all without each.
 */
export async function trainReport(trained: Trained, options: Omit<GainOptions, 'heldOut' | 'shares'>): Promise<string> {
  const { data, model, stages, seconds, file, encoded } = trained;
  const { title } = kindNamed('model', model.kind);
  const transfer = describeTransfer(model.training);
  return [
    HEAD,
    `${printable(file)}: model \`${model.kind}\` (${title}), ${formatBytes(encoded.length)}, trained in ${seconds.toFixed(1)} s.`,
    '## Data',
    block(dataTable(data)),
    '## Stages',
    block(stageTable(stages)),
    ...(transfer.length > 0
      ? ['## What each market takes from the others', transfer.map((text) => `- ${printable(text)}`).join('\n')]
      : []),
    '## Held-out rows',
    ...(await heldOutBlocks(trained, options)),
    '## Options',
    block(optionTable(model.training.options)),
  ]
    .join('\n\n')
    .concat('\n');
}

const block = (table: string) => `\`\`\`text\n${table.trimEnd()}\n\`\`\``;

function dataTable(data: Markets): string {
  const { markets, merged } = computeStats(data);
  const lines = [...markets, { market: 'all', ...merged }].map(({ market, users, items, rows, sharedShare }) => [
    market,
    formatCount(users),
    formatCount(items),
    formatCount(rows),
    formatPercent(sharedShare, 1),
  ]);
  return formatTable(['market', 'users', 'items', 'rows', 'shared %'], lines);
}

function stageTable(stages: readonly StageReport[]): string {
  const lines = stages.map(({ stage, seconds, loss, peakBytes, detail }) => [
    stage,
    seconds.toFixed(2),
    loss === undefined ? '' : loss.toPrecision(5),
    formatBytes(peakBytes),
    detail,
  ]);
  return formatTable(['stage', 'seconds', 'loss', 'peak', ''], lines, [0, 4]);
}

function optionTable(options: unknown): string {
  const lines = Object.entries(options ?? {}).map(([name, value]) => [name, String(value)]);
  return formatTable(['option', 'value'], lines, [0, 1]);
}

async function heldOutBlocks(
  { data, encoded, heldOut }: Trained,
  options: Omit<GainOptions, 'heldOut' | 'shares'>,
): Promise<string[]> {
  if (!data.markets.some((market) => (market.heldOut[heldOut] ?? []).length > 0))
    return [`The data has no held-out rows named ${heldOut}, so nothing was ranked: \`m3rec split\` holds some out.`];
  const about = `Each held-out row of \`${heldOut}\` is ranked among sampled other items of its market (clean, 999 negatives).`;
  const titled = ({ title, table }: Titled) => `${title}:\n\n${block(table)}`;
  if (data.markets.length > 1) {
    const gain = await measureGain(data, { ...options, heldOut, shares: [] });
    return [about, ...gainTables(gain).map(titled)];
  }
  const recommender = await loadModel(encoded);
  try {
    const { markets } = await evaluate(recommender, data, { heldOut, signal: options.signal });
    const lines = markets.map(({ market, mrr, ndcg, hr, rows }) => [
      market,
      ...[mrr, ndcg, hr].map((share) => formatPercent(share)),
      formatCount(rows),
    ]);
    return [about, block(formatTable(['market', 'MRR@10 %', 'NDCG@10 %', 'HR@10 %', 'rows'], lines))];
  } finally {
    recommender.close();
  }
}
