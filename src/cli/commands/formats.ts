import type { Command } from 'commander';
import { ROLES } from '../../data/columns.ts';
import { KNOWN_FILES, SELF_EXPLAINING } from '../../data/datasets.ts';
import type { Context } from '../context.ts';
import { jsonOption } from '../options.ts';
import { formatJson, formatTable, write } from '../output.ts';

export function addFormats(program: Command, _context: Context): void {
  program
    .command('formats')
    .description('list what is read: file formats, names of columns, published data sets')
    .addOption(jsonOption())
    .action(runFormats);
}

const KINDS = `Text with columns separated by a comma, tab, semicolon, pipe, :: or spaces, with a header or (--no-header) without;
JSON lines and arrays; Parquet. Compressed by gzip, zstd or zip. Text in UTF-8, in UTF-16 with a byte order mark,
or in the encoding that --encoding names.`;

async function runFormats({ json }: { json?: boolean }): Promise<void> {
  const columns = Object.entries(ROLES).map(([role, { spellings }]) => ({ role, names: spellings }));
  const dataSets = knownDataSets();
  if (json) return write(formatJson({ columns, dataSets }));
  await write(`${KINDS}\n\nNames of columns (case, blanks, _, - and . are ignored):\n`);
  await write(
    formatTable(
      ['for', 'names'],
      columns.map(({ role, names }) => [role, names.join(' ')]),
      [0, 1],
    ),
  );
  await write('\nPublished data sets, read as they are published:\n');
  await write(
    formatTable(
      ['data set', 'file', 'recognised by'],
      dataSets.map(({ dataset, example, how }) => [dataset, example, how]),
      [0, 1, 2],
    ),
  );
}

/** Every published data set that is read as it is, with an example of a file and how it is recognised. */
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
