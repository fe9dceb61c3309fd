import { type Command, InvalidArgumentError, Option } from 'commander';
import { measureGain } from '../../evaluate/gain.ts';
import { drawGain } from '../../evaluate/gain-plot.ts';
import { KINDS } from '../../models/registry.ts';
import { resolveOptions, type TrainOptions } from '../../train/options.ts';
import type { Context } from '../context.ts';
import { addDataOptions, DATA_ARGUMENT, type DataOptions, takeDataOptions } from '../data-options.ts';
import { gainTables } from '../gain-tables.ts';
import { heldOutOption, jsonOption, kindOptions, nonEmpty, threadsOption, whole } from '../options.ts';
import { formatJson, write } from '../output.ts';
import { readData } from '../read-data.ts';
import type { FileKind } from '../result-file.ts';

const PLOT: FileKind = {
  what: 'a plot of m3rec gain',
  isOurs: (start) => start.toString('utf8').includes('<desc>m3rec gain</desc>'),
};

type GainCommandOptions = DataOptions &
  Pick<TrainOptions, 'model' | 'preset'> & {
    heldOut: string;
    negatives: number | 'all';
    seed?: number;
    shares: number[];
    plot?: string;
    threads?: number;
    json?: boolean;
  };

export function addGain(program: Command, context: Context): void {
  const command = program
    .command('gain')
    .description('what markets give each other: each alone beside all, with one left out, and with fewer users')
    .argument('<data...>', DATA_ARGUMENT)
    .addOption(heldOutOption())
    .addOption(
      new Option('--shares <a,b>', 'also with these shares of a market’s users, the others whole')
        .argParser(sharesOf)
        .default([0.1, 0.3], '0.1,0.3'),
    )
    .addOption(
      new Option('--negatives <n>', 'sampled items to rank against, or "all"')
        .argParser((text) => (text === 'all' ? text : whole(1, 10_000_000)(text)))
        .default(999),
    )
    .addOption(
      new Option('--seed <n>', 'of the sampled items, and of the users that are left').argParser(whole(0, 0xffffffff)),
    )
    .addOption(new Option('--plot <file>', 'draw MRR by users, alone and with the others, as SVG').argParser(nonEmpty))
    .addOption(new Option('--model <kind>', 'what to train').choices(KINDS.map(({ name }) => name)))
    .addOption(kindOptions(KINDS).find((option) => option.attributeName() === 'preset')!)
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action((paths, options) => runGain(context, paths, options));
  addDataOptions(command, false);
}

async function runGain(context: Context, paths: readonly string[], options: GainCommandOptions): Promise<void> {
  const [rows, { heldOut, negatives, seed, shares, plot, threads, json, ...hyper }] = takeDataOptions(options);
  resolveOptions(hyper);
  const result = plot === undefined ? undefined : await context.openResult(plot, PLOT);
  const how = await context.threads(threads, false);
  const { markets } = await readData(context, paths, rows);
  const gain = await measureGain(markets, { ...context.job, ...how, heldOut, negatives, seed, shares, train: hyper });
  context.view.clear();
  if (result) {
    await result.write(drawGain(gain));
    await result.commit();
  }
  if (json) return write(formatJson(gain));
  await write(
    gainTables(gain)
      .map(({ title, table }) => `${title}\n${table}`)
      .join('\n'),
  );
}

function sharesOf(text: string): number[] {
  const shares = text === '' ? [] : text.split(',').map(Number);
  if (shares.some((share) => !(share > 0 && share < 1)))
    throw new InvalidArgumentError('Expected shares above 0 and below 1 with commas between them, as 0.03,0.1,0.3.');
  return shares;
}
