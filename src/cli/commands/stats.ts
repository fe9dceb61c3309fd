import type { Command } from 'commander';
import { isTrainingRow } from '../../data/markets.ts';
import { computeStats, type MarketStats } from '../../data/stats.ts';
import type { Context } from '../context.ts';
import { type DataOptions, jsonOption, marketsOption, minRatingOption } from '../options.ts';
import { formatCount, formatCounted, formatJson, formatPercent, formatTable, write } from '../output.ts';

export function addStats(program: Command, context: Context): void {
  program
    .command('stats')
    .description('users, items, rows and shared items, per market and merged')
    .argument('<dir>', 'the data')
    .addOption(minRatingOption())
    .addOption(marketsOption())
    .addOption(jsonOption())
    .action((path, options) => runStats(context, path, options));
}

async function runStats(context: Context, path: string, options: DataOptions & { json?: boolean }): Promise<void> {
  const duplicates = new Map<string, number>();
  const data = await context.readData(path, options, ({ kind, market, count }) => {
    if (kind === 'duplicate' && market !== undefined) duplicates.set(market, count);
  });
  for (const market of data.markets)
    for (const [name, rows] of Object.entries(market.heldOut)) {
      const leaked = rows.filter((row) => isTrainingRow(market, row)).length;
      if (leaked > 0)
        context.message(
          `warning: ${path}: market ${market.name}: ${formatCounted(leaked, `${name} row`)} of ${formatCount(rows.length)} that are training rows too`,
        );
    }
  const { markets, merged } = computeStats(data);
  const withRead = markets.map((market) => ({
    ...market,
    rowsRead: market.rows + (duplicates.get(market.market) ?? 0),
  }));
  const total = { ...merged, rowsRead: withRead.reduce((sum, market) => sum + market.rowsRead, 0) };
  if (options.json) return write(formatJson({ markets: withRead, merged: total }));
  const splits = Object.keys(merged.heldOut);
  const offered = markets.some(({ boughtElsewhere, neverBought }) => boughtElsewhere + neverBought > 0);
  const row = (name: string, s: MarketStats & { rowsRead: number }) => [
    name,
    formatCount(s.users),
    formatCount(s.items),
    ...(offered ? [formatCount(s.boughtElsewhere), formatCount(s.neverBought)] : []),
    formatCount(s.rowsRead),
    formatCount(s.rows),
    formatPercent(s.sharedShare, 1),
    formatPercent(s.density, 3),
    ...splits.map((split) => formatCount(s.heldOut[split] ?? 0)),
  ];
  const table = [...withRead.map((market) => row(market.market, market)), row('merged', total)];
  const items = ['items', ...(offered ? ['bought elsewhere', 'never bought'] : [])];
  await write(
    formatTable(['market', 'users', ...items, 'rows', 'unique rows', 'shared %', 'density %', ...splits], table),
  );
}
