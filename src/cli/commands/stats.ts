import { type Command, Option } from 'commander';
import { isTrainingRow } from '../../data/markets.ts';
import { computeStats, type MarketStats } from '../../data/stats.ts';
import type { Context } from '../context.ts';
import { addDataOptions, DATA_ARGUMENT, type DataOptions } from '../data-options.ts';
import { jsonOption } from '../options.ts';
import { formatCount, formatCounted, formatJson, formatPercent, formatTable, write } from '../output.ts';
import { readData } from '../read-data.ts';
import { writeConfig } from '../write-config.ts';

export function addStats(program: Command, context: Context): void {
  const command = program
    .command('stats')
    .description('count users, items, rows and shared items, per market and merged')
    .argument('<data...>', DATA_ARGUMENT)
    .addOption(jsonOption())
    .addOption(new Option('--write-config', 'write what was recognised to a m3rec.json next to the data'))
    .action((paths, options) => runStats(context, paths, options));
  addDataOptions(command);
}

interface StatsOptions extends DataOptions {
  json?: boolean;
  writeConfig?: boolean;
}

async function runStats(context: Context, paths: readonly string[], options: StatsOptions): Promise<void> {
  const { markets: data, recognised, warnings } = await readData(context, paths, options, { describeAll: true });
  if (options.writeConfig) for (const file of await writeConfig(paths, recognised)) context.message(`wrote ${file}`);
  const duplicates = new Map<string, number>();
  for (const { kind, market, count } of warnings)
    if (kind === 'duplicate' && market !== undefined) duplicates.set(market, count);
  for (const market of data.markets)
    for (const [name, rows] of Object.entries(market.heldOut)) {
      const leaked = rows.filter((row) => isTrainingRow(market, row)).length;
      if (leaked > 0)
        context.message(
          `warning: ${paths.join(', ')}: market ${market.name}: ${formatCounted(leaked, `${name} row`)} of ${formatCount(rows.length)} that are training rows too; evaluate leaves them out`,
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
