import type { Command } from 'commander';
import { formatBytes } from '../../engine/memory.ts';
import { inspectModel } from '../../models/file.ts';
import { describeTransfer } from '../../models/sources.ts';
import type { Context } from '../context.ts';
import { describeVariant } from '../file-parts.ts';
import { jsonOption } from '../options.ts';
import { formatCount, formatJson, formatTable, write } from '../output.ts';

export function addInspect(program: Command, context: Context): void {
  program
    .command('inspect')
    .description('show what is in a model file')
    .argument('<file>', 'the model file')
    .addOption(jsonOption())
    .action((path, options) => runInspect(context, path, options));
}

async function runInspect(context: Context, path: string, { json }: { json?: boolean }): Promise<void> {
  const info = await context.openModel(path, inspectModel);
  if (json) return write(formatJson(info));
  await write(
    `${info.kind} model, format version ${info.version}, ${info.dim > 0 ? `${info.dim} dimensions, ` : ''}${formatBytes(info.bytes)}\n${describeVariant(info)}\n\n`,
  );
  await write(
    formatTable(
      ['market', 'items', 'users'],
      info.markets.map((market) => [market.name, formatCount(market.items), formatCount(market.users)]),
    ),
  );
  for (const sentence of describeTransfer(info.training)) await write(`${sentence}\n`);
  await write('\n');
  await write(
    formatTable(
      ['section', 'market', 'dtype', 'rows', 'cols', 'bytes', 'checksum'],
      info.sections.map((section) => [
        section.kind,
        section.market ?? '',
        section.dtype,
        formatCount(section.rows),
        formatCount(section.cols),
        formatCount(section.bytes),
        section.checksum.toString(16).padStart(8, '0'),
      ]),
      [0, 1, 2],
    ),
  );
  const training = Object.entries(info.training).flatMap(([name, value]) => settings(name, value));
  if (training.length > 0) await write(`\n${formatTable(['training', ''], training, [0, 1])}`);
}

/** One line for each value: members of an object by their path, elements of a list by their index. */
function settings(name: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) return value.map((element, i) => [`${name}[${i}]`, JSON.stringify(element)]);
  if (typeof value !== 'object' || value === null) return [[name, String(value)]];
  return Object.entries(value).flatMap(([member, inner]) => settings(`${name}.${member}`, inner));
}
