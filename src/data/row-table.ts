// Rows that something else has cut into values: of a database.
import { columnAt, findColumns, missingColumns, type Role } from './columns.ts';
import { chosenColumns } from './datasets.ts';
import type { LayoutOptions, Wanted } from './recognise.ts';
import type { RowTable } from './source.ts';
import { keysOf, type TableSink } from './table-sink.ts';

/** Where the wanted columns of a table with names are. */
export interface NamedColumns {
  /** Position from 0 of each role and each named column (`=name`). */
  at: Record<string, number>;
  /** The name of each role's column, for `Recognised`. */
  columns: Record<string, string>;
  twice: string[];
}

/**
 * The columns of a table that has names and no text.
 * @throws DataError where one that is needed is missing.
 */
export function namedColumns(
  names: readonly string[],
  wanted: Wanted,
  options: LayoutOptions,
  fileName: string,
): NamedColumns {
  const chosen = chosenColumns(fileName, options.columns);
  const found = findColumns(names, wanted.roles, chosen);
  const missing = wanted.needed.filter((role) => found.at[role] === undefined);
  const noColumn = (roles: readonly string[]) => {
    const bare: Record<string, Role> = Object.fromEntries(roles.map((role) => [role, { label: role, spellings: [] }]));
    return missingColumns(fileName, 0, roles, names, { ...bare, ...wanted.roles }, chosen);
  };
  if (missing.length > 0) throw noColumn(missing);
  const at: Record<string, number> = { ...found.at };
  for (const name of wanted.named ?? []) {
    const column = columnAt(names, /^\d+$/.test(name) ? Number(name) : name);
    if (column === undefined) throw noColumn([name]);
    at[`=${name}`] = column;
  }
  const columns = Object.fromEntries(Object.entries(found.at).map(([role, column]) => [role, names[column]]));
  return { at, columns, twice: found.twice };
}

/**
 * Streams the rows of a table.
 * @param tick is told how many rows were read.
 * @throws DataError for a missing column, and as the table does.
 */
export async function readRowTable(
  table: RowTable,
  fileName: string,
  wanted: Wanted,
  options: LayoutOptions,
  sink: TableSink,
  tick: (rows: number) => Promise<void>,
): Promise<void> {
  const { names, batches, close } = await table.open();
  try {
    const { at, columns, twice } = namedColumns(names, wanted, options, fileName);
    const keys = keysOf(wanted).filter((key) => at[key] !== undefined);
    sink.start(
      { file: fileName, format: 'database', containers: [], header: true, columns, twice, prelude: 0 },
      Object.fromEntries(keys.map((key, place) => [key, place])),
    );
    const values = keys.map(() => '');
    let row = 0;
    for await (const batch of batches) {
      for (const cells of batch) {
        row++;
        let bad: string | undefined;
        for (const [place, key] of keys.entries()) {
          const text = textOf(cells[at[key]]);
          if (text === undefined) bad = names[at[key]];
          else values[place] = text;
        }
        if (bad !== undefined) sink.bad(`${bad} is not text, a number or a time`, row);
        else sink.row(values, row, true);
      }
      await tick(row);
    }
  } finally {
    await close();
  }
}

/** A value as text, empty for none; undefined for what is no value of a row's column. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isNaN(value) ? '' : String(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  return undefined;
}
