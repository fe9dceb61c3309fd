import type { Command } from 'commander';
import { ROLES } from '../../data/columns.ts';
import { KNOWN_FILES, SELF_EXPLAINING } from '../../data/datasets.ts';
import type { Context } from '../context.ts';
import { jsonOption } from '../options.ts';
import { formatJson, formatTable, write } from '../output.ts';

export function addFormats(program: Command, _context: Context): void {
  program
    .command('formats')
    .description('what is read: kinds of files, names of columns, published data sets')
    .addOption(jsonOption())
    .action(runFormats);
}

const KINDS = `Text with a comma, tab, semicolon, pipe, :: or spaces between columns, with a header or (--no-header) without; JSON lines and
arrays; Parquet. Packed by gzip, zstd or zip. UTF-8, UTF-16 by its mark, others by --encoding.`;

async function runFormats({ json }: { json?: boolean }): Promise<void> {
  const columns = Object.entries(ROLES).map(([role, { spellings }]) => ({ role, names: spellings }));
  const dataSets = knownDataSets();
  if (json) return write(formatJson({ columns, dataSets }));
  await write(`${KINDS}\n\nColumns, in any case, blanks, _, - and . left out:\n`);
  await write(
    formatTable(
      ['for', 'names'],
      columns.map(({ role, names }) => [role, names.join(' ')]),
      [0, 1],
    ),
  );
  await write('\nPublished data sets, as they are published:\n');
  await write(
    formatTable(
      ['data set', 'file', 'known by'],
      dataSets.map(({ dataset, example, how }) => [dataset, example, how]),
      [0, 1, 2],
    ),
  );
}

/** Every published data set that is read as it is, with the name of a file and how it is known. */
function knownDataSets(): { dataset: string; example: string; how: string }[] {
  const byName = KNOWN_FILES.map(({ dataset, example, columns, named, dates }) => ({
    dataset,
    example,
    how: columns
      ? `its name; columns ${columns.map((role) => role ?? '-').join(', ')}`
      : named
        ? `its name; ${Object.entries(named)
            .map(([role, name]) => `${role} = ${name}`)
            .join(', ')}`
        : `its header${dates ? '; its name says month/day/year' : ''}`,
  }));
  return [...byName, ...SELF_EXPLAINING].sort((a, b) => (a.dataset < b.dataset ? -1 : a.dataset > b.dataset ? 1 : 0));
}
